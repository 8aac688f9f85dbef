"""From one night's record to figures by name (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.commerce import Money
from sim.record import LATENCY_BIN_S, Reason, Run
from sim.scenario.limits import LIMIT_NAMES, Limit
from sim.scenario.model import Commerce
from sim.scenario.vendor import Vendor

Row = tuple[str, float]
"""metric, value; the unit is the metric's own."""

EGRESS = tuple(k.spec.name for k in (Limit.EGRESS_VENDOR, Limit.EGRESS_REGION, Limit.EGRESS_EDGE))

WINDOW = 30
"""Ten-second bins in five minutes."""


def figures(run: Run, perfect: Run) -> Iterator[Row]:
    """Figures of a night in one world; ratios are of this night, counts at full size."""
    yield from _demand(run, perfect)
    yield from _getting_in(run)
    yield from _watching(run, perfect)
    yield from _delay(run)
    yield from _limits(run)


def _demand(run: Run, perfect: Run) -> Iterator[Row]:
    weight = run.weight
    yield "expected_peak", run.facts["expected_peak"]
    yield "offered_peak", float(perfect.series["watching"].max() * weight)
    yield "peak_concurrency", float(in_room(run.series).max() * weight)
    yield "watching_peak", float(run.series["watching"].max() * weight)
    connections = run.usage.loc[run.usage["meter"] == "peak_connections", "value"]
    yield "connected_peak", float(connections.sum())
    for key in ("curve_error", "dry_share", "mean_stay_s"):
        yield key, run.facts[key]


def _getting_in(run: Run) -> Iterator[Row]:
    weight = run.weight
    came = run.sessions[~run.sessions["initial"]]
    arrived = len(came)
    yield "arrived", arrived * weight
    # Who arrived saw a picture, or failed, or left while it loaded, or waits when the show ends.
    kept_out = np.isin(came["reason"], (Reason.REFUSED, Reason.GAVE_UP_WAITING, Reason.CUT_OFF))
    left_starting, saw = came["reason"] == Reason.LEFT_STARTING, ~np.isnan(came["startup_s"])
    yield "join_failure_ratio", _share((kept_out & ~saw).sum(), arrived)
    yield "start_abandon_ratio", _share((left_starting & ~saw).sum(), arrived)
    # Who had watched, was cut off or left a freeze, and never saw the picture again.
    not_back = (kept_out | left_starting) & saw
    yield "return_failure_ratio", _share(not_back.sum(), arrived)
    yield "attempt_failure_ratio", _share(came["failed"].sum(), came["attempts"].sum())
    # Of the peak bin of ten seconds.
    yield "joins_per_s_peak", float(run.series["joins"].max() / 10 * weight)
    startup = came["startup_s"][~np.isnan(came["startup_s"])]
    sdk = came["sdk_startup_s"][~np.isnan(came["sdk_startup_s"])]
    yield "join_5s_ratio", _share((startup <= 5).sum(), arrived)
    yield "fast_startup_ratio", _share((startup <= 1).sum(), len(startup))
    for name, values in (("startup", startup), ("sdk_startup", sdk)):
        for q in (50, 95):
            yield f"{name}_p{q}_s", _quantile(values, q)


def _watching(run: Run, perfect: Run) -> Iterator[Row]:
    s = run.sessions
    play, frozen = float(s["play_s"].sum()), float(s["frozen_s"].sum())
    seen = s["play_s"] + s["frozen_s"] > 0
    yield "stall_ratio", _share(frozen, play + frozen)
    yield "stall_free_ratio", _share((s["stalls"][seen] == 0).sum(), seen.sum())
    yield "stalls_per_100s", 100 * _share(s["stalls"].sum(), play + frozen)
    yield "stall_s_per_100s", 100 * _share(s["stall_s"].sum(), play + frozen)
    yield "worst_5min_stall_ratio", worst_stall_ratio(run.series)
    yield "watch_delivered_ratio", _share(play, float(perfect.sessions["play_s"].sum()))
    yield "watch_s", _share(play, len(s))
    yield "watch_hours", play / 3600 * run.weight
    yield "hd_ratio", _share(float(s["hd_s"].sum()), play)
    inside = play + frozen + float(s["starting_s"].sum())
    yield "mean_bitrate_mbps", _share(float(s["media_mb"].sum()), inside)


def _delay(run: Run) -> Iterator[Row]:
    for q in (50, 95, 99):
        yield f"latency_p{q}_s", latency_quantile(run.latency_us, q / 100)
    for limit in (0.2, 0.3, 0.5, 0.6):
        name = f"latency_within_{limit:g}s_ratio".replace(".", "_")
        within = run.latency_us[: round(limit / LATENCY_BIN_S)].sum()
        yield name, _share(within, run.latency_us.sum())


def _limits(run: Run) -> Iterator[Row]:
    yield "edge_utilisation", max(_most_used(run, *EGRESS).values(), default=float("nan"))
    for name, share in _most_used(run, *LIMIT_NAMES).items():
        yield f"limit_use.{name}", share
    yield "harmed", float((run.sessions["harm"] > Limit.NONE).sum() * run.weight)
    for code in Limit:
        if code > Limit.LINK and code != Limit.OWN_ORDERS:  # that one is told with the sales
            yield code.spec.metric, run.facts.get(code.spec.metric, 0.0)


