"""What to tell the vendor: numbers over the peak's distribution, from the points of a curve; what
a crowd that was cut off needs at the door."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from sim.commerce import worlds
from sim.engine import run
from sim.scenario.compose import load_scenario
from sim.study import run_study
from sim.study.requirements import busiest, demanded, requirements

P95 = 1.6448536269514722
"""The standard normal's 95 % quantile."""

SLICES = 1e-5
"""What 2,000 slices of the peak's distribution may be off by."""


def curve(values: dict[int, Any], unit: str = "Gbps", struck: bool = False) -> pd.DataFrame:
    """Points of a curve typed by hand: peak -> one value a night."""
    rows = [
        ("v", "it", "", unit, peak, night, float(value), struck)
        for peak, nights in values.items()
        for night, value in enumerate(np.atleast_1d(nights))
    ]
    columns = ["vendor", "what", "of", "unit", "peak_viewers", "replication", "value", "struck"]
    return pd.DataFrame(rows, columns=columns)


def one(values: dict[int, Any], median: float, sigma: float) -> pd.Series[Any]:
    table = requirements(curve(values), median, sigma)
    assert list(table.columns) == [
        "vendor", "what", "of", "unit", "p50", "p95", "beyond", "calm_p50", "calm_p95",
    ]  # fmt: skip
    assert table["p50"].equals(table["calm_p50"]) and table["p95"].equals(table["calm_p95"])
    return table.iloc[0]


def test_on_a_line_the_p95_is_that_of_the_lognormal_peak() -> None:
    line = {peak: 7 + 0.01 * peak for peak in (250, 500, 1000, 2000)}
    row = one(line, 1000, 0.25)
    assert row["p50"] == pytest.approx(17, rel=SLICES)
    assert row["p95"] == pytest.approx(7 + 0.01 * 1000 * np.exp(P95 * 0.25), rel=SLICES)
    assert not row["beyond"]


def test_what_is_proportional_to_the_peak_stays_so() -> None:
    row = one({500: 5, 1000: 10, 2000: 20}, 1000, 0.3)
    assert row["p95"] / row["p50"] == pytest.approx(np.exp(P95 * 0.3), rel=SLICES)


def test_between_two_points_nothing_of_a_third_is_seen() -> None:
    straight = one({1000: 10, 1500: 15, 2000: 20}, 1000, 0.1)
    bent = one({500: 0, 1000: 10, 1500: 15, 2000: 900}, 1000, 0.1)
    assert bent["p95"] == pytest.approx(straight["p95"])


def test_the_p95_of_nights_that_differ_is_that_of_the_mixture() -> None:
    """Where the peak is certain, of the nights alone: of ten the highest, of twenty the middle of
    the two highest. With both, by bisection on the mean of the nights' lognormal laws."""
    assert one({1000: [8, 12], 2000: [19, 21]}, 1000, 0)["p50"] == 10
    assert one({1000: range(10)}, 1000, 0)["p95"] == 9
    assert one({1000: range(20)}, 1000, 0)["p95"] == 18.5
    row = one({1000: [10, 11, 15]}, 1000, 0.25)
    for q, name in ((0.5, "p50"), (0.95, "p95")):
        low, high = 1.0, 100.0
        while high - low > 1e-9:
            at = (low + high) / 2
            below = np.mean([ndtr(np.log(at / each) / 0.25) for each in (10, 11, 15)])
            low, high = (at, high) if below < q else (low, at)
        assert row[name] == pytest.approx(at, rel=1e-3)
    assert row["p95"] > 12 * np.exp(P95 * 0.25), "more than of the mean night"


def test_last_two_points_are_prolonged_beyond_and_that_is_said() -> None:
    row = one({500: 0, 1000: 10, 1200: 14}, 1000, 0.5)
    assert row["p95"] == pytest.approx(10 + 0.02 * (1000 * np.exp(P95 * 0.5) - 1000), rel=SLICES)
    assert row["beyond"]
    assert row["p50"] == pytest.approx(10)


def test_one_point_is_prolonged_in_proportion_and_that_is_said() -> None:
    row = one({1000: 10}, 1000, 0.25)
    assert row["p50"] == pytest.approx(10)
    assert row["p95"] == pytest.approx(10 * np.exp(P95 * 0.25), rel=SLICES)
    assert row["beyond"]


