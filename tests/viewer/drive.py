"""One viewer driven through their changes on a link set by hand: what the engines do, in small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sim.scenario.limits import Limit
from sim.viewer.viewer import (
    ASK,
    GONE,
    JOINED,
    LAYER,
    LINK,
    ORDER,
    PLAYER,
    VIEWER,
    WAITING,
    Change,
    Kind,
    advance,
    appetite,
    change,
    choose,
    consider,
    let_in,
    plan,
    queued,
    refused,
    set_rate,
    show,
    tap,
)

INF = np.inf
NONE, OWN_LINK, AT_EDGE, AT_DOOR = (
    int(Limit.NONE), int(Limit.LINK), int(Limit.EGRESS_EDGE), int(Limit.SESSIONS),
)  # fmt: skip

LOG = np.dtype(
    [
        ("t", "f8"), ("cause", "i8"), ("state", "i8"), ("phase", "i8"), ("at_edge", "?"),
        ("b", "f8"), ("lag", "f8"), ("w", "f8"), ("d", "f8"), ("got", "f8"), ("reason", "i8"),
        ("layer", "i8"),
    ]
)  # fmt: skip
"""The row just after one change."""


@numba.njit
def _rate(v, p, level):
    """What they get now, and what holds it below the bitrate."""
    wants = appetite(v, p)
    d = min(wants, level)
    limit = NONE
    if d < v.rate_mbps:
        limit = AT_EDGE if level < wants else OWN_LINK
    set_rate(v, p, d, limit)


@numba.njit
def _live(rows, player, ends, mbps, levels, opens_s, waiting_room, until, log):
    """Follow each row up to `until`; the changes of the last one go to `log`."""
    p = player[0]
    written = 0
    for i in range(len(rows)):
        v = rows[i]
        written, k = 0, 0
        v.now_s = v.arrival_s
        v.startup_s, v.sdk_startup_s, v.since_freeze_s = np.nan, np.nan, np.inf
        show(v, p, 0)
        while ends[k] <= v.now_s:
            k += 1
        v.link_mbps, v.link_until_s, v.order_s = mbps[k], ends[k], np.inf
        tap(v, p, v.now_s)
        plan(v, p)
        while v.next_s < until and written < len(log):
            t, cause = v.next_s, v.cause
            if cause == ASK:
                v.attempts += 1
                v.asked_s = t
                if t >= opens_s:
                    let_in(v, p, t, 0.0)
                elif waiting_room:
                    queued(v, p, t, 0)
                else:
                    refused(v, p, t, AT_DOOR)
            else:
                advance(v, p, t)
                if cause == LINK:
                    k += 1
                    v.link_mbps, v.link_until_s = mbps[k], ends[k]
                elif cause == ORDER:
                    v.order_s = np.inf
                else:
                    change(v, p)
                if cause == JOINED:
                    while ends[k] <= t:
                        k += 1
                    v.link_mbps, v.link_until_s = mbps[k], ends[k]
                if cause == LINK and p.layers > 1:
                    consider(v, p, t, levels[k])
                elif cause in (LAYER, JOINED):
                    show(v, p, choose(v, p, levels[k]))
                if v.state != GONE and v.state != WAITING:
                    _rate(v, p, levels[k])
                plan(v, p)
            e = log[written]
            e.t, e.cause, e.state, e.phase, e.at_edge = t, cause, v.state, v.phase, v.at_edge
            e.b, e.lag, e.w, e.d, e.got, e.reason = (
                v.buffer_s,
                v.lag,
                v.intention_left_s,
                v.media_mbps,
                v.got_s,
                v.reason,
            )
            e.layer = v.layer
            written += 1
        if v.state != GONE:
            advance(v, p, until)
    return written


PATIENT = ((1e8, 0.0), (1e9, 0.5))
"""Nobody leaves for a night or two."""


def player(kind: Kind, **keys: Any) -> NDArray[np.void]:
    """A player of 2 Mbps that uses all of its link, of a viewer of endless patience.

    `pictures`: (lines, Mbps), best first; 0 lines are sound alone. `top`: best one by device.
    """
    p = np.zeros(1, PLAYER)
    values: dict[str, Any] = {
        "kind": kind, "layers": 1, "source": 1.0, "hd": True, "rate_mbps": 2.0,
        "link_share": 1.0, "catch_up": 1.5,
        "gop_s": 1.0, "start_s": 1.0, "lag_limit_s": INF, "kappa": 3.0, "sd_rundown": 1.1,
        "freeze_patience_s": INF, "threshold_s": 0.5, "merge_s": 1.0, "show_s": 1e9,
        "seed": 1, "patience": PATIENT,
    }  # fmt: skip
    if kind == Kind.FLV:
        values |= {"target_s": 4.0, "resume_s": 1.0}
    elif kind == Kind.RTC:
        values |= {"target_s": 0.4, "start_s": 0.2, "resume_s": 0.2, "keyframe_cached": True}
    else:
        values |= {"target_s": 0.5, "rate_mbps": 1.0, "catch_up": 1.0,
                   "hd_from_mbps": 1.0, "frozen_below_mbps": 0.3}  # fmt: skip
    for key, value in (values | keys).items():
        if key in ("patience", "room"):
            times, left = np.array(value, float).T
            p[f"{key}_points"] = len(times)
            p[f"{key}_s"][0, : len(times)] = times
            p[f"{key}_hazard"][0, : len(times)] = -np.log1p(-left)
        elif key == "pictures":
            lines, mbps = np.array(value, float).T
            p["layers"], n = len(value), len(value)
            p["layer_mbps"][0, :n], p["layer_hd"][0, :n] = mbps, lines >= 720
            p["layer_audio"][0, :n] = lines == 0
        elif key == "top":
            p["top"][0, : len(value)] = value
        elif key in ("hd", "rate_mbps"):
            p[{"hd": "layer_hd", "rate_mbps": "layer_mbps"}[key]][0, 0] = value
        elif key == "backoff_s":
            p["retries"] = len(value)
            p["backoff_s"][0, : len(value)] = value
        else:
            p[key] = value
    return p


def flv(**keys: Any) -> NDArray[np.void]:
    return player(Kind.FLV, **keys)


def rtc(**keys: Any) -> NDArray[np.void]:
    return player(Kind.RTC, **keys)


def reference(**keys: Any) -> NDArray[np.void]:
    return player(Kind.REFERENCE, **keys)


Link = float | Sequence[tuple[float, float]]
"""One rate in Mbps, or (until, rate) pairs; the last holds for ever."""


@dataclass
class Life:
    """A viewer at the end, and every change on the way."""

    row: Any
    log: NDArray[np.void]

    def __getattr__(self, name: str) -> Any:
        return self.row[name]

    def at(self, cause: Change, nth: int = 0) -> Any:
        """The row just after the nth change of this kind."""
        return self.log[self.log["cause"] == cause][nth]

    def times(self, cause: Change) -> list[float]:
        return list(self.log["t"][self.log["cause"] == cause])


def live(
    p: NDArray[np.void], link: Link = 20.0, until: float = 1000.0, level: Link | None = None,
    opens_s: float = 0.0, waiting_room: bool = False, most: int = 20_000, **row: Any,
) -> Life:  # fmt: skip
    """One viewer with this player on this link; `level`: what the vendor's nodes leave them."""
    rows, log = _follow(p, 1, link, until, level, opens_s, waiting_room, most, row)
    return Life(rows[0], log)


