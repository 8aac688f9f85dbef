"""From a quantity to a price: which units pay what."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from sim.scenario.tariff import Tariff, TariffLine, decimal


class Portion(NamedTuple):
    """So many units at so much."""

    units: Decimal
    price: Decimal


RESOLUTION = Decimal("0.000001")
"""Quantities are read to this: what a double adds up beyond it isn't usage, and mustn't make a
minute of 1.0000000000000002 two."""


def portions(
    units: Decimal, line: TariffLine, tariff: Tariff, of: Decimal | None = None
) -> tuple[Portion, ...]:
    """The quantity (in the line's unit) cut up by price, never empty.

    `of`: the sum by which the tiers are reached, if it is more than this line's: of every tier it
    fills the line has its share.

    `graduated`: each tier's part at the tier's price. `all_units`: everything at the price of the
    tier reached, so a bill may fall as usage rises (Tencent's 499.9 GB cost more than 500):
    that is how it is sold. `flat`: that price once. Exactly `up_to` is decided by the tariff's
    `boundary`.
    """
    ends = [None if t.up_to is None else decimal(t.up_to) for t in line.tiers]
    prices = [decimal(t.price.value) for t in line.tiers]
    whole, reached = units if of is None else of, 0
    while (end := ends[reached]) is not None and (
        whole > end or (whole == end and tariff.boundary == "lower")
    ):
        reached += 1
    if line.semantics == "flat":
        return (Portion(Decimal(1), prices[reached]),)
    if line.semantics == "all_units":
        return (Portion(units, prices[reached]),)
    below = [Decimal(0), *(end for end in ends[:reached] if end is not None), whole]
    if whole != units:  # the last one takes what rounding leaves, so that they add up
        below = [min(units, (end * units / whole).quantize(RESOLUTION)) for end in below[:-1]]
        below.append(units)
    cut = [Portion(b - a, p) for a, b, p in zip(below, below[1:], prices, strict=False)]
    return tuple(p for p in cut if p.units or len(cut) == 1) or (Portion(units, prices[0]),)
