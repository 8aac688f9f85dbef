"""Fair share on the tree edge < region < path: tables in, levels out.

TCP shares by max-min: progressive filling (Bertsekas & Gallager, Data Networks, 6.5.2), every flow
with a cap of its own. UDP does not share: a node over its capacity drops the same part of each
flow, and retransmission, a round later, adds to the load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import compiled, inlined, step
from sim.scenario.limits import Limit

Records = NDArray[np.void]
Floats = NDArray[np.float64]

NO_SHARING, TCP, UDP, PAUSE = range(4)
"""How capacity is shared; NO_SHARING where no node has one. PAUSE: UDP, `pause_some`."""

PATH = np.dtype(
    [
        ("sharing", "i8"),  # what its flows do now
        ("by", "i8"),  # and what they would where capacity is short
        ("udp", "?"),
        ("wire", "f8"),  # wire bits over media bits, of the best picture
        ("best_mbps", "f8"),  # that picture
        ("frame_mbps", "f8"),  # on the wire: what the last packets of frames leave empty
        ("fec", "f8"),
        ("rtx_max", "f8"),
        ("rtx_delay_s", "f8"),
        ("tolerance", "f8"),
    ],
    align=True,
)

NODE = np.dtype(
    [
        ("capacity_mbps", "f8"),  # on the wire; infinite where there is none
        ("whole_mbps", "f8"),  # the same when nothing is broken
        ("code", "i8"),  # limits.Limit of this node
        ("debt_mb", "f8"),  # TCP: sent beyond capacity, to be held back
        ("taken_mbps", "f8"),  # what UDP sends through it: TCP fills the rest
        ("given_mbps", "f8"),  # that rest in the present stretch
        ("load", "f8"),  # work space
        ("fixed", "?"),
        # leaves: one a path, region and isp
        ("path", "i2"),
        ("region", "i2"),
        ("edge_at", "i2"),  # the nodes a flow passes
        ("region_at", "i2"),
        ("top_at", "i2"),
        ("sharing", "i2"),
        ("down", "i2"),  # incidents that have it down
        ("open", "?"),  # work space
        ("filled_mbps", "f8"),  # work space
        ("filled_by", "i8"),
        ("level_mbps", "f8"),  # TCP: wire a flow of weight 1 may take
        ("most_mbps", "f8"),  # TCP: wire that all of its nodes have for one flow
        ("weighed", "i2"),  # TCP: its flows' weights are those of now; 2: since now
        ("asked_mbps", "f8"),  # work space
        ("want_mbps", "f8"),  # the level if all asked for their best picture
        ("want_by", "i8"),  # limits.Limit of the node that sets it: who wants more steps down
        ("passed", "f8"),  # UDP: part of a flow that passes the tree
        ("last", "i8"),  # PAUSE: last admitted that is sent to
        ("bind", "i8"),  # limits.Limit of the node that sets it
        ("rate_mbps", "f8"),  # TCP: wire rate when the stretch began
        ("sent_mb", "f8"),  # what changes within the stretch add
        ("level_before", "f8"),
        ("most_before", "f8"),
        ("last_before", "i8"),
    ],
    align=True,
)
"""One node of the tree: leaves, then (of several paths) edges, then regions, then paths.

