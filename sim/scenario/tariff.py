"""Price lists: meter -> reduction over the period -> tiers -> price.

How these few words make every billing model of the market: docs/tariffs.md.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field, model_validator

from sim.scenario.quantity import Frozen, NotNegative, PositiveFloat, Source

CLASSES = ("audio", "sd", "hd", "full_hd", "2k", "2k_plus")
"""What was received: sound alone; a picture of up to 480 lines; 720; 1080; 1440; above. In pixels
(16:9) the last four are Agora's: up to 921,600; 2,073,600; 3,686,400; more."""
CLASSED = (
    "viewer_minutes", "connection_minutes", "user_minutes", "ingest_minutes", "transcode_minutes",
    "recording_minutes",
)  # fmt: skip
"""Meters whose usage has a class."""

Amount = Literal[
    "viewer_minutes", "connection_minutes", "user_minutes", "ghost_minutes", "egress_gb",
    "joins", "users", "messages", "ingest_minutes", "ingest_gb", "transcode_minutes",
    "recording_minutes", "node_hours", "storage_gb", "failed_periods", "events",
]  # fmt: skip
"""What adds up from night to night."""
Level = Literal["peak_mbps", "ingest_mbps", "channels", "recordings", "peak_connections"]
"""What has a height at every moment, sampled every five minutes. Of connections only the highest
of each night is known."""
Fixed = Literal["months", "spend"]
"""`months`: the month itself, 1, so that its price is a fee. `spend`: what the other lines come to,
in the tariff's currency."""

UNREPORTED = ("storage_gb",)
"""Meters that no simulated night reports: a line that bills one needs `also`."""

BY_DAY = ("daily_sum", "daily_peak")
"""Reductions that make a quantity for each day, with tiers and rounding of its own."""
OF_DAYS = ("p95", "p95_night_half", "mean_of_daily_peaks", "mean_of_daily_p95")
"""Reductions that say which days of the month count."""

Reduction = Literal[
    "sum", "daily_sum",
    "daily_peak", "month_peak", "sum_of_daily_peaks", "mean_of_daily_peaks",
    "fourth_peak", "mean_of_top5", "mean_of_daily_p95", "p95", "p95_night_half",
]  # fmt: skip

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
"""ISO 4217."""

Where = dict[str, str | list[str]]
"""Only usage of this kind, by path, region or class, e.g. {class: [sd, hd], path: rtc}."""


def _reducible(meter: str, reduction: str) -> None:
    """An amount is added up; a level has peaks and percentiles, if there are samples of it."""
    allowed = ["sum"]
    if meter in get_args(Amount):
        allowed = ["sum", "daily_sum"]
    elif meter == "peak_connections":
        allowed = ["daily_peak", "month_peak", "sum_of_daily_peaks", "mean_of_daily_peaks"]
    elif meter in get_args(Level):
        allowed = [r for r in get_args(Reduction) if r not in ("sum", "daily_sum")]
    if reduction not in allowed:
        raise ValueError(
            f"reduction {reduction} doesn't fit meter {meter}: it takes {', '.join(allowed)}"
        )


def _filters(where: Where, meter: str) -> None:
    for column, wanted in where.items():
        if meter in get_args(Fixed):
            raise ValueError(f"where.{column}: {meter} has no usage to choose from")
        if column not in ("path", "region", "class"):
            raise ValueError(f"where.{column}: usage is filtered by path, region or class")
        if column == "class" and meter not in CLASSED:
            raise ValueError(f"where.class: only {', '.join(CLASSED)} have a class, not {meter}")
        for kind in [wanted] if isinstance(wanted, str) else wanted:
            if column == "class" and kind not in CLASSES:
                raise ValueError(f"where.class '{kind}' is not one of {', '.join(CLASSES)}")


MOST_LINES = 200
"""Of a price list, and tiers of a line."""


class Tier(Frozen):
    """A price up to a quantity (null: without end), counted in multiples of the line's `unit`."""

    up_to: PositiveFloat | None = None
    price: NotNegative


class Condition(Frozen):
    """A line is charged only in those periods in which a meter, reduced, is above a number."""

    meter: Literal[Amount, Level]
    where: Where = {}
    reduction: Literal["sum", "daily_sum", "daily_peak", "month_peak"]
    per: Literal[Amount, Level] | None = None
    """Divided by this meter, all of it, reduced alike."""
    above: NotNegative

    @model_validator(mode="after")
    def _meters_something(self) -> Condition:
        _filters(self.where, self.meter)
        for meter in (self.meter, self.per):
            if meter is not None:
                _reducible(meter, self.reduction)
        return self


