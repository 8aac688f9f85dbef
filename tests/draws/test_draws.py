"""Keyed numbers: Philox4x32-10 to the bit, and the same number however it is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.draws import Cause, pair, pairs, philox
from tests.entry import entry

block, two = entry(philox), entry(pair)

WORD, M0, M1, W0, W1 = 2**32, 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
words = st.integers(0, WORD - 1)


def compiled_block(counter, key):
    return tuple(int(word) for word in block(*(np.uint32(c) for c in (*counter, *key))))


def keys_of_rounds(key):
    return [((key[0] + r * W0) % WORD, (key[1] + r * W1) % WORD) for r in range(10)]


def paper_block(counter, key):
    """Philox4x32-10 as the paper writes it, in Python's own integers."""
    a, b, c, d = counter
    for k0, k1 in keys_of_rounds(key):
        (h0, l0), (h1, l1) = divmod(M0 * a, WORD), divmod(M1 * c, WORD)
        a, b, c, d = h1 ^ b ^ k0, l1, h0 ^ d ^ k1, l0
    return a, b, c, d


def counter_that_gives(out, key):
    """The counter whose block is `out`: a block is a bijection, so the rounds can be undone."""
    a, b, c, d = out
    for k0, k1 in reversed(keys_of_rounds(key)):
        x, z = d * pow(M0, -1, WORD) % WORD, b * pow(M1, -1, WORD) % WORD
        a, b, c, d = x, M1 * z // WORD ^ a ^ k0, z, M0 * x // WORD ^ c ^ k1
    return a, b, c, d


# --- the generator --------------------------------------------------------------------------------

ONES = 0xFFFFFFFF
KNOWN = {  # kat_vectors of Random123 1.14, philox4x32 10
    "zeros": ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    "ones": ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    "pi": (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
}


@pytest.mark.parametrize(("counter", "key", "out"), KNOWN.values(), ids=KNOWN)
def test_a_block_has_the_published_known_answer(counter, key, out):
    assert compiled_block(counter, key) == out


@given(counter=st.tuples(words, words, words, words), key=st.tuples(words, words))
def test_a_block_is_the_one_of_the_paper_at_any_counter_and_key(counter, key):
    assert compiled_block(counter, key) == paper_block(counter, key)


def test_counter_and_key_decide_which_numbers_are_drawn():
    """The counter is number, bin, n and cause; the key is seed and replication."""
    a, b, c, d = paper_block((7, 3, 5, Cause.LINK), (11, 2))
    x, y = pairs(11, 2, Cause.LINK, [3], [7], 5)[0]
    assert x == pytest.approx((a * 2**20 + b // 2**12) / 2**52, abs=2**-52)
    assert y == pytest.approx((c * 2**20 + d // 2**12) / 2**52, abs=2**-52)


@given(
    words=st.lists(st.sampled_from([0, ONES]), min_size=4, max_size=4), key=st.tuples(words, words)
)
def test_numbers_lie_strictly_between_0_and_1(words, key):
    """Even where all bits of a word are alike."""
    j, bin_, n, cause = counter_that_gives(words, key)
    assert paper_block((j, bin_, n, cause), key) == tuple(words)
    x, y = two(np.uint32(key[0]), np.uint32(key[1]), cause, bin_, j, n)
    assert 0 < x < 1 and 0 < y < 1
    assert np.isfinite(np.log([x, y, 1 - x, 1 - y])).all()


# --- as random numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
@pytest.mark.parametrize("bin_", [-1, 0, 57])
def test_numbers_are_spread_evenly_and_a_pair_is_independent(seed, bin_):
    u = pairs(seed, 0, Cause.ARRIVAL, bin_, np.arange(100_000))
    boxes = np.histogram2d(u[:, 0], u[:, 1], bins=16, range=[[0, 1], [0, 1]])[0].ravel()
    assert 1e-4 < stats.chisquare(boxes).pvalue < 1 - 1e-4
    following = np.histogram2d(u[1:, 0], u[:-1, 0], bins=16, range=[[0, 1], [0, 1]])[0].ravel()
    assert 1e-4 < stats.chisquare(following).pvalue < 1 - 1e-4


WAYS = {
    "seed": [pairs(s, 0, Cause.STAY, 0, np.arange(5000))[:, 0] for s in (0, 1, 2**32 - 1)],
    "replication": [pairs(1, r, Cause.STAY, 0, np.arange(5000))[:, 0] for r in (0, 1, 2)],
    "cause": [pairs(1, 0, c, 0, np.arange(5000))[:, 0] for c in Cause],
    "bin": [pairs(1, 0, Cause.STAY, b, np.arange(5000))[:, 0] for b in (-1, 0, 1, 2, 1000)],
    "n": [pairs(1, 0, Cause.STAY, 0, np.arange(5000), n)[:, 0] for n in (0, 1, 2)],
}


@pytest.mark.parametrize("way", WAYS)
def test_another_key_gives_unrelated_numbers(way):
    columns = np.array(WAYS[way])
    assert len(np.unique(columns)) == columns.size
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(columns.shape[1])


def test_seed_and_replication_are_not_interchangeable():
    assert pairs(1, 2, Cause.STAY, 0, [0])[0, 0] != pairs(2, 1, Cause.STAY, 0, [0])[0, 0]


# --- as keyed numbers -----------------------------------------------------------------------------


@given(
    asked=st.lists(
        st.tuples(st.integers(-1, 2**31 - 1), st.integers(0, 2**31), st.integers(0, 2**31)),
        min_size=1,
    ),
    seed=words,
    data=st.data(),
)
def test_a_number_is_the_same_in_any_order_and_any_batch(asked, seed, data):
    bins, js, ns = np.array(asked).T
    at_once = pairs(seed, 3, Cause.LINK, bins, js, ns)
    shuffled = data.draw(st.permutations(range(len(asked))))
    assert np.array_equal(
        pairs(seed, 3, Cause.LINK, bins[shuffled], js[shuffled], ns[shuffled]), at_once[shuffled]
    )
    one_by_one = [pairs(seed, 3, Cause.LINK, [b], [j], n)[0] for b, j, n in asked]
    assert np.array_equal(one_by_one, at_once)


def test_steps_and_arrays_get_the_same_numbers():
    ours = pairs(5, 1, Cause.RETRY, -1, np.arange(10), 4)
    theirs = [two(np.uint32(5), np.uint32(1), int(Cause.RETRY), -1, j, 4) for j in range(10)]
    assert np.array_equal(ours, theirs)


def test_no_cause_is_ever_renumbered_or_used_twice():
    assert {c.name: c.value for c in Cause} | {
        "COUNT": 1, "ARRIVAL": 2, "STAY": 3, "PLACE": 4, "ACCESS": 5, "DEVICE": 6, "INTENT": 7,
        "LINK": 8, "PATIENCE": 9, "FREEZE": 10, "RETRY": 11, "GROUP": 12, "EXIT": 13,
        "ORDERS": 14, "ORDER": 15, "BASKET": 16,
    } == dict(Cause.__members__)  # fmt: skip
    assert len(Cause) == len(Cause.__members__)  # two names of one value would be one member


def test_a_part_of_compiled_functions_has_no_way_in_from_python():
    """Numba would jump to address 0: the process would be gone, without a word."""
    two(np.uint32(1), np.uint32(0), 3, 1, 2, 0)
    for _ in range(2):
        with pytest.raises(TypeError, match=r"sim\.draws\.pair is a part of compiled functions"):
            pair(np.uint32(1), np.uint32(0), 3, 1, 2, 0)
