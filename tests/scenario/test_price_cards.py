"""Every price list under conf/tariff: where its numbers come from, and what it bills."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from sim.billing import invoice
from sim.scenario import ScenarioError
from sim.scenario.compose import CONF, load_scenario
from sim.scenario.quantity import Quantity
from sim.scenario.tariff import CLASSES, Fall, Tariff

FILES = sorted((CONF / "tariff").glob("*.yaml"))
PICTURES = CLASSES[1:]
EVENING = datetime(2026, 11, 11, 20, 0)
RATES = {"CNY": 1.0, "USD": 7.1}


@cache
def card(name: str) -> Tariff:
    text = (CONF / "tariff" / f"{name}.yaml").read_text(encoding="utf-8")
    return Tariff.model_validate(yaml.safe_load(text)[name])


def numbers(node: Any) -> list[Quantity]:
    if isinstance(node, Quantity):
        return [node]
    if isinstance(node, dict):
        return [n for child in node.values() for n in numbers(child)]
    if isinstance(node, list):
        return [n for child in node for n in numbers(child)]
    return numbers(dict(node)) if hasattr(node, "model_fields_set") else []


def table(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    """Usage of (meter, class, value, unit)."""
    frame = pd.DataFrame(rows, columns=["meter", "class", "value", "unit"])
    return frame.assign(path="rtc", region="cn", time_s=np.nan)


def total(name: str, *rows: tuple[str, str, float, str]) -> Decimal:
    return invoice(table(*rows), card(name), RATES, EVENING).total


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_every_price_has_a_source_and_if_unpublished_a_range(name: str) -> None:
    prices = card(name)
    assert numbers(prices.lines)
    for number in numbers([prices.lines, prices.also]):
        source = prices.sources[str(number.source)]
        if source.confidence == "published":
            assert source.url.startswith("https://") and source.as_of is not None
        else:
            assert number.low is not None and number.high is not None
            assert number.low < number.high
            assert source.note


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_a_simulated_night_meters_all_that_a_shipped_list_bills(name: str) -> None:
    assert card(name).unmetered(fleet=True) == []


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_a_list_by_the_minute_bills_every_picture_once(name: str) -> None:
    lines = [line for line in card(name).lines if line.meter == "viewer_minutes"]
    billed = [
        kind
        for line in lines
        if "path" not in line.where or line.where["path"] == "rtc"
        for kind in CLASSES
        if kind in np.atleast_1d(line.where.get("class", list(CLASSES)))
    ]
    assert sorted(billed) == (sorted(CLASSES) if lines else [])


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_list_billing_recorded_minutes_bills_each_picture_once(name: str) -> None:
    lines = [line for line in card(name).lines if line.meter == "recording_minutes"]
    billed = [k for line in lines for k in np.atleast_1d(line.where.get("class", PICTURES))]
    assert sorted(billed) == (sorted(PICTURES) if lines else [])


@pytest.mark.parametrize("kind", ["live", "leb"])
@pytest.mark.parametrize("by", ["list", "bandwidth"])
def test_tencents_example_of_recording(kind: str, by: str) -> None:
    """Twelve files at once on one day of thirty: 12 x 30 / 30 CNY."""
    frame = pd.DataFrame({"time_s": np.arange(0.0, 3600, 10)}).assign(
        meter="recordings", path="x", region="cn", value=12.0, unit="count", **{"class": ""}
    )
    assert invoice(frame, card(f"tencent_{kind}_{by}"), RATES, EVENING).total == Decimal("12.00")


def test_twelve_real_vendors_and_plans_are_there() -> None:
    real = {file.stem for file in FILES} - {"budget_list", "hybrid_list"}
    real -= {"cloud_1_core", "cloud_16_cores"}
    assert len(real) >= 12


HOUR = 20_000 * 60.0
"""Minutes of an hour with 20,000 viewers."""


@pytest.mark.parametrize(
    ("name", "usage", "amount"),
    [
        # forgetting to set the low-latency level doubles the bill
        # 100 x 1.99 + 400 x 1.8905 + 500 x 1.8507 + 200 x 1.791: legacy, less 5, 7 and 10 %
        ("agora_list", [("viewer_minutes", "hd", HOUR, "min")], "2238.75"),
        ("agora_interactive", [("viewer_minutes", "hd", HOUR, "min")], "4488.75"),
        # Agora's example: 600,000 minutes, whatever the classes they are of
        ("agora_list", [("viewer_minutes", "hd", 600_000, "min")], "1140.27"),
        ("agora_list", [("viewer_minutes", "hd", 300_000, "min"),
                        ("viewer_minutes", "audio", 300_000, "min")], "739.18"),
        ("agora_list", [("viewer_minutes", "hd", 100_000, "min")], "199.00"),
        # 2,400,000 standard minutes, 2,000,000 over: 339.99 + 1,980
        ("agora_package", [("viewer_minutes", "hd", HOUR, "min")], "2319.99"),
        # TRTC's example: FHD 30 min and SD 30 min -> 3.57 CNY
        ("trtc_cn_list",
         [("viewer_minutes", "full_hd", 30, "min"), ("viewer_minutes", "sd", 30, "min")], "3.57"),
        # TRTC's example: HD 60, 2K 240, audio 60 -> USD 4.14
        ("trtc_intl_list",
         [("viewer_minutes", "hd", 60, "min"), ("viewer_minutes", "2k", 240, "min"),
          ("viewer_minutes", "audio", 60, "min")], "4.14"),
        # dropped off, noticed after 90 s (TRTC): 1,000 x 1.5 min as audio
        ("trtc_intl_list", [("ghost_minutes", "", 1500, "min")], "1.49"),
        # Alibaba's example: 35 min x 3 users of audio x 0.006
        ("alibaba_artc_list", [("viewer_minutes", "audio", 105, "min")], "0.63"),
        # an hour in two formats: 120 minutes at 5.99 a thousand; by the day, 52.50 a thousand
        ("agora_list", [("recording_minutes", "hd", 120, "min")], "0.72"),
        ("trtc_cn_list", [("recording_minutes", "full_hd", 120, "min")], "6.30"),
        ("trtc_intl_list", [("recording_minutes", "2k_plus", 1000, "min")], "53.99"),
        ("cloudflare_realtimekit", [("recording_minutes", "hd", 120, "min")], "1.20"),
        ("zego_l3_list", [("viewer_minutes", "hd", HOUR, "min")], "17400.00"),
        ("byteplus_rtc_list", [("viewer_minutes", "hd", HOUR, "min")], "4788.00"),
        ("livekit_cloud", [("connection_minutes", "", 100_000, "min"), ("egress_gb", "", 1, "GB")],
         "100.12"),
        ("cloudflare_realtime", [("egress_gb", "", 13_500, "GB")], "625.00"),
        ("cloudflare_stream", [("viewer_minutes", "hd", HOUR, "min"),
                               ("ingest_minutes", "hd", 60, "min")], "1200.30"),
        ("cloudflare_realtimekit", [("viewer_minutes", "hd", 1000, "min"),
                                    ("viewer_minutes", "audio", 1000, "min")], "2.50"),
        # 15 TB of 1,024 GB, one free: 10,240 x 0.12 + 4,096 x 0.10
        ("cloudfront_asia", [("egress_gb", "", 15 * 1024**4 / 1e9, "GB")], "1638.40"),
        ("baidu_cdn_traffic", [("egress_gb", "", 10_300, "GB")], "2051.00"),  # Baidu's example
        ("tencent_live_list", [("egress_gb", "", 499.9, "GB")], "129.97"),  # more than 500 GB
        ("tencent_live_list", [("egress_gb", "", 500, "GB")], "125.00"),
        ("vonage_list", [("viewer_minutes", "hd", 45, "min")], "0.18"),  # Vonage's: 45 minutes
        ("mux_list", [("viewer_minutes", "hd", HOUR, "min")], "880.00"),
        ("hundredms_list", [("viewer_minutes", "hd", 1000, "min")], "4.00"),
        ("aws_ivs_low_latency", [("viewer_minutes", "hd", HOUR, "min"),
                                 ("ingest_minutes", "hd", 60, "min")], "1502.00"),
        # 20 messages a second to 100,000, an hour: more than the pictures' 11,940
        ("agora_signaling", [("messages", "", 7.2e9, "count")], "21600.00"),
    ],
)  # fmt: skip
def test_what_a_card_bills(name: str, usage: list[Any], amount: str) -> None:
    assert total(name, *usage) == Decimal(amount)


def test_baidus_example_of_bandwidth() -> None:
    frame = pd.DataFrame({"time_s": np.arange(0.0, 3600, 10)}).assign(
        meter="wire_mbps", path="cdn", region="cn", value=912.0, unit="Mbps", **{"class": ""}
    )
    assert invoice(frame, card("baidu_cdn_bandwidth"), RATES, EVENING).total == Decimal("465.12")


def test_where_more_costs_less_is_kept_and_told() -> None:
    assert card("tencent_live_list").falls()[0] == Fall(
        "traffic", Decimal(500), Decimal("130.000"), Decimal("125.000")
    )
    where = {name: [float(f.at) for f in card(name).falls()] for name in (f.stem for f in FILES)}
    assert {name for name, at in where.items() if at} == {
        "tencent_leb_list", "tencent_leb_bandwidth", "tencent_live_list",
        "tencent_live_bandwidth", "baidu_cdn_bandwidth",
    }  # fmt: skip
    assert where["baidu_cdn_bandwidth"] == [500, 5000, 20_000]


@pytest.mark.parametrize(
    ("by_traffic", "by_peak"),
    [
        ("baidu_cdn_traffic", "baidu_cdn_bandwidth"),
        ("tencent_live_list", "tencent_live_bandwidth"),
        ("tencent_leb_list", "tencent_leb_bandwidth"),
    ],
)
def test_traffic_and_peak_cost_the_same_where_vendors_say(by_traffic: str, by_peak: str) -> None:
    """A day's line is worth its peak's price when about 30 % of it are used: so vendors say."""
    peak_mbps, used_share = 400.0, np.linspace(0.05, 0.6, 56)
    flat = pd.DataFrame({"time_s": np.arange(0.0, 3600, 10)}).assign(
        meter="wire_mbps", path="x", region="cn", value=peak_mbps, unit="Mbps", **{"class": ""}
    )
    fee = invoice(flat, card(by_peak), RATES, EVENING).total
    day_gb = peak_mbps * 86400 / 8e3
    cheaper = [total(by_traffic, ("egress_gb", "", share * day_gb, "GB")) < fee
               for share in used_share]  # fmt: skip
    assert cheaper == sorted(cheaper, reverse=True)
    assert 0.2 < used_share[sum(cheaper)] < 0.35


@pytest.mark.parametrize(
    ("text", "keys"), [("agora_list: {name: Mine}", "agora_list"), ("a: {}\nmine: {}", "a, mine")]
)
def test_a_list_under_another_key_than_its_files_name_is_refused(
    tmp_path: Path, text: str, keys: str
) -> None:
    """It would be merged into the file whose name that is."""
    (tmp_path / "tariff").mkdir()
    (tmp_path / "tariff" / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=f"mine.yaml holds {keys}: .* name, mine"):
        load_scenario(config_dir=tmp_path)


def test_sister_lists_are_of_one_date() -> None:
    """What two files cite of one page they cite of one day: of a list and its revision, the one of
    which all parts were found."""
    dates: dict[str, set[str]] = {}
    for file in [*FILES, *(CONF / "vendors").glob("*.yaml")]:
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
        for source in {**body, **body.get(file.stem, {})}.get("sources", {}).values():
            if source.get("url"):
                dates.setdefault(source["url"], set()).add(str(source.get("as_of")))
    assert len(dates) > 20
    assert {url: days for url, days in dates.items() if len(days) > 1} == {}


def test_agoras_discount_is_5_7_and_10_percent() -> None:
    for name in ("agora_list", "agora_interactive"):
        lines = [line for line in card(name).lines if line.meter == "viewer_minutes"]
        assert len(lines) == 5
        for line in lines:
            first, *others = [tier.price.value for tier in line.tiers]
            assert [round(price / first, 9) for price in others] == [0.95, 0.93, 0.9]
