"""A WebRTC viewer as far as a room without encryption needs one: STUN, RTP, NACK.

RFC 8489 (STUN), 8445 (ICE, the controlling side of a lite agent), 3550 (RTP), 4585 (NACK).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tests.field.udp import HEAD, Gaps, Push, PushLog, viewer_socket

VIDEO_TYPE, SOUND_TYPE = 96, 111
"""Payload types."""
HEADER = struct.Struct("!BBHII")
CHECK_S, CONSENT_S = 0.1, 2.0
"""Between checks of the way until something comes, and from then on."""
REPORT_S = 1.0
OUR_NAME, OUR_SECRET = "peak", "peakcast/peakcast/peakcast"
_COOKIE = 0x2112A442
_BINDING, _BINDING_ANSWER = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _PRIORITY, _USE, _CONTROLLING = 0x0006, 0x0008, 0x0024, 0x0025, 0x802A
_SEEN_FROM, _FINGERPRINT, _FINGERPRINT_MASK = 0x0020, 0x8028, 0x5354554E
_NACK, _REPORT = 0x81CD, 0x81C9
"""First two bytes: version 2, and format 1 of type 205; one block of type 201."""
_SENDER_REPORT = 200


@dataclass(frozen=True)
class Ticket:
    """Where a viewer finds their stream, and the server's name and secret there."""

    server: tuple[str, int]
    their_name: str
    their_secret: str


def rtp(payload_type: int, number: int, time_stamp: int, is_last: bool, content: bytes) -> bytes:
    mark = payload_type | (0x80 if is_last else 0)
    return HEADER.pack(0x80, mark, number & 0xFFFF, time_stamp & 0xFFFFFFFF, payload_type) + content


def check(ticket: Ticket) -> bytes:
    """A binding request that also nominates the way it goes."""
    return _stun(
        _BINDING,
        os.urandom(12),
        ticket.their_secret,
        _attribute(_USERNAME, f"{ticket.their_name}:{OUR_NAME}".encode())
        + _attribute(_PRIORITY, struct.pack("!I", 0x7EFFFFFF))
        + _attribute(_CONTROLLING, os.urandom(8))
        + _attribute(_USE, b""),
    )


def answer(request: bytes, address: tuple[str, int]) -> bytes:
    """To a binding request: from where it came. Even a lite agent asks."""
    host, port = struct.unpack("!I", socket.inet_aton(address[0]))[0], address[1]
    seen = struct.pack("!HHI", 1, port ^ _COOKIE >> 16, host ^ _COOKIE)
    return _stun(_BINDING_ANSWER, request[8:20], OUR_SECRET, _attribute(_SEEN_FROM, seen))


def _stun(kind: int, transaction: bytes, secret: str, body: bytes) -> bytes:
    """The message, signed and marked; its length counts what has been added so far."""

    def head(more_bytes: int) -> bytes:
        return struct.pack("!HHI", kind, len(body) + more_bytes, _COOKIE) + transaction

    signed = hmac.new(secret.encode(), head(24) + body, hashlib.sha1).digest()
    body += _attribute(_INTEGRITY, signed)
    mark = zlib.crc32(head(8) + body) ^ _FINGERPRINT_MASK
    return head(8) + body + _attribute(_FINGERPRINT, struct.pack("!I", mark))


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def nack(stream: int, numbers: Sequence[int]) -> bytes:
    """Each field asks for a packet and those of the sixteen after it that are missing too."""
    fields, left = [], sorted(numbers)
    while left:
        first = left[0]
        near = [number for number in left[1:] if number - first <= 16]
        fields.append((first & 0xFFFF, sum(1 << number - first - 1 for number in near)))
        left = left[1 + len(near) :]
    packed = b"".join(struct.pack("!HH", *field) for field in fields)
    return struct.pack("!HHII", _NACK, 2 + len(fields), 1, stream) + packed


def report(stream: int, highest: int, last_sr: int, since_s: float) -> bytes:
    """A receiver report: what a round trip is measured by, and nothing of losses.

    `last_sr`: the middle of the last sender report's time. Janus keeps nothing to repeat before it
    knows a round trip.
    """
    delay = round(since_s * 65536)
    return struct.pack("!HHIIIIIII", _REPORT, 7, 1, stream, 0, highest, 0, last_sr, delay)


class RtpListener:
    """A client of an SFU whose packets hold a packet of our room each."""

    def __init__(self, tickets: Sequence[Ticket], push: Push, log: PushLog):
        self.ticket, self.log = tickets[log.viewer], log
        self.sock = viewer_socket(log.viewer)
        self.gaps = Gaps(push)
        self.stream = 0
        self.highest = 0
        self.check_s = self.report_s = log.tap_s
        self.last_sr: tuple[int, float] | None = None  # of the picture: its time, when it came

    def hear(self) -> None:
        try:
            while True:
                packet, address = self.sock.recvfrom(2048)
                if packet[:2] == _BINDING.to_bytes(2, "big"):
                    self.sock.sendto(answer(packet, address), address)
                elif packet[1] == _SENDER_REPORT and packet[4:8] == self.stream.to_bytes(4, "big"):
                    self.last_sr = int.from_bytes(packet[10:14], "big"), time.monotonic()
                elif packet[0] >> 6 == 2 and packet[1] & 0x7F in (VIDEO_TYPE, SOUND_TYPE):
                    self._take(packet, time.monotonic())
        except BlockingIOError:
            pass

    def _take(self, packet: bytes, now_s: float) -> None:
        first, mark, low, _, stream = HEADER.unpack_from(packet)
        at = HEADER.size + 4 * (first & 0x0F)
        if first & 0x10:  # an extension
            at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
        again = False
        if mark & 0x7F == VIDEO_TYPE:  # nothing repeats a sound
            step = (low - self.highest + 0x8000 & 0xFFFF) - 0x8000
            number = self.highest + step if self.stream else low
            self.highest = max(self.highest, number) if self.stream else low
            self.stream = stream
            again = self.gaps.take(number, now_s)
        self.log.came.append((now_s, HEAD.unpack_from(packet, at)[0], int(again)))

    def speak(self, now_s: float) -> None:
        if now_s >= self.check_s:
            self.check_s = now_s + (CONSENT_S if self.log.came else CHECK_S)
            self.sock.sendto(check(self.ticket), self.ticket.server)
        if self.last_sr is not None and now_s >= self.report_s:
            self.report_s = now_s + REPORT_S
            last_sr, came_s = self.last_sr
            said = report(self.stream, self.highest & 0xFFFFFFFF, last_sr, now_s - came_s)
            self.sock.sendto(said, self.ticket.server)
        if asked := self.gaps.due(now_s):
            self.sock.sendto(nack(self.stream, asked), self.ticket.server)
