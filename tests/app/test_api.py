"""Two lines of Python do what the command does."""

import sys

import pytest

import sim
from sim.demand import draw_audience
from sim.engine import run
from sim.scenario import ScenarioError


@pytest.fixture
def api(study):  # noqa: ARG001  # for its effect
    """`sim.api` over the fakes, forgotten afterwards."""
    real = sys.modules.pop("sim.api", None)
    yield
    sys.modules.pop("sim.api", None)
    if real:
        sys.modules["sim.api"] = real


@pytest.mark.usefixtures("api")
def test_simulate_returns_frames_and_plots():
    frames = sim.simulate(sim.load_scenario("promotion=flash_join", "vendors=[agora]"))
    assert list(frames.results["vendor"]) == ["agora"]
    assert frames.plot() == "1 rows of flash_join"


@pytest.mark.usefixtures("api")
def test_simulate_takes_overrides_too(study):
    sim.simulate("seed=12")
    assert study.asked[0].seed == 12


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'simulated'"):
        _ = sim.simulated


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("wrong", [["seed=1"], 5, None, ("a", "b")])
def test_what_is_no_override_is_told_how_to_be_one(study, wrong):
    with pytest.raises(ScenarioError, match="each must be a text of its own"):
        sim.simulate(wrong)
    with pytest.raises(ScenarioError, match="each must be a text of its own"):
        sim.load_scenario(wrong)
    assert study.asked == []


def test_a_night_asked_for_by_a_name_or_below_0_is_told():
    scenario = sim.load_scenario("vendors=[budget]")
    with pytest.raises(ScenarioError, match=r"a run is of a vendor, .* here of a str"):
        run(scenario, "budget", 0)
    for wrong in ((scenario, -1), ("budget", 0), (scenario, 2**32)):
        with pytest.raises(ScenarioError, match="draw_audience takes a scenario and which night"):
            draw_audience(*wrong)
