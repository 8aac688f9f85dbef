"""For all tests: which cases the property tests draw.

The default run draws the same cases on every machine: a test's cases come from `--seed` (0 where
nothing is said) and its own name, from nothing else. `pytest -m search` runs the property tests
with a new seed, and what else is marked so.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, seed, settings
from hypothesis.internal.conjecture import providers

# Nothing a slow machine does may fail a test: the first example may compile what it calls.
settings.register_profile(
    "peakcast",
    settings.get_profile("default"),  # another one is the parent where CI is set
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("peakcast")

# Hypothesis mixes the constants of every module of the project that happens to be loaded into what
# it draws (if the checkout doesn't lie under a folder named test): no module is one of ours for it.
pytest.MonkeyPatch().setattr(providers, "is_local_module_file", lambda _: False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seed", type=int, help="of what property tests draw: 0, or a new one with -m search"
    )


def _searches(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "search")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.seed is None:  # xdist hands the options on to its processes
        config.option.seed = secrets.randbelow(2**32) if _searches(config) else 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items if _searches(config) else ():
        if is_hypothesis_test(getattr(item, "obj", None)) and not item.get_closest_marker("slow"):
            item.add_marker("search")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    test: Any = getattr(item, "obj", None)
    if is_hypothesis_test(test):
        seed(seed_of(item.nodeid, item.config.option.seed))(test)


def seed_of(name: str, of_the_run: int) -> int:
    """Of one test's cases: neither its source nor the order of tests has a part in it."""
    return int.from_bytes(sha256(f"{of_the_run} {name}".encode()).digest()[:8], "big")


@pytest.fixture
def cases_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run's cases."""
    chosen: int = request.config.option.seed
    return chosen


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if _searches(config):
        again = f"python -m pytest -m search --seed {config.option.seed}"
        terminalreporter.section(f"searched with seed {config.option.seed}")
        terminalreporter.line(f"the same cases again: {again}")
        if terminalreporter.stats.get("failed"):
            terminalreporter.line(
                "keep each case that failed: as @example(...) above its test, with the arguments "
                "of 'Falsifying example'; where the failure prints a file, as that file"
            )
