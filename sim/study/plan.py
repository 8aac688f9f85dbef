"""What is to be computed: every night of a study, for which vendor and with whose numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from threading import Lock
from typing import Any

from sim.catalogue.message import Message, Number
from sim.demand import (
    Audience,
    Recorded,
    draw_audience,
    expected_demand,
    left_out,
    not_followed,
    traits,
)
from sim.engine import perfect, run
from sim.record import Run
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario
from sim.study.kind import Point
from sim.study.variants import (
    Stratum,
    Variant,
    all_drawn,
    ends,
    one_changed,
    other_strata,
    with_incidents,
)

FEWEST = 2_000
"""Viewers of a night with drawn numbers at least, where there are so many."""


@dataclass(eq=False)
class NightSpec:
    """One point, sample and replication: its viewers are drawn once, for every job."""

    scenario: Scenario
    replication: int
    scripted: bool = False
    """At the scripted peak with all its viewers."""
    ladder: bool = False
    left: int = 0
    """Jobs still to come; the last one lets go of the viewers."""
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
        """A job is done; after the last one the viewers and their worlds leave memory."""
        with self.lock:
            self.left -= 1
            if self.left == 0:
                self.drawn = None
                self.base = {}


@dataclass(frozen=True)
class Job:
    """One vendor's night: as configured, for the tables; or a small one that shows what its
    numbers do, beside `base`, the same small night with every number at its value."""

    night: NightSpec
    vendor: str
    variant: Variant = Variant.CONFIGURED
    variant_key: str | Stratum = ""
    """Which draw, the key of the number at its low or high end, or the stratum."""

    def scenario(self) -> Scenario | None:
        """What to run; None: one number's end contradicts the others' values."""
        here = self.night.scenario
        match self.variant, self.variant_key:
            case Variant.STRATUM, Stratum() as stratum:
                return with_incidents(here, self.vendor, stratum)
            case Variant.DRAWN, str(draw):
                return all_drawn(here, self.vendor, int(draw))
            case (Variant.LOW | Variant.HIGH) as end, str(key):
                return one_changed(here, self.vendor, key, end)
            case ((Variant.CONFIGURED | Variant.BASE), _):
                return here
        raise TypeError(f"no {self.variant} has the key {self.variant_key!r}")


def jobs(scenario: Scenario, points: Sequence[Point]) -> list[Job]:
    """Everything to compute for these points: first the nights as configured, in the points' order,
    then the small ones.

    Draw k of the numbers is a night of replication k mod `replications`.
    """
    study, bands, whole = scenario.study, scenario.bands, scenario.audience.sample
    nights, out = range(scenario.replications), []
    for point in points:
        here = _at(scenario, point, point.sample)
        for replication in nights:
            night = NightSpec(here, replication, point.scripted, study.ladder and point.scripted)
            out += [Job(night, name) for name in scenario.vendors]
            if point.scripted:
                out += [
                    Job(night, name, Variant.STRATUM, stratum)
                    for name in scenario.vendors
                    for stratum in other_strata(scenario, name)
                ]
    for point in points:
        draws = range(bands.draws if point.scripted else 0)
        # As many viewers as at the peak: fewer orders would hide what a number does to sales.
        least = FEWEST / point.peak  # of a few hundred, one basket would pass for its effect
        here = _at(scenario, point, min(whole, max(bands.sample / point.times, least)))
        for replication in nights:
            night = NightSpec(here, replication)
            for name, vendor in scenario.vendors.items():
                side_runs = [
                    Job(night, name, Variant.DRAWN, str(k))
                    for k in draws[replication :: len(nights)]
                ]
                first = point.scripted and replication == 0
                lower = study.ranges == "all" and point.times <= 1
                asked = first if study.ranges == "peak" else lower
                if asked and name != study.reference_vendor:
                    side_runs += [Job(night, name, Variant(at), key) for key, at, _ in ends(vendor)]
                if side_runs:
                    out += [Job(night, name, Variant.BASE), *side_runs]
    for job in out:
        job.night.left += 1
    return out


def side_by_side(jobs: list[Job], width: int) -> list[int]:
    """Indices of jobs in an order in which `width` nights take turns.

    So many threads begin with a night each, and none waits while another draws its viewers.
    """
    nights: dict[NightSpec, list[int]] = {}
    for k, job in enumerate(jobs):
        nights.setdefault(job.night, []).append(k)
    each = list(nights.values())
    groups = (each[at : at + width] for at in range(0, len(each), width))
    turns = (turn for group in groups for turn in zip_longest(*group))
    return [k for turn in turns for k in turn if k is not None]


def refuse_misfit(scenario: Scenario) -> None:
    """ScenarioError where a recording is too small or short for what is asked of it, or its
    viewers are of places and classes that the scenario doesn't have."""
    if scenario.audience.file is not None:
        list(traits(scenario))  # names that the scenario doesn't have
    if scenario.promotion.file is not None or scenario.audience.file is not None:
        demand = expected_demand(scenario.promotion, scenario.audience)
        if misfit := scenario.misfit(demand.peak_viewers, demand.duration_s):
            raise ScenarioError(misfit)