With one path a leaf is its edge. Of several paths each has its leaves, below edges and regions that
all of them share.
"""

FLOW = np.dtype(
    [
        ("viewer", "i4"),  # -1: has left
        ("admitted", "i4"),
        ("leaf", "i2"),
        ("kind", "i2"),
        ("weight", "f8"),  # TCP: of the level, so much of it
        ("on_air", "?"),  # is sent to
        ("frozen", "?"),  # until a keyframe
    ],
    align=True,
)
"""One session, in order of admission."""

KIND = np.dtype(
    [
        ("link_loss", "f8"),
        ("rate_mbps", "f8"),  # media
        ("wire_mbps", "f8"),  # the same on the wire, without FEC and retransmission
        ("nominal_bps", "i8"),  # wire a flow sends when nothing is short
        ("flows", "i8"),  # when the stretch began
        ("flow_us", "i8"),  # what joins and departures within the stretch add
        ("again", "f8"),  # packets repeated now per packet sent
        ("sent_mbps", "f8"),  # wire a flow sends now
        ("passed_bps", "i8"),  # wire a flow gets through the tree now
        ("arrives_mbps", "f8"),  # media that can be shown of it; infinite: nothing missing
        ("moved", "i8"),  # work space
    ],
    align=True,
)
"""UDP flows of one leaf, access class and layer: all alike."""

EVERYONE = np.iinfo(np.int64).max

# A sum of thousands of rates may exceed what it sums to by rounding; that is no shortage.
SLACK = 1e-9


def tree(
    edge_mbps: Floats,
    region_of: NDArray[np.int64],
    region_mbps: Floats,
    path_mbps: Sequence[float],
) -> Records:
    """A tree with nothing on it; capacities in wire Mbps, infinite where there is none."""
    paths, edges, regions = len(path_mbps), len(edge_mbps), len(region_mbps)
    leaves, shared = paths * edges, 0 if paths == 1 else edges
    nodes = np.zeros(leaves + shared + regions + paths, NODE)
    own = np.full(leaves - edges + shared, np.inf)  # leaves of several paths carry no limit
    nodes["capacity_mbps"] = np.concatenate([own, edge_mbps, region_mbps, path_mbps])
    nodes["whole_mbps"] = nodes["given_mbps"] = nodes["capacity_mbps"]
    nodes["code"] = np.repeat(
        [Limit.EGRESS_EDGE, Limit.EGRESS_REGION, Limit.EGRESS_VENDOR],
        [leaves + shared, regions, paths],
    )
    leaf, edge = nodes[:leaves], np.tile(np.arange(edges), paths)
    leaf["path"] = np.repeat(np.arange(paths), edges)
    leaf["region"] = region_of[edge]
    leaf["edge_at"] = leaves - edges + shared + edge
    leaf["region_at"] = leaves + shared + leaf["region"]
    leaf["top_at"] = leaves + shared + regions + leaf["path"]
    nodes["level_mbps"] = nodes["most_mbps"] = nodes["want_mbps"] = np.inf
    nodes["passed"], nodes["last"] = 1.0, EVERYONE
    return nodes


@compiled
def below(nodes: Records, leaf: int, node: int) -> bool:
    """Whether the leaf hangs below the node."""
    n = nodes[leaf]
    return node == n.edge_at or node == n.region_at or node == n.top_at


@inlined
def weight_of(flow: Any, weighed: bool) -> float:
    """Of a flow, where weights count."""
    return flow.weight if weighed else 1.0


@inlined
def share_mbps(leaf: Any, weight: float) -> float:
    """Wire Mbps the nodes leave to a TCP flow of this leaf."""
    return min(weight * leaf.level_mbps, leaf.most_mbps)


@step
def water_level(
    nodes: Records, flows: Records, caps: Floats, n: int, capacity: float, weighed: bool
) -> float:
    """Level at which the flows of open leaves take min(cap, weight x level) = capacity; inf if all
    fit."""
    total, many = 0.0, 0.0
    for i in range(n):
        if caps[i] > 0.0 and nodes[flows[i].leaf].open:
            total += caps[i]
            many += weight_of(flows[i], weighed)
    if many == 0.0 or total <= capacity * (1.0 + SLACK):
        return np.inf
    # The level only rises from the equal share, as flows that need less leave room to the others.
    level = max(0.0, capacity) / many
    while True:
        rest, above = capacity, 0.0
        for i in range(n):
            if caps[i] > 0.0 and nodes[flows[i].leaf].open:
                weight = weight_of(flows[i], weighed)
                if caps[i] <= weight * level:
                    rest -= caps[i]
                else:
                    above += weight
        if above == 0.0 or rest / above <= level * (1.0 + 1e-15):
            return level
        level = rest / above


@inlined
def _less_debt(node: Any, capacity: float, hold_s: float) -> float:
    """Of a node's capacity, what is left when its debt is held back."""
    if hold_s > 0.0 and capacity < np.inf:
        capacity -= min(node.debt_mb / hold_s, capacity / 2.0)
    return capacity


