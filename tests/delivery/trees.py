"""Small sharing trees typed by hand: edges below regions below the vendor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sim.delivery.share import FLOW, max_min, tree
from tests.entry import entry

INF = np.inf
_max_min = entry(max_min)


@dataclass
class Tree:
    """Capacities in Mbps, and which region each edge belongs to."""

    edges: Sequence[float]
    regions: Sequence[float] = (INF,)
    whole: float = INF
    region_of: Sequence[int] | None = None

    @property
    def parents(self) -> NDArray[np.int64]:
        of = [0] * len(self.edges) if self.region_of is None else self.region_of
        return np.asarray(of, np.int64)

    @property
    def capacities(self) -> NDArray[np.float64]:
        return np.array([*self.edges, *self.regions, self.whole], float)

    def nodes(self) -> NDArray[np.void]:
        return tree(
            np.array(self.edges, float), self.parents, np.array(self.regions, float), [self.whole]
        )

    def below(self) -> NDArray[np.bool_]:
        """(node, edge): whether the edge hangs below, or is, the node."""
        n = len(self.edges)
        of_region = np.arange(len(self.regions))[:, None] == self.parents
        return np.vstack([np.eye(n, dtype=bool), of_region, np.ones((1, n), bool)])


@dataclass
class Shared:
    """What progressive filling has written."""

    nodes: NDArray[np.void]
    level: NDArray[np.float64]
    """By edge."""
    bind: NDArray[np.int64]
    rate: NDArray[np.float64]
    """By flow."""


def flows(edge: Sequence[int], cap: Sequence[float]) -> NDArray[np.void]:
    out = np.zeros(len(edge), FLOW)
    out["weight"] = 1.0
    out["leaf"], out["on_air"], out["admitted"] = edge, np.array(cap) > 0, np.arange(len(edge))
    return out


def share(
    t: Tree,
    edge: Sequence[int],
    cap: Sequence[float],
    debt_mb: float = 0.0,
    hold_s: float = 0.0,
    nodes: NDArray[np.void] | None = None,
) -> Shared:
    """TCP levels for flows on these edges with these caps of their own; on `nodes` of before."""
    nodes = t.nodes() if nodes is None else nodes
    f, n, caps = flows(edge, cap), len(t.edges), np.array(cap, float)
    nodes["debt_mb"] = debt_mb
    _max_min(nodes, n, f, caps, len(f), hold_s)
    level = nodes["level_mbps"][:n].copy()
    return Shared(nodes, level, nodes["bind"][:n].copy(), np.minimum(caps, level[f["leaf"]]))


def load(t: Tree, edge: Sequence[int], rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """What passes through each node."""
    by_edge = np.bincount(np.asarray(edge, int), rate, len(t.edges))
    return np.asarray(t.below() @ by_edge)


capacities = st.one_of(st.just(INF), st.floats(0.5, 50))
trees = st.builds(
    lambda edges, regions, whole: Tree(
        [c for c, _ in edges], regions, whole, [min(r, len(regions) - 1) for _, r in edges]
    ),
    st.lists(st.tuples(capacities, st.integers(0, 2)), min_size=1, max_size=4),
    st.lists(capacities, min_size=1, max_size=3),
    capacities,
)


@st.composite
def loaded(draw: st.DrawFn, most: int = 12) -> tuple[Tree, list[int], list[float]]:
    """A random tree with random flows; a cap of 0 is a viewer who takes nothing yet."""
    t = draw(trees)
    n = draw(st.integers(0, most))
    edge = draw(st.lists(st.integers(0, len(t.edges) - 1), min_size=n, max_size=n))
    caps = st.one_of(st.just(0.0), st.floats(0.01, 20))
    return t, edge, draw(st.lists(caps, min_size=n, max_size=n))
