"""The second band, and one number at a time: small nights beside the same night at every value."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from sim.scenario.compose import load_scenario
from sim.scenario.model import Scenario
from sim.study import Frames, run_study
from sim.study.interval import summarise
from sim.study.uncertainty import RANGED, input_band
from sim.study.variants import ends, with_numbers

SMALL = (
    "promotion.peak_viewers=400", "promotion.duration_s=600", "study.peaks=[]",
    "study.ladder=false", "bands={draws:4,sample:0.5}", "replications=2",
    "study.ranges=none",
)  # fmt: skip
BUDGET = ("vendors=[budget]", "vendors.budget.limits.egress_mbps=700")
PRICE = "vendors.budget.tariffs.budget_list.lines.0.tiers.0.price"


def night(*overrides: str, threads: int = 1) -> Frames:
    scenario = load_scenario(*SMALL, *overrides)
    engine = scenario.engine.model_copy(update={"threads": threads})
    return run_study(scenario.model_copy(update={"engine": engine}), lambda *_: None)


@cache
def usual() -> Frames:
    return night(*BUDGET)


def without_ranges(scenario: Scenario) -> Scenario:
    """Every number at its value and nowhere else."""
    vendors = {k: with_numbers(v, lambda _, q: q.value) for k, v in scenario.vendors.items()}
    return scenario.model_copy(
        update={
            "vendors": vendors,
            "audience": with_numbers(scenario.audience, lambda _, q: q.value),
            "commerce": with_numbers(scenario.commerce, lambda _, q: q.value),
        }
    )


def band(frames: Frames, metric: str, vendor: str = "budget", peak: int = 400) -> pd.Series:
    s = frames.summary
    rows = s[(s["vendor"] == vendor) & (s["metric"] == metric) & (s["peak_viewers"] == peak)]
    assert len(rows) == 1
    return rows.iloc[0][["mean", "input_low", "input_high"]].astype(float)


def test_numbers_without_a_range_make_a_band_that_is_a_point() -> None:
    scenario = without_ranges(load_scenario(*SMALL, *BUDGET))
    summary = run_study(scenario, lambda *_: None).summary.dropna()
    assert {"stall_ratio", "lost_gmv_cny", "cost_cny"} <= set(summary["metric"])
    for end in ("input_low", "input_high"):
        assert np.array_equal(summary[end], summary["mean"])


@pytest.mark.parametrize(
    "metric",
    ["stall_ratio", "watch_delivered_ratio", "lost_gmv_cny", "lost_gmv_ratio", "gmv_cny",
     "cost_cny", "join_failure_ratio"],
)  # fmt: skip
def test_the_figures_of_the_answer_have_a_band(metric: str) -> None:
    _, low, high = band(usual(), metric)
    assert low <= high and np.isfinite([low, high]).all()
    if metric.endswith("_ratio"):
        # Where nothing is lost a drawn night may sell more than the perfect one.
        assert high <= 1 and (low >= 0 or metric == "lost_gmv_ratio")


def test_threefold_price_range_triples_the_band_of_the_bill() -> None:
    def cost(low: float, high: float) -> pd.Series:
        price = f"{PRICE}={{value:0.25,low:{low},high:{high},source:rule}}"
        scenario = load_scenario(*SMALL, *BUDGET, price)
        calm = without_ranges(scenario)
        tariffs = scenario.vendors["budget"].tariffs
        vendor = calm.vendors["budget"].model_copy(update={"tariffs": tariffs})
        calm = calm.model_copy(update={"vendors": {"budget": vendor}})
        return band(run_study(calm, lambda *_: None), "cost_cny")

    narrow, wide = cost(0.22, 0.28), cost(0.16, 0.34)
    assert wide["mean"] == narrow["mean"]
    for end in ("input_low", "input_high"):
        off = narrow[end] - narrow["mean"]
        # Bills are whole cents.
        assert wide[end] - wide["mean"] == pytest.approx(3 * off, abs=0.05)
    assert narrow["input_low"] < narrow["input_high"]


def test_band_is_the_same_for_two_threads_and_beside_another() -> None:
    """One or two threads, alone or beside another vendor."""

    def rows(frames: Frames) -> pd.DataFrame:
        s = frames.summary
        return s[s["vendor"] == "budget"].reset_index(drop=True)

    with_another = "vendors=[agora,budget]"
    assert rows(night(*BUDGET, threads=2)).equals(rows(usual()))
    assert rows(night(with_another, BUDGET[1], threads=2)).equals(rows(usual()))


def test_more_draws_widen_the_extremes_only() -> None:
    few, more = usual(), night(*BUDGET, "bands.draws=8")
    for metric in ("stall_ratio", "cost_cny"):
        assert band(more, metric)["input_low"] <= band(few, metric)["input_low"]
        assert band(more, metric)["input_high"] >= band(few, metric)["input_high"]


def test_away_from_the_peak_and_without_draws_there_is_no_band() -> None:
    away = night(*BUDGET, "study.peaks=[0.5]")
    assert np.isnan(band(away, "stall_ratio", peak=200)["input_low"])
    assert np.isfinite(band(away, "stall_ratio")["input_low"])
    none = night(*BUDGET, "bands.draws=0")
    assert none.summary[["input_low", "input_high"]].isna().all(axis=None)


def by_hand(how: str, values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"vendor": "v", "peak_viewers": 100, "replication": 0, "variant": how, "variant_key": "",
         "metric": "stall_ratio", "unit": "share", "value": values}
    )  # fmt: skip


def test_band_is_95_percent_of_differences_from_forty_draws_on() -> None:
    """Of the paired differences; with fewer draws it is all of them."""
    values = [0.2 + k / 1000 for k in range(41)]  # the base at 0.2: differences 0 to 0.040
    small = pd.concat([by_hand("base", [0.2]), by_hand("drawn", values)])
    full = pd.DataFrame(
        {"vendor": "v", "peak_viewers": 100, "replication": 0, "metric": "stall_ratio",
         "unit": "share", "value": [0.3]}
    )  # fmt: skip
    quantiles = input_band(summarise(full), small, 41).iloc[0]
    assert quantiles["input_low"] == pytest.approx(0.301)
    assert quantiles["input_high"] == pytest.approx(0.339)
    extremes = input_band(summarise(full), small, 39).iloc[0]
    assert extremes["input_low"] == pytest.approx(0.3)
    assert extremes["input_high"] == pytest.approx(0.34)


# --- one number at a time -------------------------------------------------------------------------


@cache
def one_at_a_time() -> Frames:
    return night(
        *BUDGET, "study.ranges=all", "study.peaks=[0.5,1.2]", "bands={draws:0,sample:0.25}",
        "replications=1", "promotion.duration_s=300",
    )  # fmt: skip


def test_every_number_has_two_rows_per_metric_at_each_peak() -> None:
    """One for each end of its range, at the peak and below it."""
    r = one_at_a_time().ranges
    assert list(r.columns) == [
        "vendor", "peak_viewers", "key", "at", "number", "metric", "value", "base",
    ]  # fmt: skip
    vendor = load_scenario(*BUDGET).vendors["budget"]
    assert set(zip(r["key"], r["at"], r["number"], strict=True)) == set(ends(vendor))
    sizes = r.groupby(["key", "metric", "peak_viewers"]).size()
    assert (sizes == 2).all()
    assert set(r["metric"]) == set(RANGED)
    assert set(r["peak_viewers"]) == {200, 400}
    assert (r.groupby(["peak_viewers", "metric"])["base"].nunique() == 1).all()


def test_a_number_that_has_no_part_in_the_night_changes_nothing() -> None:
    r = one_at_a_time().ranges
    refusal = r[r["key"] == "policy.refusal_s"]  # nobody is refused where everyone is degraded
    assert len(refusal) and (refusal["value"] == refusal["base"]).all()


def test_a_price_changes_the_bill_in_proportion_and_nothing_else() -> None:
    r = one_at_a_time().ranges
    price = r[r["key"].str.startswith("tariffs.")]
    bill = price[price["metric"] == "cost_cny"]
    assert np.allclose(bill["value"], bill["base"] * bill["number"] / 0.25, atol=0.02)
    rest = price[price["metric"] != "cost_cny"]
    assert (rest["value"] == rest["base"]).all()


def test_an_end_that_the_models_refuse_is_said_to_be_unknown() -> None:
    path = "vendors.budget.paths.rtc"
    r = night(
        *BUDGET, "study.ranges=all", "bands={draws:0,sample:0.1}", "replications=1",
        f"{path}.start_buffer_s={{value:0.2,low:0.1,high:0.9,source:assumption}}",
        "promotion.duration_s=120",
    ).ranges  # fmt: skip
    start = r[r["key"] == "paths.rtc.start_buffer_s"].set_index("at")["value"]
    assert start["high"].isna().all() and start["low"].notna().all()


def test_ranges_of_the_peak_move_each_number_in_one_night_there() -> None:
    """The night's own peak alone, and the first night."""
    asked = (*BUDGET, "study.peaks=[0.5]", "bands={draws:0,sample:0.25}")
    one, first = (
        night(*asked, f"study.ranges={how}", f"replications={n}").ranges
        for how, n in (("peak", 2), ("all", 1))
    )
    assert set(one["peak_viewers"]) == {400} and set(first["peak_viewers"]) == {200, 400}
    # The night it is taken from, and the one it is compared with, are the first.
    pd.testing.assert_frame_equal(one, first[first["peak_viewers"] == 400].reset_index(drop=True))


def test_unless_asked_for_there_is_no_such_table() -> None:
    assert usual().ranges.empty
