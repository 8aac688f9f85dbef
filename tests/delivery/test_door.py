"""The door: a token bucket for joins, quotas for places; asking changes nothing."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.delivery.door import (
    GATE,
    GB,
    MBPS,
    QUOTA,
    applies,
    ask,
    gate,
    give_back,
    meter,
    quota,
    read,
    take,
)
from sim.scenario.limits import Limit
from tests.entry import entry

_ask, _take, _give_back, _applies = entry(ask), entry(take), entry(give_back), entry(applies)
_read = entry(read)


@numba.njit
def _pass_all(limits, times, admitted):
    """Knock at each of these times; a viewer who may pass now passes."""
    for k in range(len(times)):
        if ask(limits[0], times[k]) <= times[k]:
            take(limits[0], times[k])
            admitted[k] = True


@numba.njit
def _one_after_another(limits, n, from_s, at):
    """A line before the gate: when each gets through."""
    t = from_s
    for k in range(n):
        t = ask(limits[0], t)
        take(limits[0], t)
        at[k] = t


def admitted_of(limit, times):
    out = np.zeros(len(times), bool)
    _pass_all(limit, np.asarray(times, float), out)
    return out


def line(limit, n, from_s=0.0):
    at = np.zeros(n)
    _one_after_another(limit, n, from_s, at)
    return at


# --- joins a second -------------------------------------------------------------------------------

gates = st.tuples(st.floats(0.1, 100), st.floats(1, 50))


def test_full_bucket_lets_in_its_burst_at_once_then_its_rate():
    at = line(gate(4.0, 3.0, "queue"), 11)
    assert at[:3].tolist() == [0, 0, 0]
    assert at[3:] == pytest.approx(np.arange(1, 9) / 4)


def test_quiet_spell_fills_the_bucket_to_its_burst_at_most():
    limit = gate(4.0, 3.0, "refuse")
    line(limit, 5)
    assert admitted_of(limit, [1000.0] * 5).tolist() == [True, True, True, False, False]
    # Half a second later two more may pass.
    assert admitted_of(limit, [1000.5] * 3).tolist() == [True, True, False]


def test_a_refused_attempt_takes_no_token():
    limit = gate(1.0, 1.0, "refuse")
    assert admitted_of(limit, [0.0, 0.2, 0.4, 0.9, 1.0, 1.5]).tolist() == [
        True, False, False, False, True, False,
    ]  # fmt: skip


@given(law=gates, waits=st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_no_window_passes_more_than_burst_and_rate_allow(law, waits):
    """No more than the burst, and the rate times the window's length."""
    per_s, burst = law
    times = np.cumsum(waits)
    passed = times[admitted_of(gate(per_s, burst, "refuse"), times)]
    # It is enough to look at windows that begin and end with somebody who passed.
    n = np.arange(len(passed))
    many = n[None, :] - n[:, None] + 1
    length = passed[None, :] - passed[:, None]
    ahead = n[None, :] >= n[:, None]
    assert (many <= burst + per_s * length + 1e-6)[ahead].all()


@given(law=gates, n=st.integers(1, 300), from_s=st.floats(0, 1e4))
def test_a_line_gets_through_as_fast_as_the_rate_allows(law, n, from_s):
    per_s, burst = law
    at = line(gate(per_s, burst, "queue"), n, from_s)
    assert at == pytest.approx(from_s + np.maximum(np.arange(1, n + 1) - burst, 0) / per_s)


@given(
    law=gates,
    passed=st.lists(st.floats(0, 1), max_size=20),
    asked=st.lists(st.floats(0, 3), min_size=1, max_size=20),
)
def test_the_answer_is_the_same_however_often_one_asks(law, passed, asked):
    limit = gate(*law, "queue")
    t = 0.0
    for wait in passed:
        t = _ask(limit[0], t + wait)
        _take(limit[0], t)
    before = limit.copy()
    opens = _ask(limit[0], t)
    for later in sorted(asked):
        assert _ask(limit[0], t + later) == max(opens, t + later)
    assert np.array_equal(limit, before)


def test_viewer_who_comes_when_told_gets_in():
    limit = gate(3.0, 1.0, "refuse")
    for _ in range(1000):
        t = _ask(limit[0], 0.0)
        assert _ask(limit[0], t) == t
        _take(limit[0], t)


# --- places ---------------------------------------------------------------------------------------


def test_quota_lets_in_as_many_as_it_has_places():
    """It never says when the next may come: only a place given back lets them in."""
    limit = quota(3.0, 1.0, "refuse", Limit.SESSIONS)
    assert admitted_of(limit, np.arange(5)).tolist() == [True, True, True, False, False]
    assert _ask(limit[0], 7.0) == np.inf
    _give_back(limit[0])
    assert _ask(limit[0], 7.0) == 7.0


def test_a_quota_of_rates_takes_what_a_session_sends():
    limit = quota(10.0, 2.4, "refuse", Limit.EGRESS_VENDOR)
    assert admitted_of(limit, np.zeros(9)).sum() == 4
    assert limit["used"][0] == pytest.approx(9.6)


@pytest.mark.parametrize("places", [3, 17, 3999])
def test_nobody_is_kept_out_by_a_rounding_error(places):
    # 0.1 + 0.1 + 0.1 > 0.3
    limit = quota(places / 10, 0.1, "refuse", Limit.EGRESS_EDGE)
    assert admitted_of(limit, np.zeros(places + 1)).sum() == places


