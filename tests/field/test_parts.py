"""Parts of the bed that need no namespace: readers, order of a room, shares, points, table."""

from __future__ import annotations

import hmac
import random
import socket
import struct
import zlib
from collections import Counter

import numpy as np
import pytest

from tests.field.flv import ANSWER, MOST_MESSAGES, Customer, Server, Service
from tests.field.points import POINTS
from tests.field.rtmp import RtmpReader
from tests.field.rtp import Ticket, check, nack
from tests.field.shares import WINDOW_S, received_mb, shares
from tests.field.show import FRAMES_PER_S, Kind, Show, Tag
from tests.field.table import read_rows, write_rows
from tests.field.udp import Gaps, Push, in_order, packets_of
from tests.field.viewers import FlvReader

SHOW = Show(0.8, 2.0)

pytestmark = pytest.mark.field


@pytest.mark.parametrize("piece", [1, 7, 1448, 100_000])
def test_frames_are_found_however_the_stream_is_cut(piece):
    tags = [tag for frame in range(60) for tag in SHOW.tags(frame)]
    sent = ANSWER + b"".join(tag.flv for tag in tags)
    reader = FlvReader()
    found = [f for at in range(0, len(sent), piece) for f in reader.feed(sent[at : at + piece])]
    assert found == [(tag.media_ms, tag.kind, len(tag.flv)) for tag in tags]


@pytest.mark.parametrize("piece", [1, 1448, 100_000])
def test_rtmp_frames_are_found_in_chunks_of_either_form(piece):
    """Whole headers, then steps of time; messages longer than a chunk; sound between."""
    sent = bytes(1 + 2 * 1536) + _chunks(2, 1, 0, (4096).to_bytes(4, "big"), 128, True)
    for n in range(5):
        picture = (b"\x17" if n == 0 else b"\x27") + b"\x01" + bytes(9000)
        sent += _chunks(6, 9, 40 * (n > 0), picture, 4096, n == 0)
        sent += _chunks(4, 8, 40 * (n > 0), b"\xaf\x01" + bytes(300), 4096, n == 0)
    reader = RtmpReader()
    found = [f for at in range(0, len(sent), piece) for f in reader.feed(sent[at : at + piece])]
    kinds = [Kind.KEY, *[Kind.OTHER] * 4]
    assert found == [
        f for n in range(5) for f in ((40 * n, kinds[n], 9002), (40 * n, Kind.SOUND, 302))
    ]


def _chunks(number: int, kind: int, time_ms: int, body: bytes, most: int, whole: bool) -> bytes:
    head = time_ms.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind])
    head = bytes([number]) + head + bytes(4) if whole else bytes([0x40 | number]) + head
    pieces = [body[at : at + most] for at in range(0, len(body), most)]
    return head + bytes([0xC0 | number]).join(pieces)


def test_a_fixed_order_is_the_same_each_time():
    chance = random.Random(1)
    assert {tuple(in_order(9, "fixed", chance)) for _ in range(20)} == {tuple(range(9))}


def test_a_random_order_puts_each_viewer_last_as_often():
    chance = random.Random(1)
    orders = [in_order(8, "random", chance) for _ in range(4000)]
    assert all(sorted(order) == list(range(8)) for order in orders)
    last = Counter(order[-1] for order in orders)
    assert min(last.values()) > 400 and max(last.values()) < 600  # 500 +- 5 sigma


def test_packets_of_a_frame_hold_the_frame():
    for frame in (0, 1):
        sizes = Counter[Kind]()
        for kind, size in packets_of(SHOW, frame):
            sizes[kind] += size
        assert sizes == {tag.kind: tag.content_bytes for tag in SHOW.tags(frame)}


def test_a_full_queue_drops_pictures_first_and_sound_last():
    """nginx-rtmp's rule at each length of the queue."""
    server = _server("drop_frames", 0.0)
    for waiting in (0, 127, 128, 191, 192, 255, 256):
        for kind in Kind:
            customer = Customer(None)
            customer.queue.extend([(Tag(0, Kind.SOUND, 100), b"")] * waiting)
            server._offer(customer, (Tag(0, kind, 100), b""))
            assert (len(customer.queue) > waiting) is (waiting < MOST_MESSAGES[kind])


def test_even_shares_do_not_vary():
    found = shares(np.ones((24, 60)), [0] * 24)
    assert found is not None and (found.variation, found.lasting) == (0.0, 0.0)


def test_shares_that_wander_are_measured_as_made():
    """First-order autoregression: variation 0.4, correlation e^(-t/3 s)."""
    chance, keep = np.random.default_rng(1), np.exp(-WINDOW_S / 3.0)
    state = chance.normal(size=200)
    columns = []
    for _ in range(400):
        state = keep * state + np.sqrt(1 - keep**2) * chance.normal(size=200)
        columns.append(np.maximum(0.0, 1 + 0.4 * state))
    found = shares(np.array(columns).T, [0] * 200)
    assert found is not None
    assert found.variation == pytest.approx(0.4, rel=0.05)
    assert found.persistence_s == pytest.approx(3.0, rel=0.15)
    x = 2.0 / 3.0  # two seconds over three: the variance of a mean is 2 (x - 1 + e^-x) / x^2 of it
    assert found.slow_variation == pytest.approx(
        0.4 * np.sqrt(2 * (x - 1 + np.exp(-x))) / x, rel=0.05
    )


