"""What the vendor polls: the meters of the account, the messages of the room."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from sim.compiled import compiled, step
from sim.delivery.door import GB, MBPS, MINUTES, read
from sim.delivery.messages import fill, waiting
from sim.engine.meters import bind_at, booked, us
from sim.engine.process.clock import Clock
from sim.engine.process.incidents import cut
from sim.engine.state import MESSAGES, SimState
from sim.viewer.viewer import NEVER, WAITING


def start_polling(
    env: Clock, night: SimState, priority: int, polled: Callable[[float], None]
) -> None:
    """Start the process, the same in both engines. `polled(time)`: go on from there; who was cut
    off stands in `touched`."""
    _plan_next_poll(night, env.now)
    env.process(_polls(env, night, priority, polled))


def _polls(
    env: Clock, night: SimState, priority: int, polled: Callable[[float], None]
) -> Generator[Any, Any, None]:
    while (t := float(night.now[0]["poll_s"])) < NEVER:
        yield env.at(t, priority)
        night.now["to_s"] = t
        _poll(night, t)
        _plan_next_poll(night, t)
        polled(t)


def _plan_next_poll(n: SimState, now: float) -> None:
    """Write when; nothing is polled when the show is over."""
    t = n.door["at_s"][n.door["kind"] >= MBPS].min(initial=NEVER)
    if len(n.messages):
        t = min(t, np.floor(now) + 1.0)
    n.now["poll_s"] = t if t < n.player[0]["show_s"] else NEVER


@compiled
def _poll(n: SimState, t: float) -> None:
    n.now[0].touched = 0
    if len(n.messages) > 0 and t == np.floor(t):
        _count_messages(n, int(t))
    for k in range(len(n.door)):
        limit = n.door[k]
        if limit.kind < MBPS or limit.at_s != t:
            continue
        total = inside_min(n, t) if limit.kind == MINUTES else wire_mb(n, t)
        if limit.kind == GB:
            total /= 8e3
        if not read(limit, total, t):
            continue
        bind_at(n.meters, limit.code, t, min(limit.at_s, n.player[0].show_s))
        for slot in range(n.now[0].active):
            if n.flows[slot].viewer >= 0:
                cut(n, slot, t, limit.code)


@step
def _count_messages(n: SimState, second: int) -> None:
    """All in the room chat through this second; a room is of full size in a sample too."""
    inside = 0
    for slot in range(n.now[0].active):
        inside += n.flows[slot].on_air
    sent = min(inside * n.now[0].chat_per_s, n.now[0].most_sent_per_s)
    fill(n.messages, second, sent, n.now[0].messages_per_s)
    if waiting(n.messages, second + 1.0, second) > 0.0:
        bind_at(n.meters, MESSAGES, float(second), second + 1.0)


@step
def wire_mb(n: SimState, t: float) -> float:
    """Megabit on the wire up to `t`: booked, under way, and what UDP shortage makes of it."""
    mb, wire = 0.0, n.meters.wire
    for e in range(wire.shape[0]):
        full = 0
        for k in range(wire.shape[1]):
            full += wire[e, k].full
            mb += booked(wire[e, k], full) * 1e-12
    now, before = us(t), us(n.now[0].from_s)
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0:
            v = n.rows[n.flows[slot].viewer]
            mb += v.wire_bps * 1e-12 * (now - v.wire_us)
    for e in range(n.kinds.shape[0]):
        for c in range(n.kinds.shape[1]):
            kind = n.kinds[e, c]
            more = kind.passed_bps - kind.nominal_bps
            if more != 0:
                mb += more * 1e-12 * (kind.flows * (now - before) + kind.flow_us)
    return mb


@step
def inside_min(n: SimState, t: float) -> float:
    """Viewer minutes up to `t`, as they are billed: booked and under way."""
    total = 0
    for e in range(n.meters.seen_us.shape[0]):
        for layer in range(n.meters.seen_us.shape[1]):
            total += n.meters.seen_us[e, layer]
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0:
            v = n.rows[n.flows[slot].viewer]
            if v.state != WAITING:
                total += us(v.play_s + v.frozen_s) - v.seen_us + us(v.starting_s) - v.silent_us
                total += us(t) - us(v.now_s)
    return total / 60e6
