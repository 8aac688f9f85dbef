"""How evenly a full link is shared: each viewer's part over time, relative to the mean of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 0.5
LEAST_WINDOWS = 20
SLOW_WINDOWS = 4
"""What follows a lost packet is read with it, when it is repeated: lumps of a round trip or two."""
_NOTHING = 1e-12
"""Of variation: shares of one and the same amount, but for rounding."""


@dataclass(frozen=True)
class Shares:
    """`by_kind`: mean share of the viewers of each round trip, 1 where all get the same.

    The others are of what is left when that is taken away.
    """

    variation: float  # standard deviation of the momentary share, over its mean
    slow_variation: float  # the same of means over SLOW_WINDOWS: without the lumps behind a loss
    lasting: float  # standard deviation over viewers of their mean share
    persistence_s: float  # until its autocorrelation is 1/e
    by_kind: tuple[float, ...]


def received_mb(
    read_s: Sequence[float], read_bytes: Sequence[int], from_s: float, to_s: float
) -> NDArray[np.float64]:
    """Megabit in each whole window from `from_s` on."""
    edges = from_s + WINDOW_S * np.arange(int((to_s - from_s) / WINDOW_S) + 1)
    bits = np.asarray(read_bytes, dtype=np.float64) * 8e-6
    return np.histogram(np.asarray(read_s), edges, weights=bits)[0]


def shares(received: NDArray[np.float64], kinds: Sequence[int]) -> Shares | None:
    """`received`: one row a viewer, one column a window; None where there are too few windows."""
    if received.shape[1] < LEAST_WINDOWS or received.sum() == 0:
        return None
    share = received / received.mean(axis=0)
    of = np.asarray(kinds)
    means = {kind: share[of == kind].mean() for kind in sorted(set(kinds))}
    rest = share / np.array([means[kind] for kind in kinds])[:, None] - 1
    return Shares(
        variation=float(rest.std()),
        slow_variation=_slow(rest),
        lasting=float(rest.mean(axis=1).std()),
        persistence_s=_persistence_s(rest),
        by_kind=tuple(float(mean) for mean in means.values()),
    )


def _slow(deviation: NDArray[np.float64]) -> float:
    whole = deviation.shape[1] // SLOW_WINDOWS * SLOW_WINDOWS
    parts = deviation[:, :whole].reshape(len(deviation), -1, SLOW_WINDOWS)
    return float(parts.mean(axis=2).std())


def _persistence_s(deviation: NDArray[np.float64]) -> float:
    """Lag at which the autocorrelation falls to 1/e, between windows in a straight line."""
    windows: int = deviation.shape[1]
    square = float(np.square(deviation).mean())
    if square < _NOTHING:
        return 0.0
    before = 1.0
    for lag in range(1, windows // 2):
        now = float((deviation[:, lag:] * deviation[:, :-lag]).mean()) / square
        if now < 1 / math.e:
            part = (before - 1 / math.e) / (before - now)
            return WINDOW_S * (lag - 1 + part)
        before = now
    return WINDOW_S * (windows // 2)
