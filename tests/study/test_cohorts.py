"""Cohorts from the script to the bill."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.api import Night, simulate

STEADY_LINKS = (
    "network=home", "network.classes.home.mean_mbps={median: 1000, sigma_ln: 0}",
    "network.classes.home.multiplier=[1]", "network.classes.home.hold_s=[1e9]",
    "network.classes.home.jumps=[[0]]", "network.classes.home.loss=0",
)  # fmt: skip
"""Nothing but what is asked of the vendor moves anybody."""

STAYS = "{bouncer_share: 0, bouncer_mean_s: 1, stayer_mean_s: 1e8, stayer_sigma_ln: 0.1}"
WORKED = (
    "vendors=[aws_ivs_realtime]", "tariff@vendors.aws_ivs_realtime.tariffs=[trtc_cn_list]",
    "study=compare", "study.ladder=false", "bands.draws=0", "replications=8", "engine.threads=1",
    "promotion.peak_viewers=1200", "promotion.duration_s=1800", "promotion.drops=[]",
    "promotion.concurrency=[[0,1],[1800,1]]", f"audience.stay={STAYS}", "audience.sd_rundown=1",
    "audience.cohorts=[{name: sd, share: 0.5833333, devices: {480: {share: 1, top_mbps: 0.8}}},"
    "{name: hd, share: 0.4166667, devices: {720: {share: 1, top_mbps: 5}}, "
    "concurrency: [[0,1],[1020,1],[1021,0]]}]",
    "promotion.mass_exit={cohort: hd, time_s: 1020, duration_s: 1, share: 1}",
    "commerce.month.ordinary_nights=0", *STEADY_LINKS,
)  # fmt: skip


@cache
def worked() -> Night:
    """700 viewers in SD for 30 minutes and 500 in HD for 17, in one run."""
    return simulate(*WORKED)


def test_a_bill_of_two_cohorts_is_what_a_calculator_says() -> None:
    """At 14 and 28 CNY for 1,000 minutes, for the viewers of each night and for their mean."""
    night = worked()
    assert night.facts["warnings"] == []
    s = night.sessions
    many = s.groupby(["replication", "cohort"]).size().unstack()
    bill = many[0] * 30 * 0.014 + many[1] * 17 * 0.028
    drawn = night.results[night.results["metric"] == "cost_cny"].set_index("replication")["value"]
    # A ceiled minute a line; nobody leaves HD before 17 min, and the last half a second later.
    assert drawn.to_numpy() == pytest.approx(bill.to_numpy(), rel=1e-3, abs=0.05)
    asked = 700 * 30 * 0.014 + 500 * 17 * 0.028
    chance = np.sqrt(700 * (30 * 0.014) ** 2 + 500 * (17 * 0.028) ** 2)
    assert abs(drawn.mean() - asked) < 4 * chance / np.sqrt(len(drawn))
    assert chance < 0.04 * asked


def test_what_cohorts_lose_adds_up_to_what_is_lost() -> None:
    night = simulate(
        "vendors=[agora]", "vendors.agora.limits.sessions=40", "study=compare", "bands.draws=0",
        "replications=1", "promotion.peak_viewers=80",
        "audience.cohorts=[{name: fans, share: 0.5},{name: others, share: 0.5}]",
    )  # fmt: skip
    lost = night.breakdown[night.breakdown["metric"] == "lost_gmv_cny"]
    mine = lost[lost["by"] == "cohort"].set_index("of")["value"]
    whole = night.results.set_index("metric")["value"]["lost_gmv_cny"]
    assert set(mine.index) == {"fans", "others"}
    assert mine.sum() == pytest.approx(whole)
    assert (mine > 0).all()


def test_cohorts_stand_in_the_breakdown_and_add_up() -> None:
    night = worked()
    keys = ["vendor", "peak_viewers", "replication", "metric"]
    parts = night.breakdown[night.breakdown["by"] == "cohort"]
    assert set(parts["of"]) == {"sd", "hd"}
    whole = night.results.set_index(keys)["value"]
    for metric in ("arrived", "watch_hours"):
        sums = parts[parts["metric"] == metric].groupby(keys)["value"].sum()
        assert np.allclose(sums, whole[sums.index])
    hours = parts[parts["metric"] == "watch_hours"].groupby("of")["value"].mean()
    assert hours["sd"] == pytest.approx(350, rel=0.06)
    assert hours["hd"] == pytest.approx(500 * 17 / 60, rel=0.06)
    other = night.breakdown[night.breakdown["by"] == "isp"]
    assert set(parts["metric"]) == set(other["metric"])
