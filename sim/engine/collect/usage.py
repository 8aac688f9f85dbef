"""What is billed: meters of a night at full size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.delivery.messages import units_per_s
from sim.engine.meters import (
    ATTEMPTS,
    BIN_US,
    REFUSALS,
    Meters,
    by_bin,
    together,
    totals,
)
from sim.engine.state import SimState
from sim.record import BIN_S, HD_LINES, Names, State
from sim.scenario.model import Audience as Room
from sim.scenario.model import Scenario
from sim.scenario.vendor import Vendor

USAGE = ["meter", "path", "region", "class", "time_s", "value", "unit"]


def _class(lines: int) -> str:
    """What a tariff calls a picture: Agora's HD goes to 1280x720, full HD to 1920x1080, 2K to
    2560x1440; SD by Tencent's and Alibaba's lists, to 480 lines. Sound alone has none."""
    if lines == 0:
        return "audio"
    most = {480: "sd", HD_LINES: "hd", 1080: "full_hd", 1440: "2k"}
    return next((name for top, name in most.items() if lines <= top), "2k_plus")


def usage_of(
    scenario: Scenario,
    night: SimState,
    vendor: Vendor | None,
    labels: Names,
    duration_s: float,
) -> pd.DataFrame:
    """What is billed, at full size, by path and vendor region."""
    out: list[tuple[Any, ...]] = []
    if vendor is None:
        return pd.DataFrame(columns=USAGE)
    wire, nan = night.meters.wire, float("nan")
    leaves, start = night.nodes[: len(wire)], np.arange(wire.shape[1] - 1) * BIN_S
    weight, starts_at = 1 / scenario.audience.sample, scenario.promotion.starts_at
    since_midnight = starts_at - starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
    day = (since_midnight.total_seconds() + start) // 86400
    for p, r in np.ndindex(len(vendor.paths), len(labels.vendor_regions)):
        out += _in_a_region(night, vendor, labels, weight, day, p, r)
    watched = night.meters.seen_us[:, :-1] > 0
    shown = [watched[leaves["path"] == p].any(axis=0) for p in range(len(vendor.paths))]
    failed = _failed_periods(night.meters, weight, since_midnight.total_seconds())
    place = next(iter(vendor.paths)), labels.vendor_regions[0]
    rented = _rented(night, vendor, since_midnight.total_seconds(), duration_s)
    out += [("node_hours", name, place[1], "", at, hours, "h") for name, at, hours in rented]
    out += [
        ("messages", *place, "", at, number, "count")
        for at, number in _messages(scenario.audience, night.meters, start, day, duration_s)
    ]
    out += [
        (meter, *place, *rest)
        for meter, *rest in _of_the_show(
            vendor,
            scenario.promotion.recordings,
            shown,
            start,
            day,
            duration_s,
            _through(night, start, duration_s),
        )
    ]
    out += [
        ("failed_periods", *place, "", nan, failed, "count"),
        ("events", *place, "", nan, 1.0, "count"),
    ]
    return pd.DataFrame(out, columns=USAGE)


def _in_a_region(
    night: SimState,
    vendor: Vendor,
    labels: Names,
    weight: float,
    day: NDArray[np.float64],
    p: int,
    r: int,
) -> list[tuple[Any, ...]]:
    """Rows of USAGE of path p in vendor region r. `day`: of each bin."""
    name, region, nan = labels.paths[p], labels.vendor_regions[r], float("nan")
    wire = night.meters.wire
    leaves, start = night.nodes[: len(wire)], np.arange(wire.shape[1] - 1) * BIN_S
    classes = [_class(lines) for lines, _ in vendor.paths[name].ladder]
    mine = (leaves["path"] == p) & (leaves["region"] == r)
    seen = night.meters.seen_us[mine].sum(axis=0) / 60e6 * weight
    minutes = dict.fromkeys([*classes, "audio"], 0.0)
    minutes["audio"] += seen[-1]  # before the first frame
    for layer, label in enumerate(classes):
        minutes[label] += seen[layer]
    wires = totals(together(wire[mine]))[0, :-1]
    most, joined = night.meters.sessions[p, r, 1:]
    here = (night.rows["path"] == p) & (night.rows["region"] == r)
    by_connection, by_user, users, ghosts = _by_viewer(
        night.rows, here, float(night.player[p]["ghost_s"])
    )
    one = classes[0] if len(classes) == 1 else ""
    rows: list[tuple[Any, ...]] = [
        *(("viewer_minutes", label, nan, float(m), "min") for label, m in minutes.items()),
        *(
            (
                "egress_gb",
                "",
                start[day == d][0],
                (wires[day == d] / 1e6).sum() / 8e9 * weight,
                "GB",
            )
            for d in np.unique(day)
        ),
        ("joins", "", nan, float(joined) * weight, "count"),
        ("peak_connections", "", nan, float(most) * weight, "count"),
        ("connection_minutes", one, nan, by_connection * weight, "min"),
        ("user_minutes", one, nan, by_user * weight, "min"),
        ("users", "", nan, users * weight, "count"),
        ("ghost_minutes", "", nan, ghosts * weight, "min"),
        *(
            ("wire_mbps", "", k * BIN_S, bits / (BIN_US * 1e6) * weight, "Mbps")
            for k, bits in enumerate(wires)
        ),
    ]
    return [(meter, name, region, *rest) for meter, *rest in rows]


def _by_viewer(
    rows: NDArray[np.void], here: NDArray[np.bool_], ghost_s: float
) -> tuple[float, float, float, float]:
    """Minutes with every connection's rounded up, with every viewer's; viewers ever inside; minutes
    of ghosts.

    Of a viewer with several connections only all of their time is known: they are taken as equally
    long, which is exact for the many who have one.
    """
    time_us = rows["seen_us"] + rows["silent_us"]
    inside = here & (time_us > 0)
    time_us = time_us[inside]
    number = np.maximum(rows["attempts"][inside] - rows["failed"][inside], 1)
    by_connection = number * np.ceil(time_us / (60e6 * number))
    by_user = np.ceil(time_us / 60e6)
    ghosts = rows["cuts"][here].sum() * ghost_s / 60
    return float(by_connection.sum()), float(by_user.sum()), float(len(time_us)), float(ghosts)


def _rented(
    night: SimState, vendor: Vendor, since_midnight_s: float, duration_s: float
) -> Iterator[tuple[str, float, float]]:
    """(path, time_s, hours) by day of a fleet's nodes, whatever `audience.sample`.

    A node is rented from the moment it is started, or kept warm, until it is taken away or seen to
    have failed, at most while the show lasts.
    """
    for (name, path), nodes in zip(vendor.paths.items(), night.supply.rented, strict=False):
        if path.fleet is None:
            continue
        second = np.arange(len(nodes), dtype=float)
        day = (since_midnight_s + second) // 86400
        hours = nodes * np.clip(duration_s - second, 0.0, 1.0) / 3600
        for d in np.unique(day[second < duration_s]):
            yield name, float(second[day == d][0]), float(hours[day == d].sum())


def _messages(
    room: Room, m: Meters, start: NDArray[np.float64], day: NDArray[np.float64], duration_s: float
) -> Iterator[tuple[float, float]]:
    """(time_s, messages) by day: what the app sends, and once more to each who is inside."""
    width_s = np.clip(duration_s - start, 0.0, BIN_S)
    here_s = totals(m.states)[State.STARTING : State.GONE, : len(start)].sum(axis=0) / 1e6
    inside = np.divide(here_s, width_s, out=0 * width_s, where=width_s > 0) / room.sample
    written_per_s = inside * room.messages_per_viewer_s.value
    chat = room.chat
    shown = np.inf if chat.shown_per_s is None else chat.shown_per_s.value
    each = chat.message_bytes.value
    number = units_per_s(written_per_s, inside, shown, chat.most_sent_per_s, each) * width_s
    for d in np.unique(day[width_s > 0]):
        yield float(start[day == d][0]), float(number[day == d].sum())


def _through(night: SimState, start: NDArray[np.float64], duration_s: float) -> NDArray[np.float64]:
    """Share of what the host usually sends that gets through the uplink, on average in each bin."""
    ends = np.clip(start + BIN_S, 0.0, duration_s)
    lost_s, since_s, left = np.zeros(len(start)), 0.0, 1.0
    on: set[int] = set()
    for t, j, begins in [*night.breaks.tolist(), (duration_s, -1, False)]:
        inside_s = np.minimum(ends, t) - np.maximum(start, since_s)
        lost_s += (1.0 - left) * np.maximum(inside_s, 0.0)
        on = on | {j} if begins else on - {j}
        hosts = [float(night.incidents["left"][k]) for k in on if night.incidents["host"][k]]
        since_s, left = t, min(hosts, default=1.0)
    width_s = ends - start
    return 1.0 - np.divide(lost_s, width_s, out=0 * lost_s, where=width_s > 0)


def _of_the_show(
    vendor: Vendor, files: int, shown: Sequence[NDArray[np.bool_]], start: NDArray[np.float64],
    day: NDArray[np.float64], duration_s: float, through: NDArray[np.float64],
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    """(meter, class, time_s, value, unit) of what doesn't grow with the audience.

    The host sends the best picture to a CDN and every picture of RTC (simulcast), for the whole
    show; traffic is what gets `through`, a share by bin. A CDN makes the lower pictures, if anybody
    watches them. `files` are recorded of the best one.
    """
    path = vendor.path
    sent = path.ladder if path.player == "rtc" else path.ladder[:1]
    mbps = sum(rate.value for _, rate in sent) * (1 + path.overhead.value)
    best, nan = _class(path.height), float("nan")
    width_s = np.clip(duration_s - start, 0.0, BIN_S)
    for d in np.unique(day[width_s > 0]):
        at, seconds = start[day == d][0], float(width_s[day == d].sum())
        yield "ingest_minutes", best, at, seconds / 60, "min"
        came_s = float((through * width_s)[day == d].sum())
        yield "ingest_gb", "", at, mbps * came_s / 8e3, "GB"
        if files:
            yield "recording_minutes", best, at, files * seconds / 60, "min"
    for at, seconds, share in zip(start, width_s, through, strict=True):
        if seconds:
            yield "ingest_mbps", "", at, mbps * share * seconds / BIN_S, "Mbps"
            yield "channels", "", at, 1.0, "count"
            if files:
                yield "recordings", "", at, float(files), "count"
    for way, watched in zip(vendor.paths.values(), shown, strict=True):
        for layer, (lines, _) in enumerate(way.ladder):
            if way.player == "flv" and layer and watched[layer]:
                yield "transcode_minutes", _class(lines), nan, duration_s / 60, "min"


FEWEST_REQUESTS = 250
"""Periods with fewer don't count towards availability (Volcengine Live's SLA)."""


def _failed_periods(m: Meters, weight: float, since_midnight_s: float) -> float:
    """Sum over five-minute periods of the share of attempts that were refused in each."""
    events = by_bin(m.events)
    at = since_midnight_s + np.arange(events.shape[1]) * BIN_S
    period = ((at - at[0] + at[0] % 300) // 300).astype(int)
    attempts, refused = (np.bincount(period, events[k]) * weight for k in (ATTEMPTS, REFUSALS))
    counted = attempts >= FEWEST_REQUESTS
    # Of viewers who are there at the start a refusal is counted, the attempt is not.
    return float(np.minimum(refused[counted] / attempts[counted], 1.0).sum())
