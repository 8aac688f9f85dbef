"""One night's state, and what one viewer's change does to it: what both engines share.

Viewers touch one another only at the door (admission) and through the levels of the sharing tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import inlined, step
from sim.delivery.messages import late_s
from sim.delivery.share import (
    PAUSE,
    TCP,
    UDP,
    retransmitted,
    share_mbps,
    wire_of,
)
from sim.delivery.supply import Supply
from sim.demand import Audience
from sim.engine.meters import (
    ARRIVALS,
    Meters,
    book,
    book_play,
    count,
    us,
)
from sim.network.links import Links, first_holding, next_holding
from sim.record import ORDERS
from sim.scenario.limits import Limit
from sim.tables import Tables
from sim.viewer.viewer import (
    CUT_OFF,
    DONE,
    GAVE_UP,
    GONE,
    JOINED,
    LAYER,
    LAYERS,
    LEFT_STALLED,
    LINK,
    NEVER,
    ORDER,
    PLAYING,
    REFERENCE,
    REFUSED,
    SHARE,
    STALLED,
    WAITING,
    WINDOW,
    advance,
    already_there,
    appetite,
    begin_flow,
    change,
    choose,
    clear,
    consider,
    dominant_limit,
    dulled,
    made,
    plan,
    set_rate,
    show,
    tap,
    want,
    weigh,
    widen,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Records = NDArray[np.void]

LINK_LIMIT, NO_LIMIT, HOST = int(Limit.LINK), int(Limit.NONE), int(Limit.HOST_UPLINK)
TRANSCODES, MESSAGES = int(Limit.TRANSCODES), int(Limit.MESSAGES)

NOW = np.dtype(
    [
        ("layered", "?"),  # some path has several pictures, and a tree or transcodes that may bind
        ("changing", "?"),  # capacity is looked at on every whole second
        ("active", "i8"),  # places in `flows` taken
        ("fresh", "i8"),  # from which on the door has filled them just now
        ("holes", "i8"),  # of them, left
        ("admitted", "i8"),  # so far
        ("events", "i8"),  # in the heap
        ("arrived", "i8"),
        ("touched", "i8"),
        ("remembered", "i8"),  # rows in `before`; more than fit: too many
        ("shifted", "i8"),
        ("places", "i8"),  # edges: regions x isps
        ("most_layers", "i8"),  # of any path
        ("from_s", "f8"),  # the stretch for which the present levels hold
        ("to_s", "f8"),
        ("poll_s", "f8"),  # when a meter is read next: a stretch ends there
        ("cut_s", "f8"),  # when anybody was cut off last
        ("messages_per_s", "f8"),  # that the room carries
        ("chat_per_s", "f8"),  # that a viewer writes, and those they stand for
        ("most_sent_per_s", "f8"),  # that the app lets through
    ],
    align=True,
)
EVENT = np.dtype([("t", "f8"), ("id", "i8")])
BREAK = np.dtype([("t", "f8"), ("incident", "i4"), ("begins", "?")])
"""An incident begins or ends."""

INCIDENT = np.dtype([("left", "f8"), ("host", "?"), ("on", "?")], align=True)
SHIFT = np.dtype([("t", "f8"), ("leaf", "i4"), ("kind", "i4"), ("by", "i8")])
"""A UDP flow begins (by 1) or ends (by -1)."""


@dataclass(eq=False, frozen=True)
class SimState(Tables):
    """Everything that changes during a run, and the numbers it follows."""

    rows: Records  # VIEWER
    player: Records  # PLAYER (path)
    path: Records  # PATH (path)
    links: Links
    nodes: Records  # NODE: leaves, then what they hang below
    kinds: Records  # KIND (leaf, access class x layer)
    door: Records  # LIMIT, in the order they are asked
    supply: Supply  # what changes of the capacities in `nodes` and `door`
    breaks: Records  # BREAK, by time: incidents begin and end
    incidents: Records  # INCIDENT
    hit: NDArray[np.bool_]  # (incident, node)
    left_mbps: Floats  # (incident, node) capacity while it lasts
    flows: Records  # FLOW: who is inside, in order of admission
    due_s: Floats  # when each of them changes next; never: a place that was left
    cap_mbps: Floats  # TCP: wire each could take now; else 0
    want_mbps: Floats  # wire each would take with the best picture
    heap: Records  # EVENT: those outside, and departures
    order_of: Ints  # viewers by arrival
    touched: Ints  # flows whose plans the last solution changed
    before: Records  # VIEWER: rows as they were when the stretch began, for going back
    before_of: Ints  # whose
    before_slot: Ints  # their places; -1: outside
    shifts: Records  # SHIFT: UDP flows of this stretch, as they were found
    orders: Records  # ORDERS
    messages: Records  # SECOND; none: the room carries any number
    waits: NDArray[np.bool_]  # (order) its card is late, and was sent while the viewer watched
    meters: Meters
    now: Records  # NOW (1)


def orders_of(audience: Audience) -> NDArray[np.void]:
    """ORDERS, a row an order: what is wished for, all else 0."""
    wishes = audience.orders
    orders = np.zeros(len(wishes), ORDERS)
    for key in wishes.dtype.names or ():
        orders[key] = wishes[key]
    return orders


@inlined
def layered(n: SimState, v: Any) -> bool:
    """Whether there is a choice of pictures on the path this viewer is on."""
    return n.player[v.path].layers > 1


@step
def sent_per_media(n: SimState, v: Any) -> float:
    """Wire Mbps sent for one of media: overhead, and for UDP what their link's loss costs."""
    path = n.path[v.path]
    wire = wire_of(path, v.rate_mbps)
    if not path.udp:
        return wire
    loss = n.kinds[v.leaf, v.access * n.now[0].most_layers].link_loss
    return wire * (1.0 + path.fec) * (1.0 + retransmitted(path, loss))


