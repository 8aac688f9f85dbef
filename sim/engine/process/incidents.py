"""What breaks, when it does: capacities shrink, sessions are cut off, the host's picture stops."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.compiled import step
from sim.delivery.share import below, carry
from sim.engine.meters import bind_at, us
from sim.engine.sharing import correct_wire, refresh
from sim.engine.state import (
    HOST,
    NO_LIMIT,
    SimState,
    advance_row,
    end_session,
    enter,
    layered,
    rerate,
    switch,
    wanted,
)
from sim.scenario.limits import Limit
from sim.viewer.viewer import NEVER, WAITING, consider, cut_off, dulled, host_sends, plan

OUTAGE = int(Limit.OUTAGE)


@step
def strike(n: SimState, k: int) -> None:
    """Carry out BREAK `k`: an incident begins or ends. Who was cut off stands in `touched`."""
    t, which = n.breaks[k].t, n.incidents[n.breaks[k].incident]
    n.now[0].touched = 0
    if n.breaks[k].begins and (which.host or which.left == 0.0):
        for end in range(k + 1, len(n.breaks)):
            if n.breaks[end].incident == n.breaks[k].incident:
                bind_at(n.meters, HOST if which.host else OUTAGE, t, n.breaks[end].t)
    if which.host:
        which.on = n.breaks[k].begins
        _host(n, t)
        return
    if n.breaks[k].begins:
        _what_is_left(n, n.breaks[k].incident)
    which.on = n.breaks[k].begins
    hold_what_is_left(n)
    if which.left > 0.0:
        return
    for leaf in range(n.kinds.shape[0]):
        if n.hit[n.breaks[k].incident, n.nodes[leaf].edge_at]:
            n.nodes[leaf].down += 1 if which.on else -1
            if leaf < len(n.supply.warm_s):
                n.supply.warm_s[leaf, :] = NEVER  # what it had is gone with it
    if which.on:
        for slot in range(n.now[0].active):
            if n.flows[slot].viewer >= 0 and n.nodes[n.flows[slot].leaf].down > 0:
                cut(n, slot, t, OUTAGE)


@step
def hold_what_is_left(n: SimState) -> None:
    """Write the capacity of every node: all of it, or what incidents leave."""
    for node in range(len(n.nodes)):
        whole = n.nodes[node].whole_mbps
        least = whole
        for j in range(len(n.incidents)):
            if n.incidents[j].on and n.hit[j, node]:
                left = n.incidents[j].left * whole if whole < np.inf else n.left_mbps[j, node]
                least = min(least, left)
        n.nodes[node].capacity_mbps = least


@step
def _what_is_left(n: SimState, j: int) -> None:
    """Capacity while it lasts of the nodes hit that have none: a share of the load now."""
    for node in range(len(n.nodes)):
        if not n.hit[j, node] or n.nodes[node].whole_mbps < np.inf:
            continue
        load = 0.0
        for slot in range(n.now[0].active):
            f = n.flows[slot]
            if f.viewer >= 0 and f.on_air and below(n.nodes, f.leaf, node):
                load += n.rows[f.viewer].wire_bps * 1e-6
        n.left_mbps[j, node] = n.incidents[j].left * load


@step
def cut(n: SimState, slot: int, t: float, limit: int) -> None:
    """The session in this place ends at once; its viewer stands in `touched`."""
    f = n.flows[slot]
    v = n.rows[f.viewer]
    advance_row(n, v, t)
    was = v.state
    if was != WAITING:
        end_session(n, v, t)
    v.door = limit
    n.now[0].cut_s = t
    cut_off(v, n.player[v.path])
    if was != WAITING:
        enter(n, v, was)
    n.touched[n.now[0].touched] = f.viewer
    n.now[0].touched += 1
    f.viewer, f.on_air = -1, False
    n.cap_mbps[slot], n.want_mbps[slot], n.due_s[slot] = 0.0, 0.0, NEVER
    n.now[0].holes += 1


@step
def _host(n: SimState, t: float) -> None:
    """The host's uplink lets another share through: pictures change, everyone inside is touched."""
    correct_wire(n, us(n.now[0].from_s), us(t))
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0:
            advance_row(n, n.rows[n.flows[slot].viewer], t)
    left = 1.0
    for which in n.incidents:
        if which.on and which.host:
            left = min(left, which.left)
    for p in n.player:
        host_sends(p, left, t)
    layers = n.now[0].most_layers
    for leaf in range(n.kinds.shape[0]):
        path, p = n.path[n.nodes[leaf].path], n.player[n.nodes[leaf].path]
        for c in range(n.kinds.shape[1]):
            if path.udp and c % layers < p.layers:
                carry(n.kinds[leaf, c], path, p.layer_mbps[c % layers] * p.source)
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0 and n.rows[n.flows[slot].viewer].state != WAITING:
            _sent_anew(n, n.rows[n.flows[slot].viewer], t)
            refresh(n, slot)


@step
def _sent_anew(n: SimState, v: Any, t: float) -> None:
    """This viewer's picture as the host sends it from now on; another one may fit the link."""
    p, due_s = n.player[v.path], v.layer_s
    switch(n, v, t, v.wish)
    v.layer_s = due_s
    if dulled(v, p, v.layer):
        v.layer_capped_by = HOST
    elif v.layer_capped_by == HOST:
        v.layer_capped_by = NO_LIMIT
    if v.key_s > t:
        v.key_s = -1.0  # the keyframe comes at another time
    if layered(n, v):
        consider(v, p, t, wanted(n, v))
    rerate(n, v, t)
    plan(v, p)
