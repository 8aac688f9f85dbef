"""Peakcast in Python: notebooks and scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sim.scenario import Scenario
from sim.scenario.compose import load_scenario
from sim.study import Frames, run_study


@dataclass(frozen=True, kw_only=True)
class Night(Frames):
    """The frames of an answer, and its charts."""

    scenario: Scenario

    def plot(self) -> Any:
        """The charts of the report."""
        from sim.report import plot

        return plot(self, self.scenario)


def simulate(*scenario: Scenario | str, config_dir: str | Path | None = None) -> Night:
    """Every vendor and replication of a scenario, or of the overrides that make one."""
    match scenario:
        case (Scenario() as given,):
            chosen = given
        case _:
            chosen = load_scenario(*cast(tuple[str, ...], scenario), config_dir=config_dir)
    frames = run_study(chosen, lambda *_: None, keep=True)
    return Night(frames.tables, frames.facts, frames.files, scenario=chosen)
