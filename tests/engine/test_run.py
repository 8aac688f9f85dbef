"""One night, whole: what limits do to it, what a run leaves behind, and its invariants."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.demand import draw_audience
from sim.engine import perfect, run
from sim.engine.invariants import InvariantError
from sim.record import Reason, Run, State
from sim.scenario.compose import load_scenario
from sim.scenario.limits import Limit
from tests.engine.nights import FLV, LAYERED, night, run_once
from tests.recordings import DATA

with_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the recordings are not here: set PEAKCAST_DATA to their folder"
)


def stall_ratio(run: Run) -> float:
    s = run.sessions
    return float(s["frozen_s"].sum() / (s["frozen_s"].sum() + s["play_s"].sum()))


def share_gone(run: Run, *reasons: Reason) -> float:
    return float(np.isin(run.sessions["reason"], reasons).mean())


def test_everybody_is_gone_for_a_reason_when_the_show_is_over() -> None:
    r = run_once(night("promotion.peak_viewers=500"))
    assert (r.sessions["state"] == State.GONE).all()
    assert (r.sessions["reason"] != Reason.NONE).all()
    assert (r.sessions["left_s"] <= 300).all()


@pytest.mark.parametrize("path", [(), FLV], ids=["rtc", "flv"])
@pytest.mark.parametrize(
    ("limit", "harmed"),
    [
        ("limits.egress_mbps={c}", "frozen"),
        ("limits.egress_mbps={c} policy.egress_mbps=refuse", "turned away"),
        ("limits.sessions={n}", "turned away"),
        ("limits.sessions={n} policy.sessions=queue", "turned away"),
        ("regions.cn.egress_mbps={c} limits.egress_mbps=1e6", "frozen"),
    ],
)
def test_half_as_much_again_as_any_capacity_shows_harm(
    limit: str, harmed: str, path: tuple[str, ...]
) -> None:
    capacity = {"n": 200, "c": 200 * 2.0 * 1.06}
    keys = [f"vendors.budget.{k.format(**capacity)}" for k in limit.split()]
    keys = [f"++{k}" if "regions" in k else k for k in keys]
    free = run_once(night("promotion.peak_viewers=300", *path))
    held = run_once(night("promotion.peak_viewers=300", *keys, *path))
    if harmed == "frozen":
        assert stall_ratio(held) > 2 * stall_ratio(free)
    else:
        turned = share_gone(held, Reason.REFUSED, Reason.GAVE_UP_WAITING)
        assert turned > share_gone(free, Reason.REFUSED, Reason.GAVE_UP_WAITING) + 0.05
    assert any(key.startswith("binding_limit_s") for key in held.facts)


def test_one_bitrate_loses_a_third_of_play_at_demand_of_1_5_c() -> None:
    """TCP, nobody leaves: play can't exceed C/(1.5 C) of what is offered (invariant 7)."""
    stays = (
        "audience.stall_patience_mean_s=null",
        "audience.kappa=1",
        "network.classes.lte.loss=0",
    )
    scenario = night("promotion.peak_viewers=300",
                     "promotion.concurrency=[[0,1],[300,1]]",
                     "vendors.budget.limits.egress_mbps=424", *FLV, *stays)  # fmt: skip
    audience = draw_audience(scenario, 0)
    played = run(scenario, scenario.vendors["budget"], 0, audience).sessions["play_s"].sum()
    offered = perfect(scenario, 0, audience).sessions["play_s"].sum()
    assert 1 - played / offered >= 0.30


def test_retries_load_the_gate_so_refusals_outnumber_viewers() -> None:
    r = run_once(
        night(
            "promotion.peak_viewers=300",
            "vendors.budget.limits.joins_per_s=1",
            "vendors.budget.policy.joins_burst=1",
        )
    )
    assert r.sessions["attempts"].sum() > 1.5 * len(r.sessions)
    joins = r.series["joins"].to_numpy()
    assert joins[1:-1].max() <= 11, "a gate of one a second lets at most 10 and a burst into 10 s"


def test_initial_viewers_play_at_once_and_quota_refuses_the_last() -> None:
    scenario = night("promotion.peak_viewers=300", "vendors.budget.limits.sessions=100")
    s = run_once(scenario).sessions
    there = s[s["initial"]]
    assert len(there) > 100
    assert (there["failed"][:100] == 0).all()
    assert (there["failed"][100:] > 0).all()
    assert np.isnan(there["startup_s"]).all(), "they are outside start-up metrics"


def test_start_up_times_are_not_tied_to_the_grid() -> None:
    s = run_once(night("promotion.peak_viewers=500", *FLV), epoch_s=10.0).sessions
    first = (s["arrival_s"] + s["startup_s"])[~np.isnan(s["startup_s"])]
    assert len(np.unique(np.round(first % 1.0, 6))) > 50


