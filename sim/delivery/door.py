"""Limits at the door: a small record of numbers and one rule, `ask`: when, or never.

Order: the gate (joins a second), then the quotas. First come, first served; every attempt, retries
too, passes the gate. A queue is a waiting room before the limit that made it.
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
        ("code", "i1"),  # record.Limit
        ("region", "i2"),  # whom it holds for; -1: everyone
        ("edge", "i2"),
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


def gate(per_s: float, burst: float, queue: bool) -> NDArray[np.void]:
    """Joins a second as a token bucket that is full when the show starts."""
    limit = _limit(GATE, queue, Limit.JOINS)
    limit["per_s"], limit["burst"], limit["tokens"] = per_s, burst, burst
    return limit


def quota(
    cap: float, each: float, queue: bool, code: Limit, region: int = -1, edge: int = -1
) -> NDArray[np.void]:
    """So much at once for everyone, one vendor region or one edge; a session takes `each`."""
    limit = _limit(QUOTA, queue, code)
    limit["cap"], limit["each"], limit["region"], limit["edge"] = cap, each, region, edge
    return limit


def _limit(kind: int, queue: bool, code: Limit) -> NDArray[np.void]:
    limit = np.zeros(1, LIMIT)
    limit["kind"], limit["queue"], limit["code"] = kind, queue, int(code)
    limit["region"] = limit["edge"] = limit["head"] = limit["tail"] = -1
    return limit


# Sums of tokens and sessions are floats; nobody is kept out by a rounding error.
SLACK = 1e-9


@step
def applies(limit: Any, region: int, edge: int) -> bool:
    """Whether the limit holds for a viewer there."""
    return (limit.region < 0 or limit.region == region) and (limit.edge < 0 or limit.edge == edge)


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
