"""The tables of an answer over all its nights; docs/tables.md is made of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.study.costs import crossings as where_crossed
from sim.study.costs import curves
from sim.study.interval import summarise
from sim.study.kind import Gathered, Table
from sim.study.limits import limits_of
from sim.study.requirements import requirements
from sim.study.risk import at_risk
from sim.study.uncertainty import input_band
from sim.study.uncertainty import ranges as one_at_a_time

KEYS = ("promotion", "audience", "network", "seed", "vendor", "peak_viewers", "replication")


def results(it: Gathered) -> pd.DataFrame:
    """KEYS, metric, unit, value."""
    return _sorted(it.rows("results"), [*KEYS, "metric"])


def breakdown(it: Gathered) -> pd.DataFrame:
    """KEYS, by, of, metric, unit, value."""
    return _sorted(it.made(_split), [*KEYS, "by", "of", "metric"])


def timeseries(it: Gathered) -> pd.DataFrame:
    """vendor, peak_viewers, replication, time_s, metric, unit, value."""
    keys = ["vendor", "peak_viewers", "replication", "time_s", "metric"]
    return _sorted(it.rows("timeseries"), keys)


def summary(it: Gathered) -> pd.DataFrame:
    """`results` without replication: mean, ci_low, ci_high, n, input_low, input_high."""
    measured = pd.concat([it.made(results), _pairs(it.made(_split))])
    return input_band(summarise(measured), it.made(side_runs), it.scenario.bands.draws)


def side_runs(it: Gathered) -> pd.DataFrame:
    """`results` of the nights beside those as configured, with variant, variant_key."""
    return it.rows("side_runs")


def asks(it: Gathered) -> pd.DataFrame:
    """As `sim.study.requirements` gives them."""
    return requirements(it.rows("asks"), it.scripted_peak, it.scenario.promotion.peak_sigma)


def costs(it: Gathered) -> pd.DataFrame:
    """As `sim.study.costs.curves` gives them."""
    return curves(it.rows("costs"))


def crossings(it: Gathered) -> pd.DataFrame:
    """As `sim.study.costs.crossings` gives them."""
    return where_crossed(it.made(costs))


def risk(it: Gathered) -> pd.DataFrame:
    """As `sim.study.risk` gives it."""
    return at_risk(it.made(results), it.made(side_runs), it.scenario)


def ranges(it: Gathered) -> pd.DataFrame:
    """As `sim.study.uncertainty` gives them; empty where `study.ranges` is none."""
    if it.scenario.study.ranges == "none":
        return pd.DataFrame()
    return one_at_a_time(it.made(side_runs), it.scenario)


TABLES = (
    Table("results", "one row for each figure of each night: vendor, offered peak, replication, "
          "metric, unit, value", results, "results.parquet"),
    Table("breakdown", "figures split by class, region, isp, cohort, rung, cause, limit or line of "
          "the bill", breakdown, "breakdown.parquet"),
    Table("timeseries", "the nights over time, every 10 s: viewers in each state, arrivals, Mbps, "
          "which limits were reached and what it cost", timeseries, "timeseries.parquet"),
    Table("summary", "every figure over the nights: mean, its 95 % interval, and the band that the "
          "assumed numbers add", summary, "summary.csv"),
    Table("invoice", "the bill line by line under every price list: the month with the night, and "
          "without it (negative)", lambda it: it.rows("invoice"), "invoice.csv"),
    Table("asks", "what to tell the vendor: each number to order at the P50 and the P95 over "
          "nights and peaks", asks, "asks.csv"),
    Table("risk", "revenue at risk over the uncertain peak and the incidents with a chance, and "
          "the vendors against one another", risk, "risk.csv"),
    Table("costs", "what every price list of every vendor costs at every point", costs,
          "costs.csv"),
    Table("crossings", "where one price list becomes cheaper than another", crossings,
          "crossings.csv"),
    Table("ranges", "the answer with each assumed number at its low and at its high, one at a time",
          ranges, "ranges.csv"),
    Table("limits", "what the limits of each vendor stand at",
          lambda it: limits_of(it.scenario), "limits.csv"),
    Table("usage", "what each night used of every meter that is billed",
          lambda it: it.rows("usage")),
    Table("sessions", "one row for each viewer of the scripted peak, in Python or with "
          "`report.sessions=true`", lambda it: it.rows("sessions"), "sessions.parquet"),
    Table("orders", "one row for each order of the scripted peak, in Python alone",
          lambda it: it.rows("orders")),
)  # fmt: skip
"""Of each shipped kind of study."""


def _split(it: Gathered) -> pd.DataFrame:
    """The breakdown as it was asked for; of cause and limit together only pairs that cost something
    on any night: the rest are 0."""
    rows = it.rows("breakdown")
    here = rows.groupby(["vendor", "peak_viewers", "by", "of", "metric"])["value"]
    pair = rows["by"] == "cause_by_limit"
    return rows[~pair | here.transform("any")]


def _pairs(breakdown: pd.DataFrame) -> pd.DataFrame:
    """Rows of results, `lost_gmv_cny.<rung>.<cause>.<limit>`: for the summary's intervals."""
    pairs = breakdown[breakdown["by"] == "cause_by_limit"]
    return pairs.assign(metric=pairs["metric"] + "." + pairs["of"]).drop(columns=["by", "of"])


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    table = table.sort_values(by, kind="stable", ignore_index=True)
    table["value"] = table["value"].astype(np.float64)
    return table
