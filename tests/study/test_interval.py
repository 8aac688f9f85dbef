"""The interval of a mean over nights: ends that are known, ends that can't be left, coverage."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.study.interval import interval, summarise, unseen
from tests.trust import intervals as trust

ALIKE = (0.0050, 0.0046, 0.0056)
CALM_BUT_ONE = [0.004, 0.005, 0.006, 0.0055, 0.0045] * 4 + [0.6]
shares = st.lists(st.integers(0, 10**6).map(lambda k: k / 10**6), min_size=2, max_size=30)


def summary(**metrics: tuple[float, ...]) -> pd.DataFrame:
    """One vendor's nights summarised, a row a metric."""
    rows = [(m, k, v) for m, values in metrics.items() for k, v in enumerate(values)]
    frame = pd.DataFrame(rows, columns=["metric", "replication", "value"]).assign(vendor="v")
    return summarise(frame).set_index("metric")


def test_one_night_has_no_interval():
    assert all(map(math.isnan, interval([0.2], 0, 1)))


def test_three_nights_that_look_alike_keep_students_t():
    # 4.30265 is the 97.5 % point of t with two degrees of freedom in every table.
    low, high = interval(ALIKE, 0, 1)
    half = 4.30265 * np.std(ALIKE, ddof=1) / math.sqrt(3)
    assert (low, high) == pytest.approx((np.mean(ALIKE) - half, np.mean(ALIKE) + half), rel=1e-5)


@pytest.mark.parametrize(("n", "high"), [(3, 0.6316), (20, 0.1391), (59, 0.0495), (100, 0.0295)])
def test_unseen_event_may_happen_up_to_the_exact_binomial_bound(n, high):
    # 59 samples without a failure show 95 % reliability at 95 % confidence: the known rule.
    assert interval([0.0] * n, 0, 1) == pytest.approx((0, high), abs=6e-5)
    assert interval([1.0] * n, 0, 1) == pytest.approx((1 - high, 1), abs=6e-5)
    assert unseen(n) == pytest.approx(high, abs=6e-5)


@pytest.mark.parametrize(("of", "n"), [(1, 5), (1, 20), (3, 20), (2, 100), (99, 100)])
def test_interval_of_all_or_nothing_nights_is_clopper_pearson(of, n):
    known = stats.binomtest(of, n).proportion_ci(0.95, "exact")
    assert interval([1.0] * of + [0.0] * (n - of), 0, 1) == pytest.approx(known, abs=1e-8)


def test_interval_is_the_quantile_under_uniform_weights():
    """Weights uniform on the simplex, for nights that are more than all or nothing."""
    nights = np.random.default_rng(1).random(20) ** 12
    low, high = interval(nights, 0, 1)
    for end, bound, share in ((low, 0, 0.025), (high, 1, 0.975)):
        weights = np.random.default_rng(2).dirichlet(np.ones(21), 100_000)
        below = np.mean(weights @ np.append(nights, bound) < end)
        assert below == pytest.approx(share, abs=4 * math.sqrt(0.025 * 0.975 / 100_000))


def test_one_night_unlike_the_others_takes_the_interval_beyond_t():
    _, high = interval(CALM_BUT_ONE, 0, 1)
    _, plain = interval(CALM_BUT_ONE)
    assert high > 1.5 * plain


def test_an_end_without_a_bound_stays_students():
    bounded, plain = interval(CALM_BUT_ONE, most=1), interval(CALM_BUT_ONE)
    assert bounded[0] == plain[0]
    assert bounded[1] > plain[1]


@given(shares)
@settings(deadline=None)
def test_the_interval_lies_within_the_bounds_and_holds_the_mean(nights):
    low, high = interval(nights, 0, 1)
    assert 0 <= low <= np.mean(nights) + 1e-9
    assert np.mean(nights) - 1e-9 <= high <= 1
    assert high > low


