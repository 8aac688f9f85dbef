"""One viewer: a row, the player's numbers, and the transitions both engines call.

A row is brought forward only at its own changes, to the computed time: `plan` finds the next
change, `advance` moves the row there, `change` carries it out. Rates are media Mbps. `b` is the
buffer in seconds of media, `lag` the distance behind live of what is on the screen, 0 <= b <= lag.
Playing: b' = d/R - v, lag' = h - v. Starting or frozen: b' = d/R, lag' = h (docs/model.md).
h: seconds of picture a second that reach the vendor. A host whose uplink is short sends a smaller
picture, so that h is 1 and R is less; where they can't, or it is too little, h is below 1.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import code, inlined, step
from sim.draws import Cause as Draw
from sim.draws import pair
from sim.record import Reason, State
from sim.scenario.limits import Limit

WAITING, STARTING, PLAYING, STALLED, GONE = (code(s) for s in State)
GROUP, PATIENCE, FREEZE, RETRY, CLARITY, WEIGHT = (
    code(c) for c in (Draw.GROUP, Draw.PATIENCE, Draw.FREEZE, Draw.RETRY, Draw.CLARITY, Draw.WEIGHT)
)
NO_LIMIT, OWN_LINK = int(Limit.NONE), int(Limit.LINK)
NEVER = np.inf


class Kind(IntEnum):
    """Players."""

    FLV = 0
    RTC = 1
    REFERENCE = 2


class Phase(IntEnum):
    """What a waiting or starting viewer waits for."""

    ASK = 0  # the next attempt
    QUEUED = 1  # a place in the waiting room
    JOINING = 2  # the answer to an attempt that was let in
    KEYFRAME = 3
    FILL = 4  # the first buffer


class Change(IntEnum):
    """Changes of one viewer. Up to PATIENCE: departures, which come first at a tie."""

    EXIT = 0  # mass exit or the end of the show
    SPENT = 1  # watch intention used up
    PATIENCE = 2
    LINK = 3
    LAYER = 4  # another picture fits the link better
    ORDER = 5
    EMPTY = 6  # buffer spent
    EDGE = 7  # buffer holds all there is (b = lag)
    ON_TIME = 8  # caught up with the target lag
    FULL = 9  # first buffer or resume buffer filled
    KEYFRAME = 10
    SKIP = 11  # too far behind: jump to live
    JOINED = 12
    ASK = 13
    WINDOW = 14  # a new flow may send twice as much in the next round trip
    SHARE = 15  # of a full node, another one


FLV, RTC, REFERENCE = (int(k) for k in Kind)
P_ASK, P_QUEUED, P_JOINING, P_KEYFRAME, P_FILL = (int(p) for p in Phase)
EXIT, SPENT, OUT_OF_PATIENCE, LINK, LAYER, ORDER = (int(c) for c in list(Change)[:6])
EMPTY, EDGE, ON_TIME, FULL, KEY, SKIP, JOINED, ASK = (int(c) for c in list(Change)[6:14])
WINDOW, SHARE = (int(c) for c in list(Change)[14:])
NONE, DONE, GAVE_UP, LEFT_STARTING, LEFT_STALLED, REFUSED, CUT_OFF, SHOW_OVER = (
    int(r) for r in Reason
)

VIEWER = np.dtype(
    [
        # What a change reads and writes stands together: memory is what a large crowd waits for.
        ("now_s", "f8"),  # up to which the row has been followed
        ("next_s", "f8"),  # its next change
        ("buffer_s", "f8"),  # media fetched and not yet played
        ("lag", "f8"),  # s behind the vendor's live edge
        ("intention_left_s", "f8"),  # of the time the viewer means to spend
        ("media_mbps", "f8"),  # that arrives now
        ("link_mbps", "f8"), ("link_until_s", "f8"),  # the viewer's own link, and how long so
        ("order_s", "f8"), ("exit_s", "f8"),  # the next order; the mass exit that takes them
        ("end_s", "f8"), ("give_up_s", "f8"),  # the freeze's patience ends; that of the wait
        ("layer_s", "f8"),  # a picture is chosen again
        ("rate_mbps", "f8"),  # of the picture that is sent
        ("key_s", "f8"),  # the keyframe they wait for
        ("window_mbps", "f8"), ("window_s", "f8"),  # most a new flow sends; when that is doubled
        ("share_s", "f8"),  # another share of a full node
        ("admitted", "i4"),  # rank among all who were let in
        ("kind", "i2"), ("leaf", "i2"),  # row of KIND; node of the tree
        ("state", "i1"), ("phase", "i1"), ("cause", "i1"), ("reason", "i1"),
        ("at_edge", "?"),  # the buffer holds all there is
        ("hd", "?"), ("audio", "?"),  # of the picture
        ("limit", "i1"), ("stall_cause", "i1"),  # what holds the rate back; what froze the picture
        ("door", "i1"), ("egress", "i1"),  # the limit that kept them out; that shared too little
        ("path", "i1"), ("layer", "i1"), ("access", "i1"),
        ("wish", "i1"),  # the picture they want; `made` says what they get
        ("layer_capped_by", "i1"),  # what withholds a better one, which their link would carry
        ("region", "i1"), ("place", "i2"),  # region and isp: the edge, on whatever path
        ("play_s", "f8"), ("hd_s", "f8"), ("frozen_s", "f8"), ("starting_s", "f8"),
        ("episode_s", "f8"), ("since_freeze_s", "f8"),  # of the stall that may go on
        ("media_mb", "f8"),  # megabit received
        ("lag_s2", "f8"),  # integral of lag over play
        ("lost_link_s", "f8"), ("lost_egress_s", "f8"),  # intention lost to each
        # conservation: media seconds of all sessions
        ("got_s", "f8"), ("thrown_s", "f8"), ("shown_s", "f8"), ("inside_s", "f8"),
        # meters: booked up to then; bits a second on the wire
        ("state_us", "i8"), ("wire_us", "i8"), ("wire_bps", "i8"), ("seen_us", "i8"),
        # the link: its mean, whose draws, where in the trace or the chain
        ("mean_mbps", "f8"), ("bin", "i4"), ("j", "i4"),
        # the weight of their share, and as it was drawn the n-th time; until when; until when
        # their flow is a new one
        ("weight", "f8"), ("drawn", "f8"), ("weight_s", "f8"), ("settled_s", "f8"),
        ("weight_n", "i4"),
        ("link_trace", "i4"), ("link_state", "i4"), ("link_n", "i4"), ("freezes", "i4"),
        # less often
        ("arrival_s", "f8"), ("rtt_s", "f8"), ("top_mbps", "f8"),  # round trip; the device's best
        ("ask_s", "f8"), ("tap_s", "f8"), ("asked_s", "f8"),  # next attempt, first one, last one
        ("order", "i8"), ("order_end", "i8"),  # rows of ORDERS: the next one, and past the last
        ("behind", "i8"), ("queue", "i2"),  # next in the waiting room; which limit's room
        ("initial", "?"), ("interactive", "?"), ("cut", "?"), ("device", "i1"), ("cuts", "i4"),
        ("first", "i1"),  # the path they are offered first
        ("audio_s", "f8"),  # played with sound alone
        ("silent_us", "i8"),  # starting time booked
        ("attempt", "i4"), ("session", "i4"), ("slot", "i4"),  # of this session; which; in flows
        ("attempts", "i4"), ("failed", "i4"), ("stalls", "i4"),  # of the night
        ("startup_s", "f8"), ("sdk_startup_s", "f8"), ("stall_s", "f8"), ("waiting_s", "f8"),
        ("lost_door_s", "f8"),
        ("skipped_s", "f8"), ("lag0_s", "f8"),  # jumped over; lag at the first frame
        ("left_lag_s", "f8"), ("left_b_s", "f8"),  # of sessions that ended
    ],
    align=True,
)  # fmt: skip
"""One row a viewer. Times are seconds of the show; `_us` microseconds."""


LEAST_REFILL_S = 0.1
"""Some frames: with less an RTC player doesn't show again what comes late (assumed)."""

