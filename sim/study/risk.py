"""Revenue at risk: what limits and incidents may cost, over all peaks and incidents the night may
bring, and what a cheaper vendor costs for each yuan of its fee that it saves.

No night is run for it but those of incidents (`sim.study.variants.strata`): the peak's distribution
is laid over the points of the curve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from sim.metrics import with_units
from sim.scenario.model import Scenario
from sim.study.interval import interval
from sim.study.plan import scripted_peak
from sim.study.uncertainty import added_by_draws, ends_of
from sim.study.variants import Stratum, Variant, strata

Array = NDArray[np.float64]

PEAKS = 2_000
"""Equally likely peaks that stand for the distribution of the peak."""

TAIL = 0.05
"""Worst share of the nights whose mean is the expected shortfall."""

AT_RISK, ATTRIBUTABLE = "revenue_at_risk_cny", "vendor_attributable_cny"
"""Sales lost on the last two rungs (limits, incidents); and on the last three (protocol too) where
no isp and no host's uplink breaks, which is no vendor's fault."""

TOGETHER = "cost_and_lost_margin_cny"
"""What vendors are ranked by."""

COLUMNS = [
    "vendor", "metric", "statistic", "value",
    "ci_low", "ci_high", "input_low", "input_high", "peak_sigma", "below", "above",
]  # fmt: skip


def at_risk(results: pd.DataFrame, side_runs: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """COLUMNS: for each vendor and metric its statistics (mean, p1 .. p99, es95), CNY.

    `results`, `side_runs`: as the study gathers them. Every night of the curve counts alike,
    whatever its replication; `ci_low, ci_high`: 95 % over replications. `input_low, input_high`:
    what drawn numbers add to the share of sales lost at the scripted peak, added at every peak; nan
    where no draw moved it. `peak_sigma`: over which peaks; of one point only the scripted one, 0,
    and no row unless an incident has a chance. `below, above`: chance of a peak below or above the
    simulated points: above them losses go on in a straight line, at most to all sales, below them
    in proportion. Where no ladder was run `vendor_attributable_cny` has no rows.
    Then what each incident with a chance adds (`_by_incident`), and the vendors against the
    reference (`_against_reference`) and against one another (`_before`), on the scripted night.
    """
    rows: list[tuple[str | float, ...]] = []
    for vendor in scenario.vendors:
        for metric in (AT_RISK, ATTRIBUTABLE):
            nights = _nights(vendor, metric, results, side_runs, scenario)
            if nights is not None:
                rows += _statistics(nights, side_runs)
                rows += _by_incident(nights, scenario) if metric == AT_RISK else ()
    rows += list(_against_reference(results, side_runs, scenario))
    rows += list(_before(results, side_runs, scenario))
    return with_units(pd.DataFrame(rows, columns=COLUMNS))


@dataclass(frozen=True)
class Curve:
    """One replication: sales and what is lost of them by offered peak; nobody, nothing."""

    peaks: Array
    sold: Array
    """(peaks,) CNY of a perfect night."""
    lost: Array
    """(peaks,) CNY."""

    def at(self, peak: Array, struck: float = 0.0, drawn: float = 0.0) -> Array:
        """CNY lost at each peak, with what other incidents and drawn numbers add as shares of the
        sales. A drawn number turns no loss into a gain; a world in which less breaks may."""
        sold = self._along(self.sold, peak)
        lost = self._along(self.lost, peak) + struck * sold
        return np.asarray(np.clip(lost + drawn * sold, np.minimum(lost, 0.0), sold))

    def _along(self, y: Array, peak: Array) -> Array:
        """Straight lines from 0 at nobody, the last one carried on."""
        x, y = np.append(0.0, self.peaks), np.append(0.0, y)
        slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
        return np.asarray(np.interp(peak, x, y) + slope * np.maximum(peak - x[-1], 0.0))


def statistics_of(values: Array, weights: Array) -> dict[str, float]:
    """mean, p1 .. p99 and es95 of values with weights that sum to 1.

    A quantile is the least value that so much of the weight does not exceed; es95 is the mean of
    the worst TAIL of the weight, the value it begins in counted in part.
    """
    order = np.argsort(values, kind="stable")
    x, w = values[order], weights[order]
    up_to = np.cumsum(w)
    at = np.searchsorted(up_to, np.arange(1, 100) / 100 - 1e-12)
    worst = np.clip(up_to - (1 - TAIL), 0.0, w)
    return {
        "mean": float(x @ w),
        **{f"p{k}": float(x[min(i, len(x) - 1)]) for k, i in enumerate(at, start=1)},
        "es95": float(x @ worst / worst.sum()),
    }


def peaks_of(median: float, sigma: float) -> Array:
    """Equally likely peaks, lognormal: the middles of as many equal slices."""
    middles = (np.arange(PEAKS) + 0.5) / PEAKS
    return median * np.exp(sigma * ndtri(middles)) if sigma > 0 else np.array([float(median)])


@dataclass(frozen=True)
class Nights:
    """All nights that one vendor may have: every peak with every combination of incidents."""

    vendor: str
    metric: str
    scripted: int
    sigma: float
    curves: list[Curve]
    """One a replication."""
    peaks: Array
    """Equally likely."""
    strata: dict[Stratum, float]
    """Which incidents strike, and how likely that is."""
    struck: Array
    """(replications, strata) share of the sales that they add to what is lost."""

    @property
    def weights(self) -> Array:
        """(strata x peaks,) summing to 1."""
        return np.repeat(list(self.strata.values()), len(self.peaks)) / len(self.peaks)

    @property
    def outside(self) -> tuple[float, float]:
        """Chance of a peak below the simulated ones, and above them."""
        points = self.curves[0].peaks
        return float((self.peaks < points[0]).mean()), float((self.peaks > points[-1]).mean())

    def lost(self, r: int, drawn: float = 0.0) -> Array:
        """(strata x peaks,) CNY in one replication."""
        at = self.curves[r].at
        return np.concatenate([at(self.peaks, added, drawn) for added in self.struck[r]])


def _nights(
    vendor: str, metric: str, results: pd.DataFrame, side_runs: pd.DataFrame, scenario: Scenario
) -> Nights | None:
    """None where one peak is known and nothing has a chance, and where no ladder was run."""
    median, sigma = scripted_peak(scenario), scenario.promotion.peak_sigma
    mine = results[results["vendor"] == vendor]
    curves = _curves(mine, metric, median)
    if not curves:
        return None
    if len(curves[0].peaks) < 2 and sigma > 0:
        if all(i.chance is None for i in scenario.incidents):
            return None
        sigma = 0.0
    configured, *_ = strata(scenario, vendor)
    chance = strata(scenario, vendor, metric == ATTRIBUTABLE)
    struck = _struck(mine, side_runs, vendor, median, configured, list(chance))
    return Nights(vendor, metric, median, sigma, curves, peaks_of(median, sigma), chance, struck)


def _statistics(nights: Nights, side_runs: pd.DataFrame) -> Iterator[tuple[str | float, ...]]:
    """Rows of COLUMNS."""
    curves, weights = nights.curves, nights.weights

    def pooled(drawn: float = 0.0) -> dict[str, float]:
        lost = [nights.lost(r, drawn) for r in range(len(curves))]
        return statistics_of(np.concatenate(lost), np.tile(weights, len(curves)) / len(curves))

    whole = pooled()
    each = [statistics_of(nights.lost(r), weights) for r in range(len(curves))]
    moved = AT_RISK if nights.metric == AT_RISK else "lost_gmv_cny"
    sold = float(np.mean([np.interp(nights.scripted, c.peaks, c.sold) for c in curves]))
    added = _drawn(side_runs, nights.vendor, nights.scripted)[moved]
    drawn = [pooled(one / sold) for one in added if sold]
    for name, value in whole.items():
        over = np.array([one[name] for one in each])
        low, high = (end + value - over.mean() for end in interval(over))
        if low == high == 0:  # on no night anything was lost: not known for certain of the next
            low = high = np.nan
        input_low, input_high = ends_of(np.array([one[name] for one in drawn]))
        if np.isclose(input_low, input_high, rtol=1e-9):  # none of the draws moved it
            input_low = input_high = np.nan
        yield (nights.vendor, nights.metric, name, value, low, high, input_low, input_high,
               nights.sigma, *nights.outside)  # fmt: skip


def incident_metric(k: int) -> str:
    """What the incident of this place in the scenario costs, CNY: statistics `mean` and
    `if_it_happens`."""
    return f"incidents.{k}.cost_cny"


def _by_incident(nights: Nights, scenario: Scenario) -> Iterator[tuple[str | float, ...]]:
    """For each incident with a chance that the vendor can feel: sales lost on nights with it less
    those lost on the same nights without, and that times its chance; the others strike as they
    may."""
    lost = [nights.lost(r).reshape(len(nights.strata), -1) for r in range(len(nights.curves))]
    night = dict(zip(nights.strata, np.mean(lost, axis=2).T, strict=True))
    felt = [k for k, i in enumerate(scenario.incidents) if i in scenario.felt_by(nights.vendor)]
    for place, k in enumerate(felt):
        chance = scenario.incidents[k].chance
        if chance is None:
            continue
        costs = np.zeros(len(lost))
        for struck in (which for which in night if which.strikes[place]):
            spared = struck.without(place)
            either = nights.strata[struck] + nights.strata[spared]
            costs += either * (night[struck] - night[spared])
        for name, times in (("mean", chance), ("if_it_happens", 1.0)):
            over = times * costs
            yield (nights.vendor, incident_metric(k), name, float(over.mean()),
                   *interval(over), np.nan, np.nan, nights.sigma, *nights.outside)  # fmt: skip


def _curves(mine: pd.DataFrame, metric: str, scripted: int) -> list[Curve]:
    """One a replication. What own links cost doesn't hang on how many there are: its share of the
    sales at the scripted peak holds at every other."""
    wide = mine.pivot_table(
        index=["replication", "peak_viewers"], columns="metric", values="value", dropna=False
    )
    if metric == ATTRIBUTABLE:
        if "lost_gmv_cny.links" not in wide:
            return []
        here = wide.xs(scripted, level="peak_viewers")
        own = (here["lost_gmv_cny.links"] / here["perfect_gmv_cny"]).fillna(0.0)
        links = wide["perfect_gmv_cny"] * own.reindex(wide.index, level="replication")
        wide[metric] = wide["perfect_gmv_cny"] - wide["gmv_cny"] - links
    return [
        Curve(
            one.index.get_level_values("peak_viewers").to_numpy(np.float64),
            one["perfect_gmv_cny"].to_numpy(np.float64),
            one[metric].to_numpy(np.float64),
        )
        for _, one in wide.groupby(level="replication")
    ]


def _struck(
    mine: pd.DataFrame,
    side_runs: pd.DataFrame,
    vendor: str,
    scripted: int,
    configured: Stratum,
    strata: list[Stratum],
) -> Array:
    """(replications, strata) share of the sales lost that a stratum's incidents add to the night
    as configured; below 0 where it has fewer of them."""
    here = mine[mine["peak_viewers"] == scripted]
    wide = here.pivot_table(index="replication", columns="metric", values="value", dropna=False)
    lost = {str(configured): wide["lost_gmv_cny"]}
    if strata != [configured]:
        rows = side_runs[
            (side_runs["vendor"] == vendor) & (side_runs["variant"] == Variant.STRATUM)
        ]
        rows = rows[rows["metric"] == "lost_gmv_cny"]
        lost |= {
            str(key): one.set_index("replication")["value"]
            for key, one in rows.groupby("variant_key")
        }
    sold = wide["perfect_gmv_cny"]
    before = lost[str(configured)]
    added = [((lost[str(one)] - before) / sold).fillna(0.0).to_numpy() for one in strata]
    return np.stack(added, axis=1)


def _drawn(side_runs: pd.DataFrame, vendor: str, scripted: int) -> dict[str, Array]:
    """What each draw adds to a night at the scripted peak, CNY, by metric; draws in one order."""
    wanted = (AT_RISK, "lost_gmv_cny", "lost_margin_cny", "cost_cny")
    added = added_by_draws(side_runs)
    here = added[(added["vendor"] == vendor) & (added["peak_viewers"] == scripted)]
    here = here.sort_values("variant_key", kind="stable")
    return {m: here.loc[here["metric"] == m, "added"].to_numpy(np.float64) for m in wanted}


# --- a fee saved ----------------------------------------------------------------------------------


def _against_reference(
    results: pd.DataFrame, side_runs: pd.DataFrame, scenario: Scenario
) -> Iterator[tuple[str | float, ...]]:
    """For each other vendor on the scripted night: the fee it saves against `reference_vendor`,
    what it loses more, and how many times the one the other is (nan where it saves nothing)."""
    reference, scripted = scenario.study.reference_vendor, scripted_peak(scenario)
    if reference is None:
        return
    here = results[results["peak_viewers"] == scripted]
    wide = here.pivot_table(
        index=["vendor", "replication"], columns="metric", values="value", dropna=False
    )
    theirs, moved = wide.loc[reference], _drawn(side_runs, reference, scripted)
    for vendor in scenario.vendors:
        if vendor == reference:
            continue
        mine, drawn = wide.loc[vendor], _drawn(side_runs, vendor, scripted)
        saved = (theirs["cost_cny"] - mine["cost_cny"]).to_numpy()
        saved_drawn = saved.mean() + moved["cost_cny"] - drawn["cost_cny"]
        yield (vendor, "fee_saved_cny", "mean", saved.mean(), *interval(saved),
               *ends_of(saved_drawn), 0.0, 0.0, 0.0)  # fmt: skip
        for lost, name in (("lost_gmv_cny", "lost_sales"), ("lost_margin_cny", "lost_margin")):
            more = (mine[lost] - theirs[lost]).to_numpy()
            more_drawn = more.mean() + drawn[lost] - moved[lost]
            yield (vendor, f"{name}_more_cny", "mean", more.mean(), *interval(more),
                   *ends_of(more_drawn), 0.0, 0.0, 0.0)  # fmt: skip
            yield (vendor, f"{name}_per_fee_saved", "mean", *ratio(more, saved),
                   *_ratios(more_drawn, saved_drawn), 0.0, 0.0, 0.0)  # fmt: skip


def ratio(more: Array, saved: Array) -> tuple[float, float, float]:
    """Sum of `more` over sum of `saved`, both by night, with its 95 % interval.

    A ratio estimator (Cochran 1977, section 6.4): its error is that of the mean of
    more - ratio x saved, over the mean of saved. nan where nothing is saved on the mean.
    """
    whole = float(saved.mean())
    if not whole > 0:
        return np.nan, np.nan, np.nan
    times = float(more.mean()) / whole
    return times, *interval(times + (more - times * saved) / whole)


def _ratios(more: Array, saved: Array) -> tuple[float, float]:
    """Their ends over the draws; nan where a draw saves nothing: there is no such number then."""
    return ends_of(more / saved) if (saved > 0).all() else (np.nan, np.nan)


# --- who comes first ------------------------------------------------------------------------------


def _before(
    results: pd.DataFrame, side_runs: pd.DataFrame, scenario: Scenario
) -> Iterator[tuple[str | float, ...]]:
    """For each two vendors: in what share of the draws the one comes before the other, by bill and
    lost margin.

    A draw is a night: two vendors meet the same viewers in it, and numbers of one key stand at the
    same place of their ranges. A tie is half a draw; without draws no row.
    """
    scripted = scripted_peak(scenario)
    here = results[(results["peak_viewers"] == scripted) & (results["metric"] == TOGETHER)]
    added = added_by_draws(side_runs)
    added = added[(added["peak_viewers"] == scripted) & (added["metric"] == TOGETHER)]
    if added.empty:
        return
    both = added.merge(here, on=["vendor", "replication"])
    wide = (
        (both["value"] + both["added"])
        .groupby([both["variant_key"], both["vendor"]])
        .first()
        .unstack()
    )
    for vendor, other in permutations([v for v in scenario.vendors if v in wide], 2):
        gap = (wide[other] - wide[vendor]).dropna().to_numpy()
        first = (gap > 0) + (gap == 0) / 2
        yield (vendor, f"before.{other}", "mean", float(first.mean()),
               *interval(first, 0.0, 1.0), np.nan, np.nan, 0.0, 0.0, 0.0)  # fmt: skip
