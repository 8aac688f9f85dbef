"""The vocabulary of `conf/`: one frozen model for each group, validated once.

Units stand in the names. Nothing here runs anything; every room reads these records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from math import ceil, expm1, inf
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticKnownError

from sim.catalogue.message import Message, Number
from sim.scenario.calendar import Month
from sim.scenario.incidents import IncidentKind
from sim.scenario.paths import PathText
from sim.scenario.quantity import (
    INFINITY,
    LEAST_S,
    MOST_SIGMA,
    NUMBER,
    WHOLE,
    Cny,
    Fraction,
    Frozen,
    Instant,
    Lasting,
    NotNegative,
    NotNegativeFloat,
    Positive,
    PositiveFloat,
    PositiveInt,
    Quantity,
    Sample,
    Share,
    Sigma,
    Source,
    Span,
    Wait,
)
from sim.scenario.tariff import Currency
from sim.scenario.vendor import Vendor

Point = tuple[Instant, NotNegativeFloat]

MOST_PLACES = 100
"""Regions, isps, vendors, access classes: meters have a row for each pair of the first two."""
MOST_ENTRIES = 1_000
"""Of a list."""
MOST_POINTS = 10_000
"""Of a curve that is written in a configuration."""
MOST_DROPS = 200
"""Products, for each of which every viewer has a rate."""


def _sum_to_one(shares: dict[str, float]) -> dict[str, float]:
    if not shares:
        raise ValueError("at least one share is needed")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"shares sum to {sum(shares.values()):g}, they must sum to 1")
    return shares


def _in_order(points: list[Point]) -> list[Point]:
    for (a, _), (b, _) in pairwise(points):
        if b - a < LEAST_S:
            raise ValueError(
                f"time {b:g} s follows {a:g} s: times must rise, by {LEAST_S:g} at least"
            )
    return points


def _anybody(points: list[Point], until_s: float) -> bool:
    """Whether the lines between the points, level before the first, are above 0 by `until_s`."""
    within = [y for x, y in points if x <= until_s]
    if not within or points[len(within) - 1][0] < until_s:
        within += [y for x, y in points if x > until_s][:1]
    return any(y > 0 for y in within)


def _date_and_time(given: object) -> object:
    """Numbers, and dates alone, have a meaning as times that nobody means."""
    if isinstance(given, datetime) or re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", str(given)):
        return given
    raise PydanticKnownError("datetime_type")


def _without_zone(given: datetime) -> datetime:
    if given.tzinfo is not None:
        raise PydanticKnownError("timezone_naive")
    return given


LocalTime = Annotated[datetime, BeforeValidator(_date_and_time), AfterValidator(_without_zone)]
Shares = Annotated[dict[str, Fraction], Field(max_length=MOST_PLACES), AfterValidator(_sum_to_one)]
Points = Annotated[
    list[Point], Field(min_length=2, max_length=MOST_POINTS), AfterValidator(_in_order)
]


# --- promotion ------------------------------------------------------------------------------------


class Drop(Frozen):
    """A product released at one moment."""

    name: str
    time_s: Instant
    price_cny: Cny
    stock: PositiveInt | None = None
    intent: PositiveFloat
    """Order rate just after the drop, as a multiple of the ordinary rate of one viewer."""
    decay_s: Span
    extra_arrivals: NotNegativeFloat = 0.0
    """Joins just after the drop, as a multiple of the arrival curve there (arrival curves only)."""
    extra_decay_s: Span = 600.0
    pay_within_s: Span | None = None
    """An unpaid unit is for sale again after this; null: commerce.payment.within_s."""
    optional: bool = False
    """Left out, and that is said, where the show is over by then; else such a show is refused."""


class Pitch(Frozen):
    """A stretch in which the host sells harder (or less hard); the end of the show cuts it."""

    from_s: Instant
    to_s: Span
    intent: NotNegativeFloat
    optional: bool = False
    """As of a drop."""

    @model_validator(mode="after")
    def _forward(self) -> Pitch:
        if self.to_s <= self.from_s:
            raise ValueError(f"to_s {self.to_s:g} must be after from_s {self.from_s:g}")
        return self


class MassExit(Frozen):
    """A share of those present leaves together, evenly over `duration_s`, in every world.

    Viewers present in two that overlap may be taken by either.
    """

    time_s: Instant
    duration_s: Span
    share: Fraction
    cohort: str | None = None
    """Whom it takes; null: anybody."""


def _one_or_more(given: object) -> object:
    """A list, of one thing or of none too."""
    return [] if given is None else given if isinstance(given, list) else [given]


MOST_SHOW_S = 7 * 86_400
"""A show lasts a week at most: the bill's other nights are a day each."""
LEAST_SHOW_S = 1.0
MOST_BINS = 2_500
"""Steps in which viewers arrive, a week of five minutes: the curve is solved for in a matrix of
their number squared."""
MOST_PEOPLE = 10**10
"""More than there are."""


