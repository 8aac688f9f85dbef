"""Where the sales of a perfect night go, rung by rung."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from sim.catalogue.language import MINUS, Words
from sim.commerce import RUNGS
from sim.report.charts.axes import about_intervals
from sim.report.charts.chart import Chart
from sim.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    VERMILLION,
    Margins,
    drawing,
    panels,
    shortened,
    text_in,
)
from sim.report.view import Estimate, View

BAR = 0.62
"""Height of a bar, where rows are 1 apart."""

AMOUNT_PT = (54, 104)
"""Right ends of the columns of amounts and of shares, right of the bars."""

HEADING_PT = 10.5


@dataclass(frozen=True)
class Step:
    """One rung of one vendor's ladder."""

    level: float
    """What is left before it, CNY."""
    lost: Estimate
    """What it takes."""
    instead: str = ""
    """What is said instead of its amount."""


def _draw(view: View, width_in: float) -> Figure:
    """From a perfect night's sales, rung by rung, to what is sold; a panel per vendor."""
    words, known = view.words, set(laddered(view))
    names = {v: name for v, name in view.names.items() if v in known}
    perfect = {v: view.figure(v, "perfect_gmv_cny").mean for v in names}
    steps = {v: _steps(view, v) for v in names}
    size, unit = words.scale(max(perfect.values()))
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    rungs = [words(f"rung-{rung}") for rung in RUNGS]
    rows = [words("chart-ladder-perfect"), *rungs, words("chart-ladder-sold")]
    left = max(text_in(row) for row in rows) + 0.05
    right = AMOUNT_PT[1] / 72 + 0.12
    with drawing():
        figure, grid = panels(
            width_in, words("chart-ladder-question"), _about(view, steps, unit), len(names),
            0.25 * len(rows), Margins(left=left, right=right, top=0.42, bottom=0.08), columns,
        )  # fmt: skip
        highest = max(step.level for several in steps.values() for step in several)
        widest = 1.01 * max(highest, *perfect.values()) / size
        for axes, (vendor, name) in zip(grid, names.items(), strict=True):
            sold = view.figure(vendor, "gmv_cny").mean
            _waterfall(axes, words, steps[vendor], perfect[vendor], sold, size)
            _frame(axes, rows, widest)
            room = width_in / columns - 0.3 - text_in(f", {unit}")
            axes.annotate(
                shortened(name, room, HEADING_PT), (0, 1), xycoords="axes fraction",
                xytext=(3.6 - left * 72, 8), textcoords="offset points", size=HEADING_PT,
                weight="bold", annotation_clip=False,
            )  # fmt: skip
            _say(axes, -1, unit, words("chart-ladder-share"), GREY)
        return figure


def _about(view: View, steps: dict[str, list[Step]], unit: str) -> str:
    shown = [step.lost for several in steps.values() for step in several]
    return view.words.paragraph(
        [
            view.words("chart-ladder-about", unit=unit, viewers=view.peak),
            about_intervals(view.words, shown, "chart-bands-steps"),
        ]
    )


def laddered(view: View) -> list[str]:
    """Vendors whose ladder was run."""
    needed = ["perfect_gmv_cny", "gmv_cny", *(f"lost_gmv_cny.{rung}" for rung in RUNGS)]
    return [v for v in view.names if all(view.figure(v, metric).known for metric in needed)]


def _steps(view: View, vendor: str) -> list[Step]:
    words, scenario = view.words, view.scenario
    instead = {}
    if not scenario.incidents_of(vendor):
        why = "chart-ladder-by-chance" if scenario.felt_by(vendor) else "chart-ladder-unbroken"
        instead["incidents"] = words(why)
    level = view.figure(vendor, "perfect_gmv_cny").mean
    steps = []
    for rung in RUNGS:
        lost = view.figure(vendor, f"lost_gmv_cny.{rung}")
        steps.append(Step(level, lost, instead.get(rung, "")))
        level -= lost.mean
    return steps


def _waterfall(
    axes: Axes, words: Words, steps: list[Step], perfect: float, sold: float, size: float
) -> None:
    axes.barh(0, perfect / size, height=BAR, color="#9a9a9a")
    axes.barh(len(steps) + 1, sold / size, height=BAR, color=BLUE)
    _say(axes, 0, words.count(perfect / size), "")
    for row, step in enumerate(steps, start=1):
        _bar(axes, row, step, size)
        if step.instead:
            _say(axes, row, "", step.instead, GREY)
            continue
        lost = step.lost.mean
        sign = MINUS if lost > 0 else "+" if lost < 0 else ""
        share = f"{sign}{words.percent(abs(lost) / perfect)}" if perfect else ""
        _say(axes, row, f"{sign}{words.count(abs(lost) / size)}", share)
    axes.plot(
        [sold / size] * 2, [len(steps) + BAR / 2, len(steps) + 1],
        color=GREY, linewidth=0.6, zorder=0.5,
    )  # fmt: skip
    share = words.percent(sold / perfect) if perfect else ""
    _say(axes, len(steps) + 1, words.count(sold / size), share)


def _bar(axes: Axes, row: int, step: Step, size: float) -> None:
    lost, level = step.lost, step.level
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


def _frame(axes: Axes, rows: list[str], widest: float) -> None:
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, widest or 1.0)
    axes.xaxis.set_major_locator(NullLocator())
    for spine in axes.spines.values():
        spine.set_visible(False)


def _say(axes: Axes, row: int, amount: str, share: str, hue: str = INK) -> None:
    """An amount and its share in two columns right of the bars."""
    for text, right_pt in zip((amount, share), AMOUNT_PT, strict=True):
        axes.annotate(
            text, (1.0, row), xycoords=("axes fraction", "data"), xytext=(right_pt, 0),
            textcoords="offset points", va="center", ha="right", color=hue, annotation_clip=False,
        )  # fmt: skip


LADDER = Chart("ladder", "charts", lambda view: bool(laddered(view)), _draw)
