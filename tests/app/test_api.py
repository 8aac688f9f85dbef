"""Two lines of Python do what the command does."""

import sys

import pytest

import sim


@pytest.fixture
def api(study):
    """`sim.api` over the fakes, forgotten afterwards."""
    real = sys.modules.pop("sim.api", None)
    yield
    sys.modules.pop("sim.api", None)
    if real:
        sys.modules["sim.api"] = real


def test_simulate_returns_frames_and_plots(api):
    frames = sim.simulate(sim.load_scenario("promotion=flash_join", "vendors=[agora]"))
    assert list(frames.results["vendor"]) == ["agora"]
    assert frames.plot() == "1 rows of flash_join"


def test_simulate_takes_overrides_too(api, study):
    sim.simulate("seed=12")
    assert study.asked[0].seed == 12


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'simulated'"):
        _ = sim.simulated
