"""All randomness is keyed: no source of `sim` so much as names another generator."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SIM = Path(__file__).resolve().parents[2] / "sim"
SOURCES = sorted(SIM.rglob("*.py"))

MODULES = {"random", "secrets", "uuid", "numpy.random", "jax", "torch"}
NAMES = {"default_rng", "RandomState", "SeedSequence", "urandom", "getrandbits", "rvs", "set_seed"}


def generators(source: str) -> list[str]:
    """Every place where a source reaches for a generator: `line: what`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{a.name}" for a in node.names] + [node.module or ""]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node).replace("np.", "numpy.", 1)]
        elif isinstance(node, ast.Name):
            names = [node.id]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # DataFrame.sample and ndarray shuffles draw from numpy's global generator.
            names = ["rvs"] if node.func.attr in ("sample", "shuffle") else []
        for name in names:
            whole = any(name == m or name.startswith(f"{m}.") for m in MODULES)
            if whole or name.rpartition(".")[2] in NAMES:
                found.append(f"{getattr(node, 'lineno', 0)}: {name}")
    return found


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(SIM)))
def test_no_module_touches_a_generator(file):
    assert generators(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "import numpy.random as r",
        "from numpy import random",
        "from numpy.random import default_rng",
        "from random import random",
        "import numpy as np\nx = np.random.random()",
        "import numpy\nx = numpy.random.seed(1)",
        "x = default_rng(1)",
        "x = stats.norm.rvs(size=3)",
        "x = frame.sample(3)",
        "x = os.urandom(4)",
    ],
)
def test_the_test_above_would_find(source):
    assert generators(source)


def test_the_test_above_lets_pass_what_is_keyed():
    assert generators("from sim.draws import pairs\ns = scenario.audience.sample * np.exp(1)") == []


def test_there_are_sources_to_look_at():
    assert {"draws.py", "demand", "engine"} <= {f.relative_to(SIM).parts[0] for f in SOURCES}
