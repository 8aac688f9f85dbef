"""What everything in the report reads: the tables of a run, looked up once, in a reader's language.

A study that did not ask for a table leaves it empty, or has none: `table` answers both alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any, Protocol

import pandas as pd

from sim.catalogue.language import Words, words
from sim.scenario import Scenario, Vendor
from sim.study.interval import summarise
from sim.study.kinds import kind_of

TOGETHER = "cost_and_lost_margin_cny"
"""Bill of the night, and the margin on what is lost for good: what vendors are ranked by."""


class Frames(Protocol):
    """What a study hands on."""

    @property
    def results(self) -> pd.DataFrame:
        """Each figure of each night at full size: metric, unit, value."""

    @property
    def summary(self) -> pd.DataFrame:
        """Each figure over the nights: mean, its interval and the band of the inputs."""

    @property
    def timeseries(self) -> pd.DataFrame:
        """The nights over time: time_s (seconds), metric, value."""

    @property
    def invoice(self) -> pd.DataFrame:
        """The lines of every bill, with the night and without it."""

    @property
    def breakdown(self) -> pd.DataFrame:
        """Figures split: `by` what, `of` which part."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """`peak_viewers` of the scripted night; `warnings`: messages about what it can't do."""


@dataclass(frozen=True)
class Estimate:
    """A mean over nights, and two bands around it (nan: there is none).

    `low, high`: 95 % interval over nights. `input_low, input_high`: with the profile's numbers
    anywhere in their ranges.
    """

    mean: float
    low: float = math.nan
    high: float = math.nan
    input_low: float = math.nan
    input_high: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a mean."""
        return math.isfinite(self.mean)

    @property
    def has_interval(self) -> bool:
        """Whether the interval over nights has both ends."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def has_inputs(self) -> bool:
        """Whether the band of the inputs has both ends."""
        return math.isfinite(self.input_low) and math.isfinite(self.input_high)

    def times(self, factor: float) -> Estimate:
        """The same in another unit."""
        return Estimate(*(factor * x for x in astuple(self)))


UNKNOWN = Estimate(math.nan)

ONE_IN_20 = 1.645
"""Standard deviations above the median that one normal in twenty exceeds."""

BANDS = ["ci_low", "ci_high", "input_low", "input_high"]