def _most_used(run: Run, *names: str) -> dict[str, float]:
    """Of each kind of limit the vendor has, the one of which the largest share was in use."""
    out: dict[str, float] = {}
    for use in run.limits:
        if use.limit in names:
            out[use.limit] = max(use.share, out.get(use.limit, 0.0))
    return out


def lost(sales: Money, commerce: Commerce, cost_cny: float) -> Iterator[Row]:
    """What a perfect night would sell, and how much of it is lost, with or without a ladder.

    `revenue_at_risk_cny` is what limits and incidents cost this night, where the world without them
    was run; `cost_and_lost_margin_cny` is the bill and the margin on what is lost for good.
    """
    worlds = sales.worlds.set_index("world")
    gmv = worlds["gmv_cny"]
    yield "perfect_orders", float(worlds["orders"]["perfect"])
    yield "perfect_gmv_cny", float(gmv["perfect"])
    gone = float(gmv["perfect"] - gmv["incidents"])
    yield "lost_gmv_ratio", _share(gone, float(gmv["perfect"]))
    for metric, share in (net := commerce.net_of_lost).items():
        yield metric, gone * share
    yield "cost_and_lost_margin_cny", cost_cny + gone * net["lost_margin_cny"]
    if "vendor" in gmv:
        yield "revenue_at_risk_cny", float(gmv["vendor"] - gmv["incidents"])
    if sales.losses.empty:  # else it stands among the sales, as the sum of the rungs
        yield "lost_gmv_cny", gone


def held_peak(vendor: Vendor, peak_viewers: int) -> Iterator[Row]:
    """The identity 1 - C / (R x offered): watching lost were the peak held, and nothing collapsed.

    Only where everybody shares one capacity at one bitrate: with a lower picture to fall back to,
    or at a door that refuses, nobody need lose what this says.
    """
    path, capacity = vendor.path, vendor.limits.egress_mbps
    shared = vendor.policy.egress_mbps == "degrade" and path.takes == "everyone"
    if capacity is not None and shared and len(path.ladder) == 1:
        share = max(0.0, 1 - capacity.value / (path.wire_mbps * peak_viewers))
        yield "held_peak_lost_ratio", share


def by_group(run: Run, perfect: Run) -> Iterator[tuple[str, str, str, float]]:
    """Who stalls: (by, of, metric, value) by access class, region, isp and cohort; and how
    many viewers lost most of what they would have watched to which limit."""
    s, whole = run.sessions, perfect.sessions["play_s"]
    groups = {"class": ("access", run.names.classes), "region": ("region", run.names.regions),
              "isp": ("isp", run.names.isps), "cohort": ("cohort", run.names.cohorts)}  # fmt: skip
    for by, (column, labels) in groups.items():
        for k, of in enumerate(labels):
            here = s[column] == k
            mine = s[here]
            play, frozen = float(mine["play_s"].sum()), float(mine["frozen_s"].sum())
            yield by, of, "arrived", float((~mine["initial"]).sum() * run.weight)
            yield by, of, "watch_hours", play / 3600 * run.weight
            yield by, of, "stall_ratio", _share(frozen, play + frozen)
            yield by, of, "watch_delivered_ratio", _share(play, float(whole[here].sum()))
    for code in Limit:
        if code > Limit.NONE:
            harmed = float((s["harm"] == code).sum() * run.weight)
            yield "limit", code.spec.name, "harmed", harmed


def over_time(run: Run, perfect: Run) -> pd.DataFrame:
    """time_s, metric, value at full size, ten seconds a row.

    `offered` is the perfect world's; `bound.<limit>`: for what share of the ten seconds it bound.
    """
    wide = run.series.set_index("time_s") * run.weight
    wide["in_room"] = in_room(wide)
    wide["offered"] = perfect.series.set_index("time_s")["watching"] * run.weight
    wide = wide.join(run.bound.set_index("time_s").add_prefix("bound."))
    return wide.reset_index().melt(id_vars="time_s", var_name="metric", value_name="value")


def lost_as_it_goes(sales: Money) -> pd.DataFrame:
    """time_s, metric, value: `lost_gmv_cny.<limit>` in ten seconds, what the limits cost then,
    those of incidents too."""
    rows = sales.over_time
    return pd.DataFrame(
        {
            "time_s": rows["time_s"].astype(float),
            "metric": "lost_gmv_cny." + rows["limit"].astype(str),
            "value": rows["lost_fen"].astype(float) * sales.weight / 100,
        }
    )


def in_room(series: pd.DataFrame) -> pd.Series[float]:
    """What the host's screen shows."""
    return series["starting"] + series["watching"] + series["stalled"]


def worst_stall_ratio(series: pd.DataFrame) -> float:
    """Largest share of frozen time in any five minutes (every ten seconds one begins)."""
    frozen = series["stalled"].rolling(min(WINDOW, len(series))).sum()
    played = series["watching"].rolling(min(WINDOW, len(series))).sum()
    return float((frozen / (frozen + played)).max())


def latency_quantile(latency_us: NDArray[np.int64], q: float) -> float:
    """Latency below which a share q of all play happens, to the width of a bin; nan: no play."""
    total = np.cumsum(latency_us)
    if total[-1] == 0:
        return float("nan")
    return float((np.searchsorted(total, q * total[-1]) + 1) * LATENCY_BIN_S)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _quantile(values: NDArray[np.float64], q: float) -> float:
    return float(np.percentile(values, q)) if len(values) else float("nan")