@given(cap=st.integers(0, 20), moves=st.lists(st.booleans(), max_size=100))
def test_places_given_back_are_places_again(cap, moves):
    limit, inside = quota(float(cap), 1.0, "refuse", Limit.SESSIONS), 0
    for comes in moves:
        if comes and _ask(limit[0], 1.0) <= 1.0:
            _take(limit[0], 1.0)
            inside += 1
        elif not comes and inside > 0:
            _give_back(limit[0])
            inside -= 1
        assert limit["used"][0] == inside <= cap
        assert (_ask(limit[0], 1.0) == 1.0) == (inside < cap)


def test_a_session_that_ends_gives_no_token_back():
    limit = gate(1.0, 1.0, "refuse")
    _take(limit[0], 0.0)
    before = limit.copy()
    _give_back(limit[0])
    assert np.array_equal(limit, before)


# --- for whom -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "edge", "holds"),
    [
        (-1, -1, [(0, 0), (0, 1), (1, 2)]),
        (1, -1, [(1, 2)]),
        (-1, 1, [(0, 1)]),
    ],
)
def test_a_limit_holds_for_everyone_a_region_or_an_edge(region, edge, holds):
    places = quota(1.0, 1.0, "refuse", Limit.SESSIONS, 0, region, edge)
    joins = gate(1.0, 1.0, "refuse", 0, Limit.JOINS, region, edge)
    for limit in (places, joins):
        assert [at for at in [(0, 0), (0, 1), (1, 2)] if _applies(limit[0], 0, *at)] == holds


def test_limits_know_what_they_are():
    g, q = gate(5.0, 2.0, "queue")[0], quota(9.0, 1.5, "refuse", Limit.EGRESS_REGION, region=2)[0]
    assert (g["kind"], g["code"], g["queue"]) == (GATE, Limit.JOINS, True)
    assert (q["kind"], q["code"], q["queue"]) == (QUOTA, Limit.EGRESS_REGION, False)
    assert (g["region"], g["leaf"], q["region"], q["leaf"]) == (-1, -1, 2, -1)
    assert g["tokens"] == g["burst"] == 2  # full when the show starts


def test_what_holds_for_every_path_holds_on_each():
    limit = gate(1.0, 1.0, "refuse", path=-1)
    assert _applies(limit[0], 0, 0, 0) and _applies(limit[0], 1, 2, 3)
    assert not _applies(quota(1.0, 1.0, "refuse", Limit.ROOM, path=1)[0], 0, 0, 0)


# --- what the vendor reads of its meters ----------------------------------------------------------


def account(cap=100.0, scan_s=10.0, policy="refuse", cut_off_s=np.inf):
    return meter(MBPS, cap, policy, Limit.ACCOUNT, scan_s, cut_off_s)


def package(cap=100.0, policy="refuse", cut_off_s=np.inf):
    return meter(GB, cap, policy, Limit.PACKAGE, 1.0, cut_off_s)


def closed(limit, t):
    return _ask(limit[0], t) > t


def test_account_is_over_if_the_mean_since_last_reading_is():
    limit = account()
    assert not closed(limit, 5.0), "nothing has been read"
    said = []
    for t, total_mb in ((10.0, 900.0), (20.0, 2100.0), (30.0, 3100.0), (40.0, 4101.0)):
        assert limit["at_s"][0] == t
        _read(limit[0], total_mb, t)
        said.append(closed(limit, t))
    assert said == [False, True, False, True]


def test_nobody_who_passes_a_meter_or_leaves_moves_it():
    limit = account()
    _read(limit[0], 999.0, 10.0)
    before = limit.copy()
    _take(limit[0], 11.0)
    _give_back(limit[0])
    assert np.array_equal(limit, before)


def test_a_package_once_used_up_stays_so():
    limit = package()
    _read(limit[0], 100.0, 1.0)
    assert not closed(limit, 1.0), "to the last byte"
    for t in (2.0, 3.0, 50.0):
        _read(limit[0], 100.1, t)
        assert closed(limit, t)


@pytest.mark.parametrize("make", [account, package])
def test_cut_off_ends_as_stated_and_counting_begins_anew(make):
    limit = make(policy="cut_off", cut_off_s=7.5)
    first_s = float(limit["at_s"][0])
    assert _read(limit[0], 1e4, first_s)
    back_s = first_s + 7.5
    assert limit["at_s"][0] == back_s and closed(limit, back_s - 1e-9)
    assert not _read(limit[0], 1e4, back_s)
    assert not closed(limit, back_s)
    grid_s = float(limit["at_s"][0])
    assert back_s < grid_s <= back_s + limit["scan_s"][0]
    assert grid_s % limit["scan_s"][0] == 0
    assert not _read(limit[0], 1e4 + 99.0, grid_s), "what passed before doesn't count again"


def test_without_an_end_a_cut_off_is_never_looked_at_again():
    limit = package(policy="cut_off")
    assert _read(limit[0], 101.0, 1.0)
    assert limit["at_s"][0] == np.inf and _ask(limit[0], 1e9) == np.inf


@given(scan_s=st.sampled_from((1.0, 7.0, 60.0, 300.0, 1.3)), looks=st.integers(1, 500))
def test_readings_fall_on_multiples_of_the_interval(scan_s, looks):
    limit = account(scan_s=scan_s)
    for k in range(1, looks + 1):
        assert limit["at_s"][0] == k * scan_s
        _read(limit[0], 0.0, k * scan_s)
