"""Limits at the door: a small record of numbers and one rule, `ask`: when, or never.

First come, first served; every attempt, retries too, passes the gates. At a limit people wait in a
room before it, try the next path, or are refused. Which limits there are: `sim.scenario.limits`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import step
from sim.record import BIN_S
from sim.scenario.limits import Limit

GATE, QUOTA, MBPS, GB, MINUTES = range(5)
LIMIT = np.dtype(
    [
        ("kind", "i1"),  # GATE: a token bucket; QUOTA: so much at once; else a meter that is read
        ("queue", "?"),  # at the limit people wait instead of being refused
        ("overflow", "?"),  # or try the next path
        ("cut_off", "?"),  # or nobody gets in, and everybody inside is cut off
        ("code", "i1"),  # limits.Limit
        ("path", "i2"),  # whom it holds for; -1: everyone
        ("region", "i2"),
        ("leaf", "i2"),
        ("per_s", "f8"),
        ("burst", "f8"),
        ("tokens", "f8"),
        ("at_s", "f8"),  # the last one passed; a meter: is read next
        ("cap", "f8"),
        ("used", "f8"),  # a meter: as it was read last; infinite while all is cut off
        ("each", "f8"),  # what one session takes of a quota
        ("use", "f8"),  # highest share in use so far; of a gate, asked over let in in ten seconds
        ("asked", "i8"),  # in the present ten seconds,
        ("bin", "i8"),  # which are these
        ("head", "i8"),  # waiting room: first and last viewer, and how many still wait
        ("tail", "i8"),
        ("waiting", "i8"),
        ("scan_s", "f8"),  # a meter is read so often
        ("cut_off_s", "f8"),  # and what is cut off comes back after so long
        ("since_s", "f8"),  # counted from here on,
        ("total", "f8"),  # when this was the total
    ],
    align=True,
)


def gate(
    per_s: float,
    burst: float,
    policy: str,
    path: int = 0,
    code: Limit = Limit.JOINS,
    region: int = -1,
    leaf: int = -1,
) -> NDArray[np.void]:
    """So many a second on a path, in one vendor region or leaf of it: a token bucket that is full
    when the show starts."""
    limit = _limit(GATE, policy, code, path)
    limit["per_s"], limit["burst"], limit["tokens"] = per_s, burst, burst
    limit["region"], limit["leaf"] = region, leaf
    return limit


def quota(
    cap: float,
    each: float,
    policy: str,
    code: Limit,
    path: int = 0,
    region: int = -1,
    leaf: int = -1,
) -> NDArray[np.void]:
    """So much at once on a path, in one vendor region or leaf of it; a session takes `each`."""
    limit = _limit(QUOTA, policy, code, path)
    limit["cap"], limit["each"], limit["region"], limit["leaf"] = cap, each, region, leaf
    return limit


def meter(
    kind: int, cap: float, policy: str, code: Limit, scan_s: float, cut_off_s: float
) -> NDArray[np.void]:
    """What the vendor reads of all paths together every `scan_s`: at the door, a quota that no
    viewer takes from. MBPS: the mean since the last reading; GB, MINUTES: so far."""
    limit = _limit(kind, policy, code, -1)
    limit["cap"], limit["scan_s"], limit["at_s"] = cap, scan_s, scan_s
    limit["cut_off"], limit["cut_off_s"] = policy == "cut_off", cut_off_s
    return limit


def _limit(kind: int, policy: str, code: Limit, path: int) -> NDArray[np.void]:
    limit = np.zeros(1, LIMIT)
    limit["kind"], limit["code"], limit["path"] = kind, int(code), path
    limit["queue"], limit["overflow"] = policy == "queue", policy == "overflow"
    limit["region"] = limit["leaf"] = limit["head"] = limit["tail"] = -1
    return limit


# Sums of tokens and sessions are floats; nobody is kept out by a rounding error.
SLACK = 1e-9


@step
def applies(limit: Any, path: int, region: int, leaf: int) -> bool:
    """Whether the limit holds for a viewer there."""
    here = limit.region < 0 or limit.region == region
    mine = limit.path < 0 or limit.path == path
    return mine and here and (limit.leaf < 0 or limit.leaf == leaf)


@step
def ask(limit: Any, t: float) -> float:
    """When the next one may pass, seen from time `t`: now, later, or never (as things stand)."""
    if limit.kind == GATE:
        # From the last one let in, not from `t`: how often somebody asks must not change a bit.
        return max(t, limit.at_s + max(0.0, 1.0 - limit.tokens) / limit.per_s)
    return t if limit.used + limit.each <= limit.cap * (1.0 + SLACK) else np.inf


@step
def take(limit: Any, t: float) -> None:
    """One passes at time `t`."""
    if limit.kind == GATE:
        tokens = min(limit.burst, limit.tokens + (t - limit.at_s) * limit.per_s)
        limit.tokens, limit.at_s = max(0.0, tokens - 1.0), t
    elif limit.kind == QUOTA:
        limit.used += limit.each
        note_use(limit)


@step
def note_use(limit: Any) -> None:
    """More of a quota is in use, or less of it is there; more than all of it is all."""
    if limit.used > 0.0:
        limit.use = max(limit.use, min(1.0, limit.used / limit.cap) if limit.cap > 0.0 else 1.0)


@step
def note_asked(limit: Any, t: float) -> None:
    """A viewer asks a gate, whether they may pass or not: the gate does not change by it."""
    if limit.bin != int(t / BIN_S):
        limit.bin, limit.asked = int(t / BIN_S), 0
    limit.asked += 1
    limit.use = max(limit.use, limit.asked / (limit.per_s * BIN_S + limit.burst))


@step
def give_back(limit: Any) -> None:
    """A session has ended."""
    if limit.kind == QUOTA:
        limit.used = max(0.0, limit.used - limit.each)


@step
def read(limit: Any, total: float, t: float) -> bool:
    """A reading at time `t`, `total` being all that was counted; whether all are cut off now.

    After a cut-off the count begins anew: an account's with what passes from then on, a package's
    with another package as large.
    """
    was_off, counted = limit.used == np.inf, total - limit.total
    if was_off or limit.kind == MBPS:
        limit.used = 0.0 if was_off else counted / (t - limit.since_s)
        limit.since_s, limit.total = t, total
    else:
        limit.used = counted
    limit.use = max(limit.use, limit.used / limit.cap)
    limit.at_s = (np.floor(t / limit.scan_s + 1e-9) + 1.0) * limit.scan_s
    if not limit.cut_off or limit.used <= limit.cap * (1.0 + SLACK):
        return False
    limit.used, limit.at_s = np.inf, t + limit.cut_off_s
    return True
