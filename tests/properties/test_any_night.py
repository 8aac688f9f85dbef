"""Whatever night the vocabulary allows, it keeps the invariants and its figures are numbers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from pandas.testing import assert_frame_equal

from sim.api import Night, simulate
from sim.demand import draw_audience
from sim.record import BIN_S, State
from sim.scenario.compose import load_scenario
from sim.scenario.model import Scenario
from sim.study import run_study
from tests.properties.files import write
from tests.properties.kept import found_before, how_to_keep
from tests.properties.scenarios import scenarios

KEYS = ["vendor", "peak_viewers", "replication"]
EITHER_SIGN = ("cost_", "granted_", "lost_", "revenue_at_risk_")
"""A cheaper tier makes a night pay for itself; a worse picture may sell more."""
NOT_BOUNDED = ("watch_delivered_ratio", "lost_gmv_ratio")
"""Who watches a worse picture for longer watches more than in the perfect world."""


def at_the_peak(night: Night, table: pd.DataFrame, vendor: str) -> pd.DataFrame:
    """One vendor's rows at the scripted peak."""
    peak = night.facts["peak_viewers"]
    rows: pd.DataFrame = table[(table["vendor"] == vendor) & (table["peak_viewers"] == peak)]
    return rows


def nothing_to_divide_by(night: Night, vendor: str) -> dict[str, bool]:
    """Figures that are not a number, and whether this night gives them nothing to divide by."""
    s = night.sessions[night.sessions["vendor"] == vendor]
    came = s[~s["initial"]]
    is_ = at_the_peak(night, night.results, vendor).set_index("metric")["value"]
    series = at_the_peak(night, night.timeseries, vendor)
    offered = series[series["metric"] == "offered"]
    nobody_came, nobody_tried = len(came) == 0, came["attempts"].sum() == 0
    no_frame, no_play = came["startup_s"].isna().all(), s["play_s"].sum() == 0
    no_picture = s["play_s"].sum() + s["frozen_s"].sum() == 0
    no_media = s["play_s"].sum() + s["frozen_s"].sum() + s["starting_s"].sum() == 0
    orders = night.orders[night.orders["vendor"] == vendor]
    in_the_room = orders["state"].isin((State.PLAYING, State.STALLED))
    return {
        "curve_error": night.scenario.promotion.arrivals is not None
        and all(c.concurrency is None for c in night.scenario.audience.parts),
        **dict.fromkeys(
            ("join_failure_ratio", "start_abandon_ratio", "return_failure_ratio", "join_5s_ratio"),
            nobody_came,
        ),
        "attempt_failure_ratio": nobody_tried,
        **dict.fromkeys((k for k in is_.index if "startup" in k), no_frame),
        **dict.fromkeys((k for k in is_.index if "stall" in k), no_picture),
        **dict.fromkeys((k for k in is_.index if "latency" in k), no_play),
        **dict.fromkeys(("hd_ratio", "cost_per_viewer_hour_cny"), no_play),
        "mean_bitrate_mbps": no_media,
        "watch_s": len(s) == 0,
        "watch_delivered_ratio": offered["value"].sum() == 0,
        "lost_gmv_ratio": is_["perfect_gmv_cny"] == 0,
        "order_weighted_stall_ratio": not in_the_room.any(),
    }


def figures_are_numbers(night: Night) -> None:
    """None infinite; none missing but where there was nothing to divide by."""
    for vendor, of in night.results.groupby("vendor"):
        here = of[of["peak_viewers"] == night.facts["peak_viewers"]].set_index("metric")["value"]
        nothing = nothing_to_divide_by(night, str(vendor))
        here = here.drop("edge_utilisation")  # missing where nothing has a capacity
        missing = {metric for metric in here.index if np.isnan(here[metric])}
        assert missing == {metric for metric in nothing if nothing[metric]}
        assert set(of.loc[of["value"].isna(), "metric"]) <= {*nothing, "edge_utilisation"}
    assert not np.isinf(night.results["value"]).any()
    assert np.isfinite(night.timeseries["value"]).all()
    lost = night.timeseries["metric"].str.startswith("lost_gmv_cny")
    assert (night.timeseries.loc[~lost, "value"] >= 0).all()
    values = night.results.dropna(subset="value")
    either = values["metric"].str.startswith(EITHER_SIGN)
    assert (values.loc[~either, "value"] >= 0).all()
    bounded = values["metric"].str.endswith("_ratio") & ~values["metric"].isin(NOT_BOUNDED)
    assert (values.loc[bounded, "value"] <= 1).all()


