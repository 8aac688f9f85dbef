"""The tables a report is made of, and how a figure is looked up in them.

A study that did not ask for a table leaves it empty, or has none: `table` answers both alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, Protocol

import pandas as pd

from sim.scenario import Scenario


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
        """What was run: the study, its points and nights, and what the script could not get."""


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

Figures = dict[tuple[str, int, str], Estimate]
"""By vendor, offered peak and metric."""


def table(frames: Frames, name: str, **where: Any) -> pd.DataFrame:
    """The rows of a table that say so; empty where the study made no such table."""
    rows = getattr(frames, name, None)
    if not isinstance(rows, pd.DataFrame) or rows.empty:
        return pd.DataFrame()
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    return rows


def estimates(frames: Frames) -> Figures:
    """Every figure of the summary by vendor, offered peak and metric."""
    wanted = ["mean", "ci_low", "ci_high", "input_low", "input_high"]
    found = frames.summary.reindex(columns=["vendor", "peak_viewers", "metric", *wanted])
    return {
        (str(vendor), int(peak), str(metric)): Estimate(*map(float, numbers))
        for vendor, peak, metric, *numbers in found.itertuples(index=False, name=None)
    }


Risks = dict[tuple[str, str, str], Estimate]
"""By vendor, metric and statistic."""


def risks(frames: Frames) -> Risks:
    """What is at risk, and what a fee saved costs; empty where the study did not say."""
    found = table(frames, "risk")
    if found.empty:
        return {}
    wanted = ["value", "ci_low", "ci_high", "input_low", "input_high"]
    return {
        (str(vendor), str(metric), str(statistic)): Estimate(*map(float, numbers))
        for vendor, metric, statistic, *numbers in found[
            ["vendor", "metric", "statistic", *wanted]
        ].itertuples(index=False, name=None)
    }


def lost_share(figures: Figures, vendor: str, peak: int) -> Estimate:
    """Sales lost, as a share of a perfect night's; from amounts alone it has no bands."""
    given = figures.get((vendor, peak, "lost_gmv_ratio"), UNKNOWN)
    if given.known:
        return given
    lost, sold = (figures.get((vendor, peak, f"{m}gmv_cny"), UNKNOWN) for m in ("lost_", ""))
    perfect = lost.mean + sold.mean
    return Estimate(lost.mean / perfect) if perfect > 0 else UNKNOWN


def lost_by_limit(frames: Frames, vendor: str, peak: int) -> dict[str, float]:
    """CNY lost by what held the order back, on the mean of the nights and over all rungs, the
    dearest first; with what no limit held, they add up to all that is lost. Empty without a
    ladder."""
    rows = table(
        frames, "breakdown", vendor=vendor, peak_viewers=peak, by="limit", metric="lost_gmv_cny"
    )
    if rows.empty:
        return {}
    lost = rows.groupby("of")["value"].sum() / rows["replication"].nunique()
    ranked = sorted(lost[lost != 0].items(), key=lambda pair: (-pair[1], str(pair[0])))
    return {str(limit): float(cny) for limit, cny in ranked}


def vendors(frames: Frames, scenario: Scenario) -> dict[str, str]:
    """Vendors of the results and their names, in the order of the scenario."""
    found = [str(v) for v in frames.summary["vendor"].drop_duplicates()]
    known = [v for v in scenario.vendors if v in found]
    ordered = known + sorted(v for v in found if v not in scenario.vendors)
    names = {v: scenario.vendors[v].name if v in scenario.vendors else v for v in ordered}
    said = list(names.values())
    return {v: name if said.count(name) == 1 else f"{name} ({v})" for v, name in names.items()}


def unbilled(vendor: str, scenario: Scenario) -> str:
    """What the vendor's bill leaves out: `operations`; empty where nothing is known missing."""
    profile = scenario.vendors.get(vendor)
    return profile.not_billed if profile is not None else ""


def peaks(frames: Frames) -> list[int]:
    """Offered peaks, rising."""
    return sorted(int(p) for p in frames.summary["peak_viewers"].unique())


def night_peak(frames: Frames) -> int:
    """The peak of the night itself, among the points of its curve."""
    return int(frames.facts["peak_viewers"])
