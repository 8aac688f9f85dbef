"""One night's state, and what one viewer's change does to it: what both engines share.

Viewers touch one another only here: at the door, and through the levels of the sharing tree.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.compiled import compiled, inlined, step
from sim.delivery.door import GATE, QUOTA, applies, ask, give_back, take
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
)
from sim.engine.meters import (
    ARRIVALS,
    ATTEMPTS,
    BIN_US,
    JOINS,
    REFUSALS,
    Meters,
    bind_at,
    book,
    book_play,
    count,
    us,
)
from sim.network.links import Links, first_holding, next_holding
from sim.record import Limit
from sim.viewer.viewer import (
    ASK,
    DONE,
    GONE,
    JOINED,
    LINK,
    NEVER,
    ORDER,
    OWN_LINK,
    P_JOINING,
    P_QUEUED,
    PLAYING,
    REFERENCE,
    STALLED,
    WAITING,
    advance,
    appetite,
    change,
    harm,
    let_in,
    plan,
    queued,
    refused,
    set_rate,
    tap,
)

Ints = NDArray[np.int64]
Records = NDArray[np.void]

FEW_FLOWS = 2_000
"""Flows up to which every join and departure under UDP shortage is honoured to the instant."""

NEAR = 0.2
"""In a larger crowd: how near to its capacity a node must be for a turn to be looked for."""

LINK_LIMIT, NO_LIMIT = int(Limit.LINK), int(Limit.NONE)

NOW = np.dtype(
    [
        ("active", "i8"),  # sessions
        ("admitted", "i8"),  # so far
        ("events", "i8"),  # in the heap
        ("arrived", "i8"),
        ("touched", "i8"),
        ("remembered", "i8"),  # rows in `before`; more than fit: too many
        ("shifted", "i8"),
        ("from_s", "f8"),  # the stretch for which the present levels hold
        ("to_s", "f8"),
    ],
    align=True,
)
EVENT = np.dtype([("t", "f8"), ("id", "i8")])
SHIFT = np.dtype([("t", "f8"), ("edge", "i4"), ("access", "i4"), ("by", "i8")])
"""A UDP flow begins (by 1) or ends (by -1)."""


class Night(NamedTuple):
    """Everything that changes during a run, and the numbers it follows."""

    rows: Records  # VIEWER
    player: Records  # PLAYER (1)
    path: Records  # PATH (1)
    links: Links
    nodes: Records  # NODE: edges, regions, the vendor
    kinds: Records  # KIND (edge, class)
    door: Records  # LIMIT
    flows: Records  # FLOW: who is inside, in order of admission
    heap: Records  # EVENT: those outside, and departures
    order_of: Ints  # viewers by arrival
    touched: Ints  # flows whose plans the last solution changed
    before: Records  # VIEWER: rows as they were when the stretch began, for going back
    before_of: Ints  # whose
    shifts: Records  # SHIFT: UDP flows of this stretch, as they were found
    orders: Records  # ORDERS
    meters: Meters
    now: Records  # NOW (1)


@step
def arrive(n: Night, i: int) -> None:
    """A viewer taps: first plan of his row."""
    v = n.rows[i]
    v.t = v.arrival_s
    v.startup_s, v.sdk_startup_s = np.nan, np.nan
    v.since_freeze_s = NEVER
    v.state_us = us(v.t)
    v.slot = -1
    p = n.player[0]
    v.link_until_s = v.arrival_s + first_holding(n.links, v, p.seed, p.replication)
    v.order_s = n.orders[v.order].time_s if v.order < v.order_end else NEVER
    v.hd = p.hd
    tap(v, p, v.arrival_s)
    plan(v, p)
    if not v.initial:
        count(n.meters, ARRIVALS, v.arrival_s)


@inlined
def _bring(n: Night, v: Any, t: float) -> None:
    """Bring a row forward to its own change at t, with the meters that follow its slopes."""
    if v.state == PLAYING:
        book_play(n.meters, n.player[0].upstream_s + v.lag, v.t, t)
    advance(v, n.player[0], t)


@inlined
def _enter(n: Night, v: Any, was: int) -> None:
    """The state has changed: book the one that ended."""
    now = us(v.t)
    book(n.meters.states, was, v.state_us, now, 1)
    v.state_us = now


@inlined
def _next_link(n: Night, v: Any) -> None:
    p = n.player[0]
    v.link_until_s += next_holding(n.links, v, p.seed, p.replication)


@inlined
def _note_order(n: Night, v: Any, state: int) -> None:
    """Record the state in which the next order finds its viewer."""
    o = n.orders[v.order]
    o.state, o.reason, o.limit = state, v.reason, v.limit
    o.latency_s = np.nan
    if state in (PLAYING, STALLED):
        o.latency_s = n.player[0].upstream_s + v.lag
        o.hd = v.hd
        o.audio = n.player[0].audio_mbps > 0.0 and v.d >= n.player[0].audio_mbps
    elif v.reason == DONE:
        o.limit = harm(v)
    elif v.limit <= OWN_LINK and v.door != NO_LIMIT:
        o.limit = v.door
    v.order += 1


@step
def _pass_orders(n: Night, v: Any, until_s: float, state: int) -> None:
    while v.order < v.order_end and n.orders[v.order].time_s <= until_s:
        _note_order(n, v, state)
    v.order_s = n.orders[v.order].time_s if v.order < v.order_end else NEVER


@inlined
def _offer(n: Night, v: Any) -> tuple[float, int]:
    """(media Mbps, what holds it below the bitrate) for this viewer under the present levels."""
    p, sharing = n.player[0], n.path[0].sharing
    edge = n.nodes[v.edge]
    code = edge.bind if edge.bind != NO_LIMIT else LINK_LIMIT
    if sharing == TCP:
        got = edge.level_mbps / n.path[0].wire
    elif sharing == PAUSE and v.admitted > edge.last:
        got = 0.0
    else:
        got = n.kinds[v.edge, v.access].arrives_mbps
    d = min(appetite(v, p), got)
    if p.kind == REFERENCE:
        return d, LINK_LIMIT
    if d >= p.rate_mbps:
        return d, NO_LIMIT
    return d, code if got < p.link_share * v.link_mbps else LINK_LIMIT


@inlined
def _rerate(n: Night, v: Any, t: float) -> None:
    """Give the viewer the rate of this moment; a change is booked on the wire."""
    d, limit = _offer(n, v)
    if d != v.d or limit != v.limit:
        _bring(n, v, t)
        was = v.state
        set_rate(v, n.player[0], d, limit)
        if v.state != was:
            _enter(n, v, was)
    _wire(n, v, t)


@inlined
def _wire(n: Night, v: Any, t: float) -> None:
    """What this viewer's flow puts on the wire from now on."""
    path = n.path[0]
    if path.sharing == UDP or n.player[0].kind == REFERENCE:
        return  # booked at the nominal rate, and corrected for all alike
    if path.udp_mbps > 0.0:
        paused = path.sharing == PAUSE and v.admitted > n.nodes[v.edge].last
        bps = 0 if paused else n.kinds[v.edge, v.access].nominal_bps
    else:
        bps = int(np.rint(v.d * path.wire * 1e6))
    if bps != v.wire_bps:
        _book_wire(n, v, t)
        if path.sharing == TCP:
            n.nodes[v.edge].sent_mb += (bps - v.wire_bps) * 1e-6 * (n.now[0].to_s - t)
        v.wire_bps = bps


