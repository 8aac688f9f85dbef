"""The viewers of one night, drawn before the clock starts: open Poisson arrivals, keyed traits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import poisson

from sim.demand.curve import Demand
from sim.demand.keys import COHORT_BINS, evenly
from sim.demand.orders import base_rate, draw_orders, order_rates
from sim.demand.recorded import Recorded, came, expected_demand, paths, traits
from sim.demand.stay import residual_stays, stays
from sim.draws import Cause, pairs
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario

AT_ONCE = 500_000
"""Viewers drawn at once where only their orders are wanted, but never less than one bin."""

AUDIENCE = np.dtype(
    [
        ("bin", "i4"),  # of arrival; below 0: there at the start. Of cohort k from k COHORT_BINS on
        ("j", "i4"),
        ("cohort", "i2"),
        ("arrival_s", "f8"),
        ("intention_s", "f8"),  # W
        ("exit_s", "f8"),  # taken by the mass exit, or the end of the show
        ("region", "i2"),
        ("isp", "i2"),
        ("access", "i2"),
        ("device", "i2"),
        ("mean_mbps", "f8"),
        ("interactive", "?"),
        ("intent", "f8"),
        ("row", "i4"),  # of audience.file
        ("first", "i4"),  # 1 + place in Audience.paths of what they begin with; 0: the vendor's way
    ]
)


@dataclass(frozen=True)
class Audience:
    """One night's viewers in (bin, number) order, and every order they would place."""

    viewers: NDArray[np.void]
    """dtype AUDIENCE."""
    orders: NDArray[np.void]
    """dtype WISHES."""
    demand: Demand
    base_per_s: float
    """Orders a second of a viewer of mean intent."""
    order_weight: float
    """Orders of the night that each stands for: 1 but for chance, without a sample exactly 1."""
    paths: tuple[str, ...] = ()
    """Names of paths that viewers of a file begin with."""

    @property
    def leave_s(self) -> NDArray[np.float64]:
        """When each leaves in the perfect world."""
        v = self.viewers
        return np.asarray(np.minimum(v["arrival_s"] + v["intention_s"], v["exit_s"]))


def draw_audience(scenario: Scenario, replication: int) -> Audience:
    """The audience of a night: the same for every vendor. That at a lower peak is a subset of a
    larger one, and so is a sample of the night, though not of a sample at another peak.

    A sampled viewer orders for all they stand for: at 1/sample times the rate, so a sample has as
    many orders as the night. What the night's own would sell is known without an engine, and
    `order_weight` makes the sample's worth as much (a ratio estimator: Cochran, Sampling
    Techniques, 1977, chapter 6): what a sample estimates is which part of it is lost.
    """
    asked: object = (
        scenario  # a name instead of it, from a notebook, would end in an AttributeError
    )
    if not (isinstance(asked, Scenario) and 0 <= replication < 2**32):
        raise ScenarioError(
            "draw_audience takes a scenario and which night of it, 0 and up, here a "
            f"{type(scenario).__name__} and {replication}"
        )
    demand = expected_demand(scenario.promotion, scenario.audience)
    sample = scenario.audience.sample
    whole = _whole(scenario, replication, demand)
    if sample < 1:
        viewers, worth = _sample(scenario, replication, demand, whole)
    else:
        viewers = next(whole)  # all of them
    _set_traits(scenario, replication, viewers)
    orders, base = _orders(scenario, replication, demand, viewers, 1 / sample)
    weight = 1.0
    if sample < 1 and len(orders):
        weight = float(worth / orders["value_cny"].sum())
    return Audience(viewers, orders, demand, base, weight, paths(scenario.audience))


