"""What buyers fall into, as far as it is a matter of the bill.

Elsewhere: the level of latency that is set by default, and free minutes that a package ends, are in
tests/scenario/test_price_cards.py; tiers that make a bill fall, and 1,000 against 1,024, in
test_vectors.py; the days of a percentile, and numpy's default one, ingest that is charged, a peak
of recordings and a second format in test_models.py. A free plan that fails at its end, and joins
that are throttled, are limits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from sim.scenario.tariff import Tariff
from tests.billing.hand import bill, gb, in_month, minutes, month, total, used


def price_list(*lines: dict[str, Any], **whole: Any) -> Tariff:
    """Lines with a price in `tiers` or as `price`."""
    full = [
        {"reduction": "sum", "semantics": "graduated", "tiers": [{"price": line.pop("price", 1)}]}
        | line
        for line in map(dict, lines)
    ]
    return Tariff.model_validate({"name": "hand", "currency": "USD", "lines": full, **whole})


def test_rounding_connections_bills_short_visits_sixfold() -> None:
    """Visits of ten seconds, each rounded up to a minute."""
    visits = 60_000
    night = pd.concat([used("viewer_minutes", visits * 10 / 60, "min", "hd"),
                       used("connection_minutes", visits * 1.0, "min", "hd")])  # fmt: skip
    by_sum, by_connection = (
        price_list({"name": meter, "meter": meter, "rounding": "ceil", "price": 0.001})
        for meter in ("viewer_minutes", "connection_minutes")
    )
    assert total(night, by_sum) == Decimal("10.00")
    assert total(night, by_connection) == Decimal("60.00")


def test_each_users_1790_seconds_are_thirty_minutes() -> None:
    """Rounded user by user, whatever the others have."""
    audio = {"name": "audio", "meter": "user_minutes", "where": {"class": "audio"}}
    night = used("user_minutes", 3 * 30, "min", "audio")  # Alibaba ARTC's example
    assert total(night, price_list(audio | {"price": 0.006})) == Decimal("0.54")


def test_three_small_pictures_are_one_hd_or_three_sd() -> None:
    hour = 1000 * 60.0  # a thousand viewers of three times 640x360 = 691,200 pixels
    pixels = price_list({"name": "HD", "meter": "viewer_minutes", "where": {"class": "hd"},
                         "unit": 1000, "price": 3.99})  # fmt: skip
    streams = price_list({"name": "SD", "meter": "viewer_minutes", "where": {"class": "sd"},
                          "unit": 1000, "price": 1.99})  # fmt: skip
    assert total(minutes(hd=hour), pixels) == Decimal("239.40")
    assert total(minutes(sd=3 * hour), streams) == Decimal("358.20")


RECORDER = {"meter": "viewer_minutes", "of_class": "hd", "times": 2, "of": "ingest_minutes"}


def test_recorder_and_pusher_are_two_viewers_more() -> None:
    """However large the audience is."""
    plan = price_list({"name": "HD", "meter": "viewer_minutes", "where": {"class": "hd"}},
                      {"name": "SD", "meter": "viewer_minutes", "where": {"class": "sd"}},
                      also=[RECORDER])  # fmt: skip
    night = pd.concat([minutes(hd=1000, sd=10), used("ingest_minutes", 60, "min", "hd")])
    assert [line.quantity for line in bill(night, plan).lines] == [1120, 10]
    made = in_month(night, plan, month(1, 0.5))  # an ordinary show is recorded as long
    assert made.without.lines[0].quantity == 500 + 120


def test_messages_fan_out_to_more_than_the_pictures_cost() -> None:
    hour = 100_000 * 60.0
    plan = price_list(
        {"name": "HD", "meter": "viewer_minutes", "unit": 1000, "price": 1.99},
        {"name": "messages", "meter": "messages", "unit": 1e6, "price": 3},
        also=[{"meter": "messages", "times": 20 * 60, "of": "viewer_minutes"}],
    )
    made = bill(minutes(hd=hour), plan)
    assert [line.amount for line in made.lines] == [11_940, 21_600]
    assert made.lines[1].quantity == Decimal("7.2e9")


def test_ghosts_are_billed_only_for_the_night_cut_off() -> None:
    plan = price_list(
        {"name": "audio", "meter": "viewer_minutes", "where": {"class": "audio"}},
        also=[{"meter": "viewer_minutes", "of_class": "audio", "times": 1, "of": "ghost_minutes"}],
    )
    made = in_month(used("ghost_minutes", 1500, "min"), plan, month(10, 0.5))
    assert made.month.lines[0].quantity == 1500
    assert made.without.lines[0].quantity == 0


CREDITS = [
    {"name": f"credit {share:g}", "meter": "spend", "price": share, "credit": True, "either": "SLA",
     "charged_if": [{"meter": "failed_periods", "reduction": "sum", "above": above}]}
    for share, above in ((0.10, 8.64), (0.25, 86.4), (1.0, 432))
]  # fmt: skip
"""AWS's steps 99.9, 99.0 and 95.0 % of 8,640 five-minute periods."""


