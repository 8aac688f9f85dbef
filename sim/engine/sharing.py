"""Solving the sharing tree for a stretch of time, and bringing forward whom it touches."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.compiled import compiled, fetch_ahead, inlined, step
from sim.delivery.share import (
    PAUSE,
    TCP,
    UDP,
    add_load,
    full_leaves,
    is_round,
    load_nodes,
    max_min,
    pause_last,
    send_again,
    settle_debt,
    share_mbps,
    short,
    udp_arrives,
    udp_comes_first,
    udp_losses,
    wanted_levels,
    wire_of,
)
from sim.delivery.transcodes import start_and_stop
from sim.engine.meters import BIN_US, add, bind_at, us
from sim.engine.state import (
    NO_LIMIT,
    TRANSCODES,
    Ints,
    SimState,
    pick,
    rerate,
    sent_per_media,
    switch,
)
from sim.viewer.viewer import (
    LAYERS,
    NEVER,
    P_KEYFRAME,
    STALLED,
    WAITING,
    appetite,
    made,
    plan,
    want,
    weigh,
)

MOST_HOLES = 16
"""Places that were left are closed when they are more than one in so many."""

AHEAD = 6
"""So many viewers ahead, rows are asked for."""


@inlined
def refresh(n: SimState, slot: int) -> None:
    """Note when the viewer in this slot changes next and how much they ask of the tree."""
    f = n.flows[slot]
    v = n.rows[f.viewer]
    path = n.path[v.path]
    n.due_s[slot] = v.next_s
    f.frozen = v.state == STALLED and v.phase == P_KEYFRAME
    f.on_air = v.state != WAITING
    f.kind, f.weight = v.kind, v.weight
    cap = 0.0
    if f.on_air and path.sharing == TCP:
        cap = appetite(v, n.player[v.path]) * wire_of(path, v.rate_mbps)
    n.cap_mbps[slot] = cap
    if n.now[0].layered:
        n.want_mbps[slot] = _want(n, v) if f.on_air else 0.0


@step
def _want(n: SimState, v: Any) -> float:
    """Wire Mbps with the best picture their device shows, as far as their link carries it."""
    p = n.player[v.path]
    best = min(p.link_share * v.link_mbps, p.layer_mbps[p.top[v.device]])
    return best * sent_per_media(n, v)


@step
def close_ranks(n: SimState, most: int) -> None:
    """Close the places that were left if they are more than `most`, keeping the order."""
    if n.now[0].holes <= most:
        return
    kept = 0
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0:
            if kept != slot:
                n.flows[kept], n.due_s[kept] = n.flows[slot], n.due_s[slot]
                n.cap_mbps[kept], n.want_mbps[kept] = n.cap_mbps[slot], n.want_mbps[slot]
            kept += 1
    n.now[0].active, n.now[0].holes = kept, 0


@compiled
def solve(n: SimState, now: float, until: float, carry: bool, choosing: bool) -> None:
    """Levels of the tree for the stretch from `now` to `until`; rows they change come forward.

    `carry`: hold back what was sent beyond capacity in the stretch that ends (the fast engine).
    `choosing`: `now` is a whole second, on which pictures are chosen.
    Writes the slots it touched to `touched`.
    """
    if carry:
        close_ranks(n, n.now[0].active // MOST_HOLES)
    n.now[0].touched = 0
    before, leaves = n.now[0].from_s, n.kinds.shape[0]
    tcp, udp, pause = False, False, False
    for path in n.path:
        tcp, udp = tcp or path.sharing == TCP, udp or path.sharing == UDP
        pause = pause or path.sharing == PAUSE
    for e in range(leaves):
        # Where smaller pictures make do, the node that asks for them never fills.
        limit = n.nodes[e].bind if n.nodes[e].bind != NO_LIMIT else n.nodes[e].want_by
        if limit != NO_LIMIT and now > before:
            bind_at(n.meters, limit, before, now)
    if tcp and carry:
        settle_debt(n.nodes, leaves, now - before)
    if udp:
        correct_wire(n, us(before), us(now))
    # From here on a change of rate counts in the new stretch.
    n.now[0].to_s = now
    if choosing and n.now[0].layered:
        _choose_anew(n, now)
        _transcode(n, now)
    if udp:
        _solve_udp(n, now > before and is_round(n.path[0], now))
    if pause:
        _solve_pause(n)
    if tcp:
        _solve_tcp(n, now, until - now if carry else 0.0)
    _bring_touched(n, now)
    if tcp:
        _book_rates(n)
    n.now[0].from_s, n.now[0].to_s = now, until


@step
def _choose_anew(n: SimState, now: float) -> None:
    """On the whole second: what everyone may count on, and who therefore takes another picture."""
    active, leaves = n.now[0].active, n.kinds.shape[0]
    for e in range(leaves):
        n.nodes[e].level_before = n.nodes[e].want_mbps
    wanted_levels(n.nodes, leaves, n.flows, n.want_mbps, active)
    for slot in range(active):
        f = n.flows[slot]
        leaf = n.nodes[f.leaf]
        if not f.on_air or leaf.level_before == leaf.want_mbps:
            continue
        v = n.rows[f.viewer]
        p = n.player[v.path]
        layer = pick(n, v, now)
        if want(v, p, layer):
            switch(n, v, now, layer)
            refresh(n, slot)
            _touch(n, slot)


@step
def _transcode(n: SimState, now: float) -> None:
    """On the whole second: which pictures are made, and who gets another one therefore."""
    some = False
    for p in n.player:
        some = some or p.transcodes < LAYERS
        for k in range(p.layers):
            p.wishes[k] = 0
    if not some:
        return
    active = n.now[0].active
    for slot in range(active):
        if n.flows[slot].on_air:
            v = n.rows[n.flows[slot].viewer]
            n.player[v.path].wishes[v.wish] += 1
    began = False
    for p in n.player:
        if p.transcodes < LAYERS:
            began = start_and_stop(p) or began
            for k in range(1, p.layers):
                if p.missing[k] != 0 and p.wishes[k] > 0:
                    bind_at(n.meters, TRANSCODES, now, now + 1.0)
    for slot in range(active if began else 0):
        if n.flows[slot].on_air:
            v = n.rows[n.flows[slot].viewer]
            if made(n.player[v.path], v.wish) != v.layer:
                switch(n, v, now, v.wish)
                refresh(n, slot)
                _touch(n, slot)


@inlined
def _touch(n: SimState, slot: int) -> None:
    n.touched[n.now[0].touched] = slot
    n.now[0].touched += 1


@step
def _bring_touched(n: SimState, now: float) -> None:
    """Those whom the new levels touch come forward."""
    many = n.now[0].touched
    for k in range(many):
        if k + AHEAD < many:
            fetch_ahead(n.rows, n.flows[n.touched[k + AHEAD]].viewer)
        v = n.rows[n.flows[n.touched[k]].viewer]
        rerate(n, v, now)
        plan(v, n.player[v.path])
        refresh(n, n.touched[k])


@step
def _solve_tcp(n: SimState, now: float, hold_s: float) -> None:
    active, leaves = n.now[0].active, n.kinds.shape[0]
    for e in range(leaves):
        n.nodes[e].level_before, n.nodes[e].most_before = (
            n.nodes[e].level_mbps,
            n.nodes[e].most_mbps,
        )
    _weigh_full(n, now, hold_s)
    max_min(n.nodes, leaves, n.flows, n.cap_mbps, active, hold_s)
    for e in range(leaves):
        leaf = n.nodes[e]
        if leaf.sharing == TCP:  # who joins an idle node within the stretch has no more than it all
            leaf.most_mbps = np.inf
            for k in (leaf.edge_at, leaf.region_at, leaf.top_at):
                leaf.most_mbps = min(leaf.most_mbps, max(0.0, n.nodes[k].given_mbps))
    for slot in range(active):
        f, cap = n.flows[slot], n.cap_mbps[slot]
        leaf = n.nodes[f.leaf]
        before = min(f.weight * leaf.level_before, leaf.most_before)
        moved = min(cap, before) != min(cap, share_mbps(leaf, f.weight))
        if moved or (f.on_air and leaf.weighed == 2):
            _touch(n, slot)


@step
def _weigh_full(n: SimState, now: float, hold_s: float) -> None:
    """Where a node has become full, and is shared unevenly, flows take the weights of now."""
    spread = False
    for p in n.player:
        spread = spread or p.share_shape > 0.0
    active = n.now[0].active
    if not spread or not full_leaves(
        n.nodes, n.kinds.shape[0], n.flows, n.cap_mbps, active, hold_s
    ):
        return
    for slot in range(active):
        f = n.flows[slot]
        if f.on_air and n.nodes[f.leaf].weighed == 2:
            v = n.rows[f.viewer]
            weigh(v, n.player[v.path], now)
            f.weight = v.weight


@step
def _book_rates(n: SimState) -> None:
    """What TCP flows send now, by leaf: for the debt of the stretch that begins."""
    for e in range(n.kinds.shape[0]):
        n.nodes[e].rate_mbps, n.nodes[e].sent_mb = 0.0, 0.0
    for slot in range(n.now[0].active):
        leaf = n.nodes[n.flows[slot].leaf]
        leaf.rate_mbps += min(n.cap_mbps[slot], share_mbps(leaf, n.flows[slot].weight))


@step
def _solve_udp(n: SimState, again: bool) -> None:
    active, leaves, kinds = n.now[0].active, n.kinds.shape[0], n.kinds.shape[1]
    path = n.path[0]
    for e in range(leaves):
        for c in range(kinds):
            n.kinds[e, c].flows, n.kinds[e, c].flow_us = 0, 0
    for slot in range(active):
        f = n.flows[slot]
        if f.on_air and n.nodes[f.leaf].sharing == UDP:
            n.kinds[f.leaf, f.kind].flows += 1
    udp_losses(n.nodes, leaves, n.kinds)
    if again:
        send_again(n.nodes, leaves, n.kinds, path)
        udp_losses(n.nodes, leaves, n.kinds)
    if len(n.path) > 1:
        udp_comes_first(n.nodes, leaves, n.kinds)
    some = False
    for e in range(leaves):
        if n.nodes[e].sharing != UDP:
            continue
        passed = n.nodes[e].passed
        for c in range(kinds):
            kind = n.kinds[e, c]
            loss = 1.0 - (1.0 - kind.link_loss) * passed
            arrives = udp_arrives(path, kind.rate_mbps, loss)
            kind.moved = 0
            if arrives != kind.arrives_mbps:
                # Who waits for a keyframe doesn't care how much of the picture is missing.
                still = arrives < kind.rate_mbps and kind.arrives_mbps < kind.rate_mbps
                kind.moved = 1 if still else 2
                some = True
            kind.arrives_mbps = arrives
            kind.passed_bps = int(np.rint(kind.sent_mbps * passed * 1e6))
    if some:
        for slot in range(active):
            f = n.flows[slot]
            if not f.on_air or n.nodes[f.leaf].sharing != UDP:
                continue
            how = n.kinds[f.leaf, f.kind].moved
            if how == 2 or (how == 1 and not f.frozen):
                _touch(n, slot)


@step
def correct_wire(n: SimState, a: int, b: int) -> None:
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
                # In this order, so that no product of flows and times outgrows its word.
                whole, rest = flow_us // (b - a), flow_us % (b - a)
                add(n.meters.wire[e, k], more, whole * piece + rest * piece // (b - a))


@step
def _solve_pause(n: SimState) -> None:
    active, leaves = n.now[0].active, n.kinds.shape[0]
    for e in range(leaves):
        n.nodes[e].last_before = n.nodes[e].last
    each = 0
    for c in range(n.kinds.shape[1]):
        each = max(each, n.kinds[0, c].nominal_bps)
    pause_last(n.nodes, leaves, n.flows, active, each * 1e-6)
    for k in range(len(n.nodes)):
        n.nodes[k].taken_mbps = n.nodes[k].load
    for slot in range(active):
        f = n.flows[slot]
        leaf = n.nodes[f.leaf]
        if f.on_air and (f.admitted <= leaf.last_before) != (f.admitted <= leaf.last):
            _touch(n, slot)


@compiled
def first_turn(n: SimState, order: Ints, every: bool) -> float:
    """When, within the stretch just followed, a UDP flow's beginning made a node short; else never.

    `order`: the shifts by time. `every`: a storm is on, so the first shift is the turn.
    Writes over `load`.
    """
    if every:
        return n.shifts[order[0]].t if len(order) > 0 else NEVER
    load_nodes(n.nodes, n.kinds.shape[0], n.kinds)
    for j in order:
        s = n.shifts[j]
        add_load(n.nodes, s.leaf, s.by * n.kinds[s.leaf, s.kind].sent_mbps)
        for k in range(len(n.nodes)):
            if short(n.nodes[k]):
                return s.t
    return NEVER
