"""The viewers of a night: open Poisson arrivals, each known by their bin and number in it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from sim.demand import AUDIENCE, draw_audience
from sim.scenario.model import Stay
from tests.demand.nights import night, shipped

NIGHTS = 300
RAMP = {"concurrency": [[0, 0.3], [600, 1], [1200, 0.8]], "peak_viewers": 100, "duration_s": 900}
COLUMNS = [name for name in AUDIENCE.names or () if name not in ("bin", "j")]


@cache
def nights(sample=1.0):
    """Many nights of a small ramp."""
    scenario = night(**RAMP, who={"sample": sample})
    return [draw_audience(scenario, r) for r in range(NIGHTS)]


def counts(audiences):
    """(night, 1 + bins) viewers; the first column is those there at the start."""
    bins = len(audiences[0].demand.per_s)
    return np.array([np.bincount(a.viewers["bin"] + 1, minlength=bins + 1) for a in audiences])


def means(audience):
    d = audience.demand
    return np.append(d.initial, d.per_s * np.diff(d.edges_s))


def present(audience, times):
    """How many are there at each time in the perfect world."""
    came, left = np.sort(audience.viewers["arrival_s"]), np.sort(audience.leave_s)
    return np.searchsorted(came, times, side="right") - np.searchsorted(left, times, side="right")


def identity(viewers):
    return viewers["bin"].astype(np.int64) * 2**32 + viewers["j"]


# --- arrivals -------------------------------------------------------------------------------------


def test_count_of_every_bin_is_poisson_around_its_mean():
    n, mean = counts(nights()), means(nights()[0])
    # Dispersion: sum of (n - mean)^2 / mean over the nights is chi-square, for each bin.
    spread = ((n - mean) ** 2 / mean).sum(axis=0)
    p = stats.chi2.sf(spread, NIGHTS)
    assert stats.kstest(p, "uniform").pvalue > 1e-3
    assert (np.minimum(p, 1 - p) > 1e-5).all()
    # The mean of each bin; and all of them together.
    z = (n.mean(axis=0) - mean) / np.sqrt(mean / NIGHTS)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert (z**2).sum() < stats.chi2.isf(1e-3, len(z))


def test_every_count_has_its_poisson_share():
    n, mean = counts(nights()), means(nights()[0])
    # Where each count falls in its own Poisson law: ten boxes, filled as that law says.
    boxes = np.arange(1, 10) / 10
    cuts = stats.poisson.ppf(boxes[:, None], mean)
    expected = np.diff(stats.poisson.cdf(cuts, mean), axis=0, prepend=0, append=1).sum(axis=1)
    box = (n[:, None, :] > cuts).sum(axis=1)
    filled = np.bincount(box.ravel(), minlength=10)
    assert stats.chisquare(filled, expected * NIGHTS).pvalue > 1e-3


def test_bins_know_nothing_of_one_another():
    z = (counts(nights()) - means(nights()[0])) / np.sqrt(means(nights()[0]))
    correlation = np.corrcoef(z.T)[np.triu_indices(z.shape[1], 1)]
    assert np.abs(correlation).max() < 4.5 / np.sqrt(NIGHTS)
    assert abs(correlation.mean()) < 0.01


def test_arrivals_are_spread_evenly_over_their_bin():
    for audience in nights()[:3]:
        v, d = audience.viewers, audience.demand
        came = v[v["bin"] >= 0]
        within = (came["arrival_s"] - d.edges_s[came["bin"]]) / np.diff(d.edges_s)[came["bin"]]
        assert ((within > 0) & (within < 1)).all()
        assert stats.kstest(within, "uniform").pvalue > 1e-3


def test_viewers_stand_in_order_of_bin_and_number_without_gaps():
    v = nights()[0].viewers
    assert (np.diff(identity(v)) > 0).all()
    assert (v["bin"] >= -1).all()
    firsts = np.append(True, np.diff(v["bin"]) > 0)
    assert (v["j"][firsts] == 0).all()
    assert (np.diff(v["j"])[~firsts[1:]] == 1).all()


# --- presence -------------------------------------------------------------------------------------


def test_concurrency_is_poisson_around_the_offered_curve():
    d = nights()[0].demand
    here = np.array([present(a, d.times_s[:-1]) for a in nights()])
    z = (here.mean(axis=0) - d.offered[:-1]) / np.sqrt(d.offered[:-1] / NIGHTS)
    assert np.abs(z).max() < 4
    assert abs(z.mean()) < 1
    # M/G/infinity: the variance is the mean.
    assert here.var(axis=0).mean() == pytest.approx(d.offered.mean(), rel=0.05)


def test_initial_viewers_match_the_target_in_equilibrium():
    """As many as the target says, each with what is left of a stay under way."""
    first = [a.viewers[a.viewers["bin"] == -1] for a in nights()]
    target = 30
    n = np.array([len(v) for v in first])
    assert abs(n.mean() - target) < 4 * np.sqrt(target / NIGHTS)
    rest = np.concatenate(first)
    assert (rest["arrival_s"] == 0).all()
    # What is left of lengths under way: half the mean square over the mean, longer than a stay.
    law = nights()[0].demand.parts[0].law
    stayers = law.stayer_s**2 * np.exp(law.sigma**2)
    square = law.share * 2 * law.bouncer_s**2 + (1 - law.share) * stayers
    mean = square / 2 / law.mean_s
    lengths = rest["intention_s"]
    assert abs(lengths.mean() - mean) < 4 * lengths.std() / np.sqrt(len(lengths))
    assert mean > 2 * law.mean_s


def test_a_show_ends_for_everyone():
    v = nights()[0].viewers
    assert (v["exit_s"] == 900).all()
    assert (nights()[0].leave_s <= 900).all()
    assert (v["arrival_s"] + v["intention_s"] > 900).any()


# --- nested audiences -----------------------------------------------------------------------------


def assert_nested(small, large):
    """Everyone of the small audience is in the large one, the same in everything."""
    ids = identity(large.viewers)
    there = np.searchsorted(ids, identity(small.viewers))
    assert there.max() < len(ids)
    twins = large.viewers[there]
    assert np.array_equal(identity(twins), identity(small.viewers))
    for column in COLUMNS:
        assert np.array_equal(twins[column], small.viewers[column]), column


def assert_orders_nested(small, large):
    """What they would order there they would order here, and nothing else."""
    there = np.searchsorted(identity(large.viewers), identity(small.viewers))
    mine = large.orders[np.isin(large.orders["viewer"], there)]
    assert np.array_equal(there[small.orders["viewer"]], mine["viewer"])
    for column in ("n", "time_s", "product", "value_cny", "u"):
        assert np.array_equal(mine[column], small.orders[column]), column


@pytest.mark.parametrize("promotion", ["steady_ramp", "midnight_drop"])
def test_the_audience_at_10000_is_part_of_that_at_20000(promotion):
    script = shipped("audience=star_room", f"promotion={promotion}").promotion
    sized = [script.model_copy(update={"peak_viewers": n}) for n in (10_000, 20_000)]
    small, large = (draw_audience(night("star_room", promotion=s), 2) for s in sized)
    assert_nested(small, large)
    assert_orders_nested(small, large)
    assert len(small.viewers) == pytest.approx(len(large.viewers) / 2, rel=0.02)
    assert len(small.orders) > 100


def test_sample_is_part_of_the_whole_and_of_any_larger_sample():
    for least, part, whole in zip(nights(0.1)[:50], nights(0.3)[:50], nights()[:50], strict=True):
        assert_nested(part, whole)
        assert_nested(least, part)
        assert part.demand.offered_peak == whole.demand.offered_peak


@pytest.mark.parametrize("sample", [0.01, 0.1, 1 / 3, 0.8])
def test_a_sample_is_as_many_as_it_says(sample):
    # The golden ratio's multiples fill the circle as evenly as any number's: a few are out of step.
    for part, whole in zip(nights(sample), nights(), strict=True):
        assert len(part.viewers) == pytest.approx(sample * len(whole.viewers), abs=3)


@pytest.mark.parametrize("sample", [0.1, 0.2, 0.5])
def test_a_sample_has_its_share_of_the_room_at_every_moment(sample):
    times, errors, chance = np.linspace(100, 3500, 200), [], []
    for replication in range(8):
        keys = {"peak_viewers": 5000, "duration_s": 3600, "concurrency": [[0, 0.3], [3600, 1]]}
        whole, part = (
            draw_audience(night("star_room", **keys, who={"sample": s}), replication)
            for s in (1.0, sample)
        )
        there = present(whole, times)
        errors.append(present(part, times) - sample * there)
        chance.append(sample * (1 - sample) * there)
    # Taken one by one at random, a sample would be out by the root of s (1 - s) n.
    assert abs(np.mean(errors)) < 0.2 * np.sqrt(np.mean(chance))
    assert np.sqrt(np.mean(np.square(errors))) < 0.4 * np.sqrt(np.mean(chance))


def test_sampled_viewers_orders_add_up_to_the_nights_worth():
    """Each orders for all they stand for, the sample as often as the whole night."""
    parts, wholes = nights(0.3), nights()
    for part, whole in zip(parts, wholes, strict=True):
        worth = (
            part.orders["value_cny"].sum() * part.order_weight,
            whole.orders["value_cny"].sum(),
        )
        assert worth[0] == pytest.approx(worth[1], rel=1e-9)
        assert whole.order_weight == 1
    # As many orders as the night has, though three in ten of its viewers place them.
    many = [sum(len(n.orders) for n in some) for some in (parts, wholes)]
    assert many[0] == pytest.approx(many[1], rel=5 * np.sqrt(2 / many[1]))
    assert np.mean([p.order_weight for p in parts]) == pytest.approx(1, abs=0.2)  # few orders


def test_viewers_keep_their_orders_of_the_night_in_its_sample():
    part, whole = nights(0.3)[0], nights()[0]
    there = np.searchsorted(identity(whole.viewers), identity(part.viewers))
    mine = whole.orders[np.isin(whole.orders["viewer"], there)]
    of_part = set(zip(there[part.orders["viewer"]], part.orders["time_s"], strict=True))
    assert len(mine) > 0
    assert set(zip(mine["viewer"], mine["time_s"], strict=True)) <= of_part


def test_a_night_is_the_same_whenever_it_is_drawn():
    again = draw_audience(night(**RAMP), 7)
    assert np.array_equal(again.viewers, nights()[7].viewers)
    assert np.array_equal(again.orders, nights()[7].orders)


def test_another_replication_or_seed_is_another_night():
    base = draw_audience(night(**RAMP), 0).viewers
    for other in (
        draw_audience(night(**RAMP), 1).viewers,
        draw_audience(night(**RAMP, seed=2), 0).viewers,
        draw_audience(night(**RAMP, seed=0), 0).viewers,
    ):
        assert not np.isin(other["intention_s"], base["intention_s"]).any()


# --- everyone leaves together ---------------------------------------------------------------------

EXIT = {"time_s": 500, "duration_s": 100, "share": 0.4}
PATIENT = Stay(bouncer_share=0, bouncer_mean_s=1, stayer_mean_s=1e6, stayer_sigma_ln=0.2)


@cache
def with_exit(**keys):
    return draw_audience(
        night(who={"stay": PATIENT}, peak_viewers=3000, mass_exit=EXIT,
              concurrency=[[0, 0.1], [1200, 1]], **keys), 0,
    )  # fmt: skip


def test_a_mass_exit_takes_its_share_evenly_over_its_time():
    v = with_exit().viewers
    before = v[v["arrival_s"] <= 500]
    taken = before["exit_s"] < 1200
    assert stats.binomtest(int(taken.sum()), len(before), 0.4).pvalue > 1e-3
    when = before["exit_s"][taken]
    assert stats.kstest(when, stats.uniform(500, 100).cdf).pvalue > 1e-3


def test_viewers_who_join_in_a_mass_exit_meet_the_rest_of_it():
    """Viewers who join after it meet none of it."""
    v = with_exit().viewers
    during = v[(v["arrival_s"] > 500) & (v["arrival_s"] < 600)]
    taken = during["exit_s"] < 1200
    assert (during["exit_s"] > during["arrival_s"]).all()
    expected = (0.4 * (600 - during["arrival_s"]) / 100).sum()
    assert abs(taken.sum() - expected) < 4 * np.sqrt(expected)
    assert (v["exit_s"][v["arrival_s"] >= 600] == 1200).all()


def test_a_mass_exit_changes_nothing_else_about_a_viewer():
    usual = draw_audience(night(who={"stay": PATIENT}, peak_viewers=3000,
                                concurrency=[[0, 0.1], [1200, 1]]), 0).viewers  # fmt: skip
    v = with_exit().viewers
    both = np.intersect1d(identity(usual), identity(v))
    a, b = usual[np.isin(identity(usual), both)], v[np.isin(identity(v), both)]
    assert len(both) > 1000
    for column in set(COLUMNS) - {"exit_s"}:
        assert np.array_equal(a[column], b[column]), column


def test_concurrency_follows_the_curve_through_a_mass_exit():
    keys = {
        "peak_viewers": 400, "mass_exit": EXIT, "duration_s": 900,
        "concurrency": [[0, 0.8], [500, 1], [600, 0.6], [900, 0.6]],
    }  # fmt: skip
    drawn = [draw_audience(night("star_room", **keys), r) for r in range(60)]
    d = drawn[0].demand
    here = np.array([present(a, d.times_s[:-1]) for a in drawn])
    z = (here.mean(axis=0) - d.offered[:-1]) / np.sqrt(d.offered[:-1] / len(drawn))
    assert np.abs(z).max() < 4


# --- who they are ---------------------------------------------------------------------------------


@cache
def crowd():
    scenario = shipped("audience=feed_room", "promotion.peak_viewers=2000")
    return scenario, draw_audience(scenario, 0).viewers


def assert_shares(drawn, shares):
    """Indices drawn as often as the shares say."""
    filled = np.bincount(drawn, minlength=len(shares))
    likely = np.array(shares) > 0
    assert (filled[~likely] == 0).all()
    expected = np.array(shares)[likely] * len(drawn)
    assert stats.chisquare(filled[likely], expected).pvalue > 1e-3


def test_regions_isps_devices_and_classes_have_their_shares():
    scenario, v = crowd()
    who = scenario.audience
    assert_shares(v["region"], list(who.regions.values()))
    assert_shares(v["isp"], list(who.isps.values()))
    assert_shares(v["device"], [d.share for d in who.devices.values()])
    assert_shares(v["access"], list(scenario.network.mix.values()))
    buyers = int(v["interactive"].sum())
    assert stats.binomtest(buyers, len(v), who.interactive_share).pvalue > 1e-3


def test_traits_are_independent():
    _, v = crowd()
    columns = ("region", "isp", "device", "access", "interactive", "intent", "intention_s", "j")
    traits = np.array([stats.rankdata(v[c]) for c in columns])
    correlation = np.corrcoef(traits) - np.eye(len(columns))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(len(v))


def test_a_class_nobody_belongs_to_is_never_drawn():
    for network, there in (("home", {0}), ("mobile", {1, 2})):
        scenario = shipped(f"network={network}", "promotion.peak_viewers=2000")
        assert set(draw_audience(scenario, 0).viewers["access"]) == there


def test_mean_rates_are_lognormal_by_class():
    scenario, v = crowd()
    for k, name in enumerate(scenario.network.mix):
        law = scenario.network.classes[name].mean_mbps
        ln = np.log(v["mean_mbps"][v["access"] == k] / law.median) / law.sigma_ln
        assert len(ln) > 100
        assert stats.kstest(ln, "norm").pvalue > 1e-3, name


def test_intent_is_lognormal_with_mean_1():
    scenario, v = crowd()
    sigma = scenario.audience.intent_sigma_ln
    assert stats.kstest(np.log(v["intent"]), stats.norm(-(sigma**2) / 2, sigma).cdf).pvalue > 1e-3