def test_the_perfect_world_plays_every_stay_in_full() -> None:
    scenario = night("promotion.peak_viewers=300")
    audience = draw_audience(scenario, 0)
    best = perfect(scenario, 0, audience)
    stays = np.minimum(audience.viewers["arrival_s"] + audience.viewers["intention_s"],
                       audience.viewers["exit_s"]) - audience.viewers["arrival_s"]  # fmt: skip
    assert np.allclose(best.sessions["play_s"], stays)
    assert best.series["watching"].sum() * 10 == pytest.approx(stays.sum(), abs=1e-3)


def test_better_links_freeze_less_in_the_reference_world() -> None:
    def frozen(network: str) -> float:
        scenario = night("promotion.peak_viewers=500", f"network={network}")
        return stall_ratio(run(scenario, None, 0))

    assert frozen("home") < frozen("mixed") < frozen("mobile")


def test_a_limit_that_is_lifted_harms_nobody() -> None:
    scenario = night("promotion.peak_viewers=300", "vendors.budget.limits.egress_mbps=1e6")
    r = run_once(scenario)
    assert not any(key.startswith("binding_limit_s") for key in r.facts)
    assert (r.sessions["harm"] <= Limit.LINK).all()


def test_measuring_changes_nothing_and_meters_add_up_to_rows() -> None:
    """engine.check recomputes the invariants from rows; with and without it, the same night."""
    scenario = night("promotion.peak_viewers=300", "vendors.budget.limits.egress_mbps=400")
    a, b = run_once(scenario, check=True), run_once(scenario, check=False)
    assert a.sessions.tobytes() == b.sessions.tobytes()
    minutes = a.usage.loc[a.usage["meter"] == "viewer_minutes", "value"].sum()
    s = a.sessions
    inside = (s["play_s"] + s["frozen_s"] + s["starting_s"]).sum() / 60
    assert minutes == pytest.approx(inside)
    mbps = a.usage[a.usage["meter"] == "wire_mbps"]["value"].sum() * 10
    gb = a.usage[a.usage["meter"] == "egress_gb"]["value"].sum()
    assert mbps / 8e3 == pytest.approx(gb)


def test_a_broken_invariant_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = night("promotion.peak_viewers=100")
    monkeypatch.setattr("sim.engine.invariants.FEW", -1.0)
    with pytest.raises(InvariantError, match="invariant 3"):
        run_once(scenario, check=True)


def test_a_smaller_sample_estimates_the_same_night() -> None:
    def at(sample: float) -> Run:
        return run_once(
            night(
                "promotion.peak_viewers=3000",
                f"audience.sample={sample}",
                "vendors.budget.limits.sessions=2000",
            )
        )

    whole, part = at(1.0), at(0.25)
    assert part.weight == 4
    assert len(part.sessions) * part.weight == pytest.approx(len(whole.sessions), rel=0.05)
    gone = [share_gone(r, Reason.REFUSED, Reason.GAVE_UP_WAITING) for r in (whole, part)]
    assert gone[1] == pytest.approx(gone[0], abs=0.05)
    gb = [r.usage.loc[r.usage["meter"] == "egress_gb", "value"].sum() for r in (whole, part)]
    assert gb[1] == pytest.approx(gb[0], rel=0.06)


@with_data
def test_a_night_on_the_real_ghent_4g_traces(tmp_path: Path) -> None:
    import tarfile

    archive = DATA / "net" / "sabre_norway3g_ghent4g.tar.gz"
    folder = tmp_path / "ghent"
    folder.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.isfile() and member.name.startswith("4Glogs/"):
                content = tar.extractfile(member)
                assert content is not None
                (folder / Path(member.name).name).write_bytes(content.read())
    assert len(list(folder.iterdir())) == 40
    scenario = night("promotion.peak_viewers=2000", "network=replay", f"network.traces={folder}")
    rtc = run_once(scenario)
    assert 0.001 < stall_ratio(rtc) < 0.05, "moving phones freeze a little: plain players 0.4-1.4 %"


