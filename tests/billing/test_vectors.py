"""Sums that vendors work out in their own documents."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.billing.hand import Tiers, bill, gb, mbps, minutes, tariff, total

BAIDU_PEAK: Tiers = [(500, 0.52), (5000, 0.51), (20000, 0.48), (None, 0.47)]
TENCENT_PEAK: Tiers = [(500, 0.64), (5000, 0.62), (20000, 0.59), (None, 0.58)]
TENCENT_PEAK_OVERSEAS: Tiers = [(500, 1.3), (5000, 1.2), (None, 1.1)]
TENCENT_GB: Tiers = [(500, 0.26), (2000, 0.25), (50000, 0.23), (100000, 0.19), (None, 0.16)]
BAIDU_GB: Tiers = [(10_000, 0.20), (None, 0.17)]


@pytest.mark.parametrize(
    ("tiers", "boundary", "peak", "fee"),
    [
        (BAIDU_PEAK, "upper", 912, "465.12"),  # Baidu's example: x 0.51
        (TENCENT_PEAK_OVERSEAS, "lower", 600, "720.00"),  # Tencent's example: x 1.2
        (TENCENT_PEAK, "lower", 50, "32.00"),  # Tencent's example: x 0.64
        (BAIDU_PEAK, "upper", 500, "260.00"),  # '0~500 Mbps (inclusive)'
        (TENCENT_PEAK, "lower", 500, "310.00"),  # '500 Mbps (inclusive) - 5 Gbps'
    ],
)
@pytest.mark.parametrize("stat", ["mean", "max_of_10s"])
def test_daily_peak(tiers: Tiers, boundary: str, peak: float, fee: str, stat: str) -> None:
    plan = tariff(tiers, "peak_mbps", semantics="all_units", boundary=boundary, sample_stat=stat)
    assert total(mbps((0, 3600, 40), (3600, 3900, peak), (3900, 7200, 20)), plan) == Decimal(fee)


def test_huawei_traffic_adds_up_over_the_month_in_1024s() -> None:
    """A TB is 1,024 units of the list, each of 1,024**3 bytes."""
    tb = 1024**4 / 1e9  # in GB of 1e9
    plan = tariff(
        [(10 * 1024, 0.030), (50 * 1024, 0.027), (None, 0.02)], currency="USD", gb_bytes=1024**3
    )
    (line,) = bill(gb(6 * tb, 7 * tb), plan).lines
    assert [p.units for p in line.portions] == [10 * 1024, 3 * 1024]  # 6 + 4 TB, then 3 TB
    assert line.quantity == 13 * 1024
    assert line.amount == Decimal("390.14")  # 307.20 + 82.944
    assert total(gb(6 * tb), plan) == Decimal("184.32")


def test_baidu_traffic_counts_1000() -> None:
    (line,) = bill(gb(10_000, 300), tariff(BAIDU_GB)).lines
    assert line.amount == Decimal("2051.00")
    assert line.price_note == "10000 x 0.2 + 300 x 0.17 CNY per GB"


def test_huawei_cdn_reaches_its_second_tier_only_at_10240_gb() -> None:
    first, second = bill(gb(10_000, 300), tariff([(10_240, 2), (None, 1)])).lines[0].portions
    assert [first.units, second.units] == [
        Decimal(10_240),
        Decimal(60),
    ]  # Huawei's example: 240 GB at the first price, 60 GB at the second


@pytest.mark.parametrize(("seconds", "billed"), [(59, 1), (61, 2), (60, 1), (0, 0)])
def test_agora_legacy_minutes_are_rounded_up_once(seconds: float, billed: int) -> None:
    plan = tariff([(None, 1.99)], "viewer_minutes", currency="USD", rounding="ceil", unit=1000)
    assert bill(minutes(hd=seconds / 60), plan).lines[0].quantity == billed


def test_rounding_up_comes_after_the_sum() -> None:
    plan = tariff([(None, 1)], "viewer_minutes", rounding="ceil")
    # 6 x 10 s in doubles is a hair above a minute; a thousand half minutes aren't a thousand
    assert bill(minutes(a=0.1, b=0.2, c=0.7000000000000001), plan).lines[0].quantity == 1
    assert bill(minutes(**{f"c{i}": 0.5 for i in range(1000)}), plan).lines[0].quantity == 500


def test_reaching_a_tier_of_all_units_makes_the_bill_fall() -> None:
    plan = tariff(TENCENT_GB, semantics="all_units", boundary="lower")
    assert total(gb(499.9), plan) == Decimal("129.97")  # kept, not repaired
    assert total(gb(500), plan) == Decimal("125.00")


@pytest.mark.parametrize(("boundary", "fee"), [("upper", "130.00"), ("lower", "125.00")])
def test_exactly_up_to_belongs_to_the_tier_below_or_above(boundary: str, fee: str) -> None:
    plan = tariff(TENCENT_GB, semantics="all_units", boundary=boundary)
    assert total(gb(500), plan) == Decimal(fee)
    both = tariff(TENCENT_GB, semantics="graduated", boundary=boundary)
    assert total(gb(500), both) == Decimal("130.00")  # no difference where tiers add up


def test_agora_volume_discount_is_graduated() -> None:
    tiers: Tiers = [(100, 1.99), (500, 1.99 * 0.95), (None, 1.99 * 0.93)]  # in 1,000 minutes
    plan = tariff(tiers, "viewer_minutes", currency="USD", unit=1000, rounding="ceil")
    # 100 x 1.99 + 400 x 1.8905 + 100 x 1.8507
    assert total(minutes(hd=600_000), plan) == Decimal("1140.27")
