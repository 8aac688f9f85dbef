"""What charts draw alike: frames, ticks, the bands of the inputs and their sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from sim.catalogue.language import Words, Writer
from sim.report.style import PALE
from sim.report.view import Estimate

STEPS = [1, 2, 2.5, 5, 10]
"""Ticks stand at these, times a power of ten."""


def frame_y(
    axes: Axes, say: Writer, top: float,
    limit: float = math.inf, room: float = 1.0, least: float = 0.0,
) -> None:  # fmt: skip
    """From 0, or the tick below `least`, to the tick above the highest value; `room` times that
    where something stands above it."""
    ticks = MaxNLocator(5, steps=STEPS).tick_values(min(0.0, least), max(min(top, limit), 1.0))
    axes.set_ylim(ticks[0], room * ticks[-1])
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(said(say))
    bare_y(axes)


def said(say: Writer) -> FuncFormatter:
    """Ticks in a reader's language."""
    return FuncFormatter(lambda x, _: say(x))


def bare_y(axes: Axes) -> None:
    """Pale lines across the chart instead of ticks and a frame on the left."""
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)


def whisker(axes: Axes, x: float, e: Estimate, hue: str, wide_pt: float, aside_pt: float) -> None:
    """The band of the inputs as a pale bar, so far right of x."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    aside = ScaledTranslation(aside_pt / 72, 0, figure.dpi_scale_trans)
    axes.plot(
        [x, x], [e.input_low, e.input_high], transform=axes.transData + aside, color=hue,
        alpha=0.35, linewidth=wide_pt, solid_capstyle="butt", zorder=2, label="inputs",
    )  # fmt: skip


def about_intervals(words: Words, shown: Iterable[Estimate], drawn: str) -> str:
    """How the interval over nights is drawn (a message), or that there is none."""
    return words(drawn if any(e.has_interval for e in shown) else "chart-bands-none")
