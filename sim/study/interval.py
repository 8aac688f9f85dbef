"""Means over nights and how sure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95
HELD_PEAK = "held_peak_lost_ratio"
"""An identity, the same on every night: the one ratio that nothing unseen can change."""


def may_be_negative(metric: pd.Series[str]) -> pd.Series[bool]:
    """A marginal bill (a cheaper tier for the whole month), and what is lost where all is well."""
    return metric.str.startswith(("cost_", "lost_gmv_"))


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """`results` over its replications: mean, ci_low, ci_high (95 %), n.

    Student's t over nights. Where a ratio was 0 (or 1) on every night the interval is not a point:
    a night unlike them has a probability of at most 1 - 0.05^(1/n) (exact binomial), and such a
    night's ratio is at most 1. One night has no interval.
    """
    keys = [c for c in results.columns if c not in ("replication", "value")]
    groups = results.groupby(keys, sort=False, dropna=False)["value"]
    table = groups.agg(mean="mean", spread="std", n="count", least="min", most="max").reset_index()
    n = table["n"].to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stats.t.ppf((1 + LEVEL) / 2, np.maximum(n - 1, 1)) * table["spread"] / np.sqrt(n)
    half = half.where(n > 1)
    table["ci_low"], table["ci_high"] = table["mean"] - half, table["mean"] + half
    ratio = table["metric"].str.endswith("_ratio") & (table["metric"] != HELD_PEAK) & (n > 1)
    unseen = 1 - (1 - LEVEL) ** (1 / np.maximum(n, 1))
    never, always = ratio & (table["most"] == 0), ratio & (table["least"] == 1)
    table.loc[never, "ci_high"] = unseen[never]
    table.loc[always, "ci_low"] = 1 - unseen[always]
    least = np.where(may_be_negative(table["metric"]), -np.inf, 0.0)
    table.loc[ratio, "ci_low"] = table.loc[ratio, "ci_low"].clip(lower=least[ratio])
    table.loc[ratio, "ci_high"] = table.loc[ratio, "ci_high"].clip(upper=1.0)
    return table[[*keys, "mean", "ci_low", "ci_high", "n"]]
