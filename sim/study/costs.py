"""What every plan costs as the audience grows, and where one becomes cheaper than another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.billing import Bill, night_in_month
from sim.billing.usage import METERS
from sim.scenario.model import Commerce
from sim.scenario.tariff import Tariff
from sim.study.interval import summarise

PLAN = ["vendor", "tariff"]


class Plan(NamedTuple):
    """The bill under a list, and the bills of all that is bought beside it; CNY."""

    bill: Bill
    beside: Sequence[Bill]

    @property
    def cost_cny(self) -> float:
        """What the night adds."""
        return float(sum(bill.marginal_cny for bill in (self.bill, *self.beside)))

    @property
    def month_cny(self) -> float:
        """The whole month, the night in it."""
        return float(sum(bill.month_cny for bill in (self.bill, *self.beside)))

    @property
    def fixed_cny(self) -> float:
        """A month without any show."""
        return float(sum(bill.fixed_cny for bill in (self.bill, *self.beside)))

    @property
    def by_line_cny(self) -> dict[str, float]:
        """What the night adds to each line; those of a list beside carry its name."""
        own = {line: float(cny) for line, cny in self.bill.by_line_cny.items()}
        return own | {
            f"{bill.month.tariff}: {line}": float(cny)
            for bill in self.beside
            for line, cny in bill.by_line_cny.items()
        }


CROSSED = ("cost_cny", "cost_month_cny", "cost_and_lost_margin_cny")
"""Figures whose crossings are named."""

TENFOLD = 10.0


def of_plans(
    plans: Sequence[Plan],
    tenfold: Sequence[tuple[float, float]],
    hours: float,
    orders: float,
    lost_margin_cny: float,
) -> Iterator[tuple[str, str, float]]:
    """tariff, metric, value of one night under each list of a vendor, add-ons in it.

    `tenfold`: by list what a month costs now and with ten times the audience, CNY. Marginal bill,
    month, month without any show, marginal bill for each viewer hour and order, bill and lost
    margin, CNY.
    """
    for plan, (now, then) in zip(plans, tenfold, strict=True):
        night, name = plan.cost_cny, plan.bill.month.tariff
        yield name, "cost_cny", night
        yield name, "cost_month_cny", plan.month_cny
        yield name, "cost_fixed_cny", plan.fixed_cny
        yield name, "cost_per_viewer_hour_cny", _each(night, hours)
        yield name, "cost_per_order_cny", _each(night, orders)
        yield name, "cost_and_lost_margin_cny", night + lost_margin_cny
        yield name, "cost_month_tenfold_cny", then
        yield name, "cost_growth_tenfold", _each(then, now)


def with_servers(asked: pd.DataFrame, had: pd.DataFrame) -> pd.DataFrame:
    """The usage `asked` of a night without limits, and so without a fleet, with servers for it.

    Of those the night `had`, as many more as its peak of connections is higher, path by path.
    """
    hours = had[had["meter"] == "node_hours"]
    if hours.empty or asked is had:
        return asked
    most, there = (
        usage[usage["meter"] == "peak_connections"].groupby("path")["value"].sum()
        for usage in (asked, had)
    )
    times = (most / there.where(there > 0)).fillna(1.0)
    return pd.concat([asked, hours.assign(value=hours["value"] * hours["path"].map(times))])


def grown_tenfold(
    asked: pd.DataFrame, tariffs: Sequence[Tariff], shop: Commerce, starts_at: datetime
) -> tuple[float, float]:
    """What a month costs now and with ten times the audience, CNY: a list and those beside it.

    `asked`: what this night would use with no limit in the way; every night grows with it. What
    the show uses whatever its audience stays.
    """
    crowd = {meter.usage for meter in METERS.values() if meter.grows == "audience"}
    grows = asked["meter"].isin(crowd)
    now, then = (
        float(
            sum(
                night_in_month(
                    asked.assign(value=asked["value"].where(~grows, asked["value"] * times)),
                    tariff, shop.cny_per, starts_at, shop.month,
                ).month_cny
                for tariff in tariffs
            )
        )
        for times in (1.0, TENFOLD)
    )  # fmt: skip
    return now, then


def curves(costs: pd.DataFrame) -> pd.DataFrame:
    """vendor, tariff, peak_viewers, metric, unit, mean, ci_low, ci_high, n: over the nights."""
    keys = [*PLAN, "peak_viewers"]
    return summarise(costs).sort_values([*keys, "metric"], kind="stable", ignore_index=True)


def crossings(costs: pd.DataFrame) -> pd.DataFrame:
    """metric, peak_viewers, and the plan that is cheaper below it and the one above it.

    `costs`: as `curves` gives them. Every pair of plans, on straight lines between the means of the
    points: where two lines cross strictly, not where they touch. None is looked for beyond the
    points.
    """
    columns = ["metric", "peak_viewers", "below_vendor", "below_tariff",
               "above_vendor", "above_tariff"]  # fmt: skip
    rows = []
    for metric in CROSSED:
        wide = costs[costs["metric"] == metric].pivot_table(
            index="peak_viewers", columns=PLAN, values="mean"
        )
        peaks = wide.index.to_numpy(np.float64)
        for one, other in combinations(list(wide.columns), 2):
            gap = (wide[one] - wide[other]).to_numpy(np.float64)
            for at, rising in changes_of_sign(peaks, gap):
                below, above = (one, other) if rising else (other, one)
                rows.append((metric, at, *below, *above))
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values(columns, kind="stable", ignore_index=True)


def changes_of_sign(x: NDArray[np.float64], y: NDArray[np.float64]) -> Iterator[tuple[float, bool]]:
    """Where straight lines through the points pass 0, and whether upwards; nan is left out."""
    known = np.flatnonzero(np.isfinite(y) & (y != 0))
    for a, b in pairwise(known):
        if (y[a] < 0) == (y[b] < 0):
            continue
        between = np.arange(a + 1, b)
        if zero := [k for k in between if y[k] == 0]:  # it passes through a point
            yield float(x[zero[0]]), bool(y[b] > 0)
        else:
            yield float(x[a] + (x[b] - x[a]) * y[a] / (y[a] - y[b])), bool(y[b] > 0)


def _each(cny: float, of: float) -> float:
    return cny / of if of else float("nan")
