"""What is shipped under conf/vendors and conf/tariff: its sources, and what it bills."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import pytest

from sim.billing import invoice
from sim.scenario.compose import CONF, load_scenario
from sim.scenario.vendor import Path, Vendor

NAMES = sorted(file.stem for file in (CONF / "vendors").glob("*.yaml"))
EVENING = datetime(2026, 11, 10, 20, 0)


@cache
def shipped() -> dict[str, Vendor]:
    return load_scenario(f"vendors=[{','.join(NAMES)}]").vendors


def players(kind: str) -> dict[str, Path]:
    """Every shipped path with this player, by 'vendor.path'."""
    return {
        f"{name}.{way}": path
        for name, vendor in shipped().items()
        for way, path in vendor.paths.items()
        if path.player == kind
    }


# --- where numbers come from ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_number_names_its_source(name: str) -> None:
    for key, number, sources in shipped()[name].quantities():
        assert number.source in sources, key


@pytest.mark.parametrize("name", NAMES)
def test_what_was_read_or_measured_cites_a_page_and_a_date(name: str) -> None:
    for key, number, sources in shipped()[name].quantities():
        source = sources[str(number.source)]
        if source.confidence in ("published", "measured"):
            assert source.url.startswith("https://"), key
            assert source.as_of is not None, key


@pytest.mark.parametrize("name", NAMES)
def test_what_is_claimed_or_assumed_has_a_range(name: str) -> None:
    for figure in shipped()[name].figures():
        if figure.confidence in ("claimed", "assumed"):
            assert figure.low < figure.high, figure.key


@pytest.mark.parametrize("name", NAMES)
def test_mainland_china_is_one_region(name: str) -> None:
    assert shipped()[name].serves == {"cn": ["east", "south", "north", "west"]}


@pytest.mark.parametrize("name", NAMES)
def test_play_can_start_whatever_is_drawn_from_the_ranges(name: str) -> None:
    for path in shipped()[name].paths.values():
        start = path.start_buffer_s.highest
        if path.jitter_buffer_s is not None:
            assert start <= path.jitter_buffer_s.lowest
        if path.delay_s is not None and path.resume_buffer_s is not None:
            assert start <= path.delay_s.lowest - path.gop_s.highest
            fill = max(start, path.resume_buffer_s.highest)
            assert path.lag_limit_s is not None
            assert path.lag_limit_s.lowest > path.delay_s.highest + path.gop_s.highest + fill


# --- what a comparison rests on -------------------------------------------------------------------


def test_budget_is_bought_for_an_ordinary_night_not_the_peak() -> None:
    """6,700 viewers x its one bitrate on the wire x 1.2, written before its first run."""
    for peak in (5_000, 20_000, 80_000):
        scenario = load_scenario("vendors=[budget]", f"promotion.peak_viewers={peak}")
        budget = scenario.vendors["budget"]
        path, bought = budget.path, budget.limits.egress_mbps
        assert bought is not None
        assert len(path.ladder) == 1
        wire_mbps = path.bitrate_mbps.value * (1 + path.overhead.value)
        assert bought.value == pytest.approx(6_700 * wire_mbps * 1.2, rel=1e-12)
        assert bought.value == 17044.8


def test_what_no_rtc_vendor_publishes_is_assumed_alike_for_all() -> None:
    """So that no vendor is ahead of another by our guess; budget is an archetype of its own."""
    published = ("bitrate_mbps", "layers", "height", "react_s", "takes", "fleet")
    seen = {
        name: {
            key: (value["value"], value["low"], value["high"]) if isinstance(value, dict) else value
            for key, value in path.model_dump().items()
            if key not in published
        }
        for name, path in players("rtc").items()
        if name != "budget.rtc"
    }
    for name, numbers in seen.items():
        assert numbers == seen["agora.rtc"], name
    assert len({str(p.react_s) for p in players("rtc").values() if p.layers}) == 1


def test_the_hybrids_cdn_is_the_big_names() -> None:
    mixed = players("flv")["hybrid.cdn"].model_copy(update={"limits": None, "policy": None})
    assert mixed == players("flv")["big_name.cdn"]


# --- what they bill -------------------------------------------------------------------------------


def total(vendor: str, tariff: str, *usage: tuple[str, str, str, float, str]) -> Decimal:
    """The bill for (meter, path, class, value, unit), in the tariff's currency."""
    table = pd.DataFrame(usage, columns=["meter", "path", "class", "value", "unit"])
    table = table.assign(region="cn", time_s=np.nan)
    price_list = shipped()[vendor].tariffs[tariff]
    return invoice(table, price_list, {"CNY": 1.0, "USD": 7.1}, EVENING).total


