"""How it was run: what another person needs to get the same page."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sim.catalogue.language import NONE
from sim.report.incidents import struck_by
from sim.report.view import View
from sim.scenario.model import Incident

LIBRARIES = ("peakcast", "simpy", "numba", "numpy", "pandas", "scipy", "hydra-core", "pydantic")

HARMLESS = ("output_dir=", "overwrite=", "engine.threads=")
"""Arguments that can't change the answer are left out of the command the page quotes."""

INVARIANTS = 11
"""As many as docs/invariants.md numbers."""


@dataclass(frozen=True)
class HowItWasRun:
    """What the section says."""

    facts: list[tuple[str, str]]
    checked: bool
    """Whether the invariants were recomputed for this run."""
    invariants: list[str]


def content(view: View) -> HowItWasRun:
    """For the template."""
    return HowItWasRun(
        facts=[(view.words(f"how-{key}"), fact) for key, fact in _facts(view) if fact],
        checked=view.scenario.engine.check,
        invariants=[view.words(f"invariant-{k}") for k in range(1, INVARIANTS + 1)],
    )


def _facts(view: View) -> Iterator[tuple[str, str]]:
    scenario, say = view.scenario, view.words
    starts_at = str(scenario.promotion.starts_at)
    yield "promotion", say("how-starts", name=scenario.promotion.name, at=starts_at)
    yield "audience", scenario.audience.name
    yield "network", scenario.network.name
    yield "shop", scenario.commerce.name
    broken = [_incident(view, i) for i in scenario.incidents]
    yield "incidents", say("semicolon").join(broken) or say("how-no-incidents")
    yield "study", scenario.study.kind
    yield "peaks", say("comma").join(say.count(p) for p in view.peaks)
    offered = (view.figure(v, "offered_peak").mean for v in view.names)
    reached = say.count(max((x for x in offered if math.isfinite(x)), default=math.nan))
    yield "reached", "" if reached == NONE else reached
    yield "nights", str(scenario.replications)
    yield "seed", str(scenario.seed)
    yield "simulated", _simulated(view)
    epoch = say.seconds(scenario.engine.epoch_s)
    yield "engine", say("how-engine-is", kind=scenario.engine.kind, epoch=epoch)
    yield "versions", say("comma").join(f"{name} {v}" for name, v in _versions())
    yield "command", command(sys.orig_argv)


def _incident(view: View, incident: Incident) -> str:
    """`outage (Tencent LEB, the vendor's region cn, minute 30, 5.0 min)`."""
    say = view.words
    return say(
        "how-incident",
        name=incident.name,
        vendors=struck_by(view, incident) or 0,
        what=say(f"incident-{incident.what}", where=incident.where),
        minute=say.exact(round(incident.time_s / 60, 1)),
        lasts=say.seconds(incident.duration_s),
        chance=0 if incident.chance is None else say.percent(incident.chance),
    )


def _simulated(view: View) -> str:
    say, scenario = view.words, view.scenario
    sample = scenario.audience.sample
    away = min(sample, scenario.study.curve_sample)
    return say(
        "how-sample",
        sample=0 if sample == 1 else say.exact(sample),
        peak=say.count(view.peak),
        away=say.exact(away) if view.has_curve and away != sample else 0,
    )


def command(argv: list[str]) -> str:
    """The command as one would type it, without what can't change the answer; else nothing."""
    for k, argument in enumerate(argv):
        if (argument == "sim" and argv[k - 1] == "-m") or Path(argument).name == "peakcast":
            asked = [a for a in argv[k + 1 :] if not a.startswith(HARMLESS)]
            return shlex.join(["python", "-m", "sim", *asked])
    return ""


def _versions() -> Iterator[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
