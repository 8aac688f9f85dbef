"""The month around the night: which days its nights lie on, and what they use."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.billing import night_in_month
from sim.scenario import ScenarioError
from sim.scenario.calendar import Month
from sim.scenario.compose import load_scenario
from tests.billing.hand import EVENING, RATES, gb, in_month, mbps, month, tariff, used


def with_promotions(*others: tuple[int, float], **keys: Any) -> Month:
    return Month.model_validate(
        {"days": 30, "ordinary_nights": 0, "ordinary_share": 0.3,
         "promotions": [{"day": d, "share": s} for d, s in others], **keys}
    )  # fmt: skip


def test_ordinary_nights_fill_the_days_the_others_leave() -> None:
    rest = with_promotions((1, 2), (3, 1), ordinary_nights=4)
    assert rest.ordinary_days(EVENING.replace(day=5)) == [2, 4, 6, 7]
    assert month(30, 1).ordinary_days(datetime(2026, 12, 31)) == list(range(1, 31))


def test_the_last_of_a_longer_month_is_the_last_of_a_shorter_one() -> None:
    assert with_promotions().day_of(datetime(2026, 12, 31)) == 30


@pytest.mark.parametrize(
    ("at", "days"), [("2026-02-28", 28), ("2028-02-29", 29), ("2026-11-11", 30), ("2026-12-31", 31)]
)
def test_the_month_is_as_long_as_the_shows_own(at: str, days: int) -> None:
    """What is billed by days of the month is, and the show lies on its own day, unless given."""
    show = datetime.fromisoformat(f"{at}T20:00:00")
    rest = with_promotions(days=None, ordinary_nights=3)
    assert (rest.length(show), rest.day_of(show)) == (days, show.day)
    used_days = {"days": "valid", "prorate": "amount"}
    plan = tariff([(None, 300)], "recordings", reduction="mean_of_daily_peaks", **used_days)
    made = in_month(used("recordings", 1, "count"), plan, rest, show)
    assert made.month.total == round(Decimal(300 * 4) / days, 2)
    assert with_promotions(days=30).length(show) == 30


def test_the_shipped_month_follows_the_show() -> None:
    scenario = load_scenario("vendors=[budget]", "promotion.starts_at=2026-12-31T20:00:00")
    month, at = scenario.commerce.month, scenario.promotion.starts_at
    assert (month.days, month.length(at), month.day_of(at)) == (None, 31, 31)
    keys = ("commerce.month.promotions=[{day: 29, share: 1}]", "vendors=[budget]")
    with pytest.raises(ScenarioError, match=r"commerce\.month\.promotions\.0\.day is 29"):
        load_scenario(*keys, "promotion.starts_at=2026-02-01T20:00:00")
    leap = load_scenario(*keys, "promotion.starts_at=2028-02-01T20:00:00")
    assert leap.commerce.month.length(leap.promotion.starts_at) == 29


def test_another_promotion_uses_its_own_share() -> None:
    rest = with_promotions((3, 2), (4, 0.5), ordinary_nights=10)
    made = in_month(gb(100), tariff([(None, 1)]), rest)
    assert made.month_cny == 100 * (1 + 2 + 0.5 + 10 * 0.3)
    assert made.marginal_cny == 100
    days = in_month(gb(100), tariff([(None, 1)], reduction="daily_sum"), rest)
    assert {line.period: line.amount for line in days.month.lines} == {
        "2026-11-10": 100, "ordinary 2026-11-10": 300,
        "promotion 3 2026-11-10": 200, "promotion 4 2026-11-10": 50,
    }  # fmt: skip


def test_usage_after_midnight_is_on_the_next_nights_day() -> None:
    """Over the month nights share their days; a night by itself has two of its own."""
    late = EVENING.replace(hour=23)
    crowd = mbps((0, 3600, 100), (3600, 7200, 700))  # an hour on each side
    one = tariff([(None, 1)], "peak_mbps", reduction="sum_of_daily_peaks")
    assert in_month(crowd, one, month(0, 0), late).month_cny == 800
    # by itself every night has two days: 3 x 800; on a calendar days share: 100 + 700 + 700 + 700
    every = in_month(crowd, one, month(2, 1), EVENING.replace(day=3, hour=23))
    assert every.month_cny == 100 + 3 * 700
    by_day = tariff([(None, 1)], "peak_mbps")
    assert in_month(crowd, by_day, month(2, 1), late).month_cny == 3 * 800


def test_after_midnight_of_the_last_day_counts_on_the_first() -> None:
    last = datetime(2026, 12, 31, 23, 0)
    plan = tariff([(None, 1)], "peak_mbps", reduction="mean_of_daily_peaks", days="valid")
    made = in_month(mbps((0, 3600, 100), (3600, 7200, 700)), plan, month(0, 0), last)
    assert made.month_cny == 400  # two valid days, nothing lost


def test_ordinary_night_is_a_share_of_the_unlimited_night() -> None:
    """Of what no limit held back: of 4,000 GB, not of 1,000."""
    plan = tariff([(None, 1)])
    capped, offered = gb(1000), gb(4000)
    made = night_in_month(capped, plan, RATES, EVENING, month(10, 0.2), offered)
    assert made.marginal_cny == 1000
    assert made.without.total_cny == 8000  # not 2,000
    assert in_month(capped, plan, month(10, 0.2)).without.total_cny == 2000


def test_an_ordinary_show_is_as_long_and_has_no_event() -> None:
    night = pd.concat([used("ingest_minutes", 60, "min", "hd"), used("events", 1, "count"),
                       used("users", 1000, "count")])  # fmt: skip
    for meter, with_it in (("ingest_minutes", 660), ("events", 1), ("users", 6000)):
        plan = tariff([(None, 1)], meter)
        assert in_month(night, plan, month(10, 0.5)).month_cny == with_it


@given(st.integers(0, 30), st.floats(0, 1), st.integers(1, 31), st.integers(0, 23))
def test_nothing_is_lost_on_the_calendar(nights: int, share: float, day: int, hour: int) -> None:
    """A sum of daily peaks in which no two nights share a day is the sum of the nights' own."""
    night = mbps((0, 1800, 100))
    at = datetime(2026, 12, day, hour, 0)
    by_month = tariff([(None, 1)], "peak_mbps", reduction="sum_of_daily_peaks")
    by_day = tariff([(None, 1)], "peak_mbps")
    one, other = (in_month(night, plan, month(nights, share), at) for plan in (by_month, by_day))
    assert abs(one.month_cny - other.month_cny) <= nights  # cents of each day


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"days": 0}, "days"),
        ({"days": 27}, "days"),
        ({"days": 32}, "days"),
        ({"ordinary_nights": 30}, "ordinary_nights 30 must be fewer than days 30"),
        ({"promotions": [{"day": 31, "share": 1}]}, "promotions.0.day is 31"),
        ({"promotions": [{"day": 3, "share": 1}, {"day": 3, "share": 2}]}, "promotions.1.day is 3"),
        ({"promotions": [{"day": 0, "share": 1}]}, "promotions.0.day"),
        ({"promotions": [{"day": 3, "share": -1}]}, "promotions.0.share"),
        ({"ordinary_nights": 29, "promotions": [{"day": 3, "share": 1}]}, "1 promotions leave no"),
    ],
)
def test_a_month_that_cannot_be_is_refused(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence.replace(".", r"\.")):
        with_promotions(**keys)


def test_another_promotion_on_the_day_of_the_night_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"promotions\.0\.day 11 is the day of promotion\.star"):
        load_scenario("vendors=[budget]", "commerce.month.promotions=[{day: 11, share: 1}]")