def test_shares_of_unlike_round_trips_are_told_apart():
    received = np.ones((24, 60))
    received[::2] = 3.0
    found = shares(received, [0, 1] * 12)
    assert found is not None and found.by_kind == pytest.approx((1.5, 0.5))
    assert found.variation == pytest.approx(0.0)


def test_received_bits_are_counted_in_their_window():
    windows = received_mb([0.9, 1.1, 1.6, 9.0], [125_000] * 4, 1.0, 2.0)
    assert windows.tolist() == [1.0, 1.0]


def test_rows_come_back_as_they_were_written(tmp_path):
    rows = [{"name": "a", "viewers": 24, "load": 1.06}, {"name": "b", "loss": 0.25, "load": None}]
    file = tmp_path / "rows.csv"
    write_rows(file, rows)
    every = {"name": None, "viewers": None, "load": None, "loss": None}
    assert read_rows(file) == [every | row for row in rows]


def test_points_have_names_of_their_own_and_end_in_time():
    """All of them, one after another, with two seconds each to build and sum up."""
    assert len({point.name for point in POINTS}) == len(POINTS)
    assert sum(point.lead_s + point.watch_s + 2 for point in POINTS) < 30 * 60
    for point in POINTS:
        assert max(point.taps_s) < point.watch_s


def test_a_nack_names_every_missing_packet_once():
    """Fields of a packet and the sixteen after it, also where the numbers begin anew."""
    missing = [5, 6, 21, 22, 65_530, 65_540]
    packet = nack(7, missing)
    fields = struct.iter_unpack("!HH", packet[12:])
    named = [
        first + step
        for first, bits in fields
        for step in range(17)
        if step == 0 or bits >> step - 1 & 1
    ]
    assert [number & 0xFFFF for number in missing] == [number & 0xFFFF for number in named]
    assert len(packet) == 4 * (int.from_bytes(packet[2:4], "big") + 1)


def test_a_stun_request_is_signed_and_marked():
    """RFC 8489, 14.5 and 14.7: signed up to the signature, its length counting it; then marked."""
    request = check(Ticket(("192.0.2.1", 1), "evtj:h6vY", "VOkJxbRl1RmTxUk/WvJxBt"))
    at = request.index(bytes.fromhex("00080014"))  # MESSAGE-INTEGRITY, 20 bytes
    signed = request[:2] + (at + 24 - 20).to_bytes(2, "big") + request[4:at]
    secret = b"VOkJxbRl1RmTxUk/WvJxBt"
    assert hmac.new(secret, signed, "sha1").digest() == request[at + 4 : at + 24]
    marked = zlib.crc32(request[:-8]) ^ 0x5354554E
    assert int.from_bytes(request[-4:], "big") == marked
    assert int.from_bytes(request[2:4], "big") == len(request) - 20


def test_gaps_are_asked_for_until_given_up():
    """At once, every 0.3 s, and no more once a second has passed; a late packet closes its gap."""
    gaps = Gaps(Push("random", nack_interval_s=0.3, nack_for_s=1.0, rtx_max=1.0))
    assert not gaps.take(10, 0.0) and not gaps.take(13, 0.0)
    assert gaps.due(0.0) == [11, 12]
    assert gaps.due(0.2) == []
    assert gaps.take(11, 0.25)
    assert [gaps.due(now_s) for now_s in (0.31, 0.62, 0.93, 1.24, 2.0)] == [
        [12],
        [12],
        [12],
        [],
        [],
    ]


@pytest.mark.parametrize(("burst_s", "oldest_s"), [(0.0, 0.0), (3.0, 3.0)])
def test_a_burst_begins_with_a_key_frame_of_its_age(burst_s, oldest_s):
    """Whenever the viewer comes: at least that old, and by less than a group older."""
    server = _server("fall_behind", burst_s)
    for frame in range(600):
        server._make(frame)
        if frame > 300:
            first = server._from_key(burst_s)[0][0]
            age_s = frame / FRAMES_PER_S - first.media_ms / 1000
            assert first.kind is Kind.KEY
            assert oldest_s - 1e-9 <= age_s < oldest_s + SHOW.gop_s


def test_a_skipping_server_goes_on_with_the_newest_key():
    """Nobody takes anything: the queue never holds more than four seconds."""
    server = _server("skip", 0.0)
    customer = Customer(None)
    for frame in range(400):
        server._make(frame)
        for message in list(server.kept)[-2:]:
            server._offer(customer, message)
        media_ms = [tag.media_ms for tag, _ in customer.queue]
        assert media_ms[-1] == frame * 40 and media_ms[-1] - media_ms[0] <= 4000
    assert customer.queue[0][0].kind is Kind.KEY
    assert server.report.dropped > 0


def _server(policy: str, burst_s: float) -> Server:
    """One that listens nowhere."""
    with socket.socket() as listener:
        server = Server(listener, SHOW, Service(policy, "cubic", burst_s), 0.0)
        server.selector.close()
    return server