POINTS = 16
"""Most points of a patience curve or entries of a retry schedule; most kinds of device."""

LAYERS = 8
"""Most pictures of a path, sound alone among them."""

PLAYER = np.dtype(
    [
        ("kind", "i8"), ("keyframe_cached", "?"),
        # pictures, best first, and the best one each device shows
        ("layers", "i8"), ("layer_mbps", "f8", LAYERS), ("layer_hd", "i1", LAYERS),
        ("layer_audio", "i1", LAYERS), ("top", "i8", POINTS), ("react_s", "f8"),
        # transcodes that may run at once (LAYERS: enough), pictures nobody makes, who wants each
        ("transcodes", "i8"), ("missing", "i1", LAYERS), ("wishes", "i8", LAYERS),
        ("most_made", "i8"),  # of them at once
        # what the pictures are when nothing is broken; how many of them the host makes and may do
        # without, and the least sent of the best one; who doesn't find clear what is sent now
        ("whole_mbps", "f8", LAYERS), ("sent_pictures", "i8"), ("lowest_mbps", "f8"),
        ("dull_share", "f8", LAYERS),
        ("source", "f8"),  # seconds of picture a second that reach the vendor
        ("made_s", "f8"), ("made_at_s", "f8"),  # how many had, when that was last another number
        ("link_share", "f8"), ("catch_up", "f8"), ("upstream_s", "f8"),
        ("gop_s", "f8"), ("start_s", "f8"), ("resume_s", "f8"),
        ("target_s", "f8"),  # lag the player means to keep: delay (FLV), jitter buffer (RTC)
        ("lag_limit_s", "f8"), ("speed_up", "f8"), ("audio_mbps", "f8"),
        # real links: a share's spread (Weibull: shape and scale of its weight; 0: none), how many
        # round trips it lasts; the standing queue of a full node; megabit of a first round trip
        ("share_shape", "f8"), ("share_scale", "f8"), ("share_round_trips", "f8"),
        ("newcomer", "f8"), ("round_trip_bias", "f8"), ("queue_s", "f8"), ("first_window_mb", "f8"),
        ("hd_from_mbps", "f8"), ("frozen_below_mbps", "f8"),  # the second: reference only
        ("join_round_trips", "f8"), ("join_server_s", "f8"), ("refusal_s", "f8"),
        ("ghost_s", "f8"),
        ("kappa", "f8"), ("sd_rundown", "f8"), ("freeze_free_s", "f8"), ("freeze_patience_s", "f8"),
        ("rejoin_share", "f8"), ("jitter_s", "f8"),
        ("retries", "i8"), ("backoff_s", "f8", POINTS),
        # patience curves: times, cumulative hazard there; the first point is free of leaving
        ("patience_s", "f8", POINTS), ("patience_hazard", "f8", POINTS), ("patience_points", "i8"),
        ("room_s", "f8", POINTS), ("room_hazard", "f8", POINTS), ("room_points", "i8"),
        ("threshold_s", "f8"), ("merge_s", "f8"), ("show_s", "f8"),
        ("seed", "u4"), ("replication", "u4"),
    ],
    align=True,
)  # fmt: skip
"""What a viewer's player and habits are made of: one record for a whole run."""


