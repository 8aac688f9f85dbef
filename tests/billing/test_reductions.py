"""How the month's reductions stand to one another on any bandwidth; where more costs less."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.scenario.tariff import Fall, Tariff
from tests.billing.hand import Tiers, bill, gb, in_month, mbps, month, tariff

CENT = Decimal("0.01")
FLAT: Tiers = [(None, 1)]

curves = st.lists(st.integers(0, 1000), min_size=1, max_size=40).map(
    lambda levels: mbps(*((600.0 * k, 600.0 * (k + 1), float(v)) for k, v in enumerate(levels)))
)
rests = st.builds(month, st.integers(0, 30), st.floats(0, 1))


def by(reduction: str, **more: Any) -> Tariff:
    return tariff(FLAT, "peak_mbps", reduction=reduction, **more)


@given(curves, rests, st.sampled_from(["mean", "max_of_10s"]))
def test_reductions_are_ordered(table: pd.DataFrame, rest: Any, stat: str) -> None:
    def monthly(reduction: str, **more: Any) -> Decimal:
        return in_month(table, by(reduction, sample_stat=stat, **more), rest).month_cny

    peak = monthly("month_peak")
    of_samples = monthly("fourth_peak", level="sample")
    assert monthly("p95", days="all") <= monthly("p95", days="valid") <= of_samples <= peak
    assert monthly("p95_night_half", days="valid") <= monthly("p95", days="valid")
    assert monthly("fourth_peak", level="day") <= of_samples
    assert monthly("fourth_peak", level="sample_within_day") <= of_samples
    assert monthly("mean_of_top5") <= peak
    means = [monthly(f"mean_of_daily_{x}", days="valid") for x in ("p95", "peaks")]
    assert means[0] <= means[1] <= peak
    assert abs(31 * monthly("mean_of_daily_peaks", days="all") - monthly("sum_of_daily_peaks")) < 1


@given(curves)
def test_the_mean_of_a_sample_is_at_most_its_highest_reading(table: pd.DataFrame) -> None:
    for reduction in ("month_peak", "sum_of_daily_peaks", "daily_peak"):
        mean, most = (
            bill(table, by(reduction, sample_stat=stat)).total for stat in ("mean", "max_of_10s")
        )
        assert mean <= most


@given(
    st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 5e4), st.floats(0, 5e4),
    st.sampled_from(["none", "ceil", "hundredth"]),
)  # fmt: skip
def test_using_more_never_costs_less_by_graduated_tiers(
    one: float, other: float, commitment: float, included: float, rounding: str
) -> None:
    """With a commitment, a package and any rounding."""
    plan = tariff([(100, 3), (10_000, 2), (None, 1)], commitment=commitment, included=included,
                  rounding=rounding)  # fmt: skip
    less, more = (bill(gb(amount), plan).total for amount in sorted((one, other)))
    assert less <= more
    assert plan.falls() == []


def test_a_first_tier_paid_in_full_is_a_commitment_to_its_end() -> None:
    plan = tariff([(100, 1), (None, 0.5)], commitment=100)
    assert [bill(gb(amount), plan).total for amount in (0, 30, 100, 150)] == [100, 100, 100, 125]
    assert bill(gb(30), plan).lines[0].price_note == "100 x 1 CNY per GB; 100 committed"


def test_what_is_included_is_taken_off_before_the_tiers() -> None:
    plan = tariff([(100, 1), (None, 0.5)], included=50)
    assert [bill(gb(amount), plan).total for amount in (0, 50, 150, 250)] == [0, 0, 100, 150]
    assert bill(gb(60), plan).lines[0].price_note == "10 x 1 CNY per GB; 50 included"


def test_included_units_are_free_and_the_commitment_is_on_top() -> None:
    """30 GB free, 100 committed: 100 are paid for up to 130 used, and never fewer."""
    plan = tariff([(100, 1), (None, 0.5)], commitment=100, included=30)
    used, due = (0, 30, 100, 130, 150), [100, 100, 100, 100, 110]
    assert [bill(gb(amount), plan).total for amount in used] == due
    assert bill(gb(50), plan).lines[0].price_note == (
        "100 x 1 CNY per GB; 30 included; 100 committed"
    )


def test_a_commitment_by_the_day_is_free_on_a_day_without_usage() -> None:
    plan = tariff(FLAT, reduction="daily_sum", commitment=10)
    assert bill(gb(0), plan).total == 0
    assert bill(gb(3), plan).total == 10


def test_falls_are_told_where_a_tier_is_cheaper_as_a_whole() -> None:
    tiers: Tiers = [(500, 0.26), (2000, 0.25), (None, 0.26)]
    found = Fall("the line", Decimal(500), Decimal(130), Decimal(125))
    assert tariff(tiers, semantics="all_units").falls() == [found]
    assert tariff(tiers).falls() == []
    (plan,) = tariff([(5000, 349), (10_000, 200), (None, 699)], semantics="flat").falls()
    assert plan == Fall("the line", Decimal(5000), Decimal(349), Decimal(200))
    # what is committed to anyway can't be reached from below
    assert tariff(tiers, semantics="all_units", commitment=600).falls() == []
    assert tariff(tiers, semantics="all_units", commitment=600, included=200).falls() == []
    both = tariff(tiers, semantics="all_units", commitment=500).falls()
    assert [float(f.at) for f in both] == [500]


def test_fall_in_cost_is_told_in_meter_units_with_free_ones() -> None:
    """At five units of 1,000, after the three that are included."""
    tiers: Tiers = [(5, 2), (None, 1)]
    plan = tariff(tiers, semantics="all_units", unit=1000, included=3, boundary="lower")
    (fall,) = plan.falls()
    assert [fall.at, fall.before, fall.after] == [8000, 10, 5]
    assert [bill(gb(at), plan).total for at in (7999.999, 8000)] == [10, 5]


@pytest.mark.parametrize(("at", "falls_by"), [(499.9999, 0), (500, 5)])
def test_a_fall_is_where_the_bill_falls(at: float, falls_by: float) -> None:
    tiers: Tiers = [(500, 0.26), (None, 0.25)]
    plan = tariff(tiers, semantics="all_units", boundary="lower")
    (fall,) = plan.falls()
    assert fall.before - bill(gb(at), plan).total == pytest.approx(falls_by, abs=0.01)
