"""The way back from the viewers, as long as a round trip: a queue by deadline in user space.

A kernel without netem has no delay of its own. All of a round trip is spent here, behind the
bottleneck and not in it; each viewer has a round trip of their own.
"""

from __future__ import annotations

import errno
import heapq
import os
import select
import socket
import time
from collections.abc import Mapping

MOST_READ = 64
"""Packets read in a row before the ones that are due are looked after again."""
SOURCE = slice(12, 16)
"""The sender's address in an IPv4 header."""


def forward(back_in: int, back_out: int, round_trip_s: Mapping[str, float]) -> None:
    """Pass packets on until the process is ended; `round_trip_s` by the viewer's address."""
    delay_s = {socket.inet_aton(address): after for address, after in round_trip_s.items()}
    waiting: list[tuple[float, int, bytes]] = []
    number = 0
    while True:
        now_s = time.monotonic()
        timeout_s = max(0.0, waiting[0][0] - now_s) if waiting else None
        if select.select([back_in], [], [], timeout_s)[0]:
            for packet in _read(back_in):
                number += 1  # ties stay in order
                due_s = time.monotonic() + delay_s.get(packet[SOURCE], 0.0)
                heapq.heappush(waiting, (due_s, number, packet))
        now_s = time.monotonic()
        while waiting and waiting[0][0] <= now_s:
            _write(back_out, heapq.heappop(waiting)[2])


def _read(file: int) -> list[bytes]:
    packets: list[bytes] = []
    try:
        while len(packets) < MOST_READ:
            packets.append(os.read(file, 2048))
    except BlockingIOError:
        pass
    return packets


def _write(file: int, packet: bytes) -> None:
    try:
        os.write(file, packet)
    except OSError as error:  # IPv6 of the kernel's own, or a full queue: lost, as on any link
        if error.errno not in (errno.EINVAL, errno.ENOBUFS, errno.EAGAIN, errno.EIO):
            raise
