"""From a scenario to tables: what stands in them, and that nothing but the scenario decides it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.app import carry_out
from sim.scenario.compose import CONF, load_scenario
from sim.scenario.model import Scenario
from sim.study import Frames, run_study
from sim.study.interval import summarise
from sim.study.kind import Gathered
from sim.study.kinds import kind_of
from sim.study.plan import jobs, side_by_side

SMALL = (
    "promotion.peak_viewers=400", "promotion.duration_s=900", "report.enabled=false",
    "vendors=[agora,budget]", "study.ranges=none",
)  # fmt: skip


@cache
def small_night() -> Frames:
    scenario = load_scenario(*SMALL, "replications=2", "study.peaks=[0.5]",
                             "vendors.budget.limits.egress_mbps=500")  # fmt: skip
    return run_study(scenario, lambda *_: None, keep=True)


def test_results_hold_one_row_a_figure() -> None:
    r = small_night().results
    assert list(r.columns) == [
        "promotion", "audience", "network", "seed", "vendor", "peak_viewers", "replication",
        "metric", "unit", "value",
    ]  # fmt: skip
    assert not r.duplicated(["vendor", "peak_viewers", "replication", "metric"]).any()
    assert set(r["peak_viewers"]) == {200, 400}
    assert set(r["vendor"]) == {"agora", "budget"}


def test_tables_are_sorted_and_tell_no_time_of_day_or_threads() -> None:
    """No metric is of wall time or a count of threads."""
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


def test_limits_rung_is_split_by_what_happened_and_by_limit() -> None:
    """Each part has an interval of its own."""
    s = small_night().summary
    budget = s[(s["vendor"] == "budget") & (s["peak_viewers"] == 400)]
    rung = budget.loc[budget["metric"] == "lost_gmv_cny.limits", "mean"].sum()
    parts = budget[budget["metric"].str.startswith("lost_gmv_cny.limits.")]
    assert parts["mean"].sum() == pytest.approx(rung)
    assert "lost_gmv_cny.limits.frozen.egress_vendor" in set(parts["metric"])
    assert (parts["ci_low"] <= parts["mean"]).all() and (parts["n"] == 2).all()


def test_share_of_sales_lost_is_what_the_rungs_say_everywhere() -> None:
    """At every point of the curve."""
    wide = small_night().results.pivot_table(
        index=["vendor", "peak_viewers", "replication"], columns="metric", values="value"
    )
    assert np.allclose(wide["lost_gmv_ratio"] * wide["perfect_gmv_cny"], wide["lost_gmv_cny"])
    assert np.allclose(wide["perfect_gmv_cny"] - wide["gmv_cny"], wide["lost_gmv_cny"])


def test_watching_lost_at_a_held_peak_is_the_identity() -> None:
    """Where all share one capacity; elsewhere it isn't told."""
    held = small_night().summary
    held = held[held["metric"] == "held_peak_lost_ratio"].set_index(["vendor", "peak_viewers"])
    # 500 Mbps for 2 Mbps x 1.06 on the wire, refused nowhere: at 200 viewers enough for all.
    assert held["mean"]["budget", 400] == pytest.approx(1 - 500 / (2.12 * 400))
    assert held["mean"]["budget", 200] == 0
    assert held["ci_high"]["budget", 200] == 0
    assert set(held.index.get_level_values("vendor")) == {"budget"}


def test_what_to_tell_the_vendor_is_demand_before_any_limit() -> None:
    plenty = load_scenario(*SMALL, "replications=2", "study.peaks=[0.5]", "bands.draws=0",
                           "vendors.budget.limits.egress_mbps=null")  # fmt: skip
    a, b = small_night().asks, run_study(plenty, lambda *_: None).asks
    assert a.equals(b)
    one = a[a["vendor"] == "budget"].set_index(["what", "of"])
    assert set(one.index) == {
        ("peak_concurrency", ""), ("joins_per_s", ""), ("token_calls_per_s", ""), ("minutes", ""),
        ("egress_gb", ""), ("egress_gbps", ""), ("egress_gbps", "cn"),
        ("joins_per_s_10s", ""), ("token_calls_per_s_10s", ""),
    }  # fmt: skip
    assert (one["p95"]["joins_per_s", ""] >= one["p95"]["joins_per_s_10s", ""]).all()
    # A viewer takes 2 Mbps x 1.06 on the wire, and what is sent again for the links' own loss.
    gbps, viewers = one["p50"]["egress_gbps", ""], one["p50"]["peak_concurrency", ""]
    # Sessions are counted to the instant, Gbps over ten seconds.
    assert 2.12 * 0.98 <= 1000 * gbps / viewers < 2.12 * 1.1
    assert one["beyond"].all()  # the P95 of the peak, 1.5 times its median, is beyond both points


def test_the_worlds_that_are_run_are_those_that_can_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[tuple[str, int, str]] = []
    module = import_module("sim.study.run_study")
    real = module.run

    def counted(scenario: Scenario, *more: Any) -> Any:
        ran.append((more[4], scenario.promotion.peak_viewers or 0, more[3]))
        return real(scenario, *more)

    monkeypatch.setattr(module, "run", counted)
    scenario = load_scenario(
        *SMALL, "replications=1", "study.peaks=[0.25]", "bands.draws=0",
        "vendors.budget.limits.egress_mbps=500",
        "incidents=[{name: cut, what: region, where: cn, vendor: agora, time_s: 300,"
        " duration_s: 60, left: 0}]",
    )  # fmt: skip
    run_study(scenario, lambda *_: None)
    assert sorted(ran) == [
        ("agora", 100, "incidents"),
        ("agora", 100, "vendor"),
        ("agora", 400, "incidents"),
        ("agora", 400, "limits"),
        ("agora", 400, "vendor"),
        ("budget", 100, "incidents"),
        ("budget", 400, "incidents"),
        ("budget", 400, "vendor"),
    ]