def warnings(scenario: Scenario, points: Sequence[Point] = ()) -> list[list[Message]]:
    """What the night can't do as its script says, a paragraph each.

    `points`: those the study begins with.
    """
    duration_s = expected_demand(scenario.promotion, scenario.audience).duration_s
    late = ([message] for message in scenario.left_out(duration_s))
    misfit = not_followed(scenario.promotion, scenario.audience)
    return [*late, *([misfit] if misfit else []), *_of_rows(scenario, points)]


def _of_rows(scenario: Scenario, points: Sequence[Point]) -> Iterator[list[Message]]:
    """What isn't as the file of viewers, or as the script, says."""
    demand, script = expected_demand(scenario.promotion, scenario.audience), scenario.promotion
    if not isinstance(demand, Recorded):
        return
    if lines := left_out(scenario.audience, demand.duration_s):
        ends = Number(demand.duration_s, "exact")
        yield [Message("warning-rows-late", {"rows": len(lines), "line": lines[0], "ends": ends})]
    if script.mass_exit or any(drop.extra_arrivals for drop in script.drops):
        yield [Message("warning-rows-stay", {})]
    own, peaks = demand.own_peak, [point.peak for point in points]
    told = [Message("warning-rows-own", {"own": Number(own, "count")})]
    if (peak := min(peaks, default=own)) < own:
        part = {"peak": Number(peak, "count"), "share": Number(peak / own, "percent")}
        told.append(Message("warning-rows-part", part))
    if (peak := max(peaks, default=own)) > own:
        each, step = Number(peak / own, "number"), Number(script.grid_s, "exact")
        more = {"peak": Number(peak, "count"), "each": each, "step": step}
        told.append(Message("warning-rows-again", more))
    if len(told) > 1:
        yield told


def scripted_peak(scenario: Scenario) -> int:
    """`promotion.peak_viewers`, or what a recording says of itself."""
    given = scenario.promotion.peak_viewers
    if given is not None:
        return given
    return round(expected_demand(scenario.promotion, scenario.audience).peak_viewers)


def _at(scenario: Scenario, point: Point, sample: float) -> Scenario:
    """The scenario at another peak, with a sample of its viewers."""
    promotion = scenario.promotion
    update: dict[str, Any] = {"peak_viewers": point.peak}
    if promotion.expected_gmv_cny is not None:
        # Money per viewer is the script's at every point of the curve.
        update["expected_gmv_cny"] = promotion.expected_gmv_cny * point.times
    return scenario.model_copy(
        update={
            "promotion": promotion.model_copy(update=update),
            "audience": scenario.audience.model_copy(update={"sample": sample}),
        }
    )
