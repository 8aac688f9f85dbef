"""The charts: each answers one question, and the question is its title."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from sim.record import WORLDS
from sim.report import words
from sim.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALE,
    TEXT_PT,
    VERMILLION,
    WIDE_IN,
    Margins,
    colour,
    dashes,
    drawing,
    end_labels,
    legible,
    marker,
    panels,
    shortened,
    text_in,
)
from sim.report.tables import (
    UNKNOWN,
    Estimate,
    Figures,
    Frames,
    estimates,
    night_peak,
    peaks,
    vendors,
)
from sim.scenario import Scenario

Chart = Callable[[Frames, Scenario, float], Figure]
"""Frames, scenario, width in inches."""

RUNGS = dict(
    zip(
        WORLDS[1:],
        ("own links", "vendor's protocol", "vendor's limits", "incidents"),
        strict=True,
    )
)
"""Rungs of the ladder in the words of the charts and the page."""


def charts(frames: Frames, scenario: Scenario) -> dict[str, Chart]:
    """The charts these frames can fill, by the name of their file."""
    drawn: dict[str, Chart] = {
        "delivered_against_concurrency": delivered_against_concurrency,
        "stall_against_concurrency": stall_against_concurrency,
    }
    if not frames.timeseries.empty:
        drawn["night_over_time"] = night_over_time
    if _laddered(frames, scenario):
        drawn["ladder"] = ladder
    return drawn


def plot(frames: Frames, scenario: Scenario) -> Figure:
    """One figure for a notebook: stall against concurrency, or the night where it has one peak."""
    if len(peaks(frames)) > 1 or frames.timeseries.empty:
        return stall_against_concurrency(frames, scenario, WIDE_IN)
    return night_over_time(frames, scenario, WIDE_IN)


# --- a figure against the audience ----------------------------------------------------------------


def stall_against_concurrency(
    frames: Frames, scenario: Scenario, width_in: float = WIDE_IN
) -> Figure:
    """Stall ratio against the offered peak, a line per vendor."""
    return _against_peak(
        frames, scenario, width_in,
        metric="stall_ratio",
        several="How much of the night is frozen, as the audience grows?",
        one="How much of the night is frozen?",
        subtitle="Frozen time over frozen and played time; whoever never got in is not in it.",
        unit="frozen, % of viewing time",
    )  # fmt: skip


def delivered_against_concurrency(
    frames: Frames, scenario: Scenario, width_in: float = WIDE_IN
) -> Figure:
    """Watching delivered against the offered peak: what leaving and refusing cannot flatter."""
    return _against_peak(
        frames, scenario, width_in,
        metric="watch_delivered_ratio",
        several="How much of the watching gets through, as the audience grows?",
        one="How much of the watching gets through?",
        subtitle="Time played over a perfect night's; viewers refused or gone count as lost.",
        unit="watched, % of a perfect night",
    )  # fmt: skip


def _against_peak(
    frames: Frames,
    scenario: Scenario,
    width_in: float,
    *,
    metric: str,
    several: str,
    one: str,
    subtitle: str,
    unit: str,
) -> Figure:
    points = peaks(frames)
    figures = estimates(frames)
    names = vendors(frames, scenario)
    series = {
        vendor: {p: _percent(figures.get((vendor, p, metric), UNKNOWN)) for p in points}
        for vendor in names
    }
    subtitle += " " + _about_bands([e for s in series.values() for e in s.values()])
    with drawing():
        if len(points) == 1:
            at = {vendor: s[points[0]] for vendor, s in series.items()}
            said = f"{subtitle} {words.count(points[0])} viewers offered at the peak."
            return _dots(width_in, one, said, unit, names, at)
        longest = max(text_in(name) for name in names.values())
        right = min(longest + 0.25, 0.34 * width_in)
        figure, (axes,) = panels(
            width_in, several, subtitle, 1,
            0.38 * width_in if width_in > 6 else 0.75 * width_in,
            Margins(left=0.62, right=right, top=0.48, bottom=0.55),
        )  # fmt: skip
        ends = []
        top = 0.0
        for n, (vendor, name) in enumerate(names.items()):
            line = [(p, e) for p, e in series[vendor].items() if e.known]
            if not line:
                continue
            x = [p for p, _ in line]
            y = [e.mean for _, e in line]
            low, high = (
                [getattr(e, end) if e.has_interval else e.mean for _, e in line]
                for end in ("low", "high")
            )
            if low != high:
                axes.fill_between(x, low, high, color=colour(n), alpha=0.18, linewidth=0)
            axes.plot(
                x, y, color=colour(n), marker=marker(n), linestyle=dashes(n),
                markersize=4.5, linewidth=1.8, clip_on=False, zorder=3,
            )  # fmt: skip
            ends.append((y[-1], shortened(name, right - 0.2), colour(n)))
            top = max(top, *y, *high)
        _frame_y(axes, top, 100.0)
        span = points[-1] - points[0]
        axes.set_xlim(points[0] - 0.04 * span, points[-1] + 0.01 * span)
        _frame_x(axes, points, width_in - 0.62 - right)
        axes.set_xlabel("viewers offered at the peak")
        axes.set_title(unit, loc="left", size=TEXT_PT, color=GREY, pad=18)
        peak = night_peak(frames, scenario)
        axes.axvline(peak, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
        leftwards = peak > points[0] + 0.7 * span
        axes.annotate(
            "the night", (peak, 1.0), xycoords=("data", "axes fraction"),
            xytext=(-4 if leftwards else 4, 0), textcoords="offset points",
            color=GREY, va="bottom", ha="right" if leftwards else "left", annotation_clip=False,
        )  # fmt: skip
        end_labels(axes, ends)
        return figure


def _dots(
    width_in: float,
    title: str,
    subtitle: str,
    unit: str,
    names: dict[str, str],
    at: dict[str, Estimate],
) -> Figure:
    """One peak only: a dot and its interval per vendor."""
    left = min(max(text_in(name) for name in names.values()) + 0.25, 0.4 * width_in)
    figure, (axes,) = panels(
        width_in, title, subtitle, 1, 0.3 * len(names) + 0.1,
        Margins(left=left, right=0.75, top=0.1, bottom=0.55),
    )  # fmt: skip
    top = 0.0
    for n, vendor in enumerate(names):
        e = at[vendor]
        if not e.known:
            continue
        if e.has_interval:
            axes.plot([e.low, e.high], [n, n], color=colour(n), linewidth=2, alpha=0.5)
        axes.plot([e.mean], [n], color=colour(n), marker=marker(n), markersize=6, clip_on=False)
        axes.annotate(
            words.percent(e.mean / 100), (1.0, n), xycoords=("axes fraction", "data"),
            xytext=(8, 0), textcoords="offset points", va="center", ha="left",
            color=legible(colour(n)), annotation_clip=False,
        )  # fmt: skip
        top = max(top, e.mean, e.high if e.has_interval else 0.0)
    axes.set_yticks(range(len(names)), [shortened(s, left - 0.15) for s in names.values()])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, _headroom(top, 100.0))
    axes.xaxis.set_major_locator(MaxNLocator(5 if width_in > 6 else 3, steps=STEPS))
    axes.set_xlabel(unit)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    return figure


def _about_bands(shown: list[Estimate]) -> str:
    if any(e.has_interval for e in shown):
        return "Band: 95 % interval of the mean over nights."
    return "One night: no interval."


def _percent(e: Estimate) -> Estimate:
    return Estimate(100 * e.mean, 100 * e.low, 100 * e.high)


STEPS = [1, 2, 2.5, 5, 10]
"""Ticks stand at these, times a power of ten."""


def _headroom(top: float, limit: float = math.inf) -> float:
    """Where an axis from 0 ends: some room above the highest value, never below 1."""
    return min(max(1.08 * top, 1.0), max(1.02 * limit, top))


def _frame_y(axes: Axes, top: float, limit: float = math.inf, room: float = 1.0) -> None:
    axes.set_ylim(0, room * _headroom(top, limit))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)


def _frame_x(axes: Axes, points: list[int], room_in: float) -> None:
    """Ticks at the points that were simulated, as many as there is room to read."""
    low, high = axes.get_xlim()
    widest = max(text_in(words.count(p)) for p in points) + 0.12
    kept: list[int] = []
    for p in points:
        if not kept or (p - kept[-1]) / (high - low) * room_in >= widest:
            kept.append(p)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_minor_locator(FixedLocator([p for p in points if p not in kept]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: words.count(x)))


# --- the night over time --------------------------------------------------------------------------

LINES = (
    ("offered", "offered", GREY, (0, (4, 2)), 1.2),
    ("in_room", "in the room", "#000000", "-", 1.2),
    ("watching", "watching", BLUE, "-", 1.8),
    ("stalled", "frozen", VERMILLION, "-", 1.4),
)
"""Metric, label, colour, dash, width; drawn in this order."""

POINTS = 360
"""At most so many points a line: longer nights are averaged over wider bins."""

MOST_TICKS = 8


def night_over_time(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """Who was where through the night at its peak, a panel per vendor."""
    peak = night_peak(frames, scenario)
    table = frames.timeseries
    table = table[(table["peak_viewers"] == peak) & table["metric"].isin([k for k, *_ in LINES])]
    names = {v: s for v, s in vendors(frames, scenario).items() if (table["vendor"] == v).any()}
    nights = int(table["replication"].nunique())
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    about = f"{words.count(peak)} viewers offered at the peak. "
    about += (
        f"Lines: mean of {nights} nights; bands: the lowest and highest of them."
        if nights > 1
        else "One night: no band."
    )
    starts = scenario.promotion.starts_at
    right = max(text_in(label) for _, label, *_ in LINES) + 0.25
    with drawing():
        figure, grid = panels(
            width_in,
            "Where are the viewers through the night?",
            about,
            len(names),
            2.0 if columns == 2 else 2.3,
            Margins(left=0.66, right=right, top=0.46, bottom=0.58),
            columns,
        )
        panel_in = width_in / columns - 0.66 - right
        high = float(table["value"].max())
        length = scenario.promotion.duration_s or float(table["time_s"].max())
        marks = [(minute, text) for minute, text in _marks(scenario) if minute <= length / 60]
        levels = _levels(marks, length / 60, panel_in)
        room = 1.0 + 0.09 * (1 + max(levels, default=-1))
        for axes, (vendor, name) in zip(grid, names.items(), strict=True):
            mine = table[table["vendor"] == vendor]
            _frame_y(axes, high, room=room)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: words.count(y)))
            axes.set_xlim(0, length / 60)
            axes.xaxis.set_major_locator(FixedLocator(_minutes(length / 60, panel_in)))
            axes.xaxis.set_minor_locator(NullLocator())
            ends = []
            for metric, label, hue, dash, wide in LINES:
                x, mean, low, top = _through_the_night(mine[mine["metric"] == metric])
                if not len(x):
                    continue
                if metric == "stalled":
                    axes.fill_between(x / 60, 0, mean, color=hue, alpha=0.25, linewidth=0)
                if nights > 1:
                    axes.fill_between(x / 60, low, top, color=hue, alpha=0.18, linewidth=0)
                axes.plot(x / 60, mean, color=hue, linestyle=dash, linewidth=wide)
                ends.append((float(mean[-1]), label, hue))
            for (minute, text), level in zip(marks, levels, strict=True):
                _mark(axes, minute, text, level, length / 60, panel_in)
            axes.set_title(
                shortened(name, panel_in, 10.5), loc="left", size=10.5, color=INK,
                weight="bold", pad=18,
            )  # fmt: skip
            axes.annotate(
                "viewers", (0, 1), xycoords="axes fraction", xytext=(0, 6),
                textcoords="offset points", color=GREY, annotation_clip=False,
            )  # fmt: skip
            axes.set_xlabel(f"minutes from the start at {starts:%H:%M}")
            end_labels(axes, ends)
        return figure


def _marks(scenario: Scenario) -> list[tuple[float, str]]:
    """What the script does to everybody: (minute, words), in order of time."""
    script = scenario.promotion
    marks = [(d.time_s / 60, d.name) for d in script.drops]
    if script.mass_exit is not None:
        marks.append((script.mass_exit.time_s / 60, "mass exit"))
    return sorted(marks)


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
    axes.axvline(minute, color=GREY, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
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


def _through_the_night(
    table: pd.DataFrame,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Time, and the mean, lowest and highest of the nights."""
    nights = table.pivot_table(index="time_s", columns="replication", values="value")
    x = nights.index.to_numpy(dtype=np.float64)
    y = nights.to_numpy(dtype=np.float64)
    width = -(-len(x) // POINTS)
    if width > 1:
        starts = np.arange(0, len(x), width)
        counts = np.diff(np.append(starts, len(x)))
        x = np.add.reduceat(x, starts) / counts
        y = np.add.reduceat(y, starts, axis=0) / counts[:, None]
    if not len(x):
        return x, x, x, x
    return x, y.mean(axis=1), y.min(axis=1), y.max(axis=1)


# --- the ladder -----------------------------------------------------------------------------------


BAR = 0.62
"""Height of a bar, where rows are 1 apart."""


def ladder(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """From a perfect night's sales, rung by rung, to what remains; a panel per vendor."""
    peak = night_peak(frames, scenario)
    figures = estimates(frames)
    known = _laddered(frames, scenario)
    names = {v: s for v, s in vendors(frames, scenario).items() if v in known}
    perfect = {v: figures[v, peak, "perfect_gmv_cny"].mean for v in names}
    size, unit = _scale(max(perfect.values()))
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    rows = ["perfect night", *RUNGS.values(), "what remains"]
    left = max(text_in(row) for row in rows) + 0.05
    right = 1.4
    shown = [figures[v, peak, f"lost_gmv_cny.{rung}"] for v in names for rung in RUNGS]
    about = (
        f"Sales in {unit} at {words.count(peak)} viewers offered; orange is lost, green gained. "
    )
    about += (
        "Thin lines: 95 % interval of a step."
        if any(e.has_interval for e in shown)
        else "One night: no interval."
    )
    with drawing():
        figure, grid = panels(
            width_in,
            "What stands between a perfect night and what each vendor lets you sell?"
            if len(names) > 1
            else "What stands between a perfect night and what is sold?",
            about,
            len(names),
            0.27 * len(rows),
            Margins(left=left, right=right, top=0.36, bottom=0.56),
            columns,
        )
        highest = max(max(level for level, _ in _steps(figures, v, peak)) for v in names)
        ticks = max(2, int((width_in / columns - left - right) / 0.6))
        for axes, (vendor, name) in zip(grid, names.items(), strict=True):
            _waterfall(axes, figures, vendor, peak, perfect[vendor], size)
            axes.set_yticks(range(len(rows)), rows)
            axes.tick_params(axis="y", length=0, labelcolor=INK)
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.set_xlim(0, 1.01 * max(highest, *perfect.values()) / size or 1.0)
            axes.xaxis.set_major_locator(MaxNLocator(ticks, steps=STEPS))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
            axes.set_xlabel(f"sales, {unit}")
            axes.grid(axis="x", color=PALE, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.spines["left"].set_visible(False)
            axes.annotate(
                shortened(name, width_in / columns - 0.2, 10.5), (0, 1),
                xycoords="axes fraction", xytext=(3.6 - left * 72, 8), textcoords="offset points",
                size=10.5, weight="bold", annotation_clip=False,
            )  # fmt: skip
        return figure


def _laddered(frames: Frames, scenario: Scenario) -> list[str]:
    """Vendors whose ladder was run."""
    peak = night_peak(frames, scenario)
    known = estimates(frames)
    needed = ["perfect_gmv_cny", "gmv_cny", *(f"lost_gmv_cny.{rung}" for rung in RUNGS)]
    return [
        v for v in vendors(frames, scenario)
        if all(known.get((v, peak, metric), UNKNOWN).known for metric in needed)
    ]  # fmt: skip


def _scale(x: float) -> tuple[float, str]:
    """The unit in which `x` is a number of three digits or more, so that none needs decimals."""
    for size, word in ((1e9, "billion "), (1e6, "million "), (1e3, "thousand ")):
        if x >= 100 * size:
            return size, f"{word}CNY"
    return 1.0, "CNY"


def _steps(figures: Figures, vendor: str, peak: int) -> list[tuple[float, Estimate]]:
    """What is left before each rung, and what the rung takes."""
    level = figures[vendor, peak, "perfect_gmv_cny"].mean
    steps = []
    for rung in RUNGS:
        lost = figures[vendor, peak, f"lost_gmv_cny.{rung}"]
        steps.append((level, lost))
        level -= lost.mean
    return steps


def _waterfall(
    axes: Axes, figures: Figures, vendor: str, peak: int, perfect: float, size: float
) -> None:
    steps = _steps(figures, vendor, peak)
    remains = figures[vendor, peak, "gmv_cny"].mean
    axes.barh(0, perfect / size, height=BAR, color="#9a9a9a")
    axes.barh(len(steps) + 1, remains / size, height=BAR, color=BLUE)
    _say(axes, 0, words.count(perfect / size), "")
    for row, (level, lost) in enumerate(steps, start=1):
        hue = VERMILLION if lost.mean >= 0 else GREEN
        axes.barh(row, -lost.mean / size, left=level / size, height=BAR, color=hue)
        # From the bar above to the far edge of this one, so that a rung of nothing is seen too.
        axes.plot(
            [level / size] * 2, [row - 1 + BAR / 2, row + BAR / 2],
            color=GREY, linewidth=0.6, zorder=0.5,
        )  # fmt: skip
        if lost.has_interval:
            ends = [(level - lost.low) / size, (level - lost.high) / size]
            axes.plot(ends, [row, row], color=INK, linewidth=1.0, solid_capstyle="butt")
        sign = words.MINUS if lost.mean > 0 else "+" if lost.mean < 0 else ""
        share = f"{sign}{words.percent(abs(lost.mean) / perfect)}" if perfect else ""
        _say(axes, row, f"{sign}{words.count(abs(lost.mean) / size)}", share)
    axes.plot(
        [remains / size] * 2, [len(steps) + BAR / 2, len(steps) + 1],
        color=GREY, linewidth=0.6, zorder=0.5,
    )  # fmt: skip
    share = words.percent(remains / perfect) if perfect else ""
    _say(axes, len(steps) + 1, words.count(remains / size), share)


def _say(axes: Axes, row: int, amount: str, share: str) -> None:
    """An amount and its share in two columns right of the bars."""
    for text, right_pt in ((amount, 42), (share, 92)):
        axes.annotate(
            text, (1.0, row), xycoords=("axes fraction", "data"), xytext=(right_pt, 0),
            textcoords="offset points", va="center", ha="right", annotation_clip=False,
        )  # fmt: skip