MOST_CELLS = 10**7
"""Places of the matrices that are solved for the joins: seconds, and they are solved often."""


def too_many_steps(duration_s: float, grid_s: float) -> str:
    """Of a show of this length, which a recorded curve tells only when it is read; '' if not."""
    if duration_s / grid_s <= MOST_BINS:
        return ""
    return (
        f"grid_s {grid_s:g} cuts {duration_s:g} s into more than {MOST_BINS} "
        f"steps: it must be at least {ceil(1000 * duration_s / MOST_BINS) / 1000:.9g}"
    )


class Promotion(Frozen):
    """The script of the night."""

    name: str
    starts_at: LocalTime
    peak_viewers: Annotated[int, Field(ge=1, le=MOST_PEOPLE), WHOLE] | None
    duration_s: Annotated[float, Field(ge=LEAST_SHOW_S, le=MOST_SHOW_S), NUMBER] | None
    peak_sigma: Sigma
    concurrency: Points | None = None
    """(time_s, share of the peak), straight lines between."""
    arrivals: Points | None = None
    """(time_s, joins a second, up to scale), straight lines between."""
    file: PathText | None = None
    """A recorded concurrency curve: CSV `time_s,viewers[,views]`."""
    grid_s: Span
    mass_exit: Annotated[
        list[MassExit], BeforeValidator(_one_or_more), Field(max_length=MOST_ENTRIES)
    ] = []
    """One, or a list of them."""
    drops: Annotated[list[Drop], Field(max_length=MOST_DROPS)] = []
    pitches: Annotated[list[Pitch], Field(max_length=MOST_ENTRIES)] = []
    recordings: Annotated[int, Field(ge=0, le=100), WHOLE] = 0
    """Files of the whole show that the vendor records; each format is one."""
    expected_gmv_cny: PositiveFloat | None = None
    """What a perfect night sells, before stock."""
    orders_per_view: PositiveFloat | None = None
    """Instead of it; where neither is given, audience.orders_per_view."""
    host_adapts: bool = True
    """Whether the host sends a smaller picture while the uplink is short."""
    host_lowest_mbps: Positive = Quantity(value=0.3, low=0.1, high=0.6)
    """The least that is sent of the best picture then (assumed)."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Promotion:
        given = [k for k in ("concurrency", "arrivals", "file") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(
                "exactly one of concurrency, arrivals, file describes the audience, "
                f"here: {', '.join(given) or 'none'} (promotion=replay is the script of a file)"
            )
        if self.expected_gmv_cny is not None and self.orders_per_view is not None:
            raise ValueError("at most one of expected_gmv_cny, orders_per_view may be given")
        if self.duration_s is not None and (misfit := too_many_steps(self.duration_s, self.grid_s)):
            raise ValueError(misfit)
        if self.arrivals is None and any(d.extra_arrivals for d in self.drops):
            raise ValueError(
                "drops.extra_arrivals belongs to an arrival curve; a concurrency curve holds them"
            )
        curve = self.concurrency or self.arrivals
        if curve and self.duration_s is not None and not _anybody(curve, self.duration_s):
            raise ValueError("the curve has no viewer within the show")
        return self


# --- audience -------------------------------------------------------------------------------------


class Stay(Frozen):
    """Watch intention: a mixture of bouncers (exponential) and stayers (lognormal)."""

    bouncer_share: Fraction
    bouncer_mean_s: Span
    stayer_mean_s: Span
    stayer_sigma_ln: Annotated[PositiveFloat, Field(le=MOST_SIGMA)]
    fit_to_views: bool = True
    """Where the recorded curve counts views, stretch the stay so that its mean fits them."""


class Patience(Frozen):
    """How long people wait for the first frame, from the tap."""

    free_s: Instant
    left_by: Annotated[list[tuple[Span, Fraction]], Field(min_length=1, max_length=15)]
    """(seconds, share gone by then); constant hazard between the points and after the last."""

    @model_validator(mode="after")
    def _rising(self) -> Patience:
        before = (self.free_s, 0.0)
        for point in self.left_by:
            if not (point[0] > before[0] and before[1] < point[1] < 1):
                raise ValueError(
                    f"left_by {list(point)} must lie above {list(before)} in both, share below 1"
                )
            before = point
        return self


class Retry(Frozen):
    """What an app does when a join fails."""

    backoff_s: Annotated[list[Instant], Field(max_length=16)]
    """Wait before each retry: as many entries as retries."""
    jitter_s: Instant
    rejoin_share: Fraction
    """Share of viewers who left in a stall that come back, by the same schedule."""


class Reference(Frozen):
    """The vendor-neutral player of the world `links`: only the viewer's own link can fail."""

    link_share: Share
    frozen_below_mbps: PositiveFloat
    hd_from_mbps: PositiveFloat


