"""A figure against the size of the audience: a line for each vendor, or for each of its plans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from sim.catalogue.language import Words, Writer
from sim.report.charts.axes import STEPS, about_intervals, bare_y, frame_y, said, whisker
from sim.report.style import (
    GREY,
    INK,
    PALE,
    TEXT_PT,
    Margins,
    apart,
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
from sim.report.view import Estimate, View


@dataclass(frozen=True)
class Line:
    """One line of a chart against the audience: a vendor, or one of its plans."""

    name: str
    vendor: int
    """Its colour and its markers."""
    at: dict[int, Estimate]
    """By offered peak."""
    plan: int = 0
    """Its dashes; the markers of another plan than the first are hollow."""
    more: str = ""
    """What the number leaves out, or a mark where that is too long for a label."""

    @property
    def known(self) -> dict[int, Estimate]:
        """Offered peak -> its point, where there is one."""
        return {p: e for p, e in self.at.items() if e.known}

    def y(self, peak: float) -> float:
        """Its height at a peak; level beyond its ends."""
        return float(np.interp(peak, list(self.known), [e.mean for e in self.known.values()]))

    def label(self, peak: int, say: Writer, words: Words) -> str:
        """The figure at a peak, with what it leaves out; "" where there is none."""
        e = self.at[peak]
        if not e.known:
            return ""
        amount = say(e.mean)
        if not self.more:
            return amount
        return words("chart-amount-and-more", amount=amount, more=self.more)

    def draw(self, axes: Axes, dense: bool, shade: float) -> float:
        """The line and its band; the highest of both. `dense`: straight in figures although the
        axis is not."""
        x, y = list(self.known), [e.mean for e in self.known.values()]
        low, high = (
            [getattr(e, end) if e.has_interval else e.mean for e in self.known.values()]
            for end in ("low", "high")
        )
        hue = colour(self.vendor)
        along = np.union1d(x, np.linspace(x[0], x[-1], BETWEEN)) if dense else np.array(x)
        if low != high:
            axes.fill_between(
                along, np.interp(along, x, low), np.interp(along, x, high),
                color=hue, alpha=shade, linewidth=0,
            )  # fmt: skip
        axes.plot(
            along, np.interp(along, x, y), color=hue, marker=marker(self.vendor),
            markevery=np.isin(along, x).nonzero()[0].tolist(),
            markerfacecolor="white" if self.plan else hue,
            linestyle=dashes(self.vendor, self.plan),
            markersize=4.5, linewidth=1.8, clip_on=False, zorder=3,
        )  # fmt: skip
        return max(*y, *high)


BETWEEN = 200
"""Places at which a line is drawn that is straight in CNY on an axis that is not."""


@dataclass(frozen=True)
class Turn:
    """From here on another plan is the cheapest of all."""

    peak: float
    y: float


@dataclass(frozen=True)
class Told:
    """What one chart against the audience says, and how far its axis goes."""

    question: str
    about: Sequence[str]
    """Sentences under the question, before what all charts against the audience say."""
    unit: str
    """Of the axis."""
    say: Writer
    """How a figure is written."""
    limit: float = math.inf
    """Figures can't be higher."""
    turns: Sequence[Turn] = ()
    wide: bool = False
    """Figures are so far apart that the axis is logarithmic, but for its foot."""


LEFT_IN = 0.62
"""Room left of the panel, for the ticks."""

LABEL_IN = 0.17
"""Height of the panel for each line at least, so that the labels have room."""


def against_peak(view: View, width_in: float, lines: list[Line], told: Told) -> Figure:
    """A curve for each line, or a dot where one audience was simulated."""
    with drawing():
        if view.has_curve:
            return _curves(view, width_in, lines, told)
        return _dots(view, width_in, lines, told)


def _curves(view: View, width_in: float, lines: list[Line], told: Told) -> Figure:
    least = [e.mean for line in lines for e in line.known.values()]
    foot = _foot(least) if told.wide else 0.0
    labels = [line.label(view.peaks[-1], told.say, view.words) for line in lines]
    longest = max(
        text_in(f"{line.name}  {label}") for line, label in zip(lines, labels, strict=True)
    )
    right = min(longest + 0.25, 0.42 * width_in)
    across_in = width_in - LEFT_IN - right
    tall = 0.36 * width_in if width_in > 6 else 0.75 * width_in
    figure, (axes,) = panels(
        width_in, told.question, _about_curves(view, lines, told, foot), 1,
        max(tall, LABEL_IN * len(lines)),
        Margins(left=LEFT_IN, right=right, top=0.48, bottom=0.55),
    )  # fmt: skip
    top = _drawn(axes, view.peak, lines, width_in, told.wide)
    if told.wide:
        _frame_log(axes, view.words, foot, min(0.0, *least), top)
    else:
        frame_y(axes, view.words.tick, top, told.limit, least=min(least, default=0.0))
    _frame_x(axes, view, across_in, "center" if width_in > 6 else "left")
    axes.set_title(told.unit, loc="left", size=TEXT_PT, color=GREY, pad=18)
    _mark_night(axes, view)
    ends = []
    for line, label in zip(lines, labels, strict=True):
        if line.known:
            name = shortened(line.name, right - 0.2 - text_in(f"  {label}"))
            ends.append((line.y(math.inf), f"{name}  {label}".rstrip(), colour(line.vendor)))
    end_labels(axes, ends)
    _rings(axes, view.words, told.turns, across_in, top)
    return figure


