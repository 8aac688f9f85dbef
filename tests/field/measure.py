"""One point, one row: the bed is built, the show is played, the logs are replayed."""

from __future__ import annotations

import os
import platform
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from tests.field import flv, janus, nginx, udp
from tests.field.bed import SENDER, Bed, bed, viewer_address
from tests.field.delay import forward
from tests.field.player import Play, replay
from tests.field.points import Point, Room, Stream
from tests.field.push_player import replay_push
from tests.field.rtmp import RtmpReader
from tests.field.rtp import RtpListener
from tests.field.shares import WINDOW_S, received_mb, shares
from tests.field.show import FRAMES_PER_S, Show
from tests.field.table import Cell
from tests.field.viewers import FlvReader, Seen, watch
from tests.field.work import Work

LATE_S = 0.1
"""A tick later than that: the host was busy with something else, and the run is discarded."""
TICK_S = 0.01
URGENT = -15
"""Priority of all processes of a run, so that others on this machine disturb it less."""
GRACE_S = 20.0
SETTLED_S = 5.0
"""After the last join, until shares of the link are looked at."""


class Disturbed(Exception):
    """The host didn't keep up: nothing is known of the point."""


def measure(point: Point) -> dict[str, Cell]:
    """Raises Disturbed, and OSError where the bed can't be built."""
    with suppress(PermissionError):  # below unshare -Urn; children do as their parent
        os.setpriority(os.PRIO_PROCESS, 0, URGENT)
    run = _run_stream if isinstance(point, Stream) else _run_room
    told: dict[str, Cell] = {"kind": "tcp" if isinstance(point, Stream) else "udp"}
    told |= {name: _cell(value) for name, value in asdict(point).items()}
    told |= {"capacity_mbps": point.capacity_mbps, "overhead_expected": point.overhead}
    row = told | run(point)  # type: ignore[arg-type]
    return row | {
        "kernel": platform.release(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _cell(value: object) -> Cell:
    if isinstance(value, tuple):
        return " ".join(f"{part:g}" for part in value)
    return value if isinstance(value, str | int | float) else None


@contextmanager
def _standing(point: Point, shortage_at: str = "network") -> Iterator[tuple[Bed, Work]]:
    """The bed of a point and its delay box."""
    with bed(point.capacity_mbps, point.queue_s, shortage_at) as made:
        trips_s = {viewer_address(n): point.round_trip_s(n) for n in range(point.viewers)}
        box = Work(made.senders, forward, made.back_in, made.back_out, trips_s)
        try:
            yield made, box
        finally:
            box.end()


def _play(made: Bed, point: Point, began_s: float, end_s: float) -> float:
    """Wait for the end, dip the capacity on the way; by how much the latest tick was late."""
    dip_s = began_s + point.lead_s + point.dip_from_s
    changes = [
        (dip_s, point.capacity_mbps * point.dip_share),
        (dip_s + point.dip_for_s, point.capacity_mbps),
    ]
    changes = changes if point.dip_for_s > 0 else []
    late_s, next_s = 0.0, time.monotonic()
    while (now_s := time.monotonic()) < end_s:
        late_s = max(late_s, now_s - next_s)
        if changes and changes[0][0] <= now_s:
            made.set_capacity(changes.pop(0)[1])
            now_s = time.monotonic()  # the command's own time is no lateness
        next_s = now_s + TICK_S
        time.sleep(TICK_S)
    return late_s


def _serve(show: Show, service: flv.Service, began_s: float, until_s: float) -> flv.Report:
    listener = socket.create_server((SENDER, flv.PORT), backlog=1024)
    return flv.Server(listener, show, service, began_s).run(until_s)


def _push(point: Room, began_s: float, until_s: float) -> udp.Sent:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((SENDER, udp.PORT))
    return udp.Sender(sock, point.show, point.push, began_s).run(until_s)


def _run_stream(point: Stream) -> dict[str, Cell]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        is_nginx = point.origin == "nginx"
        encoded = nginx.encode(point.show, folder) if is_nginx else None
        made, box = stack.enter_context(_standing(point, point.shortage_at))
        if encoded is not None:
            stack.enter_context(nginx.serving(made.senders, encoded, point.congestion, folder))
        began_s = time.monotonic() + 0.5
        first_s = began_s + point.lead_s
        end_s = first_s + point.watch_s
        service = flv.Service(point.policy, point.congestion, point.burst_s, point.skip_queue_s)
        source = None
        if not is_nginx:
            source = Work(made.senders, _serve, point.show, service, began_s, end_s + 0.5)
            stack.callback(source.end)
        server = (SENDER, nginx.PORT if is_nginx else flv.PORT)
        taps_s = [first_s + tap_s for tap_s in point.taps_s]
        reader = RtmpReader if is_nginx else FlvReader
        audience = Work(made.viewers, watch, server, reader, taps_s, end_s, point.congestion)
        stack.callback(audience.end)
        late_s = _play(made, point, began_s, end_s)
        seen = audience.result(GRACE_S)
        report = source.result(GRACE_S) if source else flv.Report()
        queue = made.queue()
        late_s = _latest_s(clock=late_s, sender=report.late_s, viewers=seen.late_s)
        live_at_s = _earliest_s(seen) if is_nginx else began_s
        row = _streamed(point, seen, live_at_s, end_s)
        media_bytes = sum(size for log in seen.logs for *_, size in log.frames)
        row |= {
            "overhead": queue.sent_bytes / media_bytes - 1,
            "packet_loss": queue.lost_packets / (queue.sent_packets + queue.lost_packets),
            "dropped_frames": report.dropped if source else None,
            "sender_cpu": report.worked_s / point.watch_s if source else None,
            "viewers_cpu": seen.worked_s / point.watch_s,
            "delay_box_cpu": box.worked_s() / point.watch_s,
            "late_s": late_s,
        }
    return row


def _earliest_s(seen: Seen) -> float:
    """When media of time 0 was live, by the frame that arrived soonest."""
    return min(
        arrived_s - media_ms / 1000 for log in seen.logs for arrived_s, media_ms, *_ in log.frames
    )


def _streamed(point: Stream, seen: Seen, live_at_s: float, end_s: float) -> dict[str, Cell]:
    plays = [replay(log.frames, log.tap_s, end_s, live_at_s, point.player) for log in seen.logs]
    shown = [play for play in plays if play.play_s > 0]
    startups_s = [play.startup_s for play in shown]
    row: dict[str, Cell] = {
        "failed": sum(bool(log.failed) for log in seen.logs),
        "never_played": len(plays) - len(shown),
        "connect_s": _mean([log.connected_s - log.tap_s for log in seen.logs]),
        "first_byte_s": _mean([log.first_byte_s - log.tap_s for log in seen.logs]),
        "startup_s": _mean(startups_s),
        "startup_p95_s": float(np.quantile(startups_s, 0.95)) if startups_s else None,
        "lag_s": _mean([play.lag_s for play in shown]),
    }
    return row | _stalls(shown) | _shared(point, seen, end_s)


def _stalls(plays: list[Play]) -> dict[str, Cell]:
    frozen_s, play_s = sum(p.frozen_s for p in plays), sum(p.play_s for p in plays)
    return {
        "stall_ratio": frozen_s / (frozen_s + play_s) if plays else None,
        "stall_ratio_sd": float(np.std([p.stall_ratio for p in plays])) if plays else None,
        "stalled_viewers": sum(p.stalls > 0 for p in plays),
        "stalls": _mean([p.stalls for p in plays]),
        "skipped_s": _mean([p.skipped_s + p.left_out_s for p in plays]),
        "picture_missing": sum(p.picture_missing_s for p in plays) / play_s if plays else None,
        "sound_missing": sum(p.sound_missing_s for p in plays) / play_s if plays else None,
    }


def _shared(point: Stream, seen: Seen, end_s: float) -> dict[str, Cell]:
    """How even the shares were while all were there; only a full link is shared."""
    from_s = max(log.tap_s for log in seen.logs) + SETTLED_S
    received = np.array(
        [received_mb(log.read_s, log.read_bytes, from_s, end_s) for log in seen.logs]
    )
    if received.shape[1] == 0:
        return {}
    row: dict[str, Cell] = {"received_mbps": received.sum() / (received.shape[1] * WINDOW_S)}
    found = shares(received, [n % len(point.round_trips_s) for n in range(point.viewers)])
    if found is None:
        return row
    return row | {
        "share_variation": found.variation,
        "share_slow_variation": found.slow_variation,
        "share_lasting": found.lasting,
        "share_persistence_s": found.persistence_s,
        "share_by_round_trip": _cell(found.by_kind) if len(found.by_kind) > 1 else None,
    }


def _run_room(point: Room) -> dict[str, Cell]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made, box = stack.enter_context(_standing(point))
        is_janus = point.origin == "janus"
        join: Callable[[udp.PushLog], udp.Client]
        if is_janus:
            stack.enter_context(janus.serving(made.senders, folder))
            tickets = Work(made.senders, janus.tickets, point.viewers).result(GRACE_S)
            join = partial(RtpListener, tickets, point.push)
        else:
            join = partial(udp.Listener, (SENDER, udp.PORT), point.push)
        began_s = time.monotonic() + 0.5
        first_s = began_s + point.lead_s
        end_s = first_s + point.watch_s
        taps_s = [first_s + tap_s for tap_s in point.taps_s]
        if is_janus:
            source = Work(made.senders, janus.push, point.show, began_s, end_s)
        else:
            source = Work(made.senders, _push, point, began_s, end_s)
        audience = Work(made.viewers, udp.listen, join, taps_s, end_s + 1.0)
        for work in (source, audience):
            stack.callback(work.end)
        late_s = _play(made, point, began_s, end_s)
        sent, seen = source.result(GRACE_S), audience.result(GRACE_S)
        queue = made.queue()
        late_s = _latest_s(clock=late_s, sender=sent.late_s, viewers=seen.late_s)
        row = _pushed(point, sent, seen, began_s)
        row |= {} if is_janus else _repeated(sent, seen)
        row |= {
            "packet_loss": queue.lost_packets / (queue.sent_packets + queue.lost_packets),
            "sender_cpu": None if is_janus else sent.worked_s / point.watch_s,
            "viewers_cpu": seen.worked_s / point.watch_s,
            "delay_box_cpu": box.worked_s() / point.watch_s,
            "late_s": late_s,
        }
    return row


def _first_sent(log: udp.PushLog, sent: udp.Sent, began_s: float) -> int:
    """Number of the first packet sent to this viewer; an SFU's is known by what came of it."""
    known = sent.joined.get(viewer_address(log.viewer))
    if known is not None:
        return known
    if log.came:
        return min(number for _, number, _ in log.came)
    frame = round((log.tap_s - began_s) * FRAMES_PER_S)
    return next(n for n, packet in enumerate(sent.packets) if packet.frame >= frame)


def _pushed(point: Room, sent: udp.Sent, seen: udp.PushSeen, began_s: float) -> dict[str, Cell]:
    firsts = [_first_sent(log, sent, began_s) for log in seen.logs]
    plays = [
        replay_push(log.came, sent.packets, first, log.tap_s, began_s, point.jitter_buffer_s)
        for log, first in zip(seen.logs, firsts, strict=True)
    ]
    again = sum(again for log in seen.logs for *_, again in log.came)
    delays_s = [delay_s for play in plays for delay_s in play.frame_delays_s]
    return {
        "startup_s": _mean([play.startup_s for play in plays]),
        "never_played": sum(np.isnan(play.startup_s) for play in plays),
        "stall_ratio": _mean([play.stall_ratio for play in plays]),
        "stall_ratio_sd": float(np.nanstd([play.stall_ratio for play in plays])),
        "stalls": _mean([play.stalls for play in plays if not np.isnan(play.startup_s)]),
        "loss": _mean([play.loss for play in plays]),
        "loss_sd": float(np.std([play.loss for play in plays])),
        "repetitions_got": again / sum(len(sent.packets) - first for first in firsts),
        "picture_dead": _mean([play.picture_dead for play in plays]),
        "picture_dead_sd": float(np.std([play.picture_dead for play in plays])),
        "sound_dead": _mean([play.sound_dead for play in plays]),
        "freezes": _mean([play.freezes for play in plays]),
        "frame_delay_p50_s": float(np.quantile(delays_s, 0.5)) if delays_s else None,
        "frame_delay_p95_s": float(np.quantile(delays_s, 0.95)) if delays_s else None,
    }


def _repeated(sent: udp.Sent, seen: udp.PushSeen) -> dict[str, Cell]:
    """What a sender of our own knows: a loss is one of any sending, first or again."""
    lost = sent.first + sent.again - sum(len(log.came) for log in seen.logs)
    return {
        "repetitions": sent.again / sent.first,
        "repetitions_a_loss": sent.again / lost if lost else None,
        "repetitions_refused": sent.refused / sent.first,
    }


def _latest_s(**late_s: float) -> float:
    """By how much the latest tick of any process was late. Raises Disturbed beyond LATE_S."""
    where, most_s = max(late_s.items(), key=lambda item: item[1])
    if most_s > LATE_S:
        raise Disturbed(f"a tick of the {where} came {1000 * most_s:.0f} ms late")
    return most_s


def _mean(values: list[float] | list[int]) -> float | None:
    """Of those that are known."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else None
