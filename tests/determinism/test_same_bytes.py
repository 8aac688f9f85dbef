"""One scenario, one set of bytes: whatever computes it, in whatever order, however often stopped.

Every run here really runs: each has an output folder of its own.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sim.app import carry_out, command
from sim.scenario.compose import load_scenario

ROOT = Path(__file__).parents[2]
FILES = ("results.parquet", "breakdown.parquet", "timeseries.parquet", "summary.csv")
SMALL = (
    "vendors=[budget,hybrid]", "promotion.peak_viewers=200", "promotion.duration_s=300",
    "vendors.budget.limits.egress_mbps=250", "vendors.hybrid.limits.sessions=5",
    "replications=2", "study.peaks=[0.5]", "study.ranges=none", "bands.draws=2",
    "report.enabled=false",
)  # fmt: skip
"""Both vendors short: UDP loss that feeds itself, and a door that sends on to the other path."""
SWEPT = "promotion.peak_viewers=100,200"
OTHERS = ("3.11", "3.12", "3.13")


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def ran(folder: Path, *arguments: str, python: str = sys.executable, **env: str) -> Path:
    """The folder that a process of its own leaves behind."""
    done = subprocess.run(
        [python, "-m", "sim", *SMALL, *arguments, f"output_dir={folder}"],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "reused" not in done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in this process, on one thread."""
    scenario = load_scenario(*SMALL, "engine.threads=1")
    return carry_out(scenario, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def expected(here: Path) -> dict[str, bytes]:
    return tables(here)


def test_both_vendors_are_short(here):
    table = pd.read_parquet(here / "results.parquet")
    for vendor, limit in (("budget", "egress_vendor"), ("hybrid", "sessions")):
        bound = (table["vendor"] == vendor) & (table["metric"] == f"binding_limit_s.{limit}")
        assert (table["value"][bound & (table["peak_viewers"] == 200)] > 0).any(), vendor


def test_a_folder_that_is_overwritten(here, expected, tmp_path):
    folder = Path(shutil.copytree(here, tmp_path / here.name))
    for name in FILES:
        (folder / name).write_bytes(b"old")
    scenario = load_scenario(*SMALL, "overwrite=true")
    assert carry_out(scenario, tmp_path) == folder
    assert tables(folder) == expected


@pytest.mark.slow
def test_each_number_at_its_low_and_high(tmp_path):
    """`study.ranges`: four times as many nights."""
    one, two = (
        carry_out(load_scenario(*SMALL, "study.ranges=peak", f"engine.threads={n}"), tmp_path / n)
        for n in "12"
    )
    assert tables(one) == tables(two)
    assert (one / "ranges.csv").read_bytes() == (two / "ranges.csv").read_bytes()


# --- sweeps ---------------------------------------------------------------------------------------


def swept(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Path:
    """The folder of a sweep in this process."""
    handlers = logging.root.handlers[:]
    capsys.readouterr()
    assert command(["-m", *SMALL, *arguments, f"output_dir={folder}"]) == 0
    logging.root.handlers[:] = handlers
    return Path(capsys.readouterr().out.splitlines()[-1])


def points(sweep: Path) -> dict[str, dict[str, bytes]]:
    return {run.name: tables(run) for run in sweep.glob("run-*")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """A sweep that nothing disturbed, by a process of its own: two threads, another order of
    sets."""
    folder = tmp_path_factory.mktemp("sweep")
    return ran(folder, "-m", SWEPT, "engine.threads=2", PYTHONHASHSEED="77")


def test_another_process_two_threads_and_a_point_of_a_sweep(whole, here, expected):
    """What it is to the run of its own, in this process and on one thread."""
    assert len(points(whole)) == 2
    assert points(whole)[here.name] == expected


def test_a_sweep_in_another_order_killed_and_taken_up(whole, expected, tmp_path, capsys):
    """Killed while it wrote its second point, which this process makes, after a larger night."""
    killed = (
        "import os, sys, sim.folder as f, sim.app as a\n"
        "write, told = f.write_config, []\n"
        "def once(*x):\n"
        "    told.append(x)\n"
        "    write(*x) if len(told) < 2 else os.kill(os.getpid(), 9)\n"
        "f.write_config = once\n"
        "sys.exit(a.command(sys.argv[1:]))\n"
    )
    other = "promotion.peak_viewers=200,100"
    arguments = ["-m", *SMALL, other, f"output_dir={tmp_path}"]
    done = subprocess.run([sys.executable, "-c", killed, *arguments], capture_output=True, cwd=ROOT)
    assert done.returncode == -9
    (first,) = tmp_path.glob("sweep-*/run-*")
    assert tables(first) == expected
    sweep = swept(tmp_path, capsys, other)
    assert points(sweep) == points(whole)
    assert tables(sweep) == tables(whole)


def test_points_in_processes_of_their_own(whole, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    folder = ran(tmp_path, "-m", SWEPT, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert points(folder) == points(whole)
    assert tables(folder) == tables(whole)


# --- other interpreters ---------------------------------------------------------------------------


def interpreter(version: str) -> str:
    """One of this version that has the packages: of PEAKCAST_PYTHONS (paths, split as PATH is) or
    on the path."""
    named = [p for p in os.environ.get("PEAKCAST_PYTHONS", "").split(os.pathsep) if p]
    code = "import sys, hydra, numba, pandas, pyarrow, scipy, simpy; print(*sys.version_info[:2])"
    for python in filter(None, [sys.executable, *named, shutil.which(f"python{version}")]):
        told = subprocess.run([python, "-c", code], capture_output=True, text=True)
        if told.stdout.split() == version.split("."):
            return python
    pytest.skip(f"no Python {version} with the packages here; PEAKCAST_PYTHONS names one")


@pytest.mark.slow
@pytest.mark.parametrize("version", OTHERS)
def test_another_python(version, expected, tmp_path):
    folder = ran(tmp_path, python=interpreter(version))
    assert tables(folder) == expected
