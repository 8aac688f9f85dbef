"""What one night uses of a meter: amounts by day, or five-minute samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import fsum
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.record import BIN_S
from sim.scenario import ScenarioError
from sim.scenario.tariff import Also, Where

Floats = NDArray[np.float64]

DAY_S = 86400.0
SAMPLE_S = 300.0
"""Bandwidth is sampled 288 times a day (Alibaba, Huawei, Tencent; `pricing.md` 2.1)."""
SAMPLES = int(DAY_S / SAMPLE_S)


class Meter(NamedTuple):
    """What a tariff's meter reads."""

    usage: str
    unit: str
    grows: Literal["audience", "show", "event"] = "audience"
    """How an ordinary night differs from this one: by its audience; not at all, as its show is as
    long; it has none, as this is the event."""


METERS = {
    "viewer_minutes": Meter("viewer_minutes", "min"),
    "connection_minutes": Meter("connection_minutes", "min"),
    "ghost_minutes": Meter("ghost_minutes", "min", "event"),
    "egress_gb": Meter("egress_gb", "GB"),
    "peak_mbps": Meter("wire_mbps", "Mbps"),
    "joins": Meter("joins", "count"),
    "users": Meter("users", "count"),
    "peak_connections": Meter("peak_connections", "count"),
    "messages": Meter("messages", "count"),
    "node_hours": Meter("node_hours", "h"),
    "storage_gb": Meter("storage_gb", "GB"),
    "ingest_minutes": Meter("ingest_minutes", "min", "show"),
    "ingest_gb": Meter("ingest_gb", "GB", "show"),
    "ingest_mbps": Meter("ingest_mbps", "Mbps", "show"),
    "channels": Meter("channels", "count", "show"),
    "transcode_minutes": Meter("transcode_minutes", "min", "show"),
    "failed_periods": Meter("failed_periods", "count", "event"),
    "events": Meter("events", "count", "event"),
}

_COLUMNS = ("meter", "path", "region", "class", "time_s", "value", "unit")


class Night(NamedTuple):
    """A night as its bill sees it."""

    usage: pd.DataFrame
    starts_at: datetime
    share: float = 1.0
    """Of the usage's audience."""
    event: bool = True
    """This is the night all is about; an ordinary one cuts nobody off and buys no event package."""

    def times(self, meter: str) -> float:
        """What its usage of this meter is of that in the table."""
        return {"audience": self.share, "show": 1.0, "event": float(self.event)}[
            METERS[meter].grows
        ]

    @property
    def since_midnight_s(self) -> float:
        at = self.starts_at
        return (at - at.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()


def amounts(
    night: Night, meter: str, where: Where, also: Iterable[Also], weights: Mapping[str, float]
) -> Floats:
    """(days from the show's own on) the amount of each, in the meter's unit.

    What has no time of its own counts on the day the show begins. `weights`: class -> what one of
    it counts, where not 1.
    """
    own = _chosen(night.usage, meter, where)
    found = [own.assign(value=own["value"] * night.times(meter))]
    found += [_given(night, a, where) for a in also if a.meter == meter and a.of != "months"]
    rows = pd.concat([f for f in found if len(f)] or found[:1])
    each = [weights.get(kind, 1.0) for kind in rows["class"]]
    value = rows["value"].to_numpy(float) * np.array(each, float)
    day = ((rows["time_s"].fillna(0.0) + night.since_midnight_s) // DAY_S).to_numpy(int)
    return np.array([fsum(value[day == d]) for d in range(day.max(initial=0) + 1)])


def _given(night: Night, also: Also, where: Where) -> pd.DataFrame:
    """What the tariff says comes with the night's usage, where that was and of its own class."""
    rows = _chosen(night.usage, also.of, also.where)
    rows = rows[_is(rows, {k: v for k, v in where.items() if k != "class"})]
    rows = rows.assign(**{"class": also.of_class})
    rows["value"] = rows["value"] * (night.times(also.of) * also.times.value)
    return rows[_is(rows, {k: v for k, v in where.items() if k == "class"})]


def samples(night: Night, meter: str, where: Where, stat: str) -> Floats:
    """Five-minute samples (whole days) from the midnight before the show, on its wall clock.

    The regions are added instant by instant first: peaks are the account's (`pricing.md` 2.1).
    A sample that begins before the show or ends after it counts the time outside as 0 under `mean`;
    a reading across two samples is split between them. Under `max_of_10s`, and where things are
    counted, a reading belongs to the sample in which it begins. What has no time of its own is the
    height of its night, in the sample in which the show begins.
    """
    readings = _chosen(night.usage, meter, where).groupby("time_s", dropna=False)["value"].sum()
    time_s = readings.index.to_numpy(float)
    at = np.nan_to_num(time_s) + night.since_midnight_s
    value = readings.to_numpy(float) * night.times(meter)
    sample = np.floor(at / SAMPLE_S).astype(np.int64)
    spread = ~np.isnan(time_s) & (stat == "mean" and METERS[meter].unit == "Mbps")
    late_s = np.where(spread, np.maximum(at + BIN_S - (sample + 1) * SAMPLE_S, 0.0), 0.0)
    last = (sample + (late_s > 0)).max(initial=0)
    out = np.zeros((last // SAMPLES + 1) * SAMPLES)
    np.maximum.at(out, sample[~spread], value[~spread])
    for k, seconds in ((0, BIN_S - late_s), (1, late_s)):  # the rest falls in the next sample
        some = spread & (seconds > 0)
        np.add.at(out, sample[some] + k, (value * seconds / SAMPLE_S)[some])
    return out


def _chosen(usage: pd.DataFrame, meter: str, where: Where) -> pd.DataFrame:
    """The rows of the meter that this line bills; none is fine.

    ScenarioError: a column is missing, a row has another unit or a value that is no number of 0 or
    more.
    """
    for column in _COLUMNS:
        if column not in usage:
            raise ScenarioError(
                f"usage has no column '{column}', its columns are {', '.join(_COLUMNS)}"
            )
    name, unit, _ = METERS[meter]
    rows = usage[usage["meter"] == name]
    rows = rows[_is(rows, where)]
    for found in rows["unit"].unique():
        if found != unit:
            raise ScenarioError(f"usage of {name} is given in '{found}', it must be in {unit}")
    for wrong in rows["value"][~rows["value"].between(0, float("inf"), inclusive="left")]:
        raise ScenarioError(f"usage of {name} is {wrong:g}, it must be a number of 0 or more")
    return rows.astype({"time_s": float, "value": float})


def _is(rows: pd.DataFrame, where: Where) -> pd.Series[bool]:
    chosen = pd.Series(True, rows.index)
    for column, wanted in where.items():
        chosen &= rows[column].isin([wanted] if isinstance(wanted, str) else wanted)
    return chosen