def what_adds_up_adds_up(night: Night) -> None:
    """Breakdowns to their row, rungs to the loss, lines to the bill, seconds to the whole night."""
    whole = night.results.set_index([*KEYS, "metric"])["value"]
    rungs_split = ("lost_gmv_cny.limits", "lost_gmv_cny.incidents")
    for metric in ("arrived", "watch_hours", "lost_gmv_cny", *rungs_split, "cost_cny"):
        parts = night.breakdown[night.breakdown["metric"] == metric]
        for by, part in parts.groupby("by"):
            sums = part.groupby([*KEYS, "metric"])["value"].sum()
            assert np.allclose(sums, whole[sums.index], atol=1e-6), (metric, by)

    wide = whole.unstack("metric")
    assert np.allclose(wide["perfect_gmv_cny"] - wide["gmv_cny"], wide["lost_gmv_cny"])
    rungs = wide[[k for k in wide if str(k).startswith("lost_gmv_cny.")]].dropna()
    assert np.allclose(rungs.sum(axis=1), wide["lost_gmv_cny"][rungs.index] if rungs.size else 0)

    paid_for = {
        (name, tariff.name)
        for name, vendor in night.scenario.vendors.items()
        for tariff in (vendor.lists[0], *vendor.add_ons)
    }
    keys = zip(night.invoice["vendor"], night.invoice["tariff"], strict=True)
    paid = night.invoice[[key in paid_for for key in keys]]
    months = paid[paid["month"] == "with"]
    for metric, lines, amount in (
        ("cost_cny", paid, "amount_cny"),
        ("cost_month_cny", months, "amount_cny"),
        ("cost_fixed_cny", months, "fixed_cny"),
    ):
        bill = lines.groupby(KEYS)[amount].sum()
        assert np.allclose(bill, wide[metric][bill.index], atol=0.005), metric

    duration_s = night.scenario.promotion.duration_s
    assert duration_s is not None
    series = night.timeseries[night.timeseries["metric"] == "watching"]
    width_s = np.minimum(BIN_S, duration_s - series["time_s"])
    hours = series.assign(h=series["value"] * width_s / 3600).groupby(KEYS)["h"].sum()
    assert np.allclose(hours, wide["watch_hours"], atol=1e-6)
    usage = night.usage.groupby([*KEYS, "meter"])["value"].sum().unstack("meter")
    assert np.allclose(usage["wire_mbps"] * BIN_S / 8e3, usage["egress_gb"], atol=1e-9)


def keeps_its_word(data: dict[str, Any]) -> None:
    """`engine.check` is on: the run itself ends with an error where an invariant is broken."""
    night = simulate(Scenario.model_validate(data))
    figures_are_numbers(night)
    what_adds_up_adds_up(night)


@found_before
@given(scenarios())
@settings(max_examples=15)
def test_any_night_keeps_the_invariants_and_gives_numbers(data: dict[str, Any]) -> None:
    how_to_keep(test_any_night_keeps_the_invariants_and_gives_numbers, data)
    keeps_its_word(data)


@pytest.mark.slow
@given(scenarios())
@settings(max_examples=2000)
def test_two_thousand_nights_keep_the_invariants(data: dict[str, Any]) -> None:
    keeps_its_word(data)


@found_before
@given(scenarios(most=150))
@settings(max_examples=5)
def test_checking_keeping_and_threads_change_no_night(data: dict[str, Any]) -> None:
    """The invariants recomputed or not, rows of viewers and orders kept or not, 1 or 2 threads."""
    how_to_keep(test_checking_keeping_and_threads_change_no_night, data)
    other = data | {"engine": data["engine"] | {"check": False, "threads": 2}}
    one = simulate(Scenario.model_validate(data))
    two = run_study(Scenario.model_validate(other), lambda *_: None, keep=False)
    for name in (
        "results",
        "breakdown",
        "timeseries",
        "summary",
        "usage",
        "invoice",
        "asks",
        "risk",
    ):
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


@found_before
@given(scenarios())
@settings(max_examples=25)
def test_a_sample_and_a_smaller_peak_are_part_of_any_audience(data: dict[str, Any]) -> None:
    how_to_keep(test_a_sample_and_a_smaller_peak_are_part_of_any_audience, data)

    def drawn(sample: float, peak: int) -> pd.DataFrame:
        at = data["promotion"] | {"peak_viewers": peak}
        who = data["audience"] | {"sample": sample}
        scenario = Scenario.model_validate(data | {"promotion": at, "audience": who})
        return pd.DataFrame(draw_audience(scenario, 0).viewers)

    peak = max(data["promotion"]["peak_viewers"], 15)  # a sample of fewer than five is refused
    whole = drawn(1.0, peak)
    for part in (drawn(0.4, peak), drawn(1.0, max(1, peak // 2))):
        both = part.merge(whole, how="left", indicator=True)
        assert (both["_merge"] == "both").all()


@found_before
@given(scenarios())
@settings(max_examples=5)
def test_any_night_is_read_from_files_as_it_was_written(data: dict[str, Any]) -> None:
    how_to_keep(test_any_night_is_read_from_files_as_it_was_written, data)
    with tempfile.TemporaryDirectory() as folder:
        _, config_dir, *arguments = write(data, Path(folder))
        read = load_scenario(*arguments, config_dir=config_dir)
    assert read == Scenario.model_validate(data)