@step
def wanted(n: SimState, v: Any) -> float:
    """Media Mbps this viewer may count on from the tree if all asked for their best picture."""
    return n.nodes[v.leaf].want_mbps / sent_per_media(n, v)


@step
def pick(n: SimState, v: Any, t: float) -> int:
    """The picture for this viewer from now on; notes the limit that withholds a clearer one."""
    p = n.player[v.path]
    layer, carried = choose(v, p, wanted(n, v)), choose(v, p, np.inf)
    held = HOST if dulled(v, p, made(p, layer)) else NO_LIMIT
    clearer = clear(v, p, carried) != clear(v, p, layer)
    if carried < layer and (clearer or p.layer_audio[carried] != p.layer_audio[layer]):
        held = n.nodes[v.leaf].want_by
    if held != v.layer_capped_by:
        advance_row(n, v, t)
        v.layer_capped_by = held
    return layer


@step
def take_path(n: SimState, v: Any, path: int) -> None:
    """The viewer turns to this path."""
    v.path = path
    v.leaf = path * n.now[0].places + v.place


@step
def arrive(n: SimState, i: int) -> None:
    """A viewer taps: first plan of their row."""
    v = n.rows[i]
    v.now_s = v.arrival_s
    v.startup_s, v.sdk_startup_s = np.nan, np.nan
    v.since_freeze_s = NEVER
    v.state_us = us(v.now_s)
    v.slot = -1
    take_path(n, v, v.first)
    p = n.player[v.path]
    v.weight, v.drawn, v.weight_s = 1.0, 1.0, v.arrival_s
    v.link_until_s = v.arrival_s + first_holding(n.links, v, p.seed, p.replication)
    v.order_s = n.orders[v.order].time_s if v.order < v.order_end else NEVER
    show(v, p, p.top[v.device])
    tap(v, p, v.arrival_s)
    plan(v, p)
    if not v.initial:
        count(n.meters, ARRIVALS, v.arrival_s)


@inlined
def latency(n: SimState, v: Any) -> float:
    """Host to screen: upstream, half a round trip of the last mile, and the lag of the player."""
    p = n.player[v.path]
    return p.upstream_s + v.lag + (0.0 if p.kind == REFERENCE else v.rtt_s / 2.0)


@inlined
def advance_row(n: SimState, v: Any, t: float) -> None:
    """Bring a row forward to its own change at t, with the meters that follow its slopes."""
    if v.state == PLAYING:
        book_play(n.meters, latency(n, v), v.now_s, t)
    advance(v, n.player[v.path], t)


@inlined
def enter(n: SimState, v: Any, was: int) -> None:
    """The state has changed: book the one that ended."""
    now = us(v.now_s)
    book(n.meters.states, was, v.state_us, now, 1)
    v.state_us = now


@inlined
def _next_link(n: SimState, v: Any) -> None:
    p = n.player[0]
    v.link_until_s += next_holding(n.links, v, p.seed, p.replication)


@inlined
def _note_order(n: SimState, v: Any, state: int) -> None:
    """Record the state in which the next order finds its viewer."""
    o = n.orders[v.order]
    o.state, o.reason, o.limit = state, v.reason, v.limit
    o.latency_s, o.hd, o.audio = np.nan, False, False
    if state in (PLAYING, STALLED):
        o.latency_s = latency(n, v)
        o.hd = v.hd
        audio_mbps = n.player[v.path].audio_mbps
        o.audio = v.audio or (state == STALLED and audio_mbps > 0.0 and v.media_mbps >= audio_mbps)
    if state == STALLED or v.reason == LEFT_STALLED:
        o.limit = v.stall_cause  # a freeze is its cause's until the keyframe
    elif state == WAITING or v.reason in (GAVE_UP, REFUSED, CUT_OFF):
        o.limit = v.door
    elif v.reason == DONE:
        o.limit = dominant_limit(v)
    elif state == PLAYING and v.limit == NO_LIMIT:
        o.limit = v.layer_capped_by
    if len(n.waits) > 0 and n.waits[v.order] and state != PLAYING:
        o.limit = MESSAGES  # in time they would have bought
    v.order += 1


