"""Which of the orders wished for happen in one world.

An order is demand: the same row, with the same time, product, value and threshold u, in every
world. Whether it happens is read off the viewer's state at its moment; stock is then served in
time order. Values are whole fen (1/100 CNY), so that sums are exact and differences add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from sim.record import Run, State
from sim.scenario.model import Commerce, Drop


@dataclass(frozen=True)
class Sales:
    """What one world sells: masks over the rows of `orders`, sampled orders."""

    orders: NDArray[np.void]
    """(orders,) dtype ORDERS."""
    fen: NDArray[np.int64]
    """(orders,) value of each."""
    wanted: NDArray[np.bool_]
    """(orders,) would be bought if nothing sold out."""
    sold: NDArray[np.bool_]
    """(orders,) of them, those the stock serves."""
    weight: float
    """Orders that each stands for."""

    @property
    def gmv_fen(self) -> int:
        """Sales of the sampled viewers."""
        return int(self.fen[self.sold].sum())

    @property
    def stall_ratio(self) -> float:
        """Share whose viewer was frozen, of orders wished for by viewers then playing or frozen.

        nan where there is none.
        """
        frozen = np.count_nonzero(self.orders["state"] == State.STALLED)
        present = frozen + np.count_nonzero(self.orders["state"] == State.PLAYING)
        return frozen / present if present else float("nan")


def sell(run: Run, commerce: Commerce, drops: Sequence[Drop]) -> Sales:
    """The sales of one run; product k of an order is `drops[k - 1]`, 0 has no stock.

    ValueError: an order without a session, or an interactive viewer playing without a latency.
    """
    orders = run.orders
    wanted = orders["state"] == State.PLAYING if run.world == "perfect" else _keen(run, commerce)
    sold = wanted.copy()
    for product, drop in enumerate(drops, start=1):
        if drop.stock is not None and run.order_weight > 0:  # 0: the whole night sells nothing
            rows = np.flatnonzero(wanted & (orders["product"] == product))
            queue = orders[["time_s", "viewer", "n"]][rows]
            turn = np.lexsort((queue["n"], queue["viewer"], queue["time_s"]))
            sold[rows[turn[stock_units(drop.stock, run.order_weight) :]]] = False
    fen = np.rint(orders["value_cny"] * 100).astype(np.int64)
    return Sales(orders, fen, wanted, sold, run.order_weight)


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
    # The host's answer decides for those who need it; the others don't mind the delay.
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