@pytest.mark.parametrize(
    ("failed", "back"), [(2, 0), (8.64, 0), (9, 100), (87, 250), (500, 1000)]
)  # fmt: skip
def test_sla_gives_nothing_back_for_ten_minutes_of_outage(failed: float, back: float) -> None:
    """Two of the month's 8,640 periods failed; from nine on it gives back."""
    plan = price_list({"name": "traffic", "meter": "egress_gb"}, *CREDITS)
    night = pd.concat([gb(1000), used("failed_periods", failed, "count")])
    made = bill(night, plan)
    assert made.total == 1000 - back
    assert sum(line.amount != 0 for line in made.lines) == 1 + (back > 0)


def test_credit_is_of_the_months_spend_and_owed_to_the_night() -> None:
    plan = price_list({"name": "traffic", "meter": "egress_gb"}, *CREDITS)
    night = pd.concat([gb(1000), used("failed_periods", 9, "count")])
    made = in_month(night, plan, month(10, 0.5))
    assert made.without.total == 5000
    assert made.month.total == 6000 - 600
    assert (made.month.frame("v", 0)["amount"] < 0).sum() == 1


def test_what_is_stored_all_month_is_there_without_the_night() -> None:
    plan = price_list(
        {"name": "storage", "meter": "storage_gb", "rounding": "hundredth"},
        also=[
            {"meter": "storage_gb", "times": 100, "of": "months"},
            {"meter": "storage_gb", "times": 0.5, "of": "ingest_minutes"},
        ],
    )
    made = in_month(used("ingest_minutes", 60, "min", "hd"), plan, month(1, 0.1))
    assert made.month.lines[0].quantity == 160
    assert made.without.lines[0].quantity == 130


def test_what_comes_with_usage_is_where_that_was() -> None:
    plan = price_list({"name": "east", "meter": "messages", "where": {"region": "east"}},
                      {"name": "rtc", "meter": "messages", "where": {"path": "rtc"}},
                      also=[{"meter": "messages", "times": 10, "of": "viewer_minutes",
                             "where": {"class": "hd"}}])  # fmt: skip
    night = pd.concat([minutes(hd=5, sd=100), minutes(hd=7).assign(region="east")])
    assert [line.quantity for line in bill(night, plan).lines] == [70, 120]


def test_what_is_used_every_month_has_a_class_and_no_place() -> None:
    hd = {"name": "HD", "meter": "ingest_minutes", "where": {"class": "hd"}}
    plan = price_list(
        hd,
        {"name": "SD", "meter": "ingest_minutes", "where": {"class": ["sd", "audio"]}},
        {"name": "standard", "meter": "ingest_minutes", "where": {"class": "hd"},
         "convert": {"hd": 4}},
        hd | {"name": "east", "where": {"region": "east"}},
        also=[{"meter": "ingest_minutes", "of_class": "hd", "times": 10, "of": "months"}],
    )  # fmt: skip
    night = used("ingest_minutes", 1, "min", "hd", "east")
    assert [line.quantity for line in bill(night, plan).lines] == [11, 0, 44, 1]
