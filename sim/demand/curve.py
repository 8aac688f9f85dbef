"""From the script of the night to expected arrivals: the curve, its inversion, the order rate."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.demand.stay import StayLaw, integrated_survival, residual_survival, stay_law
from sim.scenario.compose import resolve_file
from sim.scenario.errors import ScenarioError
from sim.scenario.model import (
    LEAST_SHOW_S,
    MOST_PEOPLE,
    Audience,
    MassExit,
    Promotion,
    too_many_steps,
)
from sim.scenario.model import MOST_S as MOST_SHOW_S
from sim.scenario.quantity import LEAST_S, MOST_S

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Demand:
    """The night in expectation, at full size and with perfect delivery."""

    duration_s: float
    peak_viewers: float
    """Maximum of the target curve."""
    edges_s: Array
    """(bins + 1) edges of the arrival bins."""
    per_s: Array
    """(bins) expected joins a second in each bin."""
    initial: float
    """Expected viewers already there at time 0."""
    law: StayLaw
    times_s: Array
    """Bin edges and middles, at which the curve below is known."""
    offered: Array
    """Expected viewers at those times."""
    offered_peak: float
    """Its maximum: what the inversion achieved."""
    curve_error: float
    """Largest |achieved - target| over the peak, edges and middles; nan for an arrival curve."""
    dry_share: float
    """Share of bins in which the target falls faster than people leave by themselves."""

    @property
    def arrivals(self) -> float:
        """Expected number of viewers, those present at the start included."""
        return float(self.initial + (self.per_s * np.diff(self.edges_s)).sum())


def expected_demand(promotion: Promotion, audience: Audience) -> Demand:
    """Arrivals that make the script's concurrency come true with perfect delivery.

    Errors: ScenarioError for a curve file that can't be read, or with nobody within the show.
    """
    mean_s = None
    points: Array | None = None
    duration = promotion.duration_s
    if promotion.file is not None:
        points, views = read_curve(resolve_file("promotion.file", promotion.file))
        duration = _length_s(promotion, float(points[-1, 0]))
        if views is not None and audience.stay.fit_to_views:
            # Little's law over the recording: mean stay = viewer-seconds / views counted.
            watched = float(np.trapezoid(points[:, 1], points[:, 0]))
            mean_s = watched / float(views[-1] - views[0])
            if not LEAST_S <= mean_s <= MOST_S:
                raise ScenarioError(
                    f"promotion.file: {views[-1] - views[0]:g} views for {watched / 3600:g} viewer "
                    f"hours are a mean stay of {mean_s:g} s, it must be {LEAST_S:g} to {MOST_S:g}"
                )
    elif promotion.concurrency is not None:
        points = np.array(promotion.concurrency)
    assert duration is not None
    law = stay_law(audience.stay, mean_s)
    edges = np.append(np.arange(0.0, duration - 1e-9, promotion.grid_s), duration)
    if points is None:
        per_s, initial = _from_arrivals(promotion, law, edges)
        target = None
    else:
        highest = _peak(points, duration)
        if highest <= 0:
            raise ScenarioError(
                f"promotion.duration_s is {duration:g}: the curve has its first viewer after that"
            )
        peak = highest if promotion.peak_viewers is None else float(promotion.peak_viewers)
        target = np.interp(edges, points[:, 0], points[:, 1]) / (highest / peak)
        initial = float(target[0])
        per_s = _invert(target, edges, law, promotion.mass_exit)
    times = np.sort(np.append(edges, (edges[1:] + edges[:-1]) / 2))
    offered = _presence(times, edges, law, promotion.mass_exit) @ np.append(initial, per_s)
    if target is None:
        # An arrival curve is known up to scale: its peak is the script's.
        assert promotion.peak_viewers is not None
        peak, error, dry = float(promotion.peak_viewers), float("nan"), 0.0
        scale = peak / float(offered.max())
        per_s, initial, offered = per_s * scale, initial * scale, offered * scale
    else:
        assert points is not None
        wanted = np.interp(times, points[:, 0], points[:, 1]) / (highest / peak)
        error = float(np.abs(offered - wanted).max()) / peak
        dry = float(np.mean((per_s == 0) & (offered[2::2] > target[1:] + 1e-9 * peak)))
    return Demand(
        duration, peak, edges, per_s, initial, law, times, offered,
        float(offered.max()), error, dry,
    )  # fmt: skip


def _length_s(promotion: Promotion, recorded_s: float) -> float:
    """How long the show of a recorded curve is: what is asked for, else the whole of it."""
    if promotion.duration_s is not None:
        return promotion.duration_s
    if not LEAST_SHOW_S <= recorded_s <= MOST_SHOW_S:
        raise ScenarioError(
            f"promotion.file '{promotion.file}' is {recorded_s:g} s long, a show is "
            f"{LEAST_SHOW_S:g} to {MOST_SHOW_S}: column time_s must be in seconds, or "
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


def _presence(times: Array, edges: Array, law: StayLaw, leave: MassExit | None) -> Array:
    """(time, 1 + bins): expected viewers at a time per initial viewer and per join a second."""
    since = np.maximum(times[:, None] - edges[None, :], 0)
    held = integrated_survival(law, since)
    matrix = np.empty((len(times), len(edges)))
    middle = (edges[1:] + edges[:-1]) / 2
    matrix[:, 0] = residual_survival(law, times) * _not_left(leave, np.zeros(1), times)[:, 0]
    matrix[:, 1:] = (held[:, :-1] - held[:, 1:]) * _not_left(leave, middle, times)
    return matrix


def _not_left(leave: MassExit | None, arrival: Array, times: Array) -> Array:
    """(time, arrival): probability that the mass exit hasn't taken a viewer yet."""
    if leave is None:
        return np.ones((len(times), len(arrival)))
    start, end = leave.time_s, leave.time_s + leave.duration_s
    gone = np.clip(times, start, end)[:, None] - np.clip(arrival, start, end)[None, :]
    return np.asarray(1 - leave.share * np.maximum(gone, 0) / leave.duration_s)


def _invert(target: Array, edges: Array, law: StayLaw, leave: MassExit | None) -> Array:
    """Joins a second >= 0 in each bin so that the curve meets `target` at the bin edges.

    Greedy forward substitution: each bin makes up what those before it left open.
    """
    presence = _presence(edges, edges, law, leave)
    per_s = np.zeros(len(edges) - 1)
    for k in range(len(per_s)):
        row = presence[k + 1]
        open_ = target[k + 1] - row[0] * target[0] - row[1 : k + 1] @ per_s[:k]
        per_s[k] = max(0.0, open_ / row[k + 1])
    return per_s


def read_curve(path: Path) -> tuple[Array, NDArray[np.float64] | None]:
    """A recorded curve `time_s,viewers[,views]`: ((n, 2) points, views or None).

    Errors: ScenarioError naming file, line and column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            rows = list(csv.reader(f))
    except UnicodeDecodeError:
        raise ScenarioError(f"{path} is not UTF-8 text, a curve is a CSV file in UTF-8") from None
    except csv.Error as error:
        raise ScenarioError(f"{path} can't be read as CSV: {error}") from None
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
        if len(row) != len(header):
            raise ScenarioError(
                f"{path}, line {line}: {len(row)} values where {len(header)} are needed "
                f"({','.join(header)})"
            )
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
