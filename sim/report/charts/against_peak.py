"""A figure against the size of the audience: a line for each vendor, or for each of its plans."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.report import number_format as fmt
from sim.report.charts.axes import STEPS, bare_y, frame_y, scale, whisker
from sim.report.plans import Plan, lowest, plans
from sim.report.style import (
    GREY,
    INK,
    PALE,
    TEXT_PT,
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
    Frames,
    estimates,
    lost_share,
    night_peak,
    peaks,
    table,
    vendors,
)
from sim.scenario import Scenario


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

    def said(self, e: Estimate, say: Callable[[float], str]) -> str:
        """The label of a point, with what its number leaves out; "" where there is none."""
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
        frames, width_in,
        _of_vendors(
            frames, scenario,
            lambda v, peak: figures.get((v, peak, "stall_ratio"), UNKNOWN).times(100),
        ),
        question="How much of the viewing stalls",
        subtitle="Time frozen over time frozen and played; viewers who never got in are not in it.",
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
        frames, width_in,
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


MORE = 0.1
"""What a bill leaves out stands beside it up to this share of the chart's width, else above."""

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
    size, unit = scale(float(rows["mean"].max()))
    known = plans(frames, scenario)

    def estimate(plan: Plan, peak: int) -> Estimate:
        mean, low, high = band.get((*plan.key, peak), (math.nan,) * 3)
        drawn = figures.get((plan.key[0], peak, metric), UNKNOWN)
        inputs = (drawn.input_low, drawn.input_high) if plan.number == 0 else ()
        return Estimate(mean, low, high, *inputs).times(1 / size)

    long = {
        vendors(frames, scenario)[plan.key[0]]: plan.unbilled
        for plan in known
        if text_in(plan.unbilled) > MORE * width_in
    }
    lines = [
        Line(
            plan.name if width_in > 6 else plan.brief,
            plan.vendor,
            {p: estimate(plan, p) for p in peaks(frames)},
            plan.number,
            "*" if plan.unbilled in long.values() else plan.unbilled,
        )
        for plan in known
    ]  # fmt: skip
    left_out = long.values() if len(set(long.values())) == 1 else map(" ".join, long.items())
    subtitle += f" *: {'; '.join(dict.fromkeys(left_out))}." if long else ""
    turns = [
        Turn(at, lines[known.index(plan)].y(at))
        for at, plan in lowest(frames, scenario, metric)[1:]
    ]
    if len(peaks(frames)) > 1 and len(lines) > 1:
        subtitle += (
            " Rings: from about so many viewers on another plan is the cheapest."
            if turns
            else " The same plan is cheapest throughout."
        )
    last = [line.y(math.inf) for line in lines if line.known]
    return _against_peak(
        frames, width_in, lines,
        question=question,
        subtitle=subtitle,
        unit=f"{what}, {unit}",
        say=fmt.number,
        turns=turns,
        wide=max(last) > FAR_APART * max(0.0, min(last)),
    )  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """From here on another plan is the cheapest of all."""

    peak: float
    y: float


def _say_percent(x: float) -> str:
    return fmt.percent(x / 100)


