"""A vendor profile: paths, limits, policies, tariffs; every number with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from sim.scenario.limits import Limit, Rule
from sim.scenario.quantity import (
    GIVEN,
    MOST,
    NUMBER,
    Confidence,
    Fraction,
    Frozen,
    Instant,
    Lasting,
    NotNegative,
    NotNegativeInt,
    Positive,
    PositiveInt,
    Quantity,
    Share,
    Source,
    Wait,
)
from sim.scenario.tariff import Tariff

MOST_FLOW_MBPS = 500_000
"""On the wire to one viewer: what meters count in one word."""

ORDER_WAIT_S = {"value": 3.0, "low": 1.0, "high": 10.0}
"""Assumed: 53 % of mobile visitors leave a page that takes 3 s (Akamai, SOASTA 2017)."""


class Limits(Frozen):
    """What the vendor caps. An absent limit does not exist.

    Wire Mbps are all that passes the cable: overhead, FEC and repetitions use them up too.
    """

    sessions: Positive | None = None
    """Concurrent sessions, in each vendor region."""
    egress_mbps: Positive | None = None
    """The whole path, wire Mbps: overhead, FEC and repetitions included. Where a session reserves
    its share at the door (refuse, queue, overflow) that is the best picture with overhead and FEC;
    what it will have to repeat isn't known yet."""
    joins_per_s: Positive | None = None
    """Joins let into the room a second."""
    token_calls_per_s: Positive | None = None
    """Calls of the vendor's token API a second, one an attempt; absent where the buyer signs."""
    room_viewers: Positive | None = None
    """Audience of one room: sessions of the whole path, all regions together."""
    account_mbps: Positive | None = None
    """Bandwidth of the account: wire Mbps that pass on all paths, the mean since the last look."""
    package_minutes: Positive | None = None
    """Viewer minutes of the night that are paid for, all paths, those before the first frame too;
    then the package is used up."""
    package_gb: Positive | None = None
    """The same in GB of 1e9 bytes on the wire, as `egress_gb` bills them."""
    egress_growth_mbps_per_min: Positive | None = None
    """What the path sends, wire Mbps (or has reserved at the door), may exceed its least of the
    last 60 s by this much."""
    node_viewers: Positive | None = None
    """Viewers on one node of the path's `fleet`."""
    transcodes: NotNegative | None = None
    """Pictures below the best that are made at once; who wants one beyond gets the best."""
    messages_per_s: Positive | None = None
    """Messages the room carries a second, all paths; beyond, product cards wait behind the chat."""

    @field_validator("transcodes", mode="before")
    @classmethod
    def _whole_pictures(cls, written: Any) -> Any:
        """Of a number as it is written; one drawn from its range is rounded where it is used."""
        numbers = written if isinstance(written, Mapping) else {"value": written}
        for key in ("value", "low", "high"):
            number = numbers.get(key)
            if isinstance(number, float) and not number.is_integer():
                raise ValueError(f"{key} {number:g} must be a whole number: pictures are counted")
        return written


OF_THE_VENDOR = [key for limit in Limit for key in limit.spec.of_the_vendor]
"""Limits that hold for all paths together."""
METERED = [key for limit in Limit if limit.spec.rule is Rule.METER
           for key in limit.spec.of_the_vendor]  # fmt: skip
"""Those of them that are read every `scan_s`."""


