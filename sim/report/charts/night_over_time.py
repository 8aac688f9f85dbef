"""Where everybody is through the night."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from sim.report.charts.axes import frame_y
from sim.report.charts.chart import Chart
from sim.report.style import (
    GREY,
    INK,
    TEXT_PT,
    VERMILLION,
    Margins,
    drawing,
    panels,
    shortened,
    text_in,
)
from sim.report.view import View

PLAYING, STUCK, OUTSIDE = "#8fc0e0", VERMILLION, "#a9a9a9"

STACK = (
    ("chart-night-playing", PLAYING, ["watching"]),
    ("chart-night-stalled", STUCK, ["stalled"]),
    ("chart-night-getting-in", OUTSIDE, ["starting", "waiting"]),
)
"""Message, colour and the columns of the time series that are stacked, from below."""

POINTS = 360
"""At most so many points a line: longer nights are averaged over wider bins."""

MOST_TICKS = 8

HEADING_PT = 10.5


@dataclass(frozen=True)
class Panel:
    """One vendor's night."""

    vendor: str
    curves: pd.DataFrame
    """Viewers by time_s, a column a metric."""
    marks: list[tuple[float, str]]
    """What happens: (minute, words), in order of time."""
    levels: list[int]
    """The line above the curves on which each mark's words stand."""

    @property
    def highest(self) -> float:
        """Most viewers there are, or would be."""
        there = self.curves[[c for _, _, several in STACK for c in several]]
        return float(max(there.sum(axis="columns").max(), self.curves["offered"].max()))


def _draw(view: View, width_in: float) -> Figure:
    """Where everybody is through the night at its peak, a panel per vendor."""
    words = view.words
    series = view.table("timeseries", peak_viewers=view.peak)
    there = set(series["vendor"])
    names = {v: name for v, name in view.names.items() if v in there}
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    panel_in = width_in / columns - 0.86
    minutes = (view.scenario.promotion.duration_s or float(series["time_s"].max())) / 60
    shown = [_panel(view, v, series, minutes, panel_in) for v in names]
    key = [(words(said), hue, False) for said, hue, _ in STACK]
    with drawing():
        figure, grid = panels(
            width_in, words("chart-night-question"), _about(view, series, names), len(names),
            1.75 if len(names) > 2 else 2.2,
            Margins(left=0.66, right=0.2, top=0.46, bottom=0.58),
            columns,
            key=[*key, (words("chart-night-offered"), INK, True)],
        )  # fmt: skip
        room = 1.0 + 0.1 * (1 + max((n for panel in shown for n in panel.levels), default=-1))
        high = max(panel.highest for panel in shown)
        for axes, panel in zip(grid, shown, strict=True):
            frame_y(axes, words.count, high, room=room)
            axes.set_xlim(0, minutes)
            axes.xaxis.set_major_locator(FixedLocator(_minutes(minutes, panel_in)))
            axes.xaxis.set_minor_locator(NullLocator())
            _night(axes, view, panel, minutes)
            for (minute, text), level in zip(panel.marks, panel.levels, strict=True):
                _mark(axes, minute, text, level, minutes, panel_in)
            _name(axes, view, shortened(names[panel.vendor], panel_in, HEADING_PT))
        return figure


def _about(view: View, series: pd.DataFrame, names: dict[str, str]) -> str:
    words, nights = view.words, int(series["replication"].nunique())
    broken = any(view.scenario.incidents_of(vendor) for vendor in names)
    return words.paragraph(
        [
            words("chart-night-about", viewers=view.peak, nights=nights),
            words("chart-night-missing"),
            words("chart-night-incident") if broken else "",
        ]
    )


def _panel(view: View, vendor: str, series: pd.DataFrame, minutes: float, panel_in: float) -> Panel:
    marks = _marks(view, vendor, minutes)
    curves = _through_the_night(series[series["vendor"] == vendor])
    return Panel(vendor, curves, marks, _levels(marks, minutes, panel_in))