def crowd(
    p: NDArray[np.void], viewers: int, link: Link = 20.0, until: float = 1000.0,
    opens_s: float = 0.0, waiting_room: bool = False, **row: Any,
) -> NDArray[np.void]:  # fmt: skip
    """Many viewers, each alone, who differ in their keys only."""
    return _follow(p, viewers, link, until, None, opens_s, waiting_room, 20_000, row)[0]


def _follow(
    p: NDArray[np.void], viewers: int, link: Link, until: float, level: Link | None,
    opens_s: float, waiting_room: bool, most: int, row: dict[str, Any],
) -> tuple[NDArray[np.void], NDArray[np.void]]:  # fmt: skip
    rows = np.zeros(viewers, VIEWER)
    rows["j"] = np.arange(viewers)
    for key, value in ({"exit_s": 1e9, "intention_left_s": 1e6, "top_mbps": 2.5} | row).items():
        rows[key] = value
    cuts = sorted({t for x in (link, level) for t, _ in _pairs(x)})
    ends = np.array([*cuts, INF])
    starts = np.append(-INF, cuts)
    log = np.zeros(most, LOG)
    n = _live(
        rows, p, ends, _on(link, starts), _on(level, starts), opens_s, waiting_room, until, log
    )
    assert n < most, "changes without end"
    return rows, log[:n].view(np.recarray)


def _pairs(link: Link | None) -> Sequence[tuple[float, float]]:
    return [] if link is None or isinstance(link, (int, float)) else link[:-1]


def _on(link: Link | None, starts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rate in each piece."""
    if link is None or isinstance(link, (int, float)):
        return np.full(len(starts), INF if link is None else float(link))
    ends, rates = np.array(link, float).T
    k = np.minimum(np.searchsorted(ends[:-1], starts, side="right"), len(rates) - 1)
    return np.asarray(rates[k])
