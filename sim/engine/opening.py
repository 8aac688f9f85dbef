"""Everything as it stands when the show begins: rows, player, links, tree, door."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.delivery.door import LIMIT, gate, quota
from sim.delivery.share import (
    FLOW,
    KIND,
    NO_SHARING,
    PATH,
    PAUSE,
    TCP,
    UDP,
    retransmitted,
    tree,
    udp_arrives,
)
from sim.demand import Audience
from sim.engine.meters import meters
from sim.engine.night import EVENT, NOW, SHIFT, Night
from sim.network.links import Links, links_from_classes, links_from_traces
from sim.network.traces import read_traces
from sim.record import (
    HD_LINES,
    ORDERS,
    Limit,
)
from sim.scenario.compose import resolve_file
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Network, Patience, Scenario, Vendor
from sim.viewer.viewer import PLAYER, VIEWER, Kind


def open_for_the_night(
    scenario: Scenario, vendor: Vendor | None, replication: int, audience: Audience
) -> Night:
    """All rows, limits and meters as they stand when the show begins."""
    who, net = audience.viewers, scenario.network
    sample = scenario.audience.sample
    links, round_trip_s, loss = _links(net)
    regions, isps = list(scenario.audience.regions), list(scenario.audience.isps)
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
    player, path = _player(scenario, vendor, replication, audience)
    nodes = _tree(vendor, vendor_regions, isps, sample)
    degrade = vendor is not None and vendor.policy.egress_mbps == "degrade"
    if not degrade or not np.isfinite(nodes["capacity_mbps"]).any():
        path["sharing"] = NO_SHARING

    rows = np.zeros(len(who), VIEWER)
    for key in ("bin", "j", "access", "arrival_s", "exit_s", "mean_mbps"):
        rows[key] = who[key]
    rows["w"] = who["intention_s"]
    rows["initial"] = who["bin"] < 0
    rows["region"] = region_of_audience[who["region"]]
    rows["edge"] = rows["region"] * len(isps) + who["isp"]
    rows["rtt_s"] = round_trip_s[who["access"]]
    tops = np.array([d.top_mbps for d in scenario.audience.devices.values()])
    rows["top_mbps"] = tops[who["device"]]

    wishes = audience.orders
    orders = np.zeros(len(wishes), ORDERS)
    for key in wishes.dtype.names or ():
        orders[key] = wishes[key]
    orders["latency_s"] = np.nan
    bounds = np.searchsorted(wishes["viewer"], np.arange(len(who) + 1))
    rows["order"], rows["order_end"] = bounds[:-1], bounds[1:]

    kinds = np.zeros((edges, len(loss)), KIND)
    kinds["link_loss"], kinds["arrives_mbps"] = loss, np.inf
    if path["udp_mbps"][0] > 0:
        for c, p in enumerate(loss):
            sent = path["udp_mbps"][0] * (1 + path["fec"][0]) * (1 + retransmitted(path[0], p))
            kinds["nominal_bps"][:, c] = round(sent * 1e6)
            kinds["arrives_mbps"][:, c] = udp_arrives(path[0], player["rate_mbps"][0], p)
    kinds["passed_bps"] = kinds["nominal_bps"]
    _meters_can_count(
        scenario, audience, max(kinds["nominal_bps"].max(), player["rate_mbps"][0] * 1e6)
    )
    # Going back is for UDP shortage in the fast engine; a stretch that is too large is kept.
    back = path["sharing"][0] == UDP and scenario.engine.kind == "fast"
    keep = min(4 * len(who) + 16, 50_000) if back else 0
    return Night(
        rows=rows, player=player, path=path, links=links, nodes=nodes, kinds=kinds,
        door=_door(vendor, vendor_regions, isps, sample),
        # Twice: a place each, and as many that were left within one stretch.
        flows=np.zeros(2 * len(who) + 1, FLOW), due_s=np.zeros(2 * len(who) + 1),
        heap=np.zeros(4 * len(who) + 9, EVENT),
        order_of=np.argsort(rows["arrival_s"], kind="stable"),
        touched=np.zeros(len(who), np.int64), orders=orders,
        before=np.zeros(keep, VIEWER), before_of=np.zeros(keep, np.int64),
        before_slot=np.zeros(keep, np.int64), shifts=np.zeros(keep, SHIFT),
        meters=meters(audience.demand.duration_s, edges, len(vendor_regions)),
        now=np.zeros(1, NOW),
    )  # fmt: skip


def _meters_can_count(scenario: Scenario, audience: Audience, bps: float) -> None:
    """Meters count bits a second x microseconds in 63 bits: 900 Gbps in a bin of ten seconds."""
    most = 9e11 / (2 * bps) / scenario.audience.sample
    if audience.demand.offered_peak > most:
        raise ScenarioError(
            f"promotion.peak_viewers {audience.demand.offered_peak:.0f} is more than the meters "
            f"count ({most:.0f} at this bitrate): set audience.sample below "
            f"{scenario.audience.sample * most / audience.demand.offered_peak:.2g}"
        )


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
        player[f"{key}_s"][0, : len(times)] = times
        player[f"{key}_hazard"][0, : len(times)] = -np.log1p(-np.array(left))


def _player(
    scenario: Scenario, vendor: Vendor | None, replication: int, audience: Audience
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """PLAYER and PATH records of the vendor's path, or of the reference player."""
    a, reference = scenario.audience, scenario.audience.reference
    player, path = np.zeros(1, PLAYER), np.zeros(1, PATH)
    path["wire"] = 1.0
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
    )  # fmt: skip
    player["backoff_s"][0, : len(a.retry.backoff_s)] = a.retry.backoff_s
    _put_patience(player, "patience", a.patience)
    _put_patience(player, "room", a.waiting_room_patience)
    if vendor is None:
        _set(
            player,
            kind=Kind.REFERENCE, hd=True, rate_mbps=1.0, catch_up=1.0,
            link_share=reference.link_share.value, hd_from_mbps=reference.hd_from_mbps,
            frozen_below_mbps=reference.frozen_below_mbps,
            target_s=scenario.commerce.latency_free_s.value,
        )  # fmt: skip
        return player, path
    it = vendor.path
    _set(
        player,
        hd=it.height >= HD_LINES, rate_mbps=it.bitrate_mbps.value, link_share=it.link_share.value,
        catch_up=it.catch_up.value, upstream_s=it.upstream_s.value, gop_s=it.gop_s.value,
        start_s=it.start_buffer_s.value, join_round_trips=it.join_round_trips.value,
        join_server_s=it.join_server_s.value, refusal_s=vendor.policy.refusal_s.value,
    )  # fmt: skip
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
        )  # fmt: skip
    wire = 1.0 + it.overhead.value
    _set(path, wire=wire, sharing=TCP)
    if it.transport == "udp":
        assert it.fec and it.rtx_max and it.loss_tolerance
        _set(
            path,
            sharing=PAUSE if it.udp_shortage == "pause_some" else UDP,
            udp_mbps=it.bitrate_mbps.value * wire, fec=it.fec.value, rtx_max=it.rtx_max.value,
            tolerance=it.loss_tolerance.value,
        )  # fmt: skip
    return player, path


