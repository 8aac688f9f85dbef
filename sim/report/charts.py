"""The charts: each answers one question, and the question is its title."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation
from scipy.special import ndtr, ndtri

from sim.record import WORLDS
from sim.report import words
from sim.report.binding import strips, which_limit_binds
from sim.report.plans import Plan, crossed, lowest, plans
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
from sim.report.tables import (
    UNKNOWN,
    Estimate,
    Figures,
    Frames,
    estimates,
    lost_share,
    night_peak,
    peaks,
    risks,
    table,
    vendors,
)
from sim.scenario import Scenario

Chart = Callable[[Frames, Scenario, float], Figure]
"""Frames, scenario, width in inches."""

RUNGS = dict(
    zip(
        WORLDS[1:],
        ("viewers' own internet", "vendor's protocol", "vendor's limits", "incidents"),
        strict=True,
    )
)
"""Rungs of the ladder in the words of the charts and the page."""


def charts(frames: Frames, scenario: Scenario) -> dict[str, Chart]:
    """The charts these frames can fill, by the name of their file, in the order of the page."""
    figures = estimates(frames)
    everywhere = [(v, p) for v in vendors(frames, scenario) for p in peaks(frames)]
    sales = any(lost_share(figures, v, p).known for v, p in everywhere)
    billed = set(table(frames, "costs").get("metric", ()))
    filled: list[tuple[str, Chart, bool]] = [
        ("stall_against_concurrency", stall_against_concurrency, True),
        ("lost_sales_against_concurrency", lost_sales_against_concurrency, sales),
        ("ladder", ladder, bool(_laddered(frames, scenario))),
        ("revenue_at_risk", revenue_at_risk, bool(_exceeded(frames, scenario))),
        ("cost_against_concurrency", cost_against_concurrency, "cost_cny" in billed),
        (
            "cost_and_lost_margin_against_concurrency",
            cost_and_lost_margin_against_concurrency,
            "cost_and_lost_margin_cny" in billed,
        ),
        ("who_stalls", who_stalls, not _groups(frames, scenario).empty),
        ("night_over_time", night_over_time, not table(frames, "timeseries").empty),
        ("which_limit_binds", which_limit_binds, any(strips(frames, scenario).values())),
    ]
    return {name: chart for name, chart, there in filled if there}


def plot(frames: Frames, scenario: Scenario) -> Figure:
    """One figure for a notebook: stall against concurrency, or the night where it has one peak."""
    if len(peaks(frames)) > 1 or table(frames, "timeseries").empty:
        return stall_against_concurrency(frames, scenario, WIDE_IN)
    return night_over_time(frames, scenario, WIDE_IN)


# --- a figure against the audience ----------------------------------------------------------------


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
    """What the number leaves out."""

    @property
    def known(self) -> dict[int, Estimate]:
        return {p: e for p, e in self.at.items() if e.known}

    def y(self, peak: float) -> float:
        """Its height at a peak; level beyond its ends."""
        return float(np.interp(peak, list(self.known), [e.mean for e in self.known.values()]))

    def said(self, e: Estimate, say: Callable[[float], str]) -> str:
        return f"{say(e.mean)}{f' + {self.more}' if self.more else ''}" if e.known else ""

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


def stall_against_concurrency(
    frames: Frames, scenario: Scenario, width_in: float = WIDE_IN
) -> Figure:
    """Stall ratio in percent against the offered peak, a line per vendor."""
    figures = estimates(frames)
    return _against_peak(
        frames, scenario, width_in,
        _of_vendors(
            frames, scenario,
            lambda v, peak: figures.get((v, peak, "stall_ratio"), UNKNOWN).times(100),
        ),
        question="How much of the viewing stalls",
        subtitle="Time frozen over time frozen and played; whoever never got in is not in it.",
        unit="stalled, % of viewing time",
        say=_say_percent,
        limit=100.0,
    )  # fmt: skip


def lost_sales_against_concurrency(
    frames: Frames, scenario: Scenario, width_in: float = WIDE_IN
) -> Figure:
    """Lost sales in percent of a perfect night's against the offered peak, a line per vendor."""
    figures = estimates(frames)
    return _against_peak(
        frames, scenario, width_in,
        _of_vendors(frames, scenario, lambda v, peak: lost_share(figures, v, peak).times(100)),
        question="How much of the sales is lost",
        subtitle="Against a night on which every picture plays for everybody.",
        unit="sales lost, % of a perfect night",
        say=_say_percent,
        limit=100.0,
    )  # fmt: skip


