"""Which of the orders wished for happen in one world.

An order is demand: the same row, with the same time, product, value and threshold u, in every
world. Whether it happens is read off the viewer's state at its moment; what many share (the host's
answers, the shop's own servers, stock) is then given in time order. Values are whole fen (1/100
CNY), so that sums are exact and differences add up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from sim.record import BIN_S, Run, State
from sim.scenario.model import Commerce, Drop
from sim.scenario.vendor import Own

QUESTION_S = 60.0
"""A question that would wait longer for the host's answer has scrolled away (assumed)."""


@dataclass(frozen=True)
class Sales:
    """What one world sells: masks over the rows of `orders`, sampled orders."""

    orders: NDArray[np.void]
    """(orders,) dtype ORDERS."""
    fen: NDArray[np.int64]
    """(orders,) value of each, 0 where it would not be paid in time."""
    unanswered: NDArray[np.bool_]
    """(orders,) only the host's answer was missing."""
    not_taken: NDArray[np.bool_]
    """(orders,) only the buyer's own servers were in the way."""
    wanted: NDArray[np.bool_]
    """(orders,) would be placed if nothing sold out."""
    sold: NDArray[np.bool_]
    """(orders,) of them, those the stock serves and that are paid in time."""
    weight: float
    """Orders that each stands for."""

    @property
    def gmv_fen(self) -> int:
        """Sales of the sampled viewers."""
        return int(self.fen[self.sold].sum())

    @property
    def not_taken_s(self) -> float:
        """Seconds of the show in which the buyer's own servers turned an order away."""
        return float(len(np.unique(np.floor(self.orders["time_s"][self.not_taken]))))

    @property
    def placed_per_s(self) -> float:
        """Orders a second that the buyer's own servers were asked for in the busiest ten."""
        times_s = self.orders["time_s"][self.wanted | self.not_taken]
        asked = np.bincount((times_s / BIN_S).astype(np.int64), minlength=1)
        return float(asked.max()) * self.weight / BIN_S

    @property
    def stall_ratio(self) -> float:
        """Share whose viewer was frozen, of orders wished for by viewers then playing or frozen.

        nan where there is none.
        """
        frozen = np.count_nonzero(self.orders["state"] == State.STALLED)
        present = frozen + np.count_nonzero(self.orders["state"] == State.PLAYING)
        return frozen / present if present else float("nan")


def sell(run: Run, commerce: Commerce, drops: Sequence[Drop], own: Own | None = None) -> Sales:
    """The sales of one run; product k of an order is `drops[k - 1]`, 0 has no stock.

    `own`: the buyer's own servers, None where they have no limit.
    ValueError: an order without a session, or an interactive viewer playing without a latency.
    """
    orders, each = run.orders, run.order_weight
    keen = orders["state"] == State.PLAYING if run.world == "perfect" else _keen(run, commerce)
    unanswered = np.zeros(len(orders), bool)
    if commerce.host_answers_per_min is not None:
        asks = _in_time(orders, keen & run.sessions["interactive"][rows_of(run)])
        answer_s = 60 * each / commerce.host_answers_per_min.value
        unanswered[asks] = np.isinf(waits_s(orders["time_s"][asks], answer_s, QUESTION_S))
    not_taken = np.zeros(len(orders), bool)
    if own is not None and own.orders_per_s is not None and own.order_wait_s is not None:
        placed = _in_time(orders, keen & ~unanswered)
        order_s = each / own.orders_per_s.value
        late = np.isinf(waits_s(orders["time_s"][placed], order_s, own.order_wait_s.value))
        not_taken[placed] = late
    wanted = keen & ~unanswered & ~not_taken
    paid, sold = np.zeros(len(orders), bool), wanted.copy()
    for product, drop in enumerate((None, *drops)):
        these = orders["product"] == product
        within_s = drop.pay_within_s if drop is not None else None
        paid[these] = orders["pay_u"][these] < commerce.payment.paid_share(within_s)
        if drop is not None and drop.stock is not None and each > 0:  # 0: nothing is sold at all
            rows = _in_time(orders, wanted & these)
            units, held_s = stock_units(drop.stock, each), within_s or commerce.payment.within_s
            sold[rows] = reserved(orders["time_s"][rows], paid[rows], units, held_s)
    fen = np.where(paid, np.rint(orders["value_cny"] * 100), 0).astype(np.int64)
    return Sales(orders, fen, unanswered, not_taken, wanted, sold & paid, each)


