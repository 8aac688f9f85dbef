"""What viewers would order if nothing went wrong: demand, drawn once a replication."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import poisson

from sim.demand.curve import Demand
from sim.draws import Cause, pairs
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Commerce, Promotion

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Order rates per viewer of mean intent and per unit of `base`: pitch, then each drop."""

    knots_s: Array
    """Where the pitch level changes; its rate is constant between."""
    levels: Array
    drop_s: Array
    drop_rate: Array
    decay_s: Array
    price_cny: Array
    """(products) expected value of an order; 0 is the ordinary basket."""
    paid: Array
    """(products) share of the orders that are paid in time."""

    def cumulative(self, t: Array) -> Array:
        """(len(t), products) integral of each product's rate from 0 to t."""
        steps = np.append(0, np.cumsum(self.levels * np.diff(self.knots_s)))
        pitch = np.interp(t, self.knots_s, steps)
        since = np.maximum(t[:, None] - self.drop_s, 0)
        drops = self.drop_rate * self.decay_s * -np.expm1(-since / self.decay_s)
        return np.column_stack([pitch, drops])

    def time_at(self, product: NDArray[np.int64], mass: Array) -> Array:
        """When the product's cumulative rate reaches `mass` (the inverse of `cumulative`)."""
        steps = np.append(0, np.cumsum(self.levels * np.diff(self.knots_s)))
        # steps[i] < mass <= steps[i + 1]: never a stretch whose level is 0, rounding apart.
        i = np.clip(np.searchsorted(steps, mass) - 1, 0, len(self.levels) - 1)
        into = (mass - steps[i]) / np.maximum(self.levels[i], 1e-100)
        pitch = np.minimum(self.knots_s[i] + into, self.knots_s[i + 1])
        k = np.maximum(product - 1, 0)
        if len(self.drop_s) == 0:
            return np.asarray(pitch)
        share = np.minimum(mass / (self.drop_rate[k] * self.decay_s[k]), 1 - 1e-15)
        return np.where(product == 0, pitch, self.drop_s[k] - self.decay_s[k] * np.log1p(-share))


def order_rates(promotion: Promotion, commerce: Commerce, duration_s: float) -> Rates:
    """The script's intent over the show."""
    cuts = {0.0, duration_s}
    for pitch in promotion.pitches:
        cuts |= {t for t in (pitch.from_s, pitch.to_s) if 0 < t < duration_s}
    knots = np.array(sorted(cuts))
    middle = (knots[1:] + knots[:-1]) / 2
    levels = np.ones(len(middle))
    for pitch in promotion.pitches:
        levels[(middle > pitch.from_s) & (middle < pitch.to_s)] *= pitch.intent
    basket = commerce.basket_cny.median * np.exp(commerce.basket_cny.sigma_ln**2 / 2)
    return Rates(
        knots,
        levels,
        np.array([d.time_s for d in promotion.drops]),
        np.array([d.intent for d in promotion.drops]),
        np.array([d.decay_s for d in promotion.drops]),
        np.array([basket] + [d.price_cny for d in promotion.drops]),
        np.array(
            [commerce.payment.paid_share(d.pay_within_s if d else None)
             for d in (None, *promotion.drops)]
        ),
    )  # fmt: skip


def wished(demand: Demand, rates: Rates) -> Array:
    """(products) orders of the night, at one order a second of a viewer of mean intent."""
    t = np.linspace(0, demand.duration_s, 20 * len(demand.times_s))
    mass = np.diff(rates.cumulative(t), axis=0)
    return np.asarray(demand.mean_viewers(t) @ mass)


def base_rate(
    promotion: Promotion,
    demand: Demand,
    rates: Rates,
    room_per_view: float | None = None,
    orders: Array | None = None,
) -> float:
    """Orders a second of a viewer of mean intent: solved once, in expectation, before stock.

    What is expected is sold: of the orders placed those that are paid in time. `room_per_view`:
    orders a view of this audience, where the promotion has no figure of its own. `orders`: as
    `wished` gives them, where they are known.
    Errors: ScenarioError where nobody may order anything.
    """
    orders = wished(demand, rates) if orders is None else orders
    if not orders.any():
        raise ScenarioError(
            "promotion.pitches hold the intent at 0, or the curve has nobody in the room, for the "
            "whole show and no drop changes that: expected_gmv_cny and orders_per_view need a time "
            "at which somebody may order"
        )
    if promotion.expected_gmv_cny is not None:
        return promotion.expected_gmv_cny / float(orders @ (rates.price_cny * rates.paid))
    per_view = promotion.orders_per_view or room_per_view
    assert per_view is not None  # the scenario was refused
    return per_view * demand.arrivals / float(orders @ rates.paid)


WISHES = np.dtype(
    [
        ("viewer", "i8"),
        ("n", "i4"),
        ("time_s", "f8"),
        ("product", "i4"),
        ("value_cny", "f8"),
        ("u", "f8"),
        ("pay_u", "f8"),
    ]
)


def draw_orders(
    seed: int,
    replication: int,
    bins: NDArray[np.int64],
    js: NDArray[np.int64],
    arrival_s: Array,
    leave_s: Array,
    intent: Array,
    base: float,
    rates: Rates,
    commerce: Commerce,
) -> NDArray[np.void]:
    """Orders of every viewer between arrival and the end of the stay, in viewer and time order.

    A viewer's count is the Poisson quantile of one keyed uniform, so it does not depend on others.
    """
    here = rates.cumulative(arrival_s)
    mass = rates.cumulative(leave_s) - here
    mean = base * intent * mass.sum(axis=1)
    u = pairs(seed, replication, Cause.ORDERS, bins, js)[:, 0]
    count = np.zeros(len(u), np.int64)
    # Below 1 - exp(-mean) nobody orders anything: the quantile is needed for few.
    some = u > np.exp(-mean)
    count[some] = poisson.ppf(u[some], mean[some]).astype(np.int64)
    viewer = np.repeat(np.arange(len(u)), count)
    n = np.arange(len(viewer)) - np.repeat(np.cumsum(count) - count, count)
    when = pairs(seed, replication, Cause.ORDER, bins[viewer], js[viewer], n)
    what = pairs(seed, replication, Cause.BASKET, bins[viewer], js[viewer], n)
    share = np.cumsum(mass[viewer], axis=1) / mass[viewer].sum(axis=1)[:, None]
    product = np.minimum((when[:, :1] >= share).sum(axis=1), share.shape[1] - 1)
    orders = np.zeros(len(viewer), WISHES)
    orders["viewer"], orders["n"], orders["product"] = viewer, n, product
    reached = (here[viewer] + when[:, 1:] * mass[viewer])[np.arange(len(viewer)), product]
    time = rates.time_at(product, reached)
    orders["time_s"] = np.clip(time, arrival_s[viewer], leave_s[viewer])
    basket = commerce.basket_cny.median * np.exp(commerce.basket_cny.sigma_ln * ndtri(what[:, 0]))
    orders["value_cny"] = np.where(product == 0, basket, rates.price_cny[product])
    orders["u"] = what[:, 1]
    orders["pay_u"] = pairs(seed, replication, Cause.ORDERS, bins[viewer], js[viewer], 1 + n)[:, 0]
    orders = orders[np.lexsort((n, orders["time_s"], viewer))]
    orders["n"] = n  # by time: counts per viewer are the same in either order
    return orders