@inlined
def _book_wire(n: Night, v: Any, t: float) -> None:
    now = us(t)
    book(n.meters.wire, v.edge, v.wire_us, now, v.wire_bps)
    v.wire_us = now


@inlined
def _on_air(n: Night, v: Any, t: float) -> None:
    v.wire_us = us(t)
    v.wire_bps = 0
    if n.path[0].sharing == UDP:
        kind = n.kinds[v.edge, v.access]
        v.wire_bps = kind.nominal_bps
        kind.flow_us += us(n.now[0].to_s) - us(t)
        _shift(n, v, t, 1)


@step
def _shift(n: Night, v: Any, t: float, by: int) -> None:
    k = n.now[0].shifted
    if k < len(n.shifts):
        s = n.shifts[k]
        s.t, s.edge, s.access, s.by = t, v.edge, v.access, by
    n.now[0].shifted = k + 1


@step
def remember(n: Night, i: int) -> None:
    """Keep the row as it is, so that the stretch can be taken back."""
    k = n.now[0].remembered
    if k < len(n.before):
        n.before[k] = n.rows[i]
        n.before_of[k] = i
    n.now[0].remembered = k + 1


@inlined
def _off_air(n: Night, v: Any, t: float) -> None:
    _book_wire(n, v, t)
    if n.path[0].sharing == UDP:
        n.kinds[v.edge, v.access].flow_us -= us(n.now[0].to_s) - us(t)
        _shift(n, v, t, -1)
    elif n.path[0].sharing == TCP:
        n.nodes[v.edge].sent_mb -= v.wire_bps * 1e-6 * (n.now[0].to_s - t)
    v.wire_bps = 0