def _of_vendors(
    frames: Frames, scenario: Scenario, figure_of: Callable[[str, int], Estimate]
) -> list[Line]:
    names = vendors(frames, scenario)
    return [
        Line(name, n, {p: figure_of(vendor, p) for p in peaks(frames)})
        for n, (vendor, name) in enumerate(names.items())
    ]


def cost_against_concurrency(
    frames: Frames, scenario: Scenario, width_in: float = WIDE_IN
) -> Figure:
    """The bill of the night in CNY against the offered peak, a line for each plan of a vendor."""
    return _amount_against_peak(
        frames, scenario, width_in, "cost_cny",
        "What is the bill for the night",
        "What the night adds to the month; viewers who never got in cost nothing.",
        "bill",
    )  # fmt: skip


def cost_and_lost_margin_against_concurrency(
    frames: Frames, scenario: Scenario, width_in: float = WIDE_IN
) -> Figure:
    """Bill and lost margin in CNY against the offered peak, a line for each plan of a vendor."""
    return _amount_against_peak(
        frames, scenario, width_in, "cost_and_lost_margin_cny",
        "What do bill and lost margin come to",
        "The bill of the night, and what would have been earned on the sales lost.",
        "bill and lost margin",
    )  # fmt: skip


FAR_APART = 10.0
"""Plans of which one costs so many times another are drawn on a logarithmic axis."""


def _amount_against_peak(
    frames: Frames,
    scenario: Scenario,
    width_in: float,
    metric: str,
    question: str,
    subtitle: str,
    what: str,
) -> Figure:
    figures, rows = estimates(frames), table(frames, "costs", metric=metric)
    band = {
        (str(vendor), str(tariff), int(peak)): (mean, low, high)
        for vendor, tariff, peak, mean, low, high in rows[
            ["vendor", "tariff", "peak_viewers", "mean", "ci_low", "ci_high"]
        ].itertuples(index=False, name=None)
    }
    size, unit = _scale(float(rows["mean"].max()))
    known = plans(frames, scenario)

    def estimate(plan: Plan, peak: int) -> Estimate:
        mean, low, high = band.get((*plan.key, peak), (math.nan,) * 3)
        drawn = figures.get((plan.key[0], peak, metric), UNKNOWN)
        inputs = (drawn.input_low, drawn.input_high) if plan.number == 0 else ()
        return Estimate(mean, low, high, *inputs).times(1 / size)

    lines = [
        Line(
            plan.name if width_in > 6 else plan.brief,
            plan.vendor,
            {p: estimate(plan, p) for p in peaks(frames)},
            plan.number,
            plan.unbilled,
        )
        for plan in known
    ]  # fmt: skip
    turns = {at for at, _ in lowest(frames, scenario, metric)[1:]}
    crossings = [
        Crossing(at, lines[known.index(below)].y(at), at in turns)
        for at, below, _ in crossed(frames, scenario, metric)
    ]  # fmt: skip
    if len(peaks(frames)) > 1 and len(lines) > 1:
        subtitle += (
            " Rings: from so many viewers on one plan is cheaper than another."
            if crossings
            else " No two plans cross."
        )
    last = [line.y(math.inf) for line in lines if line.known]
    return _against_peak(
        frames, scenario, width_in, lines,
        question=question,
        subtitle=subtitle,
        unit=f"{what}, {unit}",
        say=words.number,
        crossings=crossings,
        wide=max(last) > FAR_APART * max(0.0, min(last)),
    )  # fmt: skip


@dataclass(frozen=True)
class Crossing:
    """Where two lines cross."""

    peak: float
    y: float
    lowest: bool
    """Whether another plan is the cheapest of all from here on."""


TICKS = (90, 75, 50, 25, 10, 5, 2, 1)
"""Chances in percent at which the axis of nights has its ticks."""