@step
def pass_orders(n: SimState, v: Any, until_s: float, state: int) -> None:
    """Record the orders that have come to pass, in this state; a late card puts its own off."""
    while v.order < v.order_end and _due_s(n, v.order, until_s) <= until_s:
        _note_order(n, v, state)
    v.order_s = _due_s(n, v.order, until_s) if v.order < v.order_end else NEVER
    k = v.order
    while k < v.order_end and n.orders[k].time_s <= until_s:  # put off: their cards are under way
        if n.orders[k].time_s == until_s:
            n.waits[k] = state == PLAYING
        k += 1
    if k < v.order_end:
        v.order_s = min(v.order_s, n.orders[k].time_s)


@inlined
def _due_s(n: SimState, k: int, t: float) -> float:
    """When order k can be made, as far as it is known at time t: when its card is there."""
    sent_s = n.orders[k].time_s
    if len(n.messages) == 0 or sent_s > t:
        return sent_s
    return sent_s + late_s(n.messages, sent_s, n.now[0].messages_per_s)


@inlined
def _offer(n: SimState, v: Any) -> tuple[float, int]:
    """(media Mbps, what holds it below the bitrate) for this viewer under the present levels."""
    p, path = n.player[v.path], n.path[v.path]
    leaf = n.nodes[v.leaf]
    code = leaf.bind if leaf.bind != NO_LIMIT else LINK_LIMIT
    if path.sharing == TCP:
        got = share_mbps(leaf, v.weight) / wire_of(path, v.rate_mbps)
    elif path.sharing == PAUSE and v.admitted > leaf.last:
        got = 0.0
    elif path.udp:
        got = n.kinds[v.leaf, v.kind].arrives_mbps
    else:
        got = np.inf
    d = min(appetite(v, p), got)
    if p.kind == REFERENCE:
        return d, LINK_LIMIT
    if d >= v.rate_mbps:
        return d, NO_LIMIT
    if got < p.link_share * v.link_mbps:
        return d, code
    if d >= v.rate_mbps * p.source:
        return d, HOST
    # Their link would carry what they wanted, not what they were given instead.
    return d, TRANSCODES if d >= p.layer_mbps[v.wish] else LINK_LIMIT


@inlined
def rerate(n: SimState, v: Any, t: float) -> None:
    """Give the viewer the rate of this moment; a change is booked on the wire."""
    _weigh(n, v, t)
    d, limit = _offer(n, v)
    if d != v.media_mbps or limit != v.limit:
        advance_row(n, v, t)
        was = v.state
        set_rate(v, n.player[v.path], d, limit)
        if v.state != was:
            enter(n, v, was)
    _wire(n, v, t)


@inlined
def standing_s(n: SimState, v: Any) -> float:
    """What stands now before a node this viewer's flow passes."""
    return n.player[v.path].queue_s if n.nodes[v.leaf].bind != NO_LIMIT else 0.0


@inlined
def _weigh(n: SimState, v: Any, t: float) -> None:
    """Where a full node is shared unevenly: this viewer's weight of now, until the next one."""
    if n.nodes[v.leaf].weighed > 0:
        weigh(v, n.player[v.path], t)
    else:
        v.share_s = NEVER


@inlined
def _wire(n: SimState, v: Any, t: float) -> None:
    """What this viewer's flow puts on the wire from now on."""
    path = n.path[v.path]
    if path.sharing == UDP or n.player[v.path].kind == REFERENCE:
        return  # booked at the nominal rate, and corrected for all alike
    if path.udp:
        paused = path.sharing == PAUSE and v.admitted > n.nodes[v.leaf].last
        bps = 0 if paused else n.kinds[v.leaf, v.kind].nominal_bps
    else:
        bps = int(np.rint(v.media_mbps * wire_of(path, v.rate_mbps) * 1e6))
    if bps != v.wire_bps:
        _book_wire(n, v, t)
        if path.sharing == TCP:
            n.nodes[v.leaf].sent_mb += (bps - v.wire_bps) * 1e-6 * (n.now[0].to_s - t)
        v.wire_bps = bps


@inlined
def _book_wire(n: SimState, v: Any, t: float) -> None:
    now = us(t)
    book(n.meters.wire, v.leaf, v.wire_us, now, v.wire_bps)
    v.wire_us = now