class Also(Frozen):
    """Usage no night reports, as a multiple of what it does report: storage, recorders, ghosts."""

    meter: Amount
    of_class: Literal["", "audio", "sd", "hd", "full_hd", "2k", "2k_plus"] = ""
    times: NotNegative
    of: Literal[Amount, "months"]
    """What the night reports of this meter; `months`: so much every month, whatever its nights."""
    where: Where = {}
    """Which part of `of`."""

    @model_validator(mode="after")
    def _of_something(self) -> Also:
        _filters(self.where, self.of)
        if self.of in UNREPORTED:
            raise ValueError(f"of {self.of}: no night reports it")
        if bool(self.of_class) != (self.meter in CLASSED):
            raise ValueError(
                f"of_class belongs to {', '.join(CLASSED)}, which need one: "
                f"{self.meter} has '{self.of_class}'"
            )
        return self


class TariffLine(Frozen):
    """meter -> reduction over the period -> tiers -> price."""

    name: str
    meter: Literal[Amount, Level, Fixed]
    where: Where = {}
    """Only usage of this kind, by path, region or class, e.g. {class: [sd, hd], path: rtc}."""
    convert: dict[str, NotNegative] = {}
    """Class -> what one of the meter counts: standard minutes. It names every class of `where`."""
    reduction: Reduction
    """`sum`, and all that isn't by day: one quantity for the month, so that tiers and rounding are
    the month's; `daily_sum`, `daily_peak`: one for each day."""
    level: Literal["day", "sample", "sample_within_day"] | None = None
    """Of `fourth_peak`: the fourth highest day; the fourth highest sample of the month; the highest
    day, where a day counts with its fourth highest sample."""
    days: Literal["all", "valid"] | None = None
    """Of percentiles and means: every day of the month counts, or only those with usage."""
    prorate: Literal["quantity", "amount"] | None = None
    """Multiplied by days with usage over days of the month: what is billed, or its price."""
    rounding: Literal["none", "ceil", "hundredth"] = "none"
    """How the quantity is rounded, once, after the reduction: up to a whole one; to 0.01."""
    unit: PositiveFloat = 1.0
    """How much of the meter one price buys (1000 for 'per 1,000 minutes')."""
    commitment: NotNegative | None = None
    """Paid for whether used or not, in multiples of `unit`, on top of what is included; a day
    without usage is free."""
    included: NotNegative | None = None
    """Free, or paid for elsewhere, in each period; in multiples of `unit`. Tiers begin above it."""
    semantics: Literal["graduated", "all_units", "flat"]
    """Each part at its own tier's price; all at the price of the tier reached; that price itself,
    once, however much is used."""
    tiers: Annotated[list[Tier], Field(min_length=1, max_length=MOST_LINES)]
    either: str = ""
    """Of the lines with the same word here only the dearest is charged in a period."""
    together: str = ""
    """Lines with the same word here reach their tiers together, by the sum of what they bill; each
    has its share of every tier. A discount on the volume of several classes."""
    charged_if: Annotated[list[Condition], Field(max_length=MOST_LINES)] = []
    """Charged only if all of these hold in the period."""
    credit: bool = False
    """Taken off the bill."""

    @model_validator(mode="after")
    def _no_gap(self) -> TariffLine:
        """A tier begins where the one before it ends, so ends that rise leave no other mistake."""
        said = f"tiers of '{self.name}'"
        for k, (tier, following) in enumerate(pairwise(self.tiers)):
            if tier.up_to is None:
                raise ValueError(f"{said} overlap: tiers.{k} has no end (up_to) and isn't the last")
            if following.up_to is not None and following.up_to <= tier.up_to:
                raise ValueError(
                    f"{said} overlap: tiers.{k + 1}.up_to {following.up_to:g} must be above "
                    f"tiers.{k}.up_to {tier.up_to:g}"
                )
        if (end := self.tiers[-1].up_to) is not None:
            raise ValueError(
                f"{said} leave a gap: nothing is priced above {end:g}, the last one must have no "
                "end (up_to: null)"
            )
        return self

    @model_validator(mode="after")
    def _meters_something(self) -> TariffLine:
        _reducible(self.meter, self.reduction)
        _filters(self.where, self.meter)
        if (self.level is None) == (self.reduction == "fourth_peak"):
            raise ValueError(
                "reduction fourth_peak needs level: day, sample or sample_within_day"
                if self.level is None
                else f"level {self.level} belongs to fourth_peak, not to {self.reduction}"
            )
        if (self.days is None) == (self.reduction in OF_DAYS):
            raise ValueError(
                f"reduction {self.reduction} needs days: all (of the month) or valid (with usage)"
                if self.days is None
                else f"days {self.days} belongs to {', '.join(OF_DAYS)}, not to {self.reduction}"
            )
        if self.prorate and (self.by_day or self.meter in get_args(Fixed)):
            raise ValueError(f"prorate belongs to usage of a month, not to {self.reduction} of "
                             f"{self.meter}")  # fmt: skip
        for k, condition in enumerate(self.charged_if):
            if (condition.reduction in BY_DAY) != self.by_day:
                raise ValueError(
                    f"charged_if.{k}.reduction {condition.reduction} must be by the "
                    f"{'day' if self.by_day else 'month'}, as {self.reduction} is"
                )
        return self

    @model_validator(mode="after")
    def _converts_all(self) -> TariffLine:
        wanted = self.where.get("class", list(CLASSES))
        wanted = [wanted] if isinstance(wanted, str) else wanted
        if self.convert and (self.meter not in CLASSED or set(self.convert) != set(wanted)):
            raise ValueError(
                f"convert names {', '.join(self.convert)}: it must name every class of the line, "
                f"{', '.join(wanted) if self.meter in CLASSED else f'and {self.meter} has none'}"
            )
        return self

    @property
    def by_day(self) -> bool:
        """Whether every day is billed by itself."""
        return self.reduction in BY_DAY

    @property
    def steps(self) -> tuple[object, ...]:
        """What lines must agree on that reach their tiers together."""
        return self.unit, self.by_day, self.semantics, [tier.up_to for tier in self.tiers]


