"""Replays what a room got through an RTC player: a frame is shown at its time, or never.

A frame must be whole when the jitter buffer is spent. After one that isn't, the picture is frozen
until the next key frame that is; the sound goes on packet by packet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.field.show import FRAMES_PER_S, Kind

Packets = Sequence[tuple[int, Kind]]


@dataclass(frozen=True)
class PushPlay:
    startup_s: float  # from the tap to the first key frame that is whole; NaN without one
    picture_dead: float  # share of the frames after it
    sound_dead: float
    freezes: int
    loss: float  # of first sendings
    frame_delays_s: tuple[float, ...]  # from the frame's time until it was whole, where it was


def replay_push(
    came: Sequence[tuple[float, int, int]],
    packets: Packets,
    tap_s: float,
    began_s: float,
    jitter_buffer_s: float,
) -> PushPlay:
    """`packets`: frame and kind of every packet sent until the end, by its number."""
    if not came:
        return PushPlay(math.nan, math.nan, math.nan, 0, math.nan, ())
    first = min(number for _, number, _ in came)
    whole_s = _whole_s(came, packets, first)
    begins = packets[first][0] + 1  # of that frame the first packets may have gone before they came
    ends = packets[-1][0]  # it may lack its last ones
    pictures = [(frame, kind) for frame, kind in whole_s if kind is not Kind.SOUND]
    pictures = sorted(key for key in pictures if begins <= key[0] < ends)
    shown, freezes, started_s, broken = 0, 0, math.nan, True
    of, delays_s = 0, []
    for frame, kind in pictures:
        delay_s = whole_s[frame, kind] - (began_s + frame / FRAMES_PER_S)
        on_time = delay_s <= jitter_buffer_s
        if math.isfinite(delay_s):
            delays_s.append(delay_s)
        before, broken = broken, not (on_time and (kind is Kind.KEY or not broken))
        if not broken and math.isnan(started_s):
            started_s = whole_s[frame, kind] - tap_s
        if not math.isnan(started_s):
            of += 1
            shown += not broken
            freezes += broken and not before
    sounds = [
        whole_s[key] - (began_s + key[0] / FRAMES_PER_S) <= jitter_buffer_s
        for key in whole_s
        if key[1] is Kind.SOUND and begins <= key[0] < ends
    ]
    got = len({number for _, number, again in came if not again and number > first})
    return PushPlay(
        startup_s=started_s,
        picture_dead=1 - shown / of if of else math.nan,
        sound_dead=1 - sum(sounds) / len(sounds) if sounds else math.nan,
        freezes=freezes,
        loss=1 - got / max(1, len(packets) - 1 - first),
        frame_delays_s=tuple(delays_s),
    )


def _whole_s(
    came: Sequence[tuple[float, int, int]], packets: Packets, first: int
) -> dict[tuple[int, Kind], float]:
    """When each frame's last missing packet arrived; infinity where one never did."""
    needed = Counter(packets[first:])
    whole_s = dict.fromkeys(needed, math.inf)
    had: set[int] = set()
    for arrived_s, number, _ in came:
        if number not in had and number < len(packets):
            had.add(number)
            needed[packets[number]] -= 1
            if needed[packets[number]] == 0:
                whole_s[packets[number]] = arrived_s
    return whole_s