@step
def full_leaves(
    nodes: Records, leaves: int, flows: Records, caps: Floats, n: int, hold_s: float
) -> bool:
    """Mark as `weighed` the leaves below a node that its TCP flows fill. Returns whether one is
    new."""
    for k in range(len(nodes)):
        nodes[k].asked_mbps = 0.0
    for i in range(n):
        leaf = nodes[flows[i].leaf]
        for k in (leaf.edge_at, leaf.region_at, leaf.top_at):
            nodes[k].asked_mbps += caps[i]
    some = False
    for e in range(leaves):
        leaf, full = nodes[e], False
        for k in (leaf.edge_at, leaf.region_at, leaf.top_at):
            capacity = nodes[k].capacity_mbps - nodes[k].taken_mbps
            capacity = _less_debt(nodes[k], capacity, hold_s)
            full = full or nodes[k].asked_mbps > capacity * (1.0 + SLACK)
        if leaf.sharing != TCP or not full:
            leaf.weighed = 0
        else:
            leaf.weighed = 1 if leaf.weighed > 0 else 2
        some = some or leaf.weighed == 2
    return some


@step
def max_min(
    nodes: Records, leaves: int, flows: Records, caps: Floats, n: int, hold_s: float
) -> None:
    """Write `level_mbps` and `bind` of each leaf for the first n flows, which could take `caps`.

    A flow whose cap is 0 takes nothing. What UDP takes of a node (`taken_mbps`) comes first.
    `hold_s`: a node's debt is held back over this long, at most half its capacity; 0: not at all.
    """
    for k in range(len(nodes)):
        nodes[k].given_mbps = nodes[k].capacity_mbps - nodes[k].taken_mbps
    for e in range(leaves):
        nodes[e].fixed = nodes[e].sharing == UDP or nodes[e].sharing == PAUSE
    _fill(nodes, leaves, flows, caps, n, hold_s, True)
    for e in range(leaves):
        if nodes[e].sharing != UDP and nodes[e].sharing != PAUSE:
            nodes[e].level_mbps, nodes[e].bind = nodes[e].filled_mbps, nodes[e].filled_by


@step
def wanted_levels(nodes: Records, leaves: int, flows: Records, wants: Floats, n: int) -> None:
    """Write `want_mbps` of each leaf: the level if everyone asked for `wants`, by whatever path.

    And `want_by`, the limit that sets it. It is the share a sender may count on: what it delivers
    now is bounded by the picture it sends.
    """
    for k in range(len(nodes)):
        nodes[k].given_mbps = nodes[k].capacity_mbps
    for e in range(leaves):
        nodes[e].fixed = False
    _fill(nodes, leaves, flows, wants, n, 0.0, False)
    for e in range(leaves):
        nodes[e].want_mbps, nodes[e].want_by = nodes[e].filled_mbps, nodes[e].filled_by


@step
def _fill(
    nodes: Records, leaves: int, flows: Records, caps: Floats, n: int, hold_s: float, weighed: bool
) -> None:
    """Progressive filling of `given_mbps` by the leaves that aren't `fixed` yet.

    Writes `filled_mbps`, and the limit that set it to `filled_by`.
    """
    for e in range(leaves):
        nodes[e].filled_mbps, nodes[e].filled_by = np.inf, 0
    while True:
        lowest, worst = np.inf, -1
        for k in range(len(nodes)):
            capacity = nodes[k].given_mbps
            if capacity == np.inf:
                continue
            capacity = _less_debt(nodes[k], capacity, hold_s)
            if _open_below(nodes, leaves, k):
                for i in range(n):
                    e = flows[i].leaf
                    if caps[i] > 0.0 and nodes[e].fixed and below(nodes, e, k):
                        weight = weight_of(flows[i], weighed)
                        capacity -= min(caps[i], weight * nodes[e].filled_mbps)
                w = water_level(nodes, flows, caps, n, capacity, weighed)
                if w < lowest:
                    lowest, worst = w, k
        if worst < 0:
            return
        _open_below(nodes, leaves, worst)
        for e in range(leaves):
            if nodes[e].open:
                nodes[e].filled_mbps, nodes[e].filled_by = lowest, nodes[worst].code
                nodes[e].fixed = True


@step
def _open_below(nodes: Records, leaves: int, k: int) -> bool:
    some = False
    for e in range(leaves):
        nodes[e].open = below(nodes, e, k) and not nodes[e].fixed
        some = some or nodes[e].open
    return some