@step
def patience(
    points_s: NDArray[np.float64], hazard: NDArray[np.float64], points: int, u: float
) -> float:
    """Seconds until somebody with uniform `u` leaves; the last hazard goes on."""
    mass = -np.log(u)
    k = 1
    while k < points - 1 and mass > hazard[k]:
        k += 1
    slope = (hazard[k] - hazard[k - 1]) / (points_s[k] - points_s[k - 1])
    return points_s[k - 1] + (mass - hazard[k - 1]) / slope


@step
def tap(v: Any, p: Any, t: float) -> None:
    """A new session begins: one patience clock through waiting, retries and the first buffer."""
    v.state, v.phase, v.attempt = WAITING, P_ASK, 0
    v.tap_s, v.ask_s = t, t
    u, _ = pair(p.seed, p.replication, PATIENCE, v.bin, v.j, v.session)
    v.give_up_s = t + patience(p.patience_s, p.patience_hazard, p.patience_points, u)
    v.session += 1
    v.media_mbps, v.buffer_s, v.lag, v.at_edge, v.limit, v.reason = (
        0.0,
        0.0,
        0.0,
        False,
        NO_LIMIT,
        NONE,
    )
    v.layer_s, v.share_s = NEVER, NEVER
    v.window_mbps, v.window_s = np.inf, NEVER


@step
def cut_off(v: Any, p: Any) -> None:
    """The session is gone at the row's time; the app comes back by its schedule."""
    v.cut, v.cuts = True, v.cuts + 1
    _close(v, p)
    _, u = pair(p.seed, p.replication, RETRY, v.bin, v.j, v.attempts)
    tap(v, p, v.now_s)
    wait = p.backoff_s[0] if p.retries > 0 else 0.0
    v.ask_s = v.now_s + wait + p.jitter_s * u
    plan(v, p)


@inlined
def _close(v: Any, p: Any) -> None:
    """The end of a session: its last freeze, and what it leaves unseen."""
    close_episode(v, p)
    v.since_freeze_s = NEVER
    v.left_lag_s += v.lag
    v.left_b_s += v.buffer_s


