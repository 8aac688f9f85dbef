"""Sales of a night and what was lost on the way down the ladder, at full size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.commerce.ladder import BOUND_RUNGS, RUNGS, ladder, lost_over_time
from sim.commerce.orders import Sales, sell
from sim.metrics import with_units
from sim.record import WORLDS, Run
from sim.scenario.model import Commerce, Drop
from sim.scenario.vendor import Own


@dataclass(frozen=True)
class Money:
    """One vendor, one night.

    Exact relations, in whole fen of the sampled viewers (`losses.lost_fen`):
    for every rung and `by`, the rows of `losses` sum to the sales of the rung's better world less
    those of the worse; so all rungs sum to the sales of `perfect` less those of `incidents`.
    Figures in CNY are such a fen count x weight / 100, each computed once: `results()`'s
    `lost_gmv_cny`, the sum of its `lost_gmv_cny.<rung>` and, for each `by`, of `breakdown()` are
    the same number up to the last bits of a double.
    """

    worlds: pd.DataFrame
    """One row a world that was run: world, orders, gmv_cny, gmv_net_cny (of returns),
    order_weighted_stall_ratio, binding_limit_s.own_orders_per_s (seconds in which the buyer's own
    servers turned an order away). Served from stock and paid; extensive figures at full size."""
    losses: pd.DataFrame
    """rung, by, of, lost_fen (sampled), lost_gmv_cny (full size); no row unless all five worlds
    were run."""
    over_time: pd.DataFrame
    """time_s, limit, lost_fen: BOUND_RUNGS as the night goes on; no row unless all five worlds
    were run."""
    weight: float

    def results(self) -> pd.DataFrame:
        """Rows metric, unit, value: the world `incidents`, and the ladder where it was run."""
        last = self.worlds.set_index("world").loc["incidents"]
        rows = [(metric, last[metric]) for metric in TOLD]
        if np.isfinite(last[OWN_USE]):
            rows.append((OWN_USE, last[OWN_USE]))
        if len(self.losses):
            fen = self._by_rung()
            rows.append(("lost_gmv_cny", _cny(int(fen.sum()), self.weight)))
            rows += [(f"lost_gmv_cny.{r}", _cny(int(fen[r]), self.weight)) for r in RUNGS]
        return with_units(pd.DataFrame(rows, columns=["metric", "value"]))

    def breakdown(self) -> pd.DataFrame:
        """Rows by, of, metric, unit, value: for each `by` they add up to `metric`.

        That is `lost_gmv_cny`; by `cause_by_limit` it is `lost_gmv_cny.<rung>` of BOUND_RUNGS.
        """
        pairs = self.losses["by"] == "cause_by_limit"
        fen = self.losses[~pairs].groupby(["by", "of"], sort=False)["lost_fen"].sum()
        rungs = self._by_rung()
        rungs.index = pd.MultiIndex.from_product([["rung"], rungs.index], names=["by", "of"])
        whole: pd.DataFrame = pd.concat([rungs, fen]).reset_index()
        split = self.losses[pairs & self.losses["rung"].isin(BOUND_RUNGS)]
        table = pd.concat(
            [
                whole.assign(metric="lost_gmv_cny"),
                split[["by", "of", "lost_fen"]].assign(metric="lost_gmv_cny." + split["rung"]),
            ],
            ignore_index=True,
        )
        table["value"] = table.pop("lost_fen") * self.weight / 100
        return with_units(table)

    def _by_rung(self) -> pd.Series[int]:
        causes = self.losses[self.losses["by"] == "cause"]
        return causes.groupby("rung", sort=False)["lost_fen"].sum()


OWN_USE = "limit_use.own_orders_per_s"
"""Orders asked for in the busiest ten seconds over what the buyer's own servers take."""

TOLD = (
    "orders", "gmv_cny", "gmv_net_cny", "order_weighted_stall_ratio",
    "binding_limit_s.own_orders_per_s",
)  # fmt: skip
"""What is told of the world `incidents`."""


def money(
    runs: Mapping[str, Run],
    commerce: Commerce,
    drops: Sequence[Drop],
    own: Own | None = None,
) -> Money:
    """World -> its run (one run may stand for several worlds), for one vendor and replication.

    `own`: the buyer's own servers; they hold back orders in the worlds `limits` and `incidents`.
    `incidents` alone is enough for its sales; losses need all five worlds.
    ValueError: a key that is no world, no `incidents`, or worlds that don't belong together.
    """
    if "incidents" not in runs or not set(runs) <= set(WORLDS):
        raise ValueError(f"runs of {', '.join(WORLDS)}, incidents at least; here {', '.join(runs)}")
    sales = {
        world: sell(runs[world], commerce, drops, own if world in ("limits", "incidents") else None)
        for world in WORLDS
        if world in runs
    }
    takes = own.orders_per_s if own is not None else None
    table = pd.DataFrame(
        [
            {"world": w, **_figures(s, commerce), OWN_USE: s.placed_per_s / takes.value
             if takes is not None else np.nan}
            for w, s in sales.items()
        ]
    )  # fmt: skip
    if len(sales) == len(WORLDS):
        losses, over_time = ladder(runs, sales), lost_over_time(runs, sales)
    else:
        over_time = pd.DataFrame({"time_s": [], "limit": [], "lost_fen": []})
        losses = pd.DataFrame({"rung": [], "by": [], "of": [], "lost_fen": []})
        losses = losses.astype({"rung": str, "by": str, "of": str, "lost_fen": "int64"})
    weight = sales["incidents"].weight
    losses["lost_gmv_cny"] = losses["lost_fen"] * weight / 100
    return Money(table, losses, over_time, weight)


def _figures(sales: Sales, commerce: Commerce) -> dict[str, float]:
    gmv = _cny(sales.gmv_fen, sales.weight)
    return {
        "orders": int(sales.sold.sum()) * sales.weight,
        "gmv_cny": gmv,
        "gmv_net_cny": gmv * (1 - commerce.return_share),
        "order_weighted_stall_ratio": sales.stall_ratio,
        "binding_limit_s.own_orders_per_s": sales.not_taken_s,
    }


def _cny(fen: int, weight: float) -> float:
    return fen * weight / 100
