"""A study from points to tidy tables: the one place that runs nights and asks for money."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from sim.billing import invoice
from sim.commerce import money, worlds
from sim.demand import Audience, draw_audience, expected_demand
from sim.engine import perfect, run
from sim.record import Run
from sim.scenario.model import Scenario
from sim.study.interval import summarise
from sim.study.measure import by_group, figures, over_time

KEYS = ("promotion", "audience", "network", "seed", "vendor", "peak_viewers", "replication")


@dataclass(frozen=True)
class Frames:
    """What a study hands on: tidy tables at full size (design, section 13)."""

    results: pd.DataFrame
    breakdown: pd.DataFrame
    timeseries: pd.DataFrame
    summary: pd.DataFrame
    sessions: pd.DataFrame
    orders: pd.DataFrame
    usage: pd.DataFrame
    invoice: pd.DataFrame
    facts: dict[str, Any]


@dataclass
class Night:
    """One point and replication: its viewers are drawn once, for every vendor and world."""

    scenario: Scenario
    replication: int
    scripted: bool
    """At the scripted peak (else another point of the curve)."""
    ladder: bool
    left: int
    """Vendors still to come; the last one lets go of the viewers."""
    lock: Lock = field(default_factory=Lock)
    drawn: Audience | None = None
    base: dict[str, Run] = field(default_factory=dict)

    def worlds_of_nobody(self) -> tuple[Audience, dict[str, Run]]:
        """The viewers, and the worlds no vendor has a part in."""
        with self.lock:
            if self.drawn is None:
                self.drawn = draw_audience(self.scenario, self.replication)
                self.base["perfect"] = perfect(self.scenario, self.replication, self.drawn)
                if self.ladder:
                    self.base["links"] = run(
                        self.scenario, None, self.replication, self.drawn, world="links"
                    )
            return self.drawn, self.base

    def let_go(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left == 0:
                self.drawn = None
                self.base = {}


Tables = dict[str, pd.DataFrame]


def answer(scenario: Scenario, progress: Callable[[int, int], None], keep: bool = False) -> Frames:
    """Run every point, replication, vendor and world of the study in one pool of threads.

    `progress(done, total)` after each night of a vendor. `keep`: sessions and orders too, one row a
    viewer or order of the scripted peak (large).
    Errors: ScenarioError for files the scenario names that can't be read.
    """
    nights = list(_nights(scenario))
    jobs = [(night, name) for night in nights for name in scenario.vendors]
    progress(0, len(jobs))
    parts: dict[int, Tables] = {}
    with ThreadPoolExecutor(scenario.engine.threads) as pool:
        futures: dict[Future[Tables], int] = {
            pool.submit(_one, night, name, keep and night.scripted): k
            for k, (night, name) in enumerate(jobs)
        }
        try:
            for future in as_completed(futures):
                parts[futures[future]] = future.result()
                progress(len(parts), len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    tables = {
        name: pd.concat([parts[k][name] for k in range(len(jobs))], ignore_index=True)
        for name in parts[0]
    }
    results = _sorted(tables["results"], [*KEYS, "metric"])
    return Frames(
        results=results,
        breakdown=_sorted(tables["breakdown"], [*KEYS, "by", "of", "metric"]),
        timeseries=_sorted(
            tables["timeseries"], ["vendor", "peak_viewers", "replication", "time_s", "metric"]
        ),
        summary=summarise(results),
        sessions=tables["sessions"],
        orders=tables["orders"],
        usage=tables["usage"],
        invoice=tables["invoice"],
        facts={"study": scenario.study.kind, "nights": len(jobs)},
    )


def _nights(scenario: Scenario) -> Iterator[Night]:
    """The scripted peak first, then the curve's other points, each by replication."""
    study, promotion = scenario.study, scenario.promotion
    scripted = promotion.peak_viewers
    if scripted is None:
        scripted = round(expected_demand(promotion, scenario.audience).peak_viewers)
    seen: set[int] = set()
    for times in (1.0, *study.peaks):
        at_peak, peak = times == 1.0, max(1, round(scripted * times))
        if peak in seen:
            continue  # the same night twice would pass for two
        seen.add(peak)
        update: dict[str, Any] = {"peak_viewers": peak}
        if promotion.expected_gmv_cny is not None:
            # Money per viewer is the script's at every point of the curve.
            update["expected_gmv_cny"] = promotion.expected_gmv_cny * times
        sample = scenario.audience.sample
        here = scenario.model_copy(
            update={
                "promotion": promotion.model_copy(update=update),
                "audience": scenario.audience.model_copy(
                    update={"sample": sample if at_peak else min(sample, study.curve_sample)}
                ),
            }
        )
        for replication in range(scenario.replications):
            ladder = study.ladder and at_peak
            yield Night(here, replication, at_peak, ladder, len(scenario.vendors))


