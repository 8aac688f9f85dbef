"""Means over nights and how sure they are."""

from __future__ import annotations

from math import inf, isfinite, nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from sim.metrics import SOLD, spec_of

LEVEL = 0.95
FEW = 5
"""Of fewer nights t is as wide as the bounded interval wherever they differ: 4.3 standard errors of
three nights, 3.2 of four."""

ODD = 0.01
"""So many of those nights that are normal are taken for others by the test of Shapiro and Wilk."""

ROUNDING = 1e-12
"""Nights that differ by this share of themselves do not differ."""


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """`results` over its replications: mean, ci_low, ci_high (95 %), n.

    By `interval`, at most what the metric can be (`sim.metrics`); what has such a bound is not
    below 0 either, unless a night was. What was 0 on every night and knows no bound, as the seconds
    a limit bound, has no interval: never 0 to 0.
    """
    keys = [c for c in results.columns if c not in ("replication", "value")]
    night = [k for k in keys if k not in ("metric", "unit")] or keys
    sold = results["value"].where(results["metric"] == SOLD)
    rows = results.assign(sold=sold.groupby([results[k] for k in night]).transform("max"))

    def ends(mine: pd.DataFrame) -> tuple[float, float]:
        spec, values = spec_of(mine["metric"].iloc[0]), mine["value"].dropna().to_numpy()
        most = spec.highest if spec.kind != "identity" else inf
        if isinstance(most, str):
            most = float(mine["sold"].fillna(inf).iloc[0])
        known = isfinite(most) and bool((values >= 0).all())
        low, high = interval(values, 0.0 if known else -inf, most)
        return (nan, nan) if low == high == 0 and spec.kind != "identity" else (low, high)

    groups = rows.groupby(keys, sort=False, dropna=False)
    table = groups["value"].agg(mean="mean", n="count").reset_index()
    table[["ci_low", "ci_high"]] = [ends(mine) for _, mine in groups]
    return table[[*keys, "mean", "ci_low", "ci_high", "n"]]


def interval(nights: ArrayLike, least: float = -inf, most: float = inf) -> tuple[float, float]:
    """95 % interval of the mean of what no night brings outside least..most (inf: not known).

    Student's t, unless the nights are skewed: fewer than 25 times their squared skewness (Cochran,
    Sampling Techniques, 1977, section 2.15) and not normal (Shapiro and Wilk, 1965). Then, and
    where they do not differ at all, an end that has a bound is Gaffke's (`_highest`), which counts
    with one more night at the bound. Of nights that all were at a bound it is the exact binomial
    bound, 1 - 0.05^(1/n) of the way to the other; of nights that were 0 or 1 it is Clopper and
    Pearson's.

    One night has no interval (nan). Of nights that differ by little none here is wider for the kind
    of night that none of them was: `unseen` says how often that may come.
    """
    x = np.asarray(nights, float)
    if len(x) < 2:
        return nan, nan
    spread = 0.0 if np.ptp(x) <= ROUNDING * np.abs(x).max() else float(np.std(x, ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(x) - 1) * spread / np.sqrt(len(x)))
    mean = float(x.mean())
    low, high = mean - half, mean + half
    if not spread or _skewed(x):
        at_a_bound = bool((x == least).all() or (x == most).all())
        tail = (1 - LEVEL) / (1 if at_a_bound else 2)
        low = -_highest(-x, -least, tail) if isfinite(least) else low
        high = _highest(x, most, tail) if isfinite(most) else high
    return max(low, least), min(high, most)


def unseen(n: int) -> float:
    """How often a kind of night may come that none of n nights was: 95 % exact binomial bound."""
    return float(1 - (1 - LEVEL) ** (1 / n))


def _skewed(x: NDArray[np.float64]) -> bool:
    n = len(x)
    return bool(n >= FEW and n < 25 * stats.skew(x) ** 2 and stats.shapiro(x).pvalue < ODD)


def _highest(x: NDArray[np.float64], most: float, tail: float) -> float:
    """Upper bound at 1 - tail on the mean of what is at most `most`.

    The quantile of the mean of x and `most` under weights that are uniform on the simplex (Gaffke
    2005; Learned-Miller and Thomas, arXiv 1905.06208: proven for some laws, known to fail for
    none). Such weights are exponentials over their sum, so that mean is above m as often as
    sum E_i (z_i - m) is above 0: Imhof's integral (Biometrika 48, 1961). It is log-concave, so the
    quantile lies above its mean and within 1 - ln(tail) standard deviations of it (Lovasz and
    Vempala, Random Structures and Algorithms 30, 2007).
    """
    first, most = float(x.min()), max(most, float(x.max()))  # a night may be over it by rounding
    if first == most:
        return most
    z = (np.append(x, most) - first) / (most - first)
    # The trapezoid rule over log t, where the integrand is analytic and 0 at both ends: 1e-10 off.
    step = 1 / np.sqrt(len(z) + 15)
    t = np.exp(np.arange(-24, 24, step))[:, None]
    value, count = np.unique(z, return_counts=True)
    often = count.astype(float)  # a float product is many times faster

    def beyond(m: float) -> float:
        tw = t * (value - m) / np.linalg.norm(z - m)
        wave = np.sin(np.arctan(tw) @ often) * np.exp(-(np.log1p(tw**2) @ often) / 2)
        return float(0.5 + wave.sum() * step / np.pi - tail)

    far = z.mean() + (1 - np.log(tail)) * z.std() / np.sqrt(len(z) + 1)
    return first + (most - first) * float(optimize.brentq(beyond, z.mean(), min(far, 1.0)))
