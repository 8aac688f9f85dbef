"""The whole run: one vendor, one night, one world."""

from __future__ import annotations

import numpy as np

from sim.demand import Audience, draw_audience
from sim.engine.build.state import initial_state
from sim.engine.collect.record import record_of
from sim.engine.drive.exact import drive_exact
from sim.engine.drive.fast import drive_fast
from sim.engine.invariants import check
from sim.engine.process.clock import Clock
from sim.engine.process.supply import supply
from sim.engine.sharing import solve
from sim.record import (
    Run,
)
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario
from sim.scenario.vendor import Vendor

MOST_EXACT = 20_000
"""Viewers of the exact twin: a process each, and every change solves the tree anew."""


def run(
    scenario: Scenario,
    vendor: Vendor | None,
    replication: int,
    audience: Audience | None = None,
    world: str = "limits",
    name: str = "",
) -> Run:
    """One night of `vendor` (None: the vendor-neutral reference player) as a record.

    `audience` may hand in the night's viewers, drawn once for all vendors and worlds.
    Errors: ScenarioError for a file of traces that can't be read, and for what is no vendor.
    """
    if not isinstance(vendor, Vendor | None):
        raise ScenarioError(
            "a run is of a vendor, such as scenario.vendors['budget'], here of a "
            f"{type(vendor).__name__}"
        )
    if vendor is not None and scenario.engine.sharing == "ideal":
        vendor = vendor.ideal()
    env = Clock(0.0)  # a float from the start: compiled functions are of one kind
    audience = draw_audience(scenario, replication) if audience is None else audience
    if scenario.engine.kind == "exact" and len(audience.viewers) > MOST_EXACT:
        raise ScenarioError(
            f"engine.kind is exact for {len(audience.viewers)} viewers: it takes at most "
            f"{MOST_EXACT}, lower promotion.peak_viewers or audience.sample, or use engine=fast"
        )
    night = initial_state(scenario, vendor, replication, audience, world, name)
    end_s = float(np.nextafter(audience.demand.duration_s, np.inf))
    if night.now[0]["changing"]:
        env.process(supply(env, night))
    if scenario.engine.kind == "fast":
        env.process(drive_fast(env, night, scenario.engine.epoch_s, end_s))
    else:
        drive_exact(env, night)
    env.run(until=float(np.nextafter(end_s, np.inf)))  # run(until=t) leaves the events at t undone
    solve(night, end_s, end_s, False, False)  # closes the last stretch
    if scenario.engine.check:
        exact = scenario.engine.kind == "exact"
        check(night, 0.0 if exact else scenario.engine.epoch_s)
    return record_of(scenario, vendor, replication, audience, night, world, name)
