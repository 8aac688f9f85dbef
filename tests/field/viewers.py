"""Viewers with real sockets, each at an address of their own: what arrives is logged, no more.

Nobody decodes or shows anything here; `player.py` replays the log. Times are monotonic seconds, the
same clock as the server's, so that a lag is a difference.
"""

from __future__ import annotations

import selectors
import socket
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.field.bed import viewer_address
from tests.field.flv import congestion
from tests.field.show import FLV_HEADER, Kind

MOST_READ = 1 << 16
TICK_S = 0.05
_FLV_SKIPPED = len(FLV_HEADER)


@dataclass
class Log:
    """What one viewer saw. `frames`: (arrived_s, media_ms, kind, bytes), whole frames only."""

    viewer: int
    tap_s: float
    connected_s: float = float("nan")
    first_byte_s: float = float("nan")
    frames: list[tuple[float, int, Kind, int]] = field(default_factory=list)
    read_s: array[float] = field(default_factory=lambda: array("d"))
    read_bytes: array[int] = field(default_factory=lambda: array("l"))
    failed: str = ""


@dataclass
class Seen:
    """What all viewers of a run saw, and how well their host kept up."""

    logs: list[Log]
    late_s: float
    worked_s: float  # of processor


class Reader(Protocol):
    """A protocol's client side: what to say at first, and the frames in what is heard."""

    def greeting(self) -> bytes: ...

    def feed(self, data: bytes) -> Iterator[tuple[int, Kind, int]]:
        """Frames that are now whole: media_ms, kind, bytes."""

    def answers(self) -> bytes:
        """What is to be said now."""


class FlvReader:
    """HTTP-FLV."""

    def __init__(self) -> None:
        self.rest = bytearray()
        self.began = False

    def greeting(self) -> bytes:
        return b"GET /live.flv HTTP/1.1\r\nHost: live\r\n\r\n"

    def answers(self) -> bytes:
        return b""

    def feed(self, data: bytes) -> Iterator[tuple[int, Kind, int]]:
        rest = self.rest
        rest += data
        at = 0
        if not self.began:
            end = rest.find(b"\r\n\r\n")
            if end < 0 or len(rest) < end + 4 + _FLV_SKIPPED:
                return
            self.began, at = True, end + 4 + _FLV_SKIPPED
        while len(rest) - at > 11:
            size = int.from_bytes(rest[at + 1 : at + 4], "big")
            if len(rest) - at < size + 15:
                break
            media_ms = int.from_bytes(rest[at + 4 : at + 7], "big") | rest[at + 7] << 24
            yield media_ms, flv_kind(rest[at], rest[at + 11]), size + 15
            at += size + 15
        del rest[:at]


def flv_kind(tag_type: int, first_byte: int) -> Kind:
    """Of a frame in FLV or RTMP, by its type and the first byte of its content."""
    if tag_type == 8:
        return Kind.SOUND
    return Kind.KEY if first_byte >> 4 == 1 else Kind.OTHER


@dataclass
class Session:
    sock: socket.socket
    reader: Reader
    log: Log


def watch(
    server: tuple[str, int],
    reader: type[Reader],
    taps_s: Sequence[float],
    until_s: float,
    control: str,
) -> Seen:
    """Every viewer joins at their tap and stays; `control`: congestion control of their own side.

    To be called on the viewers' host.
    """
    seen = Seen([Log(n, tap_s) for n, tap_s in enumerate(taps_s)], 0.0, 0.0)
    coming = sorted(seen.logs, key=lambda log: log.tap_s, reverse=True)
    selector = selectors.DefaultSelector()
    next_s = time.monotonic()
    while (now_s := time.monotonic()) < until_s:
        seen.late_s = max(seen.late_s, now_s - next_s)
        while coming and coming[-1].tap_s <= now_s:
            _join(selector, server, reader(), coming.pop(), control)
        next_s = min(now_s + TICK_S, until_s, coming[-1].tap_s if coming else until_s)
        for key, events in selector.select(max(0.0, next_s - now_s)):
            _serve(selector, key.data, events)
    for key in list(selector.get_map().values()):
        key.data.sock.close()
    seen.worked_s = time.process_time()
    return seen


def _join(
    selector: selectors.BaseSelector,
    server: tuple[str, int],
    reader: Reader,
    log: Log,
    control: str,
) -> None:
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    congestion(sock, control)
    sock.bind((viewer_address(log.viewer), 0))
    sock.connect_ex(server)
    selector.register(sock, selectors.EVENT_WRITE, Session(sock, reader, log))


def _serve(selector: selectors.BaseSelector, session: Session, events: int) -> None:
    sock, log = session.sock, session.log
    try:
        if events & selectors.EVENT_WRITE:
            sock.sendall(session.reader.greeting())
            log.connected_s = time.monotonic()
            selector.modify(sock, selectors.EVENT_READ, session)
            return
        data = sock.recv(MOST_READ)
        now_s = time.monotonic()
        if not data:
            raise ConnectionError("the server closed the connection")
        if not log.read_s:
            log.first_byte_s = now_s
        log.read_s.append(now_s)
        log.read_bytes.append(len(data))
        for media_ms, kind, size in session.reader.feed(data):
            log.frames.append((now_s, media_ms, kind, size))
        if answers := session.reader.answers():
            sock.sendall(answers)
    except OSError as error:
        log.failed = str(error)
        selector.unregister(sock)
        sock.close()
