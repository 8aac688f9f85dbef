"""A viewer's own link: a keyed chain of holdings, stationary from the first second."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import null_space

from sim.network.links import (
    STATES,
    first_holding,
    links_from_classes,
    links_from_traces,
    next_holding,
    share_of_time,
)
from sim.scenario.compose import load_scenario
from sim.scenario.model import LinkClass

ROW = np.dtype(
    [
        ("bin", "i4"), ("j", "i4"), ("access", "i2"), ("mean_mbps", "f8"),
        ("link_trace", "i4"), ("link_state", "i4"), ("link_n", "i4"), ("link_mbps", "f8"),
    ],
    align=True,
)  # fmt: skip


@numba.njit
def _walk(links, rows, seed, replication, order, state, hold_s, mbps):
    for i in order:
        v = rows[i]
        for n in range(state.shape[1]):
            if n == 0:
                hold_s[i, n] = first_holding(links, v, seed, replication)
            else:
                hold_s[i, n] = next_holding(links, v, seed, replication)
            state[i, n], mbps[i, n] = v.link_state, v.link_mbps


def walk(links, viewers, holdings, *, access=0, mean_mbps=1.0, seed=1, replication=0, order=None):
    """(state, holding in s, Mbps) of each viewer's first holdings, and the rows."""
    rows = np.zeros(viewers, ROW)
    rows["bin"], rows["j"] = np.arange(viewers) // 1000 - 1, np.arange(viewers) % 1000
    rows["access"], rows["mean_mbps"] = access, mean_mbps
    state = np.zeros((viewers, holdings), np.int64)
    hold_s, mbps = np.zeros((viewers, holdings)), np.zeros((viewers, holdings))
    order = np.arange(viewers) if order is None else np.asarray(order)
    _walk(links, rows, np.uint32(seed), np.uint32(replication), order, state, hold_s, mbps)
    return state, hold_s, mbps, rows


def seen_at(values, hold_s, t):
    """What each chain shows at time t."""
    ends = np.cumsum(hold_s, axis=1)
    assert (ends[:, -1] > t).all(), "the walk is too short"
    return values[np.arange(len(values)), (ends <= t).sum(axis=1)]


def over_time(values, hold_s, until):
    """Time average of each chain over [0, until]."""
    ends = np.minimum(np.cumsum(hold_s, axis=1), until)
    assert (ends[:, -1] == until).all(), "the walk is too short"
    return (values * np.diff(ends, axis=1, prepend=0)).sum(axis=1) / until


def link_class(multiplier, hold_s, jumps):
    return LinkClass(
        mean_mbps={"median": 1, "sigma_ln": 0}, multiplier=multiplier, hold_s=hold_s, jumps=jumps,
        round_trip_ms=0, loss=0, mean_source="", dynamics_source="", loss_source="",
        round_trip_source="",
    )  # fmt: skip


@st.composite
def chains(draw):
    """An irreducible class: every state may follow every other."""
    n = draw(st.integers(2, STATES))
    weights = np.array(draw(st.lists(st.floats(0.05, 1), min_size=n * n, max_size=n * n)))
    jumps = weights.reshape(n, n) * (1 - np.eye(n))
    jumps /= jumps.sum(axis=1, keepdims=True)
    hold_s = draw(st.lists(st.floats(0.1, 100), min_size=n, max_size=n))
    return link_class(list(range(n)), hold_s, jumps.tolist())


SHIPPED = load_scenario("network=mixed").network.classes
NAMES = list(SHIPPED)
LINKS = links_from_classes(list(SHIPPED.values()))


def shares(name):
    c = SHIPPED[name]
    return share_of_time(np.array(c.hold_s), np.array(c.jumps))


# --- classes --------------------------------------------------------------------------------------


@given(chain=chains())
def test_share_of_time_balances_flow_in_and_out_of_each_state(chain):
    hold_s, jumps = np.array(chain.hold_s), np.array(chain.jumps)
    share = share_of_time(hold_s, jumps)
    assert share.sum() == pytest.approx(1)
    assert (share > 0).all()
    leaving = share / hold_s
    assert leaving @ jumps == pytest.approx(leaving)
    # The same from the generator of the process, whose null space is the stationary law.
    law = null_space(((jumps - np.eye(len(hold_s))) / hold_s[:, None]).T, rcond=1e-9)[:, 0]
    assert share == pytest.approx(law / law.sum())


