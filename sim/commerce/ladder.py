"""What each rung of the ladder costs, and why.

A rung is the step from a better world to the next worse one; its loss is the difference of their
sales. Each order has a loss of its own, in whole fen, and these sum to that difference: whatever
they are grouped by adds up to the rung, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.commerce.orders import Sales, rows_of
from sim.record import BIN_S, WORLDS, Reason, Run, State
from sim.scenario.limits import LIMIT_NAMES, Limit

RUNGS = WORLDS[1:]
"""A rung is named after its worse world."""

BOUND_RUNGS = ("limits", "incidents")
"""The rungs on which limits bind: an incident's outage, and what it makes of the others."""

BREAKDOWNS = ("cause", "class", "region", "isp", "limit", "cause_by_limit")
"""What a rung is split by, and by `cohort` where there are any; `class` is the access class,
`cause_by_limit` both at once."""

_OF_STATE = {
    State.WAITING: "not_yet_in",
    State.STARTING: "not_yet_in",
    State.PLAYING: "seen_worse",
    State.STALLED: "frozen",
}
_OF_REASON = {
    Reason.NONE: "watched_less",  # gone and no reason given: of one's own accord
    Reason.DONE: "watched_less",
    Reason.GAVE_UP_WAITING: "gave_up_waiting",
    Reason.LEFT_STARTING: "left_starting",
    Reason.LEFT_STALLED: "left_stalled",
    Reason.REFUSED: "refused",
    Reason.CUT_OFF: "cut_off",
    Reason.SHOW_OVER: "show_over",
}
CAUSES = (
    *dict.fromkeys([*_OF_REASON.values(), *_OF_STATE.values()]),
    "unanswered",
    "not_taken",
)
"""What happened to the viewer of a lost order; the last two: the host was busy, the shop was."""

CAUSES_BY_LIMIT = tuple(f"{cause}.{limit}" for cause in CAUSES for limit in LIMIT_NAMES)
"""`refused.sessions`: what happened to the viewer, and the limit that bound them then."""

_CAUSE_OF_STATE = np.array([CAUSES.index(_OF_STATE.get(s, "watched_less")) for s in State])
_CAUSE_OF_REASON = np.array([CAUSES.index(_OF_REASON[r]) for r in Reason])

_WISH = ("viewer", "n", "time_s", "product", "value_cny", "u", "pay_u")


def ladder(runs: Mapping[str, Run], sales: Mapping[str, Sales]) -> pd.DataFrame:
    """Losses of every rung by every breakdown: rung, by, of, lost_fen (sampled viewers).

    Every cause, class, region, isp, limit and pair has its row, at 0 if nothing was lost there (a
    mean over nights needs the zeros). For each `by` the rows of a rung sum to its loss.
    ValueError: two worlds don't hold the same orders or stand for different numbers of viewers.
    """
    tables = []
    for better, worse in pairwise(WORLDS):
        _same_orders(better, sales[better], worse, sales[worse])
        lost = lost_fen(sales[better], sales[worse])
        for by, (names, codes) in _labels(runs[worse], sales[better], sales[worse]).items():
            fen = np.zeros(len(names), np.int64)
            np.add.at(fen, codes, lost)
            tables.append(pd.DataFrame({"rung": worse, "by": by, "of": names, "lost_fen": fen}))
    return pd.concat(tables, ignore_index=True)


def lost_over_time(runs: Mapping[str, Run], sales: Mapping[str, Sales]) -> pd.DataFrame:
    """BOUND_RUNGS by when and by which limit: time_s (of BIN_S), limit, lost_fen (sampled).

    An order is lost at its own time. Its rows sum to the rungs; a limit that cost nothing has none.
    """
    tables = []
    for better, worse in pairwise(["vendor", *BOUND_RUNGS]):
        names, codes = _labels(runs[worse], sales[better], sales[worse])["limit"]
        at = sales[better].orders["time_s"] // BIN_S * BIN_S
        fen, limit = lost_fen(sales[better], sales[worse]), np.array(names, object)[codes]
        tables.append(pd.DataFrame({"time_s": at, "limit": limit, "lost_fen": fen}))
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[rows["lost_fen"] != 0]
    return rows.groupby(["limit", "time_s"])[["lost_fen"]].sum().reset_index()


