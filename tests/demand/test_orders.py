"""Orders are demand: Poisson over each viewer's stay, as many as the script expects."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from sim.demand import draw_audience
from sim.demand.orders import base_rate, draw_orders, order_rates
from sim.scenario.model import Payment, Pitch
from tests.demand.nights import demand, night, script, shipped

NIGHTS = 60
SHOP = shipped().commerce
BASKET = SHOP.basket_cny.median * np.exp(SHOP.basket_cny.sigma_ln**2 / 2)


def offer(time_s, intent=8.0, decay_s=120.0, price=199.0, name="offer"):
    return {
        "name": name, "time_s": time_s, "price_cny": price, "intent": intent, "decay_s": decay_s
    }  # fmt: skip


def rates_of(**keys):
    promotion = script(**keys)
    return order_rates(promotion, SHOP, promotion.duration_s)


BUSY = {
    "peak_viewers": 800,
    "orders_per_view": 0.2,
    "concurrency": [[0, 0.2], [600, 1], [1200, 0.8]],
    "drops": [offer(400), offer(800, 3.0, 60.0, 99.0, "second")],
    "pitches": [{"from_s": 300, "to_s": 400, "intent": 0.5}],
}


@cache
def nights():
    """Nights of a busy shop with two drops."""
    return [draw_audience(night("star_room", **BUSY), r) for r in range(NIGHTS)]


# --- the rate -------------------------------------------------------------------------------------

pitches = st.lists(
    st.tuples(st.floats(0, 1190), st.floats(1, 600), st.sampled_from([0.0, 0.5, 1.0, 3.0])),
    max_size=3,
).map(lambda many: [{"from_s": a, "to_s": a + b, "intent": c} for a, b, c in many])
drops = st.lists(
    st.builds(offer, st.floats(0, 1500), st.floats(0.1, 20), st.floats(1, 900)), max_size=3
)


def level_at(pitch_list, t):
    return np.prod([p.intent for p in pitch_list if p.from_s < t < p.to_s] or [1.0])


@given(pitches=pitches, drops=drops, t=st.floats(0, 1200))
def test_the_cumulative_rate_is_the_integral_of_the_script(pitches, drops, t):
    promotion = script(pitches=pitches, drops=drops)
    rates = order_rates(promotion, SHOP, 1200)
    cuts = sorted({0.0, t, *(min(x, t) for p in promotion.pitches for x in (p.from_s, p.to_s))})
    pitch = sum(level_at(promotion.pitches, (a + b) / 2) * (b - a) for a, b in pairwise(cuts))
    ours = rates.cumulative(np.array([t]))[0]
    assert ours[0] == pytest.approx(pitch, abs=1e-6)
    for k, d in enumerate(promotion.drops):
        since = max(t - d.time_s, 0.0)
        if since > 1e-9:
            area = integrate.quad(lambda x, d=d: d.intent * np.exp(-x / d.decay_s), 0, since)[0]
            assert ours[1 + k] == pytest.approx(area, abs=1e-6)


@given(pitches=pitches, drops=drops, t=st.floats(0, 1200), data=st.data())
def test_order_comes_when_the_cumulative_rate_reaches_its_mass(pitches, drops, t, data):
    rates = rates_of(pitches=pitches, drops=drops)
    product = data.draw(st.integers(0, len(drops)))
    mass = rates.cumulative(np.array([t]))[0, product]
    ever = rates.cumulative(np.array([1e9]))[0, product]
    if mass <= 1e-6 or (product > 0 and mass > (1 - 1e-9) * ever):
        return  # before a drop, or so long after it that its rate is lost to rounding
    when = rates.time_at(np.array([product]), np.array([mass]))
    assert rates.cumulative(when)[0, product] == pytest.approx(mass, rel=1e-9, abs=1e-6)


def test_nobody_orders_the_basket_while_the_pitch_silences_it():
    rates = rates_of(pitches=[{"from_s": 300, "to_s": 600, "intent": 0}])
    mass = np.linspace(0.01, 899.99, 1000)
    when = rates.time_at(np.zeros(1000, np.int64), mass)
    assert not ((when > 300) & (when < 600)).any()
    assert when == pytest.approx(np.where(mass < 300, mass, mass + 300))


def test_pitches_that_overlap_multiply():
    rates = rates_of(
        pitches=[{"from_s": 0, "to_s": 600, "intent": 2}, {"from_s": 300, "to_s": 900, "intent": 3}]
    )
    steps = rates.cumulative(np.array([0.0, 300, 600, 900, 1200]))[:, 0]
    assert np.diff(steps) / 300 == pytest.approx([2, 6, 3, 1])


@given(time_s=st.floats(0, 1199), intent=st.floats(0.1, 50), decay_s=st.floats(1, 2000))
def test_a_drop_spike_integrates_to_intent_times_decay(time_s, intent, decay_s):
    rates = rates_of(drops=[offer(time_s, intent, decay_s)])
    before, just, efold, ever = rates.cumulative(
        np.array([time_s, time_s + 1e-6 * decay_s, time_s + decay_s, 1e9])
    )[:, 1]
    assert before == 0
    assert just == pytest.approx(intent * 1e-6 * decay_s, rel=1e-3)
    assert efold == pytest.approx(intent * decay_s * (1 - np.exp(-1)))
    assert ever == pytest.approx(intent * decay_s)


# --- the base rate --------------------------------------------------------------------------------


def test_in_a_flat_room_the_base_rate_has_a_closed_form():
    d = demand(peak_viewers=1000)
    base = base_rate(script(orders_per_view=0.02), d, rates_of())
    assert base * 1000 * 1200 == pytest.approx(0.02 * d.arrivals)
    base = base_rate(script(orders_per_view=None, expected_gmv_cny=5e5), d, rates_of())
    assert base * 1000 * 1200 * BASKET == pytest.approx(5e5)


def test_drops_and_pitches_weigh_in_the_base_rate_as_scripted():
    spike, pitch = 8 * 120 * -np.expm1(-800 / 120), {"from_s": 0, "to_s": 600, "intent": 3}
    d = demand(peak_viewers=1000)
    keys = {"drops": [offer(400)], "pitches": [pitch]}
    rates = rates_of(**keys)
    base = base_rate(script(**keys, orders_per_view=0.02), d, rates)
    assert base * 1000 * (1800 + 600 + spike) == pytest.approx(0.02 * d.arrivals, rel=1e-6)
    base = base_rate(script(**keys, orders_per_view=None, expected_gmv_cny=5e5), d, rates)
    value = (1800 + 600) * BASKET + spike * 199
    assert base * 1000 * value == pytest.approx(5e5, rel=1e-6)


@pytest.mark.parametrize("promotion", ["steady_ramp", "midnight_drop"])
def test_orders_per_view_gives_every_peak_the_same_base_rate(promotion):
    small, large = (
        draw_audience(shipped(f"promotion={promotion}", f"promotion.peak_viewers={n}"), 0)
        for n in (200, 500)
    )
    assert small.base_per_s == pytest.approx(large.base_per_s, rel=1e-12)


# --- the orders drawn -----------------------------------------------------------------------------


def test_as_many_orders_are_drawn_as_orders_per_view_promises():
    n = np.array([len(a.orders) for a in nights()])
    expected = 0.2 * nights()[0].demand.arrivals
    assert abs(n.mean() - expected) < 4 * n.std() / np.sqrt(NIGHTS)
    assert n.std() / np.sqrt(NIGHTS) < 0.01 * expected


def test_what_is_expected_is_paid_for_however_many_never_pay():
    some = Payment(never_share=0.25, mean_s=60, within_s=60)
    paid = 0.75 * (1 - np.exp(-1))
    assert some.paid_share() == pytest.approx(paid)
    shop = SHOP.model_copy(update={"payment": some})
    promotion, d = script(drops=[]), demand("star_room")
    rates = order_rates(promotion, shop, promotion.duration_s)
    all_pay = order_rates(promotion, SHOP, promotion.duration_s)
    placed, sold = (base_rate(promotion, d, r) for r in (rates, all_pay))
    assert placed * paid == pytest.approx(sold)


def test_the_room_says_how_many_buy_where_the_promotion_does_not():
    promotion, d = script(orders_per_view=None), demand("star_room")
    rates = rates_of()
    assert base_rate(promotion, d, rates, 0.03) == base_rate(script(orders_per_view=0.03), d, rates)
    both = base_rate(script(orders_per_view=0.03), d, rates, 0.5)
    assert both == base_rate(script(orders_per_view=0.03), d, rates)


def test_sales_meet_the_expected_gmv_before_stock():
    scarce = [d | {"stock": 1} for d in BUSY["drops"]]
    keys = BUSY | {"orders_per_view": None, "expected_gmv_cny": 200_000, "drops": scarce}
    gmv = np.array(
        [
            draw_audience(night("star_room", **keys), r).orders["value_cny"].sum()
            for r in range(NIGHTS)
        ]
    )
    assert abs(gmv.mean() - 200_000) < 4 * gmv.std() / np.sqrt(NIGHTS)
    assert gmv.std() / np.sqrt(NIGHTS) < 0.02 * 200_000


def test_an_order_lies_within_its_viewers_stay():
    for a in nights()[:10]:
        o, v = a.orders, a.viewers
        assert (o["time_s"] >= v["arrival_s"][o["viewer"]]).all()
        assert (o["time_s"] <= a.leave_s[o["viewer"]]).all()


def test_orders_stand_by_viewer_and_time_and_are_numbered_so():
    for a in nights()[:10]:
        o = a.orders
        assert np.array_equal(np.lexsort((o["time_s"], o["viewer"])), np.arange(len(o)))
        firsts = np.append(True, np.diff(o["viewer"]) > 0)
        assert (o["n"][firsts] == 0).all()
        assert (np.diff(o["n"])[~firsts[1:]] == 1).all()


def test_a_viewers_orders_are_poisson_around_their_own_mean():
    rates = order_rates(script(**BUSY), SHOP, 1200)
    n, mean = [], []
    for a in nights()[:20]:
        v = a.viewers
        mass = rates.cumulative(a.leave_s) - rates.cumulative(v["arrival_s"])
        mean.append(a.base_per_s * v["intent"] * mass.sum(axis=1))
        n.append(np.bincount(a.orders["viewer"], minlength=len(v)))
    counts, means = np.concatenate(n), np.concatenate(mean)
    # Viewers in ten groups by what is expected of them: each group orders that much.
    group = np.digitize(means, np.quantile(means, np.arange(1, 10) / 10))
    ordered = np.bincount(group, counts, 10)
    expected = np.bincount(group, means, 10)
    assert ((ordered - expected) ** 2 / expected).sum() < stats.chi2.isf(1e-3, 10)
    # And with the spread of Poisson counts: (n - m)^2 - n is nothing on average.
    surplus = (counts - means) ** 2 - counts
    assert abs(surplus.mean()) < 4 * surplus.std() / np.sqrt(len(surplus))


def test_every_product_is_ordered_when_the_script_says():
    a, rates = nights()[0], order_rates(script(**BUSY), SHOP, 1200)
    orders = np.concatenate([x.orders for x in nights()])
    t = np.linspace(0, 1200, 24_001)
    crowd = np.interp(t, a.demand.times_s, a.demand.offered)
    mass = (crowd[1:] + crowd[:-1])[:, None] / 2 * np.diff(rates.cumulative(t), axis=0)
    expected = np.vstack([np.zeros(3), np.cumsum(mass, axis=0)]) * a.base_per_s * NIGHTS
    for product in range(3):
        mine = orders["time_s"][orders["product"] == product]
        total = expected[-1, product]
        # Orders of one night share viewers, so counts spread a little more than Poisson.
        assert abs(len(mine) - total) < 6 * np.sqrt(total)
        law = expected[:, product] / total
        assert stats.kstest(mine, lambda x, law=law: np.interp(x, t, law)).pvalue > 1e-3, product


def test_a_drop_has_its_price_and_the_basket_is_lognormal():
    orders = np.concatenate([a.orders for a in nights()])
    assert (orders["value_cny"][orders["product"] == 1] == 199).all()
    assert (orders["value_cny"][orders["product"] == 2] == 99).all()
    basket = np.log(orders["value_cny"][orders["product"] == 0] / SHOP.basket_cny.median)
    assert stats.kstest(basket, stats.norm(0, SHOP.basket_cny.sigma_ln).cdf).pvalue > 1e-3
    assert stats.kstest(orders["u"], "uniform").pvalue > 1e-3


# --- each viewer on their own ---------------------------------------------------------------------


def test_a_viewers_orders_don_t_depend_on_who_else_came():
    a, scenario = nights()[0], night("star_room", **BUSY)
    rates, v = order_rates(scenario.promotion, SHOP, 1200), a.viewers
    some = np.flatnonzero(v["j"] % 3 == 1)[::-1]  # a third of them, last come first
    alone = draw_orders(
        1, 0, v["bin"][some], v["j"][some], v["arrival_s"][some], a.leave_s[some],
        v["intent"][some], a.base_per_s, rates, SHOP,
    )  # fmt: skip
    alone["viewer"] = some[alone["viewer"]]
    alone = alone[np.lexsort((alone["time_s"], alone["viewer"]))]
    assert len(alone) > 100
    assert np.array_equal(alone, a.orders[np.isin(a.orders["viewer"], some)])


def test_another_network_or_device_orders_the_same():
    home = night("star_room", **BUSY)
    mobile = home.model_copy(update={"network": shipped("network=mobile").network})
    assert np.array_equal(draw_audience(mobile, 0).orders, nights()[0].orders)


def test_a_viewer_who_leaves_at_once_orders_nothing():
    rates = rates_of(drops=[offer(10)], pitches=[{"from_s": 0, "to_s": 100, "intent": 0}])
    bins, js = np.zeros(500, np.int64), np.arange(500)
    here = np.full(500, 10.0)
    for leave in (here, here + 1e-12):
        got = draw_orders(1, 0, bins, js, here, leave, np.ones(500), 1.0, rates, SHOP)
        assert len(got) == 0


def test_a_silent_pitch_sells_only_drops():
    rates = rates_of(drops=[offer(600)], pitches=[Pitch(from_s=0, to_s=1200, intent=0)])
    bins, js, none = np.zeros(500, np.int64), np.arange(500), np.zeros(500)
    got = draw_orders(1, 0, bins, js, none, none + 1200, none + 1, 0.01, rates, SHOP)
    assert len(got) > 100
    assert (got["product"] == 1).all() and (got["time_s"] > 600).all()
