"""At the door: refused, tried again by the schedule, and at last refused for good."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.record import Reason, State
from sim.viewer.viewer import Change
from tests.viewer.drive import crowd, flv, live

LIVEKIT = [0, 0.3, 1.2, 2.7, 4.8, 7]
schedules = st.lists(st.floats(0, 10), max_size=16)


def door(**keys):
    return flv(**{"backoff_s": LIVEKIT, "jitter_s": 0.5, "refusal_s": 0.2} | keys)


@given(backoff=schedules)
def test_there_are_as_many_retries_as_the_schedule_has_entries(backoff):
    v = live(door(backoff_s=backoff), opens_s=1e9)
    assert v.attempts == v.failed == 1 + len(backoff)
    assert v.reason == Reason.REFUSED


@given(backoff=schedules, jitter=st.floats(0, 2), refusal=st.floats(0, 1), j=st.integers(0, 999))
def test_each_follows_the_refusal_by_its_wait_and_a_jitter(backoff, jitter, refusal, j):
    p = door(backoff_s=backoff, jitter_s=jitter, refusal_s=refusal)
    v = live(p, opens_s=1e9, arrival_s=10.0, j=j)
    asked = np.array(v.times(Change.ASK))
    assert asked[0] == 10
    extra = np.diff(asked) - refusal - np.array(backoff)
    assert (extra >= -1e-9).all() and (extra <= jitter + 1e-9).all()


def test_jitter_is_uniform_and_added_even_to_a_wait_of_nothing():
    rows = crowd(door(backoff_s=[0.0], refusal_s=0.0), 5000, opens_s=1e9, until=50.0)
    assert stats.kstest(rows["asked_s"], stats.uniform(0, 0.5).cdf).pvalue > 1e-3


def test_every_retry_has_a_jitter_of_its_own():
    v = live(door(backoff_s=[1.0] * 16), opens_s=1e9)
    assert len(np.unique(np.round(np.diff(v.times(Change.ASK)), 9))) == 16


def test_viewer_is_refused_for_good_once_last_refusal_is_known():
    v = live(door(jitter_s=0.0), opens_s=1e9)
    assert v.now_s == pytest.approx(sum(LIVEKIT) + 7 * 0.2)
    assert (v.state, v.reason) == (State.GONE, Reason.REFUSED)
    assert v.waiting_s == pytest.approx(v.now_s)


def test_without_a_schedule_the_first_refusal_is_for_good():
    v = live(door(backoff_s=[]), opens_s=1e9)
    assert (v.attempts, v.now_s) == (1, pytest.approx(0.2))


def test_once_the_door_opens_the_next_attempt_passes():
    v = live(door(jitter_s=0.0), until=100.0, opens_s=2.0)
    # 0, 0.2, 0.7, 2.1
    assert (v.attempts, v.failed) == (4, 3)
    assert v.asked_s == pytest.approx(2.1)
    assert v.state == State.PLAYING


def test_patience_may_end_before_the_schedule_does():
    p = door(patience=((1.0, 0.0), (1.0 + 1e-6, 1 - 1e-9)))  # all leave at 1 s
    v = live(p, opens_s=1e9)
    assert (v.reason, v.now_s) == (Reason.GAVE_UP_WAITING, pytest.approx(1.0, abs=1e-4))
    assert v.attempts == 3  # at 0, 0.2 to 0.7 and before 1 s at the earliest


def test_viewer_leaving_before_refusal_is_known_gave_up():
    """They were not refused."""
    p = door(patience=((1.0, 0.0), (1.0 + 1e-6, 1 - 1e-9)), backoff_s=[], refusal_s=3.0)
    v = live(p, opens_s=1e9)
    assert (v.reason, v.now_s) == (Reason.GAVE_UP_WAITING, pytest.approx(1.0, abs=1e-4))


def test_a_viewer_in_the_waiting_room_doesn_t_knock_again():
    v = live(door(), opens_s=1e9, waiting_room=True, until=500.0)
    assert (v.attempts, v.failed, v.state) == (1, 0, State.WAITING)
    assert v.waiting_s == 500
