"""Fair share on the tree edge < region < vendor: tables in, levels out.

TCP shares by max-min: progressive filling (Bertsekas & Gallager, Data Networks, 6.5.2), every flow
with a cap of its own. UDP does not share: a node over its capacity drops the same part of each
flow, retransmission adds to the load, and the loss is the fixed point of the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import compiled, step
from sim.record import Limit

Records = NDArray[np.void]
Floats = NDArray[np.float64]

NO_SHARING, TCP, UDP, PAUSE = range(4)
"""How capacity is shared; NO_SHARING where no node has one. PAUSE: UDP, `pause_some`."""

PATH = np.dtype(
    [
        ("sharing", "i8"),
        ("wire", "f8"),  # wire bits over media bits
        ("udp_mbps", "f8"),  # bitrate on the wire, without FEC and retransmission; 0 for TCP
        ("fec", "f8"),
        ("rtx_max", "f8"),
        ("tolerance", "f8"),
    ],
    align=True,
)

NODE = np.dtype(
    [
        ("capacity_mbps", "f8"),  # on the wire; infinite where there is none
        ("region", "i8"),  # of an edge
        ("debt_mb", "f8"),  # TCP: sent beyond capacity, to be held back
        ("level_mbps", "f8"),  # TCP: wire a flow may take (edges)
        ("passed", "f8"),  # UDP: part of a flow that passes the tree (edges)
        ("last", "i8"),  # PAUSE: last admitted that is sent to (edges)
        ("bind", "i8"),  # record.Limit of the node that sets it (edges)
        ("rate_mbps", "f8"),  # TCP: wire rate when the stretch began (edges)
        ("sent_mb", "f8"),  # what changes within the stretch add (edges)
        ("load", "f8"),  # work space
        ("level_before", "f8"),
        ("last_before", "i8"),
        ("fixed", "?"),
        ("open", "?"),
    ],
    align=True,
)
"""One node of the tree. A tree is edges, then regions, then the vendor, in one table."""

FLOW = np.dtype(
    [
        ("cap_mbps", "f8"),  # TCP: wire he could take; UDP: above 0 while he is sent to
        ("viewer", "i4"),  # -1: has left
        ("admitted", "i4"),
        ("edge", "i2"),
        ("access", "i2"),
        ("frozen", "?"),
    ],
    align=True,
)
"""One session, in order of admission."""

KIND = np.dtype(
    [
        ("link_loss", "f8"),
        ("nominal_bps", "i8"),  # wire a flow sends when nothing is short
        ("flows", "i8"),  # when the stretch began
        ("flow_us", "i8"),  # what joins and departures within the stretch add
        ("sent_mbps", "f8"),  # wire a flow sends now
        ("passed_bps", "i8"),  # wire a flow gets through the tree now
        ("arrives_mbps", "f8"),  # media that can be shown of it; infinite: nothing missing
        ("moved", "i8"),  # work space
    ],
    align=True,
)
"""UDP flows of one edge and access class: all alike."""

BY_VENDOR, BY_REGION, BY_EDGE = (
    int(Limit.EGRESS_VENDOR), int(Limit.EGRESS_REGION), int(Limit.EGRESS_EDGE),
)  # fmt: skip
EVERYONE = np.iinfo(np.int64).max

# A sum of thousands of rates may exceed what it sums to by rounding; that is no shortage.
SLACK = 1e-9


def tree(
    edge_mbps: Floats, region_of: NDArray[np.int64], region_mbps: Floats, all_mbps: float
) -> Records:
    """A tree with nothing on it; capacities in wire Mbps, infinite where there is none."""
    nodes = np.zeros(len(edge_mbps) + len(region_mbps) + 1, NODE)
    nodes["capacity_mbps"] = np.concatenate([edge_mbps, region_mbps, [all_mbps]])
    nodes["region"][: len(edge_mbps)] = region_of
    nodes["level_mbps"], nodes["passed"], nodes["last"] = np.inf, 1.0, EVERYONE
    return nodes


@compiled
def below(nodes: Records, edges: int, e: int, node: int) -> bool:
    """Whether edge e hangs below (or is) the node."""
    return node == e or node == len(nodes) - 1 or node == edges + nodes[e].region


@step
def water_level(nodes: Records, flows: Records, n: int, capacity: float) -> float:
    """Level w at which the flows of open edges take min(cap, w) = capacity; inf if all fit."""
    total, many = 0.0, 0
    for i in range(n):
        f = flows[i]
        if nodes[f.edge].open and f.cap_mbps > 0.0:
            total += f.cap_mbps
            many += 1
    if total <= capacity * (1.0 + SLACK):
        return np.inf
    # The level only rises from the equal share, as flows that need less leave room to the others.
    level = max(0.0, capacity) / many
    while True:
        rest, above = capacity, 0
        for i in range(n):
            f = flows[i]
            if nodes[f.edge].open and f.cap_mbps > 0.0:
                if f.cap_mbps <= level:
                    rest -= f.cap_mbps
                else:
                    above += 1
        if above == 0 or rest / above <= level * (1.0 + 1e-15):
            return level
        level = rest / above


@step
def max_min(nodes: Records, edges: int, flows: Records, n: int, hold_s: float) -> None:
    """Write `level_mbps` and `bind` of each edge for the first n flows.

    `hold_s`: a node's debt is held back over this long, at most half its capacity; 0: not at all.
    """
    for e in range(edges):
        nodes[e].level_mbps, nodes[e].bind, nodes[e].fixed = np.inf, 0, False
    while True:
        lowest, worst = np.inf, -1
        for k in range(len(nodes)):
            capacity = nodes[k].capacity_mbps
            if capacity == np.inf:
                continue
            if hold_s > 0.0:
                capacity -= min(nodes[k].debt_mb / hold_s, capacity / 2.0)
            if _open_below(nodes, edges, k):
                for i in range(n):
                    e = flows[i].edge
                    if nodes[e].fixed and below(nodes, edges, e, k):
                        capacity -= min(flows[i].cap_mbps, nodes[e].level_mbps)
                w = water_level(nodes, flows, n, capacity)
                if w < lowest:
                    lowest, worst = w, k
        if worst < 0:
            return
        code = _code(nodes, edges, worst)
        _open_below(nodes, edges, worst)
        for e in range(edges):
            if nodes[e].open:
                nodes[e].level_mbps, nodes[e].bind, nodes[e].fixed = lowest, code, True


@step
def _open_below(nodes: Records, edges: int, k: int) -> bool:
    some = False
    for e in range(edges):
        nodes[e].open = below(nodes, edges, e, k) and not nodes[e].fixed
        some = some or nodes[e].open
    return some


@step
def settle_debt(nodes: Records, edges: int, dt: float) -> None:
    """After a stretch of `dt`: what each node sent beyond its capacity is owed.

    A node that bound owes nothing either for what it left unsent, as a flow ended or slowed down:
    shared at once, that would have gone to the others. So its debt may be negative (the design's
    never is: measured, the error of an epoch then shrinks with the epoch as it should).
    """
    for k in range(len(nodes)):
        if nodes[k].capacity_mbps == np.inf:
            continue
        code = _code(nodes, edges, k)
        sent, bound = 0.0, False
        for e in range(edges):
            if below(nodes, edges, e, k):
                sent += nodes[e].rate_mbps * dt + nodes[e].sent_mb
                bound = bound or nodes[e].bind == code
        owed = nodes[k].debt_mb + sent - nodes[k].capacity_mbps * dt
        least = -nodes[k].capacity_mbps * dt / 2.0 if bound else 0.0
        nodes[k].debt_mb = max(least, owed)


@step
def _code(nodes: Records, edges: int, k: int) -> int:
    """record.Limit of node k."""
    if k < edges:
        return BY_EDGE
    return BY_VENDOR if k == len(nodes) - 1 else BY_REGION


@step
def udp_losses(nodes: Records, edges: int, kinds: Records, path: Any) -> None:
    """Part of each edge's traffic that passes the tree, as a fixed point with retransmission.

    `kinds`: (edge, class) with `flows` and `link_loss`. Writes `passed` and `bind` of the edges and
    `sent_mbps`. From no loss downwards, so it finds the least congested fixed point: shortage that
    has passed leaves no scar. As each node passes min(1, C/S) of what the node above left, a flow
    passes the least C/S on its way, S being what is sent into the tree.
    """
    for e in range(edges):
        nodes[e].passed = 1.0
    moved = 1.0
    while moved > 1e-13:
        _load(nodes, edges, kinds, path)
        moved = _run_away(nodes, edges, kinds, path)
        if moved > 0.0:
            continue
        for e in range(edges):
            least = 1.0
            nodes[e].bind = 0
            for k in (len(nodes) - 1, edges + nodes[e].region, e):
                capacity = nodes[k].capacity_mbps
                if nodes[k].load > capacity * (1.0 + SLACK) and capacity / nodes[k].load < least:
                    least = capacity / nodes[k].load
                    nodes[e].bind = _code(nodes, edges, k)
            moved = max(moved, nodes[e].passed - least)
            nodes[e].passed = min(nodes[e].passed, least)


@step
def _load(nodes: Records, edges: int, kinds: Records, path: Any) -> None:
    """What is sent into the tree for each node at the present losses."""
    for k in range(len(nodes)):
        nodes[k].load = 0.0
    for e in range(edges):
        for c in range(kinds.shape[1]):
            kind = kinds[e, c]
            again = retransmitted(path, 1.0 - (1.0 - kind.link_loss) * nodes[e].passed)
            kind.sent_mbps = path.udp_mbps * (1.0 + path.fec) * (1.0 + again)
            nodes[e].load += kind.flows * kind.sent_mbps
        nodes[len(nodes) - 1].load += nodes[e].load
        nodes[edges + nodes[e].region].load += nodes[e].load


@step
def _run_away(nodes: Records, edges: int, kinds: Records, path: Any) -> float:
    """Go at once where the iteration would creep: to where the first sender stops repeating more.

    While every sender repeats all that is lost, sent x passed stays the same, and a node over
    capacity has no fixed point: one flow too many creeps there in thousands of steps. Returns how
    far the edges below such a node moved; 0: there is none.
    """
    most = path.rtx_max / (1.0 + path.rtx_max)  # loss from which no more is repeated
    moved = 0.0
    for k in range(len(nodes)):
        if nodes[k].load <= nodes[k].capacity_mbps * (1.0 + SLACK):
            continue
        passed, stop, together = -1.0, 0.0, True
        for e in range(edges):
            if not below(nodes, edges, e, k):
                continue
            if passed >= 0.0 and nodes[e].passed != passed:
                together = False
            passed = nodes[e].passed
            for c in range(kinds.shape[1]):
                if kinds[e, c].flows > 0:
                    stop = max(stop, (1.0 - most) / (1.0 - kinds[e, c].link_loss))
        if together and stop < passed:
            for e in range(edges):
                if below(nodes, edges, e, k):
                    nodes[e].passed = stop
            moved = max(moved, passed - stop)
    return moved


@compiled
def retransmitted(path: Any, loss: float) -> float:
    """Retransmissions per packet sent at this loss, as far as the sender goes."""
    return min(loss / (1.0 - loss), path.rtx_max) if loss < 1.0 else path.rtx_max


@compiled
def udp_arrives(path: Any, rate_mbps: float, loss: float) -> float:
    """Media Mbps that can be shown of a flow of `rate_mbps` losing `loss`; inf: nothing missing.

    Within the tolerance FEC and retransmission make up for the loss as far as they reach; beyond it
    what is lost is lost (design, section 5).
    """
    if loss > path.tolerance:
        return rate_mbps * (1.0 - loss)
    arrives = rate_mbps * (1.0 + path.fec) * (1.0 + retransmitted(path, loss)) * (1.0 - loss)
    # Retransmission that keeps up gives (1 + rtx)(1 - loss) = 1 but for rounding.
    return np.inf if arrives >= rate_mbps * (1.0 - SLACK) else arrives


@step
def pause_last(nodes: Records, edges: int, flows: Records, n: int, each_mbps: float) -> None:
    """`pause_some`: write `last`, the last admitted of each edge that is still sent to, and `bind`.

    Each flow takes `each_mbps`; the first that doesn't fit a node closes it to all later ones.
    """
    for k in range(len(nodes)):
        nodes[k].last, nodes[k].bind, nodes[k].load = EVERYONE, 0, 0.0
    whole = nodes[len(nodes) - 1]
    for i in range(n):
        e = flows[i].edge
        edge, region = nodes[e], nodes[edges + nodes[e].region]
        if flows[i].cap_mbps <= 0.0 or edge.last != EVERYONE:
            continue
        code, shut = 0, -1
        if whole.load + each_mbps > whole.capacity_mbps * (1.0 + SLACK):
            code, shut = BY_VENDOR, len(nodes) - 1
        elif region.load + each_mbps > region.capacity_mbps * (1.0 + SLACK):
            code, shut = BY_REGION, edges + edge.region
        elif edge.load + each_mbps > edge.capacity_mbps * (1.0 + SLACK):
            code, shut = BY_EDGE, e
        if code == 0:
            whole.load += each_mbps
            region.load += each_mbps
            edge.load += each_mbps
            continue
        for other in range(edges):
            if below(nodes, edges, other, shut) and nodes[other].last == EVERYONE:
                nodes[other].last, nodes[other].bind = flows[i].admitted - 1, code