def revenue_at_risk(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """Sales lost to limits and incidents in CNY against the chance that a night loses more: a line
    per vendor, the worst nights on the right."""
    lines = _exceeded(frames, scenario)
    known, names = risks(frames), vendors(frames, scenario)
    size, unit = _scale(max(max(y) for _, y in lines.values()))
    with drawing():
        labels = {v: (names[v], words.number(y[-1] / size, 2)) for v, (_, y) in lines.items()}
        longest = max(text_in(f"{name}  {value}") for name, value in labels.values())
        right = min(longest + 0.25, (0.3 if width_in > 6 else 0.42) * width_in)
        figure, (axes,) = panels(
            width_in, "How much may limits and incidents cost?",
            "Over all peaks and incidents the night may bring, the worst nights on the right. "
            "Pale bars: the range of the assumed numbers there. Beside each name: 1 night in 100.",
            1, 0.36 * width_in if width_in > 6 else 0.75 * width_in,
            Margins(left=0.62, right=right, top=0.48, bottom=0.55),
        )  # fmt: skip
        ends, top, first = [], 0.0, max(5, min(95, 99 - len(names)))
        for n, vendor in enumerate(names):
            if vendor not in lines:
                continue
            chances, y = lines[vendor]
            x, y = _stepped(chances, y, _odds(scenario, vendor))
            x, y = [-float(ndtri(c)) for c in x], [value / size for value in y]
            axes.plot(x, y, color=colour(n), linestyle=dashes(n), linewidth=1.8, zorder=3)
            of = first + n
            drawn = known[vendor, "revenue_at_risk_cny", f"p{of}"].times(1 / size)
            if drawn.has_inputs:
                _whisker(axes, -float(ndtri(1 - of / 100)), drawn, colour(n), 2.6, 0.0)
                top = max(top, drawn.input_high)
            name, value = labels[vendor]
            room = right - 0.2 - text_in(f"  {value}")
            ends.append((y[-1], f"{shortened(name, room)}  {value}", colour(n)))
            top = max(top, *y)
        _frame_y(axes, top, least=min(min(y) for _, y in lines.values()) / size)
        axes.set_xlim(-float(ndtri(0.95)), -float(ndtri(0.0099)))
        shown = TICKS if width_in > 6 else TICKS[::2]
        axes.xaxis.set_major_locator(FixedLocator([-float(ndtri(t / 100)) for t in shown]))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: f"{100 * float(ndtr(-x)):.0f}{words.SPACE}%")
        )
        axes.set_xlabel("chance that a night loses more")
        axes.set_title(f"sales lost, {unit}", loc="left", size=TEXT_PT, color=GREY, pad=18)
        end_labels(axes, ends)
        return figure


def _exceeded(frames: Frames, scenario: Scenario) -> dict[str, tuple[list[float], list[float]]]:
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


def _say_percent(x: float) -> str:
    return words.percent(x / 100)