def test_two_states_share_time_as_they_hold():
    assert share_of_time(np.array([3.0, 1.0]), np.array([[0, 1.0], [1.0, 0]])) == pytest.approx(
        [0.75, 0.25]
    )
    assert share_of_time(np.array([3.0]), np.zeros((1, 1))).tolist() == [1.0]


@pytest.mark.parametrize("name", NAMES)
def test_the_multiplier_of_every_shipped_class_is_1_over_time(name):
    # Numbers in the file are rounded to four digits.
    assert shares(name) @ np.array(SHIPPED[name].multiplier) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("t", [0.0, 5.0, 60.0])
def test_a_link_is_stationary_from_arrival_on(name, t):
    state, hold_s, _, _ = walk(LINKS, 20_000, 120, access=NAMES.index(name))
    seen = np.bincount(seen_at(state, hold_s, t), minlength=len(shares(name)))
    assert stats.chisquare(seen, shares(name) * 20_000).pvalue > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_over_time_is_the_viewers_own_mean(name):
    _, hold_s, mbps, _ = walk(LINKS, 5000, 400, access=NAMES.index(name), mean_mbps=20.0)
    mean = over_time(mbps, hold_s, 300.0)
    assert abs(mean.mean() - 20) < 4 * mean.std() / np.sqrt(5000) + 20 * 2e-3
    assert mean.std() / np.sqrt(5000) < 0.25


@pytest.mark.parametrize("name", NAMES)
def test_holdings_are_exponential_with_the_means_of_their_states(name):
    state, hold_s, _, _ = walk(LINKS, 4000, 20, access=NAMES.index(name))
    assert (hold_s > 0).all()
    for k, mean_s in enumerate(SHIPPED[name].hold_s):
        # The first is what is left of one under way: exponential too.
        for of in (hold_s[:, 0][state[:, 0] == k], hold_s[:, 1:][state[:, 1:] == k]):
            if len(of) > 50:
                assert stats.kstest(of, stats.expon(scale=mean_s).cdf).pvalue > 1e-4, k


@pytest.mark.parametrize("name", NAMES)
def test_states_follow_one_another_as_often_as_the_jumps_say(name):
    state, _, _, _ = walk(LINKS, 4000, 20, access=NAMES.index(name))
    jumps = np.array(SHIPPED[name].jumps)
    n = np.zeros_like(jumps)
    np.add.at(n, (state[:, :-1].ravel(), state[:, 1:].ravel()), 1)
    assert (n[jumps == 0] == 0).all()
    for row, law in zip(n, jumps, strict=True):
        if (law > 0).sum() > 1 and row.sum() > 50:
            some = law > 0
            assert stats.chisquare(row[some], law[some] / law.sum() * row.sum()).pvalue > 1e-4


def test_rate_is_the_viewers_mean_times_its_states_multiplier():
    state, _, mbps, _ = walk(LINKS, 100, 10, access=1, mean_mbps=30.0)
    assert np.array_equal(mbps, 30.0 * np.array(SHIPPED["lte"].multiplier)[state])


@pytest.mark.parametrize("hold_s", [0.5, 1e9])
def test_a_class_of_one_state_never_changes_its_rate(hold_s):
    links = links_from_classes([link_class([0.7], [hold_s], [[0]]), SHIPPED["lte"]])
    state, _, mbps, _ = walk(links, 200, 20, mean_mbps=10.0)
    assert (state == 0).all() and (mbps == 7.0).all()


@given(chain=chains(), j=st.integers(0, 10_000))
def test_no_walk_leaves_the_states_of_its_class(chain, j):
    links = links_from_classes([chain, link_class([1], [1], [[0]])])
    state, hold_s, _, _ = walk(links, 50, 50, seed=j)
    assert state.max() < len(chain.multiplier)
    assert (hold_s > 0).all()
    assert (state[:, 1:] != state[:, :-1]).all()  # a jump leads elsewhere


# --- keyed ----------------------------------------------------------------------------------------


def test_viewers_link_is_the_same_in_any_order_of_asking():
    """And however far ahead it is asked for."""
    forth = walk(LINKS, 500, 30, access=2)
    back = walk(LINKS, 500, 30, access=2, order=np.arange(500)[::-1])
    short = walk(LINKS, 500, 7, access=2)
    for a, b, c in zip(forth[:3], back[:3], short[:3], strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a[:, :7], c)


