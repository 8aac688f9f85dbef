"""The bill: meter -> reduction -> rounding -> tiers -> price, line by line and period by period.

Money is decimal. What one billing period of a line comes to is rounded to the cent, half up, and
so is its amount in CNY, which is taken from the rounded one; all else is sums and differences of
these and is not rounded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import pandas as pd

from sim.billing.reduce import METERS, MONTH, metered, reduced
from sim.billing.tiers import Portion, decimal, portions
from sim.scenario import ScenarioError
from sim.scenario.model import Month
from sim.scenario.tariff import Tariff, TariffLine

CENT = Decimal("0.01")
RESOLUTION = Decimal("0.000001")
"""Quantities are read to this: what a double adds up beyond it isn't usage, and mustn't make a
minute of 1.0000000000000002 two."""


class Nights(NamedTuple):
    """Nights of one size in the billing month."""

    name: str
    number: int
    share: float
    """Their usage, as a share of this night's."""


THIS_NIGHT = Nights("", 1, 1.0)


@dataclass(frozen=True)
class Line:
    """One tariff line in one billing period, or in several days that are alike."""

    name: str
    period: str
    """'month', or the day: 'yyyy-mm-dd', 'ordinary yyyy-mm-dd' for that of an ordinary night."""
    times: int
    """So many periods."""
    meter: str
    quantity: Decimal
    """Of one period, as billed: reduced and rounded, in `unit`."""
    unit: str
    portions: tuple[Portion, ...]
    """Tiers applied in one period, in multiples of what one price buys."""
    price_note: str
    """The sum that makes the amount: '10000 x 0.2 + 300 x 0.17 CNY per GB'."""
    amount: Decimal
    """Of all its periods."""
    currency: str
    amount_cny: Decimal


