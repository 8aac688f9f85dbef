"""UDP push with repetition on request (NACK), as an SFU sends a room.

A frame's packets are spread over its time; each goes to one viewer after another, in the order of
the room or in a new order each time, as where packets of many rooms are mixed.
"""

from __future__ import annotations

import math
import random
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tests.field.bed import viewer_address
from tests.field.show import FRAMES_PER_S, Kind, Show

PORT = 5004
CONTENT_BYTES = 1160
"""Of a full packet, so that nothing is cut up on the way."""
HEAD = struct.Struct("!IB")
"""Number of the packet in the show; whether it is a repetition."""
WIRE_BYTES = HEAD.size + 42
"""Headers of a packet: ours, UDP, IP, Ethernet."""
KEPT_PACKETS = 20_000
TICK_S = 0.005
MOST_ASKED = 256
"""Repetitions asked for in one packet."""
HELLO = b"hello"


@dataclass(frozen=True)
class Push:
    """How losses are answered."""

    loss_order: str  # fixed | random
    nack_interval_s: float  # until a packet is asked for again
    nack_for_s: float  # a packet older than that is given up
    rtx_max: float  # repetitions sent a packet sent, over a second


class Packet(NamedTuple):
    """A packet of the show; its place among them is its number."""

    frame: int
    kind: Kind
    content_bytes: int


@dataclass
class Sent:
    """What the sender did."""

    packets: list[Packet] = field(default_factory=list)
    joined: dict[str, int] = field(default_factory=dict)  # first packet to each viewer's address
    first: int = 0
    again: int = 0
    refused: int = 0  # repetitions beyond rtx_max
    late_s: float = 0.0
    worked_s: float = 0.0


@dataclass
class Member:
    """A viewer of the room: where they are, and how many repetitions they may still get."""

    address: tuple[str, int]
    allowance: float = 0.0


def packets_of(show: Show, frame: int) -> list[tuple[Kind, int]]:
    """Kind and content of the packets of a frame's time, in bytes: as even as they can be."""
    packets = []
    for tag in show.tags(frame):
        count = math.ceil(tag.content_bytes / CONTENT_BYTES)
        even, more = divmod(tag.content_bytes, count)
        packets += [(tag.kind, even + (n < more)) for n in range(count)]
    return packets


def in_order(members: int, order: str, chance: random.Random) -> Sequence[int]:
    """Which of the room's members is sent a packet first, second, and so on."""
    if order == "fixed":
        return range(members)
    return chance.sample(range(members), members)


class Sender:
    """Sends one show from `began_s` to who has said hello."""

    def __init__(self, sock: socket.socket, show: Show, push: Push, began_s: float):
        self.sock, self.show, self.push, self.began_s = sock, show, push, began_s
        self.room: dict[tuple[str, int], Member] = {}
        self.kept: deque[bytes] = deque(maxlen=KEPT_PACKETS)
        self.sent = Sent()
        self.chance = random.Random(1)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        packets_a_s = len([0 for n in range(show.group) for _ in packets_of(show, n)]) / show.gop_s
        self.most_allowed = max(1.0, push.rtx_max * packets_a_s)

    def run(self, until_s: float) -> Sent:
        frame = 0
        while self.began_s + frame / FRAMES_PER_S < until_s:
            packets = packets_of(self.show, frame)
            for n, (kind, content_bytes) in enumerate(packets):
                due_s = self.began_s + (frame + n / len(packets)) / FRAMES_PER_S
                self._answer_until(due_s)
                self.sent.late_s = max(self.sent.late_s, time.monotonic() - due_s)
                self._send_all(frame, kind, content_bytes)
            frame += 1
        self.sent.worked_s = time.process_time()
        return self.sent

    def _send_all(self, frame: int, kind: Kind, content_bytes: int) -> None:
        packet = HEAD.pack(len(self.sent.packets), 0) + bytes(content_bytes)
        self.sent.packets.append(Packet(frame, kind, content_bytes))
        self.kept.append(packet)
        room = list(self.room.values())
        for n in in_order(len(room), self.push.loss_order, self.chance):
            self.sock.sendto(packet, room[n].address)
            room[n].allowance = min(self.most_allowed, room[n].allowance + self.push.rtx_max)
        self.sent.first += len(room)

    def _answer_until(self, due_s: float) -> None:
        while True:
            wait_s = due_s - time.monotonic()
            if not select.select([self.sock], [], [], max(0.0, wait_s))[0]:
                return
            said, address = self.sock.recvfrom(2048)
            if said == HELLO:
                self.room.setdefault(address, Member(address))
                self.sent.joined.setdefault(address[0], len(self.sent.packets))
            elif address in self.room:
                self._repeat(self.room[address], said)
            if wait_s <= 0:
                return

    def _repeat(self, member: Member, asked: bytes) -> None:
        oldest = len(self.sent.packets) - len(self.kept)
        for (number,) in struct.iter_unpack("!I", asked):
            if number < oldest:
                continue
            if member.allowance < 1:
                self.sent.refused += 1
                continue
            member.allowance -= 1
            packet = self.kept[number - oldest]
            self.sock.sendto(HEAD.pack(number, 1) + packet[HEAD.size :], member.address)
            self.sent.again += 1


