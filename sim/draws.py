"""Keyed random numbers: the same question always gets the same answer, in whatever order.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011),
counter = (number in bin, bin, n, cause), key = (seed, replication). A viewer is (bin, number in
bin), so a smaller audience draws the same numbers for the viewers it shares with a larger one.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.compiled import compiled, inlined


class Cause(IntEnum):
    """What a number is drawn for. Values are part of the key: never reuse or renumber one."""

    COUNT = 1  # viewers in a bin
    ARRIVAL = 2
    STAY = 3
    PLACE = 4  # region, isp
    ACCESS = 5  # access class, mean rate
    DEVICE = 6  # top layer, interactive
    INTENT = 7
    LINK = 8  # n-th holding, or the offset in a trace
    PATIENCE = 9  # start-up, n-th session
    FREEZE = 10  # patience in the n-th freeze; whether to come back after leaving in it
    RETRY = 11  # jitter of the n-th attempt
    GROUP = 12  # L(0) within the group of pictures, n-th session
    EXIT = 13  # mass exit
    ORDERS = 14  # how many orders; at n + 1, whether the n-th is paid
    ORDER = 15  # time and product of the n-th order
    BASKET = 16  # its value and threshold
    INPUT = 17  # a number of the profile within its low..high: draw as replication, key as bin
    SCALING = 18  # whether a step of a fleet fails: path as bin, the n-th step
    SAMPLE = 19  # where the list begins that a sample is taken from
    CLARITY = 20  # how much of a picture's bitrate the viewer needs to find it clear
    WEIGHT = 23  # n-th weight of a viewer's share of a full node, and how long it lasts


W0, W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
S32 = np.uint64(32)


@inlined
def philox(
    c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32
) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32]:
    """One block of Philox4x32-10: four 32-bit words."""
    for _ in range(10):
        p0, p1 = M0 * np.uint64(c0), M1 * np.uint64(c2)
        h0, h1 = np.uint32(p0 >> S32), np.uint32(p1 >> S32)
        c0, c1, c2, c3 = (
            np.uint32(h1 ^ c1 ^ k0),
            np.uint32(p1),
            np.uint32(h0 ^ c3 ^ k1),
            np.uint32(p0),
        )
        k0, k1 = np.uint32(k0 + W0), np.uint32(k1 + W1)
    return c0, c1, c2, c3


@inlined
def pair(
    seed: np.uint32, replication: np.uint32, cause: int, bin_: int, j: int, n: int
) -> tuple[float, float]:
    """Two uniforms, each strictly between 0 and 1 (52 bits and a half)."""
    a, b, c, d = philox(
        np.uint32(j), np.uint32(bin_), np.uint32(n), np.uint32(cause), seed, replication
    )
    x = (np.uint64(a) << np.uint64(20)) | (np.uint64(b) >> np.uint64(12))
    y = (np.uint64(c) << np.uint64(20)) | (np.uint64(d) >> np.uint64(12))
    scale = 2.0**-52
    return (np.float64(x) + 0.5) * scale, (np.float64(y) + 0.5) * scale


@compiled
def _fill(
    out: NDArray[np.float64],
    seed: np.uint32,
    replication: np.uint32,
    cause: int,
    bins: NDArray[np.int64],
    js: NDArray[np.int64],
    ns: NDArray[np.int64],
) -> None:
    for i in range(len(bins)):
        out[i, 0], out[i, 1] = pair(seed, replication, cause, bins[i], js[i], ns[i])


def pairs(
    seed: int, replication: int, cause: Cause, bins: ArrayLike, js: ArrayLike, n: ArrayLike = 0
) -> NDArray[np.float64]:
    """Two uniforms for each (bin, j, n); arguments broadcast. Returns (len, 2)."""
    b, j, k = np.broadcast_arrays(
        np.asarray(bins, np.int64), np.asarray(js, np.int64), np.asarray(n, np.int64)
    )
    out = np.empty((*b.shape, 2))
    arrays = [np.ascontiguousarray(x) for x in (b, j, k)]
    _fill(out, np.uint32(seed), np.uint32(replication), int(cause), *arrays)
    return out
