"""The invoice: its lines, its days, its cents, its refusals."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.billing import invoice
from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.scenario.tariff import Tariff
from tests.billing.hand import (
    EVENING,
    RATES,
    Tiers,
    bill,
    gb,
    mbps,
    minutes,
    tariff,
    total,
    usage,
    used,
)

FLAT: Tiers = [(None, 1)]


def peaks(table: pd.DataFrame, starts_at: datetime = EVENING, stat: str = "mean") -> dict[str, str]:
    lines = bill(table, tariff(FLAT, "peak_mbps", sample_stat=stat), starts_at).lines
    return {line.period: f"{line.quantity.normalize():f}" for line in lines}


def test_minute_of_crowd_counts_fifth_by_mean_whole_by_max() -> None:
    """The mean is of five minutes, the maximum of readings of 10 s."""
    crowd = mbps((0, 600, 0), (600, 660, 1000), (660, 1200, 0))
    assert peaks(crowd) == {"2026-11-10": "200"}
    assert peaks(crowd, stat="max_of_10s") == {"2026-11-10": "1000"}


def test_samples_follow_the_wall_clock_not_the_show() -> None:
    five_minutes = mbps((0, 300, 600))
    assert peaks(five_minutes) == {"2026-11-10": "600"}
    # from 20:02: three minutes in one sample, two in the next; outside the show is 0
    assert peaks(five_minutes, datetime(2026, 11, 10, 20, 2)) == {"2026-11-10": "360"}
    # from 20:02:35 a reading lies across 20:05: half of it on each side
    assert peaks(five_minutes, datetime(2026, 11, 10, 20, 2, 35)) == {"2026-11-10": "310"}
    short = mbps((0, 60, 600))
    assert peaks(short) == {"2026-11-10": "120"}
    assert peaks(short, stat="max_of_10s") == {"2026-11-10": "600"}


@pytest.mark.parametrize("stat", ["mean", "max_of_10s"])
def test_show_across_midnight_pays_a_peak_on_each_day(stat: str) -> None:
    late = datetime(2026, 12, 31, 23, 30)
    table = mbps((0, 1800, 100), (1800, 3600, 700))
    assert peaks(table, late, stat) == {"2026-12-31": "100", "2027-01-01": "700"}
    assert peaks(mbps((0, 1800, 100)), late, stat) == {"2026-12-31": "100"}
    plan = tariff([(500, 2), (None, 1)], "peak_mbps", semantics="all_units", sample_stat=stat)
    assert total(table, plan, late) == 100 * 2 + 700 * 1


def test_peak_is_of_all_regions_summed_unless_a_line_names_one() -> None:
    table = pd.concat(
        [mbps((0, 300, 500), (300, 600, 100)), mbps((0, 300, 0), (300, 600, 300), region="us")]
    )
    assert peaks(table) == {"2026-11-10": "500"}
    one = tariff(FLAT, "peak_mbps", where={"region": "us"})
    assert total(table, one) == 300


def test_a_line_bills_only_the_class_it_names() -> None:
    table = minutes(hd=100, audio=40)
    assert total(table, tariff(FLAT, "viewer_minutes", where={"class": "hd"})) == 100
    assert total(table, tariff(FLAT, "viewer_minutes")) == 140


def test_usage_is_gb_of_1e9_bytes_whatever_the_tariff_counts_in() -> None:
    assert bill(gb(1.073741824), tariff(FLAT, gb_bytes=1024**3)).lines[0].quantity == 1
    assert bill(gb(1.5), tariff(FLAT)).lines[0].quantity == Decimal("1.5")


def test_a_line_bills_only_the_paths_it_names() -> None:
    table = gb(100)
    table = pd.concat([table, table.assign(path="cdn", value=40.0)])
    assert total(table, tariff(FLAT, where={"path": "cdn"})) == 40
    assert total(table, tariff(FLAT, where={"path": ["cdn", "rtc"]})) == 140
    assert total(table, tariff(FLAT, where={"path": "cdn", "region": "us"})) == 0


@pytest.mark.parametrize("meter", ["viewer_minutes", "egress_gb", "peak_mbps"])
def test_a_meter_without_usage_stands_there_with_nothing_to_pay(meter: str) -> None:
    (line,) = bill(usage(), tariff([(10, 2), (None, 1)], meter)).lines
    assert line.quantity == line.amount == line.amount_cny == 0
    assert line.price_note.startswith("0 x 2 CNY per ")


def test_half_a_cent_is_rounded_up_on_each_line_and_again_in_cny() -> None:
    (line,) = bill(gb(1), tariff([(None, 0.125)], currency="USD")).lines
    assert line.amount == Decimal("0.13")  # half even would say 0.12
    assert line.amount_cny == Decimal("0.92")  # 0.13 x 7.1 = 0.923, not 0.125 x 7.1 = 0.8875


def test_invoice_is_the_sum_of_its_lines_in_both_currencies() -> None:
    lines = [
        {
            "name": name, "meter": "viewer_minutes", "where": {"class": name}, "reduction": "sum",
            "rounding": "ceil", "unit": 1000, "semantics": "graduated", "tiers": [{"price": price}],
        }
        for name, price in (("hd", 1.99), ("full_hd", 4.59), ("audio", 0.59))
    ]  # fmt: skip
    plan = Tariff.model_validate({"name": "Agora", "currency": "USD", "lines": lines})
    made = bill(minutes(hd=1_234_567.2, full_hd=333.3, audio=10), plan)
    assert [str(line.amount) for line in made.lines] == ["2456.79", "1.53", "0.01"]
    assert [str(line.amount_cny) for line in made.lines] == ["17443.21", "10.86", "0.07"]
    assert (made.total, made.total_cny) == (Decimal("2458.33"), Decimal("17454.14"))


def test_the_frame_prints_what_the_invoice_says() -> None:
    plan = tariff([(None, 1.99)], "viewer_minutes", currency="USD", unit=1000, rounding="ceil")
    text = bill(minutes(hd=4999.5), plan).frame("agora", 2).to_csv(index=False, lineterminator="\n")
    assert text == (
        "vendor,replication,tariff,line,period,meter,reduction,quantity,unit,price_note,amount,currency,"
        "amount_cny\n"
        "agora,2,hand,the line,month,viewer_minutes,sum,5000.0,min,5 x 1.99 USD per 1000 min,9.95,"
        "USD,70.65\n"
    )


positive = st.floats(0.01, 10, allow_nan=False)


@given(
    st.lists(st.floats(0, 1e6), max_size=8),
    st.lists(positive, min_size=1, max_size=4),
    st.sampled_from(["graduated", "all_units"]),
    st.sampled_from(["upper", "lower"]),
)
def test_every_unit_is_priced_once_and_lines_add_up_to_total(
    amounts: list[float], prices: list[float], semantics: str, boundary: str
) -> None:
    ends = [100.0 * 10**i for i in range(len(prices) - 1)]
    plan = tariff(
        [*zip([*ends, None], prices, strict=True)], semantics=semantics, boundary=boundary
    )
    made = bill(gb(*amounts), plan)
    (line,) = made.lines
    assert sum(units for units, _ in line.portions) == line.quantity
    assert abs(float(line.quantity) - sum(amounts)) <= 1e-6 + 1e-9 * sum(amounts)
    exact = sum((units * price for units, price in line.portions), Decimal(0))
    assert abs(line.amount - exact) <= Decimal("0.005")
    assert made.total == line.amount and made.total_cny == line.amount_cny


@pytest.mark.parametrize(
    ("table", "plan", "sentence"),
    [
        (
            usage(("egress_gb", "rtc", "cn", "", np.nan, 1, "TB")),
            tariff(FLAT),
            "in 'TB', it must be in GB",
        ),
        (gb(-1), tariff(FLAT), "egress_gb is -1, it must be a number of 0 or more"),
        (gb(np.nan), tariff(FLAT), "egress_gb is nan, it must be a number of 0 or more"),
        (gb(np.inf), tariff(FLAT), "egress_gb is inf, it must be a number of 0 or more"),
        (gb(1).drop(columns="class"), tariff(FLAT), "usage has no column 'class'"),
        (gb(1).drop(columns="path"), tariff(FLAT), "usage has no column 'path', its columns are"),
        (
            gb(1),
            tariff(FLAT, currency="JPY"),
            "no exchange rate for JPY, there is one for CNY, USD",
        ),
    ],
)
def test_what_cannot_be_billed_is_refused_in_one_sentence(
    table: pd.DataFrame, plan: Tariff, sentence: str
) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        invoice(table, plan, RATES, EVENING)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"where": {"isp": "x"}}, "where.isp: usage is filtered by path, region or class"),
        ({"where": {"class": "hd"}}, "viewer_minutes.* have a class, not egress_gb"),
        (
            {"meter": "viewer_minutes", "where": {"class": ["hd", "4k"]}},
            "where.class '4k' is not one of audio, sd, hd, full_hd",
        ),
        ({"reduction": "daily_peak"}, "daily_peak doesn't fit meter egress_gb"),
        ({"meter": "peak_mbps", "reduction": "sum"}, "sum doesn't fit meter peak_mbps"),
        ({"meter": "peak_mbps", "reduction": "daily_sum"}, "daily_sum doesn't fit meter peak_mbps"),
    ],
)
def test_line_that_cannot_bill_is_refused_before_any_night(
    line: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        tariff(FLAT, **line)


PEAK = {"meter": "peak_mbps"}
WHEN = {"meter": "ingest_gb", "reduction": "sum", "above": 1}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"tiers": [{"up_to": 5, "price": 1}]}, "gap: nothing is priced above 5"),
        ({"tiers": [{"up_to": 5, "price": 1}, {"up_to": 5, "price": 1}, {"price": 1}]}, "overlap"),
        (
            {"tiers": [{"up_to": 5, "price": 1}, {"up_to": 4, "price": 1}, {"price": 1}]},
            "overlap: tiers.1.up_to 4 must be above tiers.0.up_to 5",
        ),
        ({"tiers": [{"price": 1}, {"price": 1}]}, "overlap: tiers.0 has no end"),
        ({"tiers": [{"price": -1}]}, "-1 is not a number of 0 or more"),
        ({"commitment": -5}, "commitment.*\n.*-5 is not a number of 0 or more"),
        ({"included": -5}, "-5 is not a number of 0 or more"),
        ({"unit": 0}, "greater than 0"),
        ({"meter": "peak_connections", "reduction": "p95", "days": "all"}, "p95 doesn't fit meter"),
        ({"meter": "months", "reduction": "daily_sum"}, "daily_sum doesn't fit meter months"),
        ({"meter": "months", "where": {"path": "rtc"}}, "months has no usage to choose from"),
        (PEAK | {"reduction": "p95"}, r"p95 needs days: all \(of the month\) or valid"),
        (PEAK | {"reduction": "month_peak", "days": "all"}, "days all belongs to p95"),
        (PEAK | {"reduction": "fourth_peak"}, "fourth_peak needs level: day"),
        (PEAK | {"reduction": "daily_peak", "level": "day"}, "level .* belongs to fourth_peak"),
        (PEAK | {"reduction": "daily_peak", "prorate": "amount"}, "prorate belongs to usage of a"),
        ({"convert": {"hd": 2}}, "convert names hd: .* and egress_gb has none"),
        ({"meter": "viewer_minutes", "convert": {"hd": 2}}, "every class of the line, audio, sd"),
        ({"meter": "viewer_minutes", "where": {"class": "sd"}, "convert": {"hd": 2}}, "line, sd"),
        ({"either": "x"}, "either 'x' of 'the line' must stand in two lines"),
        ({"reduction": "daily_sum", "charged_if": [WHEN]}, "must be by the day, as daily_sum is"),
        ({"charged_if": [WHEN | {"reduction": "daily_sum"}]}, "must be by the month, as sum is"),
        ({"charged_if": [WHEN | {"per": "peak_mbps"}]}, "sum doesn't fit meter peak_mbps"),
        ({"charged_if": [WHEN | {"above": -1}]}, "-1 is not a number of 0 or more"),
    ],
)
def test_a_line_that_contradicts_itself_is_refused(line: dict[str, Any], sentence: str) -> None:
    good = {"name": "the line", "meter": "egress_gb", "reduction": "sum",
            "semantics": "graduated", "tiers": [{"price": 1}]}  # fmt: skip
    with pytest.raises(ValidationError, match=sentence):
        Tariff.model_validate({"name": "hand", "currency": "CNY", "lines": [good | line]})


@pytest.mark.parametrize(
    ("whole", "sentence"),
    [
        ({"currency": None}, "currency"),
        ({"currency": "yuan"}, "currency"),
        ({"also": [{"meter": "joins", "times": 1, "of": "storage_gb"}]}, "no night reports it"),
        ({"also": [{"meter": "viewer_minutes", "times": 1, "of": "joins"}]}, "of_class belongs to"),
        ({"also": [{"meter": "joins", "of_class": "hd", "times": 1, "of": "joins"}]}, "joins has"),
        ({"also": [{"meter": "joins", "times": -1, "of": "joins"}]}, "-1 is not a number of 0"),
        ({"also": [{"meter": "egress_gb", "times": 1, "of": "months"}]}, "also gives egress_gb by"),
    ],
)
def test_a_price_list_that_cannot_be_is_refused(whole: dict[str, Any], sentence: str) -> None:
    good = tariff(FLAT, reduction="daily_sum").model_dump(exclude_unset=True)
    with pytest.raises(ValidationError, match=sentence):
        Tariff.model_validate({k: v for k, v in (good | whole).items() if v is not None})


def test_price_list_billing_an_unreported_meter_is_refused() -> None:
    """It is refused before any night is run, unless `also` makes the meter."""
    kept = "++vendors.agora.tariffs.agora_list.also=[{meter: storage_gb, times: 5, of: months}]"
    bills = "++vendors.agora.tariffs.agora_list.lines=[{name: kept, meter: storage_gb, "
    bills += "reduction: sum, semantics: graduated, tiers: [{price: 1}]}]"
    assert load_scenario("vendors=[agora]", bills, kept).vendors
    with pytest.raises(ScenarioError, match=r"tariffs\.agora_list bills storage_gb, which no"):
        load_scenario("vendors=[agora]", bills)


def test_what_is_counted_is_its_own_unit() -> None:
    (line,) = bill(used("peak_connections", 1500, "count"),
                   tariff([(None, 30)], "peak_connections", reduction="month_peak", unit=1000)
                   ).lines  # fmt: skip
    assert line.unit == "peak connections"
    assert line.price_note == "1.5 x 30 CNY per 1000 peak connections"


def by_volume(*classes: tuple[str, float]) -> Tariff:
    """A list whose classes reach 100,000 minutes together; beyond, half price."""
    lines = [
        {"name": kind, "meter": "viewer_minutes", "where": {"class": kind}, "reduction": "sum",
         "unit": 1000, "semantics": "graduated", "together": "minutes",
         "tiers": [{"up_to": 100, "price": price}, {"price": price / 2}]}
        for kind, price in classes
    ]  # fmt: skip
    return Tariff.model_validate({"name": "hand", "currency": "USD", "lines": lines})


def test_lines_together_reach_their_tiers_by_their_sum() -> None:
    plan = by_volume(("hd", 4), ("audio", 1), ("sd", 2))
    made = bill(minutes(hd=150_000, audio=50_000), plan)
    # 200,000 minutes: half of each class at its full price, half at half of it
    assert [str(line.amount) for line in made.lines] == ["450.00", "37.50", "0.00"]
    assert made.lines[0].price_note == "75 x 4 + 75 x 2 USD per 1000 min"
    assert total(minutes(hd=60_000, audio=30_000), plan) == 240 + 30
    assert total(minutes(audio=200_000), plan) == 100 + 50


@given(st.lists(st.integers(0, 10**7), min_size=3, max_size=3))
def test_the_parts_of_lines_together_add_up(used_min: list[int]) -> None:
    made = bill(
        minutes(**dict(zip(("hd", "audio", "sd"), map(float, used_min), strict=True))),
        by_volume(("hd", 4), ("audio", 4), ("sd", 4)),
    )
    for line in made.lines:
        assert sum(part.units for part in line.portions) == line.quantity / 1000
        assert all(part.units >= 0 for part in line.portions)
    alone = total(minutes(hd=sum(used_min)), by_volume(("hd", 4)))  # one price: no class matters
    assert abs(made.total - alone) <= Decimal("0.02")


@pytest.mark.parametrize(
    "odd",
    [
        {"unit": 1}, {"semantics": "all_units"}, {"reduction": "daily_sum"}, {"included": 1},
        {"commitment": 1}, {"prorate": "amount"},
        {"tiers": [{"up_to": 99, "price": 1}, {"price": 1}]},
    ],
)  # fmt: skip
def test_lines_together_that_do_not_match_are_refused(odd: dict[str, Any]) -> None:
    plan = by_volume(("hd", 4), ("sd", 4)).model_dump(exclude_none=True)
    plan["lines"][1] |= odd
    with pytest.raises(ValidationError, match="together 'minutes' of"):
        Tariff.model_validate(plan)