class Policy(Frozen):
    """What happens at a limit. `overflow`: the next path is tried."""

    sessions: Literal["refuse", "queue", "overflow"] = "refuse"
    joins_per_s: Literal["refuse", "queue", "overflow"] = "refuse"
    token_calls_per_s: Literal["refuse", "queue", "overflow"] = "refuse"
    room_viewers: Literal["refuse", "queue", "overflow"] = "refuse"
    egress_mbps: Literal["degrade", "refuse", "queue", "overflow"] = "degrade"
    """Also where growth, a fleet's nodes or the origin cap the egress."""
    node_viewers: Literal["refuse", "queue", "overflow"] = "refuse"
    account_mbps: Literal["refuse", "cut_off"] = "refuse"
    """`cut_off`: the domain is disabled; nobody gets in, everybody inside is cut off."""
    package: Literal["refuse", "cut_off"] = "refuse"
    scan_s: Lasting | None = None
    """How often the account and the package are looked at; null: each second."""
    cut_off_s: Lasting | None = None
    """How long a cut-off lasts (a package: until another one is bought); null: to the end."""
    joins_burst: Annotated[float, Field(ge=1, le=MOST), NUMBER] | None = None
    """Joins let in at once after a quiet spell; null: what one second allows, at least 1."""
    refusal_s: Wait
    ghost_s: Wait | None = None
    """How long a session that was cut still counts against its quota; null: not at all."""

    def of(self, limit: str) -> str:
        """What happens at a limit of the account."""
        return self.package if limit.startswith("package") else self.account_mbps

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> Policy:
        cuts = [key for key in ("account_mbps", "package") if getattr(self, key) == "cut_off"]
        if cuts and self.ghost_s is None:
            raise ValueError(
                f"ghost_s is needed where a limit's policy is cut_off, here {' and '.join(cuts)}: "
                "how long viewers who are cut off still count (0: not at all)"
            )
        if self.scan_s is not None and self.scan_s.lowest < 1:
            raise ValueError(f"scan_s {self.scan_s.lowest:g} must be at least 1")
        return self


class Layer(Frozen):
    """A rendition below the best one."""

    height: PositiveInt
    bitrate_mbps: Positive


def _rising(times_s: list[float], key: str) -> None:
    for a, b in pairwise(times_s):
        if b <= a:
            raise ValueError(f"{key}: time {b:g} s follows {a:g} s: times must rise")


class Scaling(Frozen):
    """Nodes that are started as the load rises: looked at, started a step at a time, booted."""

    detect_s: Lasting
    """How often the load is looked at."""
    target_share: Share
    """Share of what the nodes (those on their way too) can take, above which a step is started."""
    step_nodes: PositiveInt
    most_nodes: PositiveInt
    boot_s: Wait
    """From the decision to nodes that take viewers."""
    fail_share: Share
    """Chance that a started step never comes; noticed when it should have."""
    warm_nodes: NotNegativeInt
    """Booted nodes that join at once, once; those beyond them are booted."""
    scale_in_after_s: Wait | None = None
    """After so long in which a step fewer would have done, a step is taken away; null: never."""

    @model_validator(mode="after")
    def _some_load(self) -> Scaling:
        if self.target_share.lowest <= 0:
            raise ValueError("target_share must be above 0")
        return self


class Fleet(Frozen):
    """The nodes a path is served by. Viewers on one node: `limits.node_viewers`."""

    nodes: PositiveInt
    """When the show begins. With `scaling` the least there are."""
    node_mbps: Positive | None = None
    """Egress of one node, wire Mbps."""
    cascades: bool
    """Whether one room spreads over the nodes; else it must fit one of them."""
    scaling: Scaling | None = None
    scheduled: Annotated[list[tuple[Instant, PositiveInt]], Field(max_length=1_000)] = []
    """(time_s, nodes): so many are there from then on; with `scaling`, at least so many."""

    @model_validator(mode="after")
    def _consistent(self) -> Fleet:
        if not self.cascades and (self.scaling or self.scheduled):
            raise ValueError(
                f"{'scaling' if self.scaling else 'scheduled'} needs cascades: true, more nodes "
                "don't help a room that must fit one"
            )
        _rising([t for t, _ in self.scheduled], "scheduled")
        if self.scaling is not None:
            most = self.scaling.most_nodes
            for nodes in (self.nodes, *(n for _, n in self.scheduled)):
                if nodes > most:
                    raise ValueError(f"scaling.most_nodes {most} must be at least nodes {nodes}")
        return self


class Origin(Frozen):
    """Where an edge fetches what it hasn't got yet."""

    egress_mbps: Positive
    """Wire Mbps."""
    fetch_s: Wait
    """What a fetch adds to the start-up of who needs it, while the origin isn't full."""
    coalesced: bool
    """Whether viewers who join during a fetch wait for it, or each fetches alone."""
    leak_share: Share
    """Share of all that the path sends which comes from the origin every time."""


LEAST_SPREAD, MOST_SPREAD = 0.001, 3.0
"""Of a Weibull law whose shape can be told; 0 is no law at all."""


