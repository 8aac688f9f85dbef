"""The bills of a vendor, line by line, list by list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from sim.catalogue.language import NOISE
from sim.report.view import View
from sim.scenario.tariff import Tariff


@dataclass(frozen=True)
class Billed:
    """What the night adds to the month under one tariff."""

    tariff: str
    lines: list[tuple[str, str, str]]
    """Line, quantity, CNY."""
    total: str
    fixed: list[tuple[str, str]]
    """Line, CNY: what a month without any show costs too, and so is in no night's bill."""
    falls: list[str]
    """Where more costs less: all-units tiers, sold so and kept so."""


def bills(view: View, vendor: str) -> Iterator[Billed]:
    """Lines, quantities and amounts as means over the nights, list by list with its add-ons."""
    rows = view.table("invoice", vendor=vendor)
    if rows.empty:
        return
    if "peak_viewers" in rows:
        rows = rows[rows["peak_viewers"] == view.peak]
    nights = max(1, rows["replication"].nunique())
    # Ordinary days stand in the month with the night and in that without it.
    rows = rows[~rows["period"].str.startswith("ordinary")]
    profile = view.profile(vendor)
    lists = {t.name: t for t in profile.tariffs.values()} if profile is not None else {}
    add_ons = rows["tariff"].isin([name for name, t in lists.items() if t.beside])
    beside = rows[add_ons]
    named = zip(beside["tariff"], beside["line"], strict=True)
    lines = [view.words("bill-beside", tariff=str(t), line=str(one)) for t, one in named]
    beside = beside.assign(line=pd.Series(lines, beside.index, dtype=object))
    for tariff, own in rows[~add_ons].groupby("tariff", sort=False):
        falls = list(_falls(view, lists[str(tariff)], own)) if tariff in lists else []
        yield _billed(view, vendor, str(tariff), pd.concat([own, beside]), nights, falls)


def _billed(
    view: View, vendor: str, tariff: str, rows: pd.DataFrame, nights: int, falls: list[str]
) -> Billed:
    say, missing = view.words, view.unbilled(vendor)
    lines = [
        (
            str(line)
            if period == "month"
            else say("bill-line", line=str(line), period=str(period)),
            _quantity(view, some, nights, str(unit)),
            float(some["amount_cny"].sum() / nights),
        )
        for (line, period, unit), some in rows.groupby(["line", "period", "unit"], sort=False)
    ]
    fixed = rows[rows["month"] == "with"].groupby("line", sort=False)["fixed_cny"].sum() / nights
    return Billed(
        say("without", what=tariff, missing=missing) if missing else tariff,
        [(line, much, say.amount(cny)) for line, much, cny in lines if abs(cny) >= 0.005],
        say.amount(sum(cny for _, _, cny in lines)),
        [(str(line), say.amount(cny)) for line, cny in fixed.items() if abs(cny) >= 0.005],
        falls,
    )


def _quantity(view: View, rows: pd.DataFrame, nights: int, unit: str) -> str:
    """What the night adds; where it adds none and costs all the same, as of a level that is paid by
    its share of days, what the month has."""
    say = view.words
    added = float(rows["quantity"].sum()) / nights
    if abs(added) > NOISE or abs(rows["amount_cny"].sum()) < 0.005:
        return say("bill-quantity", number=say.number(added, 4), unit=say.named("unit", unit))
    whole = float(rows.loc[rows["month"] == "with", "quantity"].sum()) / nights
    return say("bill-quantity-of-month", number=say.number(whole, 4), unit=say.named("unit", unit))


NEAR = (0.5, 2.0)
"""Where more costs less is told from so many times to so many times what is used."""


def _falls(view: View, tariff: Tariff, rows: pd.DataFrame) -> Iterator[str]:
    """`rows`: the list's lines; a fall matters near what the night or the month uses."""
    low, high = NEAR
    say = view.words
    for fall in tariff.falls():
        mine = rows[(rows["line"] == fall.line) & (rows["month"] == "with")]
        times = mine["quantity"].astype(float) / float(fall.at)
        if mine.empty or not times.between(low, high).any():
            continue
        yield say(
            "bill-fall",
            line=fall.line,
            quantity=say.exact(float(fall.at)),
            unit=say.named("unit", str(mine["unit"].iloc[0])),
            after=say.amount(float(fall.after)),
            before=say.amount(float(fall.before)),
            currency=tariff.currency,
        )
