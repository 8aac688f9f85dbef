"""From the script of the night to expected arrivals: the curve, its inversion, the order rate."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.demand.csv_file import opened, refuse_other_width
from sim.demand.stay import StayLaw, integrated_survival, residual_survival, stay_law
from sim.scenario.errors import ScenarioError
from sim.scenario.files import resolve_file
from sim.scenario.model import (
    LEAST_SHOW_S,
    MOST_CELLS,
    MOST_PEOPLE,
    MOST_SHOW_S,
    Audience,
    Cohort,
    MassExit,
    Promotion,
    too_many_steps,
)
from sim.scenario.quantity import LEAST_S, MOST_S

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A cohort of the audience in expectation; the whole of it where it has none."""

    name: str
    curve: Curve | None
    """What its concurrency is to be; None where arrivals are scripted."""
    law: StayLaw
    exits: list[MassExit]
    """Those that take its viewers."""
    per_s: Array
    """(bins) expected joins a second in each bin."""
    initial: float
    """Expected viewers already there at time 0."""
    offered: Array
    """Expected viewers at `Demand.times_s`."""
    dry: NDArray[np.bool_]
    """(bins) where the curve falls faster than people leave by themselves."""


@dataclass(frozen=True)
class Curve:
    """A concurrency curve: straight lines between points, level outside."""

    points: Array
    """(n, 2) seconds, viewers in any unit."""
    unit: float
    """So many of them are one viewer."""

    def at(self, times: Array) -> Array:
        """Viewers at these times (seconds), in the shape of `times`."""
        return np.asarray(np.interp(times, self.points[:, 0], self.points[:, 1]) / self.unit)


@dataclass(frozen=True)
class Demand:
    """The night in expectation, at full size and with perfect delivery."""

    duration_s: float
    peak_viewers: float
    """Maximum of the target curve; of cohorts the sum of theirs, whenever each has its own."""
    edges_s: Array
    """(bins + 1) edges of the arrival bins."""
    times_s: Array
    """Bin edges and middles, at which the curve is known."""
    parts: tuple[Part, ...]
    """Of the audience, in its order."""
    per_s: Array
    """(bins) expected joins a second in each bin, of all parts."""
    initial: float
    """Expected viewers already there at time 0."""
    offered: Array
    """Expected viewers at `times_s`."""
    offered_peak: float
    """Its maximum: what the inversion achieved."""

    @property
    def curve_error(self) -> float:
        """Largest |achieved - target| over the peak, edges and middles; nan for an arrival curve,
        and of cohorts that of all whose concurrency is given."""
        off = [p.offered - p.curve.at(self.times_s) for p in self.parts if p.curve is not None]
        return float(np.abs(sum(off)).max()) / self.peak_viewers if off else float("nan")

    @property
    def dry_share(self) -> float:
        """Share of bins in which a part's target falls faster than people leave by themselves."""
        return float(np.mean(np.any([part.dry for part in self.parts], axis=0)))

    @property
    def arrivals(self) -> float:
        """Expected number of viewers, those present at the start included."""
        return float(self.initial + (self.per_s * np.diff(self.edges_s)).sum())

    def mean_viewers(self, t: Array) -> Array:
        """Expected viewers between each of these times and the next."""
        crowd = np.interp(t, self.times_s, self.offered)
        return np.asarray((crowd[1:] + crowd[:-1]) / 2)

    @property
    def mean_stay_s(self) -> float:
        """Of viewers who come while the show lasts."""
        first = self.parts[0].law.mean_s
        joins = [float(part.per_s @ np.diff(self.edges_s)) for part in self.parts]
        more = [n * (p.law.mean_s - first) for n, p in zip(joins, self.parts, strict=True)]
        return first + sum(more) / (sum(joins) or 1.0)


