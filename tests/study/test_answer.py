"""From a scenario to tables: what stands in them, and that nothing but the scenario decides it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.app import carry_out
from sim.scenario.compose import CONF, load_scenario
from sim.study import Frames, answer
from sim.study.interval import summarise

SMALL = ("promotion.peak_viewers=400", "promotion.duration_s=900", "report.enabled=false")


@cache
def small_night() -> Frames:
    scenario = load_scenario(*SMALL, "replications=2", "study.peaks=[0.5]",
                             "vendors.budget.limits.egress_mbps=500")  # fmt: skip
    return answer(scenario, lambda done, total: None, keep=True)


def test_results_hold_one_row_a_figure() -> None:
    r = small_night().results
    assert list(r.columns) == [
        "promotion", "audience", "network", "seed", "vendor", "peak_viewers", "replication",
        "metric", "unit", "value",
    ]  # fmt: skip
    assert not r.duplicated(["vendor", "peak_viewers", "replication", "metric"]).any()
    assert set(r["peak_viewers"]) == {200, 400}
    assert set(r["vendor"]) == {"agora", "budget"}


def test_tables_are_sorted_and_hold_no_time_of_day_and_no_thread_count() -> None:
    f = small_night()
    for table, by in (
        (f.results, ["vendor", "peak_viewers", "replication", "metric"]),
        (f.timeseries, ["vendor", "peak_viewers", "replication", "time_s", "metric"]),
    ):
        assert table[by].equals(table[by].sort_values(by, ignore_index=True))
    assert not {"threads", "wall_time_s"} & set(f.results["metric"])


def test_the_rungs_of_the_ladder_add_up_for_every_vendor() -> None:
    wide = small_night().results.pivot_table(
        index=["vendor", "peak_viewers", "replication"], columns="metric", values="value"
    ).loc[(slice(None), 400), :]  # fmt: skip
    rungs = wide[[c for c in wide if str(c).startswith("lost_gmv_cny.")]].sum(axis=1)
    assert np.allclose(rungs, wide["lost_gmv_cny"])
    assert np.allclose(wide["perfect_gmv_cny"] - wide["gmv_cny"], wide["lost_gmv_cny"])


def test_breakdowns_add_up_to_the_row_of_results() -> None:
    f = small_night()
    keys = ["vendor", "peak_viewers", "replication", "metric"]
    for metric in ("lost_gmv_cny", "cost_cny", "arrived", "watch_hours"):
        whole = f.results[f.results["metric"] == metric].set_index(keys)["value"]
        parts = f.breakdown[f.breakdown["metric"] == metric]
        for _, part in parts.groupby("by"):
            sums = part.groupby(keys)["value"].sum()
            assert np.allclose(sums, whole[sums.index])
    assert {"class", "region", "isp", "rung", "cause", "limit", "line"} <= set(f.breakdown["by"])


def test_the_summary_has_the_keys_without_replication_and_an_interval() -> None:
    s = small_night().summary
    assert "replication" not in s
    assert {"mean", "ci_low", "ci_high", "n"} <= set(s.columns)
    assert (s["n"] <= 2).all()


def test_every_order_finds_its_viewer_in_some_state_and_sessions_stand_one_a_viewer() -> None:
    f = small_night()
    assert {"vendor", "replication"} <= set(f.sessions.columns) & set(f.orders.columns)
    one = f.sessions[(f.sessions["vendor"] == "agora") & (f.sessions["replication"] == 0)]
    assert one["viewer"].is_unique


def test_two_vendors_meet_the_very_same_viewers() -> None:
    s = small_night().sessions
    who = ["replication", "viewer", "bin", "j", "arrival_s", "intention_s", "access"]
    a, b = (s[s["vendor"] == v][who].reset_index(drop=True) for v in ("agora", "budget"))
    assert a.equals(b)


def test_results_are_the_same_bytes_for_one_and_two_threads_in_two_folders(tmp_path: Path) -> None:
    scenario = load_scenario(*SMALL, "replications=2", "study.peaks=[0.5]")
    written = []
    for threads in (1, 2):
        engine = scenario.engine.model_copy(update={"threads": threads})
        folder = carry_out(scenario.model_copy(update={"engine": engine}), tmp_path / str(threads))
        assert (folder / "manifest.json").stat().st_mtime > 0
        names = ("results.parquet", "breakdown.parquet", "timeseries.parquet", "summary.csv")
        written.append([(folder / name).read_bytes() for name in names])
    assert written[0] == written[1]


@pytest.mark.parametrize("experiment", sorted(p.stem for p in (CONF / "experiment").glob("*.yaml")))
def test_every_experiment_runs_at_one_percent_of_its_peak_capacities_as_they_are(
    experiment: str, tmp_path: Path
) -> None:
    whole = load_scenario(f"experiment={experiment}")
    assert whole.promotion.peak_viewers is not None
    peak = max(1, whole.promotion.peak_viewers // 100)
    folder = carry_out(
        load_scenario(f"experiment={experiment}", f"promotion.peak_viewers={peak}"), tmp_path
    )
    results = pd.read_parquet(folder / "results.parquet")
    assert set(results["vendor"]) == set(whole.vendors)
    assert results.loc[results["metric"] == "stall_ratio", "value"].between(0, 1).all()
    assert (folder / "report.html").is_file()
    assert list((folder / "charts").glob("*.png"))


def test_one_night_has_no_interval_and_a_ratio_never_seen_to_move_is_not_certain() -> None:
    def table(*values: float) -> pd.DataFrame:
        return summarise(
            pd.DataFrame(
                {"vendor": "v", "replication": range(len(values)), "metric": "stall_ratio",
                 "unit": "share", "value": values}
            )
        )  # fmt: skip

    assert np.isnan(table(0.5)["ci_low"][0])
    calm = table(*[0.0] * 20)
    assert calm["ci_low"][0] == 0
    assert calm["ci_high"][0] == pytest.approx(1 - 0.05 ** (1 / 20))
    spread = table(0.1, 0.2, 0.3)
    assert spread["ci_low"][0] < 0.2 < spread["ci_high"][0]
    # Student's t, 2 degrees of freedom: 4.3027 standard errors.
    assert spread["ci_high"][0] - 0.2 == pytest.approx(4.30265 * 0.1 / np.sqrt(3), rel=1e-4)
