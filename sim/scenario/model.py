"""The vocabulary of `conf/`: one frozen model for each group, validated once.

Units stand in the names. Nothing here runs anything; every room reads these records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from sim.scenario.quantity import (
    GIVEN,
    Confidence,
    Frozen,
    NotNegative,
    Positive,
    Quantity,
    Share,
    Source,
)

PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegativeFloat = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[NotNegativeFloat, NotNegativeFloat]


def _sum_to_one(shares: dict[str, float]) -> dict[str, float]:
    if not shares:
        raise ValueError("at least one share is needed")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"shares sum to {sum(shares.values()):g}, they must sum to 1")
    return shares


def _in_order(points: list[Point]) -> list[Point]:
    for (a, _), (b, _) in pairwise(points):
        if b <= a:
            raise ValueError(f"time {b:g} s follows {a:g} s: times must rise")
    return points


def _anybody(points: list[Point], until_s: float) -> bool:
    """Whether the lines between the points, level before the first, are above 0 by `until_s`."""
    within = [y for x, y in points if x <= until_s]
    if not within or points[len(within) - 1][0] < until_s:
        within += [y for x, y in points if x > until_s][:1]
    return any(y > 0 for y in within)


Shares = Annotated[dict[str, Fraction], AfterValidator(_sum_to_one)]
Points = Annotated[list[Point], Field(min_length=2), AfterValidator(_in_order)]


# --- promotion ------------------------------------------------------------------------------------


class Drop(Frozen):
    """A product released at one moment."""

    name: str
    time_s: NotNegativeFloat
    price_cny: PositiveFloat
    stock: PositiveInt | None = None
    intent: PositiveFloat
    """Order rate just after the drop, as a multiple of the ordinary rate of one viewer."""
    decay_s: PositiveFloat
    extra_arrivals: NotNegativeFloat = 0.0
    """Joins just after the drop, as a multiple of the arrival curve there (arrival curves only)."""
    extra_decay_s: PositiveFloat = 600.0


class Pitch(Frozen):
    """A stretch in which the host sells harder (or less hard)."""

    from_s: NotNegativeFloat
    to_s: PositiveFloat
    intent: NotNegativeFloat

    @model_validator(mode="after")
    def _forward(self) -> Pitch:
        if self.to_s <= self.from_s:
            raise ValueError(f"to_s {self.to_s:g} must be after from_s {self.from_s:g}")
        return self


class MassExit(Frozen):
    """A share of those present leaves together, evenly over `duration_s`, in every world."""

    time_s: NotNegativeFloat
    duration_s: PositiveFloat
    share: Fraction


class Promotion(Frozen):
    """The script of the night."""

    name: str
    starts_at: datetime
    peak_viewers: PositiveInt | None
    duration_s: PositiveFloat | None
    peak_sigma: NotNegativeFloat
    concurrency: Points | None = None
    """(time_s, share of the peak), straight lines between."""
    arrivals: Points | None = None
    """(time_s, joins a second, up to scale), straight lines between."""
    file: str | None = None
    """A recorded concurrency curve: CSV `time_s,viewers[,views]`."""
    grid_s: PositiveFloat
    mass_exit: MassExit | None = None
    drops: list[Drop] = []
    pitches: list[Pitch] = []
    expected_gmv_cny: PositiveFloat | None = None
    orders_per_view: PositiveFloat | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Promotion:
        given = [k for k in ("concurrency", "arrivals", "file") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(
                "exactly one of concurrency, arrivals, file describes the audience, "
                f"here: {', '.join(given) or 'none'}"
            )
        if (self.expected_gmv_cny is None) == (self.orders_per_view is None):
            raise ValueError("exactly one of expected_gmv_cny, orders_per_view must be given")
        if self.file is None:
            for key in ("peak_viewers", "duration_s"):
                if getattr(self, key) is None:
                    raise ValueError(f"{key} may be null only where promotion.file is given")
        if self.arrivals is None and any(d.extra_arrivals for d in self.drops):
            raise ValueError(
                "drops.extra_arrivals belongs to an arrival curve; a concurrency curve holds them"
            )
        curve = self.concurrency or self.arrivals
        if curve is not None and not _anybody(curve, self.duration_s or 0.0):
            raise ValueError("the curve has no viewer within the show")
        return self


# --- audience -------------------------------------------------------------------------------------


class Stay(Frozen):
    """Watch intention: a mixture of bouncers (exponential) and stayers (lognormal)."""

    bouncer_share: Fraction
    bouncer_mean_s: PositiveFloat
    stayer_mean_s: PositiveFloat
    stayer_sigma_ln: PositiveFloat
    fit_to_views: bool = True
    """Where the recorded curve counts views, stretch the stay so that its mean fits them."""


class Patience(Frozen):
    """How long people wait for the first frame, from the tap."""

    free_s: NotNegativeFloat
    left_by: Annotated[list[tuple[PositiveFloat, Fraction]], Field(min_length=1, max_length=15)]
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

    backoff_s: Annotated[list[NotNegativeFloat], Field(max_length=16)]
    """Wait before each retry: as many entries as retries."""
    jitter_s: NotNegativeFloat
    rejoin_share: Fraction
    """Share of those who left in a stall who come back, by the same schedule."""


class Reference(Frozen):
    """The vendor-neutral player of the world `links`: only the viewer's own link can fail."""

    link_share: Share
    frozen_below_mbps: PositiveFloat
    hd_from_mbps: PositiveFloat


