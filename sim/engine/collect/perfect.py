"""The night in a world in which nothing goes wrong: no engine needed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.demand import Audience
from sim.engine.collect.record import facts, names, series_of, sessions_of
from sim.engine.collect.usage import USAGE
from sim.engine.meters import (
    BIN_US,
    SECOND_US,
    meters,
)
from sim.engine.state import orders_of
from sim.record import BIN_S, Reason, Run, State
from sim.scenario.model import Scenario


def perfect(scenario: Scenario, replication: int, audience: Audience) -> Run:
    """The world in which nothing goes wrong: arrival, play at once, departure. No engine."""
    out = sessions_of(audience)
    leave = audience.leave_s
    out["left_s"] = leave
    out["state"] = State.GONE
    over = (leave == audience.viewers["exit_s"]) & (leave >= audience.demand.duration_s)
    out["reason"] = np.where(over, Reason.SHOW_OVER, Reason.DONE)
    out["attempts"] = 1
    out["play_s"] = out["hd_s"] = leave - out["arrival_s"]
    out["startup_s"] = out["sdk_startup_s"] = np.where(out["initial"], np.nan, 0.0)
    orders = orders_of(audience)
    orders["state"], orders["hd"] = State.PLAYING, True
    orders["latency_s"] = scenario.commerce.latency_free_s.value
    m = meters(audience.demand.duration_s, 1, 1, 1, 1)
    a = np.rint(out["arrival_s"] * 1e6).astype(np.int64)
    b = np.rint(leave * 1e6).astype(np.int64)
    for at, sign in ((a, -1), (b, 1)):
        k = at // BIN_US
        np.add.at(m.states["part"][State.PLAYING], k, sign * (at - k * BIN_US))
        np.add.at(m.states["full"][State.PLAYING], k, -sign)
    np.add.at(m.events[0], a[~out["initial"]] // SECOND_US, 1)
    return Run(
        vendor="", world="perfect", replication=replication,
        peak_viewers=round(audience.demand.peak_viewers), weight=1 / scenario.audience.sample,
        order_weight=audience.order_weight, names=names(scenario, None), sessions=out,
        orders=orders,
        series=series_of(m, audience.demand.duration_s),
        latency_us=m.latency_us,
        usage=pd.DataFrame(columns=USAGE),
        limits=[],
        bound=pd.DataFrame({"time_s": np.arange(0.0, audience.demand.duration_s, BIN_S)}),
        facts=facts(audience),
    )  # fmt: skip