@step
def queued(v: Any, p: Any, t: float, queue: int) -> None:
    """Into the waiting room, whose patience may be its own."""
    advance(v, p, t)
    v.phase, v.queue = P_QUEUED, queue
    if p.room_points > 0:
        u, _ = pair(p.seed, p.replication, PATIENCE, v.bin, v.j, v.session - 1)
        v.give_up_s = v.tap_s + patience(p.room_s, p.room_hazard, p.room_points, u)
    plan(v, p)


@step
def refused(v: Any, p: Any, t: float, limit: int) -> None:
    """An attempt failed: known `refusal_s` later; then the next one by schedule, or for good."""
    advance(v, p, t)
    v.failed += 1
    v.door = limit
    known = t + p.refusal_s
    if v.attempt >= p.retries:
        v.phase, v.ask_s = P_QUEUED, NEVER
        v.queue = -1
        if known < v.give_up_s:
            v.give_up_s, v.attempt = known, -1  # leaves as refused, once it is known
    else:
        u, _ = pair(p.seed, p.replication, RETRY, v.bin, v.j, v.attempts)
        v.phase, v.ask_s = P_ASK, known + p.backoff_s[v.attempt] + p.jitter_s * u
        v.attempt += 1
    plan(v, p)


@step
def let_in(v: Any, p: Any, t: float, queue_s: float) -> None:
    """The attempt passed: the session exists, its first answer is on the way.

    `queue_s`: what stands before their node now.
    """
    advance(v, p, t)
    v.phase, v.queue = P_JOINING, -1
    v.ask_s = t + p.join_round_trips * (v.rtt_s + queue_s) + p.join_server_s
    if p.kind == REFERENCE or already_there(v):
        v.ask_s = t
    plan(v, p)


@step
def already_there(v: Any) -> bool:
    """Watching when the show begins, unless a limit kept them out or waiting then."""
    return v.initial and v.session == 1 and v.attempts == 1 and v.waiting_s == 0.0


@inlined
def appetite(v: Any, p: Any) -> float:
    """Media Mbps the viewer could take now: their link, and how fast the path fetches."""
    link = min(p.link_share * v.link_mbps, v.window_mbps)
    if p.kind == REFERENCE:
        return min(link, v.top_mbps)
    return min(link, v.rate_mbps * p.source if v.at_edge else p.catch_up * v.rate_mbps)


SAFETY = 0.9
"""Share of the throughput a picture may fill (dash.js, ThroughputRule: safety factor 0.9)."""


@step
def choose(v: Any, p: Any, want_mbps: float) -> int:
    """The picture for this link: the best within 0.9 min(link, want), by throughput.

    `want_mbps`: media this viewer may count on from the tree if all asked for their best. Sound
    alone, or the smallest picture, where none fits.
    """
    fits = SAFETY * min(p.link_share * v.link_mbps, want_mbps)
    k = p.top[v.device]
    while k < p.layers - 1 and p.layer_mbps[k] > fits:
        k += 1
    return k


@inlined
def made(p: Any, layer: int) -> int:
    """What is sent to who wants this picture: the host's own where nobody makes it."""
    return layer if p.missing[layer] == 0 else 0


@step
def want(v: Any, p: Any, layer: int) -> bool:
    """The viewer wants this picture from now on; whether they get another one by it."""
    v.wish = layer
    return made(p, layer) != v.layer


@step
def show(v: Any, p: Any, layer: int) -> None:
    """This picture from now on, or what is sent instead."""
    v.wish, v.layer, v.layer_s = layer, made(p, layer), NEVER
    v.rate_mbps = p.layer_mbps[v.layer]
    v.hd, v.audio = clear(v, p, v.layer), p.layer_audio[v.layer] != 0


@step
def clear(v: Any, p: Any, layer: int) -> bool:
    """Whether this picture is HD to this viewer as the host sends it now."""
    return p.layer_hd[layer] != 0 and not dulled(v, p, layer)


@step
def dulled(v: Any, p: Any, layer: int) -> bool:
    """Whether the host now sends too little of this HD picture for this viewer."""
    if p.layer_hd[layer] == 0 or p.dull_share[layer] <= 0.0:
        return False
    u, _ = pair(p.seed, p.replication, CLARITY, v.bin, v.j, 0)
    return u < p.dull_share[layer]