def curve_demand(promotion: Promotion, audience: Audience) -> Demand:
    """Arrivals that make the script's concurrency come true with perfect delivery.

    Each cohort by itself: its curve, at its share of the peak, with its own stay.
    Errors: ScenarioError for a curve file that can't be read, or with nobody within the show.
    """
    points, views, duration = None, None, promotion.duration_s
    if promotion.file is not None:
        points, views = read_curve(resolve_file("promotion.file", promotion.file))
        duration = length_s(
            promotion, f"promotion.file '{promotion.file}'", "time_s", float(points[-1, 0])
        )
    elif promotion.concurrency is not None:
        points = np.array(promotion.concurrency)
    assert duration is not None
    highest = 1.0 if points is None else _peak(points, duration)
    if highest <= 0:
        raise ScenarioError(
            f"promotion.duration_s is {duration:g}: the curve has its first viewer after that"
        )
    peak = highest if promotion.peak_viewers is None else float(promotion.peak_viewers)
    _solvable(promotion, audience, duration)
    edges, times = grid(promotion, duration)
    curves = [_curve(cohort, points, highest, peak, duration) for cohort in audience.parts]
    laws = _laws(audience, curves, points, views, highest / peak)
    parts = tuple(
        _part(promotion, cohort, curve, law, cohort.share * peak, edges, times)
        for cohort, curve, law in zip(audience.parts, curves, laws, strict=True)
    )
    offered = np.sum([part.offered for part in parts], axis=0)
    return Demand(
        duration, peak, edges, times, parts,
        np.sum([part.per_s for part in parts], axis=0),
        sum(part.initial for part in parts),
        offered, float(offered.max()),
    )  # fmt: skip


def grid(promotion: Promotion, duration: float) -> tuple[Array, Array]:
    """(edges of the bins, these and the middles between them), seconds."""
    edges = np.append(np.arange(0.0, duration - 1e-9, promotion.grid_s), duration)
    return edges, np.sort(np.append(edges, (edges[1:] + edges[:-1]) / 2))


def _curve(
    cohort: Cohort, points: Array | None, highest: float, peak: float, duration: float
) -> Curve | None:
    """The cohort's own curve, else its share of the promotion's."""
    if cohort.concurrency is not None:
        points = np.array(cohort.concurrency)
        highest = _peak(points, duration)
        if highest <= 0:
            raise ScenarioError(
                f"audience.cohorts: the concurrency of '{cohort.name}' has no viewer within "
                f"the show of {duration:g} s"
            )
    return None if points is None else Curve(points, highest / (cohort.share * peak))


def _laws(
    audience: Audience,
    curves: list[Curve | None],
    points: Array | None,
    views: Array | None,
    unit: float,
) -> list[StayLaw]:
    """How long each cohort stays.

    Where a recording counts views, the stays that are to fit it are stretched, all by one factor,
    so that Little's law holds over it: viewer-seconds / mean stay, summed, are its views.
    """
    stays = [cohort.stay for cohort in audience.parts if cohort.stay is not None]
    laws = [stay_law(stay) for stay in stays]
    if points is None or views is None:
        return laws
    end, fits, kept = points[-1, 0], dict[int, float](), 0.0
    for k, (curve, stay, law) in enumerate(zip(curves, stays, laws, strict=True)):
        assert curve is not None
        knots = np.union1d(curve.points[:, 0], [0.0, end])
        knots = knots[knots <= end]
        viewers = np.interp(knots, curve.points[:, 0], curve.points[:, 1])
        watched = float(np.trapezoid(viewers, knots)) * (unit / curve.unit)
        if stay.fit_to_views:
            fits[k] = watched
        else:
            kept += watched / law.mean_s
    left = float(views[-1] - views[0]) - kept
    if fits and left <= 0:
        raise ScenarioError(
            f"promotion.file counts {left + kept:.0f} views, and the cohorts whose stay has "
            f"fit_to_views=false come {kept:.0f} times: that leaves nobody for the others"
        )
    stretch = sum(watched / left / laws[k].mean_s for k, watched in fits.items())
    for k, watched in fits.items():
        if not LEAST_S <= (mean_s := stretch * laws[k].mean_s) <= MOST_S:
            raise ScenarioError(
                f"promotion.file: {left:g} views for {watched / 3600:g} viewer hours are a mean "
                f"stay of {mean_s:g} s, it must be {LEAST_S:g} to {MOST_S:g}"
            )
    return [
        stay_law(stay, stretch) if k in fits else law
        for k, (stay, law) in enumerate(zip(stays, laws, strict=True))
    ]