@step
def turn(n: Night, i: int) -> bool:
    """Carry out the next change of a viewer inside. Returns whether he has left."""
    v = n.rows[i]
    t, cause = v.next_s, v.cause
    if cause == LINK:
        # A link that still carries all that is asked for changes nothing: the row stays.
        _next_link(n, v)
        _rerate(n, v, t)
        plan(v, n.player[0])
        return False
    _bring(n, v, t)
    if cause == ORDER:
        _pass_orders(n, v, t, v.state)
        plan(v, n.player[0])
        return False
    was, session = v.state, v.session
    if was == WAITING:
        _pass_orders(n, v, t, WAITING)
    change(v, n.player[0])
    if cause == JOINED:
        while v.link_until_s <= t:
            _next_link(n, v)
        _on_air(n, v, t)
    if v.state != was:
        _enter(n, v, was)
    if v.state == GONE or v.session != session:
        if was != WAITING:
            _off_air(n, v, t)
        _gone(n, v)
        if v.state == WAITING:
            plan(v, n.player[0])
        return True
    _rerate(n, v, t)
    plan(v, n.player[0])
    return False


@step
def _gone(n: Night, v: Any) -> None:
    if v.state == GONE:
        if v.reason != 0:
            _pass_orders(n, v, NEVER, GONE)
        v.next_s = NEVER


@step
def turn_outside(n: Night, i: int) -> None:
    """Carry out the next change of a viewer outside: an attempt, or leaving for good."""
    v = n.rows[i]
    t = v.next_s
    if v.cause == ASK:
        v.attempts += 1
        v.asked_s = t
        count(n.meters, ATTEMPTS, t)
        knock(n, i, t, 0, False)
        return
    _bring(n, v, t)
    if v.phase == P_QUEUED and v.queue >= 0:
        n.door[v.queue].waiting -= 1
    _pass_orders(n, v, t, WAITING)
    change(v, n.player[0])
    _enter(n, v, WAITING)
    _gone(n, v)


@step
def knock(n: Night, i: int, t: float, start: int, served: bool) -> None:
    """Ask every limit from `start` on; whoever comes out of the waiting room there is `served`."""
    v = n.rows[i]
    for k in range(start, len(n.door)):
        limit = n.door[k]
        if not applies(limit, v.region, v.edge):
            continue
        if limit.kind == GATE and v.initial and v.session == 1 and v.attempts == 1:
            continue  # already watching when the show begins
        crowded = limit.queue and limit.waiting > 0 and not (served and k == start)
        if crowded or ask(limit, t) > t:
            bind_at(n.meters, limit.code, t, t)
            if limit.queue:
                _line_up(n, i, k, t)
            else:
                limit.refusals += 1
                count(n.meters, REFUSALS, t)
                refused(v, n.player[0], t, limit.code)
            return
        if limit.kind == GATE:
            take(limit, t)
    for k in range(len(n.door)):
        if n.door[k].kind == QUOTA and applies(n.door[k], v.region, v.edge):
            take(n.door[k], t)
    let_in(v, n.player[0], t)
    count(n.meters, JOINS, t)
    here = n.meters.sessions[v.region]
    here[0] += 1
    here[1] = max(here[0], here[1])
    here[2] += 1
    now = n.now[0]
    v.slot, v.admitted = now.active, now.admitted
    now.active += 1
    now.admitted += 1
    f = n.flows[v.slot]
    f.viewer, f.edge, f.access, f.admitted = i, v.edge, v.access, v.admitted
    f.due_s, f.cap_mbps = v.next_s, 0.0