def _set(record: NDArray[np.void], **values: float) -> None:
    for key, value in values.items():
        record[key] = value


def _tree(
    vendor: Vendor | None, regions: list[str], isps: list[str], sample: float
) -> NDArray[np.void]:
    edge = np.full(len(regions) * len(isps), np.inf)
    region = np.full(len(regions), np.inf)
    whole = np.inf
    if vendor is not None:
        for r, name in enumerate(regions):
            limits = vendor.regions.get(name)
            if limits is not None and limits.egress_mbps is not None:
                region[r] = limits.egress_mbps.value * sample
            for k, isp in enumerate(isps):
                if isp in vendor.edges.get(name, {}):
                    edge[r * len(isps) + k] = vendor.edges[name][isp].egress_mbps.value * sample
        if vendor.limits.egress_mbps is not None:
            whole = vendor.limits.egress_mbps.value * sample
    return tree(edge, np.repeat(np.arange(len(regions)), len(isps)), region, whole)


def _door(
    vendor: Vendor | None, regions: list[str], isps: list[str], sample: float
) -> NDArray[np.void]:
    """Limits in the order they are asked: gate, then quotas."""
    limits: list[NDArray[np.void]] = []
    if vendor is None:
        return np.zeros(0, LIMIT)
    policy, joins = vendor.policy, vendor.limits.joins_per_s
    if joins is not None:
        burst = (policy.joins_burst or joins.value) * sample
        limits.append(gate(joins.value * sample, max(1.0, burst), policy.joins_per_s == "queue"))
    for r, name in enumerate(regions):
        own = vendor.regions.get(name)
        cap = own.sessions if own is not None and own.sessions is not None else None
        cap = vendor.limits.sessions if cap is None else cap
        if cap is not None:
            queue = policy.sessions == "queue"
            limits.append(quota(cap.value * sample, 1.0, queue, Limit.SESSIONS, region=r))
    if policy.egress_mbps != "degrade":
        # Reserved at the door: a session takes what it sends when nothing is lost.
        path, queue = vendor.path, policy.egress_mbps == "queue"
        each = path.bitrate_mbps.value * (1 + path.overhead.value)
        each *= 1 + (path.fec.value if path.fec is not None else 0.0)
        nodes = _tree(vendor, regions, isps, sample)["capacity_mbps"]
        edges = len(regions) * len(isps)
        caps = [(float(nodes[-1]), Limit.EGRESS_VENDOR, -1, -1)]
        caps += [(float(nodes[edges + r]), Limit.EGRESS_REGION, r, -1) for r in range(len(regions))]
        caps += [(float(nodes[e]), Limit.EGRESS_EDGE, -1, e) for e in range(edges)]
        limits += [quota(c, each, queue, code, r, e) for c, code, r, e in caps if np.isfinite(c)]
    return np.concatenate(limits) if limits else np.zeros(0, LIMIT)