def _part(
    promotion: Promotion,
    cohort: Cohort,
    curve: Curve | None,
    law: StayLaw,
    peak: float,
    edges: Array,
    times: Array,
) -> Part:
    """One cohort's joins; `peak`: the most of it at once."""
    exits = [e for e in promotion.mass_exit if e.cohort in (None, cohort.name)]
    if curve is None:
        per_s, initial = _from_arrivals(promotion, law, edges)
        offered = presence(times, edges, law, exits) @ np.append(initial, per_s)
        # An arrival curve is known up to scale: its peak is the script's.
        scale = peak / float(offered.max())
        per_s, initial, offered = per_s * scale, initial * scale, offered * scale
        dry = np.zeros(len(per_s), bool)
    else:
        target = curve.at(edges)
        initial = float(target[0])
        per_s = invert(target, edges, law, exits)
        offered = presence(times, edges, law, exits) @ np.append(initial, per_s)
        dry = (per_s == 0) & (offered[2::2] > target[1:] + 1e-9 * peak)
    return Part(cohort.name, curve, law, exits, per_s, initial, offered, dry)


def cells(promotion: Promotion, audience: Audience, duration_s: float) -> float:
    """Places of the matrices that are solved for the joins."""
    matrices = len(audience.parts) * (1 + len(promotion.mass_exit))
    return matrices * (duration_s / promotion.grid_s) ** 2


def _solvable(promotion: Promotion, audience: Audience, duration: float) -> None:
    if (asked := cells(promotion, audience, duration)) > MOST_CELLS:
        raise ScenarioError(
            f"promotion.grid_s {promotion.grid_s:g} with {len(audience.cohorts)} audience.cohorts "
            f"and {len(promotion.mass_exit)} promotion.mass_exit takes too long to solve: it must "
            f"be at least {promotion.grid_s * (asked / MOST_CELLS) ** 0.5:.3g}"
        )


def length_s(promotion: Promotion, file: str, column: str, recorded_s: float) -> float:
    """How long the show of a recording is: what is asked for, else the whole of it.

    `file`, `column`: where that stands, in a sentence.
    """
    if promotion.duration_s is not None:
        return promotion.duration_s
    if not LEAST_SHOW_S <= recorded_s <= MOST_SHOW_S:
        raise ScenarioError(
            f"{file} is {recorded_s:g} s long, a show is "
            f"{LEAST_SHOW_S:g} to {MOST_SHOW_S}: column {column} must be in seconds, or "
            "promotion.duration_s say how much of it is meant"
        )
    if misfit := too_many_steps(recorded_s, promotion.grid_s):
        raise ScenarioError(f"promotion.{misfit}")
    return recorded_s


def _peak(points: Array, duration: float) -> float:
    """Largest value of the piecewise-linear curve up to `duration`."""
    inside = points[points[:, 0] <= duration, 1]
    return float(max(inside.max(initial=0.0), np.interp(duration, points[:, 0], points[:, 1])))


def _from_arrivals(promotion: Promotion, law: StayLaw, edges: Array) -> tuple[Array, float]:
    """(joins a second in each bin, viewers at the start) of an arrival curve, up to scale."""
    assert promotion.arrivals is not None
    points = np.array(promotion.arrivals)
    width = np.diff(edges)
    # The lines are integrated from knot to knot: a rush shorter than a bin counts in full.
    knots = np.union1d(edges, points[:, 0])
    height = np.interp(knots, points[:, 0], points[:, 1])
    so_far = np.append(0, np.cumsum(np.diff(knots) * (height[1:] + height[:-1]) / 2))
    per_s = np.diff(np.interp(edges, knots, so_far)) / width
    steps = np.linspace(0, 1, 11)
    for drop in promotion.drops:
        # Only the part of each bin after the drop: nobody comes for it before.
        start = np.clip(drop.time_s, edges[:-1], edges[1:])
        t = start[:, None] + (edges[1:] - start)[:, None] * steps
        decay = np.exp(-np.maximum(t - drop.time_s, 0) / drop.extra_decay_s)
        extra = drop.extra_arrivals * decay * np.interp(t, points[:, 0], points[:, 1])
        per_s += np.trapezoid(extra, steps, axis=1) * (edges[1:] - start) / width
    # The room is in equilibrium with the first joins when the show starts.
    return per_s, float(points[0, 1]) * law.mean_s