@step
def _line_up(n: Night, i: int, k: int, t: float) -> None:
    limit = n.door[k]
    n.rows[i].behind = -1
    if limit.head < 0:
        limit.head = i
    else:
        remember(n, limit.tail)
        n.rows[limit.tail].behind = i
    limit.tail = i
    limit.waiting += 1
    n.rows[i].door = limit.code
    queued(n.rows[i], n.player[0], t, k)


@step
def _first_in_line(n: Night, k: int) -> int:
    """Who is next in the waiting room before limit k; those who gave up are passed over."""
    limit = n.door[k]
    while limit.head >= 0:
        v = n.rows[limit.head]
        if v.state == WAITING and v.phase == P_QUEUED and v.queue == k:
            return limit.head
        limit.head = v.behind
    return -1


@step
def _call_in(n: Night, k: int, t: float) -> None:
    i = _first_in_line(n, k)
    limit = n.door[k]
    limit.head = n.rows[i].behind
    limit.waiting -= 1
    remember(n, i)
    knock(n, i, t, k, True)


@step
def next_call(n: Night, now: float) -> tuple[float, int]:
    """(time, limit) at which a gate lets the next one out of its waiting room."""
    best, which = NEVER, -1
    for k in range(len(n.door)):
        limit = n.door[k]
        if limit.kind == GATE and limit.waiting > 0:
            at = ask(limit, now)
            if at < best:
                best, which = at, k
    return best, which


@step
def call(n: Night, k: int, t: float) -> None:
    """Let the next one out of the waiting room of gate k."""
    if _first_in_line(n, k) >= 0:
        _call_in(n, k, t)


@step
def depart(n: Night, i: int, t: float) -> None:
    """A session has ended: its place is free, and goes to whoever waits for it."""
    region, edge = n.rows[i].region, n.rows[i].edge
    n.meters.sessions[region, 0] -= 1
    for k in range(len(n.door)):
        if applies(n.door[k], region, edge):
            give_back(n.door[k])
    for k in range(len(n.door)):
        limit = n.door[k]
        while limit.kind == QUOTA and limit.waiting > 0:
            first = _first_in_line(n, k)
            if first < 0 or not _room_for(n, first, t):
                break
            _call_in(n, k, t)


@step
def _room_for(n: Night, i: int, t: float) -> bool:
    v = n.rows[i]
    for k in range(len(n.door)):
        limit = n.door[k]
        if limit.kind == QUOTA and applies(limit, v.region, v.edge) and ask(limit, t) > t:
            return False
    return True


@inlined
def outside(v: Any) -> bool:
    """Not in a session: waiting for an attempt or in a waiting room, or gone."""
    return v.state == GONE or (v.state == WAITING and v.phase != P_JOINING)


@inlined
def refresh(n: Night, slot: int) -> None:
    """Note when the viewer in this slot changes next and how much he asks of the tree."""
    f = n.flows[slot]
    v = n.rows[f.viewer]
    f.due_s = v.next_s
    f.frozen = v.state == STALLED
    if v.state == WAITING:
        f.cap_mbps = 0.0
    elif n.path[0].sharing == TCP:
        f.cap_mbps = appetite(v, n.player[0]) * n.path[0].wire
    else:
        f.cap_mbps = 1.0


@compiled
def solve(n: Night, now: float, until: float, carry: bool) -> None:
    """Levels of the tree for the stretch from `now` to `until`; rows they change come forward.

    `carry`: hold back what was sent beyond capacity in the stretch that ends (the fast engine).
    Writes the slots it touched to `touched`.
    """
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


@step
def _touch(n: Night, slot: int, now: float) -> None:
    v = n.rows[n.flows[slot].viewer]
    _rerate(n, v, now)
    plan(v, n.player[0])
    refresh(n, slot)
    n.touched[n.now[0].touched] = slot
    n.now[0].touched += 1


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
            _touch(n, slot, now)
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
                _touch(n, slot, now)


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
            _touch(n, slot, now)


@compiled
def near_turn(n: Night) -> bool:
    """Whether some node may become, or cease to be, short by UDP in the next stretch."""
    if n.now[0].active <= FEW_FLOWS:
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