class Device(Frozen):
    """Devices by the best picture they show."""

    share: Fraction
    top_mbps: PositiveFloat


def _heights(devices: dict[str, Device]) -> dict[str, Device]:
    for height in devices:
        if not height.isdecimal() or int(height) == 0:
            raise ValueError(f"'{height}' is not a picture height in lines")
    _sum_to_one({height: device.share for height, device in devices.items()})
    return devices


def _lines_as_text(given: object) -> object:
    """On a command line a key can't be quoted: 480 is the number there."""
    return {str(k): v for k, v in given.items()} if isinstance(given, dict) else given


Devices = Annotated[dict[str, Device], BeforeValidator(_lines_as_text), AfterValidator(_heights)]
"""By the height in lines of the best picture they show."""

MOST_DEVICES = 16
"""Kinds of device, by lines and bitrate: the engine keeps a table of them."""


class Cohort(Frozen):
    """Viewers who come, stay and watch in their own way; what is left out is as in the audience."""

    name: Annotated[str, Field(min_length=1)]
    share: Annotated[float, Field(gt=0, le=1), NUMBER]
    """Of promotion.peak_viewers: what its own curve peaks at."""
    concurrency: Points | None = None
    """(time_s, share of the cohort's peak); null: the promotion's curve."""
    stay: Stay | None = None
    devices: Devices | None = None
    regions: Shares | None = None
    isps: Shares | None = None


class Chat(Frozen):
    """What the buyer's app makes of the chat before it goes out to everybody in the room."""

    shown_per_s: Positive | None
    """Lines a second it shows, the rest are sampled away; null: all of them."""
    batch_s: Wait
    """Lines of so many seconds go out as one message; 0: each by itself."""
    message_bytes: Positive
    """Of one line, with what the app sends along."""

    @property
    def most_sent_per_s(self) -> float:
        """Messages a second into the room, however much is written."""
        shown = inf if self.shown_per_s is None else self.shown_per_s.value
        return min(shown, 1 / self.batch_s.value if self.batch_s.value else inf)


