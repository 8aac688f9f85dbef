"""Replays what a room got through an RTC player: a frame is shown at its time, or never.

A frame must be whole when the jitter buffer is spent. After one that isn't, the picture is frozen
until the next key frame that is; the sound goes on packet by packet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.field.player import FRAME_S, MERGED_S, STALL_S
from tests.field.show import FRAMES_PER_S, Kind
from tests.field.udp import Packet


@dataclass(frozen=True)
class PushPlay:
    """Shares are of what was sent since the first key frame after the viewer joined."""

    startup_s: float  # from the tap to the first key frame that is whole; NaN without one
    picture_dead: float
    sound_dead: float
    freezes: int
    stall_ratio: float  # of the frames from the first one shown on; NaN without one
    stalls: int  # by the rule that the other players follow
    loss: float  # of the content of first sendings, as the model's loads are bits
    frame_delays_s: tuple[float, ...]  # from the frame's time until it was whole, where it was


def replay_push(
    came: Sequence[tuple[float, int, int]],
    packets: Sequence[Packet],
    first: int,
    tap_s: float,
    began_s: float,
    jitter_buffer_s: float,
) -> PushPlay:
    """`came`: (arrived_s, number, again); `first`: number of the first packet sent to them."""
    whole_s = _whole_s(came, packets, first)
    joined, ended = packets[first].frame, packets[-1].frame  # of these frames some packets may lack
    begins = min(
        (frame for frame, kind in whole_s if kind is Kind.KEY and frame > joined), default=ended
    )
    delays_s = {
        key: whole_s[key] - (began_s + key[0] / FRAMES_PER_S)
        for key in sorted(whole_s)
        if begins <= key[0] < ended
    }
    sounds = [s <= jitter_buffer_s for (_, kind), s in delays_s.items() if kind is Kind.SOUND]
    pictures = {key: s for key, s in delays_s.items() if key[1] is not Kind.SOUND}
    shown = _shown(pictures, jitter_buffer_s)
    seen = [key for key, is_shown in zip(pictures, shown, strict=True) if is_shown]
    sent_bytes = sum(packet.content_bytes for packet in packets[first:])
    got = {number for _, number, again in came if not again and number < len(packets)}
    got_bytes = sum(packets[number].content_bytes for number in got)
    return PushPlay(
        startup_s=whole_s[seen[0]] - tap_s if seen else math.nan,
        picture_dead=1 - len(seen) / len(shown) if shown else math.nan,
        sound_dead=1 - sum(sounds) / len(sounds) if sounds else math.nan,
        freezes=sum(was and not now for was, now in pairwise(shown)),
        stall_ratio=_stall_ratio(shown),
        stalls=_stalls(shown),
        loss=1 - got_bytes / sent_bytes,
        frame_delays_s=tuple(s for s in pictures.values() if math.isfinite(s)),
    )


def _shown(delays_s: Mapping[tuple[int, Kind], float], jitter_buffer_s: float) -> list[bool]:
    """Of each frame in its order: on time, and so was all it builds on."""
    shown: list[bool] = []
    for (_, kind), delay_s in delays_s.items():
        builds_on = kind is Kind.KEY or (bool(shown) and shown[-1])
        shown.append(builds_on and delay_s <= jitter_buffer_s)
    return shown


def _stall_ratio(shown: Sequence[bool]) -> float:
    since = shown[shown.index(True) :] if True in shown else []
    return 1 - sum(since) / len(since) if since else math.nan


def _stalls(shown: Sequence[bool]) -> int:
    """Freezes with less than MERGED_S of play between them are one; it counts from STALL_S on."""
    frozen_s, played_s, stalls = 0.0, math.inf, 0
    for is_shown in shown[shown.index(True) :] if True in shown else []:
        if is_shown:
            played_s += FRAME_S
            continue
        if played_s >= MERGED_S:
            stalls, frozen_s = stalls + (frozen_s >= STALL_S), 0.0
        frozen_s, played_s = frozen_s + FRAME_S, 0.0
    return stalls + (frozen_s >= STALL_S)


def _whole_s(
    came: Sequence[tuple[float, int, int]], packets: Sequence[Packet], first: int
) -> dict[tuple[int, Kind], float]:
    """When each frame's last missing packet arrived; infinity where one never did."""
    needed = Counter((packet.frame, packet.kind) for packet in packets[first:])
    whole_s = dict.fromkeys(needed, math.inf)
    had: set[int] = set()
    for arrived_s, number, _ in came:
        if number not in had and number < len(packets):
            had.add(number)
            key = packets[number].frame, packets[number].kind
            needed[key] -= 1
            if needed[key] == 0:
                whole_s[key] = arrived_s
    return whole_s
