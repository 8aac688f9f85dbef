"""What limits and incidents may cost, over all nights that may come."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter
from scipy.special import ndtr, ndtri

from sim.report import number_format as fmt
from sim.report.charts.axes import frame_y, scale, whisker
from sim.report.style import (
    GREY,
    TEXT_PT,
    WIDE_IN,
    Margins,
    colour,
    dashes,
    drawing,
    end_labels,
    panels,
    shortened,
    text_in,
)
from sim.report.tables import UNKNOWN, Frames, risks, vendors
from sim.scenario import Scenario

TICKS = (90, 75, 50, 25, 10, 5, 2, 1)
"""Chances in percent at which the axis of nights has its ticks."""


def revenue_at_risk(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """Sales lost to limits and incidents in CNY against the chance that a night loses more: a line
    per vendor, the worst nights on the right."""
    lines = exceeded(frames, scenario)
    known, names = risks(frames), vendors(frames, scenario)
    size, unit = scale(max(max(y) for _, y in lines.values()))
    bars = any(known[v, "revenue_at_risk_cny", f"p{_of(n, names)}"].has_inputs
               for n, v in enumerate(names) if v in lines)  # fmt: skip
    pale = "Pale bars: the range of the assumed numbers there. " if bars else ""
    with drawing():
        labels = {v: (names[v], fmt.number(y[-1] / size, 2)) for v, (_, y) in lines.items()}
        longest = max(text_in(f"{name}  {value}") for name, value in labels.values())
        right = min(longest + 0.25, (0.3 if width_in > 6 else 0.42) * width_in)
        figure, (axes,) = panels(
            width_in, "How much may limits and incidents cost?",
            "Over all peaks and incidents the night may bring, the worst nights on the right. "
            f"{pale}Beside each name: 1 night in 100.",
            1, 0.36 * width_in if width_in > 6 else 0.75 * width_in,
            Margins(left=0.62, right=right, top=0.48, bottom=0.55),
        )  # fmt: skip
        ends, top = [], 0.0
        for n, vendor in enumerate(names):
            if vendor not in lines:
                continue
            chances, y = lines[vendor]
            x, y = _stepped(chances, y, _odds(scenario, vendor))
            x, y = [-float(ndtri(c)) for c in x], [value / size for value in y]
            axes.plot(x, y, color=colour(n), linestyle=dashes(n), linewidth=1.8, zorder=3)
            of = _of(n, names)
            drawn = known[vendor, "revenue_at_risk_cny", f"p{of}"].times(1 / size)
            if drawn.has_inputs:
                whisker(axes, -float(ndtri(1 - of / 100)), drawn, colour(n), 2.6, 0.0)
                top = max(top, drawn.input_high)
            name, value = labels[vendor]
            room = right - 0.2 - text_in(f"  {value}")
            ends.append((y[-1], f"{shortened(name, room)}  {value}", colour(n)))
            top = max(top, *y)
        frame_y(axes, top, least=min(min(y) for _, y in lines.values()) / size)
        axes.set_xlim(-float(ndtri(0.95)), -float(ndtri(0.0099)))
        shown = TICKS if width_in > 6 else TICKS[::2]
        axes.xaxis.set_major_locator(FixedLocator([-float(ndtri(t / 100)) for t in shown]))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: f"{100 * float(ndtr(-x)):.0f}{fmt.SPACE}%")
        )
        axes.set_xlabel("chance that a night loses more")
        axes.set_title(f"sales lost, {unit}", loc="left", size=TEXT_PT, color=GREY, pad=18)
        end_labels(axes, ends)
        return figure


def _of(n: int, names: Sized) -> int:
    """The percentile at which the range of the vendor in this place is drawn: side by side."""
    return max(5, min(95, 99 - len(names))) + n


def exceeded(frames: Frames, scenario: Scenario) -> dict[str, tuple[list[float], list[float]]]:
    """Vendor -> chances of losing more, falling, and what is lost then; empty where unknown."""
    known, lines = risks(frames), {}
    for vendor in vendors(frames, scenario):
        steps = range(5, 100)
        y = [known.get((vendor, "revenue_at_risk_cny", f"p{k}"), UNKNOWN).mean for k in steps]
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
