"""The limits at the door, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sim.delivery.door import GB, LIMIT, MBPS, MINUTES, gate, meter, quota
from sim.engine.process.supply import caps_egress
from sim.scenario.limits import Limit, Rule, Scope, cap_of, caps_of
from sim.scenario.vendor import Vendor


def door_of(
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
            yield gate(cap, max(1.0, burst), how, k, limit, r, leaf)
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


def most_ghosts(limits: NDArray[np.void], player: NDArray[np.void], show_s: float) -> int:
    """How many ghosts of one viewer cut-offs can leave at once."""
    meters = limits[(limits["kind"] >= MBPS) & limits["cut_off"]]
    ghost_s = min(player["ghost_s"].max(), show_s)
    return sum(int(ghost_s // max(m["scan_s"], m["cut_off_s"])) + 1 for m in meters)