class Audience(Frozen):
    """Who the viewers are."""

    name: str
    file: PathText | None = None
    """The viewers one by one, CSV `arrival_s,stay_s` and what is known of each: the promotion's
    curve is not used then, and promotion.peak_viewers (null) is the file's own."""
    sample: Sample = 1.0
    regions: Shares
    isps: Shares
    devices: Devices
    """By the height in lines of the best picture they show."""
    cohorts: Annotated[list[Cohort], Field(max_length=100)] = []
    """Classes of viewers with join and leave times of their own; their shares sum to 1."""
    interactive_share: Fraction
    orders_per_view: PositiveFloat | None = None
    """Paid orders for each who comes, on a perfect night, where the promotion says nothing."""
    intent_sigma_ln: Sigma
    stay: Stay
    patience: Patience
    waiting_room_patience: Patience | None = None
    stall_patience_free_s: Wait
    """Nobody leaves a freeze before this."""
    stall_patience_mean_s: Lasting | None
    """Mean patience with the rest of one long freeze; null: nobody leaves because of it."""
    kappa: Positive
    """Speed at which watch intention runs down while the picture is frozen."""
    sd_rundown: Positive
    """The same below HD."""
    messages_per_viewer_s: NotNegative
    """Lines of chat one viewer writes a second."""
    chat: Chat = Chat.model_validate({"shown_per_s": None, "batch_s": 0, "message_bytes": 200})
    """Left out: every line goes out by itself."""
    retry: Retry
    reference: Reference

    @model_validator(mode="after")
    def _cohorts_together(self) -> Audience:
        names = [cohort.name for cohort in self.cohorts]
        for k, name in enumerate(names):
            if name in names[:k]:
                raise ValueError(f"cohorts.{k}.name '{name}' is there before: each has its own")
        if names and abs(1 - (total := sum(c.share for c in self.cohorts))) > 1e-6:
            raise ValueError(f"cohorts have shares that sum to {total:g}, they must sum to 1")
        if len(self.every_device) > MOST_DEVICES:
            raise ValueError(
                f"devices are of {len(self.every_device)} kinds, those of cohorts included: "
                f"at most {MOST_DEVICES} can be told apart"
            )
        return self

    @property
    def parts(self) -> list[Cohort]:
        """The cohorts with all that is theirs; without any, all viewers as one without a name."""
        mine = {"stay": self.stay, "devices": self.devices, "regions": self.regions,
                "isps": self.isps}  # fmt: skip
        cohorts = self.cohorts or [Cohort.model_construct(name="", share=1.0)]
        return [
            cohort.model_copy(update={k: v for k, v in mine.items() if getattr(cohort, k) is None})
            for cohort in cohorts
        ]

    @property
    def every_region(self) -> list[str]:
        """Anybody's; the audience's first."""
        own = (region for cohort in self.cohorts for region in cohort.regions or ())
        return list(dict.fromkeys([*self.regions, *own]))

    @property
    def every_isp(self) -> list[str]:
        """Anybody's; the audience's first."""
        own = (isp for cohort in self.cohorts for isp in cohort.isps or ())
        return list(dict.fromkeys([*self.isps, *own]))

    @property
    def every_device(self) -> list[tuple[int, float]]:
        """(lines, Mbps) of the best picture of each kind."""
        kinds = [self.devices, *(cohort.devices or {} for cohort in self.cohorts)]
        return list(dict.fromkeys((int(h), d.top_mbps) for kind in kinds for h, d in kind.items()))


# --- the viewer's own link ------------------------------------------------------------------------


class LogNormal(Frozen):
    """A lognormal by its median and the standard deviation of its logarithm."""

    median: PositiveFloat
    sigma_ln: Sigma