def lost_fen(better: Sales, worse: Sales) -> NDArray[np.int64]:
    """(orders,) fen lost between two worlds, negative if gained; sums to the difference of sales.

    An order no longer wanted costs its value, if it would be paid. Where a product sells out in
    either world, what is lost is the units that stay on the shelf, and the orders that failed share
    it evenly (a gained one negatively): a sold-out drop can't be lost twice.
    """
    unserved = better.wanted.astype(np.int64) - worse.wanted
    lost = unserved * better.fen
    missed = (better.wanted & ~better.sold) | (worse.wanted & ~worse.sold)
    sold_out = missed & (better.fen > 0)  # unpaid orders are no sales in either world
    for product in np.unique(better.orders["product"][sold_out]):
        rows = np.flatnonzero(better.orders["product"] == product)
        prices = np.unique(better.orders["value_cny"][rows])
        if len(prices) > 1:  # else which unit is left on the shelf would matter
            raise ValueError(f"product {product} has a stock and more than one price")
        units = int(better.sold[rows].sum()) - int(worse.sold[rows].sum())
        lost[rows] = _shared(units * round(prices[0] * 100), _blamed(units, unserved[rows]))
    return lost


def _blamed(units: int, unserved: NDArray[np.int64]) -> NDArray[np.int64]:
    """Who shares `units`: the orders that failed, those gained with a minus.

    Without unpaid orders no more units stay than orders failed on balance. With them a unit may be
    held by somebody who doesn't pay in one world only: then all whose wish changed share alike.
    """
    balance = int(unserved.sum())
    return unserved if 0 <= units * balance <= balance * balance and balance else abs(unserved)


def _shared(total: int, among: NDArray[np.int64]) -> NDArray[np.int64]:
    """`total` in whole parts in proportion to `among` (1, 0, -1), exactly: rounded running sums.

    If `among` is 0 throughout, the same orders want the product in both worlds: `total` is 0.
    """
    running = np.cumsum(among)
    everyone = int(running[-1])
    if everyone == 0:
        return np.zeros_like(among)
    whole, rest = divmod(total, everyone)  # total * running itself might pass 2**63
    return np.diff(whole * running + rest * running // everyone, prepend=0)


def _labels(
    run: Run, better: Sales, worse: Sales
) -> dict[str, tuple[tuple[str, ...], NDArray[np.int64]]]:
    """For each breakdown its names and, for each order, the index of its own."""
    # The world in which the order fails says why: the worse one, or the better one if it is gained.
    failed = np.where(better.wanted, worse.orders, better.orders)
    unanswered = np.where(better.wanted, worse.unanswered, better.unanswered)
    not_taken = np.where(better.wanted, worse.not_taken, better.not_taken)
    who = run.sessions[["access", "region", "isp", "cohort"]][rows_of(run)]
    gone = failed["state"] == State.GONE
    cause = np.where(gone, _CAUSE_OF_REASON[failed["reason"]], _CAUSE_OF_STATE[failed["state"]])
    cause = np.where(unanswered, CAUSES.index("unanswered"), cause)
    cause = np.where(not_taken, CAUSES.index("not_taken"), cause)
    limit = np.where(unanswered, Limit.NONE, failed["limit"])
    limit = np.where(not_taken, Limit.OWN_ORDERS, limit)
    found = (
        (CAUSES, cause),
        (run.names.classes, who["access"]),
        (run.names.regions, who["region"]),
        (run.names.isps, who["isp"]),
        (LIMIT_NAMES, limit),
        (CAUSES_BY_LIMIT, cause * len(LIMIT_NAMES) + limit),
    )
    labels = dict(zip(BREAKDOWNS, found, strict=True))
    if run.names.cohorts:
        labels["cohort"] = run.names.cohorts, who["cohort"]
    return labels


def _same_orders(better: str, one: Sales, worse: str, two: Sales) -> None:
    """The comparison is row by row: both worlds must hold the same rows, in (viewer, n) order."""
    same = len(one.orders) == len(two.orders) and all(
        np.array_equal(one.orders[column], two.orders[column]) for column in _WISH
    )
    if not same or one.weight != two.weight:
        raise ValueError(f"worlds {better} and {worse} don't hold the same orders")
    viewer, n = one.orders["viewer"], one.orders["n"]
    step = np.diff(viewer)
    if ((step < 0) | ((step == 0) & (np.diff(n) <= 0))).any():
        raise ValueError(f"orders of world {better} are not in (viewer, n) order")