def waits_s(time_s: NDArray[np.float64], each_s: float, most_s: float) -> NDArray[np.float64]:
    """(n,) wait of each before one server that takes `each_s`, first come, first served.

    `time_s` rises. Who would wait longer than `most_s` goes away at once: inf.
    """
    waits, free_s = np.zeros(len(time_s)), -np.inf
    for k, t in enumerate(time_s.tolist()):
        begins_s = max(t, free_s)
        if begins_s - t > most_s:
            waits[k] = np.inf
        else:
            waits[k], free_s = begins_s - t, begins_s + each_s
    return waits


def reserved(
    time_s: NDArray[np.float64], paid: NDArray[np.bool_], units: int, held_s: float
) -> NDArray[np.bool_]:
    """(n,) whether each finds a unit; one that is not `paid` is for sale again after `held_s`.

    `time_s` rises. Who finds none does not come back for it.
    """
    found, back = np.zeros(len(time_s), bool), deque[float]()
    for k, (t, pays) in enumerate(zip(time_s.tolist(), paid.tolist(), strict=True)):
        while back and back[0] <= t:
            back.popleft()
            units += 1
        if units:
            units -= 1
            found[k] = True
            if not pays:
                back.append(t + held_s)
    return found


def _in_time(orders: NDArray[np.void], these: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of these orders by time, and among equals by viewer and number."""
    rows = np.flatnonzero(these)
    queue = orders[["time_s", "viewer", "n"]][rows]
    return rows[np.lexsort((queue["n"], queue["viewer"], queue["time_s"]))]


def stock_units(stock: int, weight: float) -> int:
    """Units for the sampled orders: whole ones, rounded down, but at least 1.

    Rounded up, a small drop could sell more than it has; at 0 it would vanish from every world and
    with it all that can be lost there. Either way the error stays below one sampled order.
    """
    return max(1, floor(round(stock / weight, 6)))  # 100 / (1 / 0.29) is 28.999999999999996


def rows_of(run: Run) -> NDArray[np.intp]:
    """(orders,) the row in `run.sessions` of each order's viewer."""
    viewers = run.sessions["viewer"]
    wished_by = run.orders["viewer"]
    order = np.argsort(viewers, kind="stable")
    place = np.searchsorted(viewers, wished_by, sorter=order)
    if wished_by.size and (
        int(place.max()) == len(viewers) or (viewers[order[place]] != wished_by).any()
    ):
        raise ValueError(f"world {run.world}: an order's viewer has no session")
    return order[place]


def _keen(run: Run, commerce: Commerce) -> NDArray[np.bool_]:
    """(orders,) u is below what the viewer's picture and delay leave of the wish."""
    orders = run.orders
    playing = orders["state"] == State.PLAYING
    # The host's answer decides for viewers who need it; the others don't mind the delay.
    asks = playing & run.sessions["interactive"][rows_of(run)]
    if np.isnan(orders["latency_s"][asks]).any():
        raise ValueError(f"world {run.world}: a playing viewer's order has no latency")
    late = np.where(asks, orders["latency_s"] - commerce.latency_free_s.value, 0.0)
    responsiveness = np.exp(-np.maximum(late, 0.0) / commerce.latency_tau_s.value)
    below_hd = np.where(orders["audio"], commerce.clarity_audio.value, commerce.clarity_sd.value)
    clarity = np.where(orders["hd"], 1.0, below_hd)
    # A picture that stands still with the sound on sells at least as well as one in silence.
    silent = commerce.buy_while_frozen.value
    frozen = np.where(orders["audio"], max(silent, commerce.clarity_audio.value), silent)
    kept = np.where(playing, clarity * responsiveness, 0.0)
    kept = np.where(orders["state"] == State.STALLED, frozen, kept)
    keen: NDArray[np.bool_] = orders["u"] < kept
    return keen