class LinkClass(Frozen):
    """Markov-modulated throughput of one access class."""

    mean_mbps: LogNormal
    multiplier: Annotated[list[NotNegativeFloat], Field(min_length=1, max_length=8)]
    hold_s: Annotated[list[Span], Field(min_length=1, max_length=8)]
    jumps: Annotated[list[Annotated[list[Fraction], Field(max_length=8)]], Field(max_length=8)]
    round_trip_ms: NotNegativeFloat
    loss: Annotated[float, Field(ge=0, lt=1), NUMBER]
    mean_source: str
    dynamics_source: str
    loss_source: str
    round_trip_source: str

    @model_validator(mode="after")
    def _a_chain(self) -> LinkClass:
        n = len(self.multiplier)
        if len(self.hold_s) != n or len(self.jumps) != n or any(len(r) != n for r in self.jumps):
            raise ValueError(f"multiplier, hold_s and jumps must all have {n} states")
        for i, row in enumerate(self.jumps):
            if n > 1 and (abs(sum(row) - 1) > 1e-6 or row[i] != 0):
                raise ValueError(f"row {i} of jumps must sum to 1 with 0 in its own place")
        return self


class Network(Frozen):
    """The viewers' own links (not the vendor's)."""

    name: str
    kind: Literal["markov", "replay"]
    mix: Shares | None = None
    classes: Annotated[dict[str, LinkClass], Field(max_length=MOST_PLACES)] = {}
    sources: Annotated[dict[str, Source], Field(max_length=MOST_ENTRIES)] = {}
    traces: PathText | None = None
    trace_round_trip_ms: NotNegativeFloat = 60.0
    trace_loss: Annotated[float, Field(ge=0, lt=1), NUMBER] = 0.0

    @model_validator(mode="after")
    def _complete(self) -> Network:
        if self.kind == "replay":
            if self.traces is None:
                raise ValueError("traces must name a file or folder where kind is replay")
            return self
        if self.mix is None:
            raise ValueError("mix is needed where kind is markov")
        for name in self.mix:
            if name not in self.classes:
                raise ValueError(f"mix names '{name}', classes are: {', '.join(self.classes)}")
        for name, link in self.classes.items():
            for key in ("mean_source", "dynamics_source", "loss_source", "round_trip_source"):
                if getattr(link, key) not in self.sources:
                    raise ValueError(
                        f"classes.{name}.{key} '{getattr(link, key)}' is not among sources"
                    )
        return self


# --- commerce, engine, study ----------------------------------------------------------------------


class Payment(Frozen):
    """From an order to its payment: some never pay, the others after an exponential time."""

    never_share: Annotated[float, Field(ge=0, lt=1), NUMBER]
    mean_s: Span
    within_s: Span
    """An order unpaid by then is lost."""

    def paid_share(self, within_s: float | None = None) -> float:
        """Of the orders placed, those paid by then (null: by the shop's own deadline)."""
        return (1 - self.never_share) * -expm1(-(within_s or self.within_s) / self.mean_s)


class Commerce(Frozen):
    """What the picture does to the purse."""

    name: str
    basket_cny: LogNormal
    clarity_sd: Share
    """Share of orders kept below HD (q_sd)."""
    clarity_audio: Share
    """Share of orders kept with sound alone (q_audio)."""
    latency_free_s: Wait
    """Latency that costs nothing (L0)."""
    latency_tau_s: Lasting
    """Seconds of latency beyond it after which 1/e of the interactive orders remain."""
    buy_while_frozen: Share
    host_answers_per_min: Positive | None
    """Orders of `interactive` viewers the host can answer for; null: all of them."""
    payment: Payment
    return_share: Fraction
    """Share of sales that come back as returns."""
    recapture_share: Share
    """Share of lost orders that come back later, elsewhere or on another day."""
    margin: Fraction
    """Of what is sold and kept."""
    cny_per: Annotated[dict[Currency, Cny], Field(max_length=MOST_ENTRIES)]
    """Exchange rates: CNY for one unit of a currency."""
    month: Month

    @property
    def net_of_lost(self) -> dict[str, float]:
        """What is left of a lost CNY, by metric: net of returns, then of what is bought later
        elsewhere all the same, then the shop's margin on that."""
        kept = 1 - self.return_share
        gone = kept * (1 - self.recapture_share.value)
        return {
            "lost_gmv_net_cny": kept,
            "lost_gmv_net_of_recapture_cny": gone,
            "lost_margin_cny": gone * self.margin,
        }


