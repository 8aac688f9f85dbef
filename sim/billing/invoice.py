"""The invoice: meter -> reduction -> rounding -> tiers -> price, line by line.

Money is decimal. A line's amount is rounded to the cent, half up, and so is its amount in CNY,
which is taken from the rounded one; totals are sums of lines and are not rounded again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pandas as pd

from sim.billing.reduce import METERS, metered, reduced
from sim.billing.tiers import Portion, decimal, portions
from sim.scenario import ScenarioError
from sim.scenario.model import Tariff, TariffLine

CENT = Decimal("0.01")
RESOLUTION = Decimal("0.000001")
"""Quantities are read to this: what a double adds up beyond it isn't usage, and mustn't make a
minute of 1.0000000000000002 two."""


@dataclass(frozen=True)
class Line:
    """One tariff line in one billing period."""

    name: str
    period: str
    """'night', or the day of a daily peak."""
    meter: str
    quantity: Decimal
    """As billed: reduced and rounded, in `unit`."""
    unit: str
    portions: tuple[Portion, ...]
    """Tiers applied, in multiples of what one price buys."""
    price_note: str
    """The sum that makes the amount: '10000 x 0.2 + 300 x 0.17 CNY per GB'."""
    amount: Decimal
    currency: str
    amount_cny: Decimal


@dataclass(frozen=True)
class Invoice:
    """What one night costs under one tariff."""

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
        rows = [
            {
                "vendor": vendor,
                "replication": replication,
                "tariff": self.tariff,
                "line": line.name,
                "period": line.period,
                "meter": line.meter,
                "quantity": float(line.quantity),
                "unit": line.unit,
                "price_note": line.price_note,
                "amount": float(line.amount),
                "currency": line.currency,
                "amount_cny": float(line.amount_cny),
            }
            for line in self.lines
        ]
        return pd.DataFrame(rows)


def invoice(
    usage: pd.DataFrame, tariff: Tariff, cny_per: Mapping[str, float], starts_at: datetime
) -> Invoice:
    """Bill `Run.usage`, or a table typed by hand with its columns, already at full size.

    `cny_per`: CNY for one unit of a currency. `starts_at`: the wall clock at time_s 0; days are the
    local ones. A line whose meter has no usage stands there with quantity 0.
    ScenarioError: no exchange rate; a filter, unit, value or reduction that doesn't fit.
    """
    if tariff.currency not in cny_per:
        raise ScenarioError(
            f"tariff '{tariff.name}': no exchange rate for {tariff.currency}, "
            f"there is one for {', '.join(cny_per) or 'no currency'}"
        )
    rate = decimal(cny_per[tariff.currency])
    return Invoice(
        tariff.name,
        tariff.currency,
        tuple(
            _priced(period, quantity, line, tariff, rate)
            for line in tariff.lines
            for period, quantity in reduced(metered(usage, line), line, tariff, starts_at).items()
        ),
    )


def _priced(period: str, metered: float, line: TariffLine, tariff: Tariff, rate: Decimal) -> Line:
    quantity = _rounded(metered, line.rounding)
    cut = portions(quantity / decimal(line.unit), line, tariff)
    amount = _to_cent(sum((units * price for units, price in cut), Decimal(0)))
    unit = METERS[line.meter][1]
    each = unit if line.unit == 1 else f"{_plain(decimal(line.unit))} {unit}"
    sums = " + ".join(f"{_plain(units)} x {_plain(price)}" for units, price in cut)
    return Line(
        name=line.name,
        period=period,
        meter=line.meter,
        quantity=quantity,
        unit=unit,
        portions=cut,
        price_note=f"{sums} {tariff.currency} per {each}",
        amount=amount,
        currency=tariff.currency,
        amount_cny=_to_cent(amount * rate),
    )


def _rounded(quantity: float, rounding: str) -> Decimal:
    exact = decimal(quantity).quantize(RESOLUTION, ROUND_HALF_EVEN)
    return exact.to_integral_value(ROUND_CEILING) if rounding == "ceil" else exact


def _to_cent(money: Decimal) -> Decimal:
    return money.quantize(CENT, ROUND_HALF_UP)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
