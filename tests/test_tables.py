"""Arrays handed to compiled code by address: the right ones, also after a copy."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import numba
import numpy as np
import pytest

from sim.tables import Tables


@dataclass(eq=False, frozen=True)
class Inner(Tables):
    counts: Any


@dataclass(eq=False, frozen=True)
class Pair(Tables):
    grid: Any
    inner: Inner


@numba.njit
def _mark(pair, row, column, value):
    pair.grid[row, column] = value
    pair.inner.counts[0] += 1
    return pair.grid.shape[0] * 100 + pair.grid.shape[1]


def pair() -> Pair:
    return Pair(np.zeros((3, 4)), Inner(np.zeros(2, np.int64)))


def test_compiled_code_writes_into_the_arrays_themselves() -> None:
    it = pair()
    assert _mark(it, 2, 3, 7.5) == 304
    assert it.grid[2, 3] == 7.5 and it.grid.sum() == 7.5
    assert it.inner.counts.tolist() == [1, 0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copy_has_arrays_and_addresses_of_its_own(copied: Any) -> None:
    it = pair()
    other = copied(it)
    _mark(other, 0, 0, 1.0)
    assert it.grid.sum() == 0 and other.grid[0, 0] == 1
    assert it.inner.counts[0] == 0 and other.inner.counts[0] == 1


def test_a_field_is_not_exchanged_and_not_strided() -> None:
    with pytest.raises(FrozenInstanceError):
        pair().grid = np.zeros((3, 4))  # type: ignore[misc]
    with pytest.raises(ValueError, match=r"Inner.counts is not C-contiguous"):
        Inner(np.zeros(8, np.int64)[::2])
