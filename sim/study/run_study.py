"""A study from points to tidy tables: the one place that runs nights and asks for money."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from sim.commerce import worlds
from sim.engine import run
from sim.record import Run
from sim.scenario.limits import Limit
from sim.scenario.model import Scenario
from sim.study.kind import Gathered
from sim.study.kinds import kind_of
from sim.study.night_tables import Tables, tables_of
from sim.study.plan import Job, jobs, refuse_misfit, scripted_peak, side_by_side, warnings
from sim.study.size import refuse_what_does_not_fit
from sim.study.variants import Variant, strata

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Frames:
    """What a study hands on: tidy tables at full size, each an attribute too (docs/tables.md)."""

    tables: Mapping[str, pd.DataFrame]
    """By name; empty where nobody asked for one."""
    facts: dict[str, Any]
    """`peak_viewers` of the scripted night; `warnings`: what it can't do as its script says, each
    the messages that tell it (`Words.tell`)."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Name of a table -> its file, of those that are written."""

    def __getattr__(self, name: str) -> pd.DataFrame:
        """A table; AttributeError where the study has none of the name."""
        # Of what a copy is made: while it has no fields yet, `self.tables` would ask here again.
        tables: Mapping[str, pd.DataFrame] = self.__dict__.get("tables", {})
        if name not in tables:
            raise AttributeError(f"this study has no table '{name}'; it has {', '.join(tables)}")
        return tables[name]

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self.tables]


def run_study(scenario: Scenario, progress: Progress, keep: bool = False) -> Frames:
    """Run every point, replication, vendor and world of the study in one pool of threads.

    `progress(done, total)` after each job: a night of a vendor; `total`: of those asked for so far.
    `keep`: sessions and orders too, one row a viewer or order of the scripted peak (large); so
    does `report.sessions`.
    Errors: ScenarioError for more than fits this machine, for files the scenario names that can't
    be read, and for a profile whose ranges contradict themselves.
    """
    keep = keep or scenario.report.sessions
    refuse_what_does_not_fit(scenario, keep)
    refuse_misfit(scenario)
    begins_with = kind_of(scenario).new_points(Gathered(scenario, scripted_peak(scenario)))
    told = warnings(scenario, begins_with)
    it = _gathered(scenario, progress, keep)
    tables = kind_of(scenario).tables
    return Frames(
        tables={table.name: it.made(table.build) for table in tables},
        facts={"peak_viewers": it.scripted_peak, "warnings": told},
        files={table.name: table.file for table in tables if table.file},
    )


def _gathered(scenario: Scenario, progress: Progress, keep: bool) -> Gathered:
    """Round after round, until the kind of study asks for no more."""
    kind, it = kind_of(scenario), Gathered(scenario, scripted_peak(scenario))
    with ThreadPoolExecutor(scenario.engine.threads) as pool:
        try:
            while points := kind.new_points(it):
                new = _round(pool, jobs(scenario, points), it, progress, keep)
                it = replace(it, points=(*it.points, *points), parts=(*it.parts, *new))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return it


def _round(
    pool: ThreadPoolExecutor, todo: list[Job], before: Gathered, progress: Progress, keep: bool
) -> list[Tables]:
    """The tables of each job, in the order of the jobs whatever the order they end in."""
    done = len(before.parts)
    total = done + len(todo)
    progress(done, total)
    parts: dict[int, Tables] = {}
    futures: dict[Future[Tables], int] = {
        pool.submit(_one, todo[k], keep): k
        for k in side_by_side(todo, before.scenario.engine.threads)
    }
    for future in as_completed(futures):
        parts[futures[future]] = future.result()
        progress(done + len(parts), total)
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
