"""Where the sales of a perfect night go, rung by rung."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from sim.record import WORLDS
from sim.report import number_format as fmt
from sim.report.charts.axes import scale
from sim.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    VERMILLION,
    WIDE_IN,
    Margins,
    drawing,
    panels,
    shortened,
    text_in,
)
from sim.report.tables import UNKNOWN, Estimate, Figures, Frames, estimates, night_peak, vendors
from sim.scenario import Scenario

RUNGS = dict(
    zip(
        WORLDS[1:],
        ("viewers' own internet", "vendor's picture and delay", "vendor's limits", "incidents"),
        strict=True,
    )
)
"""Rungs of the ladder in the words of the charts and the page."""


BAR = 0.62
"""Height of a bar, where rows are 1 apart."""

AMOUNT_PT = (54, 104)
"""Right ends of the columns of amounts and of shares, right of the bars."""


def ladder(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """From a perfect night's sales, rung by rung, to what is sold; a panel per vendor."""
    peak = night_peak(frames)
    figures = estimates(frames)
    known = laddered(frames, scenario)
    names = {v: s for v, s in vendors(frames, scenario).items() if v in known}
    perfect = {v: figures[v, peak, "perfect_gmv_cny"].mean for v in names}
    size, unit = scale(max(perfect.values()))
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    rows = ["perfect night", *RUNGS.values(), "is sold"]
    left = max(text_in(row) for row in rows) + 0.05
    right = AMOUNT_PT[1] / 72 + 0.12
    shown = [figures[v, peak, f"lost_gmv_cny.{rung}"] for v in names for rung in RUNGS]
    about = f"Sales in {unit} at {fmt.count(peak)} viewers; orange is lost, green gained. "
    about += (
        "Thin lines: 95 % interval of a step over nights."
        if any(e.has_interval for e in shown)
        else "One night: no interval."
    )
    with drawing():
        figure, grid = panels(
            width_in, "Where do the sales of a perfect night go?", about, len(names),
            0.25 * len(rows), Margins(left=left, right=right, top=0.42, bottom=0.08), columns,
        )  # fmt: skip
        highest = max(max(level for level, _ in _steps(figures, v, peak)) for v in names)
        for axes, (vendor, name) in zip(grid, names.items(), strict=True):
            why = "by chance only" if scenario.felt_by(vendor) else "none simulated"
            unbroken = "" if scenario.incidents_of(vendor) else why
            _waterfall(axes, figures, vendor, peak, perfect[vendor], size, unbroken)
            axes.set_yticks(range(len(rows)), rows)
            axes.tick_params(axis="y", length=0, labelcolor=INK)
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.set_xlim(0, 1.01 * max(highest, *perfect.values()) / size or 1.0)
            axes.xaxis.set_major_locator(NullLocator())
            for spine in axes.spines.values():
                spine.set_visible(False)
            heading = shortened(name, width_in / columns - 0.3 - text_in(f", {unit}"), 10.5)
            axes.annotate(
                heading, (0, 1), xycoords="axes fraction", xytext=(3.6 - left * 72, 8),
                textcoords="offset points", size=10.5, weight="bold", annotation_clip=False,
            )  # fmt: skip
            _say(axes, -1, unit, "share", GREY)
        return figure


def laddered(frames: Frames, scenario: Scenario) -> list[str]:
    """Vendors whose ladder was run."""
    peak = night_peak(frames)
    known = estimates(frames)
    needed = ["perfect_gmv_cny", "gmv_cny", *(f"lost_gmv_cny.{rung}" for rung in RUNGS)]
    return [
        v for v in vendors(frames, scenario)
        if all(known.get((v, peak, metric), UNKNOWN).known for metric in needed)
    ]  # fmt: skip


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
    axes: Axes,
    figures: Figures,
    vendor: str,
    peak: int,
    perfect: float,
    size: float,
    unbroken: str,
) -> None:
    """`unbroken`: why the night has no incident; empty where it has."""
    steps = _steps(figures, vendor, peak)
    remains = figures[vendor, peak, "gmv_cny"].mean
    axes.barh(0, perfect / size, height=BAR, color="#9a9a9a")
    axes.barh(len(steps) + 1, remains / size, height=BAR, color=BLUE)
    _say(axes, 0, fmt.count(perfect / size), "")
    for row, (rung, (level, lost)) in enumerate(zip(RUNGS, steps, strict=True), start=1):
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
        sign = fmt.MINUS if lost.mean > 0 else "+" if lost.mean < 0 else ""
        share = f"{sign}{fmt.percent(abs(lost.mean) / perfect)}" if perfect else ""
        if rung == "incidents" and unbroken:
            _say(axes, row, "", unbroken, GREY)
        else:
            _say(axes, row, f"{sign}{fmt.count(abs(lost.mean) / size)}", share)
    axes.plot(
        [remains / size] * 2, [len(steps) + BAR / 2, len(steps) + 1],
        color=GREY, linewidth=0.6, zorder=0.5,
    )  # fmt: skip
    share = fmt.percent(remains / perfect) if perfect else ""
    _say(axes, len(steps) + 1, fmt.count(remains / size), share)


def _say(axes: Axes, row: int, amount: str, share: str, hue: str = INK) -> None:
    """An amount and its share in two columns right of the bars."""
    for text, right_pt in zip((amount, share), AMOUNT_PT, strict=True):
        axes.annotate(
            text, (1.0, row), xycoords=("axes fraction", "data"), xytext=(right_pt, 0),
            textcoords="offset points", va="center", ha="right", color=hue, annotation_clip=False,
        )  # fmt: skip
