"""Frames as a study hands them on, made up: numbers that look like a night, no engine needed."""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import field, make_dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.catalogue.language import Words
from sim.report.charts import ready_charts
from sim.report.view import view
from sim.scenario import Scenario
from sim.scenario.compose import load_scenario
from sim.study.costs import crossings, curves
from sim.study.limits import limits_of
from sim.study.tables import TABLES

KEYS: dict[str, Any] = {
    "promotion": "steady_ramp",
    "audience": "star_room",
    "network": "mixed",
    "seed": 1,
}
UNITS = {"_s": "s", "_cny": "CNY", "_ratio": "1", "_mbps": "Mbps"}
RUNGS = ("links", "vendor", "limits", "incidents")


SPLIT = {
    "refused.sessions": 0.5, "frozen.egress_vendor": 0.25, "left_stalled.egress_vendor": 0.15,
    "seen_worse.none": 0.08, "cut_off.own_link": 0.04, "watched_less.none": 0.01,
    "not_yet_in.joins_per_s": -0.03,
}  # fmt: skip
"""The limits rung by what happened and by which limit."""

TWO = ("agora", "budget")


MadeUp: Any = make_dataclass(
    "MadeUp",
    [
        *((table.name, pd.DataFrame, field(default_factory=pd.DataFrame)) for table in TABLES),
        ("facts", dict[str, Any], field(default_factory=dict)),
    ],
)
"""As `sim.study.Frames`, but one may change what stands in it."""


def scenario(*overrides: str, names: dict[str, str] | None = None) -> Scenario:
    """The default night for two vendors; `names` renames them."""
    chosen: tuple[str, ...] = TWO
    rest: list[str] = []
    given: dict[str, Any] = {}
    for one in overrides:
        if match := re.fullmatch(r"vendors=\[(.*)\]", one):
            chosen = tuple(match[1].split(","))
        elif match := re.fullmatch(r"replications=(\d+)", one):
            given["replications"] = int(match[1])
        else:
            rest.append(one)
    loaded = _composed(*rest, f"vendors=[{','.join(TWO if set(chosen) <= set(TWO) else chosen)}]")
    vendors = {
        key: loaded.vendors[key].model_copy(
            update={"name": (names or {}).get(key, loaded.vendors[key].name)}
        )
        for key in chosen
    }
    return loaded.model_copy(update={"vendors": vendors, **given})


@cache
def _composed(*overrides: str) -> Scenario:
    """Composing takes most of a second: once for all nights that differ in little."""
    return load_scenario(*overrides)


def many(loaded: Scenario, names: list[str]) -> Scenario:
    """The same night with so many vendors, each a copy of one that is there."""
    profiles = list(loaded.vendors.values())
    vendors = {
        f"v{n}": profiles[n % len(profiles)].model_copy(update={"name": name})
        for n, name in enumerate(names)
    }
    return loaded.model_copy(update={"vendors": vendors})


def frames(night: Scenario, ladder: bool = True, full: bool = True) -> Any:
    """Every vendor at every peak of the study; the more offered, the worse, some vendors sooner.

    `full`: with what later studies add: the band of the inputs, what to ask for.
    The caller's own: they may be changed.
    """
    key = (repr(night), ladder, full)
    if key not in _MADE:
        _MADE[key] = _made(night, ladder, full)
    return deepcopy(_MADE[key])


_MADE: dict[tuple[str, bool, bool], Any] = {}


def charts(made_up: Any, night: Scenario) -> dict[str, Callable[[float], Figure]]:
    """The charts that these frames can fill, by name: each is drawn so many inches wide."""
    seen = view(made_up, night)
    return {chart.name: partial(chart.draw, seen) for chart in ready_charts(seen)}


