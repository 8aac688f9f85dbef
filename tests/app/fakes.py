"""A study and a report that take no time: what the command does around them is tested here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.scenario import Scenario

if TYPE_CHECKING or __name__ != "__main__":
    from sim.study import Frames
else:  # in a process of its own, what compiles need not be loaded for two seconds
    Frames = SimpleNamespace


@dataclass
class FakeStudy:
    """Counts how often it was asked, and fails where told to."""

    asked: list[Scenario] = field(default_factory=list)
    fail: Callable[[Scenario], None] = lambda _: None
    warnings: list[Any] = field(default_factory=list)

    def run_study(
        self, scenario: Scenario, progress: Callable[[int, int], None], keep: bool = False
    ) -> Frames:
        self.asked.append(scenario)
        progress(0, 1)
        self.fail(scenario)
        progress(1, 1)
        keys = {
            "promotion": scenario.promotion.name,
            "audience": scenario.audience.name,
            "network": scenario.network.name,
            "seed": scenario.seed,
            "vendor": list(scenario.vendors),
            "peak_viewers": scenario.promotion.peak_viewers,
            "replication": 0,
        }
        row = pd.DataFrame({**keys, "metric": "stall_ratio", "unit": "1", "value": 0.1 + 0.2})
        by = row.assign(by="class", of="mobile")
        series = pd.DataFrame({"vendor": row.vendor, "time_s": 0.0, "value": 1.0})
        summary = row.drop(columns="replication").assign(mean=1 / 3, ci_low=0.3, ci_high=0.4, n=3)
        tables = {
            "results.parquet": row, "breakdown.parquet": by, "timeseries.parquet": series,
            "summary.csv": summary, "invoice.csv": row[["vendor", "value"]],
            "asks.csv": pd.DataFrame(),
        }  # fmt: skip
        files = {file.partition(".")[0]: file for file in tables}
        facts = {"warnings": self.warnings}
        return Frames(
            tables={name: tables[files[name]] for name in files}, facts=facts, files=files
        )


def write(frames: Frames, scenario: Scenario, folder: Path) -> None:
    (folder / "charts").mkdir()
    (folder / "charts" / "night.svg").write_text("<svg/>")
    (folder / "report.html").write_text("<html></html>")
    (folder / "report.txt").write_text("Agora costs you least\n")


def plot(frames: Frames, scenario: Scenario) -> str:
    return f"{len(frames.results)} rows of {scenario.promotion.name}"


def rooms(study: FakeStudy) -> dict[str, ModuleType]:
    """The two modules the command calls, to be put in `sys.modules`."""
    made = {name: ModuleType(name) for name in ("sim.study", "sim.report")}
    vars(made["sim.study"]).update(Frames=Frames, run_study=study.run_study)
    vars(made["sim.report"]).update(write=write, plot=plot)
    return made


if __name__ == "__main__":  # the whole command over these fakes, in a process of its own
    from sim.app import run

    sys.modules.update(rooms(FakeStudy()))
    engine = {name: ModuleType(name) for name in ("sim.engine", "sim.engine.precompile")}
    vars(engine["sim.engine.precompile"]).update(compiling_beside=nullcontext)
    sys.modules.update(engine)
    run()
