"""Everything as it stands when the show begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.delivery.messages import SECOND
from sim.delivery.share import (
    FLOW,
    NO_SHARING,
    UDP,
)
from sim.demand import Audience
from sim.engine.build.admission import door_of, most_ghosts
from sim.engine.build.incidents import incidents_of
from sim.engine.build.players import links_of, players
from sim.engine.build.sharing_tree import bending, flow_kinds, sharing_tree, write_sharing
from sim.engine.meters import meters
from sim.engine.process.supply import changes, grant, supply_of
from sim.engine.state import EVENT, NOW, SHIFT, SimState, orders_of
from sim.scenario.limits import Limit, cap_of
from sim.scenario.model import Scenario
from sim.scenario.vendor import Vendor
from sim.viewer.viewer import LAYERS, VIEWER


def initial_state(
    scenario: Scenario,
    vendor: Vendor | None,
    replication: int,
    audience: Audience,
    world: str,
    name: str,
) -> SimState:
    """All rows, limits and meters as they stand when the show begins.

    In the world `incidents` what the scenario schedules for the vendor of this `name` happens.
    """
    who, duration_s = audience.viewers, audience.demand.duration_s
    sample, isps = scenario.audience.sample, scenario.audience.every_isp
    vendor_regions = ["all"] if vendor is None else list(vendor.serves)
    links, round_trip_s, loss = links_of(scenario.network)
    player, path = players(scenario, vendor, replication, audience)
    nodes = sharing_tree(vendor, vendor_regions, isps, sample)
    edges = len(vendor_regions) * len(isps)
    leaves, layers = len(path) * edges, int(player["layers"].max())
    breaks = scenario.incidents_of(name) if world == "incidents" else []
    incidents, hit, events = incidents_of(breaks, nodes, leaves, vendor_regions, isps)
    write_sharing(path, nodes, leaves, incidents, hit, bending(vendor))
    door = door_of(vendor, vendor_regions, isps, sample)
    supply = supply_of(vendor, nodes, door, (leaves, layers), len(who), duration_s, sample)
    rows = _rows(scenario, vendor, audience, round_trip_s)
    now = _now(scenario, vendor, player, path, edges)
    carried = np.isfinite(now["messages_per_s"][0])
    messages = np.zeros(int(duration_s) + 1 if carried else 0, SECOND)
    messages["grows_per_s"] = -now["messages_per_s"]  # nobody has been counted yet
    # Going back is for UDP shortage in small crowds; a stretch that is too large is kept.
    back = (path["sharing"] == UDP).any() and scenario.engine.kind == "fast"
    keep = min(4 * len(who) + 16, 20_000) if back else 0
    places = 2 * len(who) + 1  # one each, and as many that were left within one stretch
    ghosts = int((incidents["left"] == 0).sum())  # each may leave one of everybody
    ghosts += most_ghosts(door, player, duration_s)
    orders = orders_of(audience)
    orders["latency_s"] = np.nan
    night = SimState(
        rows=rows, player=player, path=path, links=links, nodes=nodes,
        kinds=flow_kinds(player, path, leaves, layers, loss), door=door, supply=supply,
        breaks=events, incidents=incidents, hit=hit, left_mbps=np.zeros(hit.shape),
        flows=np.zeros(places, FLOW), due_s=np.zeros(places), cap_mbps=np.zeros(places),
        want_mbps=np.zeros(places), heap=np.zeros((8 + ghosts) * len(who) + 9, EVENT),
        order_of=np.argsort(rows["arrival_s"], kind="stable"),
        touched=np.zeros(3 * places, np.int64), orders=orders,
        messages=messages, waits=np.zeros(len(orders) if carried else 0, bool),
        before=np.zeros(keep, VIEWER), before_of=np.zeros(keep, np.int64),
        before_slot=np.zeros(keep, np.int64), shifts=np.zeros(keep, SHIFT),
        meters=meters(duration_s, leaves, len(path), len(vendor_regions), LAYERS), now=now,
    )  # fmt: skip
    if len(supply.path):
        grant(night, 0)
    return night


def _rows(
    scenario: Scenario, vendor: Vendor | None, audience: Audience, round_trip_s: NDArray[np.float64]
) -> NDArray[np.void]:
    """VIEWER, before anybody has come. `round_trip_s` by access class."""
    who, room = audience.viewers, scenario.audience
    rows = np.zeros(len(who), VIEWER)
    for key in ("bin", "j", "access", "arrival_s", "exit_s", "mean_mbps", "interactive", "device"):
        rows[key] = who[key]
    rows["intention_left_s"] = who["intention_s"]
    rows["initial"] = who["bin"] < 0
    rows["region"] = _served_in(vendor, room.every_region)[who["region"]]
    rows["place"] = rows["region"] * len(room.every_isp) + who["isp"]
    rows["first"] = _first_paths(vendor, audience)
    rows["rtt_s"] = round_trip_s[who["access"]]
    rows["top_mbps"] = np.array([top_mbps for _, top_mbps in room.every_device])[who["device"]]
    bounds = np.searchsorted(audience.orders["viewer"], np.arange(len(who) + 1))
    rows["order"], rows["order_end"] = bounds[:-1], bounds[1:]
    return rows


def _first_paths(vendor: Vendor | None, audience: Audience) -> NDArray[np.int64]:
    """Of each viewer: what a file says, where the vendor has a path of the name; else the first
    path that takes them."""
    who = audience.viewers
    if vendor is None:
        return np.zeros(len(who), np.int64)
    names, first = list(vendor.paths), next(iter(vendor.paths.values()))
    usual = np.where((first.takes == "interactive") & ~who["interactive"], 1, 0)
    said = np.array([-1, *(names.index(p) if p in names else -1 for p in audience.paths)])
    return np.where(said[who["first"]] < 0, usual, said[who["first"]])


def _served_in(vendor: Vendor | None, regions: list[str]) -> NDArray[np.int64]:
    """Of each region of the audience, which of the vendor's regions serves it."""
    if vendor is None:
        return np.zeros(len(regions), np.int64)
    serves = list(vendor.serves.values())
    return np.array([next(k for k, s in enumerate(serves) if r in s) for r in regions])


def _now(
    scenario: Scenario,
    vendor: Vendor | None,
    player: NDArray[np.void],
    path: NDArray[np.void],
    edges: int,
) -> NDArray[np.void]:
    """NOW."""
    now, layers = np.zeros(1, NOW), int(player["layers"].max())
    now["places"], now["most_layers"] = edges, layers
    now["changing"] = changes(vendor)
    binds = (path["sharing"] != NO_SHARING).any() or (player["transcodes"] < LAYERS).any()
    now["layered"] = layers > 1 and binds
    now["poll_s"], now["cut_s"] = np.inf, -np.inf
    sample, room = scenario.audience.sample, scenario.audience
    now["messages_per_s"] = np.inf if vendor is None else cap_of(Limit.MESSAGES, vendor, sample)
    now["chat_per_s"] = room.messages_per_viewer_s.value / sample
    now["most_sent_per_s"] = room.chat.most_sent_per_s
    return now
