"""Price lists: meter -> reduction over the period -> tiers -> price."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.scenario.quantity import Frozen, NotNegative, PositiveFloat, Source


class Tier(Frozen):
    """A price up to a quantity (null: without end), counted in multiples of the line's `unit`."""

    up_to: PositiveFloat | None = None
    price: NotNegative


CLASSES = ("audio", "sd", "hd", "full_hd")
"""Of viewer minutes: sound alone; up to 480 lines; up to 720; above."""


class TariffLine(Frozen):
    """meter -> reduction over the period -> tiers -> price."""

    name: str
    meter: Literal["viewer_minutes", "egress_gb", "peak_mbps"]
    where: dict[str, str | list[str]] = {}
    """Only usage of this kind, by path, region or class, e.g. {class: [sd, hd], path: rtc}."""
    reduction: Literal["sum", "daily_sum", "daily_peak"]
    """`sum`: all of the month, so that tiers and rounding are the month's; `daily_sum`,
    `daily_peak`: a quantity for each day, tiers and rounding too."""
    rounding: Literal["none", "ceil"] = "none"
    """How the metered quantity is rounded, once, after the reduction."""
    unit: PositiveFloat = 1.0
    """How much of the meter one price buys (1000 for 'per 1,000 minutes')."""
    semantics: Literal["graduated", "all_units"]
    tiers: Annotated[list[Tier], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_gap(self) -> TariffLine:
        bounds = [t.up_to for t in self.tiers]
        if bounds[-1] is not None:
            raise ValueError(f"the last tier of '{self.name}' must have no end (up_to: null)")
        finite = [b for b in bounds[:-1] if b is not None]
        if len(finite) != len(bounds) - 1 or any(b <= a for a, b in pairwise(finite)):
            raise ValueError(f"the tiers of '{self.name}' must rise without overlap or gap")
        return self

    @model_validator(mode="after")
    def _meters_something(self) -> TariffLine:
        if (self.reduction == "daily_peak") != (self.meter == "peak_mbps"):
            raise ValueError(
                f"reduction {self.reduction} doesn't fit meter {self.meter}: daily_peak belongs to "
                "peak_mbps, sum and daily_sum to the others"
            )
        for column, wanted in self.where.items():
            if column not in ("path", "region", "class"):
                raise ValueError(f"where.{column}: usage is filtered by path, region or class")
            if column == "class" and self.meter != "viewer_minutes":
                raise ValueError(f"where.class: only viewer_minutes have a class, not {self.meter}")
            for kind in [wanted] if isinstance(wanted, str) else wanted:
                if column == "class" and kind not in CLASSES:
                    raise ValueError(f"where.class '{kind}' is not one of {', '.join(CLASSES)}")
        return self


class Tariff(Frozen):
    """A price list."""

    name: str
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    gb_bytes: Literal[1_000_000_000, 1_073_741_824] = 1_000_000_000
    """Bytes in the tariff's GB."""
    sample_stat: Literal["mean", "max_of_10s"] = "mean"
    """What a five-minute bandwidth sample is."""
    boundary: Literal["upper", "lower"] = "upper"
    """Whose price exactly `up_to` pays: `upper`, the tier that ends there; `lower`, the next."""
    lines: Annotated[list[TariffLine], Field(min_length=1)]
    sources: dict[str, Source] = {}
