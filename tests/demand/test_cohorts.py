"""Classes of viewers who come, stay and watch in their own way."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.demand import draw_audience, expected_demand
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Audience, Stay
from tests.demand.nights import night, shipped
from tests.demand.test_audience import (
    assert_nested,
    assert_orders_nested,
    assert_shares,
    present,
)

FANS = {"bouncer_share": 0, "bouncer_mean_s": 1, "stayer_mean_s": 900, "stayer_sigma_ln": 1}
TWO = (
    {"name": "fans", "share": 0.3, "stay": FANS, "concurrency": [[0, 0.5], [1200, 1]],
     "devices": {"480": {"share": 1, "top_mbps": 1}}, "regions": {"abroad": 1}},
    {"name": "passers-by", "share": 0.7, "isps": {"mobile": 0.2, "telecom": 0.8}},
)  # fmt: skip


@cache
def room(*cohorts, audience="feed_room"):
    """The shipped audience with these cohorts (pairs of key and value, so that they hash)."""
    who = shipped(f"audience={audience}").audience
    given = [dict(cohort) for cohort in cohorts] or list(TWO)
    return Audience.model_validate({**who.model_dump(), "cohorts": given})


def two(**keys):
    """A flat night of 1,000 viewers in two cohorts, unless keys say otherwise."""
    sample = keys.pop("sample", 1.0)
    who = {"cohorts": room().cohorts, "sample": sample}
    return night("feed_room", who=who, **keys)


def demand(scenario):
    return expected_demand(scenario.promotion, scenario.audience)


def test_each_cohort_has_its_share_of_the_peak_and_its_own_joins():
    """Little: a flat curve needs as many joins a second as viewers over their own mean stay."""
    d = demand(two())
    fans, others = d.parts
    assert fans.offered == pytest.approx(300 * (0.5 + 0.5 * d.times_s / 1200), rel=1e-3)
    assert others.offered == pytest.approx(np.full(len(d.times_s), 700))
    assert others.per_s == pytest.approx(np.full(40, 700 / others.law.mean_s))
    assert fans.law.mean_s == 900 and others.law.mean_s == pytest.approx(75, abs=1)
    assert d.offered == pytest.approx(fans.offered + others.offered)
    assert d.peak_viewers == 1000 == pytest.approx(d.offered_peak)
    joins = np.array([part.per_s.sum() for part in d.parts])
    assert d.mean_stay_s == pytest.approx(joins @ [900, others.law.mean_s] / joins.sum())


def test_curves_that_peak_apart_stay_below_the_sum_of_peaks():
    early = {"name": "early", "share": 0.5, "concurrency": ((0, 1), (1200, 0.6))}
    late = {"name": "late", "share": 0.5, "concurrency": ((0, 0.6), (1200, 1))}
    who = room(tuple(early.items()), tuple(late.items()))
    d = demand(night("feed_room", who={"cohorts": who.cohorts}))
    assert d.peak_viewers == 1000
    assert d.curve_error < 0.01
    assert d.offered_peak == pytest.approx(800, rel=0.01)


def test_watching_of_a_cohort_is_the_integral_of_its_curve():
    """Mean over nights of all that its drawn viewers watch, against viewers x seconds."""
    scenario, watched = two(peak_viewers=200), []
    for replication in range(150):
        a = draw_audience(scenario, replication)
        stay = a.leave_s - a.viewers["arrival_s"]
        watched.append(np.bincount(a.viewers["cohort"], stay, minlength=2))
    mean, error = np.mean(watched, axis=0), np.std(watched, axis=0) / np.sqrt(150)
    closed = np.array([60 * 0.75 * 1200, 140 * 1200])
    assert (np.abs(mean - closed) < 4 * error).all()
    assert (error < 0.02 * closed).all()


def test_one_cohort_that_leaves_all_out_is_the_whole_audience():
    plain = draw_audience(night(peak_viewers=300), 1)
    who = room((("name", "all"), ("share", 1.0)))
    same = draw_audience(night(peak_viewers=300, who={"cohorts": who.cohorts}), 1)
    assert np.array_equal(plain.viewers, same.viewers)
    assert np.array_equal(plain.orders, same.orders)


def test_a_smaller_audience_with_cohorts_is_part_of_a_larger():
    small, large = (draw_audience(two(peak_viewers=n), 2) for n in (400, 1000))
    assert_nested(small, large)
    assert_orders_nested(small, large)
    assert set(small.viewers["cohort"]) == {0, 1}


def test_a_sample_has_its_share_of_every_cohort_at_any_time():
    whole = draw_audience(two(), 3)
    less, part = (draw_audience(two(sample=s), 3) for s in (0.1, 0.3))
    assert_nested(part, whole)
    assert_nested(less, part)
    assert part.order_weight * part.orders["value_cny"].sum() == pytest.approx(
        whole.orders["value_cny"].sum()
    )
    times = np.linspace(50, 1150, 40)
    for k in (0, 1):
        here = [
            present(type(a)(a.viewers[a.viewers["cohort"] == k], a.orders, a.demand, 0, 0), times)
            for a in (part, whole)
        ]
        chance = np.sqrt(0.3 * 0.7 * here[1])
        assert np.abs((here[0] - 0.3 * here[1]) / chance).max() < 1.5


def test_no_two_cohorts_share_a_draw():
    v = draw_audience(two(), 0).viewers
    assert len(np.unique(v["intention_s"])) == len(v)
    assert ((v["bin"] < 0) == (v["arrival_s"] == 0)).all()


def test_a_cohort_is_where_and_on_what_it_says():
    scenario = two()
    who, v = scenario.audience, draw_audience(scenario, 0).viewers
    fans, others = v[v["cohort"] == 0], v[v["cohort"] == 1]
    assert {who.every_region[k] for k in fans["region"]} == {"abroad"}
    assert {who.every_device[k] for k in fans["device"]} == {(480, 1.0)}
    assert_shares(fans["isp"], list(who.isps.values()))
    assert_shares(others["region"], [*who.regions.values(), 0])
    assert_shares(others["device"], [*(d.share for d in who.devices.values()), 0])
    assert_shares(others["isp"], [0.2, 0.8, 0])


def test_a_mass_exit_may_take_one_cohort_and_come_twice():
    """Both halve the fans who are there: a quarter is left; nobody else notices."""
    stay = Stay(bouncer_share=0, bouncer_mean_s=1, stayer_mean_s=1e7, stayer_sigma_ln=0.1)
    leave = {"duration_s": 60, "share": 0.5, "cohort": "fans"}
    exits = [{"time_s": 300, **leave}, {"time_s": 330, **leave}]
    who = room((("name", "fans"), ("share", 0.5)), (("name", "b"), ("share", 0.5)))
    scenario = night(
        mass_exit=exits, peak_viewers=4000, arrivals=[[0, 1], [1200, 1]],
        who={"cohorts": who.cohorts, "stay": stay},
    )  # fmt: skip
    v = draw_audience(scenario, 0).viewers
    there = v[v["arrival_s"] == 0]
    fans = there[there["cohort"] == 0]
    left = (fans["exit_s"] == 1200).mean()
    assert left == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / len(fans)))
    assert (there["exit_s"][there["cohort"] == 1] == 1200).all()
    # The expected curve says the same: of those there at 300 s a quarter.
    d = demand(scenario)
    at = [np.flatnonzero(d.times_s == t)[0] for t in (300, 390)]
    assert d.parts[0].offered[at[1]] / d.parts[0].offered[at[0]] == pytest.approx(0.25, abs=1e-4)


def test_exit_within_a_bin_takes_viewers_who_came_before_it():
    """300 viewers join evenly in 30 s and stay; from 10 to 20 s all who are there leave.

    Each viewer who comes meanwhile is taken with the part of it that is still to come.
    """
    stay = Stay(bouncer_share=0, bouncer_mean_s=1, stayer_mean_s=1e9, stayer_sigma_ln=0.1)
    scenario = night(
        who={"stay": stay}, arrivals=[[0, 1], [30, 1]], duration_s=30, grid_s=30,
        mass_exit={"time_s": 10, "duration_s": 10, "share": 1}, peak_viewers=1000,
    )  # fmt: skip
    d = demand(scenario)
    joined, began = d.per_s[0] * 30, d.initial
    assert began / joined > 1e6  # who joins is nothing beside those in equilibrium
    from_now = (d.offered[-1]) / d.per_s[0]
    assert from_now == pytest.approx(10 + 5, rel=1e-6)  # 10 s after it, half of those during it


def test_views_are_those_of_all_cohorts(tmp_path):
    """One factor stretches the stays that are to fit: together they come as often as counted."""
    file = tmp_path / "curve.csv"
    file.write_text("time_s,viewers,views\n0,300,0\n1200,300,2000\n")
    script = {"file": str(file), "duration_s": None, "peak_viewers": None}
    plain = demand(night(**script))
    assert plain.mean_stay_s == pytest.approx(300 * 1200 / 2000)

    level = [{k: v for k, v in TWO[0].items() if k != "concurrency"}, TWO[1]]
    who = Audience.model_validate(room().model_dump() | {"cohorts": level})
    d = demand(night(who={"cohorts": who.cohorts}, **script))
    fans, others = d.parts
    assert d.arrivals - d.initial == pytest.approx(2000)
    assert others.law.mean_s / 75 == pytest.approx(fans.law.mean_s / 900, rel=0.01)

    kept = [dict(TWO[0]) | {"stay": FANS | {"fit_to_views": False}}, TWO[1]]
    who = Audience.model_validate(room().model_dump() | {"cohorts": kept})
    d = demand(night(who={"cohorts": who.cohorts}, **script))
    fans, others = d.parts
    assert fans.law.mean_s == 900
    fans_come = 0.3 * 300 * 0.75 * 1200 / 900
    assert others.law.mean_s == pytest.approx(0.7 * 300 * 1200 / (2000 - fans_come))


def test_views_too_few_for_the_stays_that_are_kept(tmp_path):
    file = tmp_path / "curve.csv"
    file.write_text("time_s,viewers,views\n0,300,0\n1200,300,20\n")
    kept = [dict(TWO[0]) | {"stay": FANS | {"fit_to_views": False}}, TWO[1]]
    who = Audience.model_validate(room().model_dump() | {"cohorts": kept})
    scenario = night(file=str(file), duration_s=None, who={"cohorts": who.cohorts})
    with pytest.raises(ScenarioError, match=r"counts 20 views.*come 90 times"):
        demand(scenario)


def test_a_cohort_that_comes_after_a_recorded_show_is_refused(tmp_path):
    file = tmp_path / "curve.csv"
    file.write_text("time_s,viewers\n0,300\n600,300\n")
    late = {"name": "late", "share": 1.0, "concurrency": ((0, 0), (700, 0), (800, 1))}
    who = {"cohorts": room(tuple(late.items())).cohorts}
    with pytest.raises(ScenarioError, match=r"'late' has no viewer within the show of 600 s"):
        demand(night(file=str(file), duration_s=None, who=who))
