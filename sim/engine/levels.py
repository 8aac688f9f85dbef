"""Solving the sharing tree for a stretch of time, and bringing forward whom it touches."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.compiled import compiled, fetch_ahead, inlined, step
from sim.delivery.share import (
    PAUSE,
    SLACK,
    TCP,
    UDP,
    max_min,
    pause_last,
    settle_debt,
    udp_arrives,
    udp_losses,
)  # fmt: skip
from sim.engine.meters import BIN_US, bind_at, us
from sim.engine.night import NO_LIMIT, Ints, Night, rerate
from sim.viewer.viewer import NEVER, STALLED, WAITING, appetite, plan

FEW_FLOWS = 2_000
"""Flows up to which every join and departure under UDP shortage is honoured to the instant."""

MOST_HOLES = 16
"""Places that were left are closed when they are more than one in so many."""

AHEAD = 6
"""So many viewers ahead, rows are asked for."""

NEAR = 0.03
"""In a larger crowd: how near to its capacity a node must be for a turn to be looked for."""


@inlined
def refresh(n: Night, slot: int) -> None:
    """Note when the viewer in this slot changes next and how much he asks of the tree."""
    f = n.flows[slot]
    v = n.rows[f.viewer]
    n.due_s[slot] = v.next_s
    f.frozen = v.state == STALLED
    if v.state == WAITING:
        f.cap_mbps = 0.0
    elif n.path[0].sharing == TCP:
        f.cap_mbps = appetite(v, n.player[0]) * n.path[0].wire
    else:
        f.cap_mbps = 1.0


@step
def close_ranks(n: Night, most: int) -> None:
    """Close the places that were left if they are more than `most`, keeping the order."""
    if n.now[0].holes <= most:
        return
    kept = 0
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0:
            if kept != slot:
                n.flows[kept], n.due_s[kept] = n.flows[slot], n.due_s[slot]
            kept += 1
    n.now[0].active, n.now[0].holes = kept, 0


@compiled
def solve(n: Night, now: float, until: float, carry: bool) -> None:
    """Levels of the tree for the stretch from `now` to `until`; rows they change come forward.

    `carry`: hold back what was sent beyond capacity in the stretch that ends (the fast engine).
    Writes the slots it touched to `touched`.
    """
    if carry:
        close_ranks(n, n.now[0].active // MOST_HOLES)
    n.now[0].touched = 0
    before, edges = n.now[0].from_s, n.kinds.shape[0]
    for e in range(edges):
        if n.nodes[e].bind != NO_LIMIT:
            bind_at(n.meters, n.nodes[e].bind, before, now)
    sharing = n.path[0].sharing
    if sharing == TCP:
        if carry:
            settle_debt(n.nodes, edges, now - before)
        # From here on a change of rate counts in the new stretch.
        n.now[0].to_s = now
        _solve_tcp(n, now, until - now if carry else 0.0)
    elif sharing == UDP:
        _correct_wire(n, us(before), us(now))
        n.now[0].to_s = now
        _solve_udp(n, now)
    elif sharing == PAUSE:
        _solve_pause(n, now)
    n.now[0].from_s, n.now[0].to_s = now, until


@inlined
def _touch(n: Night, slot: int) -> None:
    n.touched[n.now[0].touched] = slot
    n.now[0].touched += 1


@step
def _bring_touched(n: Night, now: float) -> None:
    """Those whom the new levels touch come forward."""
    many = n.now[0].touched
    for k in range(many):
        if k + AHEAD < many:
            fetch_ahead(n.rows, n.flows[n.touched[k + AHEAD]].viewer)
        v = n.rows[n.flows[n.touched[k]].viewer]
        rerate(n, v, now)
        plan(v, n.player[0])
        refresh(n, n.touched[k])


@step
def _solve_tcp(n: Night, now: float, hold_s: float) -> None:
    active, edges = n.now[0].active, n.kinds.shape[0]
    for e in range(edges):
        n.nodes[e].level_before = n.nodes[e].level_mbps
    max_min(n.nodes, edges, n.flows, active, hold_s)
    for slot in range(active):
        f = n.flows[slot]
        edge = n.nodes[f.edge]
        if min(f.cap_mbps, edge.level_before) != min(f.cap_mbps, edge.level_mbps):
            _touch(n, slot)
    _bring_touched(n, now)
    for e in range(edges):
        n.nodes[e].rate_mbps, n.nodes[e].sent_mb = 0.0, 0.0
    for slot in range(active):
        f = n.flows[slot]
        n.nodes[f.edge].rate_mbps += min(f.cap_mbps, n.nodes[f.edge].level_mbps)


@step
def _solve_udp(n: Night, now: float) -> None:
    active, edges, classes = n.now[0].active, n.kinds.shape[0], n.kinds.shape[1]
    for e in range(edges):
        for c in range(classes):
            n.kinds[e, c].flows, n.kinds[e, c].flow_us = 0, 0
    for slot in range(active):
        f = n.flows[slot]
        if f.cap_mbps > 0.0:
            n.kinds[f.edge, f.access].flows += 1
    udp_losses(n.nodes, edges, n.kinds, n.path[0])
    rate = n.player[0].rate_mbps
    some = False
    for e in range(edges):
        passed = n.nodes[e].passed
        for c in range(classes):
            kind = n.kinds[e, c]
            arrives = udp_arrives(n.path[0], rate, 1.0 - (1.0 - kind.link_loss) * passed)
            kind.moved = 0
            if arrives != kind.arrives_mbps:
                # A picture that stays frozen doesn't care how much of it is missing.
                still = arrives < rate and kind.arrives_mbps < rate
                kind.moved = 1 if still else 2
                some = True
            kind.arrives_mbps = arrives
            kind.passed_bps = kind.nominal_bps
            if passed < 1.0:
                kind.passed_bps = int(np.rint(kind.sent_mbps * passed * 1e6))
    if some:
        for slot in range(active):
            f = n.flows[slot]
            how = n.kinds[f.edge, f.access].moved
            if f.cap_mbps > 0.0 and (how == 2 or (how == 1 and not f.frozen)):
                _touch(n, slot)
        _bring_touched(n, now)


@step
def _correct_wire(n: Night, a: int, b: int) -> None:
    """Book what shortage took from, or retransmission added to, the nominal UDP rate."""
    for e in range(n.kinds.shape[0]):
        for c in range(n.kinds.shape[1]):
            kind = n.kinds[e, c]
            more = kind.passed_bps - kind.nominal_bps
            if more == 0 or b <= a:
                continue
            flow_us = kind.flows * (b - a) + kind.flow_us
            for k in range(a // BIN_US, b // BIN_US + 1):
                piece = min(b, (k + 1) * BIN_US) - max(a, k * BIN_US)
                n.meters.wire[e, k].part += more * (flow_us * piece // (b - a))


@step
def _solve_pause(n: Night, now: float) -> None:
    active, edges = n.now[0].active, n.kinds.shape[0]
    for e in range(edges):
        n.nodes[e].last_before = n.nodes[e].last
    each = 0
    for c in range(n.kinds.shape[1]):
        each = max(each, n.kinds[0, c].nominal_bps)
    pause_last(n.nodes, edges, n.flows, active, each * 1e-6)
    for slot in range(active):
        f = n.flows[slot]
        edge = n.nodes[f.edge]
        if f.cap_mbps > 0.0 and (f.admitted <= edge.last_before) != (f.admitted <= edge.last):
            _touch(n, slot)
    _bring_touched(n, now)


@compiled
def near_turn(n: Night) -> bool:
    """Whether some node may become, or cease to be, short by UDP in the next stretch."""
    if n.now[0].active - n.now[0].holes <= FEW_FLOWS:
        return True
    _nominal_loads(n)
    for k in range(len(n.nodes)):
        capacity = n.nodes[k].capacity_mbps
        if abs(n.nodes[k].load * 1e-6 - capacity) < NEAR * capacity:
            return True
    return False


@step
def _nominal_loads(n: Night) -> None:
    """Into `load`: what UDP flows would send with nothing lost, bits a second."""
    for k in range(len(n.nodes)):
        n.nodes[k].load = 0.0
    for e in range(n.kinds.shape[0]):
        for c in range(n.kinds.shape[1]):
            _add_load(n, e, n.kinds[e, c].flows * n.kinds[e, c].nominal_bps)


@compiled
def first_turn(n: Night, order: Ints, every: bool) -> float:
    """When, within the stretch just followed, a node first became or ceased to be short by UDP.

    `order`: the shifts by time. `every`: where one is short, the first shift is a turn. Infinite:
    never. Short is what would be sent with nothing lost over capacity, which is when the fixed
    point of loss leaves 1. Writes over `load`.
    """
    _nominal_loads(n)
    short = False
    for k in range(len(n.nodes)):
        n.nodes[k].fixed = _short(n.nodes[k])
        short = short or n.nodes[k].fixed
    if short and every:
        return n.shifts[order[0]].t if len(order) > 0 else NEVER
    for j in order:
        s = n.shifts[j]
        _add_load(n, s.edge, s.by * n.kinds[s.edge, s.access].nominal_bps)
        for k in range(len(n.nodes)):
            if _short(n.nodes[k]) != n.nodes[k].fixed:
                return s.t
    return NEVER


@step
def _add_load(n: Night, e: int, bps: int) -> None:
    n.nodes[e].load += bps
    n.nodes[n.kinds.shape[0] + n.nodes[e].region].load += bps
    n.nodes[len(n.nodes) - 1].load += bps


@step
def _short(node: Any) -> bool:
    return node.load * 1e-6 > node.capacity_mbps * (1.0 + SLACK)
