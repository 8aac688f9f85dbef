"""Capacity that changes over time: what it is when the show begins, and the process that changes
it on whole seconds, the same in both engines."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import code, compiled, step
from sim.delivery.door import QUOTA, note_use
from sim.delivery.share import PAUSE, TCP, UDP, share_mbps, wire_of
from sim.delivery.supply import (
    REQUEST,
    SUPPLY,
    WINDOW,
    Supply,
    ceiling,
    ends_anew,
    fetch,
    fetching,
    join_nodes,
    looks,
    note_sent,
    nothing_changes,
    scale,
)
from sim.draws import Cause, pair
from sim.engine.meters import bind_at
from sim.engine.process.clock import Clock
from sim.engine.process.incidents import hold_what_is_left
from sim.engine.state import SimState
from sim.record import BIN_S
from sim.scenario.limits import Limit, cap_of
from sim.scenario.vendor import Limits, Path, Vendor
from sim.viewer.viewer import NEVER, already_there, plan

SCALING = code(Cause.SCALING)
EGRESS_REGION, EGRESS_EDGE = int(Limit.EGRESS_REGION), int(Limit.EGRESS_EDGE)
ORIGIN = int(Limit.ORIGIN)
BIN = int(BIN_S)
FIRST = -1
"""Capacity changes before anything else of its second, the account's meters included."""


def caps_egress(path: Path, limits: Limits) -> bool:
    """Whether all that the path sends is capped."""
    caps = (limits.egress_mbps, limits.egress_growth_mbps_per_min)
    nodes = path.fleet is not None and path.fleet.node_mbps is not None
    return any(c is not None for c in caps) or nodes or _leaks(path)


def _leaks(path: Path) -> bool:
    return path.origin is not None and path.origin.leak_share.value > 0


def changes(vendor: Vendor | None) -> bool:
    """Whether any capacity of the vendor changes over time."""
    return any(
        limits.egress_growth_mbps_per_min or path.background_load or _leaks(path)
        or (path.fleet and (path.fleet.scaling or path.fleet.scheduled))
        for _, path, limits, _ in (vendor.ways() if vendor is not None else [])
    )  # fmt: skip


