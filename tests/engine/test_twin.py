"""The fast engine against its exact twin: the same transitions, so the same night."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.engine.clock import Clock
from tests.engine.nights import FLV, QUEUES, night, run_once, same

NOTHING_SHARED_BINDS = {
    "rtc, capacity to spare": (),
    "flv, capacity to spare": FLV,
    "sessions, refused": ("vendors.budget.limits.sessions=200",),
    "sessions, waiting room": (
        "vendors.budget.limits.sessions=200",
        "vendors.budget.policy.sessions=queue",
    ),
    "joins a second, refused": (
        "vendors.budget.limits.joins_per_s=3",
        "vendors.budget.policy.joins_burst=1",
    ),
    "joins a second, waiting room": (
        "vendors.budget.limits.joins_per_s=2",
        "vendors.budget.policy.joins_per_s=queue",
    ),
    "gate and sessions, two waiting rooms": QUEUES,
    "a waiting room at the gate, then refused by sessions": QUEUES[:3],
    "a waiting room at the gate, then refused by egress": (
        *QUEUES[:2],
        "vendors.budget.limits.egress_mbps=400",
        "vendors.budget.policy.egress_mbps=refuse",
    ),
    "a waiting room with a patience of its own": (
        *QUEUES,
        "audience.waiting_room_patience={free_s: 2, left_by: [[10, 0.2], [60, 0.6]]}",
    ),
    "egress reserved at the door": (
        "vendors.budget.limits.egress_mbps=400",
        "vendors.budget.policy.egress_mbps=refuse",
    ),
    "egress reserved at the door, waiting room, flv": (
        "vendors.budget.limits.egress_mbps=400",
        "vendors.budget.policy.egress_mbps=queue",
        *FLV,
    ),
    "a mass exit": ("+promotion.mass_exit={time_s: 150, duration_s: 20, share: 0.5}",),
    "replayed traces": ("network=replay",),
}


@pytest.mark.parametrize("limits", NOTHING_SHARED_BINDS.values(), ids=NOTHING_SHARED_BINDS.keys())
def test_where_no_egress_node_binds_both_engines_give_the_same_bytes_at_any_epoch(
    limits: tuple[str, ...],
) -> None:
    scenario = night("promotion.peak_viewers=300", *limits)
    exact = run_once(scenario, kind="exact")
    assert exact.sessions["frozen_s"].sum() > 0, "a night in which nothing happens proves nothing"
    for epoch_s in (0.1, 1.0, 10.0):
        assert same(exact, run_once(scenario, kind="fast", epoch_s=epoch_s)) == []


LOAD = 500 * 2.0 * 1.06
"""Wire Mbps of 500 viewers at the budget profile's one bitrate."""

BINDING = {
    "tcp": FLV,
    "udp, loss beyond the tolerance": (),
    "udp, loss within the tolerance": ("vendors.budget.paths.rtc.loss_tolerance=0.9",),
}


@pytest.mark.parametrize("path", BINDING.values(), ids=BINDING.keys())
def test_where_an_edge_binds_the_error_of_the_fast_engine_shrinks_with_the_epoch(
    path: tuple[str, ...],
) -> None:
    """Root mean square over 20 seeds of the difference of mean stalled seconds, load 1.2 C."""
    error: dict[float, list[float]] = {1.0: [], 0.1: []}
    startup: dict[float, list[float]] = {1.0: [], 0.1: []}
    stalled = 0.0
    for seed in range(20):
        scenario = night(
            "promotion.peak_viewers=500",
            f"seed={seed}",
            f"vendors.budget.limits.egress_mbps={LOAD / 1.2}",
            *path,
        )
        exact = run_once(scenario, kind="exact").sessions["frozen_s"].mean()
        stalled += exact / 20
        for epoch_s in error:
            sessions = run_once(scenario, kind="fast", epoch_s=epoch_s).sessions
            error[epoch_s].append(sessions["frozen_s"].mean() - exact)
            startup[epoch_s].extend(sessions["startup_s"][~np.isnan(sessions["startup_s"])])
    coarse, fine = (float(np.sqrt(np.mean(np.square(error[e])))) for e in (1.0, 0.1))
    assert stalled > 1.0, "the edge must bind"
    assert coarse < 0.01 * stalled
    assert fine <= coarse / 5
    medians = [np.median(startup[e]) for e in (1.0, 0.1)]
    assert abs(medians[0] / medians[1] - 1) < 0.01


def test_pausing_the_last_admitted_agrees_with_the_twin_as_the_epoch_shrinks() -> None:
    scenario = night(
        "promotion.peak_viewers=300",
        "vendors.budget.paths.rtc.udp_shortage=pause_some",
        "vendors.budget.limits.egress_mbps=500",
    )

    def without_picture(**engine: Any) -> float:
        s = run_once(scenario, **engine).sessions
        return float((s["frozen_s"] + s["starting_s"]).mean())

    exact = without_picture(kind="exact")
    off = [abs(without_picture(kind="fast", epoch_s=e) - exact) for e in (1.0, 0.05)]
    assert exact > 1
    assert off[1] <= max(off[0] / 5, 0.01 * exact)


def test_the_same_night_twice_in_one_process_is_the_same_to_the_bit() -> None:
    scenario = night("promotion.peak_viewers=200", "vendors.budget.limits.egress_mbps=300")
    assert same(run_once(scenario), run_once(scenario)) == []


def test_an_event_set_for_a_time_happens_at_that_time_and_ties_go_by_priority() -> None:
    clock = Clock()
    seen: list[tuple[float, str]] = []

    def wait(t: float, priority: int, name: str):
        yield clock.at(t, priority)
        seen.append((clock.now, name))

    t = 0.1 + 0.2
    for name, priority in (("join", 3), ("departure", 1), ("link", 2)):
        clock.process(wait(t, priority, name))
    clock.run()
    assert seen == [(t, "departure"), (t, "link"), (t, "join")]