@given(shares, st.floats(1, 1e7))
@settings(deadline=None)
def test_another_unit_is_another_unit(nights, by):
    ends = interval(np.array(nights) * by, 0, by)
    assert ends == pytest.approx([by * end for end in interval(nights, 0, 1)], abs=1e-6 * by)


def test_a_share_and_what_is_left_of_it_mirror_each_other():
    left = interval(1 - np.array(CALM_BUT_ONE), 0, 1)
    assert left == pytest.approx([1 - end for end in interval(CALM_BUT_ONE, 0, 1)[::-1]], abs=1e-9)


def test_sales_lost_are_bounded_by_what_a_perfect_night_sells():
    s = summary(perfect_gmv_cny=(900.0, 1000.0, 950.0), lost_gmv_cny=(0.0, 0.0, 0.0))
    assert s["ci_low"]["lost_gmv_cny"] == 0
    assert s["ci_high"]["lost_gmv_cny"] == pytest.approx(1000 * unseen(3))


def test_what_was_lost_below_nothing_is_not_cut_off_at_nothing():
    s = summary(lost_gmv_ratio=(-0.001, 0.0, 0.002))
    assert s["ci_low"]["lost_gmv_ratio"] < -0.001


def test_only_an_identity_has_an_interval_without_width():
    """What merely never differed is not 0 to 0."""
    s = summary(
        **{"binding_limit_s.sessions": (0.0, 0.0), "stall_ratio": (0.0, 0.0)},
        held_peak_lost_ratio=(0.0, 0.0), expected_peak=(400.0, 400.0),
    )  # fmt: skip
    assert math.isnan(s["ci_high"]["binding_limit_s.sessions"])
    assert s["ci_high"]["stall_ratio"] > 0.7
    assert s["ci_high"]["held_peak_lost_ratio"] == 0
    assert s["ci_low"]["expected_peak"] == s["ci_high"]["expected_peak"] == 400


def test_rounding_is_not_a_difference():
    assert interval([0.1 + 0.2, 0.3, 0.3]) == pytest.approx((0.3, 0.3), abs=1e-15)
    low, high = interval([1 + 1e-15] + [1.0] * 18 + [0.4], 0, 1)
    assert low < 0.97 < high == pytest.approx(1, abs=0.01)


def test_a_night_without_the_figure_counts_for_nothing():
    s = summary(stall_ratio=(0.1, float("nan"), 0.2, 0.3))
    assert s["n"]["stall_ratio"] == 3
    assert (s["ci_low"]["stall_ratio"], s["ci_high"]["stall_ratio"]) == interval(
        [0.1, 0.2, 0.3], 0, 1
    )


def test_the_recorded_intervals_cover_what_they_promise():
    promised = [row for row in trust.rows() if row.holds is not None]
    assert len(promised) == len(trust.KNOWN) + 2 * 5 + 2 * 5  # calm at 0; calm near it, 100 nights
    assert [row.of for row in promised if not row.holds] == []
    for row in promised:  # as measured, without the chance of the measuring
        low, high = (0.94, 0.96) if "a room" in row.of else (0.945, 1.0)
        assert low <= row.ours <= high, row.of


@pytest.mark.slow
def test_nights_of_a_room_are_covered_by_19_intervals_of_20():
    for line in trust.of_the_program():
        assert line["studies"] >= 4000
        assert 0.94 <= line["covers"] <= 0.96, line


@pytest.mark.slow
def test_a_mean_over_nights_calm_nine_times_in_ten_is_covered():
    for line in trust.of_made_up([law for law in trust.MADE_UP if law.startswith("calm: 0;")]):
        assert line["covers"] >= 0.945, line


@pytest.mark.slow
def test_a_storm_that_was_seen_is_covered_whatever_the_calm():
    # Of 100 nights one study in 37,000 sees none.
    calm = [law for law in trust.MADE_UP if law.startswith("calm: 0.")]
    for line in trust.of_made_up(calm, sizes=(100,)):
        assert line["covers"] >= 0.945, line