class Device(Frozen):
    """Devices by the best picture they show."""

    share: Fraction
    top_mbps: PositiveFloat


class Audience(Frozen):
    """Who the viewers are."""

    name: str
    sample: Annotated[float, Field(gt=0, le=1)] = 1.0
    regions: Shares
    isps: Shares
    devices: dict[str, Device]
    """By the height in lines of the best picture they show."""
    interactive_share: Fraction
    intent_sigma_ln: NotNegativeFloat
    stay: Stay
    patience: Patience
    waiting_room_patience: Patience | None = None
    stall_patience_free_s: NotNegative
    """Nobody leaves a freeze before this."""
    stall_patience_mean_s: Positive | None
    """Mean patience with the rest of one long freeze; null: nobody leaves because of it."""
    kappa: Positive
    """Speed at which watch intention runs down while the picture is frozen."""
    sd_rundown: Positive
    """The same below HD."""
    retry: Retry
    reference: Reference

    @field_validator("devices")
    @classmethod
    def _heights(cls, devices: dict[str, Device]) -> dict[str, Device]:
        for height in devices:
            if not height.isdigit() or int(height) == 0:
                raise ValueError(f"'{height}' is not a picture height in lines")
        _sum_to_one({height: device.share for height, device in devices.items()})
        return devices


# --- the viewer's own link ------------------------------------------------------------------------


class LogNormal(Frozen):
    """A lognormal by its median and the standard deviation of its logarithm."""

    median: PositiveFloat
    sigma_ln: NotNegativeFloat


class LinkClass(Frozen):
    """Markov-modulated throughput of one access class."""

    mean_mbps: LogNormal
    multiplier: Annotated[list[NotNegativeFloat], Field(min_length=1, max_length=8)]
    hold_s: Annotated[list[PositiveFloat], Field(min_length=1)]
    jumps: list[list[Fraction]]
    round_trip_ms: NotNegativeFloat
    loss: Annotated[float, Field(ge=0, lt=1)]
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
    classes: dict[str, LinkClass] = {}
    sources: dict[str, Source] = {}
    traces: str | None = None
    trace_round_trip_ms: NotNegativeFloat = 60.0
    trace_loss: Annotated[float, Field(ge=0, lt=1)] = 0.0

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


# --- vendors --------------------------------------------------------------------------------------


class Limits(Frozen):
    """What the vendor caps. An absent limit does not exist."""

    sessions: Positive | None = None
    """Concurrent sessions, in each vendor region."""
    egress_mbps: Positive | None = None
    """The whole path, wire Mbps: overhead included, FEC and retransmission not."""
    joins_per_s: Positive | None = None
    """Joins let into the room a second."""


class Policy(Frozen):
    """What happens at a limit. `overflow`: the next path is tried."""

    sessions: Literal["refuse", "queue", "overflow"] = "refuse"
    joins_per_s: Literal["refuse", "queue", "overflow"] = "refuse"
    egress_mbps: Literal["degrade", "refuse", "queue", "overflow"] = "degrade"
    joins_burst: Annotated[float, Field(ge=1)] | None = None
    """Joins let in at once after a quiet spell; null: what one second allows, at least 1."""
    refusal_s: NotNegative
    ghost_s: NotNegative | None = None
    """How long a session that was cut still counts against its quota; null: not at all."""


