"""What to tell the vendor: the numbers to order, each over the distribution of the peak."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from sim.record import BIN_S, Run

KEYS = ["vendor", "what", "of", "unit"]


def asked(run: Run) -> Iterator[tuple[str, str, str, float]]:
    """what, of, unit, value of one night in the world `vendor`: demand, before any limit.

    Sessions are what a quota counts, to the instant (maxima of paths and regions add up); rates are
    those of the peak bin of ten seconds. `of`: empty for the whole, a vendor region, or a path
    where there are several.
    """
    series, weight = run.series, run.weight
    yield "joins_per_s", "", "joins/s", float(series["joins"].max() / BIN_S * weight)
    yield "token_calls_per_s", "", "calls/s", float(series["attempts"].max() / BIN_S * weight)
    used = {meter: rows for meter, rows in run.usage.groupby("meter")}
    sessions = used["peak_connections"].groupby("path", sort=False)["value"].sum()
    yield "peak_concurrency", "", "sessions", float(sessions.sum())
    yield "minutes", "", "min", float(used["viewer_minutes"]["value"].sum())
    yield "egress_gb", "", "GB", float(used["egress_gb"]["value"].sum())
    wire = used["wire_mbps"]
    yield "egress_gbps", "", "Gbps", _busiest_gbps(wire)
    for region, rows in wire.groupby("region", sort=False):
        yield "egress_gbps", str(region), "Gbps", _busiest_gbps(rows)
    if len(run.names.paths) > 1:
        for path, rows in wire.groupby("path", sort=False):
            yield "peak_concurrency", f"path {path}", "sessions", float(sessions[path])
            yield "egress_gbps", f"path {path}", "Gbps", _busiest_gbps(rows)


def _busiest_gbps(wire: pd.DataFrame) -> float:
    return float(wire.groupby("time_s")["value"].sum().max() / 1000)


def asks(points: pd.DataFrame, median: float, sigma: float) -> pd.DataFrame:
    """vendor, what, of, unit, p50, p95, beyond: each at the P50 and the P95 of the peak.

    `points`: KEYS, peak_viewers, replication, value. The peak is lognormal (`median`, `sigma` of
    its logarithm), and what is asked for rises with it: its P95 is what the P95 of the peak needs,
    on straight lines between the points' means. `beyond`: that peak lies outside the points; then
    on the line through the last two, or, where there is one point only, in proportion.
    """
    high = median * np.exp(sigma * ndtri(0.95))
    rows = []
    for keys, group in points.groupby(KEYS, sort=False):
        curve = group.groupby("peak_viewers")["value"].mean()
        x, y = curve.index.to_numpy(np.float64), curve.to_numpy(np.float64)
        beyond = not (x[0] <= median and high <= x[-1])
        rows.append((*keys, _along(x, y, median), _along(x, y, high), beyond))
    return pd.DataFrame(rows, columns=[*KEYS, "p50", "p95", "beyond"])


def _along(x: NDArray[np.float64], y: NDArray[np.float64], at: float) -> float:
    if len(x) == 1:
        return float(y[0] * at / x[0])
    k = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
    return float(y[k] + (y[k + 1] - y[k]) * (at - x[k]) / (x[k + 1] - x[k]))
