"""RTC: the buffer is a time of grace; after a freeze it waits for a keyframe and jumps to live."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record import State
from sim.viewer.viewer import Change, Phase
from tests.viewer.drive import AT_EDGE, live, rtc


def falls(at, mbps, back=None):
    link = [(at, 20.0), (back or 1e9, mbps)]
    return [*link, (1e9, 20.0)] if back else [*link, (1e9, mbps)]


@given(part=st.floats(0, 0.995), jitter=st.floats(0.2, 2))
def test_the_grace_time_is_the_jitter_buffer_over_the_shortfall(part, jitter):
    v = live(rtc(target_s=jitter), falls(50, 2.0 * part), until=1000.0)
    assert v.times(Change.EMPTY) == pytest.approx([50 + jitter / (1 - part)])


def test_a_fall_shorter_than_the_grace_is_not_seen():
    v = live(rtc(target_s=0.4), falls(50, 1.0, 50.7), until=100.0)
    assert v.frozen_s == 0 and v.buffer_s == v.lag == 0.4


def test_the_grace_is_less_until_the_buffer_has_filled_again():
    # 0.3 of 0.4 s are gone at 50.3; by 50.4 half a second a second has brought back 0.05.
    link = [(50.0, 20.0), (50.3, 0.0), (50.4, 20.0), (1e9, 0.0)]
    v = live(rtc(), link, until=100.0)
    assert v.times(Change.EMPTY) == pytest.approx([50.4 + 0.15])


@given(back=st.floats(51, 60), gop=st.floats(0.5, 4))
def test_it_resumes_at_the_first_keyframe_after_the_link_is_back(back, gop):
    v = live(rtc(gop_s=gop), falls(50, 0.5, back), until=200.0)
    [key] = [t for t in v.times(Change.KEYFRAME) if t > 40]
    assert key == pytest.approx((np.floor(back / gop) + 1) * gop)
    assert v.at(Change.KEYFRAME, 1).lag == 0.4
    assert v.at(Change.KEYFRAME, 1).b == 0
    assert v.frozen_s == pytest.approx(key - v.times(Change.EMPTY)[0])
    assert v.lag == 0.4


def test_picture_stays_frozen_if_link_fails_before_the_keyframe():
    link = [(50.0, 20.0), (55.1, 0.5), (55.9, 20.0), (57.5, 1.0), (1e9, 2.0)]
    v = live(rtc(gop_s=1.0), link, until=100.0)
    assert [t for t in v.times(Change.KEYFRAME) if t > 40] == [58.0]


@pytest.mark.parametrize("mbps", [0.0, 1.0, 1.99])
def test_it_stays_frozen_while_less_than_the_bitrate_comes(mbps):
    v = live(rtc(), falls(50, mbps), until=500.0)
    assert (v.state, v.phase) == (State.STALLED, Phase.KEYFRAME)
    assert len(v.times(Change.KEYFRAME)) == 1  # the one it started with


def test_just_the_bitrate_is_enough():
    v = live(rtc(), [(50.0, 20.0), (60.0, 0.0), (1e9, 2.0)], until=500.0)
    assert v.state == State.PLAYING
    assert v.buffer_s == 0  # and no grace is left


def test_what_comes_before_the_keyframe_is_thrown_away():
    v = live(rtc(gop_s=4.0), falls(50, 1.0, 60), until=500.0)
    frozen = 60 - v.times(Change.EMPTY)[0]
    # Half the bitrate until 60 s, then once and a half until the keyframe there is at 60 + 4.
    assert v.times(Change.KEYFRAME)[1] == 64
    assert v.thrown_s == pytest.approx(frozen * 0.5 + 4 * 1.5)


def test_rtc_skips_what_it_missed_and_is_no_later_than_target():
    v = live(rtc(gop_s=2.0), falls(50, 0.0, 60), until=500.0)
    assert v.skipped_s == pytest.approx(v.starting_s + v.frozen_s)
    assert v.log["lag"][v.log["state"] == State.PLAYING].max() == 0.4


def test_full_node_freezes_rtc_as_a_link_would_and_is_blamed():
    own = live(rtc(), falls(50, 1.0, 60), until=500.0)
    node = live(rtc(), 20.0, level=falls(50, 1.0, 60), until=500.0)
    assert node.frozen_s == own.frozen_s > 0
    assert node.lost_egress_s == own.lost_link_s == pytest.approx(3.0 * own.frozen_s)
    assert (own.lost_egress_s, node.lost_link_s, node.egress) == (0, 0, AT_EDGE)
