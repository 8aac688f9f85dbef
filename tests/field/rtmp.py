"""The player's side of RTMP, as far as watching one stream goes (Adobe, RTMP 1.0)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.field.show import Kind
from tests.field.viewers import flv_kind

APPLICATION, STREAM = "live", "show"
_HANDSHAKE_BYTES = 1536
_HEADER_BYTES = (11, 7, 3, 0)
"""Of a chunk's message header, by its format."""
_SET_CHUNK_BYTES, _COMMAND = 1, 20
_NO_BUFFER_LIMIT = -2000.0
"""Of play: live, or nothing."""


@dataclass
class Stream:
    """A chunk stream: the header its next chunk may leave out, and its message so far."""

    media_ms: int = 0
    step_ms: int = 0
    size: int = 0
    kind: int = 0
    body: bytearray = field(default_factory=bytearray)


class RtmpReader:
    """Says what a player says, and gives the frames it is sent."""

    def __init__(self) -> None:
        self.rest = bytearray()
        self.to_say = b""
        self.greeted = False
        self.chunk_bytes = 128
        self.streams: dict[int, Stream] = {}

    def greeting(self) -> bytes:
        return b"\x03" + bytes(_HANDSHAKE_BYTES)

    def answers(self) -> bytes:
        said, self.to_say = self.to_say, b""
        return said

    def feed(self, data: bytes) -> Iterator[tuple[int, Kind, int]]:
        self.rest += data
        if not self.greeted:
            if len(self.rest) < 1 + 2 * _HANDSHAKE_BYTES:
                return
            self.to_say = bytes(self.rest[1 : 1 + _HANDSHAKE_BYTES]) + _connect()
            del self.rest[: 1 + 2 * _HANDSHAKE_BYTES]
            self.greeted = True
        while (stream := self._chunk()) is not None:
            if len(stream.body) < stream.size:
                continue
            body, stream.body = bytes(stream.body), bytearray()
            if stream.kind in (8, 9) and len(body) > 1 and body[1] != 0:  # 0: a codec's settings
                yield stream.media_ms, flv_kind(stream.kind, body[0]), len(body)
            elif stream.kind == _SET_CHUNK_BYTES:
                self.chunk_bytes = int.from_bytes(body[:4], "big")
            elif stream.kind == _COMMAND:
                self._command(body)

    def _chunk(self) -> Stream | None:
        """The stream of the next chunk, with its content added; None if it isn't all there."""
        rest = self.rest
        if not rest:
            return None
        form, number, at = rest[0] >> 6, rest[0] & 0x3F, 1
        if number == 0:  # numbers from 64 on follow in a byte
            if len(rest) < 2:
                return None
            number, at = 64 + rest[1], 2
        body_at = at + _HEADER_BYTES[form]
        if len(rest) < body_at:
            return None
        stream = self.streams.setdefault(number, Stream())
        kind, size, step_ms = stream.kind, stream.size, stream.step_ms
        if form < 3:
            step_ms = int.from_bytes(rest[at : at + 3], "big")
        if form < 2:
            size, kind = int.from_bytes(rest[at + 3 : at + 6], "big"), rest[at + 6]
        take = min(self.chunk_bytes, size - len(stream.body))
        if len(rest) < body_at + take:
            return None
        if not stream.body:  # the first chunk of a message
            stream.media_ms = step_ms if form == 0 else stream.media_ms + step_ms
        stream.kind, stream.size, stream.step_ms = kind, size, step_ms
        stream.body += rest[body_at : body_at + take]
        del rest[: body_at + take]
        return stream

    def _command(self, body: bytes) -> None:
        """`_result` of connect (1) and of createStream (2): on to the next step."""
        if not body.startswith(_text("_result")):
            return
        number = struct.unpack(">d", body[11:19])[0]
        if number == 1:
            self.to_say += _message(3, 0, _text("createStream") + _number(2) + b"\x05")
        elif number == 2:
            play = _text("play") + _number(0) + b"\x05" + _text(STREAM) + _number(_NO_BUFFER_LIMIT)
            self.to_say += _message(8, 1, play)


def _connect() -> bytes:
    asked = {"app": APPLICATION, "tcUrl": f"rtmp://live/{APPLICATION}", "flashVer": "LNX 9,0,124,2"}
    pairs = b"".join(_bare(key) + _text(value) for key, value in asked.items())
    return _message(3, 0, _text("connect") + _number(1) + b"\x03" + pairs + b"\0\0\x09")


def _bare(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def _text(text: str) -> bytes:
    return b"\x02" + _bare(text)


def _number(number: float) -> bytes:
    return b"\0" + struct.pack(">d", number)


def _message(chunk_stream: int, stream: int, body: bytes) -> bytes:
    """A command in chunks of 128 bytes, what both sides begin with."""
    head = bytes([chunk_stream]) + bytes(3) + len(body).to_bytes(3, "big")
    head += bytes([_COMMAND]) + stream.to_bytes(4, "little")
    pieces = [body[at : at + 128] for at in range(0, len(body), 128)]
    return head + bytes([0xC0 | chunk_stream]).join(pieces)
