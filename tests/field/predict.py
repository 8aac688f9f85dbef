"""What the model says of a point: python -m tests.field.predict --help.

A point becomes a scenario that a user could write: its viewers are a file, its link a limit on
egress, its dip an incident. What the bed fixes is taken from the point; nothing else is turned.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.engine import run
from sim.scenario.compose import load_scenario
from sim.scenario.model import Scenario
from tests.field.points import POINTS, Point, Room, Stream
from tests.field.table import Cell, Row, write_rows

NIGHTS = 40
"""A point is one night of some dozens of viewers: so many are averaged."""
WIDE_MBPS = 1000
"""A viewer's own link: none on the bed."""
TCP_ROUND_TRIPS = 2
"""To connect, and from the request to the first byte."""
RTMP_ROUND_TRIPS = 6
"""To connect, two of its handshake, and connect, createStream and play, each answered."""


STANDING = 0.75
"""Of the queue's length while flows that fill it come and go."""
SHARING = {
    "cubic": "spread: 0.31, persistence_round_trips: 19, round_trip_bias: 0.4, newcomer: 0.4",
    "bbr": "spread: 0.45, persistence_round_trips: 60, round_trip_bias: 0.4, newcomer: 0.3",
}
"""By congestion control."""


def predict(point: Point, nights: int = NIGHTS) -> dict[str, Cell]:
    """The figures that are compared, and the standard deviation of the first over nights."""
    with scenario_of(point) as scenario:
        bed = scenario.vendors["budget"]
        runs = [run(scenario, bed, n, world="incidents", name="budget") for n in range(nights)]
    figures = [_figures(night.sessions) for night in runs]
    row: dict[str, Cell] = {"kind": "tcp" if isinstance(point, Stream) else "udp"}
    row |= {"name": point.name}
    row |= {name: float(np.nanmean([f[name] for f in figures])) for name in figures[0]}
    return row | {"stall_ratio_night_sd": float(np.std([f["stall_ratio"] for f in figures]))}


def _figures(sessions: NDArray[np.void]) -> dict[str, float]:
    seen = sessions[sessions["play_s"] > 0]
    startups_s = seen["startup_s"]
    watched_s = seen["play_s"] + seen["frozen_s"]
    return {
        "stall_ratio": seen["frozen_s"].sum() / watched_s.sum(),
        "stall_ratio_sd": float(np.std(seen["frozen_s"] / watched_s)),
        "stalls": float(seen["stalls"].mean()),
        "never_played": len(sessions) - len(seen),
        "startup_s": float(startups_s.mean()),
        "startup_p95_s": float(np.quantile(startups_s, 0.95)),
        "lag_s": float(seen["latency_s"].mean()),
    }


@contextmanager
def scenario_of(point: Point) -> Iterator[Scenario]:
    """The point as a night; the file of its viewers is there as long as the context is."""
    with tempfile.TemporaryDirectory() as folder:
        viewers = Path(folder) / "viewers.csv"
        with viewers.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("arrival_s", "stay_s", "class"))
            for n, tap_s in enumerate(point.taps_s):
                trip = n % len(point.round_trips_s)
                writer.writerow((f"{tap_s:.6f}", f"{point.watch_s:g}", f"link{trip}"))
        yield load_scenario(
            "vendors=[budget]",
            "promotion=steady_ramp",
            "promotion.peak_viewers=null",
            f"promotion.duration_s={point.watch_s:g}",
            "promotion.drops=[]",
            f"audience.file={viewers}",
            "audience.stall_patience_mean_s=null",
            "audience.kappa=1",
            "audience.patience={free_s: 1e6, left_by: [[2e6, 0.5]]}",
            *_links(point),
            *_incidents(point),
            f"vendors.budget.limits.egress_mbps={point.capacity_mbps!r}",
            _path(point),
            "vendors.budget.policy.refusal_s=0",
            "engine=exact",
        )


