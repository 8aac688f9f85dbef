"""Limits at the door: a small record of numbers and one rule, `ask`: when, or never.

Order on each path: the gate (joins a second), then the quotas. First come, first served; every
attempt, retries too, passes the gate. At a limit people wait in a room before it, try the next
path, or are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import step
from sim.record import Limit

GATE, QUOTA = 0, 1
LIMIT = np.dtype(
    [
        ("kind", "i1"),  # GATE: a token bucket; QUOTA: so much at once
        ("queue", "?"),  # at the limit people wait instead of being refused
        ("overflow", "?"),  # or try the next path
        ("code", "i1"),  # record.Limit
        ("path", "i2"),
        ("region", "i2"),  # whom it holds for; -1: everyone
        ("leaf", "i2"),
        ("per_s", "f8"),
        ("burst", "f8"),
        ("tokens", "f8"),
        ("at_s", "f8"),
        ("cap", "f8"),
        ("used", "f8"),
        ("each", "f8"),  # what one session takes of a quota
        ("head", "i8"),  # waiting room: first and last viewer, and how many still wait
        ("tail", "i8"),
        ("waiting", "i8"),
    ],
    align=True,
)


def gate(per_s: float, burst: float, policy: str, path: int = 0) -> NDArray[np.void]:
    """Joins a second as a token bucket that is full when the show starts."""
    limit = _limit(GATE, policy, Limit.JOINS, path)
    limit["per_s"], limit["burst"], limit["tokens"] = per_s, burst, burst
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
    return limit.path == path and here and (limit.leaf < 0 or limit.leaf == leaf)


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
    else:
        limit.used += limit.each


@step
def give_back(limit: Any) -> None:
    """A session has ended."""
    if limit.kind == QUOTA:
        limit.used = max(0.0, limit.used - limit.each)
