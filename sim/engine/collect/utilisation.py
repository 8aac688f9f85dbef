"""Which limit binds: how much of each was used at most, and when it bound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.delivery.share import below
from sim.engine.meters import BIN_US, totals
from sim.engine.process.supply import capacity_mbps
from sim.engine.state import SimState
from sim.record import BIN_S, Names, Use
from sim.scenario.limits import LIMIT_NAMES, Limit
from sim.viewer.viewer import LAYERS

Loads = NDArray[np.float64]
"""(leaf, bin of ten seconds) wire Mbps."""


def uses(night: SimState, names: Names) -> list[Use]:
    """Every limit the vendor has: at the door in the order they are asked, then those shared."""
    load = totals(night.meters.wire) / (BIN_US * 1e6)
    return [
        *_at_the_door(night, names),
        *_of_nodes(night, names, load),
        *_of_paths(night, names),
        *_in_the_room(night, names),
    ]


def _at_the_door(night: SimState, names: Names) -> Iterator[Use]:
    places = len(names.vendor_regions) * len(names.isps)
    for k, limit in enumerate(night.door):
        path = names.paths[limit["path"]] if limit["path"] >= 0 else ""
        where = names.vendor_regions[limit["region"]] if limit["region"] >= 0 else ""
        if limit["leaf"] >= 0:
            where = _edge(int(limit["leaf"]) % places, names)
        changing = k in night.supply.path["quota"]  # what it is called depends on the minute
        code = Limit.EGRESS_VENDOR if changing else limit["code"]
        yield Use(LIMIT_NAMES[code], path, where, float(limit["use"]))


def _of_nodes(night: SimState, names: Names, load: Loads) -> Iterator[Use]:
    """Nodes of the tree that have a capacity."""
    capacity, leaves = capacity_mbps(night), night.nodes[: len(load)]
    edges, regions = leaves["edge_at"], leaves["region_at"]
    for k in np.unique([edges, regions, leaves["top_at"]]):
        mine = np.array([bool(below(night.nodes, e, int(k))) for e in range(len(load))])
        here, leaf = load[mine].sum(axis=0), leaves[mine][0]
        path, where, code, most = "", "", Limit.EGRESS_VENDOR, capacity[k]
        if k in edges:
            where, code = _edge(int(k - edges[0]), names), Limit.EGRESS_EDGE
        elif k in regions:
            where, code = names.vendor_regions[leaf["region"]], Limit.EGRESS_REGION
        else:
            path, most = names.paths[leaf["path"]], _bought(night, int(leaf["path"]), most)
        share = np.divide(here, most, out=0 * here, where=most > 0).max()
        if np.isfinite(most[most > 0]).any():
            yield Use(LIMIT_NAMES[code], path, where, float(share))


def _bought(night: SimState, p: int, capacity: Loads) -> Loads:
    """Of a path that growth or its origin may cap too: what it bought, or its nodes send."""
    it = night.supply.path[p] if len(night.supply.path) else None
    if it is None or (np.isinf(it["growth_mbps"]) and it["leak_share"] == 0):
        return capacity
    return np.full_like(capacity, min(it["bought_mbps"], it["most_nodes_used"] * it["node_mbps"]))


def _of_paths(night: SimState, names: Names) -> Iterator[Use]:
    """What changes over time: growth within a minute, and what comes from the origin."""
    for p, it in enumerate(night.supply.path):
        if np.isfinite(it["growth_mbps"]):
            rise = float(it["most_rise_mbps"] / it["growth_mbps"])
            yield Use(LIMIT_NAMES[Limit.GROWTH], names.paths[p], "", rise)
        if np.isfinite(it["origin_mbps"]):
            yield Use(LIMIT_NAMES[Limit.ORIGIN], names.paths[p], "", float(it["most_asked"]))


def _in_the_room(night: SimState, names: Names) -> Iterator[Use]:
    """Pictures made at once, where not all can be, and messages a second."""
    for p, name in zip(night.player, names.paths, strict=True):
        if p["transcodes"] < LAYERS:
            share = 1.0 if p["transcodes"] == 0 else float(p["most_made"] / p["transcodes"])
            yield Use(LIMIT_NAMES[Limit.TRANSCODES], name, "", share)
    limit = night.now[0]["messages_per_s"]
    if np.isfinite(limit):
        load = float(night.messages["grows_per_s"].max() + limit)
        yield Use(LIMIT_NAMES[Limit.MESSAGES], "", "", load / limit)


def _edge(place: int, names: Names) -> str:
    region, isp = divmod(place, len(names.isps))
    return f"{names.vendor_regions[region]}.{names.isps[isp]}"


def binding_over_time(night: SimState, duration_s: float) -> pd.DataFrame:
    """time_s (every BIN_S) and, for each limit that bound at some time, the share of its seconds.

    A limit at the door binds in the seconds in which it turns a viewer away or makes them wait.
    """
    seconds: NDArray[np.bool_] = night.meters.bound[:, : int(np.ceil(duration_s))]
    start = np.arange(0.0, duration_s, BIN_S)
    firsts = start.astype(np.int64)
    width = np.diff(np.append(firsts, seconds.shape[1]))
    shares = np.add.reduceat(seconds, firsts, axis=1, dtype=np.int64) / width
    found = {LIMIT_NAMES[k]: shares[k] for k in np.flatnonzero(seconds.any(axis=1))}
    return pd.DataFrame({"time_s": start, **found})
