"""The door in action: attempts, refusals, waiting rooms, overflow, departures.

Order: the buyer's own backend, then on each path the gates and the quotas; first come, first
served; every attempt passes the gates. Every attempt begins with the path that is preferred.
"""

from __future__ import annotations

from typing import Any

from sim.compiled import code, inlined, step
from sim.delivery.door import GATE, QUOTA, applies, ask, give_back, note_asked, take
from sim.engine.meters import ATTEMPTS, JOINS, REFUSALS, bind_at, count
from sim.engine.process.supply import wait_for_origin
from sim.engine.state import (
    SimState,
    advance_row,
    enter,
    gone,
    pass_orders,
    remember,
    standing_s,
    take_path,
)
from sim.scenario.limits import Limit
from sim.viewer.viewer import (
    ASK,
    GONE,
    NEVER,
    P_JOINING,
    P_QUEUED,
    WAITING,
    already_there,
    change,
    let_in,
    queued,
    refused,
)  # fmt: skip

OUTAGE, NOBODY = code(Limit.OUTAGE), code(-1)


@step
def turn_outside(n: SimState, i: int) -> None:
    """Carry out the next change of a viewer outside: an attempt, or leaving for good."""
    v = n.rows[i]
    t = v.next_s
    if v.cause == ASK:
        v.attempts += 1
        v.asked_s = t
        if not already_there(v):
            count(n.meters, ATTEMPTS, t)
        take_path(n, v, v.first)
        request_join(n, i, t, NOBODY)
        return
    advance_row(n, v, t)
    if v.phase == P_QUEUED and v.queue >= 0:
        n.door[v.queue].waiting -= 1
    pass_orders(n, v, t, WAITING)
    change(v, n.player[v.path])
    enter(n, v, WAITING)
    gone(n, v)


@step
def request_join(n: SimState, i: int, t: float, served: int) -> None:
    """Ask every limit, from `served` on: the waiting room they come out of (else -1)."""
    v = n.rows[i]
    while True:
        k = _closed(n, v, t, served)
        if k == len(n.door):
            break
        code = n.door[k].code if k >= 0 else OUTAGE
        if k >= 0:
            bind_at(n.meters, code, t, t)
        if k >= 0 and n.door[k].queue:
            _line_up(n, i, k, t)
            return
        if k < 0 or not n.door[k].overflow or v.path + 1 == len(n.path):
            count(n.meters, REFUSALS, t)
            refused(v, n.player[v.path], t, code)
            return
        take_path(n, v, v.path + 1)
        served = k  # the limits of the next path stand behind it
    for k in range(len(n.door)):
        if n.door[k].kind == QUOTA and applies(n.door[k], v.path, v.region, v.leaf):
            take(n.door[k], t)
    if not already_there(v):
        count(n.meters, JOINS, t)
    let_in(v, n.player[v.path], t, standing_s(n, v))
    if len(n.supply.path) > 0 and n.supply.path[v.path].origin_mbps < NEVER:
        wait_for_origin(n, i, t)
    here = n.meters.sessions[v.path, v.region]
    here[0] += 1
    here[1] = max(here[0], here[1])
    here[2] += 1
    now = n.now[0]
    v.slot, v.admitted = now.active, now.admitted
    now.active += 1
    now.admitted += 1
    f = n.flows[v.slot]
    f.viewer, f.leaf, f.admitted = i, v.leaf, v.admitted
    f.on_air, f.frozen = False, False
    n.due_s[v.slot] = v.next_s
    n.cap_mbps[v.slot] = n.want_mbps[v.slot] = 0.0


@step
def _closed(n: SimState, v: Any, t: float, served: int) -> int:
    """The first limit of the path that keeps the viewer out; -1: it is down; all pass: len."""
    for k in range(max(served, 0), len(n.door)):
        limit = n.door[k]
        if not applies(limit, v.path, v.region, v.leaf):
            continue
        if limit.kind == GATE and already_there(v):
            continue
        if limit.kind == GATE and k != served:
            note_asked(limit, t)
        crowded = limit.queue and limit.waiting > 0 and k != served
        if crowded or ask(limit, t) > t:
            return k
        if limit.kind == GATE:
            take(limit, t)
    return -1 if n.nodes[v.leaf].down > 0 else len(n.door)


@step
def _line_up(n: SimState, i: int, k: int, t: float) -> None:
    limit = n.door[k]
    n.rows[i].behind = -1
    if limit.head < 0:
        limit.head = i
    else:
        remember(n, limit.tail, -1)
        n.rows[limit.tail].behind = i
    limit.tail = i
    limit.waiting += 1
    n.rows[i].door = limit.code
    queued(n.rows[i], n.player[n.rows[i].path], t, k)


@step
def _first_in_line(n: SimState, k: int) -> int:
    """Who is next in the waiting room before limit k; viewers who gave up are passed over."""
    limit = n.door[k]
    while limit.head >= 0:
        v = n.rows[limit.head]
        if v.state == WAITING and v.phase == P_QUEUED and v.queue == k:
            return limit.head
        limit.head = v.behind
    return -1


@step
def _call_in(n: SimState, k: int, t: float) -> None:
    i = _first_in_line(n, k)
    limit = n.door[k]
    limit.head = n.rows[i].behind
    limit.waiting -= 1
    remember(n, i, -1)
    request_join(n, i, t, k)


@step
def next_call(n: SimState, now: float) -> tuple[float, int]:
    """(time, limit) at which the next one may come out of a waiting room; never: (inf, -1)."""
    best, which = NEVER, -1
    for k in range(len(n.door)):
        limit = n.door[k]
        if limit.waiting == 0:
            continue
        at = ask(limit, now)
        if limit.kind == QUOTA:
            first = _first_in_line(n, k)
            at = now if first >= 0 and _room_for(n, first, now) else NEVER
        if at < best:
            best, which = at, k
    return best, which


@step
def call(n: SimState, k: int, t: float) -> int:
    """Let the next one out of waiting room k: who, or -1. Another limit, or an outage, may refuse
    them."""
    i = _first_in_line(n, k)
    if i >= 0:
        _call_in(n, k, t)
    return i


@step
def depart(n: SimState, i: int, path: int) -> None:
    """A session on this path has ended: its place is free."""
    region, leaf = n.rows[i].region, path * n.now[0].places + n.rows[i].place
    n.meters.sessions[path, region, 0] -= 1
    for k in range(len(n.door)):
        if applies(n.door[k], path, region, leaf):
            give_back(n.door[k])


@step
def _room_for(n: SimState, i: int, t: float) -> bool:
    v = n.rows[i]
    for k in range(len(n.door)):
        limit = n.door[k]
        here = limit.kind != GATE and applies(limit, v.path, v.region, v.leaf)
        if here and ask(limit, t) > t:
            return False
    return True


@inlined
def outside(v: Any) -> bool:
    """Not in a session: waiting for an attempt or in a waiting room, or gone."""
    return v.state == GONE or (v.state == WAITING and v.phase != P_JOINING)
