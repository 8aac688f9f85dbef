"""Small scripts for tests of demand: the shipped night, with what the test says instead."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sim.demand import Demand, expected_demand
from sim.scenario.compose import load_scenario
from sim.scenario.model import Promotion, Scenario, Stay

CONF = Path(__file__).resolve().parents[2] / "conf"
PROMOTIONS = sorted(file.stem for file in (CONF / "promotion").glob("*.yaml"))
AUDIENCES = sorted(file.stem for file in (CONF / "audience").glob("*.yaml"))

shipped = cache(load_scenario)

BARE: dict[str, Any] = {
    "name": "test",
    "starts_at": "2026-11-11T20:00:00",
    "duration_s": 1200,
    "peak_viewers": 1000,
    "peak_sigma": 0,
    "grid_s": 30,
    "orders_per_view": 0.02,
}


def script(**keys: Any) -> Promotion:
    """A promotion of 20 minutes at 1,000 viewers; its curve is flat unless given."""
    if not {"concurrency", "arrivals", "file"} & set(keys):
        keys["concurrency"] = [[0, 1], [1200, 1]]
    return Promotion.model_validate(BARE | keys)


def night(audience: str = "feed_room", *, seed: int = 1, **keys: Any) -> Scenario:
    """The shipped scenario with this script; keys of the audience go in as `who`."""
    base = shipped(f"audience={audience}")
    who = base.audience.model_copy(update=keys.pop("who", {}))
    promotion = keys.pop("promotion", None) or script(**keys)
    return base.model_copy(update={"promotion": promotion, "audience": who, "seed": seed})


def demand(audience: str = "feed_room", stay: Stay | None = None, **keys: Any) -> Demand:
    """What is expected of the script."""
    scenario = night(audience, who={} if stay is None else {"stay": stay}, **keys)
    return expected_demand(scenario.promotion, scenario.audience)