def _about_curves(view: View, lines: list[Line], told: Told, foot: float) -> str:
    words = view.words
    every = [e for line in lines for e in line.at.values()]
    log = words("chart-audience-log", foot=words.exact(foot)) if told.wide else ""
    beside = words("chart-audience-beside", viewers=view.peaks[-1])
    bands = _about_bands(words, every, "chart-bands-shaded")
    return words.paragraph([*told.about, *bands, beside, log])


def _about_bands(words: Words, shown: list[Estimate], drawn: str) -> list[str]:
    """`drawn`: the message that says how the interval over nights is drawn."""
    inputs = words("chart-bands-inputs") if any(e.has_inputs for e in shown) else ""
    return [about_intervals(words, shown, drawn), inputs]


def _drawn(axes: Axes, peak: int, lines: list[Line], width_in: float, wide: bool) -> float:
    """The lines, their bands and at the night's peak the bands of the inputs, those of several
    vendors side by side; the highest of all."""
    top, of = 0.0, 1 + max(line.vendor for line in lines)
    shade = 0.18 if len(lines) <= 3 else 0.6 / len(lines)
    gap_pt = 3.5 if width_in > 6 else 2.2
    for line in lines:
        if not line.known:
            continue
        top = max(top, line.draw(axes, wide, shade))
        inputs = line.at[peak]
        if inputs.has_inputs:
            aside_pt = (line.vendor - (of - 1) / 2) * gap_pt
            whisker(axes, peak, inputs, colour(line.vendor), 0.75 * gap_pt, aside_pt)
            top = max(top, inputs.input_high)
    return top