def _against_peak(
    frames: Frames,
    scenario: Scenario,
    width_in: float,
    lines: list[Line],
    *,
    question: str,
    subtitle: str,
    unit: str,
    say: Callable[[float], str],
    limit: float = math.inf,
    crossings: Sequence[Crossing] = (),
    wide: bool = False,
) -> Figure:
    """`wide`: figures so far apart that the axis is logarithmic."""
    points, peak = peaks(frames), night_peak(frames, scenario)
    with drawing():
        if len(points) == 1:
            shown = [line.at[peak] for line in lines]
            said = f"{subtitle} {_about_bands(shown, 'Solid lines')}"
            said += f" {words.count(peak)} viewers at the peak."
            return _dots(width_in, f"{question}?", said, unit, peak, lines, say, limit)
        subtitle += f" {_about_bands([e for line in lines for e in line.at.values()])}"
        subtitle += f" Beside each name: at {words.count(points[-1])}."
        values = [line.said(line.at[points[-1]], say) for line in lines]
        longest = max(
            text_in(f"{line.name}  {value}") for line, value in zip(lines, values, strict=True)
        )
        right = min(longest + 0.25, 0.42 * width_in)
        tall = 0.36 * width_in if width_in > 6 else 0.75 * width_in
        figure, (axes,) = panels(
            width_in, f"{question}, as the audience grows?", subtitle, 1,
            max(tall, LABEL_IN * len(lines)),
            Margins(left=0.62, right=right, top=0.48, bottom=0.55),
        )  # fmt: skip
        ends = []
        top, of = 0.0, 1 + max(line.vendor for line in lines)
        for line, value in zip(lines, values, strict=True):
            if not line.known:
                continue
            top = max(top, line.draw(axes, wide, 0.18 if len(lines) <= 3 else 0.6 / len(lines)))
            inputs = line.at[peak]
            if inputs.has_inputs:
                gap_pt = 3.5 if width_in > 6 else 2.2  # those of several stand side by side
                aside_pt = (line.vendor - (of - 1) / 2) * gap_pt
                _whisker(axes, peak, inputs, colour(line.vendor), 0.75 * gap_pt, aside_pt)
                top = max(top, inputs.input_high)
            room = right - 0.2 - text_in(f"  {value}")
            said = f"{shortened(line.name, room)}  {value}".rstrip()
            ends.append((line.y(math.inf), said, colour(line.vendor)))
        least = [e.mean for line in lines for e in line.known.values()]
        if wide:
            _frame_log(axes, least, top)
        else:
            _frame_y(axes, top, limit, least=min(least, default=0.0))
        span = points[-1] - points[0]
        axes.set_xlim(points[0] - 0.04 * span, points[-1] + 0.01 * span)
        _frame_x(axes, points, width_in - 0.62 - right)
        side: Literal["center", "left"] = "center" if width_in > 6 else "left"
        axes.set_xlabel("viewers at the peak, if nothing went wrong", loc=side)
        unit += ", logarithmic" if wide else ""
        axes.set_title(unit, loc="left", size=TEXT_PT, color=GREY, pad=18)
        axes.axvline(peak, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
        leftwards = peak > points[0] + 0.7 * span
        axes.annotate(
            "the night", (peak, 1.0), xycoords=("data", "axes fraction"),
            xytext=(-4 if leftwards else 4, 0), textcoords="offset points",
            color=GREY, va="bottom", ha="right" if leftwards else "left", annotation_clip=False,
        )  # fmt: skip
        end_labels(axes, ends)
        _rings(axes, crossings, width_in - 0.62 - right)
        return figure


LABEL_IN = 0.17
"""Height of the panel for each line at least, so that the labels have room."""


def _rings(axes: Axes, crossings: Sequence[Crossing], room_in: float) -> None:
    """A ring at each crossing and below it, on the axis, at how many viewers; where they are too
    many to be read only where another plan is the cheapest of all."""
    low, high = axes.get_xlim()
    axes.plot(
        [c.peak for c in crossings], [c.y for c in crossings], linestyle="none", marker="o",
        markersize=9, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.0, zorder=4,
        label="crossings",
    )  # fmt: skip

    def wide(some: Sequence[Crossing]) -> float:
        return max((text_in(words.count(c.peak)) for c in some), default=0.0) + 0.1

    said = next(
        (some for some in (crossings, [c for c in crossings if c.lowest])
         if len(some) * wide(some) <= 0.8 * room_in), []
    )  # fmt: skip
    half = wide(said) / 2 / room_in
    wanted = [(c.peak - low) / (high - low) for c in said]
    for c, x in zip(said, apart(wanted, 2 * half, half, 1 - half), strict=True):
        axes.annotate(
            words.count(c.peak), (c.peak, c.y), xytext=(x, 0.0), textcoords=axes.transAxes,
            ha="center", va="bottom", size=TEXT_PT, color=INK, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            arrowprops={
                "arrowstyle": "-", "color": INK, "linewidth": 0.7, "linestyle": (0, (1, 2)),
                "shrinkA": 0, "shrinkB": 5,
            },
        )  # fmt: skip


def _whisker(axes: Axes, x: float, e: Estimate, hue: str, wide_pt: float, aside_pt: float) -> None:
    """The band of the inputs as a pale bar, so far right of x."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    aside = ScaledTranslation(aside_pt / 72, 0, figure.dpi_scale_trans)
    axes.plot(
        [x, x], [e.input_low, e.input_high], transform=axes.transData + aside, color=hue,
        alpha=0.35, linewidth=wide_pt, solid_capstyle="butt", zorder=2, label="inputs",
    )  # fmt: skip


def _dots(
    width_in: float,
    title: str,
    subtitle: str,
    unit: str,
    peak: int,
    lines: list[Line],
    say: Callable[[float], str],
    limit: float,
) -> Figure:
    """One peak only: a dot and its bands for each line."""
    left = min(max(text_in(line.name) for line in lines) + 0.25, 0.4 * width_in)
    right = max(text_in(line.said(line.at[peak], say)) for line in lines) + 0.3
    figure, (axes,) = panels(
        width_in, title, subtitle, 1, 0.3 * len(lines) + 0.1,
        Margins(left=left, right=right, top=0.1, bottom=0.55),
    )  # fmt: skip
    top = 0.0
    for n, line in enumerate(lines):
        e = line.at[peak]
        if not e.known:
            continue
        hue = colour(line.vendor)
        if e.has_inputs:
            axes.plot(
                [e.input_low, e.input_high], [n, n], color=hue, linewidth=7, alpha=0.25,
                solid_capstyle="butt", label="inputs",
            )  # fmt: skip
        if e.has_interval:
            axes.plot([e.low, e.high], [n, n], color=hue, linewidth=2)
        axes.plot(
            [e.mean], [n], color=hue, marker=marker(line.vendor), markersize=6, clip_on=False,
            markerfacecolor="white" if line.plan else hue,
        )  # fmt: skip
        axes.annotate(
            line.said(e, say), (1.0, n), xycoords=("axes fraction", "data"),
            xytext=(8, 0), textcoords="offset points", va="center", ha="left",
            color=legible(hue), annotation_clip=False,
        )  # fmt: skip
        ends = (e.mean, e.high, e.input_high)
        top = max(top, *(x for x in ends if math.isfinite(x)))
    axes.set_yticks(range(len(lines)), [shortened(line.name, left - 0.15) for line in lines])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, _headroom(top, limit))
    axes.xaxis.set_major_locator(MaxNLocator(5 if width_in > 6 else 3, steps=STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axes.set_xlabel(unit)
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    return figure


def _about_bands(shown: list[Estimate], drawn: str = "Shaded") -> str:
    said = (
        f"{drawn}: 95 % interval over nights."
        if any(e.has_interval for e in shown)
        else "One night: no interval."
    )
    if any(e.has_inputs for e in shown):
        said += " Pale bars: the range of the assumed numbers."
    return said


STEPS = [1, 2, 2.5, 5, 10]
"""Ticks stand at these, times a power of ten."""


def _headroom(top: float, limit: float = math.inf) -> float:
    """Where an axis from 0 ends: some room above the highest value, never below 1."""
    return min(max(1.08 * top, 1.0), max(1.02 * limit, top))


def _frame_y(
    axes: Axes, top: float, limit: float = math.inf, room: float = 1.0, least: float = 0.0
) -> None:
    """From 0, or the tick below `least`, to the tick above the highest value; `room` times that
    where something stands above it."""
    ticks = MaxNLocator(5, steps=STEPS).tick_values(min(0.0, least), max(min(top, limit), 1.0))
    axes.set_ylim(ticks[0], room * ticks[-1])
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
    _bare_y(axes)


def _frame_log(axes: Axes, values: list[float], top: float) -> None:
    """Each step up the axis is a factor; below the smallest amount above 0 it is level, so that
    nothing, and less, has its place too."""
    least = min((v for v in values if v > 0), default=1.0)
    axes.set_yscale("symlog", linthresh=least, linscale=0.25)
    axes.set_ylim(min(0.0, *values), 1.15 * top)
    steps = [m * 10.0**k for k in range(math.floor(math.log10(least)), 16) for m in (1, 2, 5)]
    ticks = [t for t in steps if least <= t <= 1.15 * top]
    if len(ticks) > 8:
        ticks = [t for t in ticks if f"{t:e}"[0] == "1"]
    axes.yaxis.set_major_locator(FixedLocator([0.0, *ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
    _bare_y(axes)


def _bare_y(axes: Axes) -> None:
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


# --- who stalls -----------------------------------------------------------------------------------

GROUPS = {"class": "by own internet", "region": "by region", "isp": "by network"}
"""Columns of the breakdown, in words."""

CLASSES = {"home": "home", "lte": "4G", "hsdpa": "3G"}
"""Access classes as people call them; others keep their name."""

HEAT = LinearSegmentedColormap.from_list("heat", ["#f6f6f4", "#f8d2bb", "#ee9a63"])

FEW = 0.01
"""A group with a smaller share of the viewers does not set the scale of the colours."""

ROW_IN, CELL_IN = 0.3, 0.62


def who_stalls(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """Stall ratio by vendor and by group of viewers, a panel for each way to group them."""
    peak = night_peak(frames, scenario)
    groups = _groups(frames, scenario)
    names = {v: s for v, s in vendors(frames, scenario).items() if v in set(groups["vendor"])}
    kinds = [by for by in GROUPS if by in set(groups["by"])]
    stall = groups[groups["metric"] == "stall_ratio"].set_index(["vendor", "by", "of"])["value"]
    came = groups[groups["metric"] == "arrived"].groupby(["by", "of"], sort=False)["value"].mean()
    part = (came / came.groupby("by").transform("sum")).sort_values(ascending=False, kind="stable")
    many = set(part[part >= FEW].index)
    top = max((x for key, x in zip(stall.index, stall, strict=True) if key[1:] in many), default=0)
    names_in = max(text_in(name) for name in names.values()) + 0.2
    wide = width_in > 6
    with drawing():
        left = min(names_in, (0.2 if wide else 0.36) * width_in)
        figure, grid = panels(
            width_in, "Who stalls?",
            f"Stalled, % of the viewing time of each group, at {words.count(peak)} viewers; "
            "under each group its share of those who came.",
            1 if wide else len(kinds),
            ROW_IN * len(names),
            Margins(left=left, right=0.1, top=0.82, bottom=0.12),
        )  # fmt: skip
        for axes, shown in zip(grid, [kinds] if wide else [[k] for k in kinds], strict=True):
            axes.set_axis_off()
            x = 0.0
            columns = {by: [of for kind, of in part.index if kind == by] for by in shown}
            most = sum(map(len, columns.values())) + 0.4 * (len(columns) - 1)
            axes.set_xlim(0, max(most, (width_in - left - 0.1) / (1.6 * CELL_IN)))
            axes.set_ylim(len(names), 0)
            _at(axes, list(names.values()), left)
            for by in shown:
                _over(axes, x, 42, GROUPS[by], INK, bold=True)
                for of in columns[by]:
                    share = part[by, of]
                    _over(axes, x + 0.5, 24, CLASSES.get(of, of) if by == "class" else of, INK)
                    said = words.percent(share) if share >= FEW else f"< 1{words.SPACE}%"
                    _over(axes, x + 0.5, 9, said, GREY)
                    for row, vendor in enumerate(names):
                        ratio = float(stall.get((vendor, by, of), math.nan))
                        _heat(axes, x, row, ratio, max(top, 0.02))
                    x += 1
                x += 0.4
        return figure


def _at(axes: Axes, names: list[str], left: float) -> None:
    for row, name in enumerate(names):
        axes.annotate(
            shortened(name, left - 0.15), (0, row + 0.5), xycoords=("axes fraction", "data"),
            xytext=(-6, 0), textcoords="offset points", va="center", ha="right",
            annotation_clip=False,
        )  # fmt: skip


def _over(axes: Axes, x: float, up_pt: float, text: str, hue: str, bold: bool = False) -> None:
    axes.annotate(
        text, (x, 0), xytext=(1 if bold else 0, up_pt), textcoords="offset points", color=hue,
        ha="left" if bold else "center", va="center", weight="bold" if bold else "normal",
        annotation_clip=False,
    )  # fmt: skip


def _heat(axes: Axes, x: float, row: int, ratio: float, top: float) -> None:
    if not math.isfinite(ratio):
        axes.annotate(words.NONE, (x + 0.5, row + 0.5), ha="center", va="center", color=GREY)
        return
    heat = HEAT(min(1.0, ratio / top))
    axes.fill_between([x + 0.02, x + 0.98], row + 0.04, row + 0.96, color=heat, linewidth=0)
    axes.annotate(
        words.percent(ratio).removesuffix(f"{words.SPACE}%").replace("below ", "< "),
        (x + 0.5, row + 0.5),
        ha="center", va="center", color=INK,
    )  # fmt: skip


def _groups(frames: Frames, scenario: Scenario) -> pd.DataFrame:
    """Who came and who stalled by group at the peak, means over nights; empty where unknown."""
    rows = table(frames, "breakdown", peak_viewers=night_peak(frames, scenario))
    if rows.empty:
        return rows
    rows = rows[rows["by"].isin(list(GROUPS)) & rows["metric"].isin(["stall_ratio", "arrived"])]
    if not (rows["metric"] == "stall_ratio").any():
        return pd.DataFrame()
    keys = ["vendor", "by", "of", "metric"]
    return rows.groupby(keys, sort=False)["value"].mean().reset_index()


# --- the night over time --------------------------------------------------------------------------

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
    peak = night_peak(frames, scenario)
    series = table(frames, "timeseries", peak_viewers=peak)
    names = {v: s for v, s in vendors(frames, scenario).items() if v in set(series["vendor"])}
    nights = int(series["replication"].nunique())
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    about = f"{words.count(peak)} viewers at the peak"
    about += f", mean of {nights} nights. " if nights > 1 else ", one night. "
    about += "Whoever is missing under the dashed line has left or was turned away."
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
            _frame_y(axes, high, room=room)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: words.count(y)))
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
    if script.mass_exit is not None:
        marks.append((script.mass_exit.time_s / 60, "mass exit"))
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


# --- the ladder -----------------------------------------------------------------------------------


BAR = 0.62
"""Height of a bar, where rows are 1 apart."""

AMOUNT_PT = (54, 104)
"""Right ends of the columns of amounts and of shares, right of the bars."""


def ladder(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """From a perfect night's sales, rung by rung, to what is sold; a panel per vendor."""
    peak = night_peak(frames, scenario)
    figures = estimates(frames)
    known = _laddered(frames, scenario)
    names = {v: s for v, s in vendors(frames, scenario).items() if v in known}
    perfect = {v: figures[v, peak, "perfect_gmv_cny"].mean for v in names}
    size, unit = _scale(max(perfect.values()))
    columns = 2 if width_in > 6 and len(names) > 1 else 1
    rows = ["perfect night", *RUNGS.values(), "is sold"]
    left = max(text_in(row) for row in rows) + 0.05
    right = AMOUNT_PT[1] / 72 + 0.12
    shown = [figures[v, peak, f"lost_gmv_cny.{rung}"] for v in names for rung in RUNGS]
    about = f"Sales in {unit} at {words.count(peak)} viewers; orange is lost, green gained. "
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
    _say(axes, 0, words.count(perfect / size), "")
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
        sign = words.MINUS if lost.mean > 0 else "+" if lost.mean < 0 else ""
        share = f"{sign}{words.percent(abs(lost.mean) / perfect)}" if perfect else ""
        if rung == "incidents" and unbroken:
            _say(axes, row, "", unbroken, GREY)
        else:
            _say(axes, row, f"{sign}{words.count(abs(lost.mean) / size)}", share)
    axes.plot(
        [remains / size] * 2, [len(steps) + BAR / 2, len(steps) + 1],
        color=GREY, linewidth=0.6, zorder=0.5,
    )  # fmt: skip
    share = words.percent(remains / perfect) if perfect else ""
    _say(axes, len(steps) + 1, words.count(remains / size), share)


def _say(axes: Axes, row: int, amount: str, share: str, hue: str = INK) -> None:
    """An amount and its share in two columns right of the bars."""
    for text, right_pt in zip((amount, share), AMOUNT_PT, strict=True):
        axes.annotate(
            text, (1.0, row), xycoords=("axes fraction", "data"), xytext=(right_pt, 0),
            textcoords="offset points", va="center", ha="right", color=hue, annotation_clip=False,
        )  # fmt: skip