@step
def settle_debt(nodes: Records, leaves: int, dt: float) -> None:
    """After a stretch of `dt`: what each node sent beyond its capacity is owed.

    A node that bound owes nothing either for what it left unsent, as a flow ended or slowed down:
    shared at once, that would have gone to the others. So its debt may be negative
    (docs/decisions.md, 2: the error of an epoch then shrinks with the epoch as it should).
    """
    for k in range(len(nodes)):
        capacity = nodes[k].given_mbps
        if capacity == np.inf:
            continue
        sent, bound = 0.0, False
        for e in range(leaves):
            if nodes[e].sharing != UDP and nodes[e].sharing != PAUSE and below(nodes, e, k):
                sent += nodes[e].rate_mbps * dt + nodes[e].sent_mb
                bound = bound or nodes[e].bind == nodes[k].code
        owed = nodes[k].debt_mb + sent - capacity * dt
        least = -capacity * dt / 2.0 if bound else 0.0
        nodes[k].debt_mb = max(least, owed)


@step
def add_load(nodes: Records, leaf: int, load: float) -> None:
    """Add to `load` of every node a flow of this leaf passes."""
    nodes[nodes[leaf].edge_at].load += load
    nodes[nodes[leaf].region_at].load += load
    nodes[nodes[leaf].top_at].load += load


@step
def udp_losses(nodes: Records, leaves: int, kinds: Records) -> None:
    """Part of each leaf's traffic that passes the tree; writes `passed` and `bind` of the leaves.

    `kinds`: (leaf, kind) with `flows` and `sent_mbps`. As each node passes min(1, C/S) of what the
    node above left, a flow passes the least C/S on its way, S being what is sent into the tree.
    """
    load_nodes(nodes, leaves, kinds)
    for e in range(leaves):
        if nodes[e].sharing == TCP:
            continue
        nodes[e].passed, nodes[e].bind = 1.0, 0
        for k in (nodes[e].top_at, nodes[e].region_at, nodes[e].edge_at):
            if passes(nodes[k]) < nodes[e].passed:
                nodes[e].passed, nodes[e].bind = passes(nodes[k]), nodes[k].code


@step
def udp_comes_first(nodes: Records, leaves: int, kinds: Records) -> None:
    """After `udp_losses`: what UDP takes of each node; TCP, on the same edges, fills the rest."""
    for k in range(len(nodes)):
        nodes[k].taken_mbps = 0.0
    for e in range(leaves):
        mbps, passed = sent(kinds, e), 1.0
        for k in (nodes[e].top_at, nodes[e].region_at, nodes[e].edge_at):
            passed = min(passed, passes(nodes[k]))
            nodes[k].taken_mbps += mbps * passed


@step
def load_nodes(nodes: Records, leaves: int, kinds: Records) -> None:
    """Into `load` of each node: what UDP flows send into the tree for it."""
    for k in range(len(nodes)):
        nodes[k].load = 0.0
    for e in range(leaves):
        add_load(nodes, e, sent(kinds, e))


@step
def sent(kinds: Records, leaf: int) -> float:
    """Wire Mbps that the UDP flows of a leaf send into the tree."""
    mbps = 0.0
    for c in range(kinds.shape[1]):
        mbps += kinds[leaf, c].flows * kinds[leaf, c].sent_mbps
    return mbps


@step
def short(node: Any) -> bool:
    """Whether more is sent through a node than it carries."""
    return node.load > node.capacity_mbps * (1.0 + SLACK)


@step
def passes(node: Any) -> float:
    """Part of what is sent through a node that it carries."""
    return node.capacity_mbps / node.load if short(node) else 1.0


@step
def send_again(nodes: Records, leaves: int, kinds: Records, path: Any) -> None:
    """A round of retransmission: what is lost now is sent as often as it takes from here on.

    Held, the rounds come to the fixed point of loss and retransmission, from below or, where there
    is room to spare, from above: shortage that has passed leaves no scar. (Where flows that send
    each packet once would fill a node exactly there is none to spare, and it stays.)
    """
    for e in range(leaves):
        for c in range(kinds.shape[1]):
            kind = kinds[e, c]
            kind.again = retransmitted(path, 1.0 - (1.0 - kind.link_loss) * nodes[e].passed)
            kind.sent_mbps = kind.wire_mbps * (1.0 + path.fec) * (1.0 + kind.again)