@dataclass
class PushLog:
    """What one viewer got. `came`: (arrived_s, number, again)."""

    viewer: int
    tap_s: float
    came: list[tuple[float, int, int]] = field(default_factory=list)


@dataclass
class PushSeen:
    logs: list[PushLog]
    late_s: float = 0.0
    worked_s: float = 0.0


class Gaps:
    """Numbers that didn't come: asked for at once, then every `nack_interval_s`, until given up."""

    def __init__(self, push: Push):
        self.push = push
        self.next_number: int | None = None
        self.missing: dict[int, tuple[float, float]] = {}  # first missed, to be asked for

    def take(self, number: int, now_s: float) -> bool:
        """Whether a later one came before it: a repetition, where nothing overtakes."""
        if self.next_number is None:
            self.next_number = number
        for missed in range(self.next_number, number):
            self.missing[missed] = (now_s, now_s)
        self.missing.pop(number, None)
        is_late = number < self.next_number
        self.next_number = max(self.next_number, number + 1)
        return is_late

    def due(self, now_s: float) -> list[int]:
        """To be asked for now."""
        due = [number for number, (_, ask_s) in self.missing.items() if ask_s <= now_s]
        for number in due:
            first_s = self.missing[number][0]
            if now_s - first_s > self.push.nack_for_s:
                del self.missing[number]
            else:
                self.missing[number] = (first_s, now_s + self.push.nack_interval_s)
        return [number for number in due if number in self.missing]


class Client(Protocol):
    """One viewer's side of a room. Making one joins it."""

    sock: socket.socket

    def hear(self) -> None: ...

    def speak(self, now_s: float) -> None: ...


class Listener:
    """A client of `Sender`."""

    def __init__(self, server: tuple[str, int], push: Push, log: PushLog):
        self.sock, self.server, self.log = viewer_socket(log.viewer), server, log
        self.gaps = Gaps(push)
        self.sock.sendto(HELLO, server)

    def hear(self) -> None:
        try:
            while True:
                packet = self.sock.recv(2048)
                now_s = time.monotonic()
                number, again = HEAD.unpack_from(packet)
                self.log.came.append((now_s, number, again))
                self.gaps.take(number, now_s)
        except BlockingIOError:
            pass

    def speak(self, now_s: float) -> None:
        asked = self.gaps.due(now_s)
        for at in range(0, len(asked), MOST_ASKED):
            part = asked[at : at + MOST_ASKED]
            self.sock.sendto(struct.pack(f"!{len(part)}I", *part), self.server)


def viewer_socket(viewer: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind((viewer_address(viewer), PORT))
    return sock


def listen(join: Callable[[PushLog], Client], taps_s: Sequence[float], until_s: float) -> PushSeen:
    """Every viewer joins at their tap and stays. To be called on the viewers' host."""
    seen = PushSeen([PushLog(n, tap_s) for n, tap_s in enumerate(taps_s)])
    coming = sorted(seen.logs, key=lambda log: log.tap_s, reverse=True)
    poll = select.epoll()
    clients: dict[int, Client] = {}
    next_s = time.monotonic()
    while (now_s := time.monotonic()) < until_s:
        if now_s >= next_s:
            seen.late_s = max(seen.late_s, now_s - next_s)
            next_s = now_s + TICK_S
            for client in clients.values():
                client.speak(now_s)
        while coming and coming[-1].tap_s <= now_s:
            client = join(coming.pop())
            clients[client.sock.fileno()] = client
            poll.register(client.sock, select.EPOLLIN)
        for file, _ in poll.poll(max(0.0, next_s - now_s)):
            clients[file].hear()
    seen.worked_s = time.process_time()
    return seen