class Engine(Frozen):
    """How the night is computed; none of it may change what the night is."""

    name: str
    kind: Literal["fast", "exact"]
    epoch_s: Annotated[float, Field(ge=0.01, le=10), NUMBER]
    sharing: Literal["measured", "ideal"] = "measured"
    """How full nodes are shared: as real links were seen to, or without any friction: what stands
    in a path's OF_REAL_LINKS is left out."""
    threads: Annotated[int, Field(ge=1, le=1024), WHOLE]
    check: bool
    freeze_threshold_s: Instant
    stall_merge_s: Instant


class Study(Frozen):
    """Which question is asked."""

    kind: Literal["night", "compare", "curve"]
    peaks: Annotated[
        list[Annotated[float, Field(ge=0.001, le=1000), NUMBER]], Field(max_length=MOST_PLACES)
    ] = []
    """Other peaks of the curve, as multiples of peak_viewers."""
    curve_sample: Sample = 1.0
    """audience.sample away from the peak."""
    ladder: bool = True
    """Run all five worlds at the peak (else the last one alone)."""
    reference_vendor: str | None = None
    """Whose fee and whose losses the others' are set against: loss for each yuan saved."""
    ranges: Literal["none", "peak", "all"] = "none"
    """Also every number of each vendor but the reference at its low and at its high, one at a time:
    in one night at the scripted peak, or in all nights at it and at every lower one."""

    @field_validator("ranges", mode="before")
    @classmethod
    def _yes_or_no(cls, given: object) -> object:
        return ("all" if given else "none") if isinstance(given, bool) else given


class Bands(Frozen):
    """The second band of every answer: the profile's numbers drawn from their low..high."""

    draws: Annotated[int, Field(ge=0, le=10_000), WHOLE]
    """Nights of the last world with all numbers drawn; 0: no such band."""
    sample: Sample
    """audience.sample of those nights and of the nights they are compared with."""


class Incident(Frozen):
    """Something breaks for a while, at a scheduled time."""

    name: str
    what: IncidentKind
    where: str = ""
    """A vendor region, an isp, or for an edge `region.isp`; empty for the host's uplink."""
    vendor: str | None = None
    """Whose edge or region; null: of every vendor that has one of this name."""
    time_s: Instant
    duration_s: Span
    chance: Fraction | None = None
    """Of its happening on one night; null: it happens, on every night that is shown. What it may
    cost with its chance stands in the revenue at risk."""
    left: Fraction
    """Share of the capacity that is left (of the load then, where no capacity is given); 0: down,
    and everyone there is cut off. Of the host's uplink: share of the sent bitrate that gets
    through."""

    @property
    def of_the_vendor(self) -> bool:
        """Whether the vendor is to blame."""
        return self.what.spec.of_the_vendor

    def strikes_in(self, regions: Sequence[str], isps: Sequence[str]) -> bool:
        """Whether its place is in these vendor regions; without a place it strikes everybody."""
        places = self.what.places(regions, isps)
        return places is None or self.where in places


MOST_CHANCES = 4
"""Incidents with a chance: sixteen nights for each vendor and replication."""


class Report(Frozen):
    """What is written beside the tables."""

    enabled: bool = True
    """Charts and the page."""
    sessions: bool = False
    """One row a viewer of the scripted peak: large."""


FEWEST = 5
"""Viewers of a sample at the peak: each is a fifth of all figures then, and fewer tell nothing."""


