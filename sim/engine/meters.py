"""Meters: whole microseconds and whole bits, so that no order of counting changes a sum.

An interval is booked in two places at most: its ends into the part of a bin, the whole bins between
them as a step up and a step down in `full`. On the wire of a large night, bits a second times the
microseconds of ten seconds outgrow 63 bits (at 900 Gbps), so the time within a bin is counted in
two words: whole COARSE_US microseconds in `coarse`, the rest in `part`.

Measuring changes nothing: no transition reads a meter; the vendor reads its account on the clock
(polling.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import code, inlined, step
from sim.record import BIN_S, LATENCY_BIN_S, LATENCY_BINS
from sim.scenario.limits import Limit
from sim.tables import Tables

Ints = NDArray[np.int64]
BIN_US, SECOND_US = int(BIN_S * 1e6), 1_000_000
ARRIVALS, ATTEMPTS, REFUSALS, JOINS = (code(k) for k in range(4))

COARSE_BITS = 12
COARSE_US = 1 << COARSE_BITS
"""Two million Gbps in one bin, and as many changes of rate in it as anybody simulates."""
FULL_COARSE, FULL_REST = divmod(BIN_US, COARSE_US)

BOOK = np.dtype([("part", "i8"), ("coarse", "i8"), ("full", "i8")])


@dataclass(eq=False, frozen=True)
class Meters(Tables):
    """All counts of a run."""

    states: NDArray[np.void]  # BOOK (state, bin) microseconds
    wire: NDArray[np.void]  # BOOK (leaf, bin) bits a second x microseconds
    events: NDArray[np.int32]  # (arrivals, attempts, refusals, joins; second)
    latency_us: Ints  # (latency bin) microseconds of play
    bound: NDArray[np.bool_]  # (limit, second)
    sessions: Ints  # (path, region, 3) connected now, most so far, all let in
    seen_us: Ints  # (leaf, layer; last: before the first frame) microseconds inside


def meters(duration_s: float, leaves: int, paths: int, regions: int, layers: int) -> Meters:
    """Meters at zero."""
    bins, seconds = int(duration_s // BIN_S) + 2, int(duration_s) + 2
    return Meters(
        np.zeros((4, bins), BOOK),
        np.zeros((leaves, bins), BOOK),
        np.zeros((4, seconds), np.int32),
        np.zeros(LATENCY_BINS, np.int64),
        np.zeros((len(Limit), seconds), np.bool_),
        np.zeros((paths, regions, 3), np.int64),
        np.zeros((leaves, layers + 1), np.int64),
    )


def totals(book: NDArray[np.void]) -> NDArray[np.float64]:
    """(rows, bins) what was booked in each bin: exact below 2^53, to 3,600 Gbps rounded once."""
    full = np.cumsum(book["full"], axis=1)
    rest = book["part"] + full * FULL_REST
    coarse = book["coarse"] + full * FULL_COARSE + rest // COARSE_US
    return np.asarray(coarse * float(COARSE_US) + rest % COARSE_US)


def together(book: NDArray[np.void]) -> NDArray[np.void]:
    """(1, bins) BOOK of all rows in one: their sum before anything is rounded."""
    out = np.zeros((1, book.shape[1]), BOOK)
    for word in BOOK.names or ():
        out[word][0] = book[word].sum(axis=0)
    return out


@inlined
def booked(cell: Any, full: int) -> float:
    """What was booked in one bin; `full`: the steps up to it, summed."""
    rest = cell.part + full * FULL_REST
    coarse = cell.coarse + full * FULL_COARSE + (rest >> COARSE_BITS)
    return coarse * float(COARSE_US) + (rest & (COARSE_US - 1))


@inlined
def add(cell: Any, amount: int, us: int) -> None:
    """Add `amount` for so many microseconds to the part of one bin."""
    cell.part += amount * (us & (COARSE_US - 1))
    cell.coarse += amount * (us >> COARSE_BITS)


def by_bin(events: NDArray[np.int32]) -> Ints:
    """(rows, bins) of what is counted by the second; the last bin may be shorter."""
    starts = np.arange(0, events.shape[1], int(BIN_S))
    return np.asarray(np.add.reduceat(events, starts, axis=1, dtype=np.int64))


@inlined
def us(t: float) -> int:
    """Whole microseconds: differences of stamps add up however a stretch is cut."""
    return int(np.rint(t * 1e6))


@inlined
def book(into: NDArray[np.void], row: int, a: int, b: int, amount: int) -> None:
    """Add `amount` a microsecond from a to b (microseconds)."""
    if b <= a:
        return
    first, last = a // BIN_US, b // BIN_US
    if first == last:
        add(into[row, first], amount, b - a)
    else:
        add(into[row, first], amount, (first + 1) * BIN_US - a)
        add(into[row, last], amount, b - last * BIN_US)
        into[row, first + 1].full += amount
        into[row, last].full -= amount


@inlined
def book_play(m: Meters, latency_s: float, a: float, b: float) -> None:
    """Play at this latency from a to b (seconds)."""
    k = min(max(int(latency_s / LATENCY_BIN_S), 0), LATENCY_BINS - 1)
    m.latency_us[k] += us(b) - us(a)


@inlined
def count(m: Meters, what: int, t: float) -> None:
    """One arrival, attempt, refusal or join at time t."""
    m.events[what, us(t) // SECOND_US] += 1


@step
def bind_at(m: Meters, limit: int, a: float, b: float) -> None:
    """The limit bound from a to b: every second it touched."""
    last = max(int(a) + 1, int(np.ceil(b)))
    for second in range(int(a), min(last, m.bound.shape[1])):
        m.bound[limit, second] = True