def supply_of(
    vendor: Vendor | None,
    nodes: NDArray[np.void],
    door: NDArray[np.void],
    cells: tuple[int, int],
    viewers: int,
    duration_s: float,
    sample: float,
) -> Supply:
    """What there is of every path's capacity when the show begins; `cells`: (leaves, layers).

    What viewers share is scaled by `sample`: the size of nodes, not their number.
    """
    ways = vendor.ways() if vendor is not None else []
    fetches = any(path.origin for _, path, _, _ in ways)
    fleets = any(path.fleet for _, path, _, _ in ways)
    if vendor is None or not (changes(vendor) or fetches or fleets):
        return nothing_changes()
    seconds = np.arange(int(duration_s) + 2)
    out = np.zeros(len(ways), SUPPLY)
    others = np.zeros((len(ways), len(seconds)))
    least, rented = np.ones(others.shape, np.int64), np.zeros(others.shape, np.int64)
    for k, (name, path, _, _) in enumerate(ways):
        out[k : k + 1] = _numbers(vendor, name, path, sample)
        out["top_at"][k] = nodes["top_at"][k * cells[0] // len(ways)]
        out["quota"][k] = _at_the_door(door, k, Limit.EGRESS_VENDOR)
        out["node_quota"][k] = _at_the_door(door, k, Limit.NODE)
        if path.background_load:
            times, shares = zip(*path.background_load, strict=True)
            others[k] = np.interp(seconds, np.array(times), np.array(shares))
        if path.fleet and path.fleet.cascades:
            for time_s, count in [(0.0, path.fleet.nodes), *path.fleet.scheduled]:
                least[k, seconds >= time_s] = count
        if path.fleet:
            warm = path.fleet.scaling.warm_nodes if path.fleet.scaling else 0
            rented[k] = least[k] + warm if path.fleet.cascades else path.fleet.nodes
    out["nodes"] = out["most_nodes_used"] = least[:, 0]
    room = cells[0] * cells[1] + viewers if fetches else 0
    return Supply(
        path=out, others=others, least=least,
        joining=np.zeros_like(least), noticed=np.zeros_like(least), rented=rented,
        sent_mbps=np.full((len(ways), WINDOW), np.inf), free=np.ones(len(nodes)),
        node_mbps=nodes["whole_mbps"].copy(), door_cap=door["cap"].copy(),
        given_mb=np.zeros((len(nodes), int(duration_s // BIN_S) + 2)),
        warm_s=np.full(cells, np.inf),
        requests=np.zeros(room, REQUEST), open=np.zeros(room + 1, np.int64),
    )  # fmt: skip


def _numbers(vendor: Vendor, name: str, path: Path, sample: float) -> NDArray[np.void]:
    """SUPPLY of one path, as its profile says."""
    it, fleet, origin = np.zeros(1, SUPPLY), path.fleet, path.origin
    for key, limit in (
        ("bought_mbps", Limit.EGRESS_VENDOR),
        ("growth_mbps", Limit.GROWTH),
        ("node_viewers", Limit.NODE),
        ("origin_mbps", Limit.ORIGIN),
    ):
        it[key] = cap_of(limit, vendor, sample, name)
    node_mbps = fleet.node_mbps if fleet else None
    it["node_mbps"] = np.inf if node_mbps is None else node_mbps.value * sample
    if fleet and fleet.scaling:
        how = fleet.scaling
        it["scales"] = True
        for key in ("detect_s", "target_share", "boot_s", "fail_share"):
            it[key] = getattr(how, key).value
        for key in ("step_nodes", "most_nodes", "warm_nodes"):
            it[key] = getattr(how, key)
        it["scale_in_s"] = np.inf if how.scale_in_after_s is None else how.scale_in_after_s.value
    if origin:
        it["fetch_s"], it["leak_share"] = origin.fetch_s.value, origin.leak_share.value
        it["coalesced"], it["fetch_part"] = origin.coalesced, sample if origin.coalesced else 1.0
    return it


def _at_the_door(door: NDArray[np.void], path: int, limit: Limit) -> int:
    found = np.flatnonzero((door["path"] == path) & (door["code"] == limit))
    return int(found[0]) if len(found) else -1


def supply(env: Clock, night: SimState) -> Generator[Any, Any, None]:
    """Every second: look at what was sent and used, and change what there is."""
    for second in count(1):
        yield env.at(float(second), FIRST)
        look(night, second)


def facts(night: SimState, vendor: Vendor | None) -> dict[str, float]:
    """Most nodes each fleet had at once, and its steps that failed."""
    ways = vendor.ways() if vendor is not None else []
    return {
        f"{what}.{name}": float(night.supply.path[what][k])
        for k, (name, path, _, _) in enumerate(ways)
        if path.fleet and path.fleet.cascades
        for what in ("most_nodes_used", "failed_steps")
    }


def capacity_mbps(night: SimState) -> NDArray[np.float64]:
    """(node, bin of ten seconds, or 1) mean capacity where nothing was broken; infinite: none."""
    if night.now[0]["changing"]:
        return night.supply.given_mb / BIN_S
    return np.asarray(night.nodes["whole_mbps"][:, None])


@compiled
def look(n: SimState, second: int) -> None:
    """The end of a second: what was sent in it, which nodes come, what there is from now on."""
    s, here = n.supply, min(second, n.supply.others.shape[1] - 1)
    for p in range(len(s.path)):
        it = s.path[p]
        asked_mbps, sent_mbps = _flowing(n, p)
        it.asked_mbps = asked_mbps
        note_sent(it, s.sent_mbps[p], second, sent_mbps)
        join_nodes(it, s.least[p, here], s.joining[p, here], s.noticed[p, here])
        if it.scales and looks(it, second):
            load = max(sent_mbps / it.node_mbps, _used(n, it.node_quota) / it.node_viewers)
            load += it.nodes * s.others[p, here]
            u, _ = pair(n.player[p].seed, n.player[p].replication, SCALING, p, it.steps, 0)
            scale(it, s.joining[p], s.noticed[p], s.least[p, here], second, load, u)
        if it.scales:
            s.rented[p, here] = it.nodes + it.on_the_way + it.warm_nodes
    grant(n, second)


@step
def _used(n: SimState, quota: int) -> float:
    return n.door[quota].used if quota >= 0 else 0.0


@step
def _flowing(n: SimState, p: int) -> tuple[float, float]:
    """Wire Mbps that the path's viewers ask for, and that are sent to them.

    Both are what is reserved, where a session reserves its egress at the door. A path that is short
    counts as sending all it may. What an epoch leaves unsent is handed on in the next; and where
    everybody makes do with a smaller picture at once they leave a part unused, which people who
    decide one by one would fill.
    """
    if n.supply.path[p].quota >= 0:
        mbps = n.door[n.supply.path[p].quota].used
        return mbps, mbps
    how, asked, sent, short = n.path[p].sharing, 0.0, 0.0, False
    top = n.nodes[n.supply.path[p].top_at]
    for slot in range(n.now[0].active):
        f = n.flows[slot]
        leaf = n.nodes[f.leaf]
        if not f.on_air or leaf.path != p:
            continue
        short = short or leaf.bind == top.code or leaf.want_by == top.code
        if how == TCP:
            asked += n.cap_mbps[slot]
            sent += min(n.cap_mbps[slot], share_mbps(leaf, f.weight))
        elif how == UDP:
            asked += n.kinds[f.leaf, f.kind].sent_mbps
            sent += n.kinds[f.leaf, f.kind].passed_bps * 1e-6
        elif how == PAUSE:
            mbps = n.kinds[f.leaf, f.kind].nominal_bps * 1e-6
            asked += mbps
            sent += mbps if f.admitted <= leaf.last else 0.0
    # Who joined since the last solution is not in it yet: still a node passes no more than it has.
    return asked, top.capacity_mbps if short else min(sent, top.capacity_mbps)


@compiled
def grant(n: SimState, second: int) -> None:
    """Write what nodes and quotas hold from this second on."""
    s = n.supply
    here = min(second, s.others.shape[1] - 1)
    for k in range(len(n.nodes)):
        s.free[k] = 1.0
    for e in range(n.kinds.shape[0]):
        leaf = n.nodes[e]
        for k in (leaf.edge_at, leaf.region_at, leaf.top_at):
            s.free[k] = min(s.free[k], 1.0 - s.others[leaf.path, here])
    for k in range(len(n.nodes)):
        whole = s.node_mbps[k]
        n.nodes[k].whole_mbps = whole * s.free[k] if whole < np.inf else whole
    for k in range(len(n.door)):
        limit = n.door[k]
        if limit.kind == QUOTA and (limit.code == EGRESS_REGION or limit.code == EGRESS_EDGE):
            limit.cap = s.door_cap[k] * (1.0 - s.others[limit.path, here])
    for p in range(len(s.path)):
        it, free = s.path[p], 1.0 - s.others[p, here]
        if it.node_quota >= 0:
            n.door[it.node_quota].cap = it.nodes * it.node_viewers * free
            note_use(n.door[it.node_quota])
        fetches = fetching(s.requests, s.open, p, float(second)) if it.leak_share > 0.0 else 0.0
        mbps, what = ceiling(it, s.sent_mbps[p], free, fetches)
        if it.quota >= 0:
            n.door[it.quota].cap, n.door[it.quota].code = mbps, what
            note_use(n.door[it.quota])
        else:
            n.nodes[it.top_at].whole_mbps, n.nodes[it.top_at].code = mbps, what
    hold_what_is_left(n)
    for k in range(len(n.nodes)):
        s.given_mb[k, min(second // BIN, s.given_mb.shape[1] - 1)] += n.nodes[k].whole_mbps


@step
def wait_for_origin(n: SimState, i: int, t: float) -> None:
    """Viewer i, just let in at `t`, waits until the edge has the best picture of their device.

    It is there for viewers who watch when the show begins; smaller pictures come with it.
    """
    v, s = n.rows[i], n.supply
    it, p = s.path[v.path], n.player[v.path]
    layers, layer = s.warm_s.shape[1], p.top[v.device]
    if already_there(v):
        s.warm_s[v.leaf, layer] = t
    until_s = s.warm_s[v.leaf, layer]
    if until_s <= t:
        return
    who = v.leaf * layers + layer if it.coalesced else len(s.warm_s) * layers + i
    free = 1.0 - s.others[v.path, min(int(t), s.others.shape[1] - 1)]
    if until_s == NEVER or not it.coalesced:
        rate_mbps = p.layer_mbps[layer]
        mbps = rate_mbps * wire_of(n.path[v.path], rate_mbps) * it.fetch_part
        until_s = fetch(it, free, s.requests, s.open, who, v.path, mbps, t)
    else:
        until_s = ends_anew(it, free, s.requests, s.open, who, v.path, t)
    s.warm_s[v.leaf, layer] = min(s.warm_s[v.leaf, layer], until_s)
    v.door, v.ask_s = ORIGIN, v.ask_s + (until_s - t)
    plan(v, p)
    bind_at(n.meters, ORIGIN, t, min(until_s, v.give_up_s))
