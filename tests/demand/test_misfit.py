"""A curve that can't be followed is told, with what mends it: pasted, it does."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from sim.catalogue.language import SPACE, words
from sim.demand import expected_demand, not_followed
from sim.demand.misfit import TOLD_HOURS, TOLD_VIEWERS, misfit
from tests.demand.nights import AUDIENCES, PROMOTIONS, shipped

REPLAY = ("promotion=replay", "promotion.drops=[]", "promotion.peak_viewers=null")


def recorded(folder, step_s, viewers):
    """Arguments that replay such a recording."""
    file = folder / "curve.csv"
    lines = [f"{step_s * k},{n}" for k, n in enumerate(viewers)]
    file.write_text("\n".join(["time_s,viewers", *lines]) + "\n")
    return (*REPLAY, f"promotion.file={file}")


def told(*overrides):
    scenario = shipped(*overrides)
    messages = not_followed(scenario.promotion, scenario.audience)
    return words().tell(messages).replace(SPACE, " ")


def pasted(sentence):
    """What the sentence says one should add to the command line."""
    return [
        word for word in shlex.split(sentence.replace("can't", "")) if word.startswith("promotion.")
    ]


def test_a_recording_that_ends_at_once_is_told_with_its_numbers(tmp_path):
    """Thirteen samples of five minutes up to 18,000, then nobody: the viewer-hours by hand."""
    keys = recorded(tmp_path, 300, [1000 + 17_000 * k / 12 for k in range(13)] + [0] * 9)
    sentence = told(*keys)
    d = expected_demand((s := shipped(*keys)).promotion, s.audience)
    there = sum((d.offered[1:] + d.offered[:-1]) / 2 * (d.times_s[1:] - d.times_s[:-1]))
    asked = 300 * (1000 * 12 + 17_000 * 6 + 18_000 / 2)
    assert f"{100 * (there / asked - 1):.1f} % more viewer-hours" in sentence
    assert f"at 3,900 s {d.offered[260]:,.0f} viewers where it has 0." in sentence
    assert told(*keys, *pasted(sentence)) == ""


def test_too_many_are_told_beside_what_the_recording_has(tmp_path):
    keys = recorded(tmp_path, 300, [49, 20])
    sentence = told(*keys)
    d = expected_demand((s := shipped(*keys)).promotion, s.audience)
    too_many = 100 * (d.offered[-1] / 20 - 1)
    assert 50 < too_many < 99
    assert f"at 300 s {d.offered[-1]:.0f} viewers where it has 20 ({too_many:.1f} % too" in sentence
    assert told(*keys, *pasted(sentence)) == ""


CURVES = {
    "a fall between two steps": ("promotion.concurrency=[[0,1],[2007,1],[2012,0.3],[3600,0.3]]",),
    "two falls": ("promotion.concurrency=[[0,1],[900,1],[930,.5],[1800,1],[1900,.2],[3600,.2]]",),
    "a slow one": ("promotion.concurrency=[[0,1],[600,1],[2400,0.05],[3600,0.05]]",),
    "a rise within a step": ("promotion.concurrency=[[0,0.1],[607,0.1],[617,1],[3600,1]]",),
    "one cohort": (
        "audience.cohorts=[{name: a, share: 0.6},"
        "{name: 'the rest', share: 0.4, concurrency: [[0,1],[1020,1],[1021,0]]}]",
    ),
    "with an exit that is too small": (
        "promotion.concurrency=[[0,1],[1800,1],[1860,0.2],[3600,0.2]]",
        "promotion.mass_exit={time_s: 1800, duration_s: 60, share: 0.4}",
    ),
}


@pytest.mark.parametrize("keys", CURVES.values(), ids=CURVES)
def test_what_mends_a_curve_mends_it_when_pasted(keys):
    sentence = told(*keys)
    assert "can't follow its curve" in sentence and "a part of it" not in sentence
    added = pasted(sentence)
    assert any(a.startswith(("promotion.mass_exit=", "promotion.grid_s=")) for a in added)
    assert told(*[k for k in keys if "mass_exit" not in k], *added) == ""


def test_a_step_of_the_grid_is_named_where_it_is_too_long():
    sentence = told("promotion.concurrency=[[0,0.1],[600,0.1],[610,1],[3600,1]]")
    assert "bends within the 30 s in which joins are even" in sentence
    assert pasted(sentence) == ["promotion.grid_s=10"]


def test_a_cohort_that_can_t_follow_is_named():
    sentence = told(*CURVES["one cohort"])
    assert sentence.startswith("Cohort 'the rest' can't follow its curve")
    assert 'cohort:"the rest"' in sentence


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("promotion", PROMOTIONS)
def test_every_shipped_script_can_be_followed(promotion, audience):
    assert told(f"promotion={promotion}", f"audience={audience}") == ""


@pytest.mark.parametrize(("too_many", "is_told"), [(0.045, False), (0.055, True)])
def test_it_is_told_from_five_in_a_hundred_on(too_many, is_told):
    """Of exponential stays of 600 s exp(-1/60) are left at the end of a fall of 10 s."""
    stay = "{bouncer_share: 1, bouncer_mean_s: 600, stayer_mean_s: 1, stayer_sigma_ln: 1}"
    asked = np.exp(-1 / 60) / (1 + too_many)
    keys = (
        "promotion.duration_s=1200", f"audience.stay={stay}", "promotion.grid_s=10",
        f"promotion.concurrency=[[0,1],[1190,1],[1200,{asked}]]",
    )  # fmt: skip
    scenario = shipped(*keys)
    d = expected_demand(scenario.promotion, scenario.audience)
    found = misfit(d.parts[0], d)
    assert abs(found.hours) < TOLD_HOURS
    assert found.offered / found.asked - 1 == pytest.approx(too_many)
    assert bool(told(*keys)) == is_told == (too_many >= TOLD_VIEWERS)


def test_an_arrival_curve_is_always_followed():
    assert told("promotion.concurrency=null", "promotion.arrivals=[[0,1],[60,9],[61,0]]") == ""


def test_what_would_be_long_to_try_is_said_to_be_reckoned():
    """Cohorts, exits and steps whose trial alone would pass what the joins may ask for."""
    exits = ",".join(f"{{time_s:{60 * k},duration_s:30,share:0.2}}" for k in range(1, 7))
    keys = (
        "promotion.duration_s=600", "promotion.grid_s=1", f"promotion.mass_exit=[{exits}]",
        "audience.cohorts=[{name: a, share: 0.5},{name: b, share: 0.5}]",
        "promotion.concurrency=[[0,1],[500.05,1],[500.06,0.1],[510.0,0.1],[510.01,1],[600,1]]",
    )  # fmt: skip
    assert told(*keys).endswith("That is reckoned, not tried.")