@step
def host_sends(p: Any, left: float, t: float) -> None:
    """From `t` on this share of the bitrate the host usually sends gets through the uplink.

    Lower pictures that are sent stay whole, the best one has what they leave, and is left out where
    that is less than the next one. Below the lowest rate the host sends, so many seconds a second
    arrive as get through. Pictures made by the vendor are no better than the best one sent.
    """
    p.made_s += p.source * (t - p.made_at_s)
    p.made_at_s = t
    total_mbps = 0.0
    for k in range(p.sent_pictures):
        total_mbps += p.whole_mbps[k]
    missing_mbps, better_mbps, best_mbps = (1.0 - left) * total_mbps, 0.0, 0.0
    for k in range(p.sent_pictures):
        fits_mbps = p.whole_mbps[k] + min(0.0, better_mbps - missing_mbps)
        best_mbps = max(best_mbps, fits_mbps)
        better_mbps += p.whole_mbps[k]
    sent_mbps = max(best_mbps, p.lowest_mbps)
    p.source = best_mbps / sent_mbps
    for k in range(p.layers):
        p.layer_mbps[k] = min(p.whole_mbps[k], sent_mbps)
        clear_mbps = min(p.whole_mbps[k], p.hd_from_mbps)
        p.dull_share[k] = max(0.0, 1.0 - p.layer_mbps[k] / clear_mbps)


@step
def _next_key(p: Any, t: float) -> float:
    """When the next keyframe is there: one in `gop_s` of the host's picture."""
    if p.source <= 0.0:
        return NEVER
    made_s = p.made_s + p.source * (t - p.made_at_s)
    key = (np.floor(made_s / p.gop_s) + 1.0) * p.gop_s
    return p.made_at_s + (key - p.made_s) / p.source


@step
def consider(v: Any, p: Any, t: float, want_mbps: float) -> None:
    """The link has changed: whether, and when, another picture is taken.

    Decisions fall on whole seconds; an RTC sender steps down as soon as it has noticed.
    """
    k = choose(v, p, want_mbps)
    if made(p, k) == v.layer:
        v.wish, v.layer_s = k, NEVER
    elif p.kind == RTC and k > v.wish:
        v.layer_s = min(v.layer_s, t + p.react_s)
    else:
        v.layer_s = min(v.layer_s, np.floor(t) + 1.0)


LEAST_ROUND_TRIP_S, LEAST_SHARE_S = 1e-3, 0.05
"""Of a share: what comes and goes faster than this is evened out by any buffer (and takes for ever
to draw)."""


@step
def begin_flow(v: Any, p: Any, t: float, queue_s: float) -> None:
    """A new flow has its share yet to win, and begins with one window: TCP's slow start (RFC 5681,
    3.1).

    A window comes in one piece, so that after n round trips 2^(n+1) - 1 of the first size are
    there: an even rate of two of them in the first, and twice as much in each that follows.
    """
    v.settled_s = t + p.share_round_trips * (v.rtt_s + p.queue_s)
    round_trip_s = v.rtt_s + queue_s
    if p.first_window_mb > 0.0 and round_trip_s > 0.0:
        v.window_mbps = 2.0 * p.first_window_mb / round_trip_s
        v.window_s = t + round_trip_s


@step
def widen(v: Any, t: float, queue_s: float) -> None:
    """A round trip later the window is twice as large; slow start ends where something else is
    less."""
    if v.media_mbps < v.window_mbps:
        v.window_mbps, v.window_s = np.inf, NEVER
    else:
        v.window_mbps *= 2.0
        v.window_s = t + v.rtt_s + queue_s


@step
def weigh(v: Any, p: Any, t: float) -> None:
    """Bring the weight of this viewer's share to that of time t: a chain of holdings on time since
    arrival, keyed as that of their link, so that it is the same however often anyone looks."""
    round_trip_s = max(v.rtt_s + p.queue_s, LEAST_ROUND_TRIP_S)
    lasting_s = max(p.share_round_trips * round_trip_s, LEAST_SHARE_S)
    while v.weight_s <= t and p.share_shape > 0.0:
        u, w = pair(p.seed, p.replication, WEIGHT, v.bin, v.j, v.weight_n)
        v.weight_n += 1
        v.drawn = p.share_scale * (-np.log(u)) ** (1.0 / p.share_shape)
        v.weight_s -= lasting_s * np.log(w)
    v.weight, v.share_s = v.drawn * round_trip_s**-p.round_trip_bias, v.weight_s
    if t < v.settled_s:  # a new flow has to win its part from the others
        v.weight, v.share_s = v.weight * p.newcomer, min(v.weight_s, v.settled_s)


