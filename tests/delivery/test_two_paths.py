"""A tree of two paths: leaves of their own below edges and regions that both share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.delivery.share import (
    FLOW,
    KIND,
    TCP,
    UDP,
    below,
    max_min,
    tree,
    udp_losses,
    wanted_levels,
)
from sim.scenario.limits import Limit
from tests.entry import entry

INF = np.inf
EDGES, LEAVES = 3, 6
"""Edges 0 and 1 in the first region, 2 in the second; a leaf is path x 3 + edge."""

_max_min, _losses, _wanted = entry(max_min), entry(udp_losses), entry(wanted_levels)


def two(edges: Any = (INF,) * 3, regions: Any = (INF, INF), paths: Any = (INF, INF)) -> Any:
    """The first path by UDP, the second by TCP."""
    nodes = tree(np.array(edges), np.array([0, 0, 1]), np.array(regions), paths)
    nodes["sharing"][:LEAVES] = [UDP] * EDGES + [TCP] * EDGES
    return nodes


def flows(leaf: list[int]) -> Any:
    f = np.zeros(len(leaf), FLOW)
    f["leaf"], f["on_air"], f["weight"], f["admitted"] = leaf, True, 1.0, np.arange(len(leaf))
    return f


def test_a_flow_passes_its_edge_its_region_and_its_own_path() -> None:
    nodes = two((1.0, 2.0, 3.0), (10.0, 20.0), (100.0, 200.0))
    for leaf in range(LEAVES):
        above = [k for k in range(len(nodes)) if below(nodes, leaf, k)]
        edge, region, path = leaf % 3, (0, 0, 1)[leaf % 3], leaf // 3
        assert nodes["capacity_mbps"][above].tolist() == [
            (1.0, 2.0, 3.0)[edge],
            (10.0, 20.0)[region],
            (100.0, 200.0)[path],
        ]
        assert nodes["code"][above].tolist() == [
            Limit.EGRESS_EDGE,
            Limit.EGRESS_REGION,
            Limit.EGRESS_VENDOR,
        ]


def test_a_leaf_has_no_capacity_of_its_own() -> None:
    nodes = two((1.0, 2.0, 3.0), (10.0, 20.0), (100.0, 200.0))
    assert (nodes["capacity_mbps"][:LEAVES] == INF).all()
    assert nodes["path"][:LEAVES].tolist() == [0, 0, 0, 1, 1, 1]
    assert nodes["region"][:LEAVES].tolist() == [0, 0, 1, 0, 0, 1]


def test_both_paths_meet_at_an_edge_and_not_at_the_top() -> None:
    nodes = two()
    assert nodes["edge_at"][:3].tolist() == nodes["edge_at"][3:6].tolist()
    assert nodes["region_at"][:3].tolist() == nodes["region_at"][3:6].tolist()
    assert not set(nodes["top_at"][:3]) & set(nodes["top_at"][3:6])


def test_tcp_fills_what_udp_leaves_of_an_edge_of_both() -> None:
    nodes = two(edges=(10.0, INF, INF))
    nodes["taken_mbps"][nodes["edge_at"][0]] = 7.0
    nodes["level_mbps"][0] = 0.5  # nobody else's business
    _max_min(nodes, LEAVES, flows([3, 3, 4]), np.array([5.0, 5.0, 5.0]), 3, 0.0)
    assert nodes["level_mbps"][[3, 4]] == pytest.approx([1.5, INF])
    assert nodes["bind"][3] == Limit.EGRESS_EDGE
    assert nodes["level_mbps"][0] == 0.5


def test_one_paths_own_capacity_leaves_the_other_alone() -> None:
    nodes = two(paths=(1.0, 6.0))
    _max_min(nodes, LEAVES, flows([3, 4, 5]), np.array([5.0, 5.0, 1.0]), 3, 0.0)
    assert nodes["level_mbps"][3:6] == pytest.approx([2.5, 2.5, 2.5])
    assert nodes["bind"][3:6].tolist() == [Limit.EGRESS_VENDOR] * 3


def test_what_all_may_count_on_is_shared_with_the_other_path() -> None:
    nodes = two(edges=(9.0, INF, INF), regions=(12.0, INF))
    wants = np.array([5.0, 5.0, 5.0, 5.0, 5.0])
    _wanted(nodes, LEAVES, flows([0, 3, 3, 1, 5]), wants, 5)
    # Three on the edge of 9, two paths; the fourth finds 3 left of the region's 12.
    assert nodes["want_mbps"][[0, 3]] == pytest.approx([3, 3])
    assert nodes["want_mbps"][[1, 4]] == pytest.approx([3, 3])
    assert nodes["want_mbps"][5] == INF


def test_only_what_udp_sends_loses() -> None:
    nodes = two(regions=(100.0, INF))
    kinds = np.zeros((LEAVES, 1), KIND)
    kinds["sent_mbps"], kinds["flows"][:3, 0] = 1.0, [120, 80, 500]
    _losses(nodes, LEAVES, kinds)
    assert nodes["passed"][:LEAVES] == pytest.approx([0.5, 0.5, 1, 1, 1, 1])
    assert nodes["bind"][:LEAVES].tolist() == [Limit.EGRESS_REGION] * 2 + [Limit.NONE] * 4