@with_data
def test_a_night_on_the_real_recorded_curve_scaled_to_20000(tmp_path: Path) -> None:
    table = pd.read_csv(DATA / "concurrency" / "youtube_live_5s_2021.csv")
    climbs = table.groupby("stream")["concurrentViewers"].agg(["first", "max"])
    stream = climbs.index[(climbs["first"] == 11333) & (climbs["max"] == 16471)]
    assert len(stream) == 1
    rows = table[table["stream"] == stream[0]].drop_duplicates("t_s")
    names = {"t_s": "time_s", "concurrentViewers": "viewers", "viewCount": "views"}
    curve = rows.rename(columns=names)[["time_s", "viewers", "views"]]
    path = tmp_path / "recorded.csv"
    curve.to_csv(path, index=False)
    scenario = load_scenario(
        "vendors=[budget]",
        "promotion=replay",
        f"promotion.file={path}",
        "promotion.peak_viewers=20000",
        "engine.check=true",
    )
    audience = draw_audience(scenario, 0)
    assert audience.demand.offered_peak == pytest.approx(20000, rel=0.02)
    assert audience.demand.mean_stay_s / 60 == pytest.approx(49.8, abs=0.3), "by its views"
    r = run(scenario, scenario.vendors["budget"], 0, audience)
    there = r.series[["watching", "stalled"]].iloc[0].sum()
    assert there == pytest.approx(20000 * 11333 / 16471, rel=0.05)
    assert r.facts["binding_limit_s.egress_vendor"] > 0


def test_compiled_code_of_other_sources_is_never_used() -> None:
    """Numba forgets callees when it decides what is stale; the folder is named by all sources."""
    show = "import numba.core.config as c, sim.compiled; print(c.CACHE_DIR)"
    env = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    root = Path(__file__).parents[2]
    out = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True, env=env, cwd=root
    )
    assert Path(out.stdout.strip()).name.startswith("numba-")


def test_those_there_at_the_start_are_no_joins_and_no_attempts() -> None:
    scenario = night("promotion.peak_viewers=300", "promotion.concurrency=[[0,1],[300,1]]")
    r = run_once(scenario)
    assert r.sessions["initial"].sum() > 200
    came = ~r.sessions["initial"]
    assert (
        r.series["joins"].sum()
        == r.sessions["attempts"][came].sum() + (r.sessions["attempts"][~came] - 1).sum()
    )
    assert r.series["joins"].iloc[0] < 50


def test_those_kept_waiting_at_the_start_begin_like_anyone_else() -> None:
    scenario = night(
        "promotion.peak_viewers=300",
        "vendors.budget.limits.sessions=20",
        "vendors.budget.policy.sessions=queue",
    )
    s = run_once(scenario).sessions
    late = s[s["initial"] & (s["waiting_s"] > 0) & (s["play_s"] > 0)]
    assert len(late) > 0
    assert (late["starting_s"] > 0).all()


def test_given_burst_shrinks_with_the_sample_like_its_rate() -> None:
    keys = ("vendors.budget.limits.joins_per_s=20", "vendors.budget.policy.joins_burst=100")

    def failed(sample: float) -> float:
        flash = "promotion.concurrency=[[0,0.1],[60,0.1],[90,1],[300,1]]"
        r = run_once(
            night("promotion.peak_viewers=3000", flash, f"audience.sample={sample}", *keys)
        )
        return float(r.sessions["failed"].sum() * r.weight)

    assert failed(0.25) == pytest.approx(failed(1.0), rel=0.15)


def test_a_show_that_ends_within_a_bin_keeps_its_numbers() -> None:
    flat = "promotion.concurrency=[[0,1],[300,1]]"
    whole = run_once(night("promotion.peak_viewers=400", flat, "promotion.duration_s=300"))
    short = run_once(night("promotion.peak_viewers=400", flat, "promotion.duration_s=295"))
    assert len(short.series) == len(whole.series) == 30
    last = [r.series[["watching", "stalled"]].iloc[-1].sum() for r in (short, whole)]
    assert last[0] == pytest.approx(last[1], rel=0.1)


def test_the_exact_twin_is_refused_for_a_crowd() -> None:
    scenario = load_scenario("engine=exact", "vendors=[budget]")
    with pytest.raises(Exception, match=r"engine.kind is exact .* at most 20000"):
        run(scenario, scenario.vendors["budget"], 0)


def test_a_frozen_order_is_booked_to_what_froze_the_picture() -> None:
    r = run_once(
        night("promotion.peak_viewers=400", "network=mobile", "promotion.orders_per_view=1")
    )
    frozen = r.orders[r.orders["state"] == State.STALLED]
    assert len(frozen) > 0
    assert (frozen["limit"] == Limit.LINK).all()


def test_keyframe_on_the_second_of_picture_choice_is_not_missed() -> None:
    keys = (*LAYERED, "promotion.peak_viewers=600", "network=mobile")

    def frozen_s(gop_s: float) -> float:
        r = run_once(night(*keys, f"vendors.budget.paths.rtc.gop_s={gop_s}"))
        return float(r.sessions["frozen_s"].sum())

    # Every second keyframe of 2.003 s falls into another part of its second.
    assert frozen_s(2.0) == pytest.approx(frozen_s(2.003), rel=0.05)