class Layer(Frozen):
    """A rendition below the best one."""

    height: PositiveInt
    bitrate_mbps: Positive


class Path(Frozen):
    """One way from the vendor to the viewer: its protocol, its pictures, its player, its limits."""

    transport: Literal["tcp", "udp"]
    player: Literal["flv", "rtc"]
    takes: Literal["everyone", "interactive"] = "everyone"
    """Who is offered this path: `interactive`, only those who need the host's answer."""
    bitrate_mbps: Positive
    """Of the best picture, `height` lines high."""
    height: PositiveInt
    layers: Annotated[list[Layer], Field(max_length=6)] = []
    """Lower renditions an adaptive viewer falls back to, best first (simulcast, segments)."""
    audio_rung: bool = False
    """Below the last of them, sound alone at `audio_mbps`."""
    react_s: NotNegative | None = None
    """RTC with layers: how long until the sender has stepped down."""
    overhead: NotNegative
    """Wire bits over media bits, less 1 (headers; FEC and retransmission are apart)."""
    link_share: Share
    """Share of the viewer's link the path can use (eta)."""
    catch_up: Positive
    """Most media a second of play the path fetches behind the live edge."""
    upstream_s: NotNegative
    """Host to edge: encoding, ingest, core."""
    gop_s: Positive
    start_buffer_s: NotNegative
    join_round_trips: NotNegative
    join_server_s: NotNegative
    # flv
    delay_s: Positive | None = None
    resume_buffer_s: Positive | None = None
    lag_limit_s: Positive | None = None
    speed_up: NotNegative | None = None
    # rtc
    jitter_buffer_s: Positive | None = None
    keyframe_cached: bool = False
    audio_mbps: NotNegative | None = None
    fec: NotNegative | None = None
    rtx_max: NotNegative | None = None
    rtx_delay_s: Positive | None = None
    """From a loss to the load of its repetition: a round trip and the wait in a full queue."""
    loss_tolerance: Share | None = None
    udp_shortage: Literal["loss", "pause_some"] = "loss"
    # a path after the first has limits of its own; the first one's stand under the vendor
    limits: Limits | None = None
    policy: Policy | None = None

    @property
    def ladder(self) -> list[tuple[int, Quantity]]:
        """(height, bitrate) of all its pictures, best first; sound alone has height 0."""
        rungs = [(self.height, self.bitrate_mbps)]
        rungs += [(layer.height, layer.bitrate_mbps) for layer in self.layers]
        if self.audio_rung and self.audio_mbps is not None:
            rungs.append((0, self.audio_mbps))
        return rungs

    @model_validator(mode="after")
    def _falling(self) -> Path:
        if self.audio_rung and (self.audio_mbps is None or self.audio_mbps.value <= 0):
            raise ValueError("audio_rung needs audio_mbps above 0")
        for (above, more), (below, less) in pairwise(self.ladder):
            if not (below < above and less.value < more.value):
                raise ValueError(
                    f"layers fall in height and bitrate: {below} lines at {less.value:g} Mbps "
                    f"can't follow {above} lines at {more.value:g} Mbps"
                )
        if self.player == "rtc" and len(self.ladder) > 1 and self.react_s is None:
            raise ValueError("react_s is needed for rtc with layers")
        if self.udp_shortage == "pause_some" and len(self.ladder) > 1:
            raise ValueError("udp_shortage pause_some is for one bitrate, here there are layers")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Path:
        needs = {
            "flv": ("delay_s", "resume_buffer_s", "speed_up"),
            "rtc": ("jitter_buffer_s", "audio_mbps"),
            "tcp": (),
            "udp": ("fec", "rtx_max", "rtx_delay_s", "loss_tolerance"),
        }
        for kind in (self.player, self.transport):
            for key in needs[kind]:
                if getattr(self, key) is None:
                    raise ValueError(f"{key} is needed for {kind}")
        if self.link_share.lowest <= 0:
            raise ValueError("link_share must be above 0")
        if self.catch_up.lowest < 1:
            raise ValueError(f"catch_up {self.catch_up.lowest:g} must be at least 1")
        if self.delay_s is not None and self.player == "flv":
            least = self.delay_s.value - self.gop_s.value
            if least < self.start_buffer_s.value or least < 0:
                raise ValueError(
                    f"delay_s less gop_s ({least:g} s) must reach start_buffer_s "
                    f"({self.start_buffer_s.value:g} s): play could not start"
                )
            self._lag_limit_leaves_time(self.delay_s.value)
        if self.player == "rtc" and self.jitter_buffer_s is not None:
            start, most = self.start_buffer_s.value, self.jitter_buffer_s.value
            if start > most:
                raise ValueError(
                    f"start_buffer_s {start:g} must not exceed jitter_buffer_s {most:g}: "
                    "play could not start"
                )
        return self

    def _lag_limit_leaves_time(self, delay_s: float) -> None:
        """A skip empties the buffer: the limit must leave time to fill it, or it skips for ever."""
        if self.lag_limit_s is None or self.resume_buffer_s is None:
            return
        fill_s = max(self.start_buffer_s.value, self.resume_buffer_s.value)
        least = delay_s + self.gop_s.value + fill_s
        if self.lag_limit_s.value <= least:
            raise ValueError(
                f"lag_limit_s {self.lag_limit_s.value:g} must be above delay_s, gop_s and the "
                f"larger of start_buffer_s and resume_buffer_s together ({least:g} s)"
            )


