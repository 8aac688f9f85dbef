"""Everything as it stands when the show begins: rows, player, links, tree, door."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sim.delivery.door import GB, LIMIT, MBPS, MINUTES, gate, meter, quota
from sim.delivery.messages import SECOND
from sim.delivery.share import (
    FLOW,
    KIND,
    NO_SHARING,
    PATH,
    PAUSE,
    TCP,
    UDP,
    carry,
    retransmitted,
    tree,
)
from sim.demand import Audience
from sim.engine.meters import meters
from sim.engine.night import BREAK, EVENT, INCIDENT, NOW, SHIFT, Night
from sim.engine.supply import caps_egress, changes, grant, supply_of
from sim.network.links import Links, links_from_classes, links_from_traces
from sim.network.traces import read_traces
from sim.record import HD_LINES, ORDERS
from sim.scenario.compose import resolve_file
from sim.scenario.limits import Limit, Rule, Scope, cap_of, caps_of
from sim.scenario.model import Incident, Network, Patience, Promotion, Scenario
from sim.scenario.vendor import Limits, Path, Policy, Vendor
from sim.viewer.viewer import LAYERS, LEAST_REFILL_S, PLAYER, VIEWER, Kind


def open_for_the_night(
    scenario: Scenario,
    vendor: Vendor | None,
    replication: int,
    audience: Audience,
    world: str,
    name: str,
) -> Night:
    """All rows, limits and meters as they stand when the show begins.

    In the world `incidents` what the scenario schedules for the vendor of this `name` happens.
    """
    who, net = audience.viewers, scenario.network
    sample = scenario.audience.sample
    links, round_trip_s, loss = _links(net)
    regions, isps = scenario.audience.every_region, scenario.audience.every_isp
    if vendor is None:
        vendor_regions, region_of_audience = ["all"], np.zeros(len(regions), np.int64)
    else:
        vendor_regions = list(vendor.serves)
        region_of_audience = np.array(
            [
                next(k for k, r in enumerate(vendor_regions) if a in vendor.serves[r])
                for a in regions
            ]
        )
    edges = len(vendor_regions) * len(isps)
    player, path = _players(scenario, vendor, replication, audience)
    nodes = _tree(vendor, vendor_regions, isps, sample)
    leaves, layers = len(path) * edges, int(player["layers"].max())
    breaks = scenario.incidents_of(name) if world == "incidents" else []
    incidents, hit, events = _incidents(breaks, nodes, leaves, vendor_regions, isps)
    _who_shares(path, nodes, leaves, incidents, hit, _bends(vendor))

    rows = np.zeros(len(who), VIEWER)
    for key in ("bin", "j", "access", "arrival_s", "exit_s", "mean_mbps", "interactive", "device"):
        rows[key] = who[key]
    rows["w"] = who["intention_s"]
    rows["initial"] = who["bin"] < 0
    rows["region"] = region_of_audience[who["region"]]
    rows["place"] = rows["region"] * len(isps) + who["isp"]
    rows["rtt_s"] = round_trip_s[who["access"]]
    tops = np.array([top_mbps for _, top_mbps in scenario.audience.every_device])
    rows["top_mbps"] = tops[who["device"]]

    wishes = audience.orders
    orders = np.zeros(len(wishes), ORDERS)
    for key in wishes.dtype.names or ():
        orders[key] = wishes[key]
    orders["latency_s"] = np.nan
    bounds = np.searchsorted(wishes["viewer"], np.arange(len(who) + 1))
    rows["order"], rows["order_end"] = bounds[:-1], bounds[1:]

    kinds = _kinds(player, path, leaves, layers, loss)
    now = np.zeros(1, NOW)
    now["places"], now["most_layers"] = edges, layers
    now["changing"] = changes(vendor)
    binds = (path["sharing"] != NO_SHARING).any() or (player["transcodes"] < LAYERS).any()
    now["layered"] = layers > 1 and binds
    now["look_s"], now["cut_s"] = np.inf, -np.inf
    talk = None if vendor is None else vendor.limits.messages_per_s
    now["messages_per_s"] = np.inf if talk is None else talk.value
    now["chat_per_s"] = scenario.audience.messages_per_viewer_s.value / sample
    now["most_sent_per_s"] = scenario.audience.chat.most_sent_per_s
    seconds = 0 if talk is None else int(audience.demand.duration_s) + 1
    messages = np.zeros(seconds, SECOND)
    messages["grows_per_s"] = -now["messages_per_s"]  # nobody has been counted yet
    limits = _door(vendor, vendor_regions, isps, sample)
    # Going back is for UDP shortage in small crowds; a stretch that is too large is kept.
    back = (path["sharing"] == UDP).any() and scenario.engine.kind == "fast"
    keep = min(4 * len(who) + 16, 20_000) if back else 0
    places = 2 * len(who) + 1  # one each, and as many that were left within one stretch
    ghosts = int((incidents["left"] == 0).sum())  # each may leave one of everybody
    ghosts += _ghosts_of(limits, player, audience.demand.duration_s)
    supply = supply_of(
        vendor, nodes, limits, (leaves, layers), len(who), audience.demand.duration_s, sample
    )
    night = Night(
        rows=rows, player=player, path=path, links=links, nodes=nodes, kinds=kinds,
        door=limits, supply=supply,
        breaks=events, incidents=incidents, hit=hit, left_mbps=np.zeros(hit.shape),
        flows=np.zeros(places, FLOW), due_s=np.zeros(places), cap_mbps=np.zeros(places),
        want_mbps=np.zeros(places), heap=np.zeros((8 + ghosts) * len(who) + 9, EVENT),
        order_of=np.argsort(rows["arrival_s"], kind="stable"),
        touched=np.zeros(3 * places, np.int64), orders=orders,
        messages=messages, waits=np.zeros(len(orders) if seconds else 0, bool),
        before=np.zeros(keep, VIEWER), before_of=np.zeros(keep, np.int64),
        before_slot=np.zeros(keep, np.int64), shifts=np.zeros(keep, SHIFT),
        meters=meters(
            audience.demand.duration_s, leaves, len(path), len(vendor_regions), LAYERS
        ),
        now=now,
    )  # fmt: skip
    if len(supply.path):
        grant(night, 0)
    return night


def _kinds(
    player: NDArray[np.void],
    path: NDArray[np.void],
    leaves: int,
    layers: int,
    loss: NDArray[np.float64],
) -> NDArray[np.void]:
    """KIND (leaf, access class x layer) of the paths that use UDP."""
    kinds = np.zeros((leaves, len(loss) * layers), KIND)
    kinds["link_loss"], kinds["arrives_mbps"] = np.repeat(loss, layers), np.inf
    edges = leaves // len(path)
    for k in np.flatnonzero(path["udp"]):
        for leaf in kinds[k * edges : (k + 1) * edges]:
            for c, p in enumerate(loss):
                for layer in range(int(player["layers"][k])):
                    kind = leaf[c * layers + layer]
                    kind["again"] = retransmitted(path[k], p)
                    carry(kind, path[k], player["layer_mbps"][k, layer])
    return kinds


def _incidents(
    breaks: list[Incident],
    nodes: NDArray[np.void],
    leaves: int,
    regions: list[str],
    isps: list[str],
) -> tuple[NDArray[np.void], NDArray[np.bool_], NDArray[np.void]]:
    """INCIDENT, (incident, node) hit, and BREAK by time.

    An edge or an isp is hit where it stands, a region as a whole: what is left of it is shared.
    """
    incidents = np.zeros(len(breaks), INCIDENT)
    hit = np.zeros((len(breaks), len(nodes)), bool)
    events = []
    for j, incident in enumerate(breaks):
        places = incident.what.places(regions, isps)
        incidents[j] = (incident.left, places is None, False)
        for leaf in nodes[:leaves]:
            if (
                places is not None
                and places[leaf["edge_at"] - nodes[0]["edge_at"]] == incident.where
            ):
                whole = incident.what.spec.whole_region and incident.left > 0
                hit[j, leaf["region_at"] if whole else leaf["edge_at"]] = True
        begins, ends = incident.time_s, incident.time_s + incident.duration_s
        events += [(begins, j, True), (ends, j, False)]
    events.sort(key=lambda e: (e[0], e[2]))  # what ends comes before what begins
    return incidents, hit, np.array(events, BREAK)


def _who_shares(
    path: NDArray[np.void],
    nodes: NDArray[np.void],
    leaves: int,
    incidents: NDArray[np.void],
    hit: NDArray[np.bool_],
    bends: list[bool],
) -> None:
    """Write how each path shares; where none of its nodes can ever be full it doesn't.

    `bends`: paths whose whole egress is capped and shared by those who are in.
    """
    narrow = np.isfinite(nodes["capacity_mbps"]) | hit[(incidents["left"] > 0)].any(axis=0)
    for leaf in nodes[:leaves]:
        narrow[leaf["top_at"]] |= bends[leaf["path"]]
        if narrow[[leaf["edge_at"], leaf["region_at"], leaf["top_at"]]].any():
            path["sharing"][leaf["path"]] = path["by"][leaf["path"]]
    nodes["sharing"][:leaves] = path["sharing"][nodes["path"][:leaves]]


def _links(net: Network) -> tuple[Links, NDArray[np.float64], NDArray[np.float64]]:
    """Link tables, round trips (s) and UDP loss by access class."""
    if net.kind == "replay":
        assert net.traces is not None
        links = links_from_traces(read_traces(resolve_file("network.traces", net.traces)))
        return links, np.array([net.trace_round_trip_ms / 1e3]), np.array([net.trace_loss])
    assert net.mix is not None
    classes = [net.classes[name] for name in net.mix]
    return (
        links_from_classes(classes),
        np.array([c.round_trip_ms / 1e3 for c in classes]),
        np.array([c.loss for c in classes]),
    )


def _put_patience(player: NDArray[np.void], key: str, patience: Patience | None) -> None:
    """Write a patience curve as times and cumulative hazard."""
    if patience is not None:
        times, left = zip((patience.free_s, 0.0), *patience.left_by, strict=True)
        player[f"{key}_points"] = len(times)
        player[f"{key}_s"][:, : len(times)] = times
        player[f"{key}_hazard"][:, : len(times)] = -np.log1p(-np.array(left))


def _players(
    scenario: Scenario, vendor: Vendor | None, replication: int, audience: Audience
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """PLAYER and PATH of each of the vendor's paths, or of the reference player."""
    a = scenario.audience
    ways = [] if vendor is None else vendor.ways()
    player, path = np.zeros(max(1, len(ways)), PLAYER), np.zeros(max(1, len(ways)), PATH)
    _set(
        player,
        kappa=a.kappa.value,
        sd_rundown=a.sd_rundown.value,
        freeze_free_s=a.stall_patience_free_s.value,
        freeze_patience_s=np.inf if a.stall_patience_mean_s is None
        else a.stall_patience_mean_s.value,
        rejoin_share=a.retry.rejoin_share,
        jitter_s=a.retry.jitter_s,
        retries=len(a.retry.backoff_s),
        threshold_s=scenario.engine.freeze_threshold_s,
        merge_s=scenario.engine.stall_merge_s,
        show_s=audience.demand.duration_s,
        seed=scenario.seed,
        replication=replication,
        lag_limit_s=np.inf,
        hd_from_mbps=a.reference.hd_from_mbps,
        source=1.0,
        transcodes=LAYERS,
    )  # fmt: skip
    player["backoff_s"][:, : len(a.retry.backoff_s)] = a.retry.backoff_s
    _put_patience(player, "patience", a.patience)
    _put_patience(player, "room", a.waiting_room_patience)
    if vendor is None:
        reference = a.reference
        path["wire"] = 1.0
        _set(
            player,
            kind=Kind.REFERENCE, layers=1, catch_up=1.0,
            link_share=reference.link_share.value,
            frozen_below_mbps=reference.frozen_below_mbps,
            target_s=scenario.commerce.latency_free_s.value,
        )  # fmt: skip
        player["layer_mbps"][0, 0], player["layer_hd"][0, 0] = 1.0, True
        player["whole_mbps"] = player["layer_mbps"]
    lines = [height for height, _ in a.every_device]
    for k, (_, way, limits, policy) in enumerate(ways):
        _put_path(player[k : k + 1], path[k : k + 1], way, policy, lines)
        _put_transcodes(player[k : k + 1], way, limits)
        _put_host(player[k : k + 1], way, limits, scenario.promotion)
    return player, path


