"""SimPy's clock with absolute times."""

from __future__ import annotations

from heapq import heappush
from typing import Any

import simpy


class Clock(simpy.Environment):
    """An environment in which an event can be set for a time, not only after a delay.

    `now + (t - now)` is not t in floating point, and a viewer's change belongs to its own time.
    """

    def at(self, t: float, priority: int = 1) -> simpy.Event:
        """An event at time `t` exactly; at one instant lower priorities come first."""
        event = simpy.Event(self)
        event._ok, event._value = True, None
        queue: list[Any] = self._queue
        heappush(queue, (t, priority, next(self._eid), event))
        return event
