"""The viewers of `audience.file`: each row is one, and no curve is needed to say when they come.

At another peak than their own a part of the rows is taken, evenly, or rows are repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.demand.curve import Array, Demand, Part, curve_demand, grid, length_s
from sim.demand.keys import COHORT_BINS, evenly
from sim.demand.rows import NO_YES, Rows, read_rows
from sim.demand.stay import StayLaw
from sim.draws import Cause, pairs
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Audience, Promotion, Scenario


@dataclass(frozen=True)
class Recorded(Demand):
    """A night whose viewers are known one by one."""

    own_peak: int
    """Most of the file's viewers there at once."""
    times: float
    """So many viewers for each row."""
    come_s: Array
    """Of every row within the show, rising."""
    leave_s: Array
    """The same, rising too: not by row."""

    def mean_viewers(self, t: Array) -> Array:
        """Exactly: lines between `times_s` would miss a viewer of seconds."""
        seconds = _seconds_since(self.come_s, t) - _seconds_since(self.leave_s, t)
        return np.asarray(self.times * np.diff(seconds) / np.diff(t))


def expected_demand(promotion: Promotion, audience: Audience) -> Demand:
    """Of the viewers of `audience.file`; without one, of the script's curve.

    Errors: ScenarioError for a file that can't be read, or with nobody within the show.
    """
    if audience.file is None:
        return curve_demand(promotion, audience)
    rows = read_rows(audience.file)
    arrival_s, leave_s = rows.arrival_s, rows.arrival_s + rows.stay_s
    named = f"audience.file '{audience.file}'"
    duration_s = length_s(promotion, named, "stay_s", float(leave_s.max()))
    shown = arrival_s < duration_s
    if not shown.any():
        raise ScenarioError(
            f"promotion.duration_s is {duration_s:g}: the first viewer of audience.file comes at "
            f"{arrival_s.min():g}"
        )
    edges, times = grid(promotion, duration_s)
    own = _most(arrival_s[shown], leave_s[shown])
    each = 1.0 if promotion.peak_viewers is None else promotion.peak_viewers / own
    cohort = cohorts(rows, audience)
    parts = tuple(
        _part(name, arrival_s[mine], leave_s[mine], each, edges, times)
        for k, name in enumerate(part.name for part in audience.parts)
        for mine in [shown & (cohort == k)]
    )
    return Recorded(
        duration_s, own * each, edges, times, parts,
        np.sum([part.per_s for part in parts], axis=0),
        sum(part.initial for part in parts),
        np.sum([part.offered for part in parts], axis=0),
        own * each, own, each, np.sort(arrival_s[shown].clip(0)), np.sort(leave_s[shown]),
    )  # fmt: skip


def _part(
    name: str, arrival_s: Array, leave_s: Array, each: float, edges: Array, times: Array
) -> Part:
    comes = arrival_s >= 0
    joins = np.histogram(arrival_s[comes], edges)[0]
    there = np.searchsorted(np.sort(arrival_s), times, "right")
    gone = np.searchsorted(np.sort(leave_s), times, "right")
    stay_s = (leave_s - arrival_s)[comes]
    mean_s = float(stay_s.mean()) if len(stay_s) else 1.0
    law = StayLaw(1.0, mean_s, mean_s, 0.0, 1.0)  # of no shape: its mean is asked for, no more
    return Part(
        name, None, law, [], each * joins / np.diff(edges), each * float((~comes).sum()),
        each * (there - gone).astype(np.float64), np.zeros(len(joins), bool),
    )  # fmt: skip


def _most(arrival_s: Array, leave_s: Array) -> int:
    """Viewers there at once, at most."""
    t = np.concatenate([leave_s, arrival_s])
    step = np.repeat([-1, 1], len(arrival_s))
    return int(step[np.argsort(t, kind="stable")].cumsum().max())  # who leaves does so first


def _seconds_since(sorted_s: Array, t: Array) -> Array:
    """Sum over all moments of the time since, at each t."""
    n = np.searchsorted(sorted_s, t)
    return np.asarray(n * t - np.append(0, np.cumsum(sorted_s))[n])


# --- one by one -----------------------------------------------------------------------------------


class Came(NamedTuple):
    """Who comes, in the order of their keys."""

    row: NDArray[np.int64]
    """Of the file."""
    cohort: NDArray[np.int64]
    bin: NDArray[np.int64]
    j: NDArray[np.int64]
    arrival_s: Array
    intention_s: Array
    """What is left of the stay when the show begins, or they come."""


