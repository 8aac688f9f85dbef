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
Texts = NDArray[np.object_]

DAY_S = 86400.0
SAMPLE_S = 300.0
"""Bandwidth is sampled 288 times a day (Alibaba, Huawei, Tencent)."""
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
    "user_minutes": Meter("user_minutes", "min"),
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
    "recording_minutes": Meter("recording_minutes", "min", "show"),
    "recordings": Meter("recordings", "count", "show"),
    "failed_periods": Meter("failed_periods", "count", "event"),
    "events": Meter("events", "count", "event"),
}

_COLUMNS = ("path", "region", "class", "time_s", "value", "unit")


class Rows(NamedTuple):
    """Usage of one meter, column by column."""

    path: Texts
    region: Texts
    kind: Texts
    """The class."""
    time_s: Floats
    value: Floats

    def of(self, where: Where) -> Rows:
        """Those of this path, region and class."""
        chosen = np.ones(len(self.value), bool)
        for column, wanted in where.items():
            mine = getattr(self, "kind" if column == "class" else column)
            chosen &= np.isin(mine, [wanted] if isinstance(wanted, str) else wanted)
        return Rows._make(column[chosen] for column in self)


Usage = Mapping[str, Rows]
"""By meter of the usage table."""


def read(usage: pd.DataFrame) -> Usage:
    """`Run.usage`, or a table typed by hand with its columns.

    ScenarioError: a column is missing, a row has another unit than its meter's, or a value that is
    no number of 0 or more.
    """
    for column in ("meter", *_COLUMNS):
        if column not in usage:
            raise ScenarioError(
                f"usage has no column '{column}', its columns are meter, {', '.join(_COLUMNS)}"
            )
    units = {meter.usage: meter.unit for meter in METERS.values()}
    meters = usage["meter"].to_numpy(object)
    columns = {column: usage[column].to_numpy() for column in _COLUMNS}
    out = {}
    for name in sorted(units.keys() & set(meters)):
        mine = {column: values[meters == name] for column, values in columns.items()}
        for found in set(mine["unit"]) - {units[name]}:
            raise ScenarioError(
                f"usage of {name} is given in '{found}', it must be in {units[name]}"
            )
        value = mine["value"].astype(float)
        for wrong in value[~((value >= 0) & (value < np.inf))]:
            raise ScenarioError(f"usage of {name} is {wrong:g}, it must be a number of 0 or more")
        path, region, kind = (mine[k].astype(object) for k in ("path", "region", "class"))
        out[name] = Rows(path, region, kind, mine["time_s"].astype(float), value)
    return out


def _none() -> Rows:
    text, number = np.empty(0, object), np.empty(0)
    return Rows(text, text, text, number, number)


class Night(NamedTuple):
    """A night as its bill sees it."""

    usage: Usage
    starts_at: datetime
    share: float = 1.0
    """Of the usage's audience."""
    event: bool = True
    """This is the night all is about; an ordinary one cuts nobody off and buys no event package."""

    def used(self, meter: str, where: Where) -> Rows:
        """Its usage of this meter."""
        grows = METERS[meter].grows
        times = {"audience": self.share, "show": 1.0, "event": float(self.event)}[grows]
        rows = (self.usage.get(METERS[meter].usage) or _none()).of(where)
        return rows._replace(value=rows.value * times)

    @property
    def since_midnight_s(self) -> float:
        """Seconds from the midnight before the show, by its own clock, to its beginning."""
        at = self.starts_at
        return (at - at.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()


def amounts(
    night: Night, meter: str, where: Where, also: Iterable[Also], weights: Mapping[str, float]
) -> Floats:
    """(days from the show's own on) the amount of each, in the meter's unit.

    What has no time of its own counts on the day the show begins. `weights`: class -> what one of
    it counts, where not 1.
    """
    some = [night.used(meter, where)]
    some += [_given(night, a).of(where) for a in also if a.meter == meter and a.of != "months"]
    value = np.concatenate([_weighed(rows, weights) for rows in some])
    at = np.nan_to_num(np.concatenate([rows.time_s for rows in some])) + night.since_midnight_s
    day = (at // DAY_S).astype(int)
    return np.array([fsum(value[day == d]) for d in range(day.max(initial=0) + 1)])


def _given(night: Night, also: Also) -> Rows:
    """What the tariff says comes with the night's usage, where and when that was."""
    rows = night.used(also.of, also.where)
    kind = np.full(len(rows.value), also.of_class, object)
    return rows._replace(kind=kind, value=rows.value * also.times.value)


def every_month(
    meter: str, where: Where, also: Iterable[Also], weights: Mapping[str, float]
) -> float:
    """What the tariff says is used in a month whatever its nights, on no path and in no region."""
    mine = [a for a in also if a.meter == meter and a.of == "months"]
    kind = np.array([a.of_class for a in mine], object)
    nowhere, times = np.full(len(mine), "", object), np.array([a.times.value for a in mine])
    rows = Rows(nowhere, nowhere, kind, np.zeros(len(mine)), times).of(where)
    return fsum(_weighed(rows, weights))


def _weighed(rows: Rows, weights: Mapping[str, float]) -> Floats:
    each: Floats = np.array([weights.get(kind, 1.0) for kind in rows.kind], float)
    return rows.value * each


def samples(night: Night, meter: str, where: Where, stat: str) -> Floats:
    """Five-minute samples (whole days) from the midnight before the show, on its wall clock.

    The regions are added instant by instant first: peaks are the account's (Baidu, Huawei).
    A sample that begins before the show or ends after it counts the time outside as 0 under `mean`;
    a reading across two samples is split between them. Under `max_of_10s`, and where things are
    counted, a reading belongs to the sample in which it begins. What has no time of its own is the
    height of its night, in the sample in which the show begins.
    """
    rows = night.used(meter, where)
    time_s, of = np.unique(rows.time_s, return_inverse=True)  # one nan for all
    value = np.bincount(of, rows.value, len(time_s))
    at = np.nan_to_num(time_s) + night.since_midnight_s
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
