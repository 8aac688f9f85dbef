"""A plain HTTP-FLV server: a burst from the cached groups, then each frame as it is made.

What it does with a viewer who takes less than is made:
- fall_behind: nothing; frames wait, however many.
- drop_frames: the rule of nginx-rtmp (ngx_rtmp_send_message): of a queue of OUT_QUEUE messages,
  frames of the picture are dropped above half, key frames above three quarters, sound when full.
- skip: once the queue holds more than `skip_queue_s` it is thrown away, and the newest key frame
  and what follows it take its place.
What the kernel already holds can't be dropped or skipped.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass, field

from tests.field.show import FLV_HEADER, FRAMES_PER_S, Kind, Show, Tag

PORT = 8080
OUT_QUEUE = 256
"""Messages; nginx-rtmp's default out_queue."""
MOST_MESSAGES = (OUT_QUEUE * 3 // 4, OUT_QUEUE // 2, OUT_QUEUE)
"""Beyond these a key frame, another frame, sound is dropped."""
MOST_AT_ONCE = 16_384
"""Bytes given to the kernel in one piece: a frame and its sound, or a part of the burst."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n" + FLV_HEADER
Message = tuple[Tag, bytes]


@dataclass
class Service:
    """How a server treats its viewers."""

    policy: str  # fall_behind | drop_frames | skip
    congestion: str  # cubic | bbr | reno
    burst_s: float  # newest key frame at least this old; 0: the newest there is
    skip_queue_s: float = 4.0


@dataclass(eq=False)
class Customer:
    """One viewer's connection: what waits for them, and the rest of what is being sent."""

    sock: socket.socket
    queue: deque[Message] = field(default_factory=deque)
    rest: memoryview = field(default_factory=lambda: memoryview(b""))
    asked: bool = False


@dataclass
class Report:
    """What the server says of its own run."""

    late_s: float = 0.0  # the latest frame
    worked_s: float = 0.0  # of processor
    dropped: int = 0  # frames, by its policy


class Server:
    """Serves one show until `until_s` (monotonic). `began_s` is when its first frame was made."""

    def __init__(self, listener: socket.socket, show: Show, service: Service, began_s: float):
        self.show, self.service, self.began_s = show, service, began_s
        self.kept: deque[Message] = deque()
        self.customers: dict[socket.socket, Customer] = {}
        self.report = Report()
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ)

    def run(self, until_s: float) -> Report:
        frame = 0
        while (now_s := time.monotonic()) < until_s:
            while (due_s := self.began_s + frame / FRAMES_PER_S) <= now_s:
                self.report.late_s = max(self.report.late_s, now_s - due_s)
                self._make(frame)
                frame += 1
                now_s = time.monotonic()
            for key, events in self.selector.select(max(0.0, due_s - time.monotonic())):
                if key.fileobj is self.listener:
                    self._welcome()
                elif events & selectors.EVENT_READ:
                    self._hear(self.customers[key.fileobj])  # type: ignore[index]
                else:
                    self._send(self.customers[key.fileobj])  # type: ignore[index]
        for customer in list(self.customers.values()):
            self._dismiss(customer)
        self.report.worked_s = time.process_time()
        return self.report

    def _make(self, frame: int) -> None:
        made = [(tag, tag.flv) for tag in self.show.tags(frame)]
        self.kept.extend(made)
        oldest_ms = made[0][0].media_ms - 1000 * (self.service.burst_s + 2 * self.show.gop_s + 1)
        while self.kept[0][0].media_ms < oldest_ms:
            self.kept.popleft()
        for customer in [c for c in self.customers.values() if c.asked]:
            for message in made:
                self._offer(customer, message)
            self._send(customer)

    def _from_key(self, age_s: float) -> list[Message]:
        """Everything kept since the newest key frame of that age, or since the oldest key frame."""
        kept = list(self.kept)
        keys = [n for n, (tag, _) in enumerate(kept) if tag.kind is Kind.KEY]
        newest_ms = kept[-1][0].media_ms if kept else 0
        aged = [n for n in keys if newest_ms - kept[n][0].media_ms >= 1000 * age_s]
        return kept[(aged[-1] if aged else keys[0]) if keys else len(kept) :]

    def _offer(self, customer: Customer, message: Message) -> None:
        queue, tag = customer.queue, message[0]
        if self.service.policy == "drop_frames" and len(queue) >= MOST_MESSAGES[tag.kind]:
            self.report.dropped += 1
            return
        queue.append(message)
        queued_ms = tag.media_ms - queue[0][0].media_ms
        if self.service.policy == "skip" and queued_ms > 1000 * self.service.skip_queue_s:
            newer = self._from_key(0.0)
            self.report.dropped += len(queue) - len(newer)
            customer.queue = deque(newer)

    def _welcome(self) -> None:
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        congestion(sock, self.service.congestion)
        self.customers[sock] = Customer(sock)
        self.selector.register(sock, selectors.EVENT_READ)

    def _hear(self, customer: Customer) -> None:
        try:
            said = customer.sock.recv(4096)
        except OSError:
            said = b""
        if not said:
            self._dismiss(customer)
        elif not customer.asked:
            customer.asked, customer.rest = True, memoryview(ANSWER)
            customer.queue.extend(self._from_key(self.service.burst_s))
            self._send(customer)

    def _send(self, customer: Customer) -> None:
        """As much as the kernel takes; the rest when it has room again."""
        try:
            while customer.rest or customer.queue:
                if not customer.rest:
                    customer.rest = memoryview(_joined(customer.queue))
                customer.rest = customer.rest[customer.sock.send(customer.rest) :]
        except BlockingIOError:
            pass
        except OSError:
            self._dismiss(customer)
            return
        waits = bool(customer.rest or customer.queue)
        self._watch(customer.sock, selectors.EVENT_WRITE if waits else selectors.EVENT_READ)

    def _watch(self, sock: socket.socket, events: int) -> None:
        if self.selector.get_key(sock).events != events:
            self.selector.modify(sock, events)

    def _dismiss(self, customer: Customer) -> None:
        self.selector.unregister(customer.sock)
        del self.customers[customer.sock]
        customer.sock.close()


def _joined(queue: deque[Message]) -> bytes:
    """The first messages of a queue, few enough that the rest can still be dropped."""
    pieces, size = [], 0
    while queue and (size == 0 or size + len(queue[0][1]) <= MOST_AT_ONCE):
        pieces.append(queue.popleft()[1])
        size += len(pieces[-1])
    return b"".join(pieces)


def congestion(sock: socket.socket, name: str) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
