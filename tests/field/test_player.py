"""The replay of logged arrivals against closed forms; no socket, no namespace."""

from __future__ import annotations

import itertools
import math

import pytest

from tests.field.player import FRAME_S, Arrival, Player, replay
from tests.field.push_player import replay_push
from tests.field.show import FRAMES_PER_S, Kind, Show
from tests.field.udp import Packet

PLAYER = Player(start_buffer_s=1.0, resume_buffer_s=1.0, lag_limit_s=60.0, target_s=4.0)
GROUP = 50

pytestmark = pytest.mark.field


def arrivals(seconds: float, at_s, left_out=lambda _: False) -> list[Arrival]:
    """A picture and a sound a frame; `at_s` maps media seconds to arrival."""
    made: list[Arrival] = []
    for frame in range(round(seconds * FRAMES_PER_S)):
        kind = Kind.KEY if frame % GROUP == 0 else Kind.OTHER
        for of in (kind, Kind.SOUND):
            if not left_out((frame, of)):
                made.append((at_s(frame / FRAMES_PER_S), frame * 1000 // FRAMES_PER_S, of, 100))
    return made


def test_a_live_stream_never_stalls():
    """Media arrive as they are made: starts with a second of buffer, then plays on."""
    play = replay(arrivals(60, lambda media_s: media_s), 0.0, 59.0, 0.0, PLAYER)
    assert play.startup_s == pytest.approx(1.0, abs=2 * FRAME_S)
    assert play.stalls == 0 and play.frozen_s == 0.0
    assert play.lag_s == pytest.approx(1.0, abs=2 * FRAME_S)


@pytest.mark.parametrize("fill", [0.5, 0.8, 0.9])
def test_a_slow_stream_is_frozen_for_what_is_missing(fill):
    """At a share f of the bitrate 1 - f of the time is frozen: b/f of refill after b/(1 - f)."""
    player = Player(1.0, 1.0, lag_limit_s=1000.0, target_s=4.0)
    play = replay(arrivals(400, lambda media_s: media_s / fill), 0.0, 400.0, 0.0, player)
    cycle_s = 1 / fill + 1 / (1 - fill)
    assert play.stall_ratio == pytest.approx(1 - fill, abs=0.015)
    assert play.stalls == pytest.approx(400 / cycle_s, rel=0.06, abs=1)
    assert play.frozen_s + play.play_s + play.startup_s == pytest.approx(400.0)


def test_an_outage_freezes_for_its_length_less_the_buffer():
    """Four seconds of burst, then nothing for ten: frozen until a second is back."""

    def at_s(media_s: float) -> float:
        return max(0.0, media_s - 4) + (10.0 if media_s > 8 else 0.0)

    play = replay(arrivals(60, at_s), 0.0, 50.0, -4.0, PLAYER)
    assert play.frozen_s == pytest.approx(10 - 4 + 1, abs=0.1)
    assert play.stalls == 1
    assert play.startup_s == 0.0


def test_far_behind_the_player_skips_to_its_target():
    """Nothing from 5 to 30: 10 s behind at 15 and again at 23, each time on to 2 s behind."""
    player = Player(1.0, 1.0, lag_limit_s=10.0, target_s=2.0)

    def at_s(media_s: float) -> float:
        return 30.0 if 5 < media_s < 30 else media_s

    play = replay(arrivals(60, at_s), 0.0, 59.0, 0.0, player)
    assert play.skipped_s == pytest.approx(2 * 8.0, abs=0.2)
    assert play.lag_s < 10.0


def test_what_the_server_skips_is_passed_by_the_screen():
    """Ten seconds left out: nothing of them is shown, and the lag is less by them."""
    kept = arrivals(60, lambda media_s: media_s, lambda of: 500 <= of[0] < 750)
    play = replay(kept, 0.0, 59.0, 0.0, PLAYER)
    assert play.left_out_s == pytest.approx(10.0, abs=2 * FRAME_S)
    assert play.frozen_s == pytest.approx(10.0, abs=0.1)
    assert play.picture_missing_s == play.sound_missing_s == pytest.approx(0.0, abs=1e-9)


def test_a_skip_into_what_is_left_out_shows_what_follows():
    """Frozen with nothing from 5 to 20, skipped to 13, where nothing is: goes on at 16."""
    player = Player(1.0, 1.0, lag_limit_s=10.0, target_s=2.0)
    kept = arrivals(60, lambda media_s: max(media_s, 20.0) if media_s > 5 else media_s,
                    lambda of: 125 < of[0] < 400)  # fmt: skip
    play = replay(kept, 0.0, 59.0, 0.0, player)
    assert play.skipped_s == pytest.approx(8.0, abs=0.1)
    assert play.left_out_s == pytest.approx(16.0 - 13.0 - 0.0, abs=0.2)
    assert play.startup_s + play.play_s + play.frozen_s == pytest.approx(59.0)


def test_a_dropped_frame_costs_the_picture_until_the_next_key():
    """Frame 60 is left out: missing from there to key frame 100. The sound goes on."""
    kept = arrivals(20, lambda media_s: media_s, lambda of: of == (60, Kind.OTHER))
    play = replay(kept, 0.0, 19.0, 0.0, PLAYER)
    assert play.picture_missing_s == pytest.approx(40 * FRAME_S, abs=1e-3)
    assert play.sound_missing_s == 0.0 and play.frozen_s == 0.0


def test_short_freezes_are_no_stalls_and_near_ones_are_one():
    """Freezes of 0.4 s don't count; two of them with half a second between are one stall."""
    player = Player(0.04, 0.04, 60.0, 4.0)

    def late(*at: float):
        return lambda media_s: media_s + 0.4 * sum(media_s > bound for bound in at)

    alone = replay(arrivals(20, late(5.0, 12.0)), 0.0, 20.0, 0.0, player)
    near = replay(arrivals(20, late(5.0, 5.5)), 0.0, 20.0, 0.0, player)
    assert (alone.stalls, near.stalls) == (0, 1)
    assert alone.frozen_s == pytest.approx(near.frozen_s, abs=0.05)


def test_nobody_who_got_nothing_counts_as_playing():
    play = replay([], 0.0, 30.0, 0.0, PLAYER)
    assert math.isnan(play.startup_s) and math.isnan(play.stall_ratio)


PACKETS = [
    Packet(frame, kind, 100)
    for frame in range(500)
    for kind in (Kind.KEY if frame % GROUP == 0 else Kind.OTHER,) * 3 + (Kind.SOUND,)
]


def came(lost=(), again=()) -> list[tuple[float, int, int]]:
    got = [
        (frame / FRAMES_PER_S, n, 0) for n, (frame, *_) in enumerate(PACKETS) if n not in set(lost)
    ]
    return sorted([*got, *again])


def test_a_room_without_loss_shows_every_frame():
    play = replay_push(came(), PACKETS, 0, 0.0, 0.0, 0.3)
    assert (play.picture_dead, play.sound_dead, play.freezes, play.loss) == (0.0, 0.0, 0, 0.0)


def test_a_lost_packet_costs_the_picture_until_the_next_key():
    """A packet of frame 110 of frames 50 to 498: forty dead until key frame 150."""
    play = replay_push(came(lost=[4 * 110 + 1]), PACKETS, 0, 0.0, 0.0, 0.3)
    assert play.picture_dead == pytest.approx(40 / 449)
    assert play.sound_dead == 0.0 and play.freezes == play.stalls == 1
    assert play.stall_ratio == pytest.approx(40 / 449)
    assert play.loss == pytest.approx(1 / 2000)


@pytest.mark.parametrize(("after_s", "dead"), [(0.2, False), (0.4, True)])
def test_a_repetition_helps_only_within_the_jitter_buffer(after_s, dead):
    number = 4 * 110 + 1
    again = [(110 / FRAMES_PER_S + after_s, number, 1)]
    play = replay_push(came(lost=[number], again=again), PACKETS, 0, 0.0, 0.0, 0.3)
    assert (play.picture_dead > 0) is dead


def test_a_group_holds_its_bitrate():
    """Tags with their headers add up to the rate, within a byte a frame for rounding."""
    for rate_mbps, gop_s in itertools.product((0.4, 0.8, 2.0), (1.0, 2.0)):
        show = Show(rate_mbps, gop_s)
        sent = sum(len(tag.flv) for frame in range(show.group) for tag in show.tags(frame))
        assert sent == pytest.approx(rate_mbps * 1e6 / 8 * gop_s, abs=2 * show.group)


def test_a_viewer_of_a_room_who_gets_nothing_sees_nothing():
    play = replay_push([], PACKETS, 0, 0.0, 0.0, 0.3)
    assert (play.picture_dead, play.sound_dead, play.loss) == (1.0, 1.0, 1.0)
    assert math.isnan(play.startup_s)
