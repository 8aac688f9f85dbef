"""The bill: meter -> reduction -> rounding -> tiers -> price, line by line and period by period.

Money is decimal. What one billing period of a line comes to is rounded to the cent, half up, and
so is its amount in CNY, which is taken from the rounded one; all else is sums and differences of
these and is not rounded again.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from operator import itemgetter
from typing import Any

import pandas as pd

from sim.billing.reduce import MONTH, Calendar, Nights, Period, heights, reduced
from sim.billing.tiers import RESOLUTION, Portion, portions
from sim.billing.usage import METERS, Night, read
from sim.scenario import ScenarioError
from sim.scenario.calendar import Month
from sim.scenario.tariff import Tariff, TariffLine, decimal

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    """One tariff line in one billing period, or in several days that are alike."""

    name: str
    period: str
    """'month', or the day: 'yyyy-mm-dd', 'ordinary yyyy-mm-dd' for that of an ordinary night."""
    times: int
    """So many periods."""
    meter: str
    reduction: str
    quantity: Decimal
    """Of one period: reduced and rounded, in `unit`; what is included or committed comes after."""
    unit: str
    portions: tuple[Portion, ...]
    """Tiers applied in one period, in multiples of what one price buys."""
    price_note: str
    """The sum that makes the amount: '10000 x 0.2 + 300 x 0.17 CNY per GB'."""
    amount: Decimal
    """Of all its periods; below 0 for a credit."""
    currency: str
    amount_cny: Decimal
    either: str = ""
    """The lines of which only the dearest is charged."""


@dataclass(frozen=True)
class Invoice:
    """What a month, or one night alone, costs under one tariff."""

    tariff: str
    currency: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """In the tariff's currency: the sum of the lines."""
        return _sum(self.lines)

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
                "reduction": line.reduction,
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
    fixed: Invoice
    """A month without any show: fees, least amounts, commitments."""

    @property
    def marginal_cny(self) -> Decimal:
        """What the night adds; below 0 where it lifts the month to a tier that is cheaper."""
        return self.month.total_cny - self.without.total_cny

    @property
    def month_cny(self) -> Decimal:
        """The whole month, the night in it."""
        return self.month.total_cny

    @property
    def fixed_cny(self) -> Decimal:
        """What is due for a month in which nothing is shown."""
        return self.fixed.total_cny

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

        So the rows 'with' add up to the month, and all of them to what the night adds. `fixed_cny`:
        of the row's amount so much is due in a month without any show too.
        """
        rows = []
        for month, of, sign in (("with", self.month, 1), ("without", self.without, -1)):
            fixed = iter(self.fixed.lines)  # each line by the month, in the order of the list
            for row in of._rows(vendor, replication, sign):
                due = float(next(fixed).amount_cny) if row["period"] == MONTH else 0.0
                rows.append(row | {"fixed_cny": sign * due or 0.0, "month": month})
        return pd.DataFrame(rows)


def invoice(
    usage: pd.DataFrame, tariff: Tariff, cny_per: Mapping[str, float], starts_at: datetime
) -> Invoice:
    """Bill `Run.usage`, or a table typed by hand with its columns, as if nothing else were used.

    `usage` is at full size. `cny_per`: CNY for one unit of a currency. `starts_at`: the wall clock
    at time_s 0; days are the local ones, and the month is the calendar's. A line whose meter has no
    usage stands there with quantity 0.
    ScenarioError: no exchange rate; a usage table without a column, or with a unit or value that
    doesn't fit.
    """
    alone = [Nights("", Night(read(usage), starts_at), [starts_at.day])]
    days = monthrange(starts_at.year, starts_at.month)[1]
    return _invoice(Calendar(days, alone), tariff, _rate(tariff, cny_per))


def night_in_month(
    usage: pd.DataFrame,
    tariff: Tariff,
    cny_per: Mapping[str, float],
    starts_at: datetime,
    month: Month,
    ordinary: pd.DataFrame | None = None,
) -> Bill:
    """Bill the night as `invoice` does, in a month that has other nights too.

    They begin at the same hour and use `ordinary_share` (a promotion its own share) of everything
    that grows with the audience; shows are as long. `ordinary`: usage to take the share of, where a
    limit cut this night's short that leaves an ordinary one alone.
    ScenarioError: as `invoice`.
    """
    day, days = month.day_of(starts_at), month.length(starts_at)
    used = read(usage)
    whole = used if ordinary is None else read(ordinary)

    def nights(name: str, share: float, days: list[int]) -> Nights:
        return Nights(name, Night(whole, starts_at, share, event=False), days)

    others = [nights("ordinary ", month.ordinary_share.value, month.ordinary_days(starts_at))]
    others += [nights(f"promotion {p.day} ", p.share, [p.day]) for p in month.promotions]
    this = Nights("", Night(used, starts_at), [day])
    rate, no_days = _rate(tariff, cny_per), [n._replace(days=[]) for n in others]
    return Bill(
        *(
            _invoice(Calendar(days, nights), tariff, rate)
            for nights in ([this, *others], others, no_days)
        )
    )


def _rate(tariff: Tariff, cny_per: Mapping[str, float]) -> Decimal:
    if tariff.currency not in cny_per:
        raise ScenarioError(
            f"tariff '{tariff.name}': no exchange rate for {tariff.currency}, "
            f"there is one for {', '.join(cny_per) or 'no currency'}"
        )
    return decimal(cny_per[tariff.currency])


def _invoice(month: Calendar, tariff: Tariff, rate: Decimal) -> Invoice:
    """Lines on what the others come to are made last, with those they stand beside."""
    late = {line.either or line.name for line in tariff.lines if line.meter == "spend"}
    made: list[tuple[int, Line]] = []
    used = [[] if line.meter == "spend" else reduced(month, line, tariff) for line in tariff.lines]
    sums = _together(tariff, used)
    for on_spend in (False, True):
        spend = _sum([line for _, line in made])
        made += _settled(
            [
                (k, priced)
                for k, line in enumerate(tariff.lines)
                if ((line.either or line.name) in late) == on_spend
                for priced in _lines(line, used[k], sums, month, tariff, rate, spend)
            ]
        )
    made.sort(key=itemgetter(0))
    return Invoice(tariff.name, tariff.currency, tuple(line for _, line in made))


def _settled(made: list[tuple[int, Line]]) -> list[tuple[int, Line]]:
    """Of lines that stand for one another the dearest is charged, the first of equals."""
    out = []
    for k, line in made:
        rivals = [r for _, r in made if r.either == line.either != "" and r.period == line.period]
        most = max(rivals, key=lambda r: abs(r.amount), default=line)
        why = f"not charged: {most.name} comes to {_plain(abs(most.amount))} {most.currency}"
        out.append((k, line if most is line else _uncharged(line, why)))
    return out


def _together(tariff: Tariff, used: Sequence[list[Period]]) -> dict[tuple[str, str], Decimal]:
    """(word, period) -> what all lines with this word in `together` come to, in their unit."""
    sums: dict[tuple[str, str], Decimal] = {}
    for line, periods in zip(tariff.lines, used, strict=True):
        for period in periods if line.together else ():
            units = _rounded(_exact(period.quantity), line.rounding) / decimal(line.unit)
            here = line.together, period.name
            sums[here] = sums.get(here, Decimal(0)) + units
    return sums


def _lines(
    line: TariffLine,
    used: list[Period],
    sums: Mapping[tuple[str, str], Decimal],
    month: Calendar,
    tariff: Tariff,
    rate: Decimal,
    spend: Decimal,
) -> list[Line]:
    held = [(c, heights(month, c, tariff)) for c in line.charged_if]
    out = []
    for period in [Period(MONTH, 1, float(spend))] if line.meter == "spend" else used:
        reached = sums.get((line.together, period.name))
        made = _priced(period, month.days, line, tariff, rate, reached)
        for condition, found in held:
            got, above = found.get(period.name, 0.0), condition.above.value
            if not got > above:
                what = (
                    f"{condition.meter} per {condition.per}" if condition.per else condition.meter
                )
                made = _uncharged(made, f"not charged: {what} is {got:g}, not above {above:g}")
        out.append(made)
    return out


def _uncharged(line: Line, why: str) -> Line:
    zero = Decimal("0.00")
    return replace(line, portions=(), price_note=why, amount=zero, amount_cny=zero)


def _priced(
    period: Period,
    days: int,
    line: TariffLine,
    tariff: Tariff,
    rate: Decimal,
    reached: Decimal | None,
) -> Line:
    """`reached`: the sum that decides the tiers, where other lines reach them with this one."""
    quantity, each_valid = _exact(period.quantity), Decimal(period.valid) / days
    if line.prorate == "quantity":
        quantity = _exact(quantity * each_valid)
    quantity = _rounded(quantity, line.rounding)
    units, notes = quantity / decimal(line.unit), []
    if line.included and units:
        free = min(units, decimal(line.included.value))
        units -= free
        notes.append(f"{_plain(free)} included")
    if line.commitment and units < (committed := decimal(line.commitment.value)):
        units = committed
        notes.append(f"{_plain(committed)} committed")
    cut = portions(units, line, tariff, reached)
    sums = " + ".join(
        _plain(price) if line.semantics == "flat" else f"{_plain(count)} x {_plain(price)}"
        for count, price in cut
    )
    exact = sum((count * price for count, price in cut), Decimal(0))
    if line.prorate == "amount":
        exact, sums = exact * each_valid, f"({sums}) x {period.valid}/{days}"
    if line.by_day and not quantity:
        exact, notes = Decimal(0), ["a day without usage"] if exact else []
    amount = _to_cent(-exact if line.credit else exact)
    unit = _unit(line, tariff)
    each = unit if line.unit == 1 else f"{_plain(decimal(line.unit))} {unit}"
    note = f"{sums if period.times == 1 else f'{period.times} x ({sums})'} {tariff.currency}"
    note += "" if line.semantics == "flat" else f" per {each}"
    return Line(
        name=line.name,
        period=period.name,
        times=period.times,
        meter=line.meter,
        reduction=line.reduction,
        quantity=quantity,
        unit=unit,
        portions=cut,
        price_note="; ".join([note, *notes]),
        amount=period.times * amount,
        currency=tariff.currency,
        amount_cny=period.times * _to_cent(amount * rate),
        either=line.either,
    )


def _unit(line: TariffLine, tariff: Tariff) -> str:
    """'GB', 'min'; what is counted is its own unit: 'messages', 'peak connections'."""
    fixed = {"months": "month", "spend": tariff.currency}
    unit = fixed.get(line.meter) or METERS[line.meter].unit
    return line.meter.replace("_", " ") if unit == "count" else unit


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))


def _exact(quantity: float | Decimal) -> Decimal:
    number = quantity if isinstance(quantity, Decimal) else decimal(quantity)
    return number.quantize(RESOLUTION, ROUND_HALF_EVEN)


def _rounded(quantity: Decimal, rounding: str) -> Decimal:
    if rounding == "hundredth":
        return quantity.quantize(CENT, ROUND_HALF_UP)
    return quantity.to_integral_value(ROUND_CEILING) if rounding == "ceil" else quantity


def _to_cent(money: Decimal) -> Decimal:
    return money.quantize(CENT, ROUND_HALF_UP)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
