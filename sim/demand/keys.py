"""A night's list of viewers: bins that no two cohorts share, and even parts of the list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COHORT_BINS = 2**20
"""More than any show has: a bin's number is part of its viewers' keys, so no cohort may meet
another's. Those of cohort k who are there at the start stand in bin -1 - k."""

STRIP_S = 10.0
"""Of the list, in which the stays of viewers who come stand in order: shorter strips know better
who comes when, longer ones who stays. Of 1 to 60 s, 5 and 10 came closest to the whole."""

GOLDEN = (5**0.5 - 1) / 2


def evenly(
    start: float,
    bins: NDArray[np.int64],
    arrival_s: NDArray[np.float64],
    intention_s: NDArray[np.float64],
    before: int = 0,
) -> NDArray[np.float64]:
    """A number of [0, 1) for each viewer: those below any share are an even part of the list.

    Systematic sampling from an ordered list (Cochran 1977, chapter 8): the night in order of
    arrival, strip by strip, and within a strip by how long they stay, up and down in turns. So
    viewers present, coming and leaving are at every moment nearly as many as the night's. The
    viewer at place n of the list has the fraction of n golden ratios, from a keyed start on: evenly
    spread whatever the share, and a smaller part is part of a larger one. `before`: viewers of the
    list before these.
    """
    strip = np.floor(arrival_s / STRIP_S)
    stay = intention_s * np.where(strip % 2 == 0, 1, -1)
    n = np.empty(len(bins))
    n[np.lexsort((stay, strip, bins))] = before + np.arange(len(bins))
    return np.asarray((start + n * GOLDEN) % 1)