def test_progress_counts_every_job_once() -> None:
    said: list[tuple[int, int]] = []
    scenario = load_scenario(
        *SMALL, "replications=2", "study.peaks=[0.5]", "bands={draws:3,sample:0.1}"
    )
    frames = run_study(scenario, lambda done, total: said.append((done, total)))
    # Two vendors: two points of two nights, three drawn nights, and the two they are paired with.
    assert said == [(k, 18) for k in range(19)]
    assert set(frames.facts) == {"peak_viewers", "warnings"}
    assert frames.facts["peak_viewers"] == 400


def test_threads_begin_with_a_night_each() -> None:
    scenario = load_scenario(*SMALL, "replications=3", "study.peaks=[0.5]", "bands.draws=5")
    todo = jobs(scenario, kind_of(scenario).new_points(Gathered(scenario, scripted_peak=400)))
    order = side_by_side(todo, 2)
    assert sorted(order) == list(range(len(todo)))
    for k in range(0, 8, 2):
        one, two = (todo[i].night for i in order[k : k + 2])
        assert one is not two
    assert side_by_side(todo, 1) == list(range(len(todo)))


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
    assert "cohort" not in set(f.breakdown["by"])


def test_summary_has_an_interval_in_place_of_replications() -> None:
    s = small_night().summary
    assert "replication" not in s
    assert {"mean", "ci_low", "ci_high", "n"} <= set(s.columns)
    assert (s["n"] <= 2).all()


def test_each_viewer_of_a_night_has_one_session() -> None:
    """Sessions and orders both name their vendor and replication."""
    f = small_night()
    assert {"vendor", "replication"} <= set(f.sessions.columns) & set(f.orders.columns)
    one = f.sessions[(f.sessions["vendor"] == "agora") & (f.sessions["replication"] == 0)]
    assert one["viewer"].is_unique


def test_two_vendors_meet_the_very_same_viewers() -> None:
    s = small_night().sessions
    who = ["replication", "viewer", "bin", "j", "arrival_s", "intention_s", "access"]
    a, b = (s[s["vendor"] == v][who].reset_index(drop=True) for v in ("agora", "budget"))
    assert a.equals(b)


def test_results_are_the_same_bytes_for_one_and_two_threads(tmp_path: Path) -> None:
    """Written into two folders."""
    scenario = load_scenario(*SMALL, "replications=2", "study.peaks=[0.5]")
    written = []
    for threads in (1, 2):
        engine = scenario.engine.model_copy(update={"threads": threads})
        folder = carry_out(scenario.model_copy(update={"engine": engine}), tmp_path / str(threads))
        assert (folder / "manifest.json").stat().st_mtime > 0
        names = ("results.parquet", "breakdown.parquet", "timeseries.parquet", "summary.csv",
                 "asks.csv")  # fmt: skip
        written.append([(folder / name).read_bytes() for name in names])
    assert written[0] == written[1]


def each_experiment() -> Iterator[Any]:
    """The theory's differ in their numbers alone, and the trust page runs them: all are slow."""
    for name in sorted(p.stem for p in (CONF / "experiment").glob("*.yaml")):
        slow = name.startswith("theory_") and name not in ("theory_tree", "theory_erlang_b")
        yield pytest.param(name, marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize("experiment", [*each_experiment()])
def test_every_experiment_runs_at_one_percent_of_its_peak(experiment: str, tmp_path: Path) -> None:
    """Two of its vendors, as they are with their capacities; few draws and long epochs."""
    whole = load_scenario(f"experiment={experiment}")
    assert whole.promotion.peak_viewers is not None
    peak = max(1, whole.promotion.peak_viewers // 100)
    small = [f"promotion.peak_viewers={peak}", "replications=1", "engine.epoch_s=5"]
    small += ["bands.draws=2"] if whole.bands.draws else []
    if whole.study.ranges != "none":  # hundreds of nights: two for each number
        small.append("promotion.duration_s=1200")
    vendors = list(whole.vendors)[:2]
    small.append(f"vendors=[{','.join(vendors)}]")
    folder = carry_out(load_scenario(f"experiment={experiment}", *small), tmp_path)
    results = pd.read_parquet(folder / "results.parquet")
    assert set(results["vendor"]) == set(vendors)
    stalled = results.loc[results["metric"] == "stall_ratio", "value"]
    nobody_sees = experiment in ("slow_start", "theory_patience", "theory_tree", "theory_erlang_c")
    assert (stalled.between(0, 1) | (stalled.isna() & nobody_sees)).all()
    assert (folder / "report.html").is_file()
    assert (folder / "asks.csv").is_file()
    assert (folder / "ranges.csv").is_file() == (whole.study.ranges != "none")
    assert list((folder / "charts").glob("*.png"))


def test_one_night_has_no_interval_and_a_still_ratio_has_one() -> None:
    """A ratio that was never seen to move is not certain."""

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