@inlined
def set_rate(v: Any, p: Any, d: float, limit: int) -> None:
    """The viewer receives `d` from now on, held back by `limit` if that is below the bitrate."""
    v.media_mbps = d
    v.limit = limit
    if limit != NO_LIMIT:
        v.stall_cause = limit
    if limit > OWN_LINK:
        v.egress = limit
    if p.kind == REFERENCE:
        v.hd = d >= p.hd_from_mbps
        frozen = d < p.frozen_below_mbps
        if frozen and v.state == PLAYING:
            _freeze(v, p)
        elif not frozen and v.state == STALLED:
            v.state = PLAYING
    elif v.at_edge and d < v.rate_mbps * p.source:
        v.at_edge = False


@inlined
def _lose(v: Any, limit: int, seconds: float) -> None:
    """Book watch intention spent without a picture to the limit that held the viewer back."""
    if limit > OWN_LINK:
        v.lost_egress_s += seconds
    elif limit == OWN_LINK:
        v.lost_link_s += seconds


@step
def advance(v: Any, p: Any, t: float) -> None:
    """Move the row to time `t` along its present slopes."""
    dt = t - v.now_s
    v.now_s = t
    if dt <= 0.0:
        return
    spent = dt
    if v.state == WAITING:
        v.waiting_s += dt
        if v.door != NO_LIMIT:
            v.lost_door_s += dt
    elif v.state == PLAYING:
        v.play_s += dt
        v.since_freeze_s += dt
        if v.hd:
            v.hd_s += dt
        else:
            spent = dt * p.sd_rundown
            if v.layer_capped_by > OWN_LINK:
                v.lost_egress_s += spent - dt
                v.egress = v.layer_capped_by
        if v.audio:
            v.audio_s += dt
        speed = 1.0
        if v.at_edge and v.lag > p.target_s:
            speed += p.speed_up
        if p.kind != REFERENCE:
            got = v.media_mbps / v.rate_mbps
            v.got_s += got * dt
            v.shown_s += speed * dt
            # What is on the screen moves from one lag to another in a straight line.
            v.lag_s2 += dt * (p.upstream_s + v.lag + (p.source - speed) * dt / 2)
            v.lag += (p.source - speed) * dt
            v.buffer_s = v.lag if v.at_edge else v.buffer_s + (got - speed) * dt
        else:
            v.lag_s2 += dt * v.lag
    elif v.state == STARTING or v.state == STALLED:
        # An ordinary start-up is nobody's fault; a freeze is its cause's until the keyframe.
        fault = v.limit
        if v.state == STARTING:
            v.starting_s += dt
        else:
            v.frozen_s += dt
            v.episode_s += dt
            spent = dt * p.kappa
            fault = v.stall_cause
        _lose(v, fault, spent)
        if p.kind != REFERENCE:
            v.lag += dt * p.source
            got = v.media_mbps / v.rate_mbps * dt
            v.got_s += got
            if v.phase == P_KEYFRAME:
                v.thrown_s += got  # can't be shown before a keyframe
            else:
                v.buffer_s = v.lag if v.at_edge else v.buffer_s + got
    if v.state != WAITING:
        v.media_mb += v.media_mbps * dt
        v.inside_s += dt * p.source
    v.intention_left_s = max(0.0, v.intention_left_s - spent)


@step
def plan(v: Any, p: Any) -> None:
    """Find the next change of this row: `next_s` and `cause`. Ties go to the lower cause."""
    if v.state == GONE:
        v.next_s = NEVER
        return
    best, cause = _departure(v, p)
    if v.state == WAITING:
        if v.phase == P_JOINING:
            best, cause = _sooner(best, cause, v.ask_s, JOINED)
        elif v.phase == P_ASK:
            best, cause = _sooner(best, cause, v.ask_s, ASK)
    else:
        best, cause = _sooner(best, cause, v.link_until_s, LINK)
        best, cause = _sooner(best, cause, v.layer_s, LAYER)
        best, cause = _sooner(best, cause, v.order_s, ORDER)
        best, cause = _sooner(best, cause, v.window_s, WINDOW)
        best, cause = _sooner(best, cause, v.share_s, SHARE)
        if p.kind != REFERENCE:
            if v.state == PLAYING:
                best, cause = _while_playing(v, p, best, cause)
            elif v.phase == P_KEYFRAME:
                best, cause = _at_keyframe(v, p, best, cause)
            else:
                best, cause = _while_filling(v, p, best, cause)
    v.next_s, v.cause = max(best, v.now_s), cause


@inlined
def _sooner(best: float, cause: int, at: float, what: int) -> tuple[float, int]:
    """The earlier of two changes, each (when, cause); the first at a tie."""
    return (at, what) if at < best else (best, cause)


