"""The viewer's own link: a rate that changes at keyed moments, from classes or from traces.

A link is a chain of holdings. The n-th holding of a viewer is drawn from the key (viewer, n), on
time since arrival, so that it is the same whatever the vendor and whenever anyone looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiled import code, inlined, step
from sim.draws import Cause, pair
from sim.scenario.model import LinkClass
from sim.tables import Tables

LINK = code(Cause.LINK)


STATES = 8
"""Most states of a class."""

STATE = np.dtype(
    [
        ("mbps", "f8"),  # class: over the viewer's mean; trace sample: Mbps
        ("hold_s", "f8"),  # class: mean; trace sample: exact
        ("time", "f8"),  # class: cumulative share of time
        ("jump", "f8", STATES),  # class: cumulative, to which state next
    ],
    align=True,
)

TRACE = np.dtype([("first", "i8"), ("end", "i8"), ("length_s", "f8"), ("time", "f8")], align=True)


@dataclass(eq=False, frozen=True)
class Links(Tables):
    """All classes, or all traces end to end."""

    states: NDArray[np.void]  # STATE (class, state); with traces (1, sample)
    traces: NDArray[np.void]  # TRACE; none for classes


def share_of_time(hold_s: NDArray[np.float64], jumps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stationary share of time in each state of a semi-Markov chain with these mean holdings."""
    n = len(hold_s)
    if n == 1:
        return np.ones(1)
    equations = np.vstack([jumps.T - np.eye(n), np.ones(n)])
    visits = np.linalg.lstsq(equations, np.append(np.zeros(n), 1.0), rcond=None)[0]
    time = visits * hold_s
    return np.asarray(time / time.sum())


def links_from_classes(classes: list[LinkClass]) -> Links:
    """Tables for the classes in this order."""
    states = np.zeros((len(classes), STATES), STATE)
    for i, c in enumerate(classes):
        n, hold = len(c.multiplier), np.array(c.hold_s)
        table = np.array(c.jumps, float) if n > 1 else np.ones((1, 1))
        row = states[i, :n]
        row["mbps"], row["hold_s"] = c.multiplier, hold
        row["time"] = np.cumsum(share_of_time(hold, table))
        row["jump"][:, :n] = np.cumsum(table, axis=1)
        # The last one takes what rounding leaves. One state: the only jump leads back to it.
        row["time"][n - 1] = 1.0
        row["jump"][:, n - 1 :] = 1.0
    return Links(states, np.zeros(0, TRACE))


def links_from_traces(traces: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Links:
    """Tables for recorded traces: (duration_s, mbps) each; every viewer starts somewhere in one."""
    ends = np.cumsum([len(d) for d, _ in traces])
    states = np.zeros((1, ends[-1]), STATE)
    states["hold_s"][0] = np.concatenate([d for d, _ in traces])
    states["mbps"][0] = np.concatenate([m for _, m in traces])
    table = np.zeros(len(traces), TRACE)
    table["first"], table["end"] = np.append(0, ends[:-1]), ends
    table["length_s"] = [d.sum() for d, _ in traces]
    # A long trace is met as often as it is long.
    table["time"] = np.cumsum(table["length_s"]) / table["length_s"].sum()
    table["time"][-1] = 1.0
    return Links(states, table)


@step
def first_holding(links: Links, v: Any, seed: np.uint32, replication: np.uint32) -> float:
    """Set the row's link to holding 0; returns how long it lasts from arrival, seconds.

    Stationary: the holding is one of those under way, so it may be half over at arrival.
    `v` has bin, j, access, mean_mbps; written are link_trace, link_state, link_mbps, link_n.
    """
    u, w = pair(seed, replication, LINK, v.bin, v.j, 0)
    v.link_n = 0
    if len(links.traces) > 0:
        v.link_trace = 0
        while u >= links.traces[v.link_trace].time:
            v.link_trace += 1
        trace = links.traces[v.link_trace]
        left, k = w * trace.length_s, trace.first
        while left >= links.states[0, k].hold_s and k < trace.end - 1:
            left -= links.states[0, k].hold_s
            k += 1
        v.link_state, v.link_mbps = k, links.states[0, k].mbps
        return max(links.states[0, k].hold_s - left, 1e-9)
    k = 0
    while u >= links.states[v.access, k].time:
        k += 1
    state = links.states[v.access, k]
    v.link_state, v.link_mbps = k, v.mean_mbps * state.mbps
    # What is left of an exponential holding is exponential with the same mean.
    return -state.hold_s * np.log(w)


@inlined
def next_holding(links: Links, v: Any, seed: np.uint32, replication: np.uint32) -> float:
    """Set the row's link to the next holding; returns its length, seconds. A trace starts over."""
    v.link_n += 1
    if len(links.traces) > 0:
        trace = links.traces[v.link_trace]
        k = v.link_state + 1
        if k >= trace.end:
            k = trace.first
        v.link_state, v.link_mbps = k, links.states[0, k].mbps
        return links.states[0, k].hold_s
    u, w = pair(seed, replication, LINK, v.bin, v.j, v.link_n)
    jump = links.states[v.access, v.link_state].jump
    k = 0
    while u >= jump[k]:
        k += 1
    state = links.states[v.access, k]
    v.link_state, v.link_mbps = k, v.mean_mbps * state.mbps
    return -state.hold_s * np.log(w)
