"""What the host sends: a picture in groups and a sound, at a constant bitrate.

Only sizes and times matter, so the content is zeros. All tags of a group add up to its bitrate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

FRAMES_PER_S = 25
SOUND_MBPS = 0.064
KEY_OVER_OTHER = 6.0
"""A key frame's size over another frame's, as encoders make it for talking people."""
FLV_TAG_BYTES = 15
"""Header of a tag and the size that follows it."""
KEY_MARK, OTHER_MARK, SOUND_MARK = b"\x17\x01\x00\x00\x00", b"\x27\x01\x00\x00\x00", b"\xaf\x01"
SEGMENT_BYTES, HEADERS_BYTES = 1448, 66
"""Content of a full TCP packet with time stamps; its Ethernet, IP and TCP headers."""
FLV_HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"


class Kind(IntEnum):
    KEY = 0
    OTHER = 1
    SOUND = 2


@dataclass(frozen=True)
class Tag:
    """A frame of picture or sound."""

    media_ms: int
    kind: Kind
    content_bytes: int

    @property
    def flv(self) -> bytes:
        mark = (KEY_MARK, OTHER_MARK, SOUND_MARK)[self.kind]
        body = mark.ljust(self.content_bytes, b"\0")
        head = bytes([8 if self.kind is Kind.SOUND else 9]) + len(body).to_bytes(3, "big")
        time = (self.media_ms & 0xFFFFFF).to_bytes(3, "big") + bytes([self.media_ms >> 24 & 0xFF])
        return head + time + b"\0\0\0" + body + (len(body) + 11).to_bytes(4, "big")


@dataclass(frozen=True)
class Show:
    """`rate_mbps`: picture and sound, tag headers included (what a CDN calls its bitrate)."""

    rate_mbps: float
    gop_s: float
    key_over_other: float = KEY_OVER_OTHER

    @property
    def group(self) -> int:
        """Frames of a group."""
        return round(self.gop_s * FRAMES_PER_S)

    def tags(self, frame: int) -> Iterator[Tag]:
        """The picture and the sound of this frame's time, the picture first."""
        media_ms = frame * 1000 // FRAMES_PER_S
        sound_bytes = SOUND_MBPS * 1e6 / 8 / FRAMES_PER_S
        picture_bytes = (self.rate_mbps * 1e6 / 8 / FRAMES_PER_S - sound_bytes) * self.group
        other_bytes = picture_bytes / (self.group - 1 + self.key_over_other)
        is_key = frame % self.group == 0
        size = other_bytes * self.key_over_other if is_key else other_bytes
        yield Tag(media_ms, Kind.KEY if is_key else Kind.OTHER, round(size) - FLV_TAG_BYTES)
        yield Tag(media_ms, Kind.SOUND, round(sound_bytes) - FLV_TAG_BYTES)

    @property
    def overhead(self) -> float:
        """Wire over media less 1 if each frame and its sound leave in as few packets as hold them.

        Smaller at higher bitrates, as the last packet of a frame is rarely full.
        """
        sent, headers = 0, 0
        for frame in range(self.group):
            size = sum(tag.content_bytes + FLV_TAG_BYTES for tag in self.tags(frame))
            sent += size
            headers += math.ceil(size / SEGMENT_BYTES) * HEADERS_BYTES
        return headers / sent
