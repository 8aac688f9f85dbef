"""What must hold after any run, recomputed from rows and records by code the engines don't use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.delivery.door import QUOTA
from sim.delivery.share import NO_SHARING
from sim.engine.meters import BIN_US, JOINS, by_bin, together, totals
from sim.engine.process.supply import capacity_mbps
from sim.engine.state import SimState
from sim.record import Reason, State
from sim.viewer.viewer import Kind

FEW = 1e-6
"""Relative: sums of some thousand floating-point steps of one viewer."""

WHOLE_US = 1e-6
"""Relative: intervals are metered in whole microseconds."""

HALF_A_BIT = 0.5e-6
"""Mbps by which the metered rate of one viewer is off at most: it is counted in whole bits."""


class InvariantError(AssertionError):
    """The engine has broken one of its own rules: a fault of the program, not of the input."""


def _must(holds: bool | np.bool_, number: int, what: str) -> None:
    if not holds:
        raise InvariantError(f"invariant {number}: {what}")


def check(night: SimState, epoch_s: float) -> None:
    """Numbers as in docs/invariants.md; raises InvariantError at the first broken one.

    `epoch_s`: how long the engine holds a level (0: solved at every change).
    """
    rows = night.rows
    _everyone_accounted_for(night)
    _nodes_within_capacity(night, epoch_s)
    _media_conserved(rows, night.player["kind"][0])
    _meters_match_rows(night)


def _everyone_accounted_for(night: SimState) -> None:
    """1: arrived = those in each state + those gone for each reason, in every bin."""
    rows = night.rows
    _must(
        (rows["state"] == State.GONE).all(), 1, "somebody is neither here nor gone after the show"
    )
    by_reason = [int((rows["reason"] == r).sum()) for r in Reason if r != Reason.NONE]
    _must(sum(by_reason) == len(rows), 1, f"{len(rows)} arrived, {sum(by_reason)} gone by reason")
    _must((rows["now_s"] >= rows["arrival_s"]).all(), 9, "a viewer left before they came")
    state = totals(night.meters.states)
    present = np.zeros(state.shape[1], np.int64)
    a, b = np.rint(rows["arrival_s"] * 1e6).astype(int), np.rint(rows["now_s"] * 1e6).astype(int)
    for k in range(len(present)):
        inside = np.minimum(b, (k + 1) * BIN_US) - np.maximum(a, k * BIN_US)
        present[k] = np.maximum(inside, 0).sum()
    _must((state >= 0).all(), 1, "a state was held for less than no time")
    _must((state.sum(axis=0) == present).all(), 1, "states don't add up to those present in a bin")
    open_still = night.meters.sessions[..., 0]
    ghosts_s = night.now[0]["cut_s"] + night.player["ghost_s"].max(initial=0.0)
    if ghosts_s >= rows["exit_s"].max(initial=0.0):
        _must((open_still >= 0).all(), 1, "more sessions ended than began")
        return  # ghosts outlive the show
    _must((open_still == 0).all(), 1, "sessions are open after the show")
    for limit in night.door:
        if limit["kind"] == QUOTA and np.isfinite(limit["cap"]) and limit["cap"] > 0:
            _must(abs(limit["used"]) < FEW * limit["cap"], 1, "a quota is in use after the show")


def _nodes_within_capacity(night: SimState, epoch_s: float) -> None:
    """2: delivered <= capacity at each node; an epoch may overshoot, the next ones pay back.

    A viewer who joins an idle node in an epoch may have up to all of it until the epoch ends.
    """
    if (night.path["sharing"] == NO_SHARING).all():
        return
    width = BIN_US / 1e6
    leaves = night.nodes[: len(night.meters.wire)]
    joins = by_bin(night.meters.events)[JOINS]
    lately = (joins + np.append(0, joins[:-1])).max()
    fastest = night.player["catch_up"] * night.path["wire"]
    most_mbps = (night.player["whole_mbps"].max(axis=1) * fastest).max()
    for k, capacity in enumerate(capacity_mbps(night)):
        up = [leaves["edge_at"], leaves["region_at"], leaves["top_at"]]
        mine = np.any([at == k for at in up], axis=0)
        mb = totals(together(night.meters.wire[mine]))[0] / 1e12
        most = (capacity + HALF_A_BIT * len(night.rows)) * (width + 2 * epoch_s)
        most += lately * np.minimum(capacity, most_mbps) * epoch_s
        over = mb > most * (1 + WHOLE_US)
        _must(not over.any(), 2, f"{mb[over]} Mb in {width:g} s over {capacity} Mbps")


def _media_conserved(rows: NDArray[np.void], kind: int) -> None:
    """3: downloaded = played + buffered + discarded; time + L(0) = played + skipped + L."""
    if kind == Kind.REFERENCE:
        return
    got = rows["shown_s"] + rows["left_b_s"] + rows["thrown_s"]
    scale = 1 + rows["got_s"] + rows["inside_s"]
    off = np.abs(rows["got_s"] - got) / scale
    _must(
        off.max(initial=0) < FEW, 3, f"media downloaded and used differ by {off.max(initial=0):g}"
    )
    lag = rows["shown_s"] + rows["skipped_s"] + rows["left_lag_s"]
    off = np.abs(rows["inside_s"] + rows["lag0_s"] - lag) / scale
    _must(off.max(initial=0) < FEW, 3, f"time and play differ by {off.max(initial=0):g}")
    _must((rows["left_b_s"] <= rows["left_lag_s"] + FEW).all(), 3, "a buffer holds the future")


def _meters_match_rows(night: SimState) -> None:
    """6: meters = integral of usage."""
    rows = night.rows
    state = totals(night.meters.states).sum(axis=1) / 1e6
    # Meters count whole microseconds: each interval may be off by one.
    intervals = rows["attempts"].sum() + rows["freezes"].sum() + len(rows)
    for s, key in enumerate(("waiting_s", "starting_s", "play_s", "frozen_s")):
        total = rows[key].sum()
        close = abs(state[s] - total) <= FEW * (1 + total) + 1e-6 * intervals
        _must(close, 6, f"{key}: meters {state[s]:g}, rows {total:g}")
    play = night.meters.latency_us.sum() / 1e6
    close = abs(play - rows["play_s"].sum()) <= FEW * (1 + play) + 1e-6 * intervals
    _must(close, 6, "latency meter and play differ")
    seen = night.meters.seen_us.sum() / 1e6
    inside = rows["play_s"].sum() + rows["frozen_s"].sum() + rows["starting_s"].sum()
    if night.player["kind"][0] != Kind.REFERENCE:
        _must(abs(seen - inside) <= FEW * (1 + inside) + 2e-6 * len(rows), 6, "minutes billed")
    one_tcp = len(night.path) == 1 and not night.path["udp"][0]
    if one_tcp and night.player["kind"][0] != Kind.REFERENCE:
        wire = totals(night.meters.wire).sum() / 1e12
        media = rows["media_mb"].sum() * night.path["wire"][0]
        _must(
            abs(wire - media) <= FEW * (1 + media) + HALF_A_BIT * inside,
            6,
            f"wire {wire:g} Mb, media {media:g} Mb",
        )
