"""Messages in a room: what is billed, and that beyond a limit product cards queue behind the chat.

Agora Signaling: 200 channel messages a second below 1,000 users, 100 below 10,000, 30 from there
on (FAQ, rtm concurrency); ZEGO: 20 barrage messages a second in a room, 10 broadcast (best
practice, restrictions). A fluid queue, first in, first out: nothing is thrown away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import step

Floats = NDArray[np.float64]

UNIT_BYTES = 1024
"""Of 1 KB, in which messages are counted (Agora Signaling, Amazon IVS Chat); that it isn't 1,000
is assumed."""


def units_per_s(
    written_per_s: Floats, inside: Floats, shown_per_s: float, sent_per_s: float, line_bytes: float
) -> Floats:
    """Messages a second that are billed: each unit once sent and once for each of `inside`.

    `written_per_s`: lines of chat, of which the app shows at most `shown_per_s`, in at most
    `sent_per_s` messages. Lines come evenly, and a batch holds whole ones.
    """
    lines = np.minimum(written_per_s, shown_per_s)
    sent = np.minimum(lines, sent_per_s)
    each = np.divide(lines, sent, out=0 * lines, where=sent > 0)
    fewer, more = (_units(np.floor(each) + k, line_bytes) for k in (0, 1))
    return np.asarray(sent * (fewer + (each % 1) * (more - fewer)) * (1 + inside))


def _units(lines: Floats, line_bytes: float) -> Floats:
    """A product that is a hair above a whole number is that number."""
    return np.ceil((lines * line_bytes / UNIT_BYTES).round(9))


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
