"""Replays logged arrivals through the player's definition of the model (docs/model.md, Viewer).

Starting: plays at `start_buffer_s`. Playing: at 1. Frozen at an empty buffer: plays on at
`resume_buffer_s`; where the screen is `lag_limit_s` behind live, it skips to `target_s` behind.
What the server left out is skipped when the screen gets there: sound and picture go on with what
follows. A picture with a frame left out is missing until the next key frame; its sound is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.field.show import FRAMES_PER_S, Kind

FRAME_S = 1 / FRAMES_PER_S
LEFT_OUT_S = 0.25
"""Nothing of that much media: the screen jumps over it. Less is a rounded time or a lost frame."""
STALL_S, MERGED_S = 0.5, 1.0
"""conf/engine: freezes count from here, with less play than this between them they are one."""

Arrival = tuple[float, int, Kind, int]


@dataclass(frozen=True)
class Player:
    start_buffer_s: float
    resume_buffer_s: float
    lag_limit_s: float
    target_s: float

    def __post_init__(self) -> None:
        if self.lag_limit_s <= self.target_s:
            raise ValueError("a player that skips to its limit skips for ever")


@dataclass
class Play:
    """What a viewer saw. Times in seconds; NaN where nothing was ever shown."""

    startup_s: float = math.nan  # from the tap
    play_s: float = 0.0
    frozen_s: float = 0.0
    stalls: int = 0
    skipped_s: float = 0.0  # by the player
    left_out_s: float = 0.0  # by the server, and passed by the screen
    lag_s: float = math.nan  # mean while playing
    picture_missing_s: float = 0.0  # while the other one was there
    sound_missing_s: float = 0.0

    @property
    def stall_ratio(self) -> float:
        shown_s = self.play_s + self.frozen_s
        return self.frozen_s / shown_s if shown_s > 0 else math.nan


def replay(
    arrivals: Sequence[Arrival], tap_s: float, end_s: float, live_at_s: float, player: Player
) -> Play:
    """`live_at_s`: when the media of time 0 was live; all on the clock of the arrivals."""
    screen = _Screen(player, live_at_s, tap_s)
    for arrived_s, media_ms, _, _ in arrivals:
        if arrived_s > end_s:
            break
        screen.until(arrived_s)
        screen.take(media_ms / 1000)
    screen.until(end_s)
    screen.close_stall()
    seen = screen.seen
    left_out_s = passed_s(arrivals)
    seen.picture_missing_s = max(0.0, missing_s(arrivals, (Kind.KEY, Kind.OTHER)) - left_out_s)
    seen.sound_missing_s = max(0.0, missing_s(arrivals, (Kind.SOUND,)) - left_out_s)
    if seen.play_s > 0:
        seen.lag_s = screen.lag_s2 / seen.play_s
    return seen


class _Screen:
    """A screen between two arrivals. Media are intervals without a gap: (begins, ends)."""

    def __init__(self, player: Player, live_at_s: float, tap_s: float):
        self.player, self.live_at_s, self.tap_s = player, live_at_s, tap_s
        self.seen = Play()
        self.now_s = tap_s
        self.held: list[list[float]] = []
        self.at_s = math.nan  # media time on the screen
        self.playing = self.started = False
        self.lag_s2 = 0.0
        self.stall_s, self.since_s = 0.0, math.inf

    @property
    def lag_s(self) -> float:
        return self.now_s - self.live_at_s - self.at_s

    @property
    def buffer_s(self) -> float:
        return sum(ends - max(begins, self.at_s) for begins, ends in self.held if ends > self.at_s)

    def take(self, media_s: float) -> None:
        """A frame has come; its picture lasts until the next one's."""
        if not self.held:
            self.held.append([media_s, media_s])
            self.at_s = media_s
        ends_s = self.held[-1][1]
        if media_s > ends_s + LEFT_OUT_S:
            self.held.append([media_s, media_s + FRAME_S])
        else:
            self.held[-1][1] = max(ends_s, media_s + FRAME_S)
        enough_s = self.player.resume_buffer_s if self.started else self.player.start_buffer_s
        if not self.playing and self.buffer_s >= enough_s:
            self._play()

    def _play(self) -> None:
        if not self.started:
            self.seen.startup_s = self.now_s - self.tap_s
        self.playing = self.started = True

    def until(self, end_s: float) -> None:
        """Time goes on without an arrival."""
        while self.now_s < end_s:
            if self.playing:
                self._show(end_s)
            elif self.held:
                self._wait(end_s)
            else:
                self.now_s = end_s

    def _show(self, end_s: float) -> None:
        while self.at_s >= self.held[0][1] - 1e-9:
            if len(self.held) == 1:
                self._stop()
                return
            self.held.pop(0)
        left_out_s = max(0.0, self.held[0][0] - self.at_s)
        self.seen.left_out_s += left_out_s
        self.at_s += left_out_s
        for_s = min(end_s - self.now_s, self.held[0][1] - self.at_s)
        self.seen.play_s += for_s
        self.since_s += for_s
        self.lag_s2 += self.lag_s * for_s
        self.now_s += for_s
        self.at_s += for_s

    def _stop(self) -> None:
        if self.since_s >= MERGED_S:
            self.close_stall()
        self.playing, self.since_s = False, 0.0

    def close_stall(self) -> None:
        self.seen.stalls += self.stall_s >= STALL_S
        self.stall_s = 0.0

    def _wait(self, end_s: float) -> None:
        """For a buffer that is large enough, or until the screen is too far behind."""
        limit_s = self.now_s + max(0.0, self.player.lag_limit_s - self.lag_s)
        until_s = min(end_s, limit_s)
        if self.started:
            self.seen.frozen_s += until_s - self.now_s
            self.stall_s += until_s - self.now_s
        self.now_s = until_s
        if limit_s <= end_s and self.lag_s > self.player.target_s:
            skipped_s = self.lag_s - self.player.target_s
            self.seen.skipped_s += skipped_s
            self.at_s += skipped_s


def passed_s(arrivals: Sequence[Arrival]) -> float:
    """Media of which neither picture nor sound came, in pieces that the screen jumps over."""
    gaps_s = [(after[1] - before[1]) / 1000 - FRAME_S for before, after in pairwise(arrivals)]
    return sum(gap_s for gap_s in gaps_s if gap_s > LEFT_OUT_S)


def missing_s(arrivals: Sequence[Arrival], kinds: Sequence[Kind]) -> float:
    """Media without their picture (or sound): from a frame that is left out to one that helps.

    A picture is whole again with a key frame, a sound with any.
    """
    total_s, last_s, broken_s = 0.0, math.nan, math.nan
    for _, media_ms, kind, _ in arrivals:
        if kind not in kinds:
            continue
        media_s = media_ms / 1000
        if math.isnan(broken_s) and media_s > last_s + 1.5 * FRAME_S:
            broken_s = last_s + FRAME_S
        if not math.isnan(broken_s) and kind is not Kind.OTHER:
            total_s += media_s - broken_s
            broken_s = math.nan
        last_s = media_s
    return total_s + (last_s - broken_s if not math.isnan(broken_s) else 0.0)
