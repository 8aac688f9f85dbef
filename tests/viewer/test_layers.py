"""Several pictures: which one is chosen, when, and what the viewer notices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record import State
from sim.viewer.viewer import VIEWER, Change, choose
from tests.entry import entry
from tests.viewer.drive import INF, flv, live, rtc

_choose = entry(choose)

THREE = ((720, 2.0), (480, 1.0), (360, 0.4))
WITH_SOUND = (*THREE, (0, 0.05))


def chosen(link, want=INF, pictures=THREE, device=0, link_share=1.0):
    v = np.zeros(1, VIEWER)
    v["link_mbps"], v["device"] = link, device
    return _choose(v[0], flv(pictures=pictures, top=(0, 1, 2), link_share=link_share)[0], want)


def switches(v):
    """(time, picture) of every switch; the first picture at 0."""
    log = v.log[v.log["state"] != State.WAITING]
    new = np.flatnonzero(np.diff(log["layer"], prepend=-1))
    return [(0.0 if k == 0 else float(log["t"][k]), int(log["layer"][k])) for k in new]


# --- which one ------------------------------------------------------------------------------------


@given(link=st.floats(0, 5), want=st.floats(0, 5), share=st.floats(0.5, 1))
def test_best_picture_within_nine_tenths_of_the_room_is_chosen(link, want, share):
    """The room is the lesser of the link's and the vendor's share."""
    k = chosen(link, want, link_share=share)
    room = 0.9 * min(share * link, want)
    better = [mbps for _, mbps in THREE[:k]]
    assert all(mbps > room for mbps in better), "nothing better fits"
    assert THREE[k][1] <= room or k == 2, "and it fits, or there is nothing smaller"


@pytest.mark.parametrize(
    ("link", "want", "picture"),
    [(2.3, 9, 0), (2.2, 9, 1), (9, 2.3, 0), (9, 2.2, 1), (1.2, INF, 1), (1.1, 9, 2), (0, 9, 2)],
)  # fmt: skip
def test_it_by_hand(link, want, picture):
    assert chosen(link, want) == picture


@pytest.mark.parametrize("device", [0, 1, 2])
def test_the_device_shows_no_more_than_it_can(device):
    assert chosen(20.0, device=device) == device
    v = live(rtc(pictures=THREE, top=(0, 1, 2), react_s=0.3), 20.0, until=60.0, device=device)
    assert switches(v) == [(0.0, device)]
    assert v.media_mbps == THREE[device][1]


@given(link=st.floats(0, 0.4))
def test_sound_alone_is_chosen_where_no_picture_fits(link):
    """If the path has it; else the smallest picture."""
    assert chosen(link, pictures=THREE) == 2
    assert chosen(link, pictures=WITH_SOUND) == 3


def test_the_first_picture_already_fits_the_link():
    assert switches(live(flv(pictures=THREE), 1.5, until=30.0)) == [(0.0, 1)]


# --- when -----------------------------------------------------------------------------------------

LINK = [(10.3, 20.0), (20.6, 1.5), (30.2, 0.3), (40.5, 1.2), (9e9, 5.0)]
"""Carries the best picture, then the second, none, the second, the best."""


def test_flv_switches_on_whole_seconds():
    v = live(flv(pictures=THREE), LINK, until=60.0)
    assert switches(v) == [(0.0, 0), (11.0, 1), (21.0, 2), (31.0, 1), (41.0, 0)]


@given(react=st.floats(0.05, 3))
def test_rtc_steps_down_after_its_reaction_up_on_whole_seconds(react):
    v = live(rtc(pictures=THREE, react_s=react), LINK, until=60.0)
    times, pictures = zip(*switches(v), strict=True)
    assert pictures == (0, 1, 2, 1, 0)
    assert times == pytest.approx((0.0, 10.3 + react, 20.6 + react, 31.0, 41.0))


@pytest.mark.parametrize("kind", [flv, rtc])
def test_fall_that_is_over_before_any_reaction_changes_nothing(kind):
    link = [(10.3, 20.0), (10.55, 0.5), (9e9, 20.0)]
    v = live(kind(pictures=THREE, react_s=0.3), link, until=60.0)
    assert switches(v) == [(0.0, 0)]


def test_the_picture_fits_the_link_of_the_moment_it_is_taken():
    link = [(10.1, 20.0), (10.3, 1.5), (10.8, 0.6), (9e9, 1.2)]
    # At 10.6 it steps down for what is left then, at 11 up again.
    v = live(rtc(pictures=THREE, react_s=0.5), link, until=60.0)
    assert switches(v) == [(0.0, 0), (pytest.approx(10.6), 2), (11.0, 1)]
    assert switches(live(flv(pictures=THREE), link, until=60.0)) == [(0.0, 0), (11.0, 1)]


def test_a_second_fall_doesn_t_put_the_reaction_off():
    link = [(10.1, 20.0), (10.3, 1.5), (9e9, 0.6)]
    v = live(rtc(pictures=THREE, react_s=0.5), link, until=60.0)
    assert switches(v) == [(0.0, 0), (pytest.approx(10.6), 2)]


def test_a_fall_overtakes_a_step_up_that_was_due():
    link = [(10.1, 1.2), (10.3, 20.0), (9e9, 0.6)]
    v = live(rtc(pictures=THREE, react_s=0.2), link, until=60.0)
    assert switches(v) == [(0.0, 1), (pytest.approx(10.5), 2)]


# --- what viewers notice -------------------------------------------------------------------------


def test_flv_buffer_is_in_seconds_and_survives_a_switch():
    v = live(flv(pictures=THREE, catch_up=1.5), [(20.3, 20.0), (9e9, 1.5)], until=60.0)
    held = v.at(Change.EDGE).lag
    down = v.at(Change.LAYER)
    # 0.7 s of three quarters of what the old picture needs, then half as much again as the new.
    assert (down.t, down.b) == (21.0, pytest.approx(held - 0.7 / 4))
    assert down.lag == pytest.approx(held)
    assert v.at(Change.EDGE, 1).t == pytest.approx(21 + 0.7 / 4 / 0.5)
    assert v.buffer_s == v.lag == pytest.approx(held)
    assert v.frozen_s == 0


def test_media_is_metered_at_the_picture_it_came_with():
    v = live(flv(pictures=THREE, start_s=1.0), [(20.0, 20.0), (9e9, 1.2)], until=60.0)
    seconds = v.got_s
    assert v.shown_s + v.buffer_s == pytest.approx(seconds)
    # Between 20 and 21 the old picture comes at 1.2 Mbps; all that is fetched after it is 1 Mbps.
    before = v.at(Change.LAYER).got * 2.0
    assert v.media_mb == pytest.approx(before + (seconds - before / 2.0) * 1.0)


@pytest.mark.parametrize(("react", "frozen"), [(0.3, 0.0), (0.6, 0.0), (1.0, 0.76)])
def test_rtc_survives_a_fall_by_stepping_down_in_its_grace(react, frozen):
    """0.4 s of buffer at 1.15 of 2 Mbps last 0.94 s; a keyframe every second."""
    v = live(rtc(pictures=THREE, react_s=react), [(10.3, 20.0), (9e9, 1.15)], until=60.0)
    assert v.frozen_s == pytest.approx(frozen, abs=0.005)
    assert v.state == State.PLAYING


def test_link_below_the_smallest_picture_freezes_it_not_sound():
    link = [(10.3, 20.0), (9e9, 0.3)]
    frozen = live(rtc(pictures=THREE, react_s=0.1), link, until=60.0)
    assert frozen.state == State.STALLED and frozen.frozen_s > 45
    heard = live(rtc(pictures=WITH_SOUND, react_s=0.1), link, until=60.0)
    assert heard.state == State.PLAYING and heard.frozen_s == 0
    assert heard.audio_s == pytest.approx(60 - 10.4)


def test_hd_and_sound_only_seconds_are_those_of_their_pictures():
    link = [(20.0, 20.0), (30.0, 1.5), (45.0, 0.1), (9e9, 20.0)]
    v = live(flv(pictures=WITH_SOUND), link, until=100.0)
    assert switches(v) == [(0.0, 0), (21.0, 1), (31.0, 3), (46.0, 0)]
    assert v.frozen_s == 0
    assert v.audio_s == pytest.approx(15)
    assert v.hd_s == pytest.approx(v.play_s - 25)


@given(rundown=st.floats(1.0, 1.5))
def test_watch_intention_runs_down_faster_below_hd(rundown):
    v = live(
        flv(pictures=WITH_SOUND, sd_rundown=rundown), LINK, until=60.0, intention_left_s=1000.0
    )
    below = v.play_s - v.hd_s
    assert below == pytest.approx(30)
    assert 1000 - v.intention_left_s == pytest.approx(60 + (rundown - 1) * below)


def test_intention_that_ends_below_hd_ends_sooner():
    v = live(flv(pictures=THREE, sd_rundown=1.25), 1.2, until=1000.0, intention_left_s=101.0)
    start = v.startup_s
    assert v.log["t"][-1] == pytest.approx(start + (101 - start) / 1.25)
