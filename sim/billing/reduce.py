"""From metered usage to billed quantities: filter, then one number for each billing period."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import fsum

import numpy as np
import pandas as pd

from sim.record import BIN_S
from sim.scenario import ScenarioError
from sim.scenario.tariff import Tariff, TariffLine

DAY_S = 86400.0
SAMPLE_S = 300.0
"""Bandwidth is sampled 288 times a day (Alibaba, Huawei, Tencent; `pricing.md` 2.1)."""

METERS = {
    "viewer_minutes": ("viewer_minutes", "min"),
    "egress_gb": ("egress_gb", "GB"),
    "peak_mbps": ("wire_mbps", "Mbps"),
}
"""A tariff's meter -> the usage it reads and its unit."""

MONTH = "month"
"""The billing period of what is added up over the month."""

_COLUMNS = ("meter", "path", "region", "class", "time_s", "value", "unit")


def metered(usage: pd.DataFrame, line: TariffLine) -> pd.DataFrame:
    """The rows of `Run.usage` this line bills; none is fine.

    ScenarioError: a column is missing, a row has another unit or a value that is no number of 0 or
    more.
    """
    for column in _COLUMNS:
        if column not in usage:
            raise ScenarioError(
                f"usage has no column '{column}', its columns are {', '.join(_COLUMNS)}"
            )
    meter, unit = METERS[line.meter]
    chosen = usage["meter"] == meter
    for column, wanted in line.where.items():
        chosen &= usage[column].isin([wanted] if isinstance(wanted, str) else wanted)
    rows = usage[chosen]
    for found in rows["unit"].unique():
        if found != unit:
            raise ScenarioError(f"usage of {meter} is given in '{found}', it must be in {unit}")
    for wrong in rows["value"][~rows["value"].between(0, float("inf"), inclusive="left")]:
        raise ScenarioError(f"usage of {meter} is {wrong:g}, it must be a number of 0 or more")
    return rows


def reduced(
    rows: pd.DataFrame, line: TariffLine, tariff: Tariff, starts_at: datetime
) -> dict[str, float]:
    """Billing period -> quantity in the meter's unit; the tariff's own GB for egress.

    `sum`: what this night adds to its 'month'. `daily_sum`, `daily_peak`: by calendar day,
    'yyyy-mm-dd', on the wall clock of `starts_at`.
    """
    if line.reduction == "daily_peak":
        return daily_peaks(rows, starts_at, tariff.sample_stat)
    scale = 1e9 / tariff.gb_bytes if line.meter == "egress_gb" else 1.0
    if line.reduction == "sum":
        return {MONTH: fsum(rows["value"]) * scale}
    # What has no time of its own counts on the day the show begins.
    midnight = _midnight(starts_at)
    at = rows["time_s"].astype(float).fillna(0.0) + (starts_at - midnight).total_seconds()
    days = rows["value"].groupby(at // DAY_S).agg(fsum) * scale
    return _dated(days, midnight)


def daily_peaks(rows: pd.DataFrame, starts_at: datetime, stat: str) -> dict[str, float]:
    """Day -> the highest five-minute sample of it, Mbps, on the wall clock of `starts_at`.

    The regions are added instant by instant first: peaks are the account's (`pricing.md` 2.1).
    A sample that begins before the show or ends after it counts the time outside as 0 under `mean`;
    a reading across two samples is split between them. Under `max_of_10s` a reading belongs to
    the sample in which it begins.
    """
    midnight = _midnight(starts_at)
    readings = rows.groupby("time_s")["value"].sum()
    at = readings.index.to_numpy(float) + (starts_at - midnight).total_seconds()
    mbps = readings.to_numpy(float)
    sample = np.floor(at / SAMPLE_S).astype(np.int64)
    late = np.maximum(at + BIN_S - (sample + 1) * SAMPLE_S, 0.0)  # seconds in the next sample
    if stat == "mean":
        value = mbps * (BIN_S - late) / SAMPLE_S
        split = late > 0
        sample = np.concatenate([sample, sample[split] + 1])
        value = np.concatenate([value, (mbps * late / SAMPLE_S)[split]])
        samples = pd.Series(value).groupby(sample).sum()
    else:
        samples = pd.Series(mbps).groupby(sample).max()
    return _dated(samples.groupby(samples.index.to_numpy() * SAMPLE_S // DAY_S).max(), midnight)


def _midnight(starts_at: datetime) -> datetime:
    return starts_at.replace(hour=0, minute=0, second=0, microsecond=0)


def _dated(by_day: pd.Series[float], midnight: datetime) -> dict[str, float]:
    """Quantities by their dates; without usage the first day has 0."""
    found = dict(zip(by_day.index.to_numpy(float), by_day.to_numpy(float), strict=True))
    return {
        (midnight + timedelta(days=day)).date().isoformat(): float(quantity)
        for day, quantity in (found or {0.0: 0.0}).items()
    }