def _put_path(
    player: NDArray[np.void],
    path: NDArray[np.void],
    it: Path,
    policy: Policy,
    devices: list[int],
) -> None:
    """Write one path; `devices`: the highest picture each shows, in lines."""
    _set(
        player,
        link_share=it.link_share.value, interactive_only=it.takes == "interactive",
        catch_up=it.catch_up.value, upstream_s=it.upstream_s.value, gop_s=it.gop_s.value,
        start_s=it.start_buffer_s.value, join_round_trips=it.join_round_trips.value,
        join_server_s=it.join_server_s.value, refusal_s=policy.refusal_s.value,
        ghost_s=policy.ghost_s.value if policy.ghost_s is not None else 0.0,
        layers=len(it.ladder), react_s=it.react_s.value if it.react_s is not None else 0.0,
    )  # fmt: skip
    lines = [height for height, _ in it.ladder]
    for k, (height, rate) in enumerate(it.ladder):
        player["layer_mbps"][0, k] = rate.value
        player["layer_hd"][0, k], player["layer_audio"][0, k] = height >= HD_LINES, height == 0
    pictures = [k for k, height in enumerate(lines) if height > 0]
    for d, most in enumerate(devices):
        player["top"][0, d] = next((k for k in pictures if lines[k] <= most), pictures[-1])
    if it.player == "flv":
        assert it.delay_s and it.resume_buffer_s and it.speed_up
        _set(
            player,
            kind=Kind.FLV, target_s=it.delay_s.value, resume_s=it.resume_buffer_s.value,
            speed_up=it.speed_up.value,
        )  # fmt: skip
        if it.lag_limit_s is not None:
            player["lag_limit_s"] = it.lag_limit_s.value
    else:
        assert it.jitter_buffer_s and it.audio_mbps
        _set(
            player,
            kind=Kind.RTC, target_s=it.jitter_buffer_s.value, audio_mbps=it.audio_mbps.value,
            keyframe_cached=it.keyframe_cached,
            resume_s=max(it.start_buffer_s.value, LEAST_REFILL_S),
        )  # fmt: skip
    _set(path, wire=1.0 + it.overhead.value, by=TCP, udp=it.transport == "udp")
    if it.transport == "udp":
        assert it.fec and it.rtx_max and it.rtx_delay_s and it.loss_tolerance
        _set(
            path,
            by=PAUSE if it.udp_shortage == "pause_some" else UDP, fec=it.fec.value,
            rtx_max=it.rtx_max.value, rtx_delay_s=it.rtx_delay_s.value,
            tolerance=it.loss_tolerance.value,
        )  # fmt: skip