def _of_a_law(spread: Quantity) -> Quantity:
    for number in (spread.value, spread.lowest, spread.highest):
        if not (number == 0 or LEAST_SPREAD <= number <= MOST_SPREAD):
            raise ValueError(
                f"spread {number:g} must be 0 or from {LEAST_SPREAD:g} to {MOST_SPREAD:g}"
            )
    return spread


Spread = Annotated[NotNegative, AfterValidator(_of_a_law)]


class Sharing(Frozen):
    """How evenly TCP flows share a full node (measured: tests/field)."""

    spread: Spread
    """Coefficient of variation of a flow's momentary share; 0: all alike."""
    persistence_round_trips: Positive
    """How long a share lasts on average, in round trips, the standing queue included."""
    round_trip_bias: NotNegative
    """Shares fall with a flow's round trip to this power, the standing queue included."""
    newcomer: Share
    """Part of its share that a new flow gets for as long as a share lasts: the others hold it."""
    shortage_at: Literal["network", "sender"] = "network"
    """`sender`: its own interface is what is short; it serves all flows alike."""


OF_REAL_LINKS = ("sharing", "queue_s", "first_window_kb", "frame_overhead_mbps")
"""What a path may say of real links beyond the ideal one; absent: nothing of the kind."""


class Path(Frozen):
    """One way from the vendor to the viewer: its protocol, its pictures, its player, its limits."""

    transport: Literal["tcp", "udp"]
    player: Literal["flv", "rtc"]
    takes: Literal["everyone", "interactive"] = "everyone"
    """Who is offered this path: `interactive`, only viewers who need the host's answer."""
    bitrate_mbps: Positive
    """Of the best picture, `height` lines high."""
    height: PositiveInt
    layers: Annotated[list[Layer], Field(max_length=6)] = []
    """Lower renditions an adaptive viewer falls back to, best first (simulcast, segments)."""
    audio_rung: bool = False
    """Below the last of them, sound alone at `audio_mbps`."""
    react_s: Wait | None = None
    """RTC with layers: how long until the sender has stepped down."""
    overhead: NotNegative
    """Wire bits over media bits, less 1 (headers; FEC and retransmission are apart)."""
    link_share: Share
    """Share of the viewer's link the path can use (eta)."""
    catch_up: Positive
    """Most media a second of play the path fetches behind the live edge."""
    upstream_s: Wait
    """Host to edge: encoding, ingest, core."""
    gop_s: Lasting
    start_buffer_s: Wait
    join_round_trips: NotNegative
    join_server_s: Wait
    # flv
    delay_s: Lasting | None = None
    resume_buffer_s: Lasting | None = None
    lag_limit_s: Lasting | None = None
    speed_up: NotNegative | None = None
    # rtc
    jitter_buffer_s: Lasting | None = None
    keyframe_cached: bool = False
    audio_mbps: NotNegative | None = None
    fec: NotNegative | None = None
    rtx_max: NotNegative | None = None
    rtx_delay_s: Lasting | None = None
    """From a loss to the load of its repetition: a round trip and the wait in a full queue."""
    loss_tolerance: Share | None = None
    udp_shortage: Literal["loss", "pause_some"] = "loss"
    # real links
    sharing: Sharing | None = None
    queue_s: Wait | None = None
    """What stands before a full node: it adds so much to a round trip."""
    frame_overhead_mbps: NotNegative | None = None
    """Wire Mbps that a picture's frames leave empty in their last packets: `overhead` is that of
    the best picture, smaller ones have more of it."""
    first_window_kb: Positive | None = None
    """What a new TCP flow sends in its first round trip; twice as much in each one that follows."""
    background_load: Annotated[list[tuple[Instant, Fraction]], Field(max_length=10_000)] = []
    """(time_s, share of the capacity that other tenants take), straight lines between."""
    fleet: Fleet | None = None
    origin: Origin | None = None
    # a path after the first has limits of its own; the first one's stand under the vendor
    limits: Limits | None = None
    policy: Policy | None = None

    def ideal(self) -> Path:
        """The same without what real links do to it."""
        return self.model_copy(update=dict.fromkeys(OF_REAL_LINKS))

    @property
    def ladder(self) -> list[tuple[int, Quantity]]:
        """(height, bitrate) of all its pictures, best first; sound alone has height 0."""
        rungs = [(self.height, self.bitrate_mbps)]
        rungs += [(layer.height, layer.bitrate_mbps) for layer in self.layers]
        if self.audio_rung and self.audio_mbps is not None:
            rungs.append((0, self.audio_mbps))
        return rungs

    @property
    def wire_mbps(self) -> float:
        """What a viewer of the best picture takes on the wire while nothing is lost: overhead and
        FEC in it."""
        fec = 0.0 if self.fec is None else self.fec.value
        return self.bitrate_mbps.value * (1 + self.overhead.value) * (1 + fec)

    @model_validator(mode="after")
    def _in_order(self) -> Path:
        _rising([t for t, _ in self.background_load], "background_load")
        return self

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

    @model_validator(mode="after")
    def _of_its_transport(self) -> Path:
        for key in ("sharing", "first_window_kb"):
            if getattr(self, key) is not None and self.transport != "tcp":
                raise ValueError(f"{key} is of tcp, here the transport is {self.transport}")
        return self

    @model_validator(mode="after")
    def _can_be_metered(self) -> Path:
        """The most one viewer may be sent: while they catch up, or with all that repairs losses."""
        times = self.catch_up.highest if self.transport == "tcp" else 1.0
        for more in (self.fec, self.rtx_max) if self.transport == "udp" else ():
            times *= 1 + (more.highest if more is not None else 0.0)
        most = max(rate.highest for _, rate in self.ladder) * (1 + self.overhead.highest) * times
        if most > MOST_FLOW_MBPS:
            what = "catch_up" if self.transport == "tcp" else "fec and rtx_max"
            raise ValueError(
                f"bitrate_mbps, overhead and {what} make {most:g} Mbps for one viewer: together "
                f"they must be at most {MOST_FLOW_MBPS}"
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


Places = Annotated[list[str], Field(max_length=100)]


class RegionLimits(Frozen):
    """Numbers of one vendor region."""

    sessions: Positive | None = None
    """Instead of limits.sessions, on the first path."""
    egress_mbps: Positive | None = None
    """Wire Mbps, counted as limits.egress_mbps is; all paths share it, beside their own."""


class EdgeLimits(Frozen):
    """One edge: the vendor's region and the viewer's isp."""

    egress_mbps: Positive
    """Wire Mbps, counted as limits.egress_mbps is; all paths share it."""


class Figure(Frozen):
    """One number of a profile with where it comes from: a row of 'what is assumed'."""

    key: str
    value: float
    low: float
    high: float
    confidence: Confidence
    source: str


class Own(Frozen):
    """The buyer's own servers: what they can't take, no vendor can mend."""

    joins_per_s: Positive | None = None
    """Joins the backend answers a second, asked first at every attempt; absent: any number."""
    policy: Literal["refuse", "queue"] = "refuse"
    """What happens to joins beyond that."""
    orders_per_s: Positive | None = None
    """Orders the shop takes a second, first come, first served; absent: all of them."""
    order_wait_s: Wait | None = None
    """Who would wait longer for that does not order."""

    @model_validator(mode="before")
    @classmethod
    def _patience(cls, given: Any) -> Any:
        """A bare `own.orders_per_s` is enough: how long people wait is assumed then."""
        if isinstance(given, Mapping) and given.get("orders_per_s") is not None:
            return {
                "order_wait_s": ORDER_WAIT_S,
                **{k: v for k, v in given.items() if v is not None},
            }
        return given

    @model_validator(mode="after")
    def _waits_for_something(self) -> Own:
        if self.orders_per_s is None and self.order_wait_s is not None:
            raise ValueError("own.order_wait_s is given, and own.orders_per_s to wait for is not")
        return self


class Vendor(Frozen):
    """A vendor profile: paths in order of preference, limits, policies, tariffs."""

    name: str
    summary: str = ""
    not_billed: str = ""
    """What no tariff here has in it, in a word or two (`operations`): told beside every bill."""
    sources: dict[str, Source] = {}
    serves: Annotated[dict[str, Places], Field(min_length=1, max_length=100)]
    """Vendor region -> the audience regions it serves."""
    paths: Annotated[dict[str, Path], Field(min_length=1)]
    limits: Limits = Limits()
    regions: dict[str, RegionLimits] = {}
    edges: dict[str, dict[str, EdgeLimits]] = {}
    policy: Policy
    own: Own = Own()
    tariffs: Annotated[dict[str, Tariff], Field(min_length=1, max_length=100)]

    @property
    def lists(self) -> list[Tariff]:
        """Price lists it can be bought under; the first is its own."""
        return [tariff for tariff in self.tariffs.values() if not tariff.beside]

    @property
    def add_ons(self) -> list[Tariff]:
        """Price lists that come on top of each of them."""
        return [tariff for tariff in self.tariffs.values() if tariff.beside]

    @model_validator(mode="after")
    def _can_be_bought(self) -> Vendor:
        if not self.lists:
            raise ValueError(
                f"tariffs {', '.join(self.tariffs)}: bought only beside another list (beside), so "
                "one more must be there that can be bought by itself"
            )
        seen: dict[str, str] = {}
        for key, tariff in self.tariffs.items():
            if tariff.name in seen:
                raise ValueError(
                    f"tariffs.{key}.name '{tariff.name}' is also that of tariffs."
                    f"{seen[tariff.name]}: bills are told apart by it"
                )
            seen[tariff.name] = key
        return self

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
            limits = self.limits if k == 0 else path.limits or Limits()
            if limits.transcodes is not None and not path.layers:
                where = "limits" if k == 0 else f"paths.{name}.limits"
                raise ValueError(
                    f"{where}.transcodes is {limits.transcodes.value:g}, and path {name} has no "
                    "layers: nothing is transcoded"
                )
            for key in OF_THE_VENDOR:
                if path.limits is not None and getattr(path.limits, key) is not None:
                    raise ValueError(
                        f"paths.{name}.limits.{key} holds for all paths: it stands under limits"
                    )
            over = [k for k, how in policy if how == "overflow"]
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

    @model_validator(mode="after")
    def _nodes_have_a_size(self) -> Vendor:
        for k, (name, path, limits, _) in enumerate(self.ways()):
            key = f"{'' if k == 0 else f'paths.{name}.'}limits.node_viewers"
            fleet, viewers = path.fleet, limits.node_viewers
            if fleet is None and viewers is not None:
                raise ValueError(
                    f"{key} {viewers.value:g} needs paths.{name}.fleet: no node is given"
                )
            if fleet is not None and fleet.node_mbps is None and viewers is None:
                raise ValueError(f"paths.{name}.fleet needs node_mbps or {key}: nodes have no size")
        return self

    @model_validator(mode="after")
    def _every_rule_has_its_limit(self) -> Vendor:
        """How often a meter is read, and how long it cuts off, without that meter: said in vain."""
        for k, (name, _, limits, policy) in enumerate(self.ways()):
            here = "" if k == 0 else f"paths.{name}."
            metered = [key for key in METERED if k == 0 and getattr(limits, key) is not None]
            cuts = [key for key in metered if policy.of(key) == "cut_off"]
            for key, given, about in (
                ("scan_s", policy.scan_s, metered),
                ("cut_off_s", policy.cut_off_s, cuts),
            ):
                if given is not None and not about:
                    needed = f"one of {', '.join(METERED)}" if k == 0 else "the first path's limits"
                    how = " whose policy is cut_off" if key == "cut_off_s" and k == 0 else ""
                    raise ValueError(
                        f"{here}policy.{key} is {given.value:g}, and nothing is limited that it is "
                        f"about: it needs {needed}{how}"
                    )
        return self

    @property
    def path(self) -> Path:
        """The path that is preferred."""
        return next(iter(self.paths.values()))

    @model_validator(mode="after")
    def _prices_what_there_is(self) -> Vendor:
        """A line that bills a path or region nobody has would bill nothing, in silence."""
        here = {"path": list(self.paths), "region": list(self.serves)}
        for key, tariff in self.tariffs.items():
            for n, line in enumerate(tariff.lines):
                for column, known in here.items():
                    wanted = line.where.get(column, [])
                    for one in [wanted] if isinstance(wanted, str) else wanted:
                        if one not in known:
                            raise ValueError(
                                f"tariffs.{key}.lines.{n}.where.{column} '{one}' is no {column} of "
                                f"this vendor: {', '.join(known)}"
                            )
        return self

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

    def ideal(self) -> Vendor:
        """The same without what real links do (engine.sharing: ideal)."""
        paths = {name: path.ideal() for name, path in self.paths.items()}
        return self.model_copy(update={"paths": paths})

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
