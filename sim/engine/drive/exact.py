"""The exact twin: one SimPy process a viewer, levels solved at every change.

It calls the very transitions the fast engine calls, on the same rows. For some hundreds of viewers.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import count, groupby
from typing import Any

import numpy as np
import simpy

from sim.compiled import compiled
from sim.delivery.share import NO_SHARING, UDP
from sim.engine.admission import call, depart, next_call, outside, turn_outside
from sim.engine.process.clock import Clock
from sim.engine.process.incidents import strike
from sim.engine.process.polling import start_polling
from sim.engine.sharing import refresh, solve
from sim.engine.state import SimState, apply_next_change, arrive
from sim.viewer.viewer import ASK, GONE, LINK, NEVER

CAPACITY, DEPARTURES, LINKS, REST, JOINS, LAST = (k << 40 for k in range(1, 7))
"""Ties are ordered: capacity, departures, link, joins; then viewer id."""


def drive_exact(env: Clock, night: SimState) -> None:
    """Start one process a viewer."""
    _Individuals(env, night)


@compiled
def _arrive(n: SimState, i: int) -> None:
    arrive(n, i)


@compiled
def _change(n: SimState, i: int) -> bool:
    """The next change of viewer i; returns whether a session of theirs has ended."""
    if outside(n.rows[i]):
        turn_outside(n, i)
        return False
    slot = n.rows[i].slot
    if apply_next_change(n, i):
        return True
    refresh(n, slot)
    return False


@compiled
def _depart(n: SimState, i: int, path: int) -> None:
    depart(n, i, path)


@compiled
def _strike(n: SimState, k: int) -> None:
    strike(n, k)


@compiled
def _next_call(n: SimState, now: float) -> tuple[float, int]:
    return next_call(n, now)


@compiled
def _call(n: SimState, k: int, t: float) -> int:
    return call(n, k, t)


class _Individuals:
    """The processes of one run and what they need to wake one another."""

    def __init__(self, env: Clock, night: SimState) -> None:
        self.env, self.night = env, night
        self.armed = [NEVER] * len(night.rows)
        self.lives = [env.process(self.life(i)) for i in range(len(night.rows))]
        self.usher = env.process(self.calls())
        start_polling(env, night, CAPACITY - 1, self.polled)
        env.process(self.breaks())
        if night.now[0]["layered"] or night.now[0]["changing"]:
            env.process(self.grid(1.0, choosing=True))
        if (night.path["sharing"] == UDP).any():
            env.process(self.grid(float(night.path[0]["rtx_delay_s"]), choosing=False))

    def life(self, i: int) -> Generator[simpy.Event, Any, None]:
        """One viewer from their tap to the end."""
        n, env, v = self.night, self.env, self.night.rows[i]
        arrival = float(v["arrival_s"])
        yield env.at(arrival, JOINS + i)
        _arrive(n, i)
        self.step(i, arrival)
        while v["state"] != GONE:
            t = float(v["next_s"])
            self.armed[i] = t
            try:
                yield env.at(t, self.rank(int(v["cause"])) + i)
            except simpy.Interrupt:
                continue  # something shared has changed the plan
            if v["next_s"] == t:
                self.armed[i] = NEVER
                self.step(i, t)

    def rank(self, cause: int) -> int:
        """Which events come first at one instant."""
        if cause < LINK:
            return DEPARTURES
        if cause == LINK:
            return LINKS
        return JOINS if cause == ASK else REST

    def step(self, i: int, t: float) -> None:
        """One change of viewer i, and what it does to the others."""
        n = self.night
        n.now["to_s"] = t  # levels hold from change to change
        inside, slot = int(n.now[0]["active"]), int(n.rows[i]["slot"])
        if _change(n, i):
            self.close(slot)
            inside -= 1
            _depart(n, i, int(n.rows[i]["path"]))
        self.settle(i, inside, t)

    def grid(self, step_s: float, choosing: bool) -> Generator[simpy.Event, Any, None]:
        """On whole seconds pictures are chosen and capacity is another; lost packets are repeated
        in rounds."""
        for k in count():
            t = k * step_s
            yield self.env.at(t, CAPACITY if k else LAST)
            self.night.now["to_s"] = t
            self.settle(-1, int(self.night.now[0]["active"]), t, choosing)

    def breaks(self) -> Generator[simpy.Event, Any, None]:
        """Incidents begin and end: all of one instant before anybody acts on it."""
        n, times = self.night, self.night.breaks["t"].tolist()
        for t, together in groupby(range(len(times)), times.__getitem__):
            yield self.env.at(t, CAPACITY if t > 0.0 else LAST)  # what breaks at 0 hits all there
            n.now["to_s"] = t
            cut: list[int] = []
            for k in together:
                _strike(n, k)
                cut += self.cut()
            self.send_away(cut, t)

    def polled(self, t: float) -> None:
        """A meter was read. Where nobody was cut off no level changes: the door alone may open."""
        if cut := self.cut():
            self.send_away(cut, t)
        elif _next_call(self.night, t)[1] >= 0:
            self.usher.interrupt()

    def cut(self) -> list[int]:
        """Who was cut off just now."""
        return list(self.night.touched[: self.night.now[0]["touched"]].tolist())

    def send_away(self, cut: list[int], t: float) -> None:
        """Viewers who were cut off leave their ghosts, and everybody looks at their plans."""
        n = self.night
        for slot in reversed(np.flatnonzero(n.flows["viewer"][: n.now[0]["active"]] < 0)):
            self.close(int(slot))
        n.now["holes"] = 0
        for i in cut:
            self.env.process(self.ghost(i, int(n.rows[i]["path"]), t))
        for i, life in enumerate(self.lives):
            if self.armed[i] < NEVER and life.is_alive:
                life.interrupt()
        self.settle(-1, int(n.now[0]["active"]), t)

    def ghost(self, i: int, path: int, t: float) -> Generator[simpy.Event, Any, None]:
        """A session that was cut still counts for a while."""
        n = self.night
        end_s = t + float(n.player[path]["ghost_s"])
        yield self.env.at(end_s, DEPARTURES + i)
        inside = int(n.now[0]["active"])
        n.now["to_s"] = end_s
        _depart(n, i, path)
        self.settle(-1, inside, end_s)

    def close(self, slot: int) -> None:
        """Take a slot out, keeping the order of admission."""
        n = self.night
        last = int(n.now[0]["active"])
        for column in (n.flows, n.cap_mbps, n.want_mbps):
            column[slot : last - 1] = column[slot + 1 : last].copy()
        n.rows["slot"][n.flows["viewer"][slot : last - 1]] -= 1
        n.now[0]["active"] = last - 1

    def settle(self, i: int, inside: int, t: float, choosing: bool = False) -> None:
        """Solve the levels at this instant and wake all who must change plans."""
        n = self.night
        admitted = {int(k) for k in n.flows["viewer"][inside : n.now[0]["active"]]}
        moved: set[int] = set()
        if choosing or (n.path["sharing"] != NO_SHARING).any():
            solve(n, t, t, False, choosing)
            slots = n.touched[: n.now[0]["touched"]]
            moved = {int(k) for k in n.flows["viewer"][slots]}
        for k in (admitted | moved) - {i}:
            # A plan that has moved later is found out when the earlier time comes.
            if k in admitted or n.rows["next_s"][k] < self.armed[k]:
                self.lives[k].interrupt()
        if self.env.active_process is not self.usher and _next_call(n, t)[1] >= 0:
            self.usher.interrupt()

    def calls(self) -> Generator[simpy.Event, Any, None]:
        """Waiting rooms: the next one is let out as soon as the limit allows."""
        n, env = self.night, self.env
        while True:
            t, k = _next_call(n, env.now)
            try:
                yield env.event() if k < 0 else env.at(t, JOINS)
            except simpy.Interrupt:
                continue
            inside = int(n.now[0]["active"])
            n.now["to_s"] = t
            i = _call(n, k, t)
            self.settle(-1, inside, t)
            if i >= 0 and n.rows["next_s"][i] < self.armed[i] and self.lives[i].is_alive:
                self.lives[i].interrupt()  # refused by a quota: the next attempt comes sooner
