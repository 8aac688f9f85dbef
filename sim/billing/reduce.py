"""From metered usage to billed quantities: filter, then one number for each billing period."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import fsum

import numpy as np
import pandas as pd

from sim.record import BIN_S
from sim.scenario import ScenarioError
from sim.scenario.model import Tariff, TariffLine

SAMPLE_S = 300.0
"""Bandwidth is sampled 288 times a day (Alibaba, Huawei, Tencent; `pricing.md` 2.1)."""

METERS = {
    "viewer_minutes": ("viewer_minutes", "min"),
    "egress_gb": ("egress_gb", "GB"),
    "peak_mbps": ("wire_mbps", "Mbps"),
}
"""A tariff's meter -> the usage it reads and its unit."""

_COLUMNS = ("meter", "region", "class", "time_s", "value", "unit")
_FILTERS = ("region", "class")


def metered(usage: pd.DataFrame, line: TariffLine) -> pd.DataFrame:
    """The rows of `Run.usage` this line bills; none is fine.

    ScenarioError: a column is missing, the line filters by another, a row has another unit or a
    value that is no number of 0 or more.
    """
    for column in _COLUMNS:
        if column not in usage:
            raise ScenarioError(
                f"usage has no column '{column}', its columns are {', '.join(_COLUMNS)}"
            )
    meter, unit = METERS[line.meter]
    chosen = usage["meter"] == meter
    for column, wanted in line.where.items():
        if column not in _FILTERS:
            raise ScenarioError(
                f"line '{line.name}': where names '{column}', usage is filtered by "
                f"{' or '.join(_FILTERS)}"
            )
        chosen &= usage[column] == wanted
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

    `sum`: all of it in one period, 'night'. `daily_peak`: one period a calendar day, 'yyyy-mm-dd'.
    ScenarioError: a reduction that doesn't fit the meter.
    """
    if (line.reduction == "daily_peak") != (line.meter == "peak_mbps"):
        raise ScenarioError(
            f"line '{line.name}': reduction {line.reduction} doesn't fit meter {line.meter}; "
            "daily_peak belongs to peak_mbps, sum to the others"
        )
    if line.reduction == "daily_peak":
        return daily_peaks(rows, starts_at, tariff.sample_stat)
    total = fsum(rows["value"])
    return {"night": total * 1e9 / tariff.gb_bytes if line.meter == "egress_gb" else total}


def daily_peaks(rows: pd.DataFrame, starts_at: datetime, stat: str) -> dict[str, float]:
    """Day -> the highest five-minute sample of it, Mbps, on the wall clock of `starts_at`.

    The regions are added instant by instant first: peaks are the account's (`pricing.md` 2.1).
    A sample that begins before the show or ends after it counts the time outside as 0 under `mean`;
    a reading across two samples is split between them. Under `max_of_10s` a reading belongs to
    the sample in which it begins.
    """
    midnight = starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
    if rows.empty:
        return {midnight.date().isoformat(): 0.0}
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
    peaks = samples.groupby(samples.index.to_numpy() * SAMPLE_S // 86400).max()
    days = [(midnight + timedelta(days=float(day))).date().isoformat() for day in peaks.index]
    return dict(zip(days, peaks.tolist(), strict=True))
