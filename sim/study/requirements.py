"""What to tell the vendor: the numbers to order, each over the distribution of the peak."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from sim.record import BIN_S, Run
from sim.study.risk import peaks_of

KEYS = ["vendor", "what", "of", "unit"]

WHOLE = ("joins/s", "calls/s", "sessions")
"""Units of people: nobody orders a part of one."""

NOISE = 1e-6
"""What the slices of the peak's distribution may add to a number, as a share of it."""

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


def demanded(run: Run) -> Iterator[tuple[str, str, float]]:
    """what, of, value of one night before any limit: what it demands.

    Joins and token calls are those of the busiest second; `<what>_10s`: a second of the busiest ten
    of the meters' bins. A token call is an attempt, a join one in a second in which anybody gets
    in: each passes the gate, also one that then finds its own edge down, and where nobody gets in
    no gate is to blame. Sessions are what a quota counts, to the instant (maxima of paths and
    regions add up); Gbps are of ten seconds. Of a sample these two are too high by its noise, which
    is little beside so many; counts of a second are put right (`busiest`). `of`: empty for the
    whole, a vendor region, or a path where there are several.
    """
    attempts, joins = (run.seconds[c].to_numpy(np.int64) for c in ("attempts", "joins"))
    for what, counts in (
        ("joins_per_s", np.where(joins > 0, attempts, 0)),
        ("token_calls_per_s", attempts),
    ):
        starts = np.arange(0, len(counts), int(BIN_S))
        yield what, "", busiest(counts, run.weight)
        tens = np.add.reduceat(counts, starts)
        yield f"{what}_10s", "", busiest(tens, run.weight) / BIN_S
    used = {meter: rows for meter, rows in run.usage.groupby("meter")}
    sessions = used["peak_connections"].groupby("path", sort=False)["value"].sum()
    yield "peak_concurrency", "", float(sessions.sum())
    yield "minutes", "", float(used["viewer_minutes"]["value"].sum())
    yield "egress_gb", "", float(used["egress_gb"]["value"].sum())
    wire = used["wire_mbps"]
    yield "egress_gbps", "", _busiest_gbps(wire)
    for region, rows in wire.groupby("region", sort=False):
        yield "egress_gbps", str(region), _busiest_gbps(rows)
    if len(run.names.paths) > 1:
        for path, rows in wire.groupby("path", sort=False):
            yield "peak_concurrency", f"path {path}", float(sessions[path])
            yield "egress_gbps", f"path {path}", _busiest_gbps(rows)


def _busiest_gbps(wire: pd.DataFrame) -> float:
    return float(wire.groupby("time_s")["value"].sum().max() / 1000)


def busiest(counts: Counts, weight: float) -> float:
    """The highest of the counts of all, from those of a sample of one in `weight`.

    The highest count of a sample, times the weight, is too high: the sample's noise is in it. The
    root of the highest of Poisson counts is the root of its rate (or of a storm) and a part that
    does not grow with the audience: how lucky the busiest one was (Anscombe 1948). Before any limit
    half of a sample is a smaller sample of the same night, and its highest count is known in
    expectation: the two tell both parts. Of all (weight 1) it is the highest.
    """
    most = float(counts.max(initial=0))
    if weight == 1.0 or most == 0.0:
        return most * weight
    rate = (np.sqrt(most) - np.sqrt(_most_of_half(counts))) / (1 - np.sqrt(0.5))
    luck = np.sqrt(most) - rate
    return float((rate * np.sqrt(weight) + luck) ** 2)


def _most_of_half(counts: Counts) -> float:
    """The highest count to be expected if everyone stays with a chance of one half."""
    value, times = np.unique(counts, return_counts=True)
    top = int(value[-1])
    far = 4 * np.sqrt(top) + 1  # eight standard deviations of the highest
    least = max(int(top / 2 - far), 0)
    counted = value / 2 + far >= least  # fewer never come near
    value, times = value[counted, None], times[counted, None]
    k = np.arange(least, min(int(top / 2 + far) + 1, top))
    not_above = np.where(k < value, bdtr(np.minimum(k, value), value, 0.5), 1.0)
    return float(least + (1 - np.prod(not_above**times, axis=0)).sum())


def requirements(points: pd.DataFrame, median: float, sigma: float) -> pd.DataFrame:
    """vendor, what, of, unit, p50, p95, beyond, calm_p50, calm_p95: over nights and peaks.

    `points`: KEYS, peak_viewers, replication, value, struck. Each night (replication) is a curve
    over the peaks on straight lines between its points; each of them is as likely as any other, and
    the peak is lognormal (`median`, `sigma` of its logarithm). P50 and P95 are quantiles of that
    mixture (Hazen's, of the nights' values at 2,000 equally likely peaks). So of one night they are
    those of the peak alone, and where the peak is certain those of the nights: of fewer than eleven
    the P95 is the highest. WHOLE units are rounded up.

    `struck`: of the same night with incidents (in any combination that may come). The calm columns
    are of the nights without; p50 and p95 cover both: the larger one, night by night. What the
    incidents add at their peak is added at others in proportion, as a storm is.

    `beyond`: median or P95 of the peak lie outside the points; there the line goes on through the
    last two, or, where there is one point only, in proportion.
    """
    peaks, high = peaks_of(median, sigma), median * np.exp(sigma * ndtri(0.95))
    rows = []
    for keys, group in points.groupby(KEYS, sort=False):
        calm, covered = [], []
        for _, night in group.groupby("replication"):
            curve = night[~night["struck"]].set_index("peak_viewers")["value"].sort_index()
            x, y = curve.index.to_numpy(np.float64), curve.to_numpy(np.float64)
            calm.append(_along(x, y, peaks))
            added = np.zeros(len(peaks))
            worst = night[night["struck"]].groupby("peak_viewers")["value"].max()
            for k, peak in enumerate(worst.index.to_numpy(np.float64)):
                more = worst.to_numpy(np.float64)[k] - y[x == peak][0]
                added = np.maximum(added, more * peaks / peak)
            covered.append(calm[-1] + added)
        beyond = not (x[0] <= median and high <= x[-1])
        shares = [_quantiles(values, str(keys[3])) for values in (covered, calm)]
        rows.append((*keys, *shares[0], beyond, *shares[1]))
    columns = [*KEYS, "p50", "p95", "beyond", "calm_p50", "calm_p95"]
    return pd.DataFrame(rows, columns=columns)


def _quantiles(values: list[Array], unit: str) -> tuple[float, float]:
    p50, p95 = np.quantile(np.concatenate(values), (0.5, 0.95), method="hazen")
    if unit in WHOLE:
        p50, p95 = (np.ceil(p * (1 - NOISE)) for p in (p50, p95))
    return float(p50), float(p95)


def _along(x: Array, y: Array, at: Array) -> Array:
    if len(x) == 1:
        return np.asarray(y[0] * at / x[0])
    k = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)
    return np.asarray(y[k] + (y[k + 1] - y[k]) * (at - x[k]) / (x[k + 1] - x[k]))