def _bends(vendor: Vendor | None) -> list[bool]:
    ways = vendor.ways() if vendor is not None else []
    return [
        policy.egress_mbps == "degrade" and caps_egress(path, limits)
        for _, path, limits, policy in ways
    ] or [False]


def _put_transcodes(player: NDArray[np.void], it: Path, limits: Limits) -> None:
    """Where not all pictures can be made at once, none is until somebody wants it."""
    if limits.transcodes is not None and limits.transcodes.value < len(it.layers):
        player["transcodes"] = round(limits.transcodes.value)
        player["missing"][0, 1 : 1 + len(it.layers)] = 1


def _put_host(player: NDArray[np.void], it: Path, limits: Limits, promotion: Promotion) -> None:
    """What the host makes of it himself: RTC's every picture, unless the vendor transcodes."""
    player["whole_mbps"] = player["layer_mbps"]
    rates = [it.bitrate_mbps.value]
    if promotion.host_adapts and it.player == "rtc" and limits.transcodes is None:
        rates += [layer.bitrate_mbps.value for layer in it.layers]
    player["sent_pictures"], player["lowest_mbps"] = len(rates), rates[-1]
    if promotion.host_adapts:
        player["lowest_mbps"] = min(rates[-1], promotion.host_lowest_mbps.value)


