"""What a kind of study is: which points it runs next, which tables and page come of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from sim.scenario.model import Scenario


@dataclass(frozen=True)
class Point:
    """Nights at one peak: all replications of every vendor."""

    peak: int
    """Offered, in viewers."""
    times: float
    """Of the scripted peak."""
    sample: float
    """Share of the viewers that are simulated."""
    scripted: bool = False
    """The scripted peak with all its viewers: with the ladder, incidents that may strike, draws."""


@dataclass(frozen=True)
class Gathered:
    """What the nights of a study brought so far; nothing at first."""

    scenario: Scenario
    scripted_peak: int
    points: tuple[Point, ...] = ()
    """That were run."""
    parts: tuple[Mapping[str, pd.DataFrame], ...] = ()
    """Of each night of a vendor the tables of `sim.study.night_tables`."""
    _made: dict[Build, pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    def rows(self, name: str) -> pd.DataFrame:
        """A table of all nights one after another, in the order they were asked for.

        `results`: vendor, peak_viewers, replication, metric, unit, value, ...; empty and without
        columns where no night has it.
        """
        found = [part[name] for part in self.parts if name in part]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    def made(self, build: Build) -> pd.DataFrame:
        """What `build` makes of it: once, however many tables are made of that in turn."""
        if build not in self._made:
            self._made[build] = build(self)
        return self._made[build]

    @property
    def scripted(self) -> Point:
        """The scripted peak."""
        peak = max(1, self.scripted_peak)
        return Point(peak, 1.0, self.scenario.audience.sample, scripted=True)

    def at(self, times: float) -> Point:
        """So many times the scripted peak, with the sample of the curve."""
        sample = min(self.scenario.audience.sample, self.scenario.study.curve_sample)
        return Point(max(1, round(self.scripted_peak * times)), times, sample)


Build = Callable[[Gathered], pd.DataFrame]


@dataclass(frozen=True)
class Table:
    """One table of an answer."""

    name: str
    """As `Frames` has it."""
    definition: str
    """One sentence: docs/tables.md."""
    build: Build
    file: str = ""
    """On disk: a Parquet file always, a CSV file unless the table is empty; "": none."""


@dataclass(frozen=True)
class Kind:
    """A question: what it runs, and what it tells."""

    next_points: Callable[[Gathered], list[Point]]
    """Given what is known so far; the study ends when it asks for no peak that is new."""
    tables: tuple[Table, ...]
    sections: tuple[str, ...]
    """Of the page, in its order; `sim.report` has them by these names."""

    def new_points(self, so_far: Gathered) -> list[Point]:
        """Those whose peak was not run: the same one twice would pass for two."""
        run = {point.peak for point in so_far.points}
        new: dict[int, Point] = {}
        for point in self.next_points(so_far):
            if point.peak not in run:
                new.setdefault(point.peak, point)
        return list(new.values())
