"""Small nights for engine tests: scenarios built from the shipped files, changed in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.demand import draw_audience
from sim.engine import run
from sim.record import Run
from sim.scenario.compose import load_scenario
from sim.scenario.model import Scenario

SMALL = (
    "vendors=[budget]",
    "promotion=steady_ramp",
    "promotion.concurrency=[[0,0.5],[60,1.0],[400,1.0]]",
    "promotion.duration_s=300",
    "promotion.drops=[]",
    "promotion.orders_per_view=0.5",
    "replications=1",
    "engine.check=true",
    "engine.sharing=ideal",
)

FLV = (
    "vendors.budget.paths.rtc={transport:tcp,player:flv,bitrate_mbps:2.0,height:720,overhead:0.06,"
    "link_share:0.92,catch_up:1.5,upstream_s:0.5,gop_s:1.0,start_buffer_s:1.0,join_round_trips:3,"
    "join_server_s:0.05,delay_s:3.0,resume_buffer_s:1.0,lag_limit_s:12,speed_up:0.05}",
)

LAYERED = (
    "+vendors.budget.paths.rtc.layers="
    "[{height: 360, bitrate_mbps: 0.8},{height: 180, bitrate_mbps: 0.3}]",
    "+vendors.budget.paths.rtc.react_s=0.3",
)

HYBRID = (
    "vendors=[hybrid]",
    "audience.interactive_share=0.4",
    "vendors.hybrid.limits.sessions=60",
)
"""RTC for the interactive, too small for them; a CDN for the rest and for what overflows."""

CDN = "++vendors.hybrid.paths.cdn."
STEADY = (
    "promotion.peak_viewers=200",
    "promotion.concurrency=[[0,1],[300,1]]",
    "audience.stay={bouncer_share: 0, bouncer_mean_s: 1, stayer_mean_s: 1e8, stayer_sigma_ln: 0.1}",
    "audience.stall_patience_mean_s=null",
    "network=home",
    "network.classes.home.mean_mbps={median: 1000, sigma_ln: 0}",
    "network.classes.home.multiplier=[1]",
    "network.classes.home.hold_s=[1e9]",
    "network.classes.home.jumps=[[0]]",
    "network.classes.home.loss=0",
)
"""Viewers there at the start stay to the end on perfect links: only breaks can harm them."""

QUEUES = (
    "vendors.budget.limits.joins_per_s=2",
    "vendors.budget.policy.joins_per_s=queue",
    "vendors.budget.limits.sessions=200",
    "vendors.budget.policy.sessions=queue",
)


RAW = "audience.chat={shown_per_s: null, batch_s: 0, message_bytes: 200}"
"""The app sends every line of chat to everybody, by itself."""


def night(*overrides: str, base: tuple[str, ...] = SMALL) -> Scenario:
    """A scenario of the small night with these overrides."""
    return load_scenario(*base, *overrides)


def breaks(*incidents: str) -> str:
    """Incidents as an override, each `what where from_s to_s left`; no place: `-`."""
    said = []
    for k, incident in enumerate(incidents):
        what, where, from_s, to_s, left = incident.split()
        at = "" if where == "-" else f", where: {where}"
        said.append(
            f"{{name: break{k}, what: {what}{at}, time_s: {from_s}, "
            f"duration_s: {float(to_s) - float(from_s)}, left: {left}}}"
        )
    return f"incidents=[{', '.join(said)}]"


def with_engine(scenario: Scenario, **engine: Any) -> Scenario:
    """The same night computed otherwise."""
    return scenario.model_copy(update={"engine": scenario.engine.model_copy(update=engine)})


def run_once(scenario: Scenario, world: str = "incidents", **engine: Any) -> Run:
    """The first vendor's night, under its own name."""
    scenario = with_engine(scenario, **engine)
    name, vendor = next(iter(scenario.vendors.items()))
    return run(scenario, vendor, 0, draw_audience(scenario, 0), world, name)


def same(a: Run, b: Run) -> list[str]:
    """Names of everything in which two runs differ by a bit; empty: the same bytes."""
    off = [
        k
        for k in a.sessions.dtype.names or ()
        if a.sessions[k].tobytes() != b.sessions[k].tobytes()
    ]
    off += [
        f"orders.{k}"
        for k in a.orders.dtype.names or ()
        if a.orders[k].tobytes() != b.orders[k].tobytes()
    ]
    off += [f"series.{k}" for k in a.series if not np.array_equal(a.series[k], b.series[k])]
    if a.latency_us.tobytes() != b.latency_us.tobytes():
        off.append("latency_us")
    if not a.usage.equals(b.usage):
        off.append("usage")
    if str(a.facts) != str(b.facts):
        off.append(f"facts {a.facts} {b.facts}")
    return off
