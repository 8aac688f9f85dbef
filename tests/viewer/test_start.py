"""From the tap to the first frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.record import Reason, State
from sim.viewer.viewer import Change
from tests.viewer.drive import AT_EDGE, INF, NONE, OWN_LINK, crowd, flv, live, reference, rtc

JOIN = {"join_round_trips": 3.0, "join_server_s": 0.05}


@pytest.mark.parametrize("mbps", [0.5, 1.0, 1.999, 2.0, 2.5])
def test_flv_starts_when_b_start_is_there(mbps):
    v = live(flv(**JOIN), mbps, rtt_s=0.06)
    assert v.startup_s == pytest.approx(3 * 0.06 + 0.05 + 1.0 * 2.0 / mbps)


def test_it_is_fetched_no_faster_than_the_path_catches_up():
    for mbps in (3.0, 5.0, 500.0):
        assert live(flv(catch_up=1.5), mbps).startup_s == pytest.approx(1.0 / 1.5)


def test_a_path_uses_its_share_of_the_link():
    assert live(flv(link_share=0.8), 2.0).startup_s == pytest.approx(1.0 / 0.8)


def test_the_level_of_the_nodes_counts_as_the_link_does():
    v = live(flv(), 20.0, level=1.0)
    assert v.startup_s == pytest.approx(2.0)
    assert v.limit == AT_EDGE
    assert live(flv(), 1.0, level=20.0).limit == OWN_LINK
    assert live(flv(), 20.0, level=20.0).limit == NONE


def test_a_change_of_the_link_on_the_way_counts_from_its_instant():
    # 0.5 s of media at 1 Mbps by 1 s, nothing until 3 s, the rest at 2 Mbps
    assert live(flv(), [(1, 1.0), (3, 0.0), (9, 2.0)]).startup_s == pytest.approx(3.5)


def test_startup_counts_from_tap_and_the_sdks_from_last_attempt():
    p = flv(**JOIN, backoff_s=[1.0, 2.0], refusal_s=0.2)
    v = live(p, 2.0, rtt_s=0.1, arrival_s=100.0, opens_s=101.0)
    assert v.attempts == 2
    assert v.sdk_startup_s == pytest.approx(0.35 + 1.0)
    assert v.startup_s == pytest.approx(0.2 + 1.0 + 0.35 + 1.0)
    assert (v.waiting_s, v.starting_s) == pytest.approx((1.55, 1.0))


def test_flv_joins_within_a_group_of_pictures_of_its_delay():
    rows = crowd(flv(target_s=4.0, gop_s=1.5), 5000, until=0.001)
    lag0 = rows["lag0_s"]
    assert stats.kstest(lag0, stats.uniform(2.5, 3.0).cdf).pvalue > 1e-3
    again = crowd(flv(target_s=4.0, gop_s=1.5), 5000, link=0.5, until=30.0)["lag0_s"]
    assert np.array_equal(lag0, again)  # the viewer's own, whatever happens


def test_rtc_plays_a_cached_keyframe_at_once():
    v = live(rtc(**JOIN), 20.0, rtt_s=0.06, arrival_s=10.4)
    assert v.startup_s == pytest.approx(0.23 + 0.2 / 1.5)
    assert v.at(Change.FULL).lag == pytest.approx(0.4)


@pytest.mark.parametrize(("arrival", "keyframe"), [(10.4, 12.0), (11.99, 12.0), (12.01, 14.0)])
def test_rtc_waits_for_the_next_keyframe_where_none_is_cached(arrival, keyframe):
    v = live(rtc(keyframe_cached=False, gop_s=2.0), 20.0, arrival_s=arrival)
    assert v.startup_s == pytest.approx(keyframe + 0.2 / 1.5 - arrival)


def test_keyframe_wait_is_uniform_over_the_group_of_pictures():
    taps = np.linspace(0, 1000, 4000, endpoint=False) ** 1.01
    rows = crowd(rtc(keyframe_cached=False, gop_s=2.0), 4000, until=2000.0, arrival_s=taps)
    wait = rows["startup_s"] - 0.2 / 1.5
    assert stats.kstest(wait, stats.uniform(0, 2).cdf).pvalue > 1e-3


def test_rtc_shows_nothing_before_its_link_carries_the_bitrate():
    v = live(rtc(gop_s=2.0), [(5.0, 1.0), (9.0, 20.0)])
    assert v.startup_s == pytest.approx(5.0 + 0.2 / 1.5)
    assert v.thrown_s == pytest.approx(5.0 * 0.5)  # what came before the keyframe


def test_play_starts_at_the_target_lag_however_long_it_took():
    v = live(rtc(keyframe_cached=False, gop_s=2.0), 20.0, arrival_s=10.4)
    assert v.at(Change.FULL).lag == 0.4
    assert v.at(Change.FULL).b == 0.2


@pytest.mark.parametrize("p", [flv(**JOIN), rtc(**JOIN), reference()])
def test_viewer_there_at_the_start_plays_at_once_at_target(p):
    v = live(p, 20.0, until=50.0, initial=True, rtt_s=0.5)
    assert (v.state, v.play_s, v.waiting_s, v.starting_s) == (State.PLAYING, 50, 0, 0)
    assert np.isnan(v.startup_s) and np.isnan(v.sdk_startup_s)
    assert v.lag == p["target_s"][0]


def test_viewer_there_at_the_start_has_a_full_buffer():
    v = live(flv(), [(0.5, 20.0), (9.0, 0.0)], until=100.0, initial=True)
    assert v.at(Change.EMPTY).t == pytest.approx(4.5)


def test_viewer_kept_out_at_the_start_starts_like_anybody_else():
    v = live(flv(**JOIN, backoff_s=[1.0]), 2.0, until=50.0, initial=True, opens_s=0.5)
    assert v.play_s == pytest.approx(50 - 1.0 - 0.05 - 1.0)
    assert np.isnan(v.startup_s)  # outside start-up metrics all the same


def test_the_reference_player_starts_at_once():
    v = live(reference(), 20.0, until=50.0, rtt_s=9.0, arrival_s=10.0)
    assert (v.startup_s, v.play_s) == (0, 40)


def test_startup_spends_watch_time_and_ends_when_it_is_spent():
    v = live(flv(), 0.0, intention_left_s=7.0)
    assert (v.reason, v.now_s, v.starting_s) == (Reason.LEFT_STARTING, 7, 7)
    v = live(flv(**JOIN), 20.0, intention_left_s=7.0, rtt_s=10.0)
    assert (v.reason, v.now_s, v.waiting_s) == (Reason.GAVE_UP_WAITING, 7, 7)


def test_intention_is_never_spent_twice():
    # 2 s to start, 8 s of play, 10 s in all
    v = live(flv(), 1.0, intention_left_s=10.0, until=100.0, level=[(2.0, INF), (9.0, INF)])
    assert v.starting_s == pytest.approx(2.0)
    assert v.starting_s + v.play_s + 3.0 * v.frozen_s == pytest.approx(10.0)


@given(
    mbps=st.floats(0.05, 50), start=st.floats(0.1, 3), catch_up=st.floats(1, 4),
    kind=st.sampled_from([flv, rtc]),
)  # fmt: skip
def test_first_frame_comes_once_the_start_buffer_is_fetched(mbps, start, catch_up, kind):
    p = kind(start_s=start, catch_up=catch_up, target_s=4.0)
    v = live(p, mbps, until=2000.0)
    if kind is rtc and mbps < 2.0:
        assert np.isnan(v.startup_s)
    else:
        assert v.startup_s == pytest.approx(start * 2.0 / min(mbps, 2.0 * catch_up))