def _night(axes: Axes, view: View, panel: Panel, minutes: float) -> None:
    """Viewers who are there, who would be on a perfect night, and what is broken when."""
    x = panel.curves.index.to_numpy() / 60
    axes.stackplot(
        x, *(panel.curves[several].sum(axis="columns") for _, _, several in STACK),
        colors=[hue for _, hue, _ in STACK], linewidth=0,
    )  # fmt: skip
    axes.plot(x, panel.curves["offered"], color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
    for incident in view.scenario.incidents_of(panel.vendor):
        start = incident.time_s / 60
        axes.axvspan(
            start, min(start + incident.duration_s / 60, minutes), facecolor="none",
            edgecolor=INK, hatch="////", alpha=0.5, linewidth=0, label="incident",
        )  # fmt: skip


def _name(axes: Axes, view: View, name: str) -> None:
    """The vendor above its panel, and what its axes count."""
    words, starts = view.words, view.scenario.promotion.starts_at
    axes.set_title(name, loc="left", size=HEADING_PT, color=INK, weight="bold", pad=18)
    axes.annotate(
        words("chart-night-axis"), (0, 1), xycoords="axes fraction", xytext=(0, 6),
        textcoords="offset points", color=GREY, annotation_clip=False,
    )  # fmt: skip
    axes.set_xlabel(words("chart-minutes", time=f"{starts:%H:%M}"))


def _marks(view: View, vendor: str, minutes: float) -> list[tuple[float, str]]:
    """What the script and the incidents do: (minute, words), in order of time."""
    words, script = view.words, view.scenario.promotion
    marks = [(d.time_s / 60, d.name) for d in script.drops]
    for leave in script.mass_exit if view.scenario.audience.file is None else ():
        said = words("chart-night-exit")
        if leave.cohort:
            said = words("chart-night-exit-of", cohort=leave.cohort)
        marks.append((leave.time_s / 60, said))
    marks += [(i.time_s / 60, i.name) for i in view.scenario.incidents_of(vendor)]
    return sorted(mark for mark in marks if mark[0] <= minutes)


def _levels(marks: list[tuple[float, str]], minutes: float, panel_in: float) -> list[int]:
    """The line above the curves on which each mark's words stand, so that none overlap."""
    taken: list[float] = []
    levels = []
    for minute, text in marks:
        left, right = _span(minute, text, minutes, panel_in)
        level = next((n for n, end in enumerate(taken) if end <= left), len(taken))
        if level == len(taken):
            taken.append(0.0)
        taken[level] = right + 0.1
        levels.append(level)
    return levels


def _span(minute: float, text: str, minutes: float, panel_in: float) -> tuple[float, float]:
    """Where a mark's words stand, in inches from the panel's left: right of their line or left."""
    at = minute / minutes * panel_in
    wide = text_in(text, TEXT_PT - 1.5) + 0.06
    return (at, at + wide) if at + wide <= panel_in or at < panel_in / 2 else (at - wide, at)


def _mark(
    axes: Axes, minute: float, text: str, level: int, minutes: float, panel_in: float
) -> None:
    at = minute / minutes * panel_in
    left, _ = _span(minute, text, minutes, panel_in)
    rightwards = left >= at
    room = panel_in - at if rightwards else at
    axes.axvline(minute, color=INK, linewidth=0.7, linestyle=(0, (1, 2)))
    axes.annotate(
        shortened(text, room - 0.05, TEXT_PT - 1.5), (minute, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(3 if rightwards else -3, -1 - level * 11), textcoords="offset points",
        size=TEXT_PT - 1.5, color=GREY, va="top", ha="left" if rightwards else "right",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


def _minutes(length: float, panel_in: float) -> list[float]:
    """Round minutes that fit under the panel."""
    steps = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480, 960)
    most = min(MOST_TICKS, panel_in / 0.45)
    step = next((s for s in steps if length / s <= most), steps[-1])
    return [float(m) for m in range(0, int(length) + 1, step)]


def _through_the_night(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over nights: a row a time (at most POINTS), a column a metric (0 where not metered)."""
    metrics = ["offered", *(c for _, _, several in STACK for c in several)]
    wide = rows.pivot_table(index="time_s", columns="metric", values="value", aggfunc="mean")
    wide = wide.reindex(columns=metrics).fillna(0.0).reset_index()
    coarse = wide.groupby(wide.index // -(-max(1, len(wide)) // POINTS)).mean()
    return coarse.set_index("time_s")


NIGHT_OVER_TIME = Chart(
    "night_over_time", "charts", lambda view: not view.table("timeseries").empty, _draw
)