class Fall(NamedTuple):
    """Where a line of a tariff costs less for more."""

    line: str
    at: Decimal
    """The quantity at which a cheaper tier begins, in the meter's unit, with what is included."""
    before: Decimal
    """What is paid just before, in the tariff's currency."""
    after: Decimal
    """What is paid from there on."""


class Tariff(Frozen):
    """A price list."""

    name: str
    currency: Currency
    gb_bytes: Literal[1_000_000_000, 1_073_741_824] = 1_000_000_000
    """Bytes in the tariff's GB."""
    sample_stat: Literal["mean", "max_of_10s"] = "mean"
    """What a five-minute bandwidth sample is."""
    boundary: Literal["upper", "lower"] = "upper"
    """Whose price exactly `up_to` pays: `upper`, the tier that ends there; `lower`, the next."""
    beside: bool = False
    """Bought beside another list, never by itself: its bill is added to that of each other list of
    the vendor."""
    also: Annotated[list[Also], Field(max_length=MOST_LINES)] = []
    lines: Annotated[list[TariffLine], Field(min_length=1, max_length=MOST_LINES)]
    sources: dict[str, Source] = {}

    @model_validator(mode="after")
    def _together(self) -> Tariff:
        for line in self.lines:
            others = [other for other in self.lines if other.either == line.either != ""]
            if line.either and (len(others) < 2 or len({o.by_day for o in others}) > 1):
                raise ValueError(
                    f"either '{line.either}' of '{line.name}' must stand in two lines at least, "
                    "all of them by the month or all by the day"
                )
            if line.together and (
                any(o.steps != line.steps for o in self.lines if o.together == line.together)
                or line.meter == "spend"
                or line.included
                or line.commitment
                or line.prorate
            ):
                raise ValueError(
                    f"together '{line.together}' of '{line.name}': its lines must have the same "
                    "unit, semantics and up_to, all of them by the month or all by the day, and "
                    "neither spend, included, commitment nor prorate"
                )
            if line.by_day and any(
                also.meter == line.meter and also.of == "months" for also in self.also
            ):
                raise ValueError(
                    f"'{line.name}' is by the day, and also gives {line.meter} by the month"
                )
        return self

    def unmetered(self, fleet: bool) -> list[str]:
        """Meters it bills that neither a night of a vendor, with a fleet or without, reports nor
        `also` gives."""
        given = {also.meter for also in self.also}
        unreported = {*UNREPORTED, *(() if fleet else ("node_hours",))}
        billed: list[str | None] = [m for line in self.lines for m in (
            line.meter, *(c.meter for c in line.charged_if), *(c.per for c in line.charged_if)
        )]  # fmt: skip
        return [m for m in dict.fromkeys(billed) if m and m in unreported - given]

    def falls(self) -> list[Fall]:
        """Where more costs less: sold so, kept so, and worth knowing; none where tiers are graduated.

        A tier that a commitment already pays for is never reached from below.
        """
        out = []
        for line in self.lines:
            paid = decimal(line.commitment.value) if line.commitment else Decimal(0)
            for tier, following in pairwise(line.tiers):
                if line.semantics == "graduated" or tier.up_to is None:
                    continue
                end = decimal(tier.up_to)
                each = end if line.semantics == "all_units" else Decimal(1)
                before, after = (each * decimal(t.price.value) for t in (tier, following))
                if after < before and (end > paid or (end == paid and self.boundary == "upper")):
                    free = decimal(line.included.value) if line.included else Decimal(0)
                    out.append(Fall(line.name, (end + free) * decimal(line.unit), before, after))
        return out


def decimal(number: float) -> Decimal:
    """The decimal number as it was written: 0.1, not the double next to it."""
    return Decimal(repr(float(number)))
