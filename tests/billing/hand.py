"""Usage and tariffs typed by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from sim.billing import Bill, Invoice, invoice, night_in_month
from sim.scenario.calendar import Month
from sim.scenario.tariff import Tariff

EVENING = datetime(2026, 11, 10, 20, 0)
RATES = {"CNY": 1.0, "USD": 7.1}

Tiers = list[tuple[float | None, float]]


def tariff(tiers: Tiers, meter: str = "egress_gb", currency: str = "CNY", **more: Any) -> Tariff:
    """One line; what is not of the line belongs to the tariff."""
    whole = {k: more.pop(k) for k in ("gb_bytes", "sample_stat", "boundary") if k in more}
    line = {
        "name": "the line",
        "meter": meter,
        "reduction": "daily_peak" if meter == "peak_mbps" else "sum",
        "semantics": "graduated",
        "tiers": [{"up_to": up_to, "price": price} for up_to, price in tiers],
        **more,
    }
    return Tariff.model_validate({"name": "hand", "currency": currency, "lines": [line], **whole})


def usage(*rows: tuple[str, str, str, str, float, float, str]) -> pd.DataFrame:
    return pd.DataFrame(
        rows, columns=["meter", "path", "region", "class", "time_s", "value", "unit"]
    )


def gb(*amounts: float) -> pd.DataFrame:
    return usage(*[("egress_gb", "rtc", "cn", "", np.nan, a, "GB") for a in amounts])


def minutes(**classes: float) -> pd.DataFrame:
    return usage(
        *[("viewer_minutes", "rtc", "cn", c, np.nan, v, "min") for c, v in classes.items()]
    )


def used(meter: str, value: float, unit: str, kind: str = "", region: str = "cn") -> pd.DataFrame:
    """One row without a time."""
    return usage((meter, "rtc", region, kind, np.nan, value, unit))


def mbps(*levels: tuple[float, float, float], region: str = "cn") -> pd.DataFrame:
    """Ten-second readings: (from_s, to_s, Mbps)."""
    return usage(
        *[
            ("wire_mbps", "rtc", region, "", float(t), level, "Mbps")
            for start, end, level in levels
            for t in np.arange(start, end, 10)
        ]
    )


def bill(table: pd.DataFrame, price_list: Tariff, starts_at: datetime = EVENING) -> Invoice:
    return invoice(table, price_list, RATES, starts_at)


def total(table: pd.DataFrame, price_list: Tariff, starts_at: datetime = EVENING) -> Decimal:
    return bill(table, price_list, starts_at).total


def month(ordinary_nights: int, ordinary_share: float) -> Month:
    return Month.model_validate(
        {"days": 31, "ordinary_nights": ordinary_nights, "ordinary_share": ordinary_share}
    )


def in_month(
    table: pd.DataFrame, price_list: Tariff, rest: Month, starts_at: datetime = EVENING
) -> Bill:
    return night_in_month(table, price_list, RATES, starts_at, rest)