class Scenario(Frozen):
    """Everything one answer depends on."""

    study: Study
    promotion: Promotion
    audience: Audience
    network: Network
    vendors: Annotated[dict[str, Vendor], Field(min_length=1, max_length=MOST_PLACES)]
    commerce: Commerce
    engine: Engine
    incidents: Annotated[list[Incident], Field(max_length=MOST_PLACES)] = []
    bands: Bands
    report: Report = Report()
    replications: Annotated[int, Field(ge=1, le=10_000), WHOLE]
    seed: Annotated[int, Field(ge=0, lt=2**32), WHOLE]
    output_dir: PathText
    overwrite: bool

    @model_validator(mode="after")
    def _somebody_buys(self) -> Scenario:
        script, room = self.promotion, self.audience
        if script.expected_gmv_cny is script.orders_per_view is room.orders_per_view is None:
            raise ValueError(
                "what a perfect night sells must be given by one of promotion.expected_gmv_cny, "
                "promotion.orders_per_view, audience.orders_per_view"
            )
        return self

    @model_validator(mode="after")
    def _size_is_known(self) -> Scenario:
        if self.promotion.file is self.audience.file is None:
            for key in ("peak_viewers", "duration_s"):
                if getattr(self.promotion, key) is None:
                    raise ValueError(
                        f"promotion.{key} may be null only where promotion.file or audience.file "
                        "is given"
                    )
        return self

    @model_validator(mode="after")
    def _fits_the_script(self) -> Scenario:
        script = self.promotion
        if misfit := self.misfit(script.peak_viewers or INFINITY, script.duration_s or INFINITY):
            raise ValueError(misfit)
        return self

    def misfit(self, peak_viewers: float, duration_s: float) -> str:
        """What doesn't fit a show of this size and length, '' where all does.

        A recorded curve tells its own only when it is read.
        """
        for key, begins_s, optional in self._events():
            if begins_s >= duration_s and not optional:
                or_not = "" if optional is None else ", or `optional: true` beside it leaves it out"
                return (
                    f"{key} {begins_s:g} is after the show: it must be below {duration_s:g}{or_not}"
                )
        for k, cohort in enumerate(self.audience.cohorts):
            if cohort.concurrency is not None and not _anybody(cohort.concurrency, duration_s):
                return f"audience.cohorts.{k}.concurrency has no viewer within the show"
        sample, least = self.audience.sample, min(1.0, FEWEST / peak_viewers)
        if sample < least:
            return (
                f"audience.sample {sample:g} leaves {sample * peak_viewers:.2g} viewers of "
                f"{peak_viewers:g} at the peak: it must be at least {ceil(1e6 * least) / 1e6:g}"
            )
        return ""

    def _events(self) -> Iterator[tuple[str, float, bool | None]]:
        """(key, when it begins, whether the show may do without it) of all that is scheduled.

        None: of what is never optional.
        """
        script = self.promotion
        for k, drop in enumerate(script.drops):
            yield f"promotion.drops.{k}.time_s", drop.time_s, drop.optional
        for k, pitch in enumerate(script.pitches):
            yield f"promotion.pitches.{k}.from_s", pitch.from_s, pitch.optional
        for k, leave in enumerate(script.mass_exit):
            yield f"promotion.mass_exit.{k}.time_s", leave.time_s, None
        for k, incident in enumerate(self.incidents):
            yield f"incidents.{k}.time_s", incident.time_s, None

    def left_out(self, duration_s: float) -> list[Message]:
        """What is scheduled after a show of this length and need not happen."""
        ends = Number(duration_s, "exact")
        return [
            Message("warning-left-out", {"key": key, "at": Number(begins_s, "exact"), "ends": ends})
            for key, begins_s, optional in self._events()
            if begins_s >= duration_s and optional
        ]

    @model_validator(mode="after")
    def _exits_are_somebodys(self) -> Scenario:
        names = [cohort.name for cohort in self.audience.cohorts]
        for k, leave in enumerate(self.promotion.mass_exit):
            if leave.cohort is not None and leave.cohort not in names:
                raise ValueError(
                    f"promotion.mass_exit.{k}.cohort '{leave.cohort}' is no cohort: "
                    f"audience.cohorts are {', '.join(names) or 'none'}"
                )
        return self

    @model_validator(mode="after")
    def _reference_is_compared(self) -> Scenario:
        reference = self.study.reference_vendor
        if reference is not None and reference not in self.vendors:
            raise ValueError(
                f"study.reference_vendor '{reference}' is not compared: {', '.join(self.vendors)}"
            )
        return self

    @model_validator(mode="after")
    def _everybody_is_served(self) -> Scenario:
        for name, vendor in self.vendors.items():
            served = {r for regions in vendor.serves.values() for r in regions}
            for region in self.audience.every_region:
                if region not in served:
                    raise ValueError(
                        f"vendors.{name}.serves: nobody serves audience region '{region}'"
                    )
            for region, isps in vendor.edges.items():
                for isp in isps:
                    if isp not in self.audience.every_isp:
                        raise ValueError(
                            f"vendors.{name}.edges.{region}.{isp}: the audience has isps "
                            f"{', '.join(self.audience.every_isp)}"
                        )
            for key, tariff in vendor.tariffs.items():
                if tariff.currency not in self.commerce.cny_per:
                    raise ValueError(
                        f"vendors.{name}.tariffs.{key}.currency {tariff.currency} has no rate in "
                        f"commerce.cny_per: {', '.join(self.commerce.cny_per)}"
                    )
                fleet = any(path.fleet for path in vendor.paths.values())
                for meter in tariff.unmetered(fleet):
                    raise ValueError(
                        f"vendors.{name}.tariffs.{key} bills {meter}, which no night "
                        f"{'without a fleet ' if meter == 'node_hours' else ''}reports: "
                        "`also` must say how much of it comes with what"
                    )
        return self

    @model_validator(mode="after")
    def _one_night_a_day(self) -> Scenario:
        month, starts_at = self.commerce.month, self.promotion.starts_at
        if misfit := month.misfit(month.length(starts_at)):
            raise ValueError(f"commerce.month.{misfit}")
        today = month.day_of(starts_at)
        for k, other in enumerate(month.promotions):
            if other.day == today:
                raise ValueError(
                    f"commerce.month.promotions.{k}.day {today} is the day of promotion.starts_at"
                )
        return self

    def incidents_of(self, name: str) -> list[Incident]:
        """Those that happen and that the vendor of this name can feel."""
        return [incident for incident in self.felt_by(name) if incident.chance is None]

    def felt_by(self, name: str) -> list[Incident]:
        """All that the vendor of this name can feel, those with a chance too."""
        serves, isps = self.vendors[name].serves, self.audience.every_isp
        return [
            incident
            for incident in self.incidents
            if incident.vendor in (None, name) and incident.strikes_in(list(serves), isps)
        ]

    @model_validator(mode="after")
    def _incidents_hit_something(self) -> Scenario:
        regions = sorted({r for v in self.vendors.values() for r in v.serves})
        chances = sum(incident.chance is not None for incident in self.incidents)
        if chances > MOST_CHANCES:
            raise ValueError(
                f"incidents: at most {MOST_CHANCES} with a chance, here {chances}: "
                "every combination is a night of its own"
            )
        for k, incident in enumerate(self.incidents):
            here = f"incidents.{k}"
            places = incident.what.places(regions, self.audience.every_isp)
            if places is None:
                if incident.where or incident.vendor:
                    raise ValueError(f"{here}: {incident.what} has no where and no vendor")
            elif incident.where not in places:
                raise ValueError(
                    f"{here}.where '{incident.where}' is no {incident.what}: "
                    f"{', '.join(sorted(set(places)))}"
                )
            if incident.vendor is not None and incident.vendor not in self.vendors:
                raise ValueError(
                    f"{here}.vendor '{incident.vendor}' is not compared: {', '.join(self.vendors)}"
                )
        return self
