"""Invariant 2: what an epoch lets through too much is paid back, so it never adds up."""

from __future__ import annotations

import numpy as np
import pytest

from sim.record import BIN_S
from tests.engine.nights import FLV, night, run_once

VIEWERS = 300
CAPACITY_MBPS = VIEWERS * 2.0 * 1.06 / 1.5

NIGHTS = {
    "tcp": FLV,
    "tcp, everybody at once": (*FLV, "promotion.concurrency=[[0,0.1],[60,0.1],[70,1],[300,1]]"),
    "udp": (),
    "udp, the last are paused": ("vendors.budget.paths.rtc.udp_shortage=pause_some",),
}


@pytest.mark.parametrize("epoch_s", [1.0, 5.0])
@pytest.mark.parametrize("how", NIGHTS.values(), ids=NIGHTS.keys())
def test_node_sends_no_more_than_its_capacity_in_any_stretch(
    how: tuple[str, ...], epoch_s: float
) -> None:
    """But for what it may send in a tenth of an epoch."""
    run = run_once(
        night(
            f"promotion.peak_viewers={VIEWERS}",
            f"vendors.budget.limits.egress_mbps={CAPACITY_MBPS}",
            *how,
        ),
        epoch_s=epoch_s,
    )
    sent_mb = np.append(0, np.cumsum(run.series["wire_mbps"])) * BIN_S
    assert sent_mb[-1] > 0.75 * CAPACITY_MBPS * 300, "the node must bind"
    time_s = np.arange(len(sent_mb)) * BIN_S
    stretches = np.triu_indices(len(sent_mb), 1)
    mb = (sent_mb[None, :] - sent_mb[:, None])[stretches]
    seconds = (time_s[None, :] - time_s[:, None])[stretches]
    assert (mb <= CAPACITY_MBPS * (seconds + 0.1 * epoch_s) * (1 + 1e-6)).all()
