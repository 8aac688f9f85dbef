"""What a recorded curve tells of itself is checked before the first night."""

from __future__ import annotations

import pytest

from sim.catalogue.language import words
from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.study.plan import refuse_misfit, warnings

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
        refuse_misfit(late)
    refuse_misfit(load_scenario(*recording, BREAK % 599))


LATE = {
    "promotion.drops": "[{name: x, time_s: 600, price_cny: 9, intent: 2, decay_s: 60}]",
    "promotion.mass_exit": "[{time_s: 9, duration_s: 1, share: 0.1},"
    "{time_s: 600, duration_s: 1, share: 0.1}]",
    "promotion.pitches": "[{from_s: 600, to_s: 700, intent: 2}]",
}


@pytest.mark.parametrize("key", LATE)
def test_an_event_after_its_end_is_refused(recording, key):
    late = load_scenario(*recording, f"{key}={LATE[key]}")
    with pytest.raises(ScenarioError, match=rf"{key}\.[01]\.(time|from)_s 600 is after the show"):
        refuse_misfit(late)
    refuse_misfit(load_scenario(*recording, f"{key}={LATE[key].replace('600', '599')}"))


def test_a_shipped_script_does_without_what_comes_after_its_end(recording):
    """The drop of `replay` is at 1,500 s; the recording lasts 600."""
    scenario = load_scenario(*recording, "promotion.drops.0.time_s=600")
    refuse_misfit(scenario)
    assert words().tell(warnings(scenario)[0]) == (
        "promotion.drops.0.time_s 600 is after the show, which ends at 600 s: left out."
    )
    there = load_scenario(*recording, "promotion.drops.0.time_s=599")
    assert not any("left out" in sentence for sentence in map(words().tell, warnings(there)))


def test_a_curve_that_cannot_be_followed_is_told(recording):
    steep = load_scenario(*recording, "audience=star_room", "promotion.drops=[]")
    (sentence,) = map(words().tell, warnings(steep))
    assert "can't follow its curve" in sentence and "promotion.mass_exit=[" in sentence


def test_a_sample_that_leaves_nobody_of_it_is_refused(recording):
    tiny = load_scenario(*recording, "audience.sample=0.01")
    with pytest.raises(ScenarioError, match=r"leaves 4 viewers of 400 .* at least 0\.0125"):
        refuse_misfit(tiny)
    refuse_misfit(load_scenario(*recording, "audience.sample=0.0125"))


@pytest.mark.parametrize(
    ("last_s", "said"),
    [
        (10_800_000, r"is 1\.08e\+07 s long, .* column time_s must be in seconds"),  # milliseconds
        (691_200, "is 691200 s long, a show is 1 to 604800"),  # eight days
        (0.5, r"is 0\.5 s long"),
        (500_000, r"promotion\.grid_s 30 cuts 500000 s .* it must be at least 200"),
    ],
)
def test_a_recording_of_another_unit_is_refused(tmp_path, last_s, said):
    """Bounds hold for the file, not only for the key it stands for."""
    path = tmp_path / "curve.csv"
    path.write_text(f"time_s,viewers\n0,100\n{last_s},400\n")
    night = load_scenario(
        "promotion=replay", f"promotion.file={path}", "vendors=[budget]",
        "promotion.peak_viewers=null", "promotion.duration_s=null",
    )  # fmt: skip
    with pytest.raises(ScenarioError, match=said):
        refuse_misfit(night)
