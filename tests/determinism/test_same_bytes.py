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

import pytest

from sim.app import carry_out, command
from sim.scenario.compose import load_scenario

ROOT = Path(__file__).parents[2]
FILES = ("results.parquet", "breakdown.parquet", "timeseries.parquet", "summary.csv")
SMALL = (
    "vendors=[budget,hybrid]", "promotion.peak_viewers=200", "promotion.duration_s=600",
    "vendors.budget.limits.egress_mbps=250", "vendors.hybrid.limits.sessions=5",
    "replications=2", "study.peaks=[0.5]", "bands.draws=2", "report.enabled=false",
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
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes from this process, on one thread."""
    scenario = load_scenario(*SMALL, "engine.threads=1")
    return tables(carry_out(scenario, tmp_path_factory.mktemp("here")))


def test_another_process_two_threads_and_another_order_of_sets(expected, tmp_path):
    assert tables(ran(tmp_path, "engine.threads=2", PYTHONHASHSEED="77")) == expected


def test_a_folder_that_is_overwritten(expected, tmp_path):
    scenario = load_scenario(*SMALL)
    folder = carry_out(scenario, tmp_path)
    for name in FILES:
        (folder / name).write_bytes(b"old")
    assert tables(carry_out(scenario.model_copy(update={"overwrite": True}), tmp_path)) == expected


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
    """A sweep that nothing disturbed, by a process of its own."""
    return ran(tmp_path_factory.mktemp("sweep"), "-m", SWEPT)


def test_a_sweep_in_another_order(whole, tmp_path, capsys):
    other = swept(tmp_path, capsys, "promotion.peak_viewers=200,100")
    assert len(points(whole)) == 2
    assert points(other) == points(whole)
    assert tables(other) == tables(whole)


def test_a_point_of_a_sweep_is_the_run_of_its_own(whole, expected):
    assert expected in points(whole).values()


def test_a_sweep_that_was_killed_while_it_wrote_and_taken_up_again(whole, tmp_path, capsys):
    killed = (
        "import os, sys, sim.folder as f, sim.app as a\n"
        "write, told = f.write_config, []\n"
        "def once(*x):\n"
        "    told.append(x)\n"
        "    write(*x) if len(told) < 2 else os.kill(os.getpid(), 9)\n"
        "f.write_config = once\n"
        "sys.exit(a.command(sys.argv[1:]))\n"
    )
    arguments = ["-m", *SMALL, SWEPT, f"output_dir={tmp_path}"]
    done = subprocess.run([sys.executable, "-c", killed, *arguments], capture_output=True, cwd=ROOT)
    assert done.returncode == -9
    assert len(list(tmp_path.glob("sweep-*/run-*"))) == 1
    assert points(swept(tmp_path, capsys, SWEPT)) == points(whole)
    assert tables(next(tmp_path.glob("sweep-*"))) == tables(whole)


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
