"""The fast engine: the whole crowd is one SimPy process over compiled passes.

Within a stretch each viewer is followed alone, under the level of their nodes; the door takes
attempts and departures in exact time order; then the levels are solved anew. A stretch ends with
the epoch, on the whole second where pictures are chosen or capacity changes, with a round of
retransmission where UDP is short, and at the instant something breaks, is mended, or is looked at
(polling.py).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import compiled, fetch_ahead, inlined, step
from sim.delivery.share import UDP, next_round
from sim.engine.admission import call, depart, next_call, outside, turn_outside
from sim.engine.process.clock import Clock
from sim.engine.process.incidents import strike
from sim.engine.process.polling import start_polling
from sim.engine.sharing import AHEAD, close_ranks, first_turn, refresh, solve
from sim.engine.state import SimState, apply_next_change, arrive, remember
from sim.viewer.viewer import ASK, GONE, LAYERS, NEVER

FEW_FLOWS = 600
"""Flows up to which UDP shortage is followed from join to join; see docs/decisions.md, 1."""


NEAR = 0.97
"""Share of a node's capacity from which a crowd is followed by rounds of retransmission."""


def drive_fast(
    env: Clock, night: SimState, epoch_s: float, end_s: float
) -> Generator[Any, Any, None]:
    """Step from epoch to epoch on the grid k x epoch_s until `end_s` (just after the show)."""
    udp = bool((night.path["sharing"] == UDP).any())
    scarce = bool((night.player["transcodes"] < LAYERS).any())
    shared = [(a, np.empty_like(a)) for a in _shared_bytes(night)] if udp else []
    start_polling(env, night, 0, lambda t: _send_away(night, t))
    breaks = [*night.breaks["t"].tolist(), end_s]
    follow(night, float(np.nextafter(0.0, 1.0)))  # viewers who are there when the show begins
    k = broken = 0
    chosen = -1.0  # the second in which pictures were chosen: once, though a turn may end on it
    while env.now < end_s:
        while breaks[broken] <= env.now:
            _break(night, broken)
            _send_away(night, breaks[broken])
            broken += 1
        # Where no node has a capacity nothing can bind before something breaks.
        until = min(breaks[broken], float(night.now[0]["poll_s"]))
        narrow = bool(np.isfinite(night.nodes["capacity_mbps"]).any())
        if narrow:
            while k * epoch_s <= env.now:
                k += 1
            until = min(k * epoch_s, until)
        if night.now[0]["changing"] or (night.now[0]["layered"] and (narrow or scarce)):
            until = min(until, float(np.floor(env.now)) + 1.0)
        choosing = env.now == np.floor(env.now) and env.now != chosen
        solve(night, env.now, until, True, choosing)
        chosen = env.now if choosing else chosen
        if udp and _may_turn(night):
            until = min(until, next_round(night.path[0], env.now))
        night.now["to_s"] = until
        flows = int(night.now[0]["active"] - night.now[0]["holes"])
        if udp and flows <= FEW_FLOWS:
            until = _follow_to_turn(night, until, shared)
        else:
            night.now["remembered"] = len(night.before)  # full: nothing more is kept
            follow(night, until)
        yield env.at(until)


@compiled
def _unsettled(n: SimState) -> bool:
    """Whether UDP flows send or pass anything but their nominal rate: a round may change it."""
    for leaf in range(n.kinds.shape[0]):
        for k in range(n.kinds.shape[1]):
            if n.kinds[leaf, k].passed_bps != n.kinds[leaf, k].nominal_bps:
                return True
    return False


@compiled
def _may_turn(n: SimState) -> bool:
    """Whether flows are unsettled, or a node may become short by UDP before long: the moment of it
    would depend on the epoch."""
    for node in n.nodes:
        if node.load > NEAR * node.capacity_mbps:
            return True
    return bool(_unsettled(n))


def _shared_bytes(n: SimState) -> list[NDArray[np.uint8]]:
    """All that a stretch changes but viewers and their events, to be kept and put back."""
    shared = (n.nodes, n.kinds, n.door, n.now, *n.meters.arrays(), *n.supply.fetches())
    return [a.view(np.uint8) for a in shared]


