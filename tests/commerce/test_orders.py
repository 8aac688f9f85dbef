"""Which orders happen, one world at a time."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.commerce import sell
from sim.commerce.orders import reserved, stock_units, waits_s
from sim.record import Reason, State
from sim.scenario.quantity import Quantity
from sim.scenario.vendor import Own
from tests.commerce.hand import GOOD, SHOP, drop, frozen, gone, run


def bought(world: str, *orders: dict[str, Any], interactive: bool = False) -> list[bool]:
    viewers = [{"interactive": interactive}] * len(orders)
    sold: list[bool] = sell(run(world, orders, viewers), SHOP, []).sold.tolist()
    return sold


def test_in_the_perfect_world_every_viewer_present_buys() -> None:
    assert bought("perfect", {"u": 0.999, "latency_s": np.nan}, gone(Reason.DONE)) == [True, False]


def test_below_hd_the_choosy_do_not_buy() -> None:
    sd = {"hd": False}
    assert bought("limits", {"u": 0.999}, {"u": 0.89, **sd}, {"u": 0.91, **sd}) == [
        True, True, False,
    ]  # fmt: skip


def test_delay_costs_orders_only_of_viewers_who_ask_the_host() -> None:
    kept = exp(-(2.5 - 0.5) / 10)
    late = [{"latency_s": 2.5, "u": kept - 0.001}, {"latency_s": 2.5, "u": kept + 0.001}]
    assert bought("vendor", *late, interactive=True) == [True, False]
    assert bought("vendor", *late, interactive=False) == [True, True]
    assert bought("vendor", {"latency_s": 0.5, "u": 0.999}, interactive=True) == [True]
    # no delay at all doesn't make up for a poor picture
    assert bought("vendor", {"latency_s": 0.0, "u": 0.91, "hd": False}, interactive=True) == [False]


def test_frozen_picture_sells_little_and_more_if_sound_goes_on() -> None:
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


def test_stock_goes_to_the_earliest_orders() -> None:
    """Among orders of one instant by viewer and number."""
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
def test_stock_scales_with_the_sample_to_whole_units_never_none(
    stock: int, sample: float, units: int
) -> None:
    """Rounded down, but to one unit at least."""
    assert stock_units(stock, 1 / sample) == units


def poisson_times(n: int, per_s: float) -> NDArray[np.float64]:
    return np.cumsum(np.random.default_rng(7).exponential(1 / per_s, n))


@pytest.mark.parametrize("load", [0.3, 0.6, 0.9])
def test_a_server_nobody_leaves_is_the_m_d_1_queue(load: float) -> None:
    """Mean wait load / (2 (1 - load)) services (Pollaczek and Khinchin)."""
    waits = waits_s(poisson_times(400_000, load / 2), 2.0, np.inf)
    assert waits.mean() == pytest.approx(2.0 * load / (2 * (1 - load)), rel=0.03)


@pytest.mark.parametrize("load", [0.2, 1.0, 5.0])
def test_a_server_nobody_waits_for_is_erlangs_loss_formula(load: float) -> None:
    turned_away = np.isinf(waits_s(poisson_times(200_000, load), 1.0, 0.0)).mean()
    assert turned_away == pytest.approx(load / (1 + load), abs=0.005)


def test_crowded_server_takes_orders_at_its_rate() -> None:
    """Nobody waits longer than they would: 3 s."""
    times = poisson_times(10_000, 50.0)
    waits = waits_s(times, 0.1, 3.0)
    served = np.isfinite(waits)
    assert waits[served].max() <= 3.0
    assert served.sum() / (times[-1] + 3.0) == pytest.approx(10, rel=0.01)


def test_an_unpaid_unit_is_for_sale_again_after_its_deadline() -> None:
    times = np.array([0.0, 1.0, 9.9, 10.0, 11.0, 12.0])
    paid = np.array([False, True, True, True, True, True])
    # Two units: the first is back at 10 s, in time for the fourth.
    assert reserved(times, paid, 2, 10.0).tolist() == [True, True, False, True, False, False]
    assert reserved(times, paid | True, 2, 10.0).tolist() == [True, True] + [False] * 4


def test_a_drop_may_have_a_payment_deadline_of_its_own() -> None:
    lamp = {"product": 1, "value_cny": 50.0}
    slow = {**lamp, "pay_u": 1 - exp(-5.0)}  # pays after five seconds, the shop's mean is one
    hurried = drop(50, stock=None).model_copy(update={"pay_within_s": 4.0})
    for given, sold in ((drop(50, stock=None), [True]), (hurried, [False])):
        assert sell(run("limits", [slow]), SHOP, [given]).sold.tolist() == sold


def test_host_answers_so_many_a_minute_and_questions_wait_one() -> None:
    """A question that waits longer is not answered."""
    shop = SHOP.model_copy(update={"host_answers_per_min": Quantity(value=6)})
    at_once = [{"time_s": 0.0}] * 12
    asking = sell(run("limits", at_once, [{"interactive": True}] * 12), shop, [])
    assert asking.sold.sum() == 7  # at 0, 10, ... 60 s
    assert asking.unanswered.sum() == 5
    assert sell(run("limits", at_once), shop, []).sold.all()  # nobody asks
    # A sampled question stands for four.
    assert sell(run("limits", at_once, [{"interactive": True}] * 12, 4.0), shop, []).sold.sum() == 2


def test_order_rate_is_that_of_the_busiest_ten_seconds() -> None:
    """What is asked of the own servers, whether they take it or not."""
    orders = [{"time_s": t} for t in (1.0, 2.0, 3.0, 9.9, 10.0, 25.0)]
    own = Own.model_validate({"orders_per_s": 0.1, "order_wait_s": 0})
    for given in (None, own):
        assert sell(run("limits", orders, weight=2.0), SHOP, [], given).placed_per_s == 0.8


def test_order_stall_ratio_counts_only_viewers_who_were_there() -> None:
    """Weighted by orders; refused or still starting, a viewer doesn't count."""
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