def _set(record: NDArray[np.void], **values: float) -> None:
    for key, value in values.items():
        record[key] = value


def _tree(
    vendor: Vendor | None, regions: list[str], isps: list[str], sample: float
) -> NDArray[np.void]:
    """Capacities that are shared by degrading everyone; what is reserved at the door isn't here."""
    edge, region, tops = _capacities(vendor, regions, isps, sample)
    ways = vendor.ways() if vendor is not None else []
    degrades = [policy.egress_mbps == "degrade" for _, _, _, policy in ways] or [False]
    if not any(degrades):
        edge, region = np.full_like(edge, np.inf), np.full_like(region, np.inf)
    tops = [c if here else np.inf for c, here in zip(tops, degrades, strict=True)]
    return tree(edge, np.repeat(np.arange(len(regions)), len(isps)), region, tops)


def _capacities(
    vendor: Vendor | None, regions: list[str], isps: list[str], sample: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[float]]:
    """Wire Mbps of each edge, region and path; infinite where there is no limit."""
    if vendor is None:
        return np.full(len(regions) * len(isps), np.inf), np.full(len(regions), np.inf), [np.inf]
    most = partial(cap_of, vendor=vendor, sample=sample)
    edge = [most(Limit.EGRESS_EDGE, region=r, isp=i) for r in regions for i in isps]
    region = [most(Limit.EGRESS_REGION, region=r) for r in regions]
    return (
        np.array(edge),
        np.array(region),
        [most(Limit.EGRESS_VENDOR, path=p) for p in vendor.paths],
    )


