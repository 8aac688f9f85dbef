"""What each rung costs and why: worked out by hand, then for any orders at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.commerce import BOUND_RUNGS, BREAKDOWNS, CAUSES, RUNGS, Money, money, sell
from sim.commerce.ladder import _shared
from sim.commerce.orders import stock_units
from sim.record import WORLDS, Reason, Run, State
from sim.scenario.limits import LIMIT_NAMES, Limit
from sim.scenario.model import Commerce, Drop, Payment
from sim.scenario.quantity import Quantity
from sim.scenario.vendor import Own
from tests.commerce.hand import GOOD, NAMES, SHOP, drop, frozen, gone, run

Rows = Sequence[Mapping[str, Any]]


def night(
    wishes: Rows,
    fates: Mapping[str, Rows],
    viewers: Rows = (),
    drops: Sequence[Drop] = (),
    weight: float = 1.0,
    shop: Commerce = SHOP,
    own: Own | None = None,
) -> Money:
    """Five worlds of the same wishes; a world not named has the fates of the one before."""
    runs: dict[str, Run] = {}
    fate: Rows = [GOOD] * len(wishes)
    for world in WORLDS:
        fate = fates.get(world, fate)
        orders = [{**w, **f} for w, f in zip(wishes, fate, strict=True)]
        runs[world] = run(world, orders, viewers, weight)
    return money(runs, shop, drops, own)


def lost(result: Money, by: str, rung: str | None = None) -> dict[str, float]:
    """What was lost by this breakdown, CNY, without the zeros."""
    rows = result.losses[result.losses["by"] == by]
    if rung is not None:
        rows = rows[rows["rung"] == rung]
    sums = rows.groupby("of", sort=False)["lost_gmv_cny"].sum()
    return {str(k): float(v) for k, v in sums.items() if v}


def figure(result: Money, metric: str) -> float:
    return float(result.results().set_index("metric")["value"][metric])


def test_each_way_to_lose_an_order_has_its_name() -> None:
    fates = [
        gone(Reason.REFUSED, Limit.SESSIONS),
        gone(Reason.GAVE_UP_WAITING, Limit.JOINS),
        gone(Reason.LEFT_STARTING, Limit.EGRESS_VENDOR),
        gone(Reason.LEFT_STALLED, Limit.EGRESS_REGION),
        gone(Reason.DONE, Limit.EGRESS_EDGE),
        gone(Reason.CUT_OFF),
        gone(Reason.SHOW_OVER),
        {"state": State.WAITING, "limit": Limit.SESSIONS},
        {"state": State.STARTING, "limit": Limit.LINK},
        frozen(Limit.LINK),
        {"hd": False, "u": 0.95, "limit": Limit.NONE},
        GOOD,
    ]
    # values 1, 2, 4, ... so that every sum names its parts
    wishes = [{"value_cny": float(2**i), "u": 0.95} for i in range(len(fates))]
    result = night(wishes, {"limits": fates})
    assert lost(result, "cause", "limits") == {
        "refused": 1,
        "gave_up_waiting": 2,
        "left_starting": 4,
        "left_stalled": 8,
        "watched_less": 16,
        "cut_off": 32,
        "show_over": 64,
        "not_yet_in": 128 + 256,
        "frozen": 512,
        "seen_worse": 1024,
    }
    assert lost(result, "limit", "limits") == {
        "sessions": 1 + 128,
        "joins_per_s": 2,
        "egress_vendor": 4,
        "egress_region": 8,
        "egress_edge": 16,
        "own_link": 256 + 512,
        "none": 32 + 64 + 1024,
    }
    assert lost(result, "cause_by_limit", "limits") == {
        "refused.sessions": 1,
        "gave_up_waiting.joins_per_s": 2,
        "left_starting.egress_vendor": 4,
        "left_stalled.egress_region": 8,
        "watched_less.egress_edge": 16,
        "cut_off.none": 32,
        "show_over.none": 64,
        "not_yet_in.sessions": 128,
        "not_yet_in.own_link": 256,
        "frozen.own_link": 512,
        "seen_worse.none": 1024,
    }
    assert figure(result, "lost_gmv_cny") == figure(result, "lost_gmv_cny.limits") == 2047
    assert figure(result, "gmv_cny") == 2048
    assert figure(result, "gmv_net_cny") == pytest.approx(2048 * 0.6)


def test_loss_is_booked_to_its_viewers_class_region_and_isp() -> None:
    viewers = [{"access": 1, "region": 0, "isp": 1}, {"access": 1, "region": 1, "isp": 0}]
    wishes = [{"value_cny": 10.0}, {"value_cny": 5.5}]
    result = night(wishes, {"links": [frozen()] * 2}, viewers)
    assert lost(result, "class") == {"wifi": 15.5}
    assert lost(result, "region") == {"east": 10, "west": 5.5}
    assert lost(result, "isp") == {"unicom": 10, "telecom": 5.5}


def test_order_gained_on_a_rung_is_a_negative_loss() -> None:
    """Booked under what ailed the better world."""
    wishes = [{"value_cny": 30.0}, {"value_cny": 100.0}]
    better = [frozen(Limit.LINK), GOOD]  # limits keep others out: the first viewer is better off
    worse = [GOOD, gone(Reason.REFUSED, Limit.SESSIONS)]
    result = night(wishes, {"vendor": better, "limits": worse})
    assert lost(result, "cause", "vendor") == {"frozen": 30}
    assert lost(result, "cause", "limits") == {"refused": 100, "frozen": -30}
    assert lost(result, "limit", "limits") == {"sessions": 100, "own_link": -30}
    assert figure(result, "lost_gmv_cny.limits") == 70
    assert figure(result, "lost_gmv_cny") == 100


def test_a_sold_out_drop_is_not_lost_twice() -> None:
    lamps = [{"product": 1, "value_cny": 100.0}] * 5
    two_less = [gone(Reason.REFUSED), frozen(), GOOD, GOOD, GOOD]
    result = night(lamps, {"limits": two_less}, drops=[drop(100, stock=3)])
    assert figure(result, "lost_gmv_cny") == 0 and figure(result, "orders") == 3
    assert lost(result, "cause") == {}


def test_units_left_unsold_are_shared_by_the_failed_orders() -> None:
    lamps = [{"product": 1, "value_cny": 100.0}] * 6
    # Six want four lamps, then two of them do: two lamps stay, four orders failed, 3 : 1.
    fates = [gone(Reason.REFUSED)] * 3 + [frozen(), GOOD, GOOD]
    result = night(lamps, {"limits": fates}, drops=[drop(100, stock=4)])
    assert lost(result, "cause", "limits") == {"refused": 150, "frozen": 50}


def test_gained_order_for_a_scarce_product_has_negative_share() -> None:
    lamps = [{"product": 1, "value_cny": 100.0}] * 6
    before = [frozen(), *[GOOD] * 5]  # five want four
    after = [GOOD, *[gone(Reason.REFUSED)] * 3, GOOD, GOOD]  # three do: one lamp stays, 3 - 1
    result = night(lamps, {"links": before, "limits": after}, drops=[drop(100, stock=4)])
    assert lost(result, "cause", "links") == {}
    assert lost(result, "cause", "limits") == {"refused": 150, "frozen": -50}
    assert figure(result, "lost_gmv_cny.limits") == 100


def test_an_unpaid_order_is_no_sale_in_any_world_and_so_no_loss() -> None:
    wishes = [{"pay_u": 0.95}, {"pay_u": 0.5}, {"pay_u": 0.5}]
    result = night(wishes, {"limits": [gone(Reason.REFUSED)] * 2 + [GOOD]}, shop=some_never_pay())
    assert figure(result, "orders") == 1
    assert lost(result, "cause") == {"refused": 100}


def test_a_unit_held_by_who_does_not_pay_is_not_lost_twice() -> None:
    lamp = {"product": 1, "value_cny": 100.0}
    # The first holds the only lamp and never pays. In the worse world they are refused.
    wishes = [{**lamp, "pay_u": 0.95}, lamp]
    one = night(wishes, {"limits": [gone(Reason.REFUSED), GOOD]}, drops=[drop(100, stock=1)],
                shop=some_never_pay())  # fmt: skip
    assert figure(one, "orders") == 1
    assert lost(one, "cause", "limits") == {"refused": -100}
    # As many wish for it in both worlds, but only in one somebody who pays.
    two = night(wishes, {"vendor": [GOOD, frozen()], "limits": [gone(Reason.REFUSED), GOOD]},
                drops=[drop(100, stock=1)], shop=some_never_pay())  # fmt: skip
    assert figure(two, "lost_gmv_cny.limits") == -100
    assert lost(two, "cause", "limits") == {"frozen": -100}


def test_orders_not_taken_are_lost_to_the_buyers_own_servers() -> None:
    """No vendor has a part in it."""
    own = Own.model_validate({"orders_per_s": 0.1, "order_wait_s": 5})
    wishes = [{"time_s": 0.0}, {"time_s": 1.0}, {"time_s": 2.5}, {"time_s": 30.0}]
    result = night(wishes, {"incidents": [gone(Reason.CUT_OFF), GOOD, GOOD, GOOD]}, own=own)
    assert lost(result, "cause_by_limit", "limits") == {"not_taken.own_orders_per_s": 200}
    # Cut off, the first leaves their place to the second.
    assert lost(result, "cause_by_limit", "incidents") == {
        "cut_off.none": 100, "not_taken.own_orders_per_s": -100,
    }  # fmt: skip
    assert lost(result, "cause", "vendor") == {}
    assert figure(result, "binding_limit_s.own_orders_per_s") == 1
    assert figure(result, "lost_gmv_cny") == 200


def test_host_too_busy_to_answer_is_no_fault_of_the_vendor() -> None:
    shop = SHOP.model_copy(update={"host_answers_per_min": Quantity(value=1)})
    viewers = [{"interactive": True}] * 4
    wishes = [{"time_s": 0.0}, {"time_s": 0.0}, {"time_s": 0.0}, {"time_s": 0.0}]
    result = night(wishes, {"links": [frozen(), GOOD, GOOD, GOOD]}, viewers, shop=shop)
    # One is answered at once, one after a minute; with the first frozen two others are.
    assert result.worlds["orders"].tolist() == [2] * 5
    assert lost(result, "cause", "links") == {"frozen": 100, "unanswered": -100}


def some_never_pay() -> Commerce:
    payment = Payment(never_share=0.1, mean_s=1, within_s=1000)
    return SHOP.model_copy(update={"payment": payment})


def test_thirds_of_a_fen_go_somewhere() -> None:
    lamps = [{"product": 1, "value_cny": 1.0}] * 3
    fates = [gone(Reason.REFUSED), frozen(), {"state": State.WAITING}]
    result = night(lamps, {"limits": fates}, drops=[drop(1, stock=1)])
    cents = result.losses[result.losses["by"] == "cause"].set_index(["rung", "of"])["lost_fen"]
    assert sorted(cents["limits"][["refused", "frozen", "not_yet_in"]]) == [33, 33, 34]


def test_shares_stay_whole_and_exact_beyond_64_bits() -> None:
    """Amount times parts passes 2**63."""
    parts = _shared(10**13 + 7, np.ones(2_000_000, np.int64))
    assert parts.sum() == 10**13 + 7 and set(parts.tolist()) == {5_000_000, 5_000_001}


def test_every_sampled_order_stands_for_weight_orders() -> None:
    result = night([{}, {}], {"incidents": [gone(Reason.CUT_OFF), GOOD]}, weight=4.0)
    assert figure(result, "orders") == 4
    assert figure(result, "gmv_cny") == 400 == figure(result, "lost_gmv_cny.incidents")
    assert figure(result, "order_weighted_stall_ratio") == 0


def test_the_last_world_alone_still_has_its_sales() -> None:
    result = money({"incidents": run("limits", [{}, frozen()], weight=2.0)}, SHOP, [])
    assert result.results()["metric"].tolist() == [
        "orders", "gmv_cny", "gmv_net_cny", "order_weighted_stall_ratio",
        "binding_limit_s.own_orders_per_s",
    ]  # fmt: skip
    assert figure(result, "gmv_cny") == 200 and figure(result, "order_weighted_stall_ratio") == 0.5
    assert result.breakdown().empty


def test_nobody_wished_for_anything() -> None:
    result = night([], {})
    assert figure(result, "lost_gmv_cny") == 0
    assert np.isnan(figure(result, "order_weighted_stall_ratio"))


def test_every_name_has_its_row_even_where_nothing_is_lost() -> None:
    table = night([{}], {}).breakdown()
    names = {"cause": CAUSES, "class": NAMES.classes, "region": NAMES.regions, "isp": NAMES.isps}
    pairs = tuple(f"{cause}.{limit}" for cause in CAUSES for limit in LIMIT_NAMES)
    names["cause_by_limit"] = 2 * pairs  # of the limits and of incidents
    for by, of in {**names, "limit": LIMIT_NAMES, "rung": RUNGS}.items():
        assert tuple(table.loc[table["by"] == by, "of"]) == of
    assert (table["value"] == 0).all()


def test_worlds_that_do_not_belong_together_are_refused() -> None:
    worlds = {w: run(w, [{}]) for w in WORLDS}
    with pytest.raises(ValueError, match="vendor and limits don't hold the same orders"):
        money({**worlds, "limits": run("limits", [{"time_s": 7.0}])}, SHOP, [])
    with pytest.raises(ValueError, match="limits and incidents don't hold the same orders"):
        money({**worlds, "incidents": run("incidents", [{}], weight=2)}, SHOP, [])
    with pytest.raises(ValueError, match="not in \\(viewer, n\\) order"):
        money({w: run(w, [{"viewer": 1}, {"viewer": 0}]) for w in WORLDS}, SHOP, [])
    with pytest.raises(ValueError, match="not in \\(viewer, n\\) order"):
        money({w: run(w, [{"viewer": 1}, {"viewer": 1}]) for w in WORLDS}, SHOP, [])
    with pytest.raises(ValueError, match="incidents at least"):
        money({"limits": worlds["limits"]}, SHOP, [])
    two_prices = [{"product": 1, "value_cny": 1.0}, {"product": 1, "value_cny": 2.0}]
    with pytest.raises(ValueError, match="more than one price"):
        night(two_prices, {}, drops=[drop(1, stock=1)])


fate = st.fixed_dictionaries(
    {
        "state": st.sampled_from(State),
        "reason": st.sampled_from(Reason),
        "hd": st.booleans(),
        "audio": st.booleans(),
        "latency_s": st.floats(0, 60),
        "limit": st.sampled_from(Limit),
    }
)
prices = st.integers(1, 10**7).map(lambda fen: fen / 100)


@st.composite
def nights(draw: st.DrawFn) -> tuple[dict[str, Run], list[Drop]]:
    drops = draw(st.lists(st.builds(drop, prices, st.none() | st.integers(1, 12)), max_size=2))
    n = draw(st.integers(0, 30))
    wishes: list[dict[str, Any]] = []
    for viewer in sorted(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))):
        product = draw(st.integers(0, len(drops)))
        wishes.append(
            {
                "viewer": viewer,
                "n": len(wishes),
                "time_s": float(draw(st.integers(0, 5))),
                "product": product,
                "value_cny": drops[product - 1].price_cny if product else draw(prices),
                "u": draw(st.floats(0, 1, exclude_min=True, exclude_max=True)),
                "pay_u": draw(st.floats(0, 1, exclude_max=True)),
            }
        )
    bit = st.integers(0, 1)
    viewer_rows = st.fixed_dictionaries(
        {"access": bit, "region": bit, "isp": bit, "interactive": st.booleans()}
    )
    viewers = draw(st.lists(viewer_rows, min_size=10, max_size=10))
    weight = draw(st.sampled_from([1.0, 2.0, 1 / 0.3]))
    kinds = draw(st.lists(fate, min_size=1, max_size=12))  # few enough that drawing stays cheap
    of = st.lists(st.sampled_from(kinds), min_size=n, max_size=n)
    worlds = {w: [{**a, **b} for a, b in zip(wishes, draw(of), strict=True)] for w in WORLDS}
    runs = {w: run(w, orders, viewers, weight) for w, orders in worlds.items()}
    return runs, drops


answers = st.none() | st.builds(Quantity, value=st.floats(0.5, 100))
shops = st.builds(
    lambda never, within_s, answers: SHOP.model_copy(
        update={
            "payment": Payment(never_share=never, mean_s=2, within_s=within_s),
            "host_answers_per_min": answers,
        }
    ),
    st.floats(0, 0.9), st.floats(0.5, 20), answers,
)  # fmt: skip
own_servers = st.none() | st.builds(
    lambda rate, wait_s: Own.model_validate({"orders_per_s": rate, "order_wait_s": wait_s}),
    st.floats(0.1, 20), st.floats(0, 5),
)  # fmt: skip


@given(nights(), shops, own_servers)
def test_whatever_the_orders_sums_are_exact_and_stock_is_kept(
    drawn: tuple[dict[str, Run], list[Drop]], shop: Commerce, own: Own | None
) -> None:
    """Of one night all is asked, as drawing it takes most of the time."""
    runs, drops = drawn
    rungs_and_breakdowns_add_up_exactly(runs, drops, shop, own)
    no_order_is_sold_and_missed_and_no_stock_is_sold_twice(runs, drops, shop, own)
    a_stock_is_never_oversold_and_never_left_while_somebody_wants_it(runs, drops)


def rungs_and_breakdowns_add_up_exactly(
    runs: dict[str, Run], drops: list[Drop], shop: Commerce, own: Own | None
) -> None:
    result = money(runs, shop, drops, own)
    weight = runs["perfect"].weight
    fen = np.rint(result.worlds["gmv_cny"] * 100 / weight).astype(np.int64)
    by_rung = result.losses.groupby(["by", "rung"], sort=False)["lost_fen"].sum()
    for by in BREAKDOWNS:
        assert by_rung[by].loc[list(RUNGS)].tolist() == (-fen.diff().iloc[1:]).tolist()
    assert result.losses["lost_fen"].dtype == np.int64
    assert by_rung["cause"].sum() == fen.iloc[0] - fen.iloc[-1]

    figures = result.results().set_index("metric")["value"]
    rungs = [figures[f"lost_gmv_cny.{r}"] for r in RUNGS]
    assert sum(rungs) == pytest.approx(figures["lost_gmv_cny"], rel=1e-12, abs=1e-6)
    table: pd.Series[float] = result.breakdown().groupby("by")["value"].sum()
    assert set(table.index) == {"rung", *BREAKDOWNS}
    whole = table.drop("cause_by_limit")
    assert whole.to_numpy() == pytest.approx(figures["lost_gmv_cny"], rel=1e-12, abs=1e-6)
    bound = sum(figures[f"lost_gmv_cny.{rung}"] for rung in BOUND_RUNGS)
    assert table["cause_by_limit"] == pytest.approx(bound, rel=1e-12, abs=1e-6)
    assert result.over_time["lost_fen"].sum() == by_rung["cause"][list(BOUND_RUNGS)].sum()

    # Cause and limit together say what each says alone.
    pairs = result.losses[result.losses["by"] == "cause_by_limit"]
    parts = pairs["of"].str.split(".", expand=True)
    for k, by in enumerate(("cause", "limit")):
        alone = result.losses[result.losses["by"] == by].set_index(["rung", "of"])["lost_fen"]
        both = pairs.groupby([pairs["rung"], parts[k]])["lost_fen"].sum()
        assert both[alone.index].tolist() == alone.tolist()


def no_order_is_sold_and_missed_and_no_stock_is_sold_twice(
    runs: dict[str, Run], drops: list[Drop], shop: Commerce, own: Own | None
) -> None:
    for one in runs.values():
        sales = sell(one, shop, drops, own)
        fates = [sales.wanted, sales.unanswered, sales.not_taken]
        assert (np.sum(fates, axis=0) <= 1).all()
        assert not (sales.sold & ~sales.wanted).any()
        assert (sales.fen[sales.sold] > 0).all()
        for product, d in enumerate(drops, start=1):
            if d.stock is not None:
                bought = sales.sold & (one.orders["product"] == product)
                assert bought.sum() <= stock_units(d.stock, one.weight)


def a_stock_is_never_oversold_and_never_left_while_somebody_wants_it(
    runs: dict[str, Run], drops: list[Drop]
) -> None:
    for one in runs.values():
        sales = sell(one, SHOP, drops)
        assert not (sales.sold & ~sales.wanted).any()
        for product, d in enumerate(drops, start=1):
            these = one.orders["product"] == product
            asked = int(sales.wanted[these].sum())
            units = asked if d.stock is None else min(asked, stock_units(d.stock, one.weight))
            assert int(sales.sold[these].sum()) == units