def presence(times: Array, edges: Array, law: StayLaw, exits: Sequence[MassExit]) -> Array:
    """(time, 1 + bins): expected viewers at a time per initial viewer and per join a second."""
    since = np.maximum(times[:, None] - edges[None, :], 0)
    held = integrated_survival(law, since)
    matrix = np.empty((len(times), len(edges)))
    matrix[:, 0] = residual_survival(law, times)
    matrix[:, 1:] = held[:, :-1] - held[:, 1:]
    for leave in exits:
        matrix *= _not_left(leave, edges, times)
    return matrix


def _not_left(leave: MassExit, edges: Array, times: Array) -> Array:
    """(time, 1 + bins): probability that a mass exit hasn't taken a viewer yet: one who was there
    at the start, then those of each bin on the mean."""
    start, end = leave.time_s, leave.time_s + leave.duration_s
    inside, a, b = np.clip(edges, start, end), edges[:-1], edges[1:]
    # The mean of clip(arrival, start, end) over the bin: before, during and after the exit.
    before, after = np.clip(start, a, b) - a, b - np.clip(end, a, b)
    during = np.diff(inside) * (inside[1:] + inside[:-1]) / 2
    came = np.append(start, (before * start + during + after * end) / (b - a))
    gone = np.clip(times, start, end)[:, None] - came[None, :]
    return np.asarray(1 - leave.share * np.maximum(gone, 0) / leave.duration_s)


def invert(target: Array, edges: Array, law: StayLaw, exits: Sequence[MassExit]) -> Array:
    """Joins a second >= 0 in each bin so that the curve meets `target` at the bin edges.

    Greedy forward substitution: each bin makes up what those before it left open.
    """
    there = presence(edges, edges, law, exits)
    per_s = np.zeros(len(edges) - 1)
    for k in range(len(per_s)):
        row = there[k + 1]
        open_ = target[k + 1] - row[0] * target[0] - row[1 : k + 1] @ per_s[:k]
        per_s[k] = max(0.0, open_ / row[k + 1])
    return per_s


def read_curve(path: Path) -> tuple[Array, NDArray[np.float64] | None]:
    """A recorded curve `time_s,viewers[,views]`: ((n, 2) points, views or None).

    Errors: ScenarioError naming file, line and column.
    """
    with opened(path, "a curve is") as file:
        rows = list(csv.reader(file))
    header = [name.strip() for name in rows[0]] if rows else []
    if header not in (["time_s", "viewers"], ["time_s", "viewers", "views"]):
        raise ScenarioError(
            f"{path}, line 1: columns '{','.join(header)}' must be time_s,viewers or "
            "time_s,viewers,views"
        )
    values = []
    for line, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        refuse_other_width(path, line, row, header)
        values.append([_number(path, line, c, text) for c, text in zip(header, row, strict=True)])
        if len(values) > 1:
            if values[-1][0] - values[-2][0] < LEAST_S:
                raise ScenarioError(
                    f"{path}, line {line}, column time_s: {row[0]} does not rise by {LEAST_S:g} s "
                    f"(the line before has {values[-2][0]:g})"
                )
            if len(header) == 3 and values[-1][2] < values[-2][2]:
                raise ScenarioError(
                    f"{path}, line {line}, column views: {row[2]} falls below {values[-2][2]:g}, "
                    "views are counted since the start"
                )
    table = np.array(values, float)
    if len(table) < 2:
        raise ScenarioError(f"{path}: {len(table)} lines of data, at least 2 are needed")
    if table[:, 1].max() <= 0:
        raise ScenarioError(f"{path}: column viewers is 0 throughout, at least one must be above 0")
    if len(header) == 3 and table[-1, 2] <= table[0, 2]:
        raise ScenarioError(f"{path}: column views never rises")
    table[:, 0] -= table[0, 0]
    return table[:, :2], table[:, 2] if len(header) == 3 else None


def _number(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    most = MOST_S if column == "time_s" else MOST_PEOPLE
    if not 0 <= value <= most:
        raise ScenarioError(
            f"{path}, line {line}, column {column}: '{text.strip()[:60]}' is not a number of 0 or "
            f"more, at most {most:g}"
        )
    return value