def _whole(scenario: Scenario, replication: int, demand: Demand) -> Iterator[NDArray[np.void]]:
    """dtype AUDIENCE: all viewers of the night, without their traits; of a night that is drawn for
    a sample so many at once, as the whole may not fit into memory."""
    if isinstance(demand, Recorded):
        yield _recorded(scenario, replication, demand)
        return
    count = _count(scenario, replication, demand)
    at_once = AT_ONCE if scenario.audience.sample < 1 else 1 + count.sum()
    part = np.cumsum(count) // at_once
    for k in np.unique(part):
        yield _stays(scenario, replication, demand, np.where(part == k, count, 0))


def _sample(
    scenario: Scenario, replication: int, demand: Demand, whole: Iterable[NDArray[np.void]]
) -> tuple[NDArray[np.void], float]:
    """(dtype AUDIENCE: the sampled of a night; what the whole night's orders are worth, CNY)."""
    start = pairs(scenario.seed, replication, Cause.SAMPLE, [0], [0], [0])[0, 0]
    drawn, before, worth = [], 0, 0.0
    for v in whole:
        worth += _orders(scenario, replication, demand, v, 1.0)[0]["value_cny"].sum()
        place = evenly(start, v["bin"], v["arrival_s"], v["intention_s"], before)
        drawn.append(v[place < scenario.audience.sample])
        before += len(v)
    return np.concatenate(drawn), worth


def _bins(demand: Demand) -> NDArray[np.int64]:
    """(cohorts x (1 + bins),) numbers of all bins, rising: those there at the start come first."""
    cohorts = np.arange(len(demand.parts))
    at = COHORT_BINS * cohorts[:, None] + np.arange(len(demand.per_s))
    return np.append(-1 - cohorts[::-1], at)


def _count(scenario: Scenario, replication: int, demand: Demand) -> NDArray[np.int64]:
    """(`_bins`) viewers of each: Poisson quantiles."""
    mean = np.concatenate(
        [[part.initial for part in reversed(demand.parts)],
         *(part.per_s * np.diff(demand.edges_s) for part in demand.parts)]
    )  # fmt: skip
    u = pairs(scenario.seed, replication, Cause.COUNT, _bins(demand), 0)[:, 0]
    return np.where(mean > 0, poisson.ppf(u, np.maximum(mean, 1e-300)), 0).astype(np.int64)