def test_certain_peak_has_one_number_and_nothing_is_prolonged() -> None:
    for points in ({1000: 10}, {500: 4, 1000: 10}):
        row = one(points, 1000, 0)
        assert row["p50"] == row["p95"] == 10
        assert not row["beyond"]


def test_each_vendor_number_and_region_has_its_own_row() -> None:
    points = pd.concat(
        [
            curve({1000: 10, 2000: 20}),
            curve({1000: 10, 2000: 30}).assign(vendor="w"),
            curve({1000: 1, 2000: 2}).assign(what="egress_gbps", of="cn"),
        ]
    )
    table = requirements(points, 1000, 0.25)
    assert list(table["vendor"]) == ["v", "w", "v"]
    assert list(table["of"]) == ["", "", "cn"]
    assert table["p95"].is_unique


# --- incidents ------------------------------------------------------------------------------------


def test_the_worst_of_incidents_is_added_in_proportion() -> None:
    """40 and 90 more at 1,000 on two nights: the second stratum of the first night is the worst."""
    calm = curve({1000: [10, 20], 2000: [20, 40]})
    worse = [curve({1000: [50, 110]}, struck=True), curve({1000: [12, 5]}, struck=True)]
    table = requirements(pd.concat([calm, *worse]), 1000, 0.25)
    alone = requirements(calm, 1000, 0.25)
    assert table["calm_p95"].equals(alone["p95"]) and table["calm_p50"].equals(alone["p50"])
    whole = requirements(curve({1000: [50, 110], 2000: [100, 220]}), 1000, 0.25)
    assert table["p95"][0] == pytest.approx(whole["p95"][0])
    assert table["p50"][0] == pytest.approx(whole["p50"][0])
    less = requirements(pd.concat([calm, curve({1000: [3, 4]}, struck=True)]), 1000, 0.25)
    assert less["p95"].equals(alone["p95"]), "the calm night is covered too"


def test_people_are_asked_for_in_whole_ones() -> None:
    for unit, p50 in (("joins/s", 28), ("calls/s", 28), ("sessions", 28), ("Gbps", 27.8)):
        row = one_of({1000: 27.8}, unit)
        assert row["p50"] == row["p95"] == pytest.approx(p50)
    assert one_of({1000: 28.0}, "sessions")["p50"] == 28


def one_of(values: dict[int, Any], unit: str) -> pd.Series[Any]:
    return requirements(curve(values, unit), 1000, 0).iloc[0]


RTC = ("study=compare", "vendors=[zego]", "replications=1", "bands.draws=0")
REGION = "[{name: cut, what: region, where: cn, time_s: 300, duration_s: %s, left: 0%s}]"
STAYERS = (
    "promotion.peak_viewers=400", "promotion.duration_s=600",
    "promotion.concurrency=[[0,1],[600,1]]", "promotion.drops=[]",
    "audience.stay={bouncer_share: 0, bouncer_mean_s: 1, stayer_mean_s: 1e8, stayer_sigma_ln: 0.1}",
    "audience.patience={free_s: 100, left_by: [[200, 0.5]]}",
    "audience.retry.backoff_s=[5,5,5]",
)  # fmt: skip
"""Some 400 who are there from the start to the end and try again 5 s after a cut."""


@pytest.mark.parametrize("jitter_s", [0, 4])
@pytest.mark.parametrize("kind", ["fast", "exact"])
def test_who_was_cut_off_comes_back_as_the_app_says(kind: str, jitter_s: float) -> None:
    """N at once without jitter, N/J a second with jitter up to J; nobody else comes then."""
    scenario = load_scenario(
        *RTC, *STAYERS, f"engine.kind={kind}", f"audience.retry.jitter_s={jitter_s}",
        "incidents=" + REGION % (2, ""),
    )  # fmt: skip
    free = worlds(scenario.vendors["zego"])["vendor"]
    night = run(scenario, free, 0, None, "incidents", "zego")
    cut, back = int(night.sessions["cuts"].sum()), night.seconds["joins"].to_numpy()
    assert cut > 350 and (night.seconds["attempts"] == night.seconds["joins"]).all()
    assert back[300:].sum() == cut == back[305 : 306 + jitter_s].sum()
    expected = cut / max(jitter_s, 1)
    noise = 4 * np.sqrt(expected) if jitter_s else 0
    assert abs(back[305 : 305 + max(jitter_s, 1)] - expected).max() <= noise
    wanted = {(what, of): value for what, of, value in demanded(night)}
    assert wanted["joins_per_s", ""] == wanted["token_calls_per_s", ""] == back.max()
    assert wanted["joins_per_s_10s", ""] == cut / 10