@inlined
def _on_air(n: SimState, v: Any, t: float) -> None:
    v.wire_us = us(t)
    v.wire_bps = 0
    v.kind = v.access * n.now[0].most_layers + v.layer
    if n.path[v.path].sharing == UDP:
        kind = n.kinds[v.leaf, v.kind]
        v.wire_bps = kind.nominal_bps
        kind.flow_us += us(n.now[0].to_s) - us(t)
        _shift(n, v, t, 1)


@step
def _shift(n: SimState, v: Any, t: float, by: int) -> None:
    k = n.now[0].shifted
    if k < len(n.shifts):
        s = n.shifts[k]
        s.t, s.leaf, s.kind, s.by = t, v.leaf, v.kind, by
    n.now[0].shifted = k + 1


@inlined
def remember(n: SimState, i: int, slot: int) -> None:
    """Keep the row as it is, so that the stretch can be taken back. `slot`: -1 for one outside."""
    k = n.now[0].remembered
    if k < len(n.before):
        n.before[k] = n.rows[i]
        n.before_of[k], n.before_slot[k] = i, slot
    n.now[0].remembered = k + 1


@inlined
def _off_air(n: SimState, v: Any, t: float) -> None:
    _book_wire(n, v, t)
    if n.path[v.path].sharing == UDP:
        n.kinds[v.leaf, v.kind].flow_us -= us(n.now[0].to_s) - us(t)
        _shift(n, v, t, -1)
    elif n.path[v.path].sharing == TCP:
        n.nodes[v.leaf].sent_mb -= v.wire_bps * 1e-6 * (n.now[0].to_s - t)
    v.wire_bps = 0


@step
def book_seen(n: SimState, v: Any) -> None:
    """Book what was received since the last time to the picture it came with: tariffs ask."""
    seen, silent = us(v.play_s + v.frozen_s), us(v.starting_s)
    n.meters.seen_us[v.leaf, v.layer] += seen - v.seen_us
    n.meters.seen_us[v.leaf, LAYERS] += silent - v.silent_us  # before the first frame: no picture
    v.seen_us, v.silent_us = seen, silent


@step
def switch(n: SimState, v: Any, t: float, layer: int) -> None:
    """Another picture from `t` on."""
    advance_row(n, v, t)
    book_seen(n, v)
    if n.path[v.path].sharing != UDP:
        show(v, n.player[v.path], layer)
        v.kind = v.access * n.now[0].most_layers + v.layer
        return
    _off_air(n, v, t)
    show(v, n.player[v.path], layer)
    _on_air(n, v, t)


@step
def end_session(n: SimState, v: Any, t: float) -> None:
    """Nothing is sent to the viewer from now on."""
    _off_air(n, v, t)
    book_seen(n, v)


@inlined
def _share_anew(n: SimState, v: Any, t: float) -> None:
    """Another share of a full node, or a larger window of a new flow."""
    if v.cause == WINDOW:
        widen(v, t, standing_s(n, v))
    rerate(n, v, t)
    plan(v, n.player[v.path])


@inlined
def apply_next_change(n: SimState, i: int) -> bool:
    """Carry out the next change of a viewer inside. Returns whether they have left."""
    v = n.rows[i]
    t, cause = v.next_s, v.cause
    if cause == LINK:
        # A link that still carries all that is asked for changes nothing: the row stays.
        _next_link(n, v)
        if layered(n, v):
            consider(v, n.player[v.path], t, wanted(n, v))
        rerate(n, v, t)
        plan(v, n.player[v.path])
        return False
    if cause in (SHARE, WINDOW):
        _share_anew(n, v, t)
        return False
    if cause == LAYER:
        layer = pick(n, v, t)
        v.layer_s = NEVER
        if want(v, n.player[v.path], layer):
            switch(n, v, t, layer)
            rerate(n, v, t)
        plan(v, n.player[v.path])
        return False
    advance_row(n, v, t)
    if cause == ORDER:
        pass_orders(n, v, t, v.state)
        plan(v, n.player[v.path])
        return False
    was, session = v.state, v.session
    if was == WAITING:
        pass_orders(n, v, t, WAITING)
    change(v, n.player[v.path])
    if cause == JOINED:
        while v.link_until_s <= t:
            _next_link(n, v)
        show(v, n.player[v.path], pick(n, v, t))
        _on_air(n, v, t)
        if not already_there(v):
            begin_flow(v, n.player[v.path], t, standing_s(n, v))
    if v.state != was:
        enter(n, v, was)
    if v.state == GONE or v.session != session:
        if was != WAITING:
            end_session(n, v, t)
        gone(n, v)
        if v.state == WAITING:
            plan(v, n.player[v.path])
        return True
    rerate(n, v, t)
    plan(v, n.player[v.path])
    return False


@step
def gone(n: SimState, v: Any) -> None:
    """Close the row if the viewer has left for good: orders still to come find them away."""
    if v.state == GONE:
        if v.reason != 0:
            pass_orders(n, v, NEVER, GONE)
        v.next_s = NEVER
