"""FLV: the buffer is what is behind live; after a freeze it plays on from where it stopped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record import State
from sim.viewer.viewer import Change
from tests.viewer.drive import flv, live

PART = st.floats(0, 0.99)
"""d / R of a link that falls short."""


def falls(at: float, part: float, back: float | None = None) -> list[tuple[float, float]]:
    """A good link that carries `part` of the bitrate from `at` on, until `back`."""
    link = [(at, 20.0), (back or 1e9, 2.0 * part)]
    return [*link, (1e9, 20.0)] if back else [*link, (1e9, 2.0 * part)]


def test_it_catches_up_to_all_there_is_at_the_speed_of_the_path():
    v = live(flv(catch_up=1.5), 20.0, until=100.0)
    lag0 = v.lag0_s
    start = 1.0 / 1.5
    # b grows at 1/2 from 1 towards the lag of lag0 + start.
    assert v.at(Change.EDGE).t == pytest.approx(start + (lag0 + start - 1.0) / 0.5)
    assert v.buffer_s == v.lag == pytest.approx(lag0 + start)


@given(part=PART)
def test_it_freezes_when_what_it_holds_is_spent(part):
    v = live(flv(), falls(50, part), until=500.0)
    held = v.lag0_s + v.starting_s
    expected = 50 + held / (1 - part)
    if expected < 500:
        assert v.times(Change.EMPTY)[0] == pytest.approx(expected)
    else:
        assert v.frozen_s == 0


@given(part=st.floats(0.01, 0.99), resume=st.floats(0.2, 3))
def test_it_plays_on_when_b_resume_is_there_and_freezes_again(part, resume):
    v = live(flv(resume_s=resume), falls(50, part), until=2000.0)
    empty, full = np.array(v.times(Change.EMPTY)), np.array(v.times(Change.FULL))[1:]
    n = len(full)
    assert full - empty[:n] == pytest.approx(resume / part)
    # It plays what it has and what comes meanwhile.
    assert empty[1 : n + 1] - full[: len(empty) - 1] == pytest.approx(resume / (1 - part))


@given(part=PART, length=st.floats(1, 100))
def test_the_lag_grows_by_the_time_it_was_frozen_and_no_more(part, length):
    v = live(flv(), falls(50, part, 50 + length), until=500.0)
    assert v.lag == pytest.approx(v.lag0_s + v.starting_s + v.frozen_s)


def test_a_link_of_just_the_bitrate_never_freezes_it():
    v = live(flv(), falls(50, 1.0), until=500.0)
    assert v.frozen_s == 0 and v.at_edge and v.buffer_s == v.lag


def test_a_short_fall_is_bridged_and_made_up_for():
    v = live(flv(catch_up=1.5), falls(50, 0.5, 54), until=500.0)
    assert v.frozen_s == 0
    # Two seconds are missing; they come back at half a second a second.
    assert v.times(Change.EDGE)[1] == pytest.approx(54 + 2 / 0.5)


def test_it_may_resume_at_more_than_it_lagged_when_it_started():
    # Frozen with an empty buffer, it fetches all up to live, then waits until enough is there.
    p = flv(resume_s=9.0, catch_up=3.0)
    v = live(p, falls(50, 0.0, 55), until=500.0)
    lag = v.lag0_s + v.starting_s
    back = 55.0
    frozen_by_then = back - (50 + lag)
    edge = back + (lag + frozen_by_then) / (3.0 - 1)
    assert v.times(Change.EDGE)[1] == pytest.approx(edge)
    at_edge = lag + frozen_by_then + edge - back
    assert v.times(Change.FULL)[1] == pytest.approx(edge + (9.0 - at_edge))
    assert v.buffer_s == v.lag == pytest.approx(9.0)


# --- too far behind -------------------------------------------------------------------------------


def test_at_the_lag_limit_it_skips_to_live():
    v = live(flv(lag_limit_s=10.0), falls(50, 0.0), until=80.0)
    lag = v.lag0_s + v.starting_s
    empty = 50 + lag
    skip = empty + 10 - lag
    assert v.times(Change.SKIP) == pytest.approx([skip, skip + 6, skip + 12, skip + 18])
    assert v.at(Change.SKIP).lag == 4.0
    assert v.skipped_s == pytest.approx(24)


def test_without_a_limit_it_never_skips():
    v = live(flv(), falls(50, 0.0), until=800.0)
    assert v.times(Change.SKIP) == [] and v.skipped_s == 0


def test_skip_throws_away_only_what_lies_behind_the_new_place():
    p = flv(lag_limit_s=5.5, resume_s=3.0, catch_up=3.0, gop_s=0.1, speed_up=0.0)
    v = live(p, falls(50, 0.0, 54.7), until=60.0)
    [empty], skip = v.times(Change.EMPTY), v.at(Change.SKIP)
    fetched = 3.0 * (skip.t - max(empty, 54.7))
    assert skip.lag == 4.0
    assert v.thrown_s == v.skipped_s == pytest.approx(1.5)
    assert 0 < skip.b == pytest.approx(fetched - 1.5)


def test_skip_beyond_the_buffer_throws_all_of_it_away():
    v = live(flv(lag_limit_s=10.0, resume_s=3.5), falls(50, 0.5), until=67.0)
    [empty], skip = v.times(Change.EMPTY), v.at(Change.SKIP)
    assert skip.b == 0
    assert v.thrown_s == pytest.approx((skip.t - empty) * 0.5)


# --- catching up with live ------------------------------------------------------------------------


@given(speed_up=st.floats(0.01, 0.5), length=st.floats(5, 60))
def test_a_player_that_speeds_up_gets_back_to_its_target_lag(speed_up, length):
    v = live(flv(speed_up=speed_up), falls(400, 0.0, 400 + length), until=10_000.0)
    assert v.lag == v.buffer_s == 4.0
    assert v.state == State.PLAYING
    edge, done = v.log[v.log["cause"] == Change.EDGE][-1], v.times(Change.ON_TIME)[-1]
    assert done - edge["t"] == pytest.approx((edge["lag"] - 4.0) / speed_up)
    # Only what was frozen and started with has to be made up for, and all of it is.
    assert v.skipped_s == 0
    extra = v.shown_s - v.play_s
    assert extra == pytest.approx(v.lag0_s + v.starting_s + v.frozen_s - 4.0)


def test_player_that_joined_nearer_than_its_target_stays_there():
    """It joined nearer to live."""
    for j in range(50):
        v = live(flv(speed_up=0.1), 20.0, until=500.0, j=j)
        assert v.lag == pytest.approx(min(v.lag0_s + v.starting_s, 4.0))


def test_a_player_that_doesn_t_speed_up_stays_behind():
    v = live(flv(speed_up=0.0), falls(400, 0.0, 430), until=5000.0)
    assert v.lag == pytest.approx(v.lag0_s + v.starting_s + v.frozen_s) and v.lag > 20


def test_rate_at_the_edge_is_the_bitrate_even_while_speeding_up():
    v = live(flv(speed_up=0.1), falls(400, 0.0, 430), until=5000.0)
    at_edge = v.log[v.log["at_edge"]]
    assert len(at_edge) > 2 and (at_edge["d"] == 2.0).all()
    assert v.shown_s + v.buffer_s + v.thrown_s == pytest.approx(v.got_s)


def test_mean_latency_is_the_time_average_of_lag_while_playing():
    v = live(flv(speed_up=0.1), falls(50, 0.0, 70), until=200.0)
    log = v.log
    t, lag = np.append(log["t"], 200.0), np.append(log["lag"], v.lag)
    playing = log["state"] == State.PLAYING
    area = ((lag[1:] + lag[:-1]) / 2 * np.diff(t))[playing].sum()
    assert v.lag_s2 == pytest.approx(area)
