"""What shipped vendors document binds where it should: at a flash join, not in a slow ramp."""

from __future__ import annotations

import pytest

from sim.demand import draw_audience
from sim.engine import run
from sim.record import Run
from sim.scenario.compose import load_scenario
from tests.engine.nights import STEADY

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


@pytest.mark.parametrize(("keys", "peak"), [((GBPS,), 20_000), ((GBPS, MAINLAND), 60_000)])
def test_alibabas_growth_cap_binds_only_in_a_flash_join(keys: tuple[str, ...], peak: int) -> None:
    """On growth within a minute; in a ramp less than half of it is used."""
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


EACH = 2.26 * 1.06 * 1.1
"""What Agora's viewer takes on the wire: picture, overhead, FEC."""


def test_agoras_10_gbps_are_3794_viewers_at_its_door() -> None:
    """The other reading of '10,000 users or 10 Gbps' lifted: FEC is reserved, no repetition is."""
    keys = ("vendors.agora.limits.sessions=null", "promotion.peak_viewers=4000")
    scenario = load_scenario("vendors=[agora]", *STEADY, *keys, "promotion.duration_s=20")
    audience = draw_audience(scenario, 0)
    r = run(scenario, scenario.vendors["agora"], 0, audience, "limits", "agora")
    assert int(10_000 / EACH) == 3794
    assert (r.sessions["play_s"] > 0).sum() == 3794
    assert used(r, "egress_vendor") == pytest.approx(3794 * EACH / 10_000)


@pytest.mark.parametrize("loss", [0.0, 0.2])
@pytest.mark.parametrize(
    ("key", "limit"),
    [
        ("limits.egress_mbps", "egress_vendor"),
        ("regions.cn={egress_mbps: MBPS}", "egress_region"),
        ("edges.cn.telecom={egress_mbps: MBPS}", "egress_edge"),
        ("limits.account_mbps", "account_mbps"),
        ("paths.rtc.fleet={nodes: 1, node_mbps: MBPS, cascades: true}", "egress_vendor"),
    ],
)
def test_every_mbps_is_used_by_overhead_fec_and_repetition(
    key: str, limit: str, loss: float
) -> None:
    """What the links lose is sent again: 1/(1 - loss) times what would be sent else."""
    cap = f"++vendors.agora.{key}" + ("" if "=" in key else "=MBPS")
    bare = "vendors.agora.limits={sessions: null, egress_mbps: null}"
    scenario = load_scenario(
        "vendors=[agora]", *STEADY, bare, cap.replace("MBPS", "1000"), "promotion.duration_s=60",
        "vendors.agora.policy.egress_mbps=degrade", f"network.classes.home.loss={loss}",
        "promotion.peak_viewers=200",
    )  # fmt: skip
    audience = draw_audience(scenario, 0)
    r = run(scenario, scenario.vendors["agora"], 0, audience, "limits", "agora")
    telecom = r.sessions["isp"] == r.names.isps.index("telecom")
    here = telecom if limit == "egress_edge" else slice(None)
    mbps, whole_mbps = (
        s["play_s"].sum() / 60 * EACH / (1 - loss) for s in (r.sessions[here], r.sessions)
    )
    assert used(r, limit) * 1000 == pytest.approx(mbps, rel=0.01)
    for meter, rate in (("wire_mbps", 1 / 6), ("egress_gb", 8e3 / 60)):
        read = r.usage.loc[r.usage["meter"] == meter, "value"].sum() * rate
        assert read == pytest.approx(whole_mbps, rel=0.01)
