"""Capacity that changes over time: records of numbers, and the rules that change them.

Everything is looked at on whole seconds. What a path may send is the least of what it bought, what
its nodes send, what it sent in the last minute and a step more, and what its origin feeds; other
tenants take their share of each but the third.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import step
from sim.scenario.limits import Limit
from sim.tables import Tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Records = NDArray[np.void]

WINDOW = 60
"""Seconds of `egress_growth_mbps_per_min`: growth within a minute; 61 s is none (Alibaba Cloud,
ApsaraVideo Live, limits)."""

NEVER = np.inf
EGRESS, GROWTH, ORIGIN = int(Limit.EGRESS_VENDOR), int(Limit.GROWTH), int(Limit.ORIGIN)

SUPPLY = np.dtype(
    [
        ("top_at", "i8"),  # node of the tree that the whole path passes
        ("quota", "i8"),  # limits at the door: of all it sends (-1: it degrades)
        ("node_quota", "i8"),  # and of the viewers on its nodes (-1: none)
        ("bought_mbps", "f8"),
        ("growth_mbps", "f8"),
        ("most_rise_mbps", "f8"),  # within the window so far
        # its nodes; sizes are infinite where none is given
        ("nodes", "i8"),  # that a room can use now
        ("node_mbps", "f8"),
        ("node_viewers", "f8"),
        ("scales", "?"),
        ("detect_s", "f8"),
        ("target_share", "f8"),
        ("step_nodes", "i8"),
        ("most_nodes", "i8"),
        ("boot_s", "f8"),
        ("fail_share", "f8"),
        ("warm_nodes", "i8"),  # that are left
        ("scale_in_s", "f8"),
        ("on_the_way", "i8"),
        ("steps", "i8"),  # started
        ("failed_steps", "i8"),
        ("busy_s", "i8"),  # when fewer would last not have done
        ("most_nodes_used", "i8"),
        # its origin; infinite where none is given
        ("origin_mbps", "f8"),
        ("fetch_s", "f8"),
        ("coalesced", "?"),
        ("fetch_part", "f8"),  # of a picture's rate that a fetch counts: a sample has all its edges
        ("leak_share", "f8"),
        ("most_asked", "f8"),  # of what the origin has, as a share
        ("asked_mbps", "f8"),  # of the path, when last looked at
    ],
    align=True,
)
"""One path."""

REQUEST = np.dtype([("until_s", "f8"), ("mbps", "f8"), ("path", "i8")])
"""A fetch from an origin."""


@dataclass(eq=False, frozen=True)
class Supply(Tables):
    """What changes of the paths' capacity. Without anything that does, the tables are empty."""

    path: Records  # SUPPLY (path)
    others: Floats  # (path, second) share that other tenants take
    least: Ints  # (path, second) nodes there at least
    joining: Ints  # (path, second) nodes that join then
    noticed: Ints  # (path, second) nodes no longer waited for: they join, or were seen to fail
    rented: Ints  # (path, second) nodes paid for from then on: there, started or kept warm
    sent_mbps: Floats  # (path, WINDOW) in the last seconds, by second modulo WINDOW
    free: Floats  # (node) share that is ours now
    node_mbps: Floats  # (node) capacity as bought
    door_cap: Floats  # (limit at the door) the same
    given_mb: Floats  # (node, bin of ten seconds) capacity that was there
    warm_s: Floats  # (leaf, layer) since when the edge has it; never: not asked for
    requests: Records  # REQUEST (leaf x layer, then viewer)
    open: Ints  # how many requests are in progress, then which

    def fetches(self) -> tuple[Floats, Records, Ints]:
        """What changes at the door, between one second and the next."""
        return self.warm_s, self.requests, self.open


def nothing_changes() -> Supply:
    """The supply of a vendor whose capacity is what it is."""
    numbers, counts, row = np.zeros((0, 0)), np.zeros((0, 0), np.int64), np.zeros(0)
    return Supply(
        path=np.zeros(0, SUPPLY), others=numbers, least=counts, joining=counts, noticed=counts,
        rented=counts, sent_mbps=numbers, free=row, node_mbps=row, door_cap=row, given_mb=numbers,
        warm_s=numbers, requests=np.zeros(0, REQUEST), open=np.zeros(0, np.int64),
    )  # fmt: skip


@step
def note_sent(it: Any, sent_mbps: Floats, second: int, mbps: float) -> None:
    """At a second, what is sent. What is when the show begins was sent before it."""
    if second == 1:
        for k in range(WINDOW):
            sent_mbps[k] = mbps
    for k in range(WINDOW):
        it.most_rise_mbps = max(it.most_rise_mbps, mbps - sent_mbps[k])
    sent_mbps[second % WINDOW] = mbps


