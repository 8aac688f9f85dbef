"""Messages a second in a room: beyond the limit product cards queue behind the chat.

Agora Signaling: 200 channel messages a second below 1,000 users, 100 below 10,000, 30 from there
on (FAQ, rtm concurrency); ZEGO: 20 barrage messages a second in a room, 10 broadcast (best
practice, restrictions). A fluid queue, first in, first out: nothing is thrown away.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.compiled import step

SECOND = np.dtype([("waiting", "f8"), ("grows_per_s", "f8")])
"""Messages waiting when a second begins, and how fast they become more within it."""


@step
def fill(seconds: Any, k: int, load_per_s: float, limit_per_s: float) -> None:
    """Write second k, in which `load_per_s` are sent; the seconds before it are written."""
    if k > 0:
        seconds[k].waiting = waiting(seconds, float(k), k - 1)
    seconds[k].grows_per_s = load_per_s - limit_per_s


@step
def waiting(seconds: Any, t: float, k: int) -> float:
    """Messages waiting at time t, by what is written of second k."""
    return max(0.0, seconds[k].waiting + seconds[k].grows_per_s * (t - k))


@step
def late_s(seconds: Any, t: float, limit_per_s: float) -> float:
    """Seconds until a card sent at time t is delivered: those before it go first."""
    return waiting(seconds, t, min(int(t), len(seconds) - 1)) / limit_per_s
