"""What a night adds to its month, and the month itself."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.scenario.calendar import Month
from sim.scenario.tariff import Tariff
from tests.billing.hand import (
    EVENING,
    Tiers,
    bill,
    gb,
    in_month,
    mbps,
    minutes,
    month,
    tariff,
    total,
    used,
)

CENT = Decimal("0.01")
TENCENT_GB: Tiers = [(500, 0.26), (2000, 0.25), (50000, 0.23), (100000, 0.19), (None, 0.16)]
LEB_GB: Tiers = [(500, 0.52), (2000, 0.50), (50000, 0.46), (100000, 0.38), (None, 0.32)]
BAIDU_PEAK: Tiers = [(500, 0.52), (5000, 0.51), (20000, 0.48), (None, 0.47)]


def test_huawei_tiers_of_the_second_day_go_on_from_the_first() -> None:
    """Seven TB of the second day begin where six TB of the first ended."""
    tb = 1024**4 / 1e9  # Huawei's example: 6 + 4 TB at 0.030, 3 TB at 0.027 USD
    plan = tariff(
        [(10 * 1024, 0.030), (50 * 1024, 0.027), (None, 0.02)], currency="USD", gb_bytes=1024**3
    )
    made = in_month(gb(7 * tb), plan, month(1, 6 / 7))
    assert made.month.total == Decimal("390.14")  # 10240 x 0.030 + 3072 x 0.027
    assert made.without.total == Decimal("184.32")  # 6144 x 0.030
    # at 7.1 CNY: 2769.99 less 1308.67, where the night alone would cost 215.04 USD, 1526.78 CNY
    assert made.month_cny == Decimal("2769.99")
    assert made.marginal_cny == Decimal("1461.32")


def test_agora_ordinary_nights_count_towards_volume_discount() -> None:
    tiers: Tiers = [(100, 1.99), (500, 1.99 * 0.95), (None, 1.99 * 0.93)]  # in 1,000 minutes
    plan = tariff(tiers, "viewer_minutes", currency="USD", unit=1000, rounding="ceil")
    made = in_month(minutes(hd=500_000), plan, month(2, 0.1))
    assert made.month.total == Decimal("1140.27")  # 100 x 1.99 + 400 x 1.8905 + 100 x 1.8507
    assert made.without.total == Decimal("199.00")


def test_tencent_takes_its_tier_from_each_day() -> None:
    made = in_month(
        gb(600),
        tariff(LEB_GB, reduction="daily_sum", semantics="all_units", boundary="lower"),
        month(26, 0.5),
    )
    assert made.marginal_cny == 300  # 600 x 0.50
    assert made.month_cny == 300 + 26 * 156  # 300 x 0.52 on each ordinary day
    assert [(line.period, line.times) for line in made.month.lines] == [
        ("2026-11-10", 1),
        ("ordinary 2026-11-10", 26),
    ]


def test_night_costs_below_zero_if_it_makes_the_month_cheaper() -> None:
    """It lifts all of the month to a cheaper tier."""
    plan = tariff(TENCENT_GB, semantics="all_units", boundary="lower")
    made = in_month(gb(17), plan, month(29, 1))
    assert made.month_cny == Decimal("127.50")  # 510 x 0.25
    assert made.without.total_cny == Decimal("128.18")  # 493 x 0.26
    assert made.marginal_cny == Decimal("-0.68")


def test_daily_peak_is_priced_by_its_own_day_alone() -> None:
    plan = tariff(BAIDU_PEAK, "peak_mbps", semantics="all_units")
    crowd = mbps((0, 3600, 40), (3600, 3900, 912), (3900, 7200, 20))
    made = in_month(crowd, plan, month(26, 0.5))
    assert made.marginal_cny == Decimal("465.12")  # Baidu's example: 912 x 0.51
    assert made.month_cny == Decimal("465.12") + 26 * Decimal("237.12")  # 456 x 0.52
    note = made.without.lines[0].price_note
    assert note == "26 x (456 x 0.52) CNY per Mbps"


@pytest.mark.parametrize(
    ("reduction", "seconds", "with_it", "without"),
    [
        ("sum", 59, 2, 1),  # 118 s
        ("sum", 30, 1, 1),  # 60 s: the minute was begun anyway
        ("sum", 61, 3, 2),  # 122 s
        ("daily_sum", 30, 2, 1),  # a minute begun on each of two days
        ("daily_sum", 61, 4, 2),
    ],
)
def test_minutes_are_rounded_up_once_in_their_period(
    reduction: str, seconds: float, with_it: int, without: int
) -> None:
    plan = tariff([(None, 1)], "viewer_minutes", rounding="ceil", reduction=reduction)
    made = in_month(minutes(hd=seconds / 60), plan, month(1, 1))
    assert made.month_cny == with_it
    assert made.without.total_cny == without


def test_a_days_cents_are_rounded_before_its_days_are_counted() -> None:
    plan = tariff([(None, 0.125)], reduction="daily_sum")
    made = in_month(gb(1), plan, month(10, 1))
    assert made.month_cny == 11 * Decimal("0.13")  # eleven invoices, not 11 x 0.125 = 1.38


def test_show_across_midnight_uses_two_days_ordinary_ones_too() -> None:
    late = datetime(2026, 12, 31, 23, 30)
    plan = tariff([(None, 1)], "peak_mbps")
    made = in_month(mbps((0, 1800, 100), (1800, 3600, 700)), plan, month(3, 0.1), late)
    assert made.marginal_cny == 800
    assert made.month_cny == 800 + 3 * (10 + 70)
    table = pd.concat([gb(5), gb(100).assign(time_s=0.0), gb(700).assign(time_s=1800.0)])
    days = bill(table, tariff([(None, 1)], reduction="daily_sum"), late).lines
    assert {d.period: int(d.quantity) for d in days} == {"2026-12-31": 105, "2027-01-01": 700}
    # without a time of its own, traffic counts on the day the show begins
    (day,) = bill(gb(5), tariff([(None, 1)], reduction="daily_sum"), late).lines
    assert day.period == "2026-12-31"


def three_lines(semantics: str) -> Tariff:
    lines: list[dict[str, Any]] = [
        {"name": "minutes", "meter": "viewer_minutes", "reduction": "sum", "rounding": "ceil",
         "unit": 1000, "tiers": [{"up_to": 5, "price": 1.99}, {"price": 1.79}]},
        {"name": "traffic", "meter": "egress_gb", "reduction": "daily_sum",
         "tiers": [{"up_to": 500, "price": 0.26}, {"price": 0.25}]},
        {"name": "bandwidth", "meter": "peak_mbps", "reduction": "daily_peak",
         "tiers": [{"up_to": 500, "price": 0.64}, {"price": 0.62}]},
    ]  # fmt: skip
    return Tariff.model_validate(
        {
            "name": "all", "currency": "USD",
            "lines": [line | {"semantics": semantics} for line in lines],
        }
    )  # fmt: skip


def usage_of(hours: float, traffic_gb: float, peak_mbps: float) -> pd.DataFrame:
    return pd.concat([minutes(hd=hours * 60), gb(traffic_gb), mbps((0, 7200, peak_mbps))])


@given(
    st.floats(0, 1e5),
    st.floats(0, 1e5),
    st.floats(0, 1e5),
    st.integers(0, 30),
    st.floats(0, 1),
    st.sampled_from(["graduated", "all_units"]),
    st.sampled_from([EVENING, datetime(2026, 11, 10, 23, 10)]),
)
def test_lines_add_up_to_the_cent(
    hours: float, traffic: float, peak: float, nights: int, share: float, semantics: str,
    starts_at: datetime,
) -> None:  # fmt: skip
    table, plan = usage_of(hours, traffic, peak), three_lines(semantics)
    made = in_month(table, plan, month(nights, share), starts_at)
    assert sum(made.by_line_cny.values()) == made.marginal_cny
    assert list(made.by_line_cny) == ["minutes", "traffic", "bandwidth"]
    assert made.month_cny == made.marginal_cny + made.without.total_cny
    frame = made.frame("v", 0)
    cents = (frame["amount_cny"] * 100).round().astype(int)
    assert cents.sum() == made.marginal_cny * 100
    assert cents[frame["month"] == "with"].sum() == made.month_cny * 100
    if nights == 0:
        alone = bill(table, plan, starts_at).total_cny
        assert made.marginal_cny == made.month_cny == alone


amounts = st.floats(0, 1e6)
rests = st.builds(month, st.integers(0, 30), st.floats(0, 1))


@given(amounts, st.floats(0.01, 10), rests)
def test_at_one_price_the_rest_of_the_month_does_not_matter(
    amount: float, price: float, rest: Month
) -> None:
    plan = tariff([(None, price)])
    off = in_month(gb(amount), plan, rest).marginal_cny - total(gb(amount), plan)
    assert abs(off) <= 2 * CENT


@given(amounts, rests)
def test_night_in_its_month_costs_at_most_what_it_costs_alone(amount: float, rest: Month) -> None:
    """Where more is cheaper."""
    plan = tariff(TENCENT_GB)
    assert in_month(gb(amount), plan, rest).marginal_cny <= total(gb(amount), plan) + 2 * CENT


def test_frame_is_the_month_less_the_month_without_the_night() -> None:
    plan = tariff([(10_000, 0.20), (None, 0.17)])
    frame = in_month(gb(4000), plan, month(10, 0.25)).frame("cheap", 2)
    assert frame.drop(columns=["vendor", "replication", "tariff", "meter", "reduction"]).to_csv(
        index=False, lineterminator="\n"
    ) == (
        "line,period,quantity,unit,price_note,amount,currency,amount_cny,fixed_cny,month\n"
        "the line,month,14000.0,GB,10000 x 0.2 + 4000 x 0.17 CNY per GB,2680.0,CNY,2680.0,0.0,"
        "with\n"
        "the line,month,-10000.0,GB,10000 x 0.2 CNY per GB,-2000.0,CNY,-2000.0,0.0,without\n"
    )


def test_month_without_shows_pays_fees_minimums_and_storage() -> None:
    """And nothing else: a day's least amount is due only on a day with a show."""
    tiers = [{"price": 1}]
    plan = Tariff.model_validate(
        {"name": "all of it", "currency": "USD", "lines": [
            {"name": "fee", "meter": "months", "reduction": "sum", "semantics": "flat",
             "tiers": [{"price": 300}]},
            {"name": "traffic", "meter": "egress_gb", "reduction": "sum", "commitment": 50,
             "semantics": "graduated", "tiers": tiers},
            {"name": "storage", "meter": "storage_gb", "reduction": "sum",
             "semantics": "graduated", "tiers": tiers},
            {"name": "by the day", "meter": "egress_gb", "reduction": "daily_sum",
             "commitment": 9, "semantics": "graduated", "tiers": tiers},
            {"name": "rooms", "meter": "channels", "reduction": "month_peak",
             "semantics": "graduated", "tiers": tiers},
        ],
         "also": [{"meter": "storage_gb", "times": 7, "of": "months"}]}
    )  # fmt: skip
    night = pd.concat([gb(20), used("channels", 3, "count")])
    for rest in (month(0, 0), month(20, 0.5)):
        made = in_month(night, plan, rest)
        assert made.fixed.total == 300 + 50 + 7
        assert made.fixed_cny == (300 + 50 + 7) * Decimal("7.1")
        frame = made.frame("v", 0).set_index(["month", "line"])["fixed_cny"]
        assert frame["with"].sum() == float(made.fixed_cny)
        assert frame["with", "traffic"].sum() == 50 * 7.1
        assert frame.sum() == pytest.approx(0)


@pytest.mark.parametrize(
    "line",
    [
        {"reduction": "p95", "days": "all"}, {"reduction": "p95", "days": "valid"},
        {"reduction": "mean_of_top5"}, {"reduction": "mean_of_daily_p95", "days": "valid"},
        {"reduction": "fourth_peak", "level": "sample_within_day"},
        {"reduction": "month_peak", "prorate": "amount"},
    ],
)  # fmt: skip
def test_no_reduction_finds_a_level_in_a_month_without_a_show(line: dict[str, Any]) -> None:
    plan = tariff([(None, 1)], "peak_mbps", **line)
    made = in_month(mbps((0, 7200, 500)), plan, month(28, 1))
    assert made.fixed_cny == 0 < made.month_cny


def test_nothing_is_taken_off_where_there_was_nothing() -> None:
    frame = in_month(gb(0), tariff([(None, 1)]), month(0, 0)).frame("v", 0)
    assert "-0.0" not in frame.to_csv()