def came(scenario: Scenario, replication: int, demand: Recorded) -> Came:
    """The viewers of the night: those of another peak share rows and keys with a smaller one's.

    Row n of the list is there floor(times) times, and once more where its place in an even part
    is below what is left. Copies come at a keyed moment of the row's bin, each with its own key.
    """
    assert scenario.audience.file is not None
    rows = read_rows(scenario.audience.file)
    shown = np.flatnonzero(rows.arrival_s < demand.duration_s)
    arrival_s, cohort = rows.arrival_s[shown], cohorts(rows, scenario.audience)[shown]
    bin_ = np.searchsorted(demand.edges_s, arrival_s, "right") - 1
    bin_ = np.where(arrival_s < 0, -1 - cohort, bin_ + COHORT_BINS * cohort)
    order = np.argsort(bin_, kind="stable")
    row, bin_, cohort, arrival_s = shown[order], bin_[order], cohort[order], arrival_s[order]
    intention_s = rows.stay_s[row] + np.minimum(arrival_s, 0)
    arrival_s = np.maximum(arrival_s, 0)
    _, first, count = np.unique(bin_, return_index=True, return_counts=True)
    j = np.arange(len(row)) - np.repeat(first, count)

    start = pairs(scenario.seed, replication, Cause.SAMPLE, [0], [1], [0])[0, 0]
    place = evenly(start, bin_, arrival_s, intention_s)
    most = np.ceil(demand.times - place).astype(np.int64)  # of 1 as they are: each exactly once
    again = np.repeat(np.arange(len(row)), most)
    copy = np.arange(len(again)) - np.repeat(np.cumsum(most) - most, most)
    j = j[again] + copy * np.repeat(count, count)[again]
    later = np.flatnonzero((copy > 0) & (bin_[again] >= 0))
    at = bin_[again][later] % COHORT_BINS
    u = pairs(scenario.seed, replication, Cause.ARRIVAL, bin_[again][later], j[later])[:, 0]
    arrival_s = arrival_s[again]
    arrival_s[later] = demand.edges_s[at] + np.diff(demand.edges_s)[at] * u
    order = np.lexsort((j, bin_[again]))
    again = again[order]
    return Came(row[again], cohort[again], bin_[again], j[order], arrival_s[order],
                intention_s[again])  # fmt: skip


def cohorts(rows: Rows, audience: Audience) -> NDArray[np.int64]:
    """(rows) place among the audience's. Errors: ScenarioError for a viewer of none of them."""
    names = [cohort.name for cohort in audience.cohorts]
    codes = rows.codes("cohort", names, "audience.cohorts")
    if not names:
        return np.zeros(len(codes), np.int64)
    if (codes < 0).any():
        raise ScenarioError(
            f"{rows.path}, line {rows.lines[codes < 0][0]}: column cohort must say of each viewer "
            f"which of audience.cohorts it is: {', '.join(names)}"
        )
    return codes


def traits(scenario: Scenario) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """(field of AUDIENCE, (rows) its value, -1: not known) of what the file says of its viewers.

    Errors: ScenarioError for a name that the scenario doesn't have.
    """
    who, net = scenario.audience, scenario.network
    assert who.file is not None
    rows = read_rows(who.file)
    yield "region", rows.codes("region", who.every_region, "audience.regions")
    yield "isp", rows.codes("isp", who.every_isp, "audience.isps")
    mix = list(net.mix) if net.mix is not None and net.kind == "markov" else []
    yield "access", rows.codes("class", mix, "network.mix")
    said = rows.codes("interactive", NO_YES, "what it may be")
    yield "interactive", np.where(said < 0, -1, said % 2)
    yield "device", _devices(rows, who)
    first = rows.codes("path", paths(who), "paths")
    yield "first", np.where(first < 0, -1, 1 + first)


def _devices(rows: Rows, who: Audience) -> NDArray[np.int64]:
    """The cohort's own of so many lines; where it has none, anybody's."""
    lines = list(dict.fromkeys(str(height) for height, _ in who.every_device))
    said = rows.codes("device", lines, "audience.devices")
    heights = [height for height, _ in who.every_device]
    kinds = np.full((len(who.parts), 1 + len(lines)), -1)
    for k, cohort in enumerate(who.parts):
        for n, height in enumerate(lines):
            own = (cohort.devices or {}).get(height)
            kinds[k, n] = (
                heights.index(int(height)) if own is None
                else who.every_device.index((int(height), own.top_mbps))
            )  # fmt: skip
    return np.asarray(kinds[cohorts(rows, who), said])


def paths(audience: Audience) -> tuple[str, ...]:
    """Paths that viewers begin with, by name: a vendor may have none of it."""
    column = None if audience.file is None else read_rows(audience.file).traits.get("path")
    return () if column is None else tuple(column.first_line)


def left_out(audience: Audience, duration_s: float) -> list[int]:
    """Lines of the viewers who come after the show."""
    assert audience.file is not None
    rows = read_rows(audience.file)
    return [int(line) for line in rows.lines[rows.arrival_s >= duration_s]]
