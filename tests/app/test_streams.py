"""Where the answer goes: streams that are full, closed, or know no Chinese."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NIGHT = ("vendors=[budget]", "report.enabled=false")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("streams")


def sim(place, redirected, *argv, **env):
    """The whole command over fakes in a shell: what it said on both streams and its exit code."""
    given = " ".join(f"'{a}'" for a in argv)
    return subprocess.run(
        ["bash", "-c", f"exec '{sys.executable}' -m tests.app.fakes {given} {redirected}"],
        capture_output=True, cwd=place, env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip


def test_a_reader_who_has_seen_enough_is_no_error():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "tests.app.fakes", "--help"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, cwd=ROOT)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("redirected", [">/dev/full", ">&-"])
def test_an_answer_nobody_can_be_told_ends_with_1(place, redirected):
    done = sim(place, redirected, "--version")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"peakcast: standard output can't be written: ")
    assert done.stderr.count(b"\n") == 1


def test_its_run_is_finished_all_the_same_and_named(place):
    done = sim(place, ">/dev/full", *NIGHT, "output_dir=full")
    (folder,) = (place / "full").glob("run-*")
    assert (folder / "manifest.json").is_file()
    assert done.returncode == 1
    assert done.stderr.decode().endswith(f"; full/{folder.name} is finished\n")
    assert done.stderr.count(b"\n") == 1
    assert sim(place, "2>/dev/full", *NIGHT, "output_dir=full").returncode == 0


def test_what_belongs_to_a_closed_stderr_goes_nowhere_else(place):
    done = sim(place, "2>&-", "vendors=[budget]", "sed=7")
    assert (done.returncode, done.stdout) == (2, b"")
    again = [sim(place, "2>&-", *NIGHT, "output_dir=closed") for _ in range(2)]
    assert [d.returncode for d in again] == [0, 0]
    assert again[0].stdout == again[1].stdout
    assert again[0].stdout.count(b"\n") == 1


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_characters_a_terminal_cannot_show_are_escaped(place, env):
    """The folder, the vendor and what is refused; what is written stays as it is."""
    refused = sim(place, "", "promotion.name=双11😀", "vendors=[便宜]", **env)
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert "vendors is '便宜'" in refused.stderr.decode().encode().decode("unicode_escape")
    done = sim(place, "", *NIGHT, "vendors.budget.name=便宜😀", f"output_dir=o{len(env)}", **env)
    assert done.returncode == 0, done.stderr
    (folder,) = (place / f"o{len(env)}").glob("run-*")
    assert "便宜😀" in (folder / "config.yaml").read_text("utf-8")
    assert "便宜😀" in (folder / "manifest.json").read_text("utf-8")