def _links(point: Point) -> Iterator[str]:
    """Wide ones without loss; a class a round trip."""
    count = len(point.round_trips_s)
    source = ", ".join(f"{key}_source: bed" for key in ("mean", "dynamics", "loss", "round_trip"))
    for n, trip_s in enumerate(point.round_trips_s):
        yield (
            f"+network.classes.link{n}={{mean_mbps: {{median: {WIDE_MBPS}, sigma_ln: 0}},"
            f" multiplier: [1], hold_s: [1e9], jumps: [[0]], round_trip_ms: {1000 * trip_s:g},"
            f" loss: 0, {source}}}"
        )
    yield "+network.sources.bed={confidence: assumed, note: a bed of namespaces}"
    shares = ", ".join(f"link{n}: {1 / count!r}" for n in range(count))
    yield f"network.mix={{home: 0, lte: 0, hsdpa: 0, {shares}}}"


def _incidents(point: Point) -> Iterator[str]:
    if point.dip_for_s > 0:
        yield (
            f"incidents=[{{name: dip, what: region, where: cn, time_s: {point.dip_from_s:g},"
            f" duration_s: {point.dip_for_s:g}, left: {point.dip_share:g}}}]"
        )


def _path(point: Point) -> str:
    assert isinstance(point, Stream | Room)
    path = _tcp_path(point) if isinstance(point, Stream) else _udp_path(point)
    common = {
        "bitrate_mbps": point.rate_mbps,
        "height": 720,
        "overhead": point.overhead,
        "link_share": 1,
        "upstream_s": 0,
        "join_server_s": 0,
    }
    said = ", ".join(f"{key}: {value}" for key, value in (common | path).items())
    return f"vendors.budget.paths.rtc={{{said}}}"


def _tcp_path(point: Stream) -> dict[str, object]:
    """The burst begins at a key frame `burst_s` to `burst_s + gop_s` old, at once: half a group
    around the middle. The model wants at least a first buffer of it."""
    middle_s, half_s = point.burst_s + point.gop_s / 2, point.gop_s / 2
    return {
        "transport": "tcp",
        "player": "flv",
        "catch_up": 100,
        "gop_s": half_s,
        "delay_s": max(middle_s, point.start_buffer_s + half_s),
        "start_buffer_s": point.start_buffer_s,
        "resume_buffer_s": point.resume_buffer_s,
        "lag_limit_s": point.lag_limit_s,
        "speed_up": 0,
        "sharing": f"{{{SHARING[point.congestion]}, shortage_at: {point.shortage_at}}}",
        "queue_s": STANDING * point.queue_s,
        "first_window_kb": 14.48,
        "join_round_trips": RTMP_ROUND_TRIPS if point.origin == "nginx" else TCP_ROUND_TRIPS,
    }


def _udp_path(point: Room) -> dict[str, object]:
    """Within what it may repeat, everything is repaired; a repetition comes a round trip and a full
    queue after its loss."""
    return {
        "transport": "udp",
        "player": "rtc",
        "catch_up": 1.5,
        "gop_s": point.gop_s,
        "start_buffer_s": 0,
        "jitter_buffer_s": point.jitter_buffer_s,
        "keyframe_cached": "false",
        "audio_mbps": 0.064,
        "fec": 0,
        "rtx_max": point.rtx_max,
        "rtx_delay_s": point.round_trips_s[0] + point.queue_s,
        "loss_tolerance": 1,
        "join_round_trips": 1,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.field.predict", description="What the model says of each point."
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[p.name for p in POINTS])
    parser.add_argument("--out", type=Path, metavar="FILE", default=Path("/dev/stdout"))
    parser.add_argument("--nights", type=int, metavar="N", default=NIGHTS, help="%(default)s")
    asked = parser.parse_args()
    points = [point for point in POINTS if asked.only is None or point.name in asked.only]
    rows: list[Row] = [predict(point, asked.nights) for point in points]
    write_rows(asked.out, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