class RegionLimits(Frozen):
    """Numbers of one vendor region that differ from the whole."""

    sessions: Positive | None = None
    egress_mbps: Positive | None = None


class EdgeLimits(Frozen):
    """One edge: the vendor's region and the viewer's isp."""

    egress_mbps: Positive


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


class Figure(Frozen):
    """One number of a profile with where it comes from: a row of 'what is assumed'."""

    key: str
    value: float
    low: float
    high: float
    confidence: Confidence
    source: str


class Vendor(Frozen):
    """A vendor profile: paths in order of preference, limits, policies, tariffs."""

    name: str
    summary: str = ""
    sources: dict[str, Source] = {}
    serves: Annotated[dict[str, list[str]], Field(min_length=1)]
    """Vendor region -> the audience regions it serves."""
    paths: Annotated[dict[str, Path], Field(min_length=1)]
    limits: Limits = Limits()
    regions: dict[str, RegionLimits] = {}
    edges: dict[str, dict[str, EdgeLimits]] = {}
    policy: Policy
    tariffs: Annotated[dict[str, Tariff], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Vendor:
        served = [r for regions in self.serves.values() for r in regions]
        for region in served:
            if served.count(region) > 1:
                raise ValueError(f"serves names region '{region}' twice")
        self._paths_in_order()
        for group, named in (("regions", self.regions), ("edges", self.edges)):
            for region in named:
                if region not in self.serves:
                    raise ValueError(
                        f"{group}.{region} is not a region of serves: {', '.join(self.serves)}"
                    )
        for figure in self.figures():
            if figure.confidence not in ("published", "measured", "claimed", "assumed"):
                raise ValueError(f"{figure.key}: source '{figure.source}' is not among sources")
        return self

    def _paths_in_order(self) -> None:
        """The first path's limits are the vendor's; where one overflows there must be a next."""
        names = list(self.paths)
        if len(names) > 2:
            raise ValueError(f"paths: at most two, here {', '.join(names)}")
        for k, (name, path) in enumerate(self.paths.items()):
            policy = self.policy if k == 0 else path.policy
            if k == 0 and (path.limits is not None or path.policy is not None):
                raise ValueError(
                    f"paths.{name}: limits and policy of the first path are the vendor's own"
                )
            if policy is None:
                raise ValueError(f"paths.{name}.policy is needed for a second path")
            over = [k for k in ("sessions", "joins_per_s", "egress_mbps")
                    if getattr(policy, k) == "overflow"]  # fmt: skip
            if over and k == len(names) - 1:
                where = "policy" if k == 0 else f"paths.{name}.policy"
                raise ValueError(
                    f"{where}.{over[0]} is overflow, and there is no path after {name}"
                )
        last = self.paths[names[-1]]
        if last.takes != "everyone":
            raise ValueError(f"paths.{names[-1]}.takes must be everyone: nobody may be left out")
        if len(names) == 2 and last.transport == "udp":
            raise ValueError(f"paths.{names[-1]}.transport must be tcp: the second path is the CDN")

    @property
    def path(self) -> Path:
        """The path that is preferred."""
        return next(iter(self.paths.values()))

    @model_validator(mode="after")
    def _one_reserves(self) -> Vendor:
        """A region's egress can be reserved at the door of one path only: it is counted there."""
        shared = [f"regions.{r}" for r, own in self.regions.items() if own.egress_mbps is not None]
        shared += [f"edges.{r}" for r in self.edges]
        policies = [policy.egress_mbps for _, _, _, policy in self.ways()]
        if shared and len(policies) > 1 and "degrade" not in policies:
            raise ValueError(
                f"{shared[0]}.egress_mbps is shared by two paths: at least one of their policies "
                f"must be degrade, here {' and '.join(policies)}"
            )
        return self

    def ways(self) -> list[tuple[str, Path, Limits, Policy]]:
        """Paths in order of preference, each with its limits and its policy."""
        return [
            (name, path, path.limits or (self.limits if k == 0 else Limits()),
             path.policy or self.policy)
            for k, (name, path) in enumerate(self.paths.items())
        ]  # fmt: skip

    def quantities(self) -> Iterator[tuple[str, Quantity, Mapping[str, Source]]]:
        """Every number of the profile with its key and the sources it may cite."""
        for key, quantity in _quantities(self, ""):
            tariff = key.split(".")[1] if key.startswith("tariffs.") else None
            yield key, quantity, self.tariffs[tariff].sources if tariff else self.sources

    def figures(self) -> Iterator[Figure]:
        """Provenance of every number; a source that isn't listed is an error."""
        for key, quantity, sources in self.quantities():
            if quantity.source in (None, GIVEN):
                confidence: Confidence = "assumed"
            elif quantity.source in sources:
                confidence = sources[quantity.source].confidence
            else:
                raise ValueError(
                    f"{key}: source '{quantity.source}' is not among sources: "
                    f"{', '.join(sources) or 'none'}"
                )
            yield Figure(
                key=key,
                value=quantity.value,
                low=quantity.lowest,
                high=quantity.highest,
                confidence=confidence,
                source=quantity.source or "",
            )


def _quantities(node: Any, key: str) -> Iterator[tuple[str, Quantity]]:
    if isinstance(node, Quantity):
        yield key, node
    elif isinstance(node, Frozen):
        for name in type(node).model_fields:
            yield from _quantities(getattr(node, name), f"{key}.{name}" if key else name)
    elif isinstance(node, Mapping):
        for name, child in node.items():
            yield from _quantities(child, f"{key}.{name}")
    elif isinstance(node, list):
        for n, child in enumerate(node):
            yield from _quantities(child, f"{key}.{n}")


# --- commerce, engine, study ----------------------------------------------------------------------


class Month(Frozen):
    """The rest of the billing month: ordinary nights like this one, only smaller."""

    days: Annotated[int, Field(ge=28, le=31)]
    ordinary_nights: Annotated[int, Field(ge=0, le=30)]
    ordinary_share: Share
    """Their audience, as a share of this night's."""

    @model_validator(mode="after")
    def _fits(self) -> Month:
        if self.ordinary_nights >= self.days:
            raise ValueError(
                f"ordinary_nights {self.ordinary_nights} must be fewer than days {self.days}"
            )
        return self


class Commerce(Frozen):
    """What the picture does to the purse."""

    name: str
    basket_cny: LogNormal
    clarity_sd: Share
    """Share of orders kept below HD (q_sd)."""
    clarity_audio: Share
    """Share of orders kept with sound alone (q_audio)."""
    latency_free_s: NotNegative
    """Latency that costs nothing (L0)."""
    latency_tau_s: Positive
    """Seconds of latency beyond it after which 1/e of the interactive orders remain."""
    buy_while_frozen: Share
    return_share: Fraction
    """Share of sales that come back as returns."""
    margin: Fraction
    cny_per: dict[str, PositiveFloat]
    """Exchange rates: CNY for one unit of a currency."""
    month: Month


class Engine(Frozen):
    """How the night is computed; none of it may change what the night is."""

    name: str
    kind: Literal["fast", "exact"]
    epoch_s: Annotated[float, Field(gt=0, le=10)]
    threads: PositiveInt
    check: bool
    freeze_threshold_s: NotNegativeFloat
    stall_merge_s: NotNegativeFloat


class Study(Frozen):
    """Which question is asked."""

    kind: Literal["night", "compare", "curve"]
    peaks: list[PositiveFloat] = []
    """Other peaks of the curve, as multiples of peak_viewers."""
    curve_sample: Annotated[float, Field(gt=0, le=1)] = 1.0
    """audience.sample away from the peak."""
    ladder: bool = True
    """Run all five worlds at the peak (else the last one alone)."""
    ranges: Literal["none", "peak", "all"] = "none"
    """Also every number of each vendor at its low and at its high, one at a time: in one night at
    the scripted peak, or in all nights at every peak."""

    @field_validator("ranges", mode="before")
    @classmethod
    def _yes_or_no(cls, given: object) -> object:
        return ("all" if given else "none") if isinstance(given, bool) else given


class Bands(Frozen):
    """The second band of every answer: the profile's numbers drawn from their low..high."""

    draws: Annotated[int, Field(ge=0, le=10_000)]
    """Nights of the last world with all numbers drawn; 0: no such band."""
    sample: Annotated[float, Field(gt=0, le=1)]
    """audience.sample of those nights and of the nights they are compared with."""


class Incident(Frozen):
    """Something breaks for a while, at a scheduled time."""

    name: str
    what: Literal["edge", "region", "isp", "host_uplink"]
    where: str = ""
    """A vendor region, an isp, or for an edge `region.isp`; empty for the host's uplink."""
    vendor: str | None = None
    """Whose edge or region; null: of every vendor that has one of this name."""
    time_s: NotNegativeFloat
    duration_s: PositiveFloat
    left: Fraction
    """Share of the capacity that is left (of the load then, where no capacity is given); 0: down,
    and whoever was there is cut off."""


class Report(Frozen):
    """Whether charts and the page are made."""

    enabled: bool = True


class Scenario(Frozen):
    """Everything one answer depends on."""

    study: Study
    promotion: Promotion
    audience: Audience
    network: Network
    vendors: Annotated[dict[str, Vendor], Field(min_length=1)]
    commerce: Commerce
    engine: Engine
    incidents: list[Incident] = []
    bands: Bands
    report: Report = Report()
    replications: PositiveInt
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    output_dir: str
    overwrite: bool

    @model_validator(mode="after")
    def _everybody_is_served(self) -> Scenario:
        for name, vendor in self.vendors.items():
            served = {r for regions in vendor.serves.values() for r in regions}
            for region in self.audience.regions:
                if region not in served:
                    raise ValueError(
                        f"vendors.{name}.serves: nobody serves audience region '{region}'"
                    )
            for region, isps in vendor.edges.items():
                for isp in isps:
                    if isp not in self.audience.isps:
                        raise ValueError(
                            f"vendors.{name}.edges.{region}.{isp}: the audience has isps "
                            f"{', '.join(self.audience.isps)}"
                        )
            for key, tariff in vendor.tariffs.items():
                if tariff.currency not in self.commerce.cny_per:
                    raise ValueError(
                        f"vendors.{name}.tariffs.{key}.currency {tariff.currency} has no rate in "
                        f"commerce.cny_per: {', '.join(self.commerce.cny_per)}"
                    )
        return self

    def incidents_of(self, name: str) -> list[Incident]:
        """Those that the vendor of this name can feel."""
        serves = self.vendors[name].serves
        places = {"region": set(serves), "edge": {f"{r}.{i}" for r in serves
                                                  for i in self.audience.isps}}  # fmt: skip
        return [
            incident
            for incident in self.incidents
            if incident.vendor in (None, name)
            and incident.where in places.get(incident.what, {incident.where})
        ]

    @model_validator(mode="after")
    def _incidents_hit_something(self) -> Scenario:
        regions = {r for v in self.vendors.values() for r in v.serves}
        edges = {f"{r}.{isp}" for r in regions for isp in self.audience.isps}
        places = {"edge": edges, "region": regions, "isp": set(self.audience.isps)}
        for k, incident in enumerate(self.incidents):
            here = f"incidents.{k}"
            if incident.what == "host_uplink":
                if incident.where or incident.vendor:
                    raise ValueError(f"{here}: host_uplink has no where and no vendor")
            elif incident.where not in places[incident.what]:
                raise ValueError(
                    f"{here}.where '{incident.where}' is no {incident.what}: "
                    f"{', '.join(sorted(places[incident.what]))}"
                )
            if incident.vendor is not None and incident.vendor not in self.vendors:
                raise ValueError(
                    f"{here}.vendor '{incident.vendor}' is not compared: {', '.join(self.vendors)}"
                )
        return self