def _one(night: Night, name: str, keep: bool) -> Tables:
    """One vendor's night in all worlds that were asked for, as tables."""
    scenario, vendor = night.scenario, night.scenario.vendors[name]
    audience, runs = night.worlds_of_nobody()
    chosen = worlds(vendor)

    def in_world(world: str) -> Run:
        return run(scenario, chosen[world], night.replication, audience, world, name)

    runs = dict(runs)
    # No incident is drawn: the last world is the run of `limits`.
    runs["limits"] = runs["incidents"] = last = in_world("limits")
    if night.ladder:
        bound = any(key.startswith("binding_limit_s") for key in last.facts)
        runs["vendor"] = in_world("vendor") if bound else last
    sales = money(runs, scenario.commerce, scenario.promotion.drops)
    tables = _tables(night, name, runs, sales, keep)
    night.let_go()
    return tables


def _tables(night: Night, name: str, runs: dict[str, Run], sales: Any, keep: bool) -> Tables:
    scenario, vendor = night.scenario, night.scenario.vendors[name]
    last, best = runs["incidents"], runs["perfect"]
    keys = {
        "promotion": scenario.promotion.name,
        "audience": scenario.audience.name,
        "network": scenario.network.name,
        "seed": scenario.seed,
        "vendor": name,
        "peak_viewers": last.peak_viewers,
        "replication": night.replication,
    }
    few = {k: keys[k] for k in ("vendor", "peak_viewers", "replication")}
    bills = [
        invoice(last.usage, t, scenario.commerce.cny_per, scenario.promotion.starts_at)
        for t in vendor.tariffs.values()
    ]
    cost_cny = float(bills[0].total_cny)
    hours = last.sessions["play_s"].sum() / 3600 * last.weight
    rows = [
        *figures(last, best),
        ("cost_cny", "CNY", cost_cny),
        ("cost_per_viewer_hour_cny", "CNY/h", cost_cny / hours if hours else float("nan")),
    ]
    if night.ladder:
        wanted = money({"incidents": best}, scenario.commerce, scenario.promotion.drops)
        ideal = wanted.results().set_index("metric")["value"]
        for metric, unit in (("orders", "count"), ("gmv_cny", "CNY")):
            rows.append((f"perfect_{metric}", unit, float(ideal[metric])))
    results = pd.concat([pd.DataFrame(rows, columns=["metric", "unit", "value"]), sales.results()])
    columns = ["by", "of", "metric", "unit", "value"]
    breakdown = pd.DataFrame(list(by_group(last)), columns=columns)
    lines = bills[0].frame(name, night.replication)
    by_line = lines.groupby("line", sort=False)["amount_cny"].sum().astype(float).reset_index()
    by_line = by_line.set_axis(["of", "value"], axis=1).assign(
        by="line", metric="cost_cny", unit="CNY"
    )
    breakdown = pd.concat([breakdown, by_line[columns]])
    if night.ladder:
        breakdown = pd.concat([breakdown, sales.breakdown()[columns]])
    nobody = pd.DataFrame()
    return {
        "results": _keyed(results, keys),
        "breakdown": _keyed(breakdown, keys),
        "timeseries": _keyed(over_time(last, best), few),
        "usage": _keyed(last.usage, few),
        "invoice": pd.concat([b.frame(name, night.replication) for b in bills]).assign(
            peak_viewers=last.peak_viewers
        ),
        "sessions": _keyed(pd.DataFrame(last.sessions), few) if keep else nobody,
        "orders": _keyed(pd.DataFrame(last.orders), few) if keep else nobody,
    }


def _keyed(table: pd.DataFrame, keys: dict[str, Any]) -> pd.DataFrame:
    table = table.reset_index(drop=True)
    for at, (key, value) in enumerate(keys.items()):
        table.insert(at, key, value)
    return table


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    table = table.sort_values(by, kind="stable", ignore_index=True)
    table["value"] = table["value"].astype(np.float64)
    return table