def bandwidth(vendor: str, tariff: str, mbps: float) -> Decimal:
    """The bill for an hour at so many Mbps."""
    table = pd.DataFrame({"time_s": np.arange(0.0, 3600, 10)})
    table = table.assign(
        meter="wire_mbps", path="", region="cn", value=mbps, unit="Mbps", **{"class": ""}
    )
    price_list = shipped()[vendor].tariffs[tariff]
    return invoice(table, price_list, {"CNY": 1.0, "USD": 7.1}, EVENING).total


@pytest.mark.parametrize(
    ("gb", "fee"),
    [
        (22.5, "11.70"),  # the page's own example
        (499.9, "259.95"),
        (500, "250.00"),  # '500 GB (inclusive) to 2 TB'; all of it at 0.50
        (600, "300.00"),
        (2_000, "920.00"),
        (50_000, "19000.00"),
        (100_000, "32000.00"),
    ],
)
def test_tencent_leb_bills_a_days_traffic_at_the_tier_it_reaches(gb: float, fee: str) -> None:
    usage = ("egress_gb", "rtc", "", gb, "GB")
    assert total("tencent_leb", "tencent_leb_list", usage) == Decimal(fee)


@pytest.mark.parametrize(
    ("mbps", "fee"),
    [
        (50, "64.00"),  # the page's own example
        (500, "620.00"),
        (5_000, "5900.00"),
        (20_000, "23200.00"),
    ],
)
def test_tencent_leb_bills_a_days_peak_at_the_tier_it_reaches(mbps: float, fee: str) -> None:
    assert bandwidth("tencent_leb", "tencent_leb_bandwidth", mbps) == Decimal(fee)


@pytest.mark.parametrize(
    ("mbps", "fee"),
    [
        (50, "32.00"),  # Tencent's example
        (500, "310.00"),
        (5_000, "2950.00"),
        (20_000, "11600.00"),
    ],
)
def test_the_big_name_bills_a_days_peak_as_tencents_old_list(mbps: float, fee: str) -> None:
    assert bandwidth("big_name", "tencent_live_bandwidth", mbps) == Decimal(fee)


def test_alibaba_rts_adds_its_tiers_up_and_counts_1024() -> None:
    tb = 1024**4 / 1e9  # in GB of 1e9
    usage = ("egress_gb", "rtc", "", 15 * tb, "GB")
    # 10,240 GB x 0.084 + 5,120 GB x 0.080
    assert total("alibaba_rts", "alibaba_rts_list", usage) == Decimal("1269.76")


def test_agora_bills_all_up_to_720_lines_as_hd() -> None:
    hd = ("viewer_minutes", "rtc", "hd", 5_999_000, "min")
    sd = ("viewer_minutes", "rtc", "sd", 1_000, "min")
    # 100,000 viewers, an hour of broadcast streaming: 1880.55 for the first million, 5,000 x 1.791
    assert total("agora", "agora_list", hd, sd) == Decimal("10835.55")


def test_amazon_bills_hours_whatever_the_picture() -> None:
    usage = [("viewer_minutes", "rtc", kind, 20_000, "min") for kind in ("audio", "sd", "hd")]
    assert total("aws_ivs_realtime", "aws_ivs_realtime", *usage) == Decimal("72.00")


def test_hybrid_bills_rtc_by_minutes_and_cdn_by_traffic() -> None:
    minutes = [("viewer_minutes", path, "sd", 30, "min") for path in ("rtc", "cdn")]
    minutes += [("viewer_minutes", path, "full_hd", 30, "min") for path in ("rtc", "cdn")]
    # Tencent RTC's example: 30 minutes SD and 30 of full HD
    assert total("hybrid", "hybrid_list", *minutes) == Decimal("3.57")
    traffic = [("egress_gb", path, "", 10_300, "GB") for path in ("rtc", "cdn")]
    # Baidu's example: 10,000 GB x 0.20 + 300 GB x 0.17
    assert total("hybrid", "hybrid_list", *traffic) == Decimal("2051.00")
    talk = ("viewer_minutes", "rtc", "audio", 90, "min")
    assert total("hybrid", "hybrid_list", talk) == Decimal("0.63")  # Tencent RTC's example