@inlined
def _departure(v: Any, p: Any) -> tuple[float, int]:
    """When the viewer leaves if nothing else happens before, and why."""
    rundown, patience_s = 1.0, NEVER
    if v.state == STALLED:
        rundown, patience_s = p.kappa, v.end_s
    elif v.state != PLAYING:
        patience_s = v.give_up_s
    elif not v.hd:
        rundown = p.sd_rundown
    spent_s = v.now_s + v.intention_left_s / rundown
    best, cause = _sooner(v.exit_s, EXIT, spent_s, SPENT)
    return _sooner(best, cause, patience_s, OUT_OF_PATIENCE)


@inlined
def _while_playing(v: Any, p: Any, best: float, cause: int) -> tuple[float, int]:
    """The buffer runs empty or holds all there is, or the viewer has caught up."""
    t = v.now_s
    if v.at_edge:
        if v.lag > p.target_s and p.speed_up > 0.0:
            at = t + (v.lag - p.target_s) / (p.speed_up + 1.0 - p.source)
            return _sooner(best, cause, at, ON_TIME)
        if p.source < 1.0:
            return _sooner(best, cause, t + v.lag / (1.0 - p.source), EMPTY)
        return best, cause
    fill = v.media_mbps / v.rate_mbps
    if fill < 1.0:
        best, cause = _sooner(best, cause, t + v.buffer_s / (1.0 - fill), EMPTY)
    if fill > p.source:
        at = t + (v.lag - v.buffer_s) / (fill - p.source)
        best, cause = _sooner(best, cause, at, EDGE)
    return best, cause


@inlined
def _at_keyframe(v: Any, p: Any, best: float, cause: int) -> tuple[float, int]:
    """The next keyframe, once the whole picture arrives as fast as it is sent."""
    t = v.now_s
    if v.media_mbps / v.rate_mbps >= p.source:
        at = t
        if v.state == STALLED or not p.keyframe_cached:
            if v.key_s < t:  # a plan made anew at that very instant doesn't miss it
                v.key_s = _next_key(p, t)
            at = v.key_s
        return _sooner(best, cause, at, KEY)
    v.key_s = -1.0
    return best, cause


@inlined
def _while_filling(v: Any, p: Any, best: float, cause: int) -> tuple[float, int]:
    """The buffer has enough to show or holds all there is, or the viewer is too far behind."""
    t = v.now_s
    fill = v.media_mbps / v.rate_mbps
    if not v.at_edge and fill > p.source:
        at = t + (v.lag - v.buffer_s) / (fill - p.source)
        best, cause = _sooner(best, cause, at, EDGE)
    if fill > 0.0:
        enough = p.start_s if v.state == STARTING else p.resume_s
        at = t + max(0.0, enough - v.buffer_s) / fill
        best, cause = _sooner(best, cause, at, FULL)
    if p.source > 0.0:
        best, cause = _sooner(best, cause, t + (p.lag_limit_s - v.lag) / p.source, SKIP)
    return best, cause


@step
def change(v: Any, p: Any) -> None:
    """Carry out the planned change (the row is at its time). LINK, ORDER, ASK are the engine's."""
    cause = v.cause
    if cause <= OUT_OF_PATIENCE:
        _leave(v, p)
    elif cause == JOINED:
        _join(v, p)
    elif cause == FULL:
        v.buffer_s = p.start_s if v.state == STARTING else p.resume_s
        if p.kind == RTC and v.lag > max(p.target_s, v.buffer_s):
            v.thrown_s += max(0.0, v.buffer_s - p.target_s)
            _skip_to_target(v, p)
        v.buffer_s = min(v.buffer_s, v.lag)
        _play(v)
    elif cause == KEY:
        _skip_to_target(v, p)
        v.thrown_s += v.buffer_s
        v.buffer_s = 0.0
        v.phase = P_FILL
        if v.state == STALLED and v.media_mbps / v.rate_mbps >= 1.0:
            _play(v)
    elif cause == EMPTY:
        v.buffer_s = 0.0
        _freeze(v, p)
        # Of a picture that comes late, but whole, the next second can be shown without a keyframe.
        whole = v.at_edge or v.media_mbps >= v.rate_mbps * p.source
        v.phase = P_KEYFRAME if p.kind == RTC and not whole else P_FILL
    elif cause == EDGE:
        v.at_edge = True
        v.buffer_s = v.lag
    elif cause == ON_TIME:
        v.lag = p.target_s
        v.buffer_s = v.lag
    elif cause == SKIP:
        behind = v.lag - p.target_s
        kept = max(0.0, v.buffer_s - behind)
        v.thrown_s += v.buffer_s - kept
        v.buffer_s = kept
        _skip_to_target(v, p)


