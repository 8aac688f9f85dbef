"""What limits and incidents may cost, over all nights that may come."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from scipy.special import ndtr, ndtri

from sim.report.charts.axes import frame_y, said, whisker
from sim.report.charts.chart import Chart
from sim.report.style import (
    GREY,
    TEXT_PT,
    Margins,
    colour,
    dashes,
    drawing,
    end_labels,
    panels,
    shortened,
    text_in,
)
from sim.report.view import Estimate, View
from sim.scenario import Scenario

TICKS = (90, 75, 50, 25, 10, 5, 2, 1)
"""Chances in percent at which the axis of nights has its ticks."""

AT_RISK = "revenue_at_risk_cny"

Lines = dict[str, tuple[list[float], list[float]]]
"""Vendor -> chances of losing more, falling, and what is lost then."""


def _draw(view: View, width_in: float) -> Figure:
    """Sales lost to limits and incidents in CNY against the chance that a night loses more: a line
    per vendor, the worst nights on the right."""
    words, lines = view.words, exceeded(view)
    size, unit = words.scale(max(max(y) for _, y in lines.values()))
    with drawing():
        labels = {v: (view.names[v], words.number(y[-1] / size, 2)) for v, (_, y) in lines.items()}
        longest = max(text_in(f"{name}  {value}") for name, value in labels.values())
        right = min(longest + 0.25, (0.3 if width_in > 6 else 0.42) * width_in)
        figure, (axes,) = panels(
            width_in, words("chart-risk-question"), _about(view, lines),
            1, 0.36 * width_in if width_in > 6 else 0.75 * width_in,
            Margins(left=0.62, right=right, top=0.48, bottom=0.55),
        )  # fmt: skip
        ends, top = [], 0.0
        for n, vendor in enumerate(view.names):
            if vendor not in lines:
                continue
            end, highest = _line(axes, view, vendor, lines[vendor], size)
            top = max(top, highest)
            name, value = labels[vendor]
            room = right - 0.2 - text_in(f"  {value}")
            ends.append((end, f"{shortened(name, room)}  {value}", colour(n)))
        least = min(min(y) for _, y in lines.values()) / size
        frame_y(axes, words.tick, top, least=least)
        axes.set_xlim(-float(ndtri(0.95)), -float(ndtri(0.0099)))
        shown = TICKS if width_in > 6 else TICKS[::2]
        axes.xaxis.set_major_locator(FixedLocator([-float(ndtri(t / 100)) for t in shown]))
        axes.xaxis.set_major_formatter(
            said(lambda x: words("percent", percent=words.count(100 * float(ndtr(-x)))))
        )
        axes.set_xlabel(words("chart-risk-chance"))
        axes.set_title(
            words("chart-risk-axis", unit=unit), loc="left", size=TEXT_PT, color=GREY, pad=18
        )
        end_labels(axes, ends)
        return figure


def _about(view: View, lines: Lines) -> str:
    words = view.words
    bars = any(_range(view, vendor)[1].has_inputs for vendor in lines)
    return words.paragraph(
        [
            words("chart-risk-about"),
            words("chart-bands-inputs-there") if bars else "",
            words("chart-risk-beside"),
        ]
    )


def _line(
    axes: Axes, view: View, vendor: str, line: tuple[list[float], list[float]], size: float
) -> tuple[float, float]:
    """One vendor's line, and the range of its inputs; its height at the end, and the highest."""
    n = list(view.names).index(vendor)
    chances, y = _stepped(*line, _odds(view.scenario, vendor))
    x, y = [-float(ndtri(c)) for c in chances], [value / size for value in y]
    axes.plot(x, y, color=colour(n), linestyle=dashes(n), linewidth=1.8, zorder=3)
    percentile, drawn = _range(view, vendor)
    drawn = drawn.times(1 / size)
    if not drawn.has_inputs:
        return y[-1], max(y)
    whisker(axes, -float(ndtri(1 - percentile / 100)), drawn, colour(n), 2.6, 0.0)
    return y[-1], max(drawn.input_high, *y)


def _range(view: View, vendor: str) -> tuple[int, Estimate]:
    """The percentile at which a vendor's range is drawn, those of several side by side, and it."""
    names = list(view.names)
    percentile = max(5, min(95, 99 - len(names))) + names.index(vendor)
    return percentile, view.risk(vendor, AT_RISK, f"p{percentile}")


def exceeded(view: View) -> Lines:
    """The lines of those vendors whose percentiles are all known."""
    lines = {}
    for vendor in view.names:
        steps = range(5, 100)
        y = [view.risk(vendor, AT_RISK, f"p{k}").mean for k in steps]
        if all(map(math.isfinite, y)):
            lines[vendor] = ([1 - k / 100 for k in steps], y)
    return lines


JUMP = 5.0
"""A rise between two percentiles that is so many times those beside it is a step."""


def _odds(scenario: Scenario, vendor: str) -> list[float]:
    """How likely each incident with a chance is, and any of them."""
    each = [i.chance for i in scenario.felt_by(vendor) if i.chance is not None]
    return [*each, 1 - math.prod(1 - chance for chance in each)]


def _stepped(
    chances: list[float], y: list[float], odds: Sequence[float]
) -> tuple[list[float], list[float]]:
    """The line with its steps upright: at the chance of an incident where one lies between the two
    percentiles, else at the one before.

    A percentile is the least value that so many nights don't exceed: it is level up to a step.
    """
    rises = np.diff(y, prepend=y[0], append=y[-1])
    x_out, y_out = [chances[0]], [y[0]]
    for k in range(1, len(y)):
        before, after = chances[k - 1], chances[k]
        if rises[k] > JUMP * max(rises[k - 1], rises[k + 1]) and rises[k] > 0:
            at = next((c for c in odds if after < c <= before + 1e-9), before)
            x_out, y_out = [*x_out, at, at], [*y_out, y[k - 1], y[k]]
        x_out, y_out = [*x_out, after], [*y_out, y[k]]
    return x_out, y_out


REVENUE_AT_RISK = Chart("revenue_at_risk", "risk", lambda view: bool(exceeded(view)), _draw)