@dataclass(frozen=True)
class Invoice:
    """What a month, or one night alone, costs under one tariff."""

    tariff: str
    currency: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """In the tariff's currency: the sum of the lines."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def total_cny(self) -> Decimal:
        """The sum of the lines in CNY."""
        return sum((line.amount_cny for line in self.lines), Decimal(0))

    def frame(self, vendor: str, replication: int) -> pd.DataFrame:
        """Rows of invoice.csv, a line each; numbers as doubles that print as these decimals."""
        return pd.DataFrame(list(self._rows(vendor, replication)))

    def _rows(self, vendor: str, replication: int, sign: int = 1) -> list[dict[str, Any]]:
        return [
            {
                "vendor": vendor,
                "replication": replication,
                "tariff": self.tariff,
                "line": line.name,
                "period": line.period,
                "meter": line.meter,
                "quantity": sign * float(line.quantity) or 0.0,  # never -0.0
                "unit": line.unit,
                "price_note": line.price_note,
                "amount": sign * float(line.amount) or 0.0,
                "currency": line.currency,
                "amount_cny": sign * float(line.amount_cny) or 0.0,
            }
            for line in self.lines
        ]


@dataclass(frozen=True)
class Bill:
    """What a night costs in its month: the invoice with it, less the one without it."""

    month: Invoice
    without: Invoice

    @property
    def marginal_cny(self) -> Decimal:
        """What the night adds; below 0 where it lifts the month to a tier that is cheaper."""
        return self.month.total_cny - self.without.total_cny

    @property
    def month_cny(self) -> Decimal:
        """The whole month, the night in it."""
        return self.month.total_cny

    @property
    def by_line_cny(self) -> dict[str, Decimal]:
        """Line -> what the night adds to it; their sum is `marginal_cny`."""
        added = {line.name: Decimal(0) for line in self.month.lines}
        for line in self.month.lines:
            added[line.name] += line.amount_cny
        for line in self.without.lines:
            added[line.name] -= line.amount_cny
        return added

    def frame(self, vendor: str, replication: int) -> pd.DataFrame:
        """Rows of invoice.csv: `month` 'with' the night, and 'without' it, with minus signs.

        So the rows 'with' add up to the month, and all of them to what the night adds.
        """
        rows = [r | {"month": "with"} for r in self.month._rows(vendor, replication)]
        rows += [r | {"month": "without"} for r in self.without._rows(vendor, replication, -1)]
        return pd.DataFrame(rows)


def invoice(
    usage: pd.DataFrame, tariff: Tariff, cny_per: Mapping[str, float], starts_at: datetime
) -> Invoice:
    """Bill `Run.usage`, or a table typed by hand with its columns, as if nothing else were used.

    `usage` is at full size. `cny_per`: CNY for one unit of a currency. `starts_at`: the wall clock
    at time_s 0; days are the local ones. A line whose meter has no usage stands there with
    quantity 0.
    ScenarioError: no exchange rate; a usage table without a column, or with a unit or value that
    doesn't fit.
    """
    return _invoices(usage, tariff, cny_per, starts_at, [[THIS_NIGHT]])[0]


def night_in_month(
    usage: pd.DataFrame,
    tariff: Tariff,
    cny_per: Mapping[str, float],
    starts_at: datetime,
    month: Month,
) -> Bill:
    """Bill the night as `invoice` does, in a month that has ordinary nights too.

    An ordinary night uses `ordinary_share` of everything this one does, at the same hour. Every
    night has its days to itself, the day after midnight included.
    ScenarioError: as `invoice`.
    """
    ordinary = Nights("ordinary ", month.ordinary_nights, month.ordinary_share.value)
    return Bill(*_invoices(usage, tariff, cny_per, starts_at, [[THIS_NIGHT, ordinary], [ordinary]]))


def _invoices(
    usage: pd.DataFrame,
    tariff: Tariff,
    cny_per: Mapping[str, float],
    starts_at: datetime,
    months: Sequence[Sequence[Nights]],
) -> list[Invoice]:
    """One invoice for each of the months."""
    if tariff.currency not in cny_per:
        raise ScenarioError(
            f"tariff '{tariff.name}': no exchange rate for {tariff.currency}, "
            f"there is one for {', '.join(cny_per) or 'no currency'}"
        )
    rate = decimal(cny_per[tariff.currency])
    used = [(line, reduced(metered(usage, line), line, tariff, starts_at)) for line in tariff.lines]
    return [
        Invoice(
            tariff.name,
            tariff.currency,
            tuple(
                _priced(period, times, quantity, line, tariff, rate)
                for line, night in used
                for period, times, quantity in _periods(night, month)
            ),
        )
        for month in months
    ]


def _periods(night: dict[str, float], month: Sequence[Nights]) -> list[tuple[str, int, float]]:
    """Billing periods of a month, how many are alike, and the quantity of one.

    A sum or a peak grows in proportion with usage: one night's is enough to know them all.
    """
    if MONTH in night:
        return [(MONTH, 1, night[MONTH] * sum(n.number * n.share for n in month))]
    return [
        (n.name + day, n.number, quantity * n.share)
        for n in month
        if n.number
        for day, quantity in night.items()
    ]


def _priced(
    period: str, times: int, metered: float, line: TariffLine, tariff: Tariff, rate: Decimal
) -> Line:
    quantity = _rounded(metered, line.rounding)
    cut = portions(quantity / decimal(line.unit), line, tariff)
    amount = _to_cent(sum((units * price for units, price in cut), Decimal(0)))
    unit = METERS[line.meter][1]
    each = unit if line.unit == 1 else f"{_plain(decimal(line.unit))} {unit}"
    sums = " + ".join(f"{_plain(units)} x {_plain(price)}" for units, price in cut)
    return Line(
        name=line.name,
        period=period,
        times=times,
        meter=line.meter,
        quantity=quantity,
        unit=unit,
        portions=cut,
        price_note=f"{sums if times == 1 else f'{times} x ({sums})'} {tariff.currency} per {each}",
        amount=times * amount,
        currency=tariff.currency,
        amount_cny=times * _to_cent(amount * rate),
    )


def _rounded(quantity: float, rounding: str) -> Decimal:
    exact = decimal(quantity).quantize(RESOLUTION, ROUND_HALF_EVEN)
    return exact.to_integral_value(ROUND_CEILING) if rounding == "ceil" else exact


def _to_cent(money: Decimal) -> Decimal:
    return money.quantize(CENT, ROUND_HALF_UP)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