def _follow_to_turn(
    n: SimState, until: float, shared: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
) -> float:
    """Follow to `until`, or to just past the first turn of UDP shortage; returns how far.

    In a small crowd one flow more or less may begin or end a storm that freezes everybody, so the
    stretch is taken back and ends where the turn was: where a node becomes short and, while one is,
    at every join and departure. `shared`: `_shared_bytes`, each with room for what it was.
    """
    n.now["remembered"], n.now["shifted"] = 0, 0
    for here, kept in shared:
        np.copyto(kept, here)
    events = n.heap[: n.now[0]["events"]].copy()
    follow(n, until)
    shifted = int(n.now[0]["shifted"])
    if n.now[0]["remembered"] > len(n.before) or shifted > len(n.shifts):
        return until  # too large to go back
    order = np.argsort(n.shifts["t"][:shifted], kind="stable")
    turn_s = first_turn(n, order, _unsettled(n))
    if turn_s >= until:
        return until
    remembered = int(n.now[0]["remembered"])
    for here, kept in shared:
        np.copyto(here, kept)
    n.heap[: len(events)] = events
    _take_back(n, remembered)
    n.now["to_s"], n.now["remembered"], n.now["shifted"] = turn_s, 0, 0
    follow(n, float(np.nextafter(turn_s, np.inf)))
    return turn_s


@compiled
def _break(n: SimState, k: int) -> None:
    strike(n, k)


@compiled
def _send_away(n: SimState, t: float) -> None:
    """Viewers who were cut off at `t` try again; their places are free later."""
    if n.now[0].touched == 0:
        return
    _forget_stale(n)
    for j in range(n.now[0].touched):
        i = n.touched[j]
        v = n.rows[i]
        _push(n, t + n.player[v.path].ghost_s, _departure(i, v.path))
        _push(n, v.next_s, _own(i))


@compiled
def _take_back(n: SimState, remembered: int) -> None:
    """Rows as they were; of several copies of one, the first was the one before the stretch."""
    for k in range(remembered - 1, -1, -1):
        n.rows[n.before_of[k]] = n.before[k]
    for k in range(remembered):
        slot = n.before_slot[k]
        if 0 <= slot < n.now[0].active:
            n.flows[slot].viewer = n.before_of[k]
            refresh(n, slot)


@compiled
def follow(n: SimState, until: float) -> None:
    """Follow everyone, and the door, up to but not including `until`."""
    due, done, now = 0, 0, n.now[0].from_s
    for slot in range(n.now[0].active):
        if n.due_s[slot] < until:
            n.touched[due] = slot
            due += 1
    fresh = n.now[0].active
    while True:
        if done < due:
            if done + AHEAD < due:
                fetch_ahead(n.rows, n.flows[n.touched[done + AHEAD]].viewer)
            slot = n.touched[done]
            done += 1
        elif fresh < n.now[0].active:  # a viewer let in is followed from that instant
            slot = fresh
            fresh += 1
        else:
            now = _door(n, now, until)
            if now >= until:
                return
            fresh = n.now[0].fresh
            continue
        _follow_one(n, slot, until)


@inlined
def _follow_one(n: SimState, slot: int, until: float) -> None:
    f = n.flows[slot]
    i = f.viewer
    v = n.rows[i]
    remember(n, i, slot)
    while v.next_s < until:
        t = v.next_s
        if apply_next_change(n, i):
            f.viewer, f.on_air = -1, False
            n.cap_mbps[slot], n.want_mbps[slot], n.due_s[slot] = 0.0, 0.0, NEVER
            n.now[0].holes += 1
            _push(n, t, _departure(i, v.path))
            if v.state != GONE:
                _push(n, v.next_s, _own(i))
            return
    refresh(n, slot)


