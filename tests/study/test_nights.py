"""What a recorded curve tells of itself is checked before the first night."""

from __future__ import annotations

import pytest

from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.study.nights import jobs

BREAK = "incidents=[{name: it, what: host_uplink, time_s: %d, duration_s: 9, left: 0}]"


@pytest.fixture
def recording(tmp_path):
    """Ten minutes, 400 viewers at the peak."""
    path = tmp_path / "curve.csv"
    path.write_text("time_s,viewers\n0,100\n300,400\n600,200\n")
    return (
        "promotion=replay", f"promotion.file={path}", "vendors=[budget]", "replications=1",
        "promotion.peak_viewers=null", "promotion.duration_s=null",
    )  # fmt: skip


def test_an_incident_after_its_end_is_refused(recording):
    late = load_scenario(*recording, BREAK % 600)
    with pytest.raises(ScenarioError, match=r"incidents\.0\.time_s 600 is after the show"):
        jobs(late)
    assert jobs(load_scenario(*recording, BREAK % 599))


def test_a_sample_that_leaves_nobody_of_it_is_refused(recording):
    tiny = load_scenario(*recording, "audience.sample=0.01")
    with pytest.raises(ScenarioError, match=r"leaves 4 viewers of 400 .* at least 0\.0125"):
        jobs(tiny)
    assert jobs(load_scenario(*recording, "audience.sample=0.0125"))