@step
def ceiling(it: Any, sent_mbps: Floats, free: float, fetching_mbps: float) -> tuple[float, int]:
    """(wire Mbps a path may send, limits.Limit that says so): the least of what holds it.

    `sent_mbps`: in each of the last WINDOW seconds. `fetching_mbps`: what fetches ask for.
    """
    least, code = min(it.bought_mbps, it.nodes * it.node_mbps), EGRESS
    if least < np.inf:
        least *= free
    if it.growth_mbps < np.inf:
        lowest = np.inf
        for mbps in sent_mbps:
            lowest = min(lowest, mbps)
        if lowest + it.growth_mbps < least:
            least, code = lowest + it.growth_mbps, GROWTH
    if it.leak_share > 0.0:
        fed = _fed(it, it.origin_mbps * free, fetching_mbps)
        if fed < least:
            least, code = fed, ORIGIN
    return least, code


@step
def _fed(it: Any, origin_mbps: float, fetching_mbps: float) -> float:
    """What the path may send if a share of it comes from the origin, and everything that asks the
    origin for more than it has is slowed down alike."""
    asked = fetching_mbps + it.leak_share * it.asked_mbps
    it.most_asked = max(it.most_asked, asked / origin_mbps if origin_mbps > 0.0 else 1.0)
    if asked <= origin_mbps:
        return (origin_mbps - fetching_mbps) / it.leak_share
    return it.asked_mbps * origin_mbps / asked


@step
def join_nodes(it: Any, least: int, joining: int, noticed: int) -> None:
    """At a second: nodes that have booted, or were scheduled, are there."""
    it.nodes += joining
    it.on_the_way -= noticed
    it.nodes = max(it.nodes, least) if it.scales else least
    it.most_nodes_used = max(it.most_nodes_used, it.nodes)


@step
def scale(
    it: Any, joining: Ints, noticed: Ints, least: int, second: int, load: float, u: float
) -> None:
    """Look at the load, in nodes' worth: start a step, or take one away.

    `joining`, `noticed`: by second, where the step is written. `u`: whether the step fails.
    """
    if load > it.target_share * (it.nodes - it.step_nodes) or it.on_the_way > 0:
        it.busy_s = second
    elif second - it.busy_s >= it.scale_in_s and it.nodes > least:
        it.nodes = max(least, it.nodes - it.step_nodes)
        it.busy_s = second
    room = it.most_nodes - it.nodes - it.on_the_way
    if load <= it.target_share * (it.nodes + it.on_the_way) or room <= 0:
        return
    more = min(it.step_nodes, room)
    warm = min(more, it.warm_nodes)
    it.warm_nodes -= warm
    it.nodes += warm
    it.most_nodes_used = max(it.most_nodes_used, it.nodes)
    more -= warm
    if more == 0:
        return
    it.steps += 1
    it.on_the_way += more
    fails = u < it.fail_share
    it.failed_steps += 1 if fails else 0
    at = np.ceil(second + it.boot_s)
    if at < len(joining):
        noticed[int(at)] += more
        joining[int(at)] += 0 if fails else more


@step
def looks(it: Any, second: int) -> bool:
    """Whether a look at the load, every `detect_s`, falls into the second that ends here."""
    return np.floor(second / it.detect_s) > np.floor((second - 1) / it.detect_s)


@step
def fetching(requests: Records, open_: Ints, path: int, t: float) -> float:
    """Wire Mbps that fetches in progress at `t` ask of a path's origin; those that ended go."""
    mbps, kept = 0.0, 0
    for k in range(1, open_[0] + 1):
        request = requests[open_[k]]
        if request.until_s > t:
            kept += 1
            open_[kept] = open_[k]
            if request.path == path:
                mbps += request.mbps
    open_[0] = kept
    return mbps


@step
def fetch(
    it: Any, free: float, requests: Records, open_: Ints, who: int, path: int, mbps: float, t: float
) -> float:
    """A request to the origin begins; returns when it ends: never, if the origin has nothing.

    An origin that is asked for more than it has serves everyone that much more slowly.
    """
    origin_mbps = it.origin_mbps * free
    if origin_mbps <= 0.0:
        return NEVER
    asked = fetching(requests, open_, path, t) + mbps + it.leak_share * it.asked_mbps
    it.most_asked = max(it.most_asked, asked / origin_mbps)
    request = requests[who]
    if not request.until_s > t:
        open_[0] += 1
        open_[open_[0]] = who
    request.path, request.mbps = path, mbps
    request.until_s = t + it.fetch_s * max(1.0, asked / origin_mbps)
    return request.until_s


@step
def ends_anew(
    it: Any, free: float, requests: Records, open_: Ints, who: int, path: int, t: float
) -> float:
    """When a request under way ends: sooner, if by now the origin would serve it anew sooner."""
    origin_mbps, request = it.origin_mbps * free, requests[who]
    if origin_mbps > 0.0:
        asked = fetching(requests, open_, path, t) + it.leak_share * it.asked_mbps
        anew_s = t + it.fetch_s * max(1.0, asked / origin_mbps)
        request.until_s = min(request.until_s, anew_s)
    return request.until_s
