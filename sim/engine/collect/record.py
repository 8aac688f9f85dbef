"""The record of a night that is over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.demand import Audience
from sim.engine.collect.usage import usage_of
from sim.engine.collect.utilisation import binding_over_time, uses
from sim.engine.meters import (
    ATTEMPTS,
    JOINS,
    Meters,
    by_bin,
    together,
    totals,
)
from sim.engine.process import supply
from sim.engine.state import SimState
from sim.record import BIN_S, SERIES, SESSIONS, Names, Run
from sim.scenario.limits import Limit
from sim.scenario.model import Scenario
from sim.scenario.vendor import Vendor
from sim.viewer.viewer import Kind


def names(scenario: Scenario, vendor: Vendor | None) -> Names:
    """What the indices of a run stand for."""
    net = scenario.network
    return Names(
        cohorts=tuple(cohort.name for cohort in scenario.audience.cohorts),
        regions=tuple(scenario.audience.every_region),
        isps=tuple(scenario.audience.every_isp),
        classes=("replay",) if net.kind == "replay" or net.mix is None else tuple(net.mix),
        products=("basket", *(d.name for d in scenario.promotion.drops)),
        vendor_regions=("all",) if vendor is None else tuple(vendor.serves),
        paths=("",) if vendor is None else tuple(vendor.paths),
    )


def facts(audience: Audience) -> dict[str, float]:
    """Figures of the night's demand, at full size."""
    d = audience.demand
    return {
        "expected_peak": d.offered_peak,
        "curve_error": d.curve_error,
        "dry_share": d.dry_share,
        "mean_stay_s": d.mean_stay_s,
    }


def sessions_of(audience: Audience) -> NDArray[np.void]:
    """SESSIONS, a row a viewer: what is known before the night, all else 0."""
    who = audience.viewers
    out = np.zeros(len(who), SESSIONS)
    out["viewer"] = np.arange(len(who))
    for key in (
        "bin", "j", "cohort", "region", "isp", "access", "interactive", "arrival_s", "intention_s",
    ):  # fmt: skip
        out[key] = who[key]
    out["initial"] = who["bin"] < 0
    return out


def record_of(
    scenario: Scenario,
    vendor: Vendor | None,
    replication: int,
    audience: Audience,
    night: SimState,
    world: str,
    name: str,
) -> Run:
    """The record of a night that is over."""
    rows = night.rows
    out = sessions_of(audience)
    for key in (
        "state", "reason", "attempts", "failed", "cuts", "startup_s", "sdk_startup_s", "play_s",
        "hd_s", "audio_s",
        "frozen_s", "stalls", "stall_s", "waiting_s", "starting_s", "media_mb",
    ):  # fmt: skip
        out[key] = rows[key]
    out["left_s"] = rows["now_s"]
    with np.errstate(invalid="ignore", divide="ignore"):
        out["latency_s"] = rows["lag_s2"] / rows["play_s"]
        if night.player["kind"][0] != Kind.REFERENCE:
            out["latency_s"] += rows["rtt_s"] / 2
    out["harm"] = _harm(rows)
    weight = 1 / scenario.audience.sample
    labels = names(scenario, vendor)
    series = series_of(night.meters, audience.demand.duration_s)
    seconds = night.meters.bound[:, : int(np.ceil(audience.demand.duration_s))].sum(axis=1)
    binding = {k.spec.metric: float(seconds[k]) for k in sorted(Limit) if seconds[k]}
    return Run(
        vendor=name, world=world, replication=replication,
        peak_viewers=round(audience.demand.peak_viewers), weight=weight,
        order_weight=audience.order_weight, names=labels,
        sessions=out, orders=night.orders, series=series, latency_us=night.meters.latency_us,
        usage=usage_of(scenario, night, vendor, labels, audience.demand.duration_s),
        limits=uses(night, labels), bound=binding_over_time(night, audience.demand.duration_s),
        facts=facts(audience) | binding | supply.facts(night, vendor),
        seconds=_seconds(night.meters, audience.demand.duration_s),
    )  # fmt: skip


def _harm(rows: NDArray[np.void]) -> NDArray[np.int8]:
    """`viewer.dominant_limit` for all rows."""
    lost = np.stack([rows["lost_link_s"], rows["lost_door_s"], rows["lost_egress_s"]])
    codes = np.stack([np.full(len(rows), Limit.LINK), rows["door"], rows["egress"]])
    most = lost.argmax(axis=0)
    who = np.arange(len(rows))
    return np.where(lost[most, who] > 0, codes[most, who], 0).astype(np.int8)


def series_of(m: Meters, duration_s: float) -> pd.DataFrame:
    """Mean numbers of viewers by state and counts of events, one row a bin within the show."""
    start = np.arange(0.0, duration_s, BIN_S)
    width_us = np.minimum(BIN_S, duration_s - start) * 1e6
    n = len(start)
    state = totals(m.states)[:, :n] / width_us
    wire = totals(together(m.wire))[0, :n] / (width_us * 1e6)
    columns: list[Any] = [*state, *by_bin(m.events)[:, :n], wire]
    frame = pd.DataFrame(dict(zip(SERIES, columns, strict=True)))
    frame.insert(0, "time_s", start)
    return frame


def _seconds(m: Meters, duration_s: float) -> pd.DataFrame:
    """What is asked of the door, one row a second within the show."""
    shown = m.events[:, : int(np.ceil(duration_s))].astype(np.int64)
    return pd.DataFrame({"attempts": shown[ATTEMPTS], "joins": shown[JOINS]})