def test_seconds_add_up_to_the_series_of_ten() -> None:
    scenario = load_scenario(*RTC, "promotion.peak_viewers=300", "promotion.duration_s=605")
    night = run(scenario, scenario.vendors["zego"], 0)
    assert len(night.seconds) == 605
    for column in ("attempts", "joins"):
        tens = np.add.reduceat(night.seconds[column].to_numpy(), np.arange(0, 605, 10))
        assert (tens == night.series[column]).all() and tens.sum() > 100


def test_the_gate_that_is_asked_for_lets_the_storm_in() -> None:
    """Of 2,000 viewers, cut for 8 s, the 52 % whose patience is longer than 10 s are back in one
    second; 14 joins a second, as was asked for, lost a third of the sales."""
    storm = (
        *RTC, "promotion.peak_viewers=2000", "audience.retry.backoff_s=[5,5,5,5,5,5]",
        "audience.retry.jitter_s=0", "report.enabled=false",
        "incidents=[{name: cut, what: region, where: cn, time_s: 1800, duration_s: 8, left: 0}]",
    )  # fmt: skip

    def answered(*more: str) -> Any:
        return run_study(load_scenario(*storm, *more), lambda *_: None)

    frames = answered()
    asks_ = frames.asks.fillna({"of": ""}).set_index(["what", "of"])
    joins = asks_.loc["joins_per_s", ""]
    assert joins["p95"] == pytest.approx(1660, rel=0.1)
    assert joins["p50"] == pytest.approx(0.52 * 2000, rel=0.1)
    assert joins["calm_p95"] < 30
    assert asks_.loc["joins_per_s_10s", ""]["p95"] == pytest.approx(joins["p95"] / 10, rel=0.15)
    granted = answered(f"vendors.zego.limits.joins_per_s={joins['p95']}")
    lost = granted.breakdown[
        (granted.breakdown["by"] == "limit") & (granted.breakdown["of"] == "joins_per_s")
    ]
    assert not lost.loc[lost["metric"] == "lost_gmv_cny", "value"].any()
    figure = granted.results.set_index("metric")["value"]
    said = frames.results.set_index("metric")["value"]
    assert figure["lost_gmv_cny"] == pytest.approx(said["granted_lost_gmv_cny"], abs=0.01)
    assert said["granted_lost_gmv_cny"] < 0.9 * said["lost_gmv_cny"]


def test_an_incident_by_chance_is_covered_and_no_figure_moves() -> None:
    def answered(more: str) -> Any:
        scenario = load_scenario(*RTC, *STAYERS, "audience.retry.jitter_s=0", more)
        return run_study(scenario, lambda *_: None)

    calm, certain, rare = (
        answered(f"incidents={x}") for x in ("[]", REGION % (2, ""), REGION % (2, ", chance: 0.01"))
    )
    assert rare.asks.equals(certain.asks)
    assert rare.results.equals(calm.results)
    assert (rare.asks["calm_p95"] == calm.asks["p95"]).all()
    assert rare.asks.loc[0, "p95"] > 350 > calm.asks.loc[0, "p95"]


# --- samples --------------------------------------------------------------------------------------


def test_the_busiest_second_of_a_sample_is_no_higher_than_of_all() -> None:
    """Poisson seconds, one in four sampled: four times the sample's highest is a quarter too high;
    and what comes in one second is taken as it is."""
    draw = np.random.default_rng(7)
    nights = [draw.poisson(40, 3600) for _ in range(40)]
    samples = [draw.binomial(night, 0.25) for night in nights]
    highest = np.mean([night.max() for night in nights])
    assert np.mean([busiest(s, 4.0) for s in samples]) == pytest.approx(highest, rel=0.05)
    assert np.mean([4 * s.max() for s in samples]) > 1.2 * highest
    assert busiest(nights[0], 1.0) == nights[0].max()
    storm = np.zeros(3600, np.int64)
    storm[1800] = 500
    assert busiest(storm, 4.0) == pytest.approx(2000, rel=0.01)
    assert busiest(np.zeros(9, np.int64), 4.0) == 0