@step
def _door(n: SimState, now: float, until: float) -> float:
    """The next attempt, departure or call before `until`, in the order of their times.

    Returns its time, `until` if there is none. Those it lets in stand from `fresh` on.
    """
    if n.now[0].active == len(n.flows):
        close_ranks(n, 0)
        n.now[0].remembered = len(n.before) + 1  # places have moved: no way back
    n.now[0].fresh = n.now[0].active
    if n.now[0].events > len(n.heap) - 4 * len(n.rows):
        _forget_stale(n)  # few events a viewer are alive
    # At a tie departures come before joins, and viewers in their own order.
    t, what, k = NEVER, -1, -1
    if n.now[0].events > 0 and n.heap[0].t < until:
        t, what = n.heap[0].t, n.heap[0].id
    if n.now[0].arrived < len(n.order_of):
        i = n.order_of[n.now[0].arrived]
        at = n.rows[i].arrival_s
        if at < until and (at < t or (at == t and _rank(n, what) > _rank_join(i))):
            t, what = at, -2
    at, k = next_call(n, now)
    if at < until and at < t:
        t, what = at, -3
    if what == -1:
        return until
    if what == -3:
        i = call(n, k, t)
        if i >= 0 and outside(n.rows[i]) and n.rows[i].state != GONE:
            _push(n, n.rows[i].next_s, _own(i))
    elif what == -2:
        i = n.order_of[n.now[0].arrived]
        n.now[0].arrived += 1
        remember(n, i, -1)
        arrive(n, i)
        _outside(n, i)
    else:
        _pop(n)
        i = what // EVENTS
        if what % EVENTS < OWN:
            depart(n, i, what % EVENTS)
        elif not _stale(n, t, what):
            _outside(n, i)
    return t


@step
def _outside(n: SimState, i: int) -> None:
    v = n.rows[i]
    remember(n, i, -1)
    turn_outside(n, i)
    if outside(v) and v.state != GONE:
        _push(n, v.next_s, _own(i))


# --- a heap of (time, rank, viewer) ---------------------------------------------------------------

EVENTS, OWN = 4, 2
"""A viewer's events: the end of a session on path 0 or 1, and their own next change outside."""


@step
def _departure(i: int, path: int) -> int:
    return EVENTS * i + path


@step
def _own(i: int) -> int:
    return EVENTS * i + OWN


@step
def _rank_join(i: int) -> int:
    return int(np.int64(1) << np.int64(40)) + i


@step
def _rank(n: SimState, event: int) -> int:
    """Order at one instant: departures, then everything else, by viewer."""
    i = event // EVENTS
    if event % EVENTS < OWN:
        return i
    return _rank_join(i) if n.rows[i].cause == ASK else i


@step
def _before(n: SimState, ta: float, a: int, tb: float, b: int) -> bool:
    return ta < tb or (ta == tb and _rank(n, a) < _rank(n, b))


@step
def _push(n: SimState, t: float, event: int) -> None:
    if t == NEVER:
        return
    heap, k = n.heap, n.now[0].events
    n.now[0].events = k + 1
    while k > 0:
        up = heap[(k - 1) // 2]
        if not _before(n, t, event, up.t, up.id):
            break
        heap[k].t, heap[k].id = up.t, up.id
        k = (k - 1) // 2
    heap[k].t, heap[k].id = t, event


@step
def _stale(n: SimState, t: float, event: int) -> bool:
    """Whether the event of a viewer outside has been overtaken: they were called in meanwhile."""
    v = n.rows[event // EVENTS]
    return event % EVENTS == OWN and (not outside(v) or v.state == GONE or v.next_s != t)


@step
def _forget_stale(n: SimState) -> None:
    size = n.now[0].events
    n.now[0].events = 0
    for k in range(size):
        t, event = n.heap[k].t, n.heap[k].id
        if not _stale(n, t, event):
            _push(n, t, event)


@step
def _pop(n: SimState) -> None:
    heap, size = n.heap, n.now[0].events - 1
    n.now[0].events = size
    t, event = heap[size].t, heap[size].id
    k = 0
    while True:
        down = 2 * k + 1
        if down >= size:
            break
        if down + 1 < size and _before(
            n, heap[down + 1].t, heap[down + 1].id, heap[down].t, heap[down].id
        ):
            down += 1
        if not _before(n, heap[down].t, heap[down].id, t, event):
            break
        heap[k].t, heap[k].id = heap[down].t, heap[down].id
        k = down
    heap[k].t, heap[k].id = t, event
