"""Who shares which capacity: nodes of the sharing tree, and what a UDP flow sends."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.delivery.share import (
    KIND,
    carry,
    retransmitted,
    tree,
)
from sim.engine.process.supply import caps_egress
from sim.scenario.limits import Limit, cap_of
from sim.scenario.vendor import Vendor


def flow_kinds(
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


def write_sharing(
    path: NDArray[np.void],
    nodes: NDArray[np.void],
    leaves: int,
    incidents: NDArray[np.void],
    hit: NDArray[np.bool_],
    bends: list[bool],
) -> None:
    """Write how each path shares; where none of its nodes can ever be full it doesn't.

    `bends`: paths whose whole egress is capped and shared by the viewers inside.
    """
    narrow = np.isfinite(nodes["capacity_mbps"]) | hit[(incidents["left"] > 0)].any(axis=0)
    for leaf in nodes[:leaves]:
        narrow[leaf["top_at"]] |= bends[leaf["path"]]
        if narrow[[leaf["edge_at"], leaf["region_at"], leaf["top_at"]]].any():
            path["sharing"][leaf["path"]] = path["by"][leaf["path"]]
    nodes["sharing"][:leaves] = path["sharing"][nodes["path"][:leaves]]


def bending(vendor: Vendor | None) -> list[bool]:
    """(path) whether a cap on egress degrades everyone inside; one False without a vendor."""
    ways = vendor.ways() if vendor is not None else []
    return [
        policy.egress_mbps == "degrade" and caps_egress(path, limits)
        for _, path, limits, policy in ways
    ] or [False]


def sharing_tree(
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
