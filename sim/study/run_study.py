"""A study from points to tidy tables: the one place that runs nights and asks for money."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sim.commerce import worlds
from sim.engine import run
from sim.record import Run
from sim.scenario.limits import Limit
from sim.scenario.model import Scenario
from sim.study.costs import crossings, curves
from sim.study.interval import summarise
from sim.study.limits import limits_of
from sim.study.night_tables import Tables, tables_of
from sim.study.plan import Job, jobs, scripted_peak, side_by_side, warnings
from sim.study.requirements import requirements
from sim.study.risk import at_risk
from sim.study.size import refuse_what_does_not_fit
from sim.study.uncertainty import ENOUGH, input_band, ranges
from sim.study.variants import Variant, strata

KEYS = ("promotion", "audience", "network", "seed", "vendor", "peak_viewers", "replication")


@dataclass(frozen=True)
class Frames:
    """What a study hands on: tidy tables at full size, the files of README.md."""

    results: pd.DataFrame
    breakdown: pd.DataFrame
    timeseries: pd.DataFrame
    summary: pd.DataFrame
    """With `input_low, input_high`: the band of `sim.study.uncertainty`."""
    sessions: pd.DataFrame
    orders: pd.DataFrame
    usage: pd.DataFrame
    invoice: pd.DataFrame
    facts: dict[str, Any]
    asks: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What to tell the vendor, by `sim.study.requirements`."""
    costs: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What every price list of every vendor costs at every point, by `sim.study.costs`."""
    crossings: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Where one of them becomes cheaper than another."""
    risk: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Revenue at risk over peaks and incidents, by `sim.study.risk`."""
    ranges: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One number at a time, by `sim.study.uncertainty`; empty where `study.ranges` is none."""
    limits: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What the limits of each vendor stand at, by `sim.study.limits`."""


def run_study(
    scenario: Scenario, progress: Callable[[int, int], None], keep: bool = False
) -> Frames:
    """Run every point, replication, vendor and world of the study in one pool of threads.

    `progress(done, total)` after each job: a night of a vendor. `keep`: sessions and orders too,
    one row a viewer or order of the scripted peak (large).
    Errors: ScenarioError for more than fits this machine, for files the scenario names that can't
    be read, and for a profile whose ranges contradict themselves.
    """
    refuse_what_does_not_fit(scenario, keep)
    todo, told = jobs(scenario), warnings(scenario)
    parts = _in_one_pool(todo, scenario.engine.threads, progress, keep)

    def gathered(name: str) -> pd.DataFrame:
        found = [part[name] for part in parts if name in part]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    results = _sorted(gathered("results"), [*KEYS, "metric"])
    breakdown = _without_empty_pairs(gathered("breakdown"))
    side_runs, draws = gathered("side_runs"), scenario.bands.draws
    costs = curves(gathered("costs"))
    peak, sigma = scripted_peak(scenario), scenario.promotion.peak_sigma
    return Frames(
        results=results,
        breakdown=_sorted(breakdown, [*KEYS, "by", "of", "metric"]),
        timeseries=_sorted(
            gathered("timeseries"), ["vendor", "peak_viewers", "replication", "time_s", "metric"]
        ),
        summary=input_band(summarise(pd.concat([results, _pairs(breakdown)])), side_runs, draws),
        sessions=gathered("sessions"),
        orders=gathered("orders"),
        usage=gathered("usage"),
        invoice=gathered("invoice"),
        facts={
            "study": scenario.study.kind,
            "nights": len(todo),
            "points": sorted(int(p) for p in results["peak_viewers"].unique()),
            "curve_sample": scenario.study.curve_sample,
            "peak_viewers": peak,
            "peak_sigma": sigma,
            "draws": draws,
            "warnings": told,
            "input_band": "none" if not draws else "extremes" if draws < ENOUGH else "95 %",
        },
        asks=requirements(gathered("asks"), peak, sigma),
        costs=costs,
        crossings=crossings(costs),
        risk=at_risk(results, side_runs, scenario),
        ranges=(pd.DataFrame() if scenario.study.ranges == "none" else ranges(side_runs, scenario)),
        limits=limits_of(scenario),
    )


def _in_one_pool(
    todo: list[Job], threads: int, progress: Callable[[int, int], None], keep: bool
) -> list[Tables]:
    """The tables of each job, in the order of the jobs whatever the order they end in."""
    progress(0, len(todo))
    parts: dict[int, Tables] = {}
    with ThreadPoolExecutor(threads) as pool:
        futures: dict[Future[Tables], int] = {
            pool.submit(_one, todo[k], keep): k for k in side_by_side(todo, threads)
        }
        try:
            for future in as_completed(futures):
                parts[futures[future]] = future.result()
                progress(len(parts), len(todo))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [parts[k] for k in range(len(todo))]


def _one(job: Job, keep: bool) -> Tables:
    """One vendor's night in all worlds that were asked for, as tables."""
    try:
        scenario = job.scenario()
        if scenario is None:
            return {}
        runs, granted = _runs(job, scenario)
        return tables_of(job, scenario, runs, granted, keep and job.night.scripted)
    finally:
        job.night.let_go()