def _against_peak(
    frames: Frames,
    width_in: float,
    lines: list[Line],
    *,
    question: str,
    subtitle: str,
    unit: str,
    say: Callable[[float], str],
    limit: float = math.inf,
    turns: Sequence[Turn] = (),
    wide: bool = False,
) -> Figure:
    """`wide`: figures so far apart that the axis is logarithmic, but for its foot."""
    points, peak = peaks(frames), night_peak(frames)
    with drawing():
        if len(points) == 1:
            shown = [line.at[peak] for line in lines]
            said = f"{subtitle} {_about_bands(shown, 'Solid lines')}"
            said += f" {fmt.count(peak)} viewers at the peak."
            return _dots(width_in, f"{question}?", said, unit, peak, lines, say, limit)
        subtitle += f" {_about_bands([e for line in lines for e in line.at.values()])}"
        subtitle += f" Beside each name: at {fmt.count(points[-1])}."
        least = [e.mean for line in lines for e in line.known.values()]
        foot = _foot(least) if wide else 0.0
        if wide:
            subtitle += f" The axis is logarithmic above {fmt.exact(foot)}, straight below."
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
                whisker(axes, peak, inputs, colour(line.vendor), 0.75 * gap_pt, aside_pt)
                top = max(top, inputs.input_high)
            room = right - 0.2 - text_in(f"  {value}")
            said = f"{shortened(line.name, room)}  {value}".rstrip()
            ends.append((line.y(math.inf), said, colour(line.vendor)))
        if wide:
            _frame_log(axes, foot, min(0.0, *least), top)
        else:
            frame_y(axes, top, limit, least=min(least, default=0.0))
        span = points[-1] - points[0]
        axes.set_xlim(points[0] - 0.04 * span, points[-1] + 0.01 * span)
        _frame_x(axes, points, width_in - 0.62 - right)
        side: Literal["center", "left"] = "center" if width_in > 6 else "left"
        axes.set_xlabel("viewers at the peak, if nothing went wrong", loc=side)
        axes.set_title(unit, loc="left", size=TEXT_PT, color=GREY, pad=18)
        axes.axvline(peak, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
        leftwards = peak > points[0] + 0.7 * span
        axes.annotate(
            "the night", (peak, 1.0), xycoords=("data", "axes fraction"),
            xytext=(-4 if leftwards else 4, 0), textcoords="offset points",
            color=GREY, va="bottom", ha="right" if leftwards else "left", annotation_clip=False,
        )  # fmt: skip
        end_labels(axes, ends)
        _rings(axes, turns, width_in - 0.62 - right, top)
        return figure


LABEL_IN = 0.17
"""Height of the panel for each line at least, so that the labels have room."""


def _rings(axes: Axes, turns: Sequence[Turn], room_in: float, top: float) -> None:
    """A ring at each turn and above all lines at how many viewers, to two digits: a turn lies
    somewhere between two points. Where they are too many to be read they stand on the page only."""
    low, high = axes.get_xlim()
    axes.plot(
        [c.peak for c in turns], [c.y for c in turns], linestyle="none", marker="o",
        markersize=9, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.0, zorder=4,
        label="crossings",
    )  # fmt: skip

    gap_in = max((text_in(fmt.number(c.peak, 2)) for c in turns), default=0.0) + 0.1
    if not turns or len(turns) * gap_in > 0.8 * room_in:
        return
    _raise(axes, top)
    half = gap_in / 2 / room_in
    wanted = [(c.peak - low) / (high - low) for c in turns]
    for c, x in zip(turns, apart(wanted, 2 * half, half, 1 - half), strict=True):
        axes.annotate(
            fmt.number(c.peak, 2), (c.peak, c.y), xytext=(x, 1.0), textcoords=axes.transAxes,
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
    right = min(max(text_in(line.said(line.at[peak], say)) for line in lines) + 0.3, 0.4 * width_in)
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


def _headroom(top: float, limit: float = math.inf) -> float:
    """Where an axis from 0 ends: some room above the highest value, never below 1."""
    return min(max(1.08 * top, 1.0), max(1.02 * limit, top))


def _foot(values: list[float]) -> float:
    """Below the smallest amount above 0, at a round number, an axis of factors is straight, so that
    nothing, and less, has its place too."""
    least = min((v for v in values if v > 0), default=1.0)
    digit, power = f"{least:.15e}"[0], math.floor(math.log10(least))
    return float(f"{digit}e{power}")


def _frame_log(axes: Axes, least: float, low: float, top: float) -> None:
    """Each step up the axis is a factor; below `least` it is straight."""
    axes.set_yscale("symlog", linthresh=least, linscale=0.25)
    axes.set_ylim(low, 1.15 * top)
    steps = [m * 10.0**k for k in range(math.floor(math.log10(least)), 16) for m in (1, 2, 5)]
    ticks = [t for t in steps if least <= t <= 1.15 * top]
    if len(ticks) > 8:
        ticks = [t for t in ticks if f"{t:e}"[0] == "1"]
    axes.yaxis.set_major_locator(FixedLocator([0.0, *ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
    bare_y(axes)


def _frame_x(axes: Axes, points: list[int], room_in: float) -> None:
    """Ticks at the points that were simulated, as many as there is room to read."""
    low, high = axes.get_xlim()
    widest = max(text_in(fmt.count(p)) for p in points) + 0.12
    kept: list[int] = []
    for p in points:
        if not kept or (p - kept[-1]) / (high - low) * room_in >= widest:
            kept.append(p)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_minor_locator(FixedLocator([p for p in points if p not in kept]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: fmt.count(x)))