def _door(
    vendor: Vendor | None, regions: list[str], isps: list[str], sample: float
) -> NDArray[np.void]:
    """Limits in the order they are asked: the buyer's own, then path by path gates and quotas, last
    the meters of the account."""
    if vendor is None:
        return np.zeros(0, LIMIT)
    own, account = ([x for x in Limit if x.spec.rule is rule and x.spec.scope == "account"]
                    for rule in (Rule.GATE, Rule.METER))  # fmt: skip
    of_a_path = [x for x in Limit if x.spec.rule in AT_THE_DOOR and x.spec.scope != "account"]
    out = [gate(per_s, max(1.0, per_s), vendor.own.policy, EVERY_PATH, limit)
           for limit in own for per_s in caps_of(limit, vendor, sample).values()]  # fmt: skip
    for k, limit in product(range(len(vendor.paths)), of_a_path):
        out += _of_path(limit, vendor, k, regions, isps, sample)
    for limit in account:
        out += _meters(limit, vendor, sample)
    return np.concatenate(out) if out else np.zeros(0, LIMIT)


EVERY_PATH = -1
AT_THE_DOOR = (Rule.GATE, Rule.QUOTA, Rule.SHARE)


def _of_path(
    limit: Limit, vendor: Vendor, k: int, regions: list[str], isps: list[str], sample: float
) -> Iterator[NDArray[np.void]]:
    """The limit's records at the door of path k, one a place."""
    spec, (name, path, limits, policy) = limit.spec, vendor.ways()[k]
    how = getattr(policy, spec.policy)
    if spec.rule is Rule.SHARE and how == "degrade":
        return  # the sharing tree has it
    each = path.wire_mbps if spec.rule is Rule.SHARE else 1.0
    # Growth, nodes and origin change what the path may send: `supply` fills in how much.
    changes = limit is Limit.EGRESS_VENDOR and caps_egress(path, limits)
    for region, isp, r, leaf in _places(spec.scope, k, regions, isps):
        cap = cap_of(limit, vendor, sample, name, region, isp)
        if spec.rule is Rule.GATE and np.isfinite(cap):
            most = getattr(policy, spec.burst, None) if spec.burst else None
            burst = cap if most is None else most * sample
            yield gate(cap, max(1.0, burst), how, k, limit)
        elif np.isfinite(cap) or changes:
            yield quota(cap, each, how, limit, k, r, leaf)


def _places(
    scope: Scope, k: int, regions: list[str], isps: list[str]
) -> Iterator[tuple[str, str, int, int]]:
    """Region, operator, and which region and leaf of path k (-1: all) one number holds for."""
    if scope == "path":
        yield "", "", -1, -1
    for r, region in enumerate(regions):
        if scope == "region":
            yield region, "", r, -1
        for i, isp in enumerate(isps if scope == "edge" else ()):
            yield region, isp, -1, (k * len(regions) + r) * len(isps) + i


METERS = {"Mbps": MBPS, "GB": GB, "min": MINUTES}


def _meters(limit: Limit, vendor: Vendor, sample: float) -> Iterator[NDArray[np.void]]:
    """What the vendor reads of all paths together."""
    policy, how = vendor.policy, getattr(vendor.policy, limit.spec.policy)
    scan_s = 1.0 if policy.scan_s is None else policy.scan_s.value
    cut_off_s = np.inf if policy.cut_off_s is None else policy.cut_off_s.value
    for unit, cap in caps_of(limit, vendor, sample).items():
        yield meter(METERS[unit], cap, how, limit, scan_s, cut_off_s)


def _ghosts_of(limits: NDArray[np.void], player: NDArray[np.void], show_s: float) -> int:
    """How many ghosts of one viewer cut-offs can leave at once."""
    meters = limits[(limits["kind"] >= MBPS) & limits["cut_off"]]
    ghost_s = min(player["ghost_s"].max(), show_s)
    return sum(int(ghost_s // max(m["scan_s"], m["cut_off_s"])) + 1 for m in meters)