@compiled
def next_round(path: Any, t: float) -> float:
    """When, after t, UDP senders next repeat what was lost: on the grid k x rtx_delay_s."""
    return (np.floor(t / path.rtx_delay_s + 1e-9) + 1.0) * path.rtx_delay_s


@compiled
def is_round(path: Any, t: float) -> bool:
    """Whether t is on that grid: a product by the same number is the same float."""
    return np.rint(t / path.rtx_delay_s) * path.rtx_delay_s == t


@compiled
def retransmitted(path: Any, loss: float) -> float:
    """Retransmissions per packet sent at this loss, as far as the sender goes."""
    return min(loss / (1.0 - loss), path.rtx_max) if loss < 1.0 else path.rtx_max


@compiled
def udp_arrives(path: Any, rate_mbps: float, loss: float) -> float:
    """Media Mbps that can be shown of a flow of `rate_mbps` losing `loss`; inf: nothing missing.

    Within the tolerance FEC and retransmission make up for the loss as far as they reach; beyond it
    what is lost is lost. `loss` is of link and nodes together, and what is
    repeated is what that loss calls for, not what the last round sent.
    """
    if loss > path.tolerance:
        return rate_mbps * (1.0 - loss)
    arrives = rate_mbps * (1.0 + path.fec) * (1.0 + retransmitted(path, loss)) * (1.0 - loss)
    # Retransmission that keeps up gives (1 + rtx)(1 - loss) = 1 but for rounding.
    return np.inf if arrives >= rate_mbps * (1.0 - SLACK) else arrives


@step
def wire_of(path: Any, rate_mbps: float) -> float:
    """Wire bits over media bits of a picture of this rate.

    Each picture ends in a packet that isn't full, which weighs more where pictures are small.
    """
    if path.frame_mbps <= 0.0 or rate_mbps <= 0.0:
        return path.wire
    return path.wire + path.frame_mbps * max(0.0, 1.0 / rate_mbps - 1.0 / path.best_mbps)


@compiled
def carry(kind: Any, path: Any, rate_mbps: float) -> None:
    """Write what flows of this media rate send, at the repetition of now; no node is short yet."""
    kind.rate_mbps, kind.wire_mbps = rate_mbps, rate_mbps * wire_of(path, rate_mbps)
    once_mbps = kind.wire_mbps * (1.0 + path.fec)
    kind.sent_mbps = once_mbps * (1.0 + kind.again)
    usual_mbps = once_mbps * (1.0 + retransmitted(path, kind.link_loss))
    kind.nominal_bps = int(np.rint(usual_mbps * 1e6))
    kind.passed_bps = kind.nominal_bps
    kind.arrives_mbps = udp_arrives(path, rate_mbps, kind.link_loss)


@step
def pause_last(nodes: Records, leaves: int, flows: Records, n: int, each_mbps: float) -> None:
    """`pause_some`: write `last`, the last admitted of each leaf that is still sent to, and `bind`.

    Each flow takes `each_mbps`; the first that doesn't fit a node closes it to all later ones.
    `load` of the nodes is then what they carry.
    """
    for k in range(len(nodes)):
        nodes[k].load = 0.0
    for e in range(leaves):
        if nodes[e].sharing != TCP:
            nodes[e].last, nodes[e].bind = EVERYONE, 0
    for i in range(n):
        leaf = nodes[flows[i].leaf]
        if not flows[i].on_air or leaf.sharing == TCP or leaf.last != EVERYONE:
            continue
        shut = -1
        for k in (leaf.top_at, leaf.region_at, leaf.edge_at):
            room = nodes[k].capacity_mbps * (1.0 + SLACK)
            if shut < 0 and nodes[k].load + each_mbps > room:
                shut = k
        if shut < 0:
            add_load(nodes, flows[i].leaf, each_mbps)
            continue
        for e in range(leaves):
            other = nodes[e]
            if other.sharing != TCP and below(nodes, e, shut) and other.last == EVERYONE:
                other.last, other.bind = flows[i].admitted - 1, nodes[shut].code
