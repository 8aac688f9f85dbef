"""The first compilation on two cores: numba compiles one function at a time in a process.

The crowd is followed first; what it needs next is compiled by a second process meanwhile, and found
in the cache. Nothing depends on it: a run that comes too early compiles for itself.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numba.core import config

from sim.demand import draw_audience
from sim.engine.build.state import initial_state
from sim.engine.sharing import first_turn, solve
from sim.scenario.compose import load_scenario


@contextmanager
def compiling_beside() -> Iterator[None]:
    """That process, where nothing is compiled yet; it ends with the block at the latest."""
    folder = config.CACHE_DIR  # type: ignore[attr-defined]
    if not folder or any(Path(folder).rglob("*solve*.nbi")):
        yield
        return
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "sim.engine.precompile"]
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as beside:
        try:
            yield
        finally:
            beside.terminate()


def main() -> None:
    """Compile what a crowd needs after it was followed for the first time."""
    scenario = load_scenario("vendors=[budget]", "promotion.peak_viewers=1")
    audience, vendor = draw_audience(scenario, 0), scenario.vendors["budget"]
    night = initial_state(scenario, vendor, 0, audience, "limits", "budget")
    solve(night, 0.0, 1.0, True, True)
    first_turn(night, np.zeros(0, np.int64), True)


if __name__ == "__main__":
    main()
