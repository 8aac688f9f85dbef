"""Where everybody is through the night."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sim.report import number_format as fmt
from sim.report.charts.axes import frame_y
from sim.report.style import (
    GREY,
    INK,
    TEXT_PT,
    VERMILLION,
    WIDE_IN,
    Margins,
    drawing,
    panels,
    shortened,
    text_in,
)
from sim.report.tables import Frames, night_peak, table, vendors
from sim.scenario import Scenario

PLAYING, STUCK, OUTSIDE = "#8fc0e0", VERMILLION, "#a9a9a9"

STACK = (
    ("playing", PLAYING, ("watching",)),
    ("stalled", STUCK, ("stalled",)),
    ("getting in", OUTSIDE, ("starting", "waiting")),
)
"""Words, colour and the columns of the time series that are stacked, from below."""

POINTS = 360
"""At most so many points a line: longer nights are averaged over wider bins."""

MOST_TICKS = 8


def night_over_time(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """Where everybody is through the night at its peak, a panel per vendor."""
    peak = night_peak(frames)
    series = table(frames, "timeseries", peak_viewers=peak)
    names = {v: s for v, s in vendors(frames, scenario).items() if v in set(series["vendor"])}
    nights = int(series["replication"].nunique())
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    about = f"{fmt.count(peak)} viewers at the peak"
    about += f", mean of {nights} nights. " if nights > 1 else ", one night. "
    about += "Viewers missing under the dashed line have left or were turned away."
    if any(scenario.incidents_of(vendor) for vendor in names):
        about += " Hatched: an incident."
    perfect = "would be there on a perfect night"
    with drawing():
        figure, grid = panels(
            width_in, "Where are the viewers through the night?", about, len(names),
            1.75 if len(names) > 2 else 2.2,
            Margins(left=0.66, right=0.2, top=0.46, bottom=0.58),
            columns,
            key=[(said, hue, False) for said, hue, _ in STACK] + [(perfect, INK, True)],
        )  # fmt: skip
        panel_in = width_in / columns - 0.86
        length = scenario.promotion.duration_s or float(series["time_s"].max())
        minutes = length / 60
        wide = {v: _through_the_night(series[series["vendor"] == v]) for v in names}
        marks = {v: _marks(scenario, v, minutes) for v in names}
        levels = {v: _levels(m, minutes, panel_in) for v, m in marks.items()}
        room = 1.0 + 0.1 * (1 + max((n for some in levels.values() for n in some), default=-1))
        parts = [c for _, _, several in STACK for c in several]
        high = max(
            float(max(w[parts].sum(axis="columns").max(), w["offered"].max()))
            for w in wide.values()
        )
        for axes, (vendor, name) in zip(grid, names.items(), strict=True):
            mine = wide[vendor]
            x = mine.index.to_numpy() / 60
            frame_y(axes, high, room=room)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: fmt.count(y)))
            axes.set_xlim(0, minutes)
            axes.xaxis.set_major_locator(FixedLocator(_minutes(minutes, panel_in)))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.stackplot(
                x, *(mine[list(several)].sum(axis="columns") for _, _, several in STACK),
                colors=[hue for _, hue, _ in STACK], linewidth=0,
            )  # fmt: skip
            axes.plot(x, mine["offered"], color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
            for incident in scenario.incidents_of(vendor):
                start = incident.time_s / 60
                axes.axvspan(
                    start, min(start + incident.duration_s / 60, minutes), facecolor="none",
                    edgecolor=INK, hatch="////", alpha=0.5, linewidth=0, label="incident",
                )  # fmt: skip
            for (minute, text), level in zip(marks[vendor], levels[vendor], strict=True):
                _mark(axes, minute, text, level, minutes, panel_in)
            axes.set_title(
                shortened(name, panel_in, 10.5), loc="left", size=10.5, color=INK,
                weight="bold", pad=18,
            )  # fmt: skip
            axes.annotate(
                "viewers", (0, 1), xycoords="axes fraction", xytext=(0, 6),
                textcoords="offset points", color=GREY, annotation_clip=False,
            )  # fmt: skip
            axes.set_xlabel(f"minutes from the start at {scenario.promotion.starts_at:%H:%M}")
        return figure


def _marks(scenario: Scenario, vendor: str, minutes: float) -> list[tuple[float, str]]:
    """What the script and the incidents do: (minute, words), in order of time."""
    script = scenario.promotion
    marks = [(d.time_s / 60, d.name) for d in script.drops]
    for leave in script.mass_exit:
        whose = f" of {leave.cohort}" if leave.cohort else ""
        marks.append((leave.time_s / 60, f"mass exit{whose}"))
    marks += [(i.time_s / 60, i.name) for i in scenario.incidents_of(vendor)]
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
