"""A night's log replayed: what is written of it, what is said of it, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.app import carry_out
from sim.catalogue.language import words
from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario, read_scenario, run_again
from sim.study import run_study
from sim.study.kind import Gathered
from sim.study.kinds import kind_of
from sim.study.plan import refuse_misfit, scripted_peak, warnings
from sim.study.size import refuse_what_does_not_fit

GIVEN = ("vendors=[budget]", "promotion.duration_s=600", "promotion.drops=[]", "replications=1",
         "bands.draws=0", "report.enabled=false", "study.peaks=[]")  # fmt: skip


@pytest.fixture
def rows():
    rng = np.random.default_rng(2)
    arrival_s = rng.uniform(-50, 600, 400)
    return pd.DataFrame({"arrival_s": arrival_s, "stay_s": rng.lognormal(4, 1, 400) + 51})


@pytest.fixture
def log(rows, tmp_path):
    file = tmp_path / "night.csv"
    rows.to_csv(file, index=False)
    return f"audience.file={file}"


def said(scenario):
    so_far = Gathered(scenario, scripted_peak(scenario))
    told = warnings(scenario, kind_of(scenario).new_points(so_far))
    return [words().tell(messages) for messages in told]


def test_sessions_on_disk_are_the_rows_of_the_file(rows, log, tmp_path):
    folder = carry_out(load_scenario(*GIVEN, log, "report.sessions=true"), tmp_path)
    sessions = pd.read_parquet(folder / "sessions.parquet").sort_values(
        ["arrival_s", "intention_s"]
    )
    left = rows["stay_s"] + rows["arrival_s"].clip(upper=0)
    asked = pd.DataFrame({"arrival_s": rows["arrival_s"].clip(lower=0), "intention_s": left})
    asked = asked.sort_values(["arrival_s", "intention_s"])
    assert (sessions[["arrival_s", "intention_s"]].to_numpy() == asked.to_numpy()).all()
    assert (sessions["weight"] == 1).all()
    results = pd.read_parquet(folder / "results.parquet")
    peak = results.set_index("metric")["value"]["expected_peak"]
    assert set(results["peak_viewers"]) == {int(peak)}


def test_a_finished_run_without_sessions_is_run_when_asked(log, tmp_path):
    without = carry_out(load_scenario(*GIVEN, log), tmp_path)
    assert not (without / "sessions.parquet").exists()
    began = (without / "manifest.json").stat().st_mtime_ns
    again = carry_out(load_scenario(*GIVEN, log, "report.sessions=true"), tmp_path)
    assert again == without and (again / "sessions.parquet").is_file()
    assert (again / "manifest.json").stat().st_mtime_ns > began
    carry_out(load_scenario(*GIVEN, log), tmp_path)
    assert (again / "sessions.parquet").is_file(), "more than is asked for is reused"


def test_a_replayed_night_can_be_run_again_anywhere(log, tmp_path):
    folder = carry_out(load_scenario(*GIVEN, log), tmp_path / "first")
    (tmp_path / "night.csv").unlink()
    scenario = read_scenario(folder / "config.yaml")
    assert scenario.promotion.peak_viewers is None
    assert scenario.audience.file == str(folder / "inputs" / "night.csv")
    second = carry_out(run_again(folder, []), tmp_path / "second")
    assert second.name == folder.name
    with pytest.raises(ScenarioError, match=r"peak_viewers=9 can't stand beside audience\.file"):
        run_again(folder, ["promotion.peak_viewers=9"])


def test_two_vendors_meet_the_viewers_of_the_file(log):
    """At each peak that is asked for, whose tables stand under it."""
    scenario = load_scenario(*GIVEN, log, "vendors=[budget,agora]", "study.peaks=[0.5,2]")
    frames = run_study(scenario, lambda *_: None, keep=True)
    peak = frames.facts["peak_viewers"]
    assert set(frames.results["peak_viewers"]) == {round(peak / 2), peak, 2 * peak}
    identity = ["bin", "j", "arrival_s", "intention_s", "region", "isp", "access"]
    one, other = (
        it[identity].reset_index(drop=True) for _, it in frames.sessions.groupby("vendor")
    )
    assert one.equals(other)


def test_a_peak_of_the_command_line_beside_a_file_is_refused(log):
    with pytest.raises(ScenarioError) as refused:
        load_scenario(*GIVEN, log, "promotion.peak_viewers=500")
    assert str(refused.value) == (
        "promotion.peak_viewers=500 can't stand beside audience.file, whose viewers are as many as "
        "its rows: study.peaks=[2] asks for a night of twice as many"
    )
    assert load_scenario(*GIVEN, log, "promotion.peak_viewers=null").promotion.peak_viewers is None
    assert load_scenario(*GIVEN, log, "promotion=flash_join").promotion.peak_viewers is None


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(ScenarioError, match=r"audience\.file is 'no\.csv', which is not there"):
        load_scenario(*GIVEN, "audience.file=no.csv")
    assert load_scenario(*GIVEN, "audience.file=made_up").audience.file == "made_up"


def test_a_name_of_another_place_is_refused_before_any_night(rows, tmp_path):
    file = tmp_path / "night.csv"
    rows.assign(region="mars").to_csv(file, index=False)
    with pytest.raises(ScenarioError, match="line 2, column region: 'mars' is none of"):
        refuse_misfit(load_scenario(*GIVEN, f"audience.file={file}"))


def test_an_event_after_the_end_of_the_file_is_refused(log):
    exits = "promotion.mass_exit={time_s: %d, duration_s: 9, share: 0.1}"
    late = load_scenario(*GIVEN, log, "promotion.duration_s=null", exits % 99999)
    with pytest.raises(ScenarioError, match=r"mass_exit\.0\.time_s 99999 is after the show"):
        refuse_misfit(late)


def test_what_is_not_the_files_own_is_said_with_its_numbers(log):
    scenario = load_scenario(*GIVEN, log)
    own = scripted_peak(scenario)
    assert said(scenario) == []
    (other,) = said(load_scenario(*GIVEN, log, "study.peaks=[0.5,0.25,2,3]"))
    assert f"Only at {own} viewers, its own peak" in other
    assert f"at {round(own / 4)} viewers" in other and f"at {3 * own} viewers each" in other
    exits = "promotion.mass_exit={time_s: 99, duration_s: 9, share: 0.1}"
    late, stay = said(load_scenario(*GIVEN, log, "promotion.duration_s=500", exits))
    assert "viewers of audience.file (the first on line" in late and "at 500 s: left out" in late
    assert "promotion.mass_exit and drops.extra_arrivals move none" in stay


def test_what_does_not_fit_names_no_peak_to_lower(log, monkeypatch):
    monkeypatch.setattr("sim.study.size.MOST_WORK_S", 1e-3)
    with pytest.raises(ScenarioError) as refused:
        refuse_what_does_not_fit(load_scenario(*GIVEN, log))
    assert "promotion.peak_viewers" not in str(refused.value)