def _made(night: Scenario, ladder: bool, full: bool) -> Any:
    base = night.promotion.peak_viewers or 16471
    points = sorted({base, *(round(base * m) for m in night.study.peaks)})
    rows, series, lines, groups = [], [], [], []
    for n, vendor in enumerate(night.vendors):
        capacity = (1.2, 0.55, 0.9, 0.75, 1.0, 0.65, 1.4, 0.8)[n % 8] * 20000
        for peak in points:
            for replication in range(night.replications):
                luck = np.random.default_rng([n, peak, replication])
                over = max(0.0, 1 - capacity / peak)
                figures = _figures(peak, over, luck, ladder)
                for metric, value in figures.items():
                    rows.append((vendor, peak, replication, metric, _unit(metric), value))
                if peak == base:
                    series += _night(vendor, night, peak, capacity, replication, luck)
                    lines += _lines(vendor, replication, luck)
                    groups += _groups(vendor, peak, replication, over)
                    groups += _harmed(vendor, peak, replication, over)
                    groups += _lost(vendor, peak, replication, figures) if ladder else []
    results = pd.DataFrame(
        rows, columns=["vendor", "peak_viewers", "replication", "metric", "unit", "value"]
    ).assign(**KEYS)
    return MadeUp(
        results=results,
        summary=_summary(results, base, full),
        breakdown=pd.DataFrame(
            groups, columns=["vendor", "peak_viewers", "replication", "by", "of", "metric", "value"]
        ),
        timeseries=pd.DataFrame(
            series,
            columns=["vendor", "peak_viewers", "replication", "time_s", "metric", "value"],
        ),
        invoice=pd.DataFrame(
            lines,
            columns=[
                "vendor", "replication", "tariff", "line", "period", "meter",
                "quantity", "unit", "amount_cny", "fixed_cny", "month",
            ],
        ),
        asks=_asks(night, base) if full else pd.DataFrame(),
        costs=(costs := _costs(night, results)),
        crossings=crossings(costs),
        limits=limits_of(night),
        risk=_risk(night) if full else pd.DataFrame(),
        facts={"versions": {"peakcast": "0.1.0", "numpy": "2.4.6"}, "peak_viewers": base},
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
        "lost_gmv_ratio": sum(lost.values()) / perfect,
        "lost_margin_cny": 0.144 * sum(lost.values()),
        "cost_cny": 0.21 * peak * luck.uniform(0.98, 1.02),
        "cost_month_cny": 1.4 * peak,
        "cost_per_viewer_hour_cny": 0.36,
        "binding_limit_s.sessions": 0.0,
        "binding_limit_s.egress_vendor": 2400 * over,
        "binding_limit_s.joins_per_s": 30 * over,
        "limit_use.sessions": 0.4,
        "limit_use.egress_vendor": min(1.0, 0.9 + over),
    }
    figures["cost_and_lost_margin_cny"] = figures["cost_cny"] + figures["lost_margin_cny"]
    if ladder:
        figures |= {f"lost_gmv_cny.{rung}": lost[rung] for rung in RUNGS}
        figures |= {f"lost_gmv_cny.limits.{k}": x * lost["limits"] for k, x in SPLIT.items()}
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
        "bound.egress_vendor": (offered > capacity).astype(float),
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
         hd, "min", round(hd / 1000 * 3.99, 2), 0.0, "with"),
        (vendor, replication, "list price", "peak bandwidth", "2026-11-11", "peak_mbps",
         46_000.0, "Mbps", 18_400.0, 0.0, "with"),
    ]  # fmt: skip


def _groups(vendor: str, peak: int, replication: int, over: float) -> list[tuple[Any, ...]]:
    """Who came and who stalled, by class and region."""
    shares = {("class", "home"): 0.7, ("class", "lte"): 0.295, ("class", "hsdpa"): 0.005,
              ("region", "east"): 0.6, ("region", "west"): 0.4}  # fmt: skip
    return [
        (vendor, peak, replication, by, of, metric, value)
        for (by, of), share in shares.items()
        for metric, value in (("arrived", 7 * share * peak), ("stall_ratio", over + 0.01 / share))
    ]


def _harmed(vendor: str, peak: int, replication: int, over: float) -> list[tuple[Any, ...]]:
    """Whom the egress harmed."""
    return [(vendor, peak, replication, "limit", "egress_vendor", "harmed", 5 * over * peak)]


def _lost(vendor: str, peak: int, replication: int, figures: dict[str, float]) -> Any:
    """What is lost by limit: the limits rung as SPLIT has it, on the others to own links."""
    rungs = {rung: figures[f"lost_gmv_cny.{rung}"] for rung in RUNGS}
    lost = {"own_link": sum(rungs.values()) - rungs["limits"]}
    for pair, share in SPLIT.items():
        limit = pair.split(".")[1]
        lost[limit] = lost.get(limit, 0.0) + share * rungs["limits"]
    return [
        (vendor, peak, replication, "limit", limit, "lost_gmv_cny", cny)
        for limit, cny in lost.items()
    ]


ASKED = {"peak_concurrency": 1.0, "joins_per_s": 0.004, "joins_per_s_10s": 0.003,
         "egress_gbps": 0.0021, "token_calls_per_s": 0.005, "token_calls_per_s_10s": 0.0035,
         "minutes": 48.0, "egress_gb": 0.8}  # fmt: skip
"""What is asked for, for each viewer at the peak."""


def _asks(night: Scenario, base: int) -> pd.DataFrame:
    """Of each vendor the same; the P95 lies half as high again, beyond the curve."""
    return pd.DataFrame(
        [
            (vendor, what, "", "", x, 1.5 * x, True, x, 1.5 * x)
            for vendor in night.vendors
            for what, x in ((what, each * base) for what, each in ASKED.items())
        ],
        columns=["vendor", "what", "of", "unit", "p50", "p95", "beyond", "calm_p50", "calm_p95"],
    )


