"""What shipped vendors document binds where it should: at a flash join, not in a slow ramp."""

from __future__ import annotations

import pytest

from sim.demand import draw_audience
from sim.engine import run
from sim.record import Run
from sim.scenario.compose import load_scenario

FLASH = ("promotion=flash_join", "audience=feed_room")
RAMP = ("promotion=steady_ramp", "audience=star_room")
GBPS = "vendors.alibaba_rts.limits.egress_mbps=null"
"""Alibaba's 10 Gbps in all are raised: they would bind first."""
MAINLAND = "vendors.alibaba_rts.limits.egress_growth_mbps_per_min=50000"


def night(vendor: str, peak: int, *keys: str) -> Run:
    """A sampled night of one shipped vendor."""
    scenario = load_scenario(
        f"vendors=[{vendor}]", f"promotion.peak_viewers={peak}", f"audience.sample={1000 / peak}",
        "promotion.duration_s=1500", *keys,
    )  # fmt: skip
    audience = draw_audience(scenario, 0)
    return run(scenario, scenario.vendors[vendor], 0, audience, "limits", vendor)


def bound_s(r: Run, limit: str) -> float:
    return r.facts.get(f"binding_limit_s.{limit}", 0.0)


def used(r: Run, limit: str) -> float:
    return max(use.share for use in r.limits if use.limit == limit)


@pytest.mark.parametrize("keys, peak", [((GBPS,), 20_000), ((GBPS, MAINLAND), 60_000)])
def test_alibabas_growth_within_a_minute_binds_in_a_flash_join_only(
    keys: tuple[str, ...], peak: int
) -> None:
    flash, ramp = (night("alibaba_rts", peak, *keys, *script) for script in (FLASH, RAMP))
    assert bound_s(flash, "egress_growth") > 20
    assert used(flash, "egress_growth") == pytest.approx(1)
    assert bound_s(ramp, "egress_growth") == 0
    assert used(ramp, "egress_growth") < 0.5


def test_zegos_joins_a_second_refuse_in_a_flash_join_only() -> None:
    flash, ramp = (night("zego", 20_000, *script) for script in (FLASH, RAMP))
    assert bound_s(flash, "joins_per_s") > 20
    assert flash.sessions["failed"].sum() > 0
    assert used(flash, "joins_per_s") > 1
    assert bound_s(ramp, "joins_per_s") == 0
    assert ramp.sessions["failed"].sum() == 0
    assert used(ramp, "joins_per_s") < 0.8
