"""One line of docs/trust.md: what is known from elsewhere, beside what the program says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["verified", "fitted", "predicted"]
"""verified: the answer was known; fitted: a number was chosen to meet it; predicted: neither."""


@dataclass(frozen=True)
class Row:
    """`ours` has a 95 % interval (low, high); equal ends: it has no chance in it.

    `within`: how far `ours` may lie from `expected` for the row to hold, beyond its interval;
    None: nothing is claimed (a prediction stands as it came out).
    """

    of: str
    where: str
    """The load or the conditions, in a few words."""
    unit: str
    expected: float
    ours: float
    low: float
    high: float
    kind: Kind
    source: str
    command: str
    """What reproduces it."""
    within: float | None = None
    stale: bool = False
    """Read from a table that another engine made than the present one; not kept in the table."""

    @property
    def holds(self) -> bool | None:
        if self.within is None:
            return None
        return self.low - self.within <= self.expected <= self.high + self.within