def _mark_night(axes: Axes, view: View) -> None:
    """An upright line at the night's own peak."""
    first, last = view.peaks[0], view.peaks[-1]
    leftwards = view.peak > first + 0.7 * (last - first)
    axes.axvline(view.peak, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
    axes.annotate(
        view.words("chart-audience-night"), (view.peak, 1.0), xycoords=("data", "axes fraction"),
        xytext=(-4 if leftwards else 4, 0), textcoords="offset points",
        color=GREY, va="bottom", ha="right" if leftwards else "left", annotation_clip=False,
    )  # fmt: skip


def _rings(axes: Axes, words: Words, turns: Sequence[Turn], room_in: float, top: float) -> None:
    """A ring at each turn and above all lines at how many viewers, to two digits: a turn lies
    somewhere between two points. Where they are too many to be read they stand on the page only."""
    low, high = axes.get_xlim()
    axes.plot(
        [c.peak for c in turns], [c.y for c in turns], linestyle="none", marker="o",
        markersize=9, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.0, zorder=4,
        label="crossings",
    )  # fmt: skip

    gap_in = max((text_in(words.number(c.peak, 2)) for c in turns), default=0.0) + 0.1
    if not turns or len(turns) * gap_in > 0.8 * room_in:
        return
    _raise(axes, top)
    half = gap_in / 2 / room_in
    wanted = [(c.peak - low) / (high - low) for c in turns]
    for c, x in zip(turns, apart(wanted, 2 * half, half, 1 - half), strict=True):
        axes.annotate(
            words.number(c.peak, 2), (c.peak, c.y), xytext=(x, 1.0), textcoords=axes.transAxes,
            ha="center", va="top", size=TEXT_PT, color=INK, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            arrowprops={
                "arrowstyle": "-", "color": INK, "linewidth": 0.7, "linestyle": (0, (1, 2)),
                "shrinkA": 0, "shrinkB": 5,
            },
        )  # fmt: skip


def _raise(axes: Axes, top: float) -> None:
    """Leave the height of a label above the highest of the lines."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    height_in = axes.get_position().height * figure.get_figheight()
    scaled = axes.yaxis.get_transform()
    foot, head = (float(y) for y in scaled.transform(np.array([axes.get_ylim()[0], top])))
    raised = foot + (head - foot) / (1 - LABEL_IN / height_in)
    new = float(scaled.inverted().transform(np.array([raised]))[0])
    axes.set_ylim(top=max(axes.get_ylim()[1], new))


def _dots(view: View, width_in: float, lines: list[Line], told: Told) -> Figure:
    """One peak only: a dot and its bands for each line."""
    words, peak = view.words, view.peak
    labels = [line.label(peak, told.say, words) for line in lines]
    left = min(max(text_in(line.name) for line in lines) + 0.25, 0.4 * width_in)
    right = min(max(map(text_in, labels)) + 0.3, 0.4 * width_in)
    bands = _about_bands(words, [line.at[peak] for line in lines], "chart-bands-lines")
    at_peak = words("chart-audience-peak", viewers=peak)
    figure, (axes,) = panels(
        width_in, told.question, words.paragraph([*told.about, *bands, at_peak]), 1,
        0.3 * len(lines) + 0.1,
        Margins(left=left, right=right, top=0.1, bottom=0.55),
    )  # fmt: skip
    top = 0.0
    for n, (line, label) in enumerate(zip(lines, labels, strict=True)):
        e = line.at[peak]
        if e.known:
            _dot(axes, n, line, e, label)
            top = max(top, *(x for x in (e.mean, e.high, e.input_high) if math.isfinite(x)))
    axes.set_yticks(range(len(lines)), [shortened(line.name, left - 0.15) for line in lines])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, _headroom(top, told.limit))
    axes.xaxis.set_major_locator(MaxNLocator(5 if width_in > 6 else 3, steps=STEPS))
    axes.xaxis.set_major_formatter(said(words.tick))
    axes.set_xlabel(told.unit)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    return figure


def _dot(axes: Axes, row: int, line: Line, e: Estimate, label: str) -> None:
    hue = colour(line.vendor)
    if e.has_inputs:
        axes.plot(
            [e.input_low, e.input_high], [row, row], color=hue, linewidth=7, alpha=0.25,
            solid_capstyle="butt", label="inputs",
        )  # fmt: skip
    if e.has_interval:
        axes.plot([e.low, e.high], [row, row], color=hue, linewidth=2)
    axes.plot(
        [e.mean], [row], color=hue, marker=marker(line.vendor), markersize=6, clip_on=False,
        markerfacecolor="white" if line.plan else hue,
    )  # fmt: skip
    axes.annotate(
        label, (1.0, row), xycoords=("axes fraction", "data"),
        xytext=(8, 0), textcoords="offset points", va="center", ha="left",
        color=legible(hue), annotation_clip=False,
    )  # fmt: skip


def _headroom(top: float, limit: float = math.inf) -> float:
    """Where an axis from 0 ends: some room above the highest value, never below 1."""
    return min(max(1.08 * top, 1.0), max(1.02 * limit, top))


def _foot(values: list[float]) -> float:
    """Below the smallest amount above 0, at a round number, an axis of factors is straight, so that
    nothing, and less, has its place too."""
    least = min((v for v in values if v > 0), default=1.0)
    digit, power = f"{least:.15e}"[0], math.floor(math.log10(least))
    return float(f"{digit}e{power}")


def _frame_log(axes: Axes, words: Words, least: float, low: float, top: float) -> None:
    """Each step up the axis is a factor; below `least` it is straight."""
    axes.set_yscale("symlog", linthresh=least, linscale=0.25)
    axes.set_ylim(low, 1.15 * top)
    steps = [m * 10.0**k for k in range(math.floor(math.log10(least)), 16) for m in (1, 2, 5)]
    ticks = [t for t in steps if least <= t <= 1.15 * top]
    if len(ticks) > 8:
        ticks = [t for t in ticks if f"{t:e}"[0] == "1"]
    axes.yaxis.set_major_locator(FixedLocator([0.0, *ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(said(words.tick))
    bare_y(axes)


def _frame_x(axes: Axes, view: View, room_in: float, side: Literal["center", "left"]) -> None:
    """Ticks at the points that were simulated, as many as there is room to read."""
    words, points = view.words, view.peaks
    span = points[-1] - points[0]
    axes.set_xlim(points[0] - 0.04 * span, points[-1] + 0.01 * span)
    low, high = axes.get_xlim()
    widest = max(text_in(words.count(p)) for p in points) + 0.12
    kept: list[int] = []
    for p in points:
        if not kept or (p - kept[-1]) / (high - low) * room_in >= widest:
            kept.append(p)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_minor_locator(FixedLocator([p for p in points if p not in kept]))
    axes.xaxis.set_major_formatter(said(words.count))
    axes.set_xlabel(words("chart-audience-axis"), loc=side)
