"""A folder's name changes with everything its content depends on, and with nothing else."""

import pytest

from sim.scenario import files
from sim.scenario.compose import load_scenario, scenario_hash

ONE = "vendors=[agora]"


@pytest.mark.parametrize(
    "override",
    ["output_dir=elsewhere", "overwrite=true", "engine.threads=2", "report.enabled=false"],
)
def test_what_cannot_change_a_result_does_not_change_the_hash(override):
    assert scenario_hash(load_scenario(ONE, override)) == scenario_hash(load_scenario(ONE))


@pytest.mark.parametrize(
    "override",
    ["seed=2", "engine.epoch_s=0.5", "vendors.agora.limits.sessions=1"],
)
def test_what_can_does(override):
    assert scenario_hash(load_scenario(ONE, override)) != scenario_hash(load_scenario(ONE))


def test_the_order_of_vendors_does():
    first, second = (load_scenario(f"vendors=[{v}]") for v in ("agora,budget", "budget,agora"))
    assert scenario_hash(first) != scenario_hash(second)


def test_an_edited_curve_changes_the_hash(tmp_path):
    curve = tmp_path / "curve.csv"
    curve.write_text("time_s,viewers\n0,1\n60,2\n")
    scenario = load_scenario(ONE, "promotion=replay", f"promotion.file={curve}")
    before = scenario_hash(scenario)
    curve.write_text("time_s,viewers\n0,1\n60,3\n")
    assert scenario_hash(scenario) != before


def test_an_added_trace_changes_the_hash(tmp_path):
    (tmp_path / "a.csv").write_text("time_s,mbps\n0,1\n")
    scenario = load_scenario(ONE, "network=replay", f"network.traces={tmp_path}")
    before = scenario_hash(scenario)
    (tmp_path / "b.csv").write_text("time_s,mbps\n0,2\n")
    assert scenario_hash(scenario) != before


def test_a_patched_source_changes_the_hash(tmp_path, monkeypatch):
    (tmp_path / "engine").mkdir()
    source = tmp_path / "engine" / "run.py"
    monkeypatch.setattr(files, "SIM", tmp_path)
    scenario = load_scenario(ONE)
    source.write_text("x = 1\n")
    before = scenario_hash(scenario)
    source.write_text("x = 2\n")
    assert scenario_hash(scenario) != before