@step
def _skip_to_target(v: Any, p: Any) -> None:
    v.skipped_s += v.lag - p.target_s
    v.lag = p.target_s
    v.at_edge = False


@step
def _join(v: Any, p: Any) -> None:
    """The first answer is here: media may flow."""
    v.at_edge = False
    v.buffer_s = 0.0
    if p.kind == FLV:
        u, _ = pair(p.seed, p.replication, GROUP, v.bin, v.j, v.session - 1)
        v.state, v.phase = STARTING, P_FILL
        v.lag = p.target_s + p.gop_s * (2.0 * u - 1.0)
    elif p.kind == RTC:
        v.state, v.phase, v.key_s = STARTING, P_KEYFRAME, -1.0
        v.lag = p.target_s
    else:
        v.lag = p.target_s
    v.lag0_s += v.lag
    if p.kind == REFERENCE:
        _play(v)
    elif already_there(v):
        # Buffer and lag at target.
        v.lag0_s += p.target_s - v.lag
        v.lag = p.target_s
        v.buffer_s = v.lag
        v.got_s += v.buffer_s
        v.at_edge = True
        _play(v)


@step
def _play(v: Any) -> None:
    if v.state != STALLED and np.isnan(v.startup_s) and not v.initial:
        v.startup_s = v.now_s - v.arrival_s
        v.sdk_startup_s = v.now_s - v.asked_s
    v.state, v.cut = PLAYING, False


@step
def _freeze(v: Any, p: Any) -> None:
    """The picture stops: a new episode unless the last freeze was a moment ago."""
    if v.since_freeze_s >= p.merge_s:
        close_episode(v, p)
    v.since_freeze_s = 0.0
    v.state = STALLED
    u, _ = pair(p.seed, p.replication, FREEZE, v.bin, v.j, v.freezes)
    v.end_s = NEVER
    if p.kind != REFERENCE:
        v.end_s = v.now_s + p.freeze_free_s - p.freeze_patience_s * np.log(u)
    v.freezes += 1


@step
def close_episode(v: Any, p: Any) -> None:
    """Count the freezes since the last one as a stall if they were long enough."""
    if v.episode_s > 0.0 and v.episode_s >= p.threshold_s:
        v.stalls += 1
        v.stall_s += v.episode_s
    v.episode_s = 0.0


@step
def dominant_limit(v: Any) -> int:
    """The limit (limits.Limit) that cost this viewer most of their watch intention."""
    most, what = v.lost_link_s, OWN_LINK
    if v.lost_door_s > most:
        most, what = v.lost_door_s, v.door
    if v.lost_egress_s > most:
        most, what = v.lost_egress_s, v.egress
    return what if most > 0.0 else NO_LIMIT


@step
def _leave(v: Any, p: Any) -> None:
    """Gone, or, for some who left in a freeze, back at the door."""
    cause, state = v.cause, v.state
    if cause == EXIT and v.exit_s >= p.show_s:
        v.reason = SHOW_OVER
    elif state == WAITING:
        v.reason = REFUSED if cause == OUT_OF_PATIENCE and v.attempt < 0 else GAVE_UP
    elif state == STARTING:
        v.reason = LEFT_STARTING
    elif cause == OUT_OF_PATIENCE:
        v.reason = LEFT_STALLED
    else:
        v.reason = DONE
    if v.cut and v.reason != SHOW_OVER:
        v.reason = CUT_OFF
    _close(v, p)
    if v.reason == LEFT_STALLED:
        _, u = pair(p.seed, p.replication, FREEZE, v.bin, v.j, v.freezes - 1)
        if u < p.rejoin_share:
            tap(v, p, v.now_s)
            wait = p.backoff_s[0] if p.retries > 0 else 0.0
            v.ask_s = v.now_s + wait + p.jitter_s * u / p.rejoin_share
            return
    if state == WAITING and v.reason != SHOW_OVER:
        v.lost_door_s += v.intention_left_s
    elif v.reason == LEFT_STARTING:
        _lose(v, v.limit, v.intention_left_s)
    elif v.reason == LEFT_STALLED:
        _lose(v, v.stall_cause, v.intention_left_s)
    v.state = GONE
    v.media_mbps, v.buffer_s, v.lag, v.at_edge = 0.0, 0.0, 0.0, False
