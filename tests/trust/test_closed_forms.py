"""Where theory knows the answer, the program gives it, in a scenario anybody can run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from math import inf

import pytest
from scipy import integrate, stats

from tests.trust import closed_forms as known
from tests.trust.row import Row

FORMS = (
    known.room, known.erlang_loss, known.erlang_delay, known.waiting_room, known.join_gate,
    known.token_bucket, known.on_off_buffer, known.resume_level, known.start_up_patience,
    known.saturated, known.shared_tree, known.orders,
)  # fmt: skip


@cache
def rows_of(form: Callable[[], Iterator[Row]]) -> tuple[Row, ...]:
    return tuple(form())


def holds(form: Callable[[], Iterator[Row]]) -> None:
    rows = rows_of(form)
    assert rows
    for row in rows:
        assert row.holds, row


# --- what the program says ------------------------------------------------------------------------


def test_room_obeys_littles_law_and_is_poisson_for_any_stay():
    holds(known.room)


def test_refusing_quota_loses_what_erlang_says_for_any_stay():
    holds(known.erlang_loss)


def test_a_waiting_room_of_people_who_wait_for_ever_is_erlangs():
    holds(known.erlang_delay)


def test_number_present_is_poisson_if_waiting_counts_as_stay():
    holds(known.waiting_room)


def test_joins_before_the_gate_wait_as_in_m_d_1_less_the_burst():
    holds(known.join_gate)


def test_a_gate_that_refuses_is_a_token_bucket():
    holds(known.token_bucket)


def test_buffer_on_an_on_off_link_freezes_as_the_fluid_says():
    holds(known.on_off_buffer)


def test_link_sets_how_much_freezes_and_resume_level_how_often():
    holds(known.resume_level)


def test_who_leaves_before_the_first_frame_is_the_scripted_curve():
    holds(known.start_up_patience)


def test_too_small_room_settles_where_departures_meet_arrivals():
    holds(known.saturated)


def test_a_tree_is_shared_as_the_linear_programs_say():
    holds(known.shared_tree)


def test_as_many_orders_come_as_the_rate_integrates_to():
    holds(known.orders)


def test_no_more_intervals_miss_than_chance_allows():
    """Of intervals at 95 % one in twenty misses; 'within' is for those, not for an error."""
    rows = [r for form in FORMS for r in rows_of(form) if r.low < r.high]
    missed = [r for r in rows if not r.low <= r.expected <= r.high]
    assert len(missed) <= stats.binom.isf(1e-3, len(rows), 0.05), missed


# --- the formulas themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(("places", "erlang"), [(1, 0.0101), (10, 4.46), (50, 37.9), (100, 84.1)])
def test_erlang_b_is_the_published_table_at_one_percent(places, erlang):
    """ITU-D SG 2, Teletraffic Engineering Handbook; any table of Erlang B."""
    assert known.erlang_b(places, erlang) == pytest.approx(0.01, rel=0.01)


def test_erlang_c_is_the_textbook_call_centre():
    """100 calls in half an hour of 3 minutes each, 14 agents: 17.4 % wait, on average 7.8 s."""
    waits = known.erlang_c(14, 10)
    assert waits == pytest.approx(0.174, abs=5e-4)
    assert waits * 180 / (14 - 10) == pytest.approx(7.8, abs=0.05)


@pytest.mark.parametrize("rho", [0.3, 0.5, 0.7])
def test_the_waits_of_m_d_1_have_pollaczek_and_khinchins_mean(rho):
    mean = sum(integrate.quad(known.md1_longer, k, k + 1, args=(rho, 1.0))[0] for k in range(18))
    assert mean == pytest.approx(rho / (2 * (1 - rho)), rel=0.01)
    assert known.md1_longer(0.0, rho, 1.0) == pytest.approx(rho)


def test_without_a_buffer_every_outage_is_a_freeze():
    assert known.on_off(0.5, 1, 20, 5, 0) == pytest.approx((0.2, 3600 / 25))


def test_endless_buffer_never_freezes_on_a_sufficient_link():
    """One that carries enough on average."""
    assert known.on_off(0.5, 1, 20, 5, 1000) == pytest.approx((0, 0), abs=1e-30)


def test_on_the_edge_of_enough_the_fluid_has_no_jump():
    exact = known.on_off(0.5, 1, 20, 10, 4)
    assert known.on_off(0.5 + 1e-7, 1, 20, 10, 4) == pytest.approx(exact, rel=1e-5)


def test_endless_buffer_is_the_limit_of_a_long_one():
    """If it resumes at once."""
    assert known.resume(1.5, 10, 10, 0) == pytest.approx(known.on_off(0.5, 1, 10, 10, 1000))


def test_a_burst_only_shortens_the_wait():
    waits = [known.gate_wait_s(8, 10, burst) for burst in (1, 2, 3, 5, 9)]
    assert waits[0] == pytest.approx(0.2)
    assert inf > waits[0] > waits[1] > waits[2] > waits[3] > waits[4] > 0
