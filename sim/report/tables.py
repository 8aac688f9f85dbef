"""The tables a report is made of, and how a figure is looked up in them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from sim.scenario import Scenario


class Frames(Protocol):
    """What a study hands on."""

    @property
    def results(self) -> pd.DataFrame: ...
    @property
    def summary(self) -> pd.DataFrame: ...
    @property
    def timeseries(self) -> pd.DataFrame: ...
    @property
    def invoice(self) -> pd.DataFrame: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Estimate:
    """A mean over nights and the ends of its interval (nan: one night, no interval)."""

    mean: float
    low: float = math.nan
    high: float = math.nan

    @property
    def known(self) -> bool:
        return math.isfinite(self.mean)

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


UNKNOWN = Estimate(math.nan)

Figures = dict[tuple[str, int, str], Estimate]
"""By vendor, offered peak and metric."""


def estimates(frames: Frames) -> Figures:
    """Every figure of the summary by vendor, offered peak and metric."""
    wanted = ["vendor", "peak_viewers", "metric", "mean", "ci_low", "ci_high"]
    return {
        (str(vendor), int(peak), str(metric)): Estimate(float(mean), float(low), float(high))
        for vendor, peak, metric, mean, low, high in frames.summary[wanted].itertuples(
            index=False, name=None
        )
    }


def vendors(frames: Frames, scenario: Scenario) -> dict[str, str]:
    """Vendors of the results and their names, in the order of the scenario."""
    found = [str(v) for v in frames.summary["vendor"].drop_duplicates()]
    known = [v for v in scenario.vendors if v in found]
    ordered = known + sorted(v for v in found if v not in scenario.vendors)
    names = {v: scenario.vendors[v].name if v in scenario.vendors else v for v in ordered}
    said = list(names.values())
    return {v: name if said.count(name) == 1 else f"{name} ({v})" for v, name in names.items()}


def peaks(frames: Frames) -> list[int]:
    """Offered peaks, rising."""
    return sorted(int(p) for p in frames.summary["peak_viewers"].unique())


def night_peak(frames: Frames, scenario: Scenario) -> int:
    """The peak of the night itself among the points of its curve.

    A recorded curve may keep its own peak: then it is found by its place among the study's points.
    """
    points = peaks(frames)
    given = scenario.promotion.peak_viewers
    if given in points:
        return given
    multiples = sorted({1.0, *scenario.study.peaks})
    if len(multiples) == len(points):
        return points[multiples.index(1.0)]
    return points[-1]