def _stays(
    scenario: Scenario, replication: int, demand: Demand, count: NDArray[np.int64]
) -> NDArray[np.void]:
    """dtype AUDIENCE: so many of each of `_bins`, when they come and go, and how much they buy."""
    seed = scenario.seed
    bin_ = np.repeat(_bins(demand), count)
    j = np.arange(len(bin_)) - np.repeat(np.cumsum(count) - count, count)

    def draw(cause: Cause, n: int = 0) -> NDArray[np.float64]:
        return pairs(seed, replication, cause, bin_, j, n)

    v = np.zeros(len(bin_), AUDIENCE)
    v["bin"], v["j"] = bin_, j
    v["cohort"] = np.where(bin_ < 0, -1 - bin_, bin_ // COHORT_BINS)
    at = np.where(bin_ < 0, 0, 1 + bin_ % COHORT_BINS)
    edges = np.append(0.0, demand.edges_s)
    width = np.append(0.0, np.diff(demand.edges_s))
    v["arrival_s"] = edges[at] + width[at] * draw(Cause.ARRIVAL)[:, 0]
    v["exit_s"] = demand.duration_s
    length, rest = draw(Cause.STAY), draw(Cause.STAY, 1)
    for k, part in enumerate(demand.parts):
        mine = v["cohort"] == k
        which, u = length[mine].T
        v["intention_s"][mine] = np.where(
            bin_[mine] < 0,
            residual_stays(part.law, which, u, rest[mine, 0]),
            stays(part.law, which, u),
        )
    for n, leave in enumerate(scenario.promotion.mass_exit):
        out = draw(Cause.EXIT, n)
        hits = [leave.cohort in (None, part.name) for part in demand.parts]
        when = leave.time_s + leave.duration_s * out[:, 1]
        taken = np.array(hits)[v["cohort"]] & (out[:, 0] < leave.share) & (when > v["arrival_s"])
        v["exit_s"] = np.where(taken, np.minimum(v["exit_s"], when), v["exit_s"])
    v["intent"] = _intent(scenario, draw(Cause.INTENT)[:, 0])
    return v


def _recorded(scenario: Scenario, replication: int, demand: Recorded) -> NDArray[np.void]:
    """dtype AUDIENCE: the viewers of a file; no mass exit takes them."""
    who = came(scenario, replication, demand)
    v = np.zeros(len(who.row), AUDIENCE)
    for key, values in who._asdict().items():
        v[key] = values
    v["exit_s"] = demand.duration_s
    u = pairs(scenario.seed, replication, Cause.INTENT, v["bin"], v["j"])[:, 0]
    v["intent"] = _intent(scenario, u)
    return v


def _intent(scenario: Scenario, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lognormal, with a mean of 1."""
    spread = scenario.audience.intent_sigma_ln
    return np.asarray(np.exp(spread * ndtri(u) - spread**2 / 2))


def _set_traits(scenario: Scenario, replication: int, v: NDArray[np.void]) -> None:
    """Where they are, on what, and by which link: drawn, but for what a file says of them."""
    who = scenario.audience

    def draw(cause: Cause) -> NDArray[np.float64]:
        return pairs(scenario.seed, replication, cause, v["bin"], v["j"])

    place, device, link = draw(Cause.PLACE), draw(Cause.DEVICE), draw(Cause.ACCESS)
    for k, cohort in enumerate(who.parts):
        mine = v["cohort"] == k
        assert cohort.regions and cohort.isps and cohort.devices
        kinds = [((int(lines), d.top_mbps), d.share) for lines, d in cohort.devices.items()]
        for trait, u, shares, known in (
            ("region", place[:, 0], list(cohort.regions.items()), who.every_region),
            ("isp", place[:, 1], list(cohort.isps.items()), who.every_isp),
            ("device", device[:, 0], kinds, who.every_device),
        ):
            v[trait][mine] = _chosen(u[mine], shares, known)
    v["interactive"] = device[:, 1] < who.interactive_share
    net = scenario.network
    markov = net.mix is not None and net.kind == "markov"
    if net.mix is not None and markov:
        v["access"] = _chosen(link[:, 0], list(net.mix.items()), list(net.mix))
    for trait, said in () if who.file is None else traits(scenario):
        mine = said[v["row"]]
        v[trait] = np.where(mine < 0, v[trait], mine)
    if net.mix is not None and markov:
        laws = [net.classes[name].mean_mbps for name in net.mix]
        median = np.array([law.median for law in laws])[v["access"]]
        sigma = np.array([law.sigma_ln for law in laws])[v["access"]]
        v["mean_mbps"] = median * np.exp(sigma * ndtri(link[:, 1]))


def _orders(
    scenario: Scenario, replication: int, demand: Demand, v: NDArray[np.void], times: float
) -> tuple[NDArray[np.void], float]:
    """(WISHES of these viewers at so many times their rate, orders a second at mean intent)."""
    rates = order_rates(scenario.promotion, scenario.commerce, demand.duration_s)
    base = base_rate(scenario.promotion, demand, rates, scenario.audience.orders_per_view)
    leave_s = np.minimum(v["arrival_s"] + v["intention_s"], v["exit_s"])
    orders = draw_orders(
        scenario.seed, replication, v["bin"], v["j"], v["arrival_s"], leave_s, v["intent"],
        base * times, rates, scenario.commerce,
    )  # fmt: skip
    return orders, base


def _chosen(
    u: NDArray[np.float64], shares: list[tuple[Any, float]], known: Sequence[Any]
) -> NDArray[np.int64]:
    """Which of those known has the share that each uniform falls in."""
    names, parts = zip(*shares, strict=True)
    place = np.array([known.index(name) for name in names])
    last = len(shares) - 1
    return place[np.minimum(np.searchsorted(np.cumsum(parts), u, side="right"), last)]