@dataclass(frozen=True, eq=False)
class View:
    """A run as the report reads it: its estimates, its night and its vendors' names."""

    frames: Frames
    scenario: Scenario
    words: Words

    # --- tables -----------------------------------------------------------------------------------

    def table(self, name: str, **where: Any) -> pd.DataFrame:
        """The rows of a table that say so; empty where the study made no such table."""
        rows = getattr(self.frames, name, None)
        if not isinstance(rows, pd.DataFrame) or rows.empty:
            return pd.DataFrame()
        for column, wanted in where.items():
            rows = rows[rows[column] == wanted]
        return rows

    @cached_property
    def peak(self) -> int:
        """The peak of the night itself, among the points of its curve: viewers."""
        return int(self.frames.facts["peak_viewers"])

    @cached_property
    def peaks(self) -> list[int]:
        """Offered peaks, rising: viewers."""
        return sorted(int(p) for p in self.frames.summary["peak_viewers"].unique())

    @property
    def rare_peak(self) -> float:
        """Viewers that the peak of one night in twenty exceeds."""
        return self.peak * math.exp(ONE_IN_20 * self.scenario.promotion.peak_sigma)

    @property
    def sections(self) -> tuple[str, ...]:
        """Names of the page's sections, as the study asks for them."""
        return kind_of(self.scenario).sections

    @property
    def has_curve(self) -> bool:
        """Whether more than one audience was simulated."""
        return len(self.peaks) > 1

    # --- estimates --------------------------------------------------------------------------------

    @cached_property
    def estimates(self) -> dict[tuple[str, int, str], Estimate]:
        """Every figure of the summary by vendor, offered peak and metric."""
        found = self.frames.summary.reindex(
            columns=["vendor", "peak_viewers", "metric", "mean", *BANDS]
        )
        return {
            (str(vendor), int(peak), str(metric)): Estimate(*map(float, numbers))
            for vendor, peak, metric, *numbers in found.itertuples(index=False, name=None)
        }

    def figure(self, vendor: str, metric: str, peak: int | None = None) -> Estimate:
        """A figure of one vendor, at the night's peak unless another is given."""
        return self.estimates.get((vendor, peak or self.peak, metric), UNKNOWN)

    @cached_property
    def risks(self) -> dict[tuple[str, str, str], Estimate]:
        """What is at risk, and what a fee saved costs, by vendor, metric and statistic."""
        found = self.table("risk")
        if found.empty:
            return {}
        return {
            (str(vendor), str(metric), str(statistic)): Estimate(*map(float, numbers))
            for vendor, metric, statistic, *numbers in found[
                ["vendor", "metric", "statistic", "value", *BANDS]
            ].itertuples(index=False, name=None)
        }

    def risk(self, vendor: str, metric: str, statistic: str = "mean") -> Estimate:
        """What is at risk with one vendor, over all nights that may come."""
        return self.risks.get((vendor, metric, statistic), UNKNOWN)

    def lost_share(self, vendor: str, peak: int | None = None) -> Estimate:
        """Sales lost, as a share of a perfect night's; from amounts alone it has no bands."""
        given = self.figure(vendor, "lost_gmv_ratio", peak)
        if given.known:
            return given
        lost, sold = (self.figure(vendor, m, peak) for m in ("lost_gmv_cny", "gmv_cny"))
        perfect = lost.mean + sold.mean
        return Estimate(lost.mean / perfect) if perfect > 0 else UNKNOWN

    def lost_by_limit(self, vendor: str) -> dict[str, float]:
        """CNY lost on the night by what held the order back, over all rungs, the dearest first.

        With what no limit held, they add up to all that is lost. Empty without a ladder.
        """
        rows = self.table(
            "breakdown", vendor=vendor, peak_viewers=self.peak, by="limit", metric="lost_gmv_cny"
        )
        if rows.empty:
            return {}
        lost = rows.groupby("of")["value"].sum() / rows["replication"].nunique()
        ranked = sorted(lost[lost != 0].items(), key=lambda pair: (-pair[1], str(pair[0])))
        return {str(limit): float(cny) for limit, cny in ranked}

    def never_in_hd(self, vendor: str) -> bool:
        """Whether no viewer of this vendor sees HD on the night; False where it is not known."""
        return self.figure(vendor, "hd_ratio").mean == 0

    # --- vendors ----------------------------------------------------------------------------------

    @cached_property
    def names(self) -> dict[str, str]:
        """Vendors of the results and their names, in the order of the scenario."""
        known = self.scenario.vendors
        found = [str(v) for v in self.frames.summary["vendor"].drop_duplicates()]
        ordered = [v for v in known if v in found] + sorted(v for v in found if v not in known)
        names = {v: known[v].name if v in known else v for v in ordered}
        told = list(names.values())
        return {v: n if told.count(n) == 1 else f"{n} ({v})" for v, n in names.items()}

    def profile(self, vendor: str) -> Vendor | None:
        """The vendor as it was configured; None: the tables have one that the scenario hasn't."""
        return self.scenario.vendors.get(vendor)

    def is_archetype(self, vendor: str) -> bool:
        """Whether it stands for a kind of vendor: nobody can buy from it."""
        profile = self.profile(vendor)
        return profile is not None and profile.summary.startswith("An archetype, not a vendor")

    def marked(self, vendor: str) -> str:
        """`Hybrid (archetype)`."""
        name = self.names[vendor]
        return self.words("vendor-archetype", vendor=name) if self.is_archetype(vendor) else name

    def unbilled(self, vendor: str) -> str:
        """What the vendor's bill leaves out: `operations`; empty where nothing is known missing."""
        profile = self.profile(vendor)
        return profile.not_billed if profile is not None else ""

    @cached_property
    def nightly(self) -> pd.DataFrame:
        """Lost margin and bill together in CNY: a row a night, a column a vendor."""
        rows = self.table("results", peak_viewers=self.peak, metric=TOGETHER)
        if rows.empty:
            return pd.DataFrame()
        both = rows.set_index(["replication", "vendor"])["value"]
        return both.unstack().dropna(axis="columns")

    @cached_property
    def ranked(self) -> list[str]:
        """Vendors by lost margin and bill together on the night, the least first."""
        first = [str(v) for v in self.nightly.mean().sort_values(kind="stable").index]
        return [*first, *(v for v in self.names if v not in first)]

    @property
    def best_first(self) -> dict[str, str]:
        """Their names in that order."""
        return {v: self.names[v] for v in self.ranked}


def view(frames: Frames, scenario: Scenario, language: str = "en") -> View:
    """A run in a language that has a catalogue."""
    return View(frames, scenario, words(language))


def over_nights(nights: pd.Series) -> Estimate:
    """Mean and 95 % interval of a figure with one value a night."""
    mine = pd.DataFrame(
        {"metric": TOGETHER, "replication": nights.index, "value": nights.to_numpy()}
    )
    return Estimate(*map(float, summarise(mine)[["mean", "ci_low", "ci_high"]].to_numpy()[0]))
