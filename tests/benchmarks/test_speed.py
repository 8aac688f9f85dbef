"""How fast: run with `pytest tests/benchmarks`; nothing here asserts a time.

One run is one vendor, one replication, one world of a two-hour night at 20,000 viewers, after
compilation. The goal is 6 s and 1 GB on one core.
"""

from __future__ import annotations

import resource
from typing import Any

import pytest

from sim.demand import draw_audience
from sim.engine import run
from sim.scenario.compose import load_scenario

NIGHT = ("promotion=steady_ramp", "promotion.duration_s=7200", "vendors=[agora,budget]")


@pytest.fixture(scope="module")
def two_hours() -> Any:
    scenario = load_scenario(*NIGHT)
    return scenario, draw_audience(scenario, 0)


@pytest.mark.parametrize("who", ["reference", "agora", "budget with room", "budget"])
def test_one_run_of_a_two_hour_night_at_20000(benchmark: Any, two_hours: Any, who: str) -> None:
    """`budget` is short of UDP capacity for most of the night: the dearest case there is."""
    scenario, audience = two_hours
    vendor = None if who == "reference" else scenario.vendors[who.split()[0]]
    if who == "budget with room":
        scenario = load_scenario(*NIGHT, "vendors.budget.limits.egress_mbps=100000")
        vendor = scenario.vendors["budget"]
    run(scenario, vendor, 0, audience)
    benchmark.pedantic(run, (scenario, vendor, 0, audience), rounds=3)
    benchmark.extra_info["viewers"] = len(audience.viewers)
    benchmark.extra_info["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def test_drawing_the_audience(benchmark: Any, two_hours: Any) -> None:
    benchmark.pedantic(draw_audience, (two_hours[0], 0), rounds=3)
