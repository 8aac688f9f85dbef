"""Frames as a study hands them on, made up: numbers that look like a night, no engine needed."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sim.scenario import Scenario
from sim.scenario.compose import load_scenario

KEYS: dict[str, Any] = {
    "promotion": "steady_ramp",
    "audience": "star_room",
    "network": "mixed",
    "seed": 1,
}
UNITS = {"_s": "s", "_cny": "CNY", "_ratio": "1", "_mbps": "Mbps"}
RUNGS = ("links", "vendor", "limits", "incidents")


@dataclass
class MadeUp:
    results: pd.DataFrame
    summary: pd.DataFrame
    breakdown: pd.DataFrame
    timeseries: pd.DataFrame
    invoice: pd.DataFrame
    usage: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)


def scenario(*overrides: str, names: dict[str, str] | None = None) -> Scenario:
    """The default night; `names` renames vendors."""
    loaded = load_scenario(*overrides)
    vendors = {
        key: vendor.model_copy(update={"name": (names or {}).get(key, vendor.name)})
        for key, vendor in loaded.vendors.items()
    }
    return loaded.model_copy(update={"vendors": vendors})


def many(loaded: Scenario, names: list[str]) -> Scenario:
    """The same night with so many vendors, each a copy of one that is there."""
    profiles = list(loaded.vendors.values())
    vendors = {
        f"v{n}": profiles[n % len(profiles)].model_copy(update={"name": name})
        for n, name in enumerate(names)
    }
    return loaded.model_copy(update={"vendors": vendors})


def frames(night: Scenario, ladder: bool = True) -> MadeUp:
    """Every vendor at every peak of the study; the more offered, the worse, some vendors sooner."""
    base = night.promotion.peak_viewers or 16471
    points = sorted({base, *(round(base * m) for m in night.study.peaks)})
    rows, series, lines = [], [], []
    for n, vendor in enumerate(night.vendors):
        capacity = (1.2, 0.55, 0.9, 0.75, 1.0, 0.65, 1.4, 0.8)[n % 8] * 20000
        for peak in points:
            for replication in range(night.replications):
                luck = np.random.default_rng([n, peak, replication])
                over = max(0.0, 1 - capacity / peak)
                for metric, value in _figures(peak, over, luck, ladder).items():
                    rows.append((vendor, peak, replication, metric, _unit(metric), value))
                if peak == base:
                    series += _night(vendor, night, peak, capacity, replication, luck)
                    lines += _lines(vendor, replication, luck)
    results = pd.DataFrame(
        rows, columns=["vendor", "peak_viewers", "replication", "metric", "unit", "value"]
    ).assign(**KEYS)
    return MadeUp(
        results=results,
        summary=_summary(results),
        breakdown=pd.DataFrame(),
        timeseries=pd.DataFrame(
            series,
            columns=["vendor", "peak_viewers", "replication", "time_s", "metric", "value"],
        ),
        invoice=pd.DataFrame(
            lines,
            columns=[
                "vendor", "replication", "tariff", "line", "period", "meter",
                "quantity", "unit", "amount_cny",
            ],
        ),
        usage=pd.DataFrame(),
        facts={"versions": {"peakcast": "0.1.0", "numpy": "2.4.6"}},
    )  # fmt: skip


def _unit(metric: str) -> str:
    return next((unit for end, unit in UNITS.items() if metric.endswith(end)), "count")


def _figures(peak: int, over: float, luck: Any, ladder: bool) -> dict[str, float]:
    stall = 0.004 + 0.8 * over * luck.uniform(0.9, 1.1)
    perfect = 92.0 * peak * luck.uniform(0.95, 1.05)
    lost = {
        "links": 0.021 * perfect,
        "vendor": -0.003 * perfect * luck.uniform(0.5, 1.5),
        "limits": 0.9 * over * perfect,
        "incidents": 0.0,
    }
    figures = {
        "offered_peak": 0.994 * peak,
        "stall_ratio": stall,
        "worst_5min_stall_ratio": min(1.0, 2.4 * stall),
        "watch_delivered_ratio": 0.985 - 0.9 * over,
        "join_failure_ratio": 0.4 * over,
        "startup_p95_s": 0.9 + 4 * over,
        "latency_p50_s": 0.65,
        "latency_p95_s": 0.9 + over,
        "perfect_gmv_cny": perfect,
        "gmv_cny": perfect - sum(lost.values()),
        "lost_gmv_cny": sum(lost.values()),
        "cost_cny": 0.21 * peak * luck.uniform(0.98, 1.02),
        "cost_per_viewer_hour_cny": 0.36,
        "binding_limit_s.sessions": 0.0,
        "binding_limit_s.egress_vendor": 2400 * over,
        "binding_limit_s.joins_per_s": 30 * over,
    }
    if ladder:
        figures |= {f"lost_gmv_cny.{rung}": lost[rung] for rung in RUNGS}
    return figures


def _night(
    vendor: str, night: Scenario, peak: int, capacity: float, replication: int, luck: Any
) -> list[tuple[str, int, int, float, str, float]]:
    length = night.promotion.duration_s or 3600
    t = np.arange(0, length, 10.0)
    shape = np.interp(t / length, [0, 0.33, 0.83, 1], [0.1, 1, 1, 0.6])
    offered = peak * shape * (1 + 0.01 * luck.standard_normal(len(t)))
    watching = np.minimum(offered * 0.985, capacity * (1 + 0.02 * luck.standard_normal(len(t))))
    stalled = 0.7 * (offered * 0.985 - watching)
    columns = {
        "offered": offered,
        "watching": watching,
        "stalled": stalled,
        "in_room": watching + stalled + 0.002 * peak,
        "waiting": 0.001 * offered,
    }
    return [
        (vendor, peak, replication, float(s), metric, float(v))
        for metric, values in columns.items()
        for s, v in zip(t, values, strict=True)
    ]


def _lines(vendor: str, replication: int, luck: Any) -> list[tuple[Any, ...]]:
    hd = 1_180_000 * luck.uniform(0.98, 1.02)
    return [
        (vendor, replication, "list price", "HD minutes", "night", "viewer_minutes",
         hd, "min", round(hd / 1000 * 3.99, 2)),
        (vendor, replication, "list price", "peak bandwidth", "2026-11-11", "peak_mbps",
         46_000.0, "Mbps", 18_400.0),
    ]  # fmt: skip


def _summary(results: pd.DataFrame) -> pd.DataFrame:
    keys = [*KEYS, "vendor", "peak_viewers", "metric", "unit"]
    values = results.groupby(keys, sort=False)["value"]
    out = pd.DataFrame({"mean": values.mean(), "n": values.size()})
    half = 4.3 * values.std() / np.sqrt(out["n"])
    out["ci_low"], out["ci_high"] = out["mean"] - half, out["mean"] + half
    return out.reset_index()
