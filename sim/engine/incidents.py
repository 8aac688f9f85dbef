"""What breaks, when it does: capacities shrink, sessions are cut off, the host's picture stops."""

from __future__ import annotations

import numpy as np

from sim.compiled import step
from sim.delivery.share import below
from sim.engine.levels import refresh
from sim.engine.meters import bind_at
from sim.engine.night import HOST, Night, bring, end_session, enter, rerate
from sim.record import Limit
from sim.viewer.viewer import NEVER, WAITING, cut_off, plan

OUTAGE = int(Limit.OUTAGE)


@step
def strike(n: Night, k: int) -> None:
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
def hold_what_is_left(n: Night) -> None:
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
def _what_is_left(n: Night, j: int) -> None:
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
def cut(n: Night, slot: int, t: float, limit: int) -> None:
    """The session in this place ends at once; its viewer stands in `touched`."""
    f = n.flows[slot]
    v = n.rows[f.viewer]
    bring(n, v, t)
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
def _host(n: Night, t: float) -> None:
    """The host's uplink carries another share of the picture: everyone inside is touched."""
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0:
            bring(n, n.rows[n.flows[slot].viewer], t)
    source = 1.0
    for which in n.incidents:
        if which.on and which.host:
            source = min(source, which.left)
    for p in n.player:
        p.source = source
    for slot in range(n.now[0].active):
        if n.flows[slot].viewer >= 0:
            v = n.rows[n.flows[slot].viewer]
            if v.state != WAITING:
                rerate(n, v, t)
                plan(v, n.player[v.path])
                refresh(n, slot)