OTHER_LIST = {"cost_cny": 1.5, "cost_and_lost_margin_cny": 0.8, "cost_month_cny": 1.2}
"""What a vendor's second list costs, times its first."""


def _costs(night: Scenario, results: pd.DataFrame) -> pd.DataFrame:
    """The bill of every vendor under each of its lists."""
    billed = results[results["metric"].isin(list(OTHER_LIST))]
    tables = []
    for vendor, profile in night.vendors.items():
        mine = billed[billed["vendor"] == vendor]
        for n, tariff in enumerate(profile.lists):
            times = mine["metric"].map(OTHER_LIST) ** n
            tables.append(mine.assign(tariff=tariff.name, value=mine["value"] * times))
    columns = ["vendor", "tariff", "peak_viewers", "replication", "metric", "unit", "value"]
    return curves(pd.concat(tables)[columns])


def _risk(night: Scenario) -> pd.DataFrame:
    """A vendor loses its place among them times a lognormal; the first is the reference."""
    rows: list[tuple[Any, ...]] = []
    for n, vendor in enumerate(night.vendors, start=1):
        for metric, times in (("revenue_at_risk_cny", 1e4), ("vendor_attributable_cny", 1.5e4)):
            at = {"mean": 1.1, "es95": 4.0, **{f"p{k}": (k / 50) ** 2 for k in range(1, 100)}}
            rows += [(vendor, metric, s, n * times * x, 0.02, 0.01) for s, x in at.items()]
        rows += [
            (vendor, f"before.{other}", "mean", 0.75 if n == 1 else 0.25, 0.0, 0.0)
            for other in night.vendors
            if other != vendor
        ]
        if n > 1:
            for metric, value in (("fee_saved_cny", 1000.0), ("lost_sales_more_cny", 12_300.0),
                                  ("lost_sales_per_fee_saved", 12.3),
                                  ("lost_margin_per_fee_saved", 1.77)):  # fmt: skip
                rows.append((vendor, metric, "mean", value, 0.0, 0.0))
        for k, incident in enumerate(night.incidents):
            if incident.chance is not None and incident in night.felt_by(vendor):
                rows += [
                    (vendor, f"incidents.{k}.cost_cny", s, n * cny, 0.02, 0.01)
                    for s, cny in (("mean", 300.0), ("if_it_happens", 1000.0))
                ]
    table = pd.DataFrame(rows, columns=["vendor", "metric", "statistic", "value", "above", "below"])
    for end, times in (("ci_low", 0.9), ("ci_high", 1.1), ("input_low", 0.5), ("input_high", 2.0)):
        table[end] = times * table["value"]
    return table


def moved(vendor: str, key: str, lost: dict[int, tuple[float, float]]) -> pd.DataFrame:
    """A study of ranges: sales lost with one number at 1 and at 3, by offered peak."""
    return pd.DataFrame(
        [
            (vendor, peak, key, at, number, "lost_gmv_ratio", value, 0.0)
            for peak, ends in lost.items()
            for at, number, value in zip(("low", "high"), (1.0, 3.0), ends, strict=True)
        ],
        columns=["vendor", "peak_viewers", "key", "at", "number", "metric", "value", "base"],
    )


def _summary(results: pd.DataFrame, base: int, inputs: bool) -> pd.DataFrame:
    keys = [*KEYS, "vendor", "peak_viewers", "metric", "unit"]
    values = results.groupby(keys, sort=False)["value"]
    out = pd.DataFrame({"mean": values.mean(), "n": values.size()})
    half = 4.3 * values.std() / np.sqrt(out["n"])
    out["ci_low"], out["ci_high"] = out["mean"] - half, out["mean"] + half
    out = out.reset_index()
    if inputs:
        drawn = (out["peak_viewers"] == base) & out["metric"].isin(
            [
                "stall_ratio",
                "lost_gmv_ratio",
                "lost_gmv_cny",
                "cost_cny",
                "cost_and_lost_margin_cny",
            ]
        )
        out["input_low"] = (0.8 * out["mean"]).where(drawn)
        out["input_high"] = (1.3 * out["mean"]).where(drawn)
    return out


class Shouted(Words):
    """English in capitals: what is small comes from elsewhere."""

    def __init__(self) -> None:
        super().__init__("en", (files("sim.catalogue") / "en.ftl").read_text("utf-8"))

    def _of_size(self, number: str, x: float, size: float) -> str:
        return super()._of_size(number, x, size).upper()

    def __call__(self, message: str, /, **given: str | int) -> str:
        return super().__call__(message, **given).upper()
