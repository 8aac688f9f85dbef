"""Which orders happen, one world at a time."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest

from sim.commerce import sell
from sim.commerce.orders import stock_units
from sim.record import Reason, State
from tests.commerce.hand import GOOD, SHOP, drop, frozen, gone, run


def bought(world: str, *orders: dict[str, Any], interactive: bool = False) -> list[bool]:
    viewers = [{"interactive": interactive}] * len(orders)
    sold: list[bool] = sell(run(world, orders, viewers), SHOP, []).sold.tolist()
    return sold


def test_in_the_perfect_world_whoever_is_there_buys() -> None:
    assert bought("perfect", {"u": 0.999, "latency_s": np.nan}, gone(Reason.DONE)) == [True, False]


def test_below_hd_the_choosy_do_not_buy() -> None:
    sd = {"hd": False}
    assert bought("limits", {"u": 0.999}, {"u": 0.89, **sd}, {"u": 0.91, **sd}) == [
        True, True, False,
    ]  # fmt: skip


def test_delay_costs_orders_of_those_who_ask_the_host_and_of_nobody_else() -> None:
    kept = exp(-(2.5 - 0.5) / 10)
    late = [{"latency_s": 2.5, "u": kept - 0.001}, {"latency_s": 2.5, "u": kept + 0.001}]
    assert bought("vendor", *late, interactive=True) == [True, False]
    assert bought("vendor", *late, interactive=False) == [True, True]
    assert bought("vendor", {"latency_s": 0.5, "u": 0.999}, interactive=True) == [True]
    # no delay at all doesn't make up for a poor picture
    assert bought("vendor", {"latency_s": 0.0, "u": 0.91, "hd": False}, interactive=True) == [False]


def test_a_frozen_picture_sells_a_little_and_more_with_the_sound_on() -> None:
    assert bought(
        "limits",
        {**frozen(), "u": 0.19},
        {**frozen(), "u": 0.21},
        {**frozen(audio=True), "u": 0.49},
        {**frozen(audio=True), "u": 0.51},
    ) == [True, False, True, False]


@pytest.mark.parametrize("state", [State.WAITING, State.STARTING, State.GONE])
def test_who_sees_nothing_buys_nothing(state: State) -> None:
    absent = {"state": state, "latency_s": np.nan, "u": 1e-9}
    assert bought("limits", absent) == bought("limits", absent, interactive=True) == [False]


def test_stock_goes_to_the_earliest_and_among_equals_by_viewer_and_number() -> None:
    lamp = {"product": 1, "value_cny": 50.0}
    orders = [
        {**lamp, "viewer": 0, "n": 0, "time_s": 9.0},
        {**lamp, "viewer": 1, "n": 0, "time_s": 3.0},
        {**lamp, "viewer": 1, "n": 1, "time_s": 3.0},
        {**lamp, "viewer": 2, "n": 0, "time_s": 3.0},
        {"viewer": 3, "time_s": 99.0},  # the basket never sells out
        {**lamp, "viewer": 4, "time_s": 1.0, "u": 0.95, "hd": False},  # asks for no stock
    ]
    sales = sell(run("limits", orders), SHOP, [drop(50, stock=2)])
    assert sales.sold.tolist() == [False, True, True, False, True, False]
    assert sales.wanted.tolist() == [True, True, True, True, True, False]
    assert sales.gmv_fen == 20_000


@pytest.mark.parametrize(
    ("stock", "sample", "units"), [(100, 0.29, 29), (100, 1.0, 100), (7, 0.5, 3), (3, 0.1, 1)]
)
def test_stock_is_scaled_with_the_sample_down_to_whole_units_but_never_to_none(
    stock: int, sample: float, units: int
) -> None:
    assert stock_units(stock, 1 / sample) == units


def test_the_order_weighted_stall_ratio_counts_viewers_who_were_there() -> None:
    orders = [GOOD, {**frozen(), "u": 0.01}, gone(Reason.REFUSED), GOOD, {"state": State.STARTING}]
    assert sell(run("limits", orders), SHOP, []).stall_ratio == pytest.approx(1 / 3)
    assert np.isnan(sell(run("limits", []), SHOP, []).stall_ratio)


def test_a_run_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="no latency"):
        bought("limits", {"latency_s": np.nan}, interactive=True)
    orphan = run("limits", [{"viewer": 3}])
    orphan.sessions["viewer"] += 10
    with pytest.raises(ValueError, match="no session"):
        sell(orphan, SHOP, [])
