"""One freeze rule for every path: near freezes are one episode, short ones are no stall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record import State
from tests.viewer.drive import flv, live, reference, rtc

# The reference player freezes exactly while its link is below 0.3 Mbps: freezes by hand.


def frozen_at(pieces, tail=100.0):
    """A link with (play, freeze) seconds in turn."""
    link, t = [], 0.0
    for play, freeze in pieces:
        link += [(t + play, 2.0), (t + play + freeze, 0.0)]
        t += play + freeze
    return [*link, (9e9, 2.0)], t + tail


def episodes(pieces, merge=1.0, threshold=0.5):
    """(stalls, seconds in them) by the rule, from the list of freezes."""
    merged = []
    for n, (play, freeze) in enumerate(pieces):
        if n > 0 and play < merge:
            merged[-1] += freeze
        else:
            merged.append(freeze)
    long = [s for s in merged if s >= threshold]
    return len(long), sum(long)


def watch(pieces, **keys):
    link, end = frozen_at(pieces)
    return live(reference(**keys), link, until=end + 1, exit_s=end)


@pytest.mark.parametrize(
    ("pieces", "stalls", "seconds"),
    [
        ([(10, 0.4)], 0, 0),  # too short
        ([(10, 0.6)], 1, 0.6),
        ([(10, 0.4), (0.9, 0.4)], 1, 0.8),  # two short ones near each other
        ([(10, 0.4), (1.1, 0.4)], 0, 0),
        ([(10, 3), (0.5, 3), (0.5, 3)], 1, 9),
        ([(10, 3), (1.5, 3)], 2, 6),
        ([(10, 3), (1.5, 0.1), (0.5, 0.2)], 1, 3),
        ([(10, 0.3), (0.5, 0.1), (5, 0.6)], 1, 0.6),
    ],
)
def test_the_rule_by_hand(pieces, stalls, seconds):
    v = watch(pieces)
    assert (v.stalls, v.stall_s) == (stalls, pytest.approx(seconds))
    assert v.frozen_s == pytest.approx(sum(freeze for _, freeze in pieces))
    assert v.freezes == len(pieces)


tenths = st.integers(1, 40).map(lambda n: n / 10 + 0.03)  # never on a limit of the rule


@given(
    pieces=st.lists(st.tuples(tenths, tenths), max_size=15),
    merge=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    threshold=st.sampled_from([0.0, 0.2, 0.5, 2.0]),
)
def test_episodes_are_counted_by_the_rule(pieces, merge, threshold):
    v = watch(pieces, merge_s=merge, threshold_s=threshold)
    stalls, seconds = episodes(pieces, merge, threshold)
    assert (v.stalls, v.stall_s) == (stalls, pytest.approx(seconds))


def test_a_freeze_that_runs_at_the_end_counts():
    v = live(reference(), [(10.0, 2.0), (9e9, 0.0)], until=30.0, exit_s=20.0)
    assert (v.stalls, v.stall_s, v.frozen_s) == (1, 10, 10)


def test_so_does_one_in_which_the_viewer_leaves():
    v = live(flv(freeze_patience_s=5.0), [(50.0, 20.0), (9e9, 0.0)])
    assert v.state == State.GONE
    assert (v.stalls, v.stall_s) == (1, pytest.approx(v.frozen_s))


def test_the_start_is_no_freeze():
    v = live(flv(), [(30.0, 0.0), (9e9, 20.0)], until=100.0)
    assert (v.frozen_s, v.stalls, v.freezes) == (0, 0, 0)


def test_flv_stuttering_on_a_weak_link_has_one_long_episode():
    """If it plays less than a second between freezes."""
    # Half the bitrate: a second of media takes 2 s to fetch and plays 0.8 / (1 - 1/2) = 1.6 s.
    link = [(50.0, 20.0), (150.0, 1.0), (9e9, 20.0)]
    far = live(flv(resume_s=0.8), link, until=300.0, exit_s=300.5)
    near = live(flv(resume_s=0.4), link, until=300.0)
    assert far.freezes > 20 and far.stalls >= far.freezes - 1  # the link may end the last
    assert near.freezes > 20 and near.stalls == 0  # 0.8 s of play between: still one, still open
    ended = live(flv(resume_s=0.4), link, until=301.0, exit_s=300.0)
    assert ended.stalls == 1 and ended.stall_s == pytest.approx(ended.frozen_s)


def test_rtc_counts_the_wait_for_the_keyframe_as_frozen():
    v = live(rtc(gop_s=4.0), [(50.0, 20.0), (50.5, 0.0), (9e9, 20.0)], until=100.0, exit_s=99.0)
    # 0.4 s of grace, 0.1 s without, and up to the keyframe at 52 s.
    assert (v.stalls, v.stall_s) == (1, pytest.approx(1.6))


def test_a_freeze_after_coming_back_is_an_episode_of_its_own():
    # Out at 50.4 s; back, they play from 52.1 to 53.0 s: less than a second.
    p = rtc(freeze_patience_s=1.0, rejoin_share=1.0, backoff_s=[0.1])
    link = [(50.0, 20.0), (52.0, 0.0), (52.6, 20.0), (54.0, 0.0), (9e9, 20.0)]
    lives = [live(p, link, until=53.5, j=j) for j in range(40)]
    back = [v for v in lives if v.session == 2 and v.freezes == 2 and v.stalls > 0]
    assert len(back) > 5
    for v in back:
        assert v.since_freeze_s == 0 and v.state == State.STALLED
        first = v.frozen_s - v.episode_s
        assert (v.stalls, v.stall_s) == (1, pytest.approx(first))
        assert v.episode_s == pytest.approx(53.5 - v.log["t"][-1])


# --- the reference player -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mbps", "state", "hd"),
    [(0.29, State.STALLED, 0), (0.3, State.PLAYING, 0), (0.99, State.PLAYING, 0),
     (1.0, State.PLAYING, 50), (9.0, State.PLAYING, 50)],
)  # fmt: skip
def test_reference_freezes_below_0_3_mbps_and_is_hd_from_1(mbps, state, hd):
    v = live(reference(), mbps, until=50.0)
    assert (v.state, v.hd_s) == (state, hd)
    assert v.play_s + v.frozen_s == 50


def test_reference_shows_what_the_link_and_the_device_allow():
    """At a constant lag."""
    for link, d in ((1.5, 1.5), (9.0, 2.5)):
        v = live(reference(), link, until=50.0)
        assert v.media_mb == pytest.approx(50 * d)
        assert (v.lag, v.lag_s2 / v.play_s) == pytest.approx((0.5, 0.5))
