"""From what nights use to billed quantities: one number for each billing period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import fsum
from typing import NamedTuple

import numpy as np

from sim.billing.usage import METERS, SAMPLES, Floats, Night, amounts, every_month, samples
from sim.scenario.tariff import Condition, Tariff, TariffLine

MONTH = "month"
"""The billing period of all that isn't by day."""

NIGHT_END = 8 * SAMPLES // 24
"""Half price ends at 08:00 (Alibaba, `month_95_night_half`)."""
TOP = 5
"""Days whose mean is billed; a day's height is its TOP-th sample (Tencent's bandwidth package)."""


class Nights(NamedTuple):
    """Nights that are alike in the billing month."""

    name: str
    """Of their days: '', 'ordinary ', ..."""
    night: Night
    days: Sequence[int]
    """Of the month, 1 the first."""


class Calendar(NamedTuple):
    """The nights of a billing month."""

    days: int
    nights: Sequence[Nights]


class Period(NamedTuple):
    """A quantity to be billed."""

    name: str
    """'month', or the day: 'yyyy-mm-dd', 'ordinary yyyy-mm-dd' for that of an ordinary night."""
    times: int
    """So many periods are alike."""
    quantity: float
    """Of one, in the meter's unit; the tariff's own GB."""
    valid: int = 0
    """Days of the month with usage."""


def reduced(month: Calendar, line: TariffLine, tariff: Tariff) -> list[Period]:
    """The line's quantities. Days are those of the wall clock at which the show begins.

    By day, every night has its days to itself; over the month, nights lie on their days and what
    is used after midnight counts on the next (that of the last day on the first).
    """
    scale = _gb(line.meter, tariff)
    if line.meter == "months":
        return [Period(MONTH, 1, 1.0)]
    used = _used(month, line, tariff)
    if line.by_day:
        return [
            Period(n.name + _date(n.night, day), len(n.days), float(quantity) * scale)
            for n, mine in zip(month.nights, used, strict=True)
            if n.days
            for day, quantity in enumerate(mine.max(axis=1))
        ]
    calendar = _calendar(month, used)
    valid = int((calendar > 0).any(axis=1).sum())
    quantity = _in_month(calendar, valid, line)
    if line.reduction == "sum":
        quantity += every_month(line.meter, line.where, tariff.also, _weights(line))
    return [Period(MONTH, 1, quantity * scale, valid)]


def heights(month: Calendar, condition: Condition, tariff: Tariff) -> dict[str, float]:
    """Period -> what a condition compares."""
    above = _plain(month, condition.meter, condition, tariff)
    if condition.per is None:
        return above
    below = _plain(month, condition.per, condition.model_copy(update={"where": {}}), tariff)
    return {k: v / below[k] if below.get(k) else np.inf if v else 0.0 for k, v in above.items()}


def _plain(month: Calendar, meter: str, condition: Condition, tariff: Tariff) -> dict[str, float]:
    line = TariffLine.model_validate(
        {"name": meter, "meter": meter, "where": condition.where, "semantics": "flat",
         "reduction": condition.reduction, "tiers": [{"price": 0}]}
    )  # fmt: skip
    return {p.name: p.quantity for p in reduced(month, line, tariff)}


def _used(month: Calendar, line: TariffLine, tariff: Tariff) -> list[Floats]:
    """(days, slots) of each kind of night: one slot for what adds up, else five-minute samples."""
    if line.reduction in ("sum", "daily_sum"):
        return [
            amounts(n.night, line.meter, line.where, tariff.also, _weights(line))[:, None]
            for n in month.nights
        ]
    return [
        samples(n.night, line.meter, line.where, tariff.sample_stat).reshape(-1, SAMPLES)
        for n in month.nights
    ]


def _weights(line: TariffLine) -> dict[str, float]:
    return {kind: each.value for kind, each in line.convert.items()}


def _calendar(month: Calendar, used: Sequence[Floats]) -> Floats:
    """(days of the month, slots) everything in its place."""
    slots = used[0].shape[1] if used else 1
    out = np.zeros((month.days, slots))
    for n, mine in zip(month.nights, used, strict=True):
        for day in n.days:
            for after, row in enumerate(mine):
                out[(day - 1 + after) % month.days] += row
    return out


def _in_month(calendar: Floats, valid: int, line: TariffLine) -> float:
    """The month's quantity from all its days."""
    by_day = np.sort(calendar, axis=1)[:, ::-1]  # each day's samples, highest first
    peaks, counted = by_day[:, 0], valid if line.days == "valid" else len(calendar)
    match line.reduction:
        case "sum" | "sum_of_daily_peaks":
            return fsum(peaks)
        case "month_peak":
            return float(peaks.max())
        case "mean_of_daily_peaks":
            return float(peaks.sum()) / max(counted, 1)
        case "fourth_peak":
            whole = {"day": peaks, "sample": calendar.ravel()}
            if line.level == "sample_within_day":
                return float(by_day[:, 3].max())
            return float(np.sort(whole[str(line.level)])[-4])
        case "mean_of_top5":
            return float(np.sort(by_day[:, TOP - 1])[-TOP:].mean())
        case "mean_of_daily_p95":
            return float(by_day[:, SAMPLES // 20].sum()) / max(counted, 1)
        case "p95_night_half":
            weight = np.where(np.arange(SAMPLES) < NIGHT_END, 0.5, 1.0)
            return _p95(calendar * weight, counted)
    return _p95(calendar, counted)


def _p95(calendar: Floats, days: int) -> float:
    """The highest sample once 5 % are dropped: floor(0.05 n) of n = 288 samples a day counted.

    How vendors round isn't documented; this is numpy's `inverted_cdf`. Days without usage have
    only zeros, which rank last whether they are counted in n or not.
    """
    return float(np.sort(calendar, axis=None)[::-1][days * SAMPLES // 20])


def _gb(meter: str, tariff: Tariff) -> float:
    return 1e9 / tariff.gb_bytes if meter in METERS and METERS[meter].unit == "GB" else 1.0


def _date(night: Night, after: int) -> str:
    return (night.starts_at + timedelta(days=after)).date().isoformat()
