"""What the numbers of a profile do to the answer: the second band, and one number at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.metrics import spec_of
from sim.scenario.model import Scenario
from sim.study.variants import Variant, ends

ENOUGH = 40
"""Draws from which the 2.5 % and 97.5 % quantiles are quoted; of fewer, the extremes."""

RANGED = ("watch_delivered_ratio", "lost_gmv_ratio", "stall_ratio", "cost_cny")
"""Metrics of `Frames.ranges`."""


def input_band(summary: pd.DataFrame, side_runs: pd.DataFrame, draws: int) -> pd.DataFrame:
    """`summary` with `input_low, input_high`: its mean and what drawn numbers add to a night.

    `side_runs`: vendor, peak_viewers, replication, variant, variant_key, metric,
    value. A drawn night is compared
    with the `base` night of the same viewers; of fewer than ENOUGH draws the extremes are quoted.
    nan where nothing was drawn.
    """
    if not draws:
        return summary.assign(input_low=np.nan, input_high=np.nan)
    keys = ["vendor", "peak_viewers", "metric"]
    added = added_by_draws(side_runs).groupby(keys)["added"]
    low, high = _quantiles(draws)
    ends = pd.DataFrame({"input_low": added.quantile(low), "input_high": added.quantile(high)})
    out = summary.merge(ends.reset_index(), on=keys, how="left")
    least, most = (np.array(end) for end in zip(*map(_bounds, out["metric"]), strict=True))
    for end in ("input_low", "input_high"):
        out[end] = (out["mean"] + out[end]).clip(least, most)
    return out


def _bounds(metric: str) -> tuple[float, float]:
    spec = spec_of(metric)
    return spec.lowest, np.inf if isinstance(spec.highest, str) else spec.highest


def added_by_draws(side_runs: pd.DataFrame) -> pd.DataFrame:
    """vendor, peak_viewers, metric, replication, variant_key, added: what each draw adds."""
    columns = ["vendor", "peak_viewers", "metric", "replication"]
    if side_runs.empty:
        return pd.DataFrame(columns=[*columns, "variant_key", "added"])
    drawn, base = (side_runs[side_runs["variant"] == v] for v in (Variant.DRAWN, Variant.BASE))
    pairs = drawn.merge(base, on=columns, suffixes=("", "_base"))
    return pairs.assign(added=pairs["value"] - pairs["value_base"])[
        [*columns, "variant_key", "added"]
    ]


def ends_of(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """The band of a figure with one value a draw; nan without a draw."""
    if not len(drawn):
        return np.nan, np.nan
    low, high = np.quantile(drawn, _quantiles(len(drawn)))
    return float(low), float(high)


def _quantiles(draws: int) -> tuple[float, float]:
    return (0.025, 0.975) if draws >= ENOUGH else (0.0, 1.0)


def ranges(side_runs: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """vendor, peak_viewers, key, at (low | high), number, metric, value, base: means over nights.

    Two rows for every number of a profile (but the reference's) with a range, peak and metric;
    `value` is nan where the models refuse that end beside the other numbers.
    """
    if side_runs.empty:  # no number has a range
        return pd.DataFrame()
    keys = ["vendor", "peak_viewers", "variant", "variant_key", "metric"]
    moved = side_runs[side_runs["variant"].isin((Variant.LOW, Variant.HIGH))]
    nights = ["peak_viewers", "replication"]
    same = side_runs[side_runs["variant"] == Variant.BASE].merge(
        moved[nights].drop_duplicates(), on=nights
    )
    mean = pd.concat([moved, same]).groupby(keys)["value"].mean()
    base = Variant.BASE
    rows = [
        (name, peak, key, at, number, metric,
         mean.get((name, peak, at, key, metric), np.nan), mean[name, peak, base, "", metric])
        for name, vendor in scenario.vendors.items()
        if name != scenario.study.reference_vendor
        for peak in sorted(moved["peak_viewers"].unique())
        for key, at, number in ends(vendor)
        for metric in RANGED
    ]  # fmt: skip
    columns = ["vendor", "peak_viewers", "key", "at", "number", "metric", "value", "base"]
    return pd.DataFrame(rows, columns=columns)