def _runs(job: Job, scenario: Scenario) -> tuple[dict[str, Run], Run | None]:
    """World -> its run; one run may stand for several. And the night with its incidents, but none
    of the vendor's limits: what it asks of the vendor, and what becomes of it if that is granted.
    None where it isn't asked for: no incident, or away from the scripted peak."""
    night, name, vendor = job.night, job.vendor, scenario.vendors[job.vendor]
    audience, base = night.worlds_of_nobody()
    chosen = worlds(vendor, scenario.incidents_of(name))

    def in_world(world: str) -> Run:
        return run(scenario, chosen[world], night.replication, audience, world, name)

    struck = chosen["incidents"] is not chosen["limits"]
    last = in_world("incidents")
    runs = {**base, "incidents": last}
    if night.ladder and job.variant is Variant.CONFIGURED:
        runs["limits"] = in_world("limits") if struck else last
    held = _held_back(last)
    if job.variant in (Variant.CONFIGURED, Variant.BASE, Variant.DRAWN):
        runs["vendor"] = in_world("vendor") if held or struck else last
    # A stratum of the vendor's own incidents alone may be no night that can come.
    may_come = job.variant is Variant.STRATUM and job.variant_key in strata(night.scenario, name)
    if not (struck and night.scripted and (may_come or job.variant is Variant.CONFIGURED)):
        return runs, None
    if chosen["vendor"] is vendor or held <= {Limit.OUTAGE, Limit.HOST_UPLINK}:
        return runs, last
    free = chosen["vendor"]
    return runs, run(scenario, free, night.replication, audience, "incidents", name)


def _held_back(run: Run) -> set[int]:
    """Limits that held anybody back. A picture not yet made, or a smaller one, harms before any is
    seen to bind."""
    bound = (limit for limit in Limit if limit.spec.metric in run.facts)
    return {*bound, *np.unique(run.sessions["harm"]).tolist()} - {Limit.NONE, Limit.LINK}


def _without_empty_pairs(breakdown: pd.DataFrame) -> pd.DataFrame:
    """Of cause and limit together only pairs that cost something on any night; the rest are 0."""
    here = breakdown.groupby(["vendor", "peak_viewers", "by", "of", "metric"])["value"]
    pair = breakdown["by"] == "cause_by_limit"
    return breakdown[~pair | here.transform("any")]


def _pairs(breakdown: pd.DataFrame) -> pd.DataFrame:
    """Rows of results, `lost_gmv_cny.<rung>.<cause>.<limit>`: for the summary's intervals."""
    pairs = breakdown[breakdown["by"] == "cause_by_limit"]
    return pairs.assign(metric=pairs["metric"] + "." + pairs["of"]).drop(columns=["by", "of"])


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    table = table.sort_values(by, kind="stable", ignore_index=True)
    table["value"] = table["value"].astype(np.float64)
    return table
