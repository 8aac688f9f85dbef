"""What one can ask for is listed, fast."""

import subprocess
import sys

import pytest

from sim.scenario.compose import CONF

LISTED = ["vendors", "promotion", "audience", "network", "study", "experiment"]


def test_help_loads_nothing_heavy():
    """It answers before Hydra or a compiler is imported: below 1 s."""
    heavy = "{'hydra', 'numba', 'numpy', 'pandas', 'matplotlib', 'scipy', 'simpy'}"
    code = (
        "import sys; from sim.app import command; command(['--help']); "
        f"sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_import_sim_is_cheap():
    code = "import sim, sys; sys.exit(any(m.startswith('sim.') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("group", LISTED)
def test_help_lists_every_file_with_its_first_comment_line(peakcast, group, option):
    code, out, err = peakcast(option)
    assert (code, err) == (0, [])
    listed = out[out.index(f"{group}:") + 1 :]
    for file in sorted((CONF / group).glob("*.yaml")):
        comments = [x[2:] for x in file.read_text(encoding="utf-8").splitlines() if x[:2] == "# "]
        about = next(x for x in comments if not x.startswith("@package"))
        assert f"  {file.stem:<16} {about}" in listed


def test_help_wins_over_whatever_else_is_there(peakcast):
    assert peakcast("sed=7", "--help")[0] == 0


def test_version(peakcast):
    code, out, _ = peakcast("--version")
    assert code == 0
    assert out[0].startswith("peakcast ")


def test_lists_are_quoted_in_every_example(peakcast):
    _, out, _ = peakcast("--help")
    assert all("'" in line for line in out if "=[" in line)
