"""Every billing model of the market, M1 to M30, as data, and a bill worked by hand.

The tariffs are written as they would stand under conf/tariff/; docs/tariffs.md points here. Of a
vendor's example the sum is the vendor's own.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import yaml

from sim.scenario.tariff import Tariff
from tests.billing.hand import EVENING, bill, gb, in_month, mbps, minutes, month, usage, used

MODELS = """
M1 legacy:    # ceil once per class and month; Agora interactive
- {name: full HD, meter: viewer_minutes, where: {class: full_hd}, reduction: sum, rounding: ceil, unit: 1000, semantics: graduated, tiers: [{price: 8.99}]}
- {name: 2K, meter: viewer_minutes, where: {class: 2k}, reduction: sum, rounding: ceil, unit: 1000, semantics: graduated, tiers: [{price: 15.99}]}
- {name: 2K+, meter: viewer_minutes, where: {class: 2k_plus}, reduction: sum, rounding: ceil, unit: 1000, semantics: graduated, tiers: [{price: 35.99}]}
M1 standard:  # standard minutes, one ceil at the end: a host in HD counts 4, audio in the audience 0.57
- {name: standard minutes, meter: viewer_minutes, where: {class: [hd, audio]}, convert: {hd: 4, audio: 0.57}, reduction: sum, rounding: ceil, semantics: graduated, tiers: [{price: 1}]}
M2:           # each stream in its own tier, ceil per day; TRTC in China
- {name: full HD, meter: viewer_minutes, where: {class: full_hd}, reduction: daily_sum, rounding: ceil, unit: 1000, semantics: graduated, tiers: [{price: 105}]}
- {name: SD, meter: viewer_minutes, where: {class: sd}, reduction: daily_sum, rounding: ceil, unit: 1000, semantics: graduated, tiers: [{price: 14}]}
M3:           # minutes whatever the picture, volume discount
- {name: minutes, meter: viewer_minutes, reduction: sum, rounding: ceil, semantics: graduated, tiers: [{up_to: 1000, price: 0.004}, {price: 0.003}]}
M4:           # hours, by region
- {name: hours east, meter: viewer_minutes, where: {region: east}, reduction: sum, unit: 60, semantics: graduated, tiers: [{price: 0.07}]}
- {name: hours west, meter: viewer_minutes, where: {region: west}, reduction: sum, unit: 60, semantics: graduated, tiers: [{up_to: 10, price: 0.10}, {price: 0.08}]}
M5:           # every connection's minutes rounded up before the sum; GB to 0.01; plan and overage
- {name: plan, meter: months, reduction: sum, semantics: flat, tiers: [{price: 50}]}
- {name: connections, meter: connection_minutes, reduction: sum, included: 100, semantics: graduated, tiers: [{price: 0.0005}]}
- {name: traffic, meter: egress_gb, reduction: sum, rounding: hundredth, included: 1, semantics: graduated, tiers: [{price: 0.12}]}
M6:           # GB of the month, graduated, by region
- {name: east, meter: egress_gb, where: {region: east}, reduction: sum, semantics: graduated, tiers: [{up_to: 10000, price: 0.2}, {price: 0.17}]}
- {name: west, meter: egress_gb, where: {region: west}, reduction: sum, semantics: graduated, tiers: [{price: 0.4}]}
M7:           # GB of the day, all at the tier reached
- {name: traffic, meter: egress_gb, reduction: daily_sum, semantics: all_units, tiers: [{up_to: 500, price: 0.26}, {price: 0.25}]}
M8:           # GB at one price after a free pool
- {name: traffic, meter: egress_gb, reduction: sum, included: 1000, semantics: graduated, tiers: [{price: 0.05}]}
M9:           # the day's peak, all at the tier reached
- {name: peak, meter: peak_mbps, reduction: daily_peak, semantics: all_units, tiers: [{up_to: 500, price: 0.52}, {price: 0.51}]}
M10 valid:    # 95th percentile of the days with traffic, times their share of the month
- {name: 95th, meter: peak_mbps, reduction: p95, days: valid, prorate: quantity, semantics: graduated, tiers: [{price: 30}]}
M10 all:      # of all the month
- {name: 95th, meter: peak_mbps, reduction: p95, days: all, semantics: graduated, tiers: [{price: 30}]}
M10 Baidu:    # graduated, then times effective days over days
- {name: 95th, meter: peak_mbps, reduction: p95, days: valid, prorate: amount, semantics: graduated, tiers: [{up_to: 500, price: 20}, {price: 10}]}
M11:          # the fourth highest day
- {name: 4th peak, meter: peak_mbps, reduction: fourth_peak, level: day, semantics: graduated, tiers: [{price: 10}]}
M12:          # mean of the valid days' peaks
- {name: mean, meter: peak_mbps, reduction: mean_of_daily_peaks, days: valid, semantics: graduated, tiers: [{price: 10}]}
M13:          # mean of the daily 95th percentiles
- {name: mean 95th, meter: peak_mbps, reduction: mean_of_daily_p95, days: all, semantics: graduated, tiers: [{price: 10}]}
M14:          # 95th percentile, half from midnight to eight
- {name: 95th, meter: peak_mbps, reduction: p95_night_half, days: valid, semantics: graduated, tiers: [{price: 10}]}
M15:          # mean of the five highest days, a day being its fifth highest sample
- {name: top 5, meter: peak_mbps, reduction: mean_of_top5, prorate: quantity, semantics: graduated, tiers: [{price: 10}]}
M16 sum:
- {name: peaks, meter: peak_mbps, reduction: sum_of_daily_peaks, semantics: graduated, tiers: [{price: 1}]}
M16 max:
- {name: peak, meter: peak_mbps, reduction: month_peak, semantics: graduated, tiers: [{price: 1}]}
M17:          # delivered minutes, one price
- {name: delivered, meter: viewer_minutes, where: {class: [sd, hd, full_hd]}, reduction: sum, unit: 1000, semantics: graduated, tiers: [{price: 1}]}
M18:          # hours in, hours out by picture, region and volume
- {name: input, meter: ingest_minutes, reduction: sum, unit: 60, semantics: graduated, tiers: [{price: 2}]}
- {name: HD out, meter: viewer_minutes, where: {class: hd, region: cn}, reduction: sum, unit: 60, semantics: graduated, tiers: [{up_to: 10000, price: 0.075}, {price: 0.06}]}
M19:          # encoder minutes, ten at least a run; an idle fee and a reservation by the month
- {name: encoder, meter: ingest_minutes, reduction: daily_sum, rounding: ceil, commitment: 10, semantics: graduated, tiers: [{price: 0.05}]}
- {name: idle, meter: months, reduction: sum, semantics: flat, tiers: [{price: 7}]}
M20:          # by the picture that comes out
- {name: transcoding 480, meter: transcode_minutes, where: {class: sd}, reduction: sum, rounding: ceil, semantics: graduated, tiers: [{price: 0.016}]}
- {name: transcoding 720, meter: transcode_minutes, where: {class: hd}, reduction: sum, rounding: ceil, semantics: graduated, tiers: [{price: 0.0325}]}
M21:          # minutes of every file, by its picture
- {name: HD recording, meter: recording_minutes, where: {class: hd}, reduction: sum, rounding: ceil, unit: 1000, semantics: graduated, tiers: [{price: 5.99}]}
- {name: full HD recording, meter: recording_minutes, where: {class: full_hd}, reduction: sum, rounding: ceil, unit: 1000, semantics: graduated, tiers: [{price: 13.49}]}
M22:          # most files at once x 30 CNY x days with recording / days
- {name: recording, meter: recordings, reduction: month_peak, prorate: amount, semantics: graduated, tiers: [{price: 30}]}
M23:          # messages, connections, storage
- {name: connections, meter: peak_connections, reduction: month_peak, unit: 1000, semantics: graduated, tiers: [{price: 30}]}
- {name: messages, meter: messages, reduction: sum, unit: 1000000, semantics: graduated, tiers: [{price: 3}]}
- {name: storage, meter: storage_gb, reduction: sum, rounding: hundredth, semantics: graduated, tiers: [{price: 15}]}
M24 MAU:      # a plan by users of the month
- {name: plan, meter: users, reduction: sum, semantics: flat, tiers: [{up_to: 5000, price: 349}, {price: 699}]}
M24 DAU:
- {name: users a day, meter: users, reduction: daily_sum, semantics: graduated, tiers: [{price: 0.0015}]}
M24 PCU:      # the day's peak of connections
- {name: peak users a day, meter: peak_connections, reduction: daily_peak, semantics: graduated, tiers: [{price: 0.14}]}
M25:          # a package of standard minutes, overage at list
- {name: Business package, meter: months, reduction: sum, semantics: flat, tiers: [{price: 339.99}]}
- {name: overage, meter: viewer_minutes, where: {class: [hd, audio]}, convert: {hd: 2, audio: 0.57}, reduction: sum, rounding: ceil, unit: 1000, included: 400, semantics: graduated, tiers: [{price: 0.99}]}
M26 minimum:  # the larger of a minimum by peak connections (10 % over is free) and usage
- {name: minimum, either: proxy, meter: peak_connections, reduction: month_peak, semantics: flat, tiers: [{up_to: 220, price: 500}, {up_to: 1100, price: 1000}, {price: 2000}]}
- {name: usage, either: proxy, meter: viewer_minutes, reduction: sum, unit: 1000, semantics: graduated, tiers: [{price: 0.9}]}
M26 floor:    # peak x valid days / days, at least 20 % of a cap of 1,000 Mbps
- {name: enhanced 95th, meter: peak_mbps, reduction: p95, days: valid, prorate: quantity, commitment: 200, semantics: graduated, tiers: [{price: 5}]}
M27:          # 100 Mbps committed, what is over dearer
- {name: 95th, meter: peak_mbps, reduction: p95, days: valid, commitment: 100, semantics: graduated, tiers: [{up_to: 100, price: 3}, {price: 5}]}
M28:          # 1,000 CNY a month with 1,000 minutes in it; a licence by the year
- {name: function fee, meter: months, reduction: sum, semantics: flat, tiers: [{price: 1000}]}
- {name: minutes, meter: viewer_minutes, reduction: sum, rounding: ceil, included: 1000, semantics: graduated, tiers: [{price: 0.028}]}
- {name: licence, meter: months, reduction: sum, unit: 12, semantics: graduated, tiers: [{price: 4299}]}
M29:          # the larger of 100 and 10/7 % of what the rest comes to; an event package
- {name: traffic, meter: egress_gb, reduction: sum, semantics: graduated, tiers: [{price: 1}]}
- {name: support, either: support, meter: spend, reduction: sum, semantics: graduated, tiers: [{up_to: 10000, price: 0.1}, {price: 0.07}]}
- {name: least support, either: support, meter: months, reduction: sum, semantics: flat, tiers: [{price: 100}]}
- {name: event support, meter: events, reduction: sum, semantics: graduated, tiers: [{price: 10000}]}
M30:          # upstream is charged where it is above a tenth of downstream and above 100 Mbps
- {name: upstream, meter: ingest_gb, reduction: daily_sum, semantics: graduated, tiers: [{price: 0.25}], charged_if: [
    {meter: ingest_gb, reduction: daily_sum, per: egress_gb, above: 0.1}, {meter: ingest_mbps, reduction: daily_peak, above: 100}]}