def test_moments_of_change_do_not_depend_on_the_mean_rate():
    slow, fast = (walk(LINKS, 100, 20, mean_mbps=m) for m in (1.0, 50.0))
    assert np.array_equal(slow[1], fast[1]) and np.array_equal(slow[0], fast[0])


@pytest.mark.parametrize("other", [{"seed": 2}, {"replication": 1}])
def test_another_seed_or_replication_is_another_link(other):
    here, there = walk(LINKS, 500, 10), walk(LINKS, 500, 10, **other)
    assert not np.isin(there[1], here[1]).any()


def test_links_of_different_viewers_know_nothing_of_one_another():
    _, hold_s, _, _ = walk(LINKS, 10_000, 2, access=0)
    z = np.log(hold_s[:, 0])
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 4 / np.sqrt(10_000)
    assert abs(np.corrcoef(z, np.log(hold_s[:, 1]))[0, 1]) < 0.1  # same state may come back


# --- traces ---------------------------------------------------------------------------------------

TRACE = (np.array([10.0, 2.0, 28.0, 60.0]), np.array([8.0, 0.0, 4.0, 1.0]))
FLAT = (np.array([5.0, 5.0]), np.array([100.0, 100.0]))


def test_replay_goes_through_samples_in_order_and_starts_over():
    state, hold_s, mbps, _ = walk(links_from_traces([TRACE]), 300, 12)
    assert set(state[:, 0]) == {0, 1, 2, 3}
    assert np.array_equal(state[:, 1:], (state[:, :-1] + 1) % 4)
    assert np.array_equal(hold_s[:, 1:], TRACE[0][state[:, 1:]])
    assert np.array_equal(mbps, TRACE[1][state])
    assert (hold_s[:, 0] <= TRACE[0][state[:, 0]]).all()


def test_viewers_start_at_own_offsets_evenly_over_the_trace():
    state, hold_s, _, _ = walk(links_from_traces([TRACE]), 5000, 1)
    offset = np.cumsum(TRACE[0])[state[:, 0]] - hold_s[:, 0]
    assert stats.kstest(offset, stats.uniform(0, 100).cdf).pvalue > 1e-3
    assert len(np.unique(offset)) == 5000


def test_any_stretch_of_replay_averages_to_the_traces_mean():
    _, hold_s, mbps, _ = walk(links_from_traces([TRACE]), 5000, 12)
    mean = TRACE[0] @ TRACE[1] / 100
    assert over_time(mbps, hold_s, 100.0) == pytest.approx(np.full(5000, mean))  # once around
    some = over_time(mbps, hold_s, 17.0)
    assert abs(some.mean() - mean) < 4 * some.std() / np.sqrt(5000)


def test_trace_is_met_as_often_as_it_is_long():
    """None runs into another."""
    state, _, mbps, rows = walk(links_from_traces([TRACE, FLAT]), 5000, 12)
    share = FLAT[0].sum() / (FLAT[0].sum() + TRACE[0].sum())
    assert stats.binomtest(int((rows["link_trace"] == 1).sum()), 5000, share).pvalue > 1e-3
    flat = rows["link_trace"] == 1
    assert (mbps[flat] == 100).all() and (mbps[~flat] < 100).all()
    assert set(np.unique(state[flat])) == {4, 5}


def test_a_trace_of_one_sample_is_a_constant_link():
    _, hold_s, mbps, _ = walk(links_from_traces([(np.array([3.0]), np.array([2.5]))]), 100, 5)
    assert (mbps == 2.5).all()
    assert (hold_s > 0).all() and (hold_s[:, 1:] == 3).all()


@given(
    samples=st.lists(st.tuples(st.floats(0.001, 1000), st.floats(0, 100)), min_size=1, max_size=20),
    seed=st.integers(0, 2**32 - 1),
)
def test_replayed_holding_lasts_and_lies_within_its_sample(samples, seed):
    length, rate = np.array(samples).T
    state, hold_s, _, _ = walk(links_from_traces([(length, rate)]), 20, 3, seed=seed)
    assert (hold_s > 0).all()
    assert (hold_s <= length[state] + 1e-9).all()
