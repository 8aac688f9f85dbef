"""Runs typed by hand: a few viewers, a few orders, five worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.record import ORDERS, SERIES, SESSIONS, Names, Reason, Run, State
from sim.scenario.limits import Limit
from sim.scenario.model import Commerce, Drop

NAMES = Names(
    (),
    ("east", "west"),
    ("telecom", "unicom"),
    ("4g", "wifi"),
    ("basket", "lamp"),
    ("cn",),
    ("rtc",),
)

SHOP = Commerce.model_validate(
    {
        "name": "hand",
        "basket_cny": {"median": 100, "sigma_ln": 0},
        "clarity_sd": 0.9,
        "clarity_audio": 0.5,
        "latency_free_s": 0.5,
        "latency_tau_s": 10,
        "buy_while_frozen": 0.2,
        "host_answers_per_min": None,
        "payment": {"never_share": 0, "mean_s": 1, "within_s": 100},
        "return_share": 0.4,
        "recapture_share": 0.2,
        "margin": 0.3,
        "cny_per": {"CNY": 1.0},
        "month": {"days": 30, "ordinary_nights": 0, "ordinary_share": 0.3},
    }
)

GOOD: dict[str, Any] = {"state": State.PLAYING, "hd": True, "latency_s": 0.5, "limit": Limit.NONE}


def gone(reason: Reason, limit: Limit = Limit.NONE) -> dict[str, Any]:
    return {"state": State.GONE, "reason": reason, "latency_s": np.nan, "limit": limit}


def frozen(limit: Limit = Limit.LINK, audio: bool = False) -> dict[str, Any]:
    return {"state": State.STALLED, "latency_s": 1.0, "limit": limit, "audio": audio}


def drop(price: float, stock: int | None) -> Drop:
    return Drop(name="lamp", time_s=0, price_cny=price, stock=stock, intent=2, decay_s=60)


def run(
    world: str,
    orders: Sequence[Mapping[str, Any]],
    viewers: Sequence[Mapping[str, Any]] = (),
    weight: float = 1.0,
) -> Run:
    """A run with these orders: rows are good ones unless told, a viewer each unless told."""
    table = np.zeros(len(orders), ORDERS)
    for i, order in enumerate(orders):
        row = {"viewer": i, "time_s": float(i), "value_cny": 100.0, "u": 0.5, **GOOD, **order}
        for column, value in row.items():
            table[i][column] = value
    sessions = np.zeros(1 + max([*table["viewer"], len(viewers) - 1], default=0), SESSIONS)
    sessions["viewer"] = np.arange(len(sessions))
    for i, viewer in enumerate(viewers):
        for column, value in viewer.items():
            sessions[i][column] = value
    return Run(
        vendor="",
        world=world,
        replication=0,
        peak_viewers=100,
        weight=weight,
        order_weight=weight,
        names=NAMES,
        sessions=sessions,
        orders=table,
        series=pd.DataFrame(columns=["time_s", *SERIES]),
        latency_us=np.zeros(1, np.int64),
        usage=pd.DataFrame(),
        limits=[],
        bound=pd.DataFrame(),
        facts={},
    )