"""  # noqa: E501


def model(name: str, **whole: object) -> Tariff:
    lines = yaml.safe_load(MODELS)[name]
    return Tariff.model_validate({"name": name, "currency": "CNY", "lines": lines, **whole})


def evening(level: float, minutes: float) -> pd.DataFrame:
    """Bandwidth from 20:00 for so many minutes."""
    return mbps((0, 60 * minutes, level))


def ingest(level: float, downstream_gb: float) -> pd.DataFrame:
    """An hour upstream."""
    rows = [("ingest_mbps", "", "", "", float(t), level, "Mbps") for t in range(0, 3600, 10)]
    up = used("ingest_gb", level * 3600 / 8000, "GB")
    return pd.concat([usage(*rows), up, gb(downstream_gb)])


@pytest.mark.parametrize(
    ("name", "table", "amounts"),
    [
        # Agora's example: five users, an hour, three hosts: USD 6.777; x 1,000, to see the mils
        ("M1 legacy", minutes(full_hd=60e3, **{"2k": 120e3, "2k_plus": 120e3}),
         ["539.40", "1918.80", "4318.80"]),
        ("M1 standard", minutes(hd=6, audio=6), ["28.00"]),  # Agora's: 1645.2 s = 27.42 -> 28
        ("M2", minutes(full_hd=30, sd=30), ["3.15", "0.42"]),  # TRTC's example: 3.57
        ("M3", minutes(hd=1500, audio=499.5), ["7.00"]),  # 2000: 1000 x .004 + 1000 x .003
        ("M4", pd.concat([used("viewer_minutes", 600, "min", "hd", r) for r in ("east", "west")]
                         + [used("viewer_minutes", 60, "min", "sd", "west")]),
         ["0.70", "1.08"]),  # 10 h x .07; 10 h x .10 + 1 h x .08
        ("M5", pd.concat([used("connection_minutes", 10_100, "min"), gb(3.456)]),
         ["50.00", "5.00", "0.30"]),  # 10,000 x .0005; (3.46 - 1) x .12 = 0.2952
        ("M6", pd.concat([gb(10_300).assign(region="east"), gb(100).assign(region="west")]),
         ["2051.00", "40.00"]),  # Baidu's example
        ("M7", gb(600), ["150.00"]),
        ("M8", gb(1500), ["25.00"]),
        ("M9", evening(912, 60), ["465.12"]),  # Baidu's example
        # November, one valid day: 288 samples, 14 dropped; the 15th is billed, for 1/30
        ("M10 valid", evening(900, 75), ["900.00"]),
        ("M10 valid", evening(900, 70), ["0.00"]),
        ("M10 all", evening(900, 75), ["0.00"]),  # 432 of 8640 dropped
        ("M10 Baidu", evening(900, 75), ["466.67"]),  # (500 x 20 + 400 x 10) / 30
        ("M11", evening(900, 75), ["0.00"]),  # less than four days
        ("M12", evening(900, 75), ["9000.00"]),
        ("M13", evening(900, 75), ["300.00"]),  # 900 on one of 30 days
        ("M14", evening(900, 75), ["9000.00"]),  # at eight in the evening nothing is halved
        ("M15", evening(900, 25), ["60.00"]),  # the fifth of 5 samples is 900; (900/5)/30 x 10
        ("M15", evening(900, 20), ["0.00"]),  # there is no fifth
        ("M16 sum", evening(900, 75), ["900.00"]),
        ("M16 max", evening(900, 75), ["900.00"]),
        ("M17", minutes(hd=90_000, sd=10_000, audio=5), ["100.00"]),
        ("M18", pd.concat([used("ingest_minutes", 90, "min", "hd"), minutes(hd=660_000)]),
         ["3.00", "810.00"]),  # 10,000 h x .075 + 1,000 h x .06
        ("M19", used("ingest_minutes", 5, "min", "hd"), ["0.50", "7.00"]),
        ("M19", used("ingest_minutes", 60.5, "min", "hd"), ["3.05", "7.00"]),
        ("M20", pd.concat([used("transcode_minutes", 60, "min", k) for k in ("sd", "hd")]),
         ["0.96", "1.95"]),
        # a second format doubles: 500 minutes as mp4 and as hls
        ("M21", used("recording_minutes", 2 * 500, "min", "hd"), ["5.99", "0.00"]),
        # Agora's example: 20,000 PCU, 800 M messages, 2,832 GB-h / 720: 600 + 2400 + 58.95
        ("M23", pd.concat([used("peak_connections", 20_000, "count"),
                           used("messages", 800e6, "count"), used("storage_gb", 2832 / 720, "GB")]),
         ["600.00", "2400.00", "58.95"]),
        ("M24 MAU", used("users", 5000, "count"), ["349.00"]),
        ("M24 MAU", used("users", 5001, "count"), ["699.00"]),
        ("M24 DAU", used("users", 20_000, "count"), ["30.00"]),
        ("M24 PCU", used("peak_connections", 500, "count"), ["70.00"]),
        # 2 x 240,000 + 0.57 x 10,000 = 485,700 standard minutes, 85,700 of them over
        ("M25", minutes(hd=240_000, audio=10_000), ["339.99", "84.84"]),
        ("M25", minutes(hd=199_999.9), ["339.99", "0.00"]),
        ("M26 minimum", pd.concat([used("peak_connections", 220, "count"), minutes(hd=500_000)]),
         ["500.00", "0.00"]),  # usage would be 450
        ("M26 minimum", pd.concat([used("peak_connections", 220, "count"), minutes(hd=600_000)]),
         ["0.00", "540.00"]),
        ("M26 floor", evening(900, 75), ["1000.00"]),  # 900/30 = 30 Mbps, at least 200
        ("M26 floor", evening(9000, 75), ["1500.00"]),
        ("M27", evening(60, 75), ["300.00"]),  # unused, still charged
        ("M27", evening(160, 75), ["600.00"]),  # 100 x 3 + 60 x 5
        ("M28", minutes(hd=900), ["1000.00", "0.00", "358.25"]),
        ("M28", minutes(hd=1500), ["1000.00", "14.00", "358.25"]),
        ("M29", pd.concat([gb(500), used("events", 1, "count")]),
         ["500.00", "1035.00", "0.00", "10000.00"]),  # 10,000 x .1 + 500 x .07
        ("M29", gb(500), ["500.00", "0.00", "100.00", "0.00"]),
        ("M30", ingest(200, 800), ["22.50"]),  # 90 GB x 0.25; 90 / 800 > 0.1, 200 > 100 Mbps
        ("M30", ingest(200, 900), ["0.00"]),  # 90 / 900 is not above
        ("M30", ingest(100, 1), ["0.00"]),  # 100 Mbps is not above
    ],
)  # fmt: skip
def test_model(name: str, table: pd.DataFrame, amounts: list[str]) -> None:
    assert [str(line.amount) for line in bill(table, model(name)).lines] == amounts


def test_m1_agoras_example_to_the_mil() -> None:
    made = bill(minutes(full_hd=60, **{"2k": 120, "2k_plus": 120}), model("M1 legacy"))
    exact = sum(p.units * p.price for line in made.lines for p in line.portions)
    assert exact == Decimal("6.777")  # Agora's sum
    assert made.total == Decimal("6.78")  # each line to the cent: 0.54 + 1.92 + 4.32


def test_m11_the_three_dearest_days_are_free() -> None:
    plan = model("M11")
    nights = {"promotions": [{"day": d, "share": s} for d, s in ((11, 2), (12, 0.9), (13, 0.5))]}
    rest = month(0, 0).model_validate({"days": 30, "ordinary_nights": 5,
                                       "ordinary_share": 0.3, **nights})  # fmt: skip
    made = in_month(evening(1000, 60), plan, rest)
    assert made.month_cny == 5000  # 2000, 1000, 900 and then 500 Mbps
    assert made.without.total_cny == 3000  # 2000, 900, 500 and then 300
    # four days are needed
    assert in_month(evening(1000, 60), plan, month(2, 0.3)).month_cny == 0


@pytest.mark.parametrize(
    ("level", "billed"), [("day", 900), ("sample", 1000), ("sample_within_day", 1000)]
)
def test_m11_three_readings_of_the_fourth_peak(level: str, billed: float) -> None:
    lines = [yaml.safe_load(MODELS)["M11"][0] | {"level": level, "tiers": [{"price": 1}]}]
    plan = Tariff.model_validate({"name": "4th", "currency": "CNY", "lines": lines})
    rest = month(29, 0.9)
    assert in_month(evening(1000, 20), plan, rest).month_cny == billed


def test_m12_and_m13_days_without_traffic_count_or_not() -> None:
    rest = month(9, 0.5)  # ten days of 31: 1000 and nine times 500
    made = in_month(evening(1000, 120), model("M12"), rest)
    assert made.month_cny == 5500
    assert made.without.total_cny == 5000
    # all 31 days: 5500 / 31 = 177.419355
    assert in_month(evening(1000, 120), model("M13"), rest).month_cny == Decimal("1774.19")


def test_m14_samples_before_eight_count_half() -> None:
    dawn = EVENING.replace(hour=6, minute=40)  # sixteen samples before eight
    plan = model("M14")
    assert bill(mbps((0, 4800 + 14 * 300, 900)), plan, dawn).total == 4500  # 14 of 900 are dropped
    assert bill(mbps((0, 4800 + 15 * 300, 900)), plan, dawn).total == 9000


def test_m15_five_days_make_the_mean() -> None:
    rest = month(30, 0.5)
    assert in_month(evening(1000, 25), model("M15"), rest).month_cny == 6000  # (1000 + 4 x 500)/5


def test_m16_all_days_and_the_highest() -> None:
    rest = month(9, 0.5)
    assert in_month(evening(1000, 60), model("M16 sum"), rest).month_cny == 5500
    made = in_month(evening(1000, 60), model("M16 max"), rest)
    assert made.month_cny == 1000
    assert made.marginal_cny == 500


def test_m22_most_recordings_at_once_times_the_days_that_had_any() -> None:
    rows = [("recordings", "", "", "", float(t), 12.0, "count") for t in range(0, 3600, 10)]
    rest = month(5, 0.3).model_copy(update={"days": 30})
    made = in_month(usage(*rows), model("M22"), rest)
    assert made.month_cny == 72  # Tencent's: 12 x 30 x 6/30; an ordinary show is recorded whole
    assert made.without.total_cny == 60


def test_m27_a_commitment_is_paid_with_or_without_the_night() -> None:
    made = in_month(evening(60, 75), model("M27"), month(0, 0))
    assert made.month_cny == 300
    assert made.marginal_cny == 0


def test_m29_night_adds_event_package_and_share_of_traffic() -> None:
    """The month without the night pays its own traffic, and support on it."""
    table = pd.concat([gb(2000), used("events", 1, "count")])
    made = in_month(table, model("M29"), month(10, 0.5))
    # with: 12,000 + 10,000 + (1,000 + 12,000 x 0.07); without: 10,000 + 1,000
    assert made.month_cny == 12_000 + 10_000 + 1_840
    assert made.without.total_cny == 11_000


def test_m30_a_day_is_judged_by_itself() -> None:
    # ordinary downstream is a third, upstream as large: 90 / 300 > 0.1
    made = in_month(ingest(200, 900), model("M30"), month(2, 1 / 3))
    assert [str(line.amount) for line in made.month.lines] == ["0.00", "45.00"]
    assert made.month.lines[0].price_note == (
        "not charged: ingest_gb per egress_gb is 0.1, not above 0.1"
    )


def test_every_model_is_here() -> None:
    assert {name.split()[0] for name in yaml.safe_load(MODELS)} == {f"M{k}" for k in range(1, 31)}


def test_a_sample_is_what_numpy_calls_inverted_cdf() -> None:
    """Dropping floor(0.05 n) of the samples is not numpy's default percentile."""
    levels = np.random.default_rng(5).uniform(1, 1000, 288).round(3)
    day = mbps(*((300.0 * k, 300.0 * (k + 1), float(v)) for k, v in enumerate(levels)))
    plan = model("M14").model_copy(update={"sample_stat": "max_of_10s"})
    line = plan.lines[0].model_copy(update={"reduction": "p95", "days": "valid"})
    plan = plan.model_copy(update={"lines": [line]})
    midnight = EVENING.replace(hour=0)
    (made,) = bill(day, plan, midnight).lines
    assert float(made.quantity) == np.percentile(levels, 95, method="inverted_cdf")
    assert float(made.quantity) != np.percentile(levels, 95)
