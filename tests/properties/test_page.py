"""docs/invariants.md names tests that exist, and the numbers the engine's own check uses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "invariants.md").read_text("utf-8")
CHECKS = "sim/engine/invariants.py"


def invariants() -> dict[int, str]:
    """Number -> its paragraph."""
    return {int(n): text for n, text in re.findall(r"^\*\*(\d+)\. (.*?)\n\n", PAGE, re.M | re.S)}


def named_tests(text: str) -> list[tuple[str, str]]:
    return re.findall(r"(tests/[\w/]+\.py)::(\w+)", text)


def test_the_eleven_invariants_are_numbered_and_each_has_a_test() -> None:
    assert list(invariants()) == list(range(1, 12))
    for number, text in invariants().items():
        assert named_tests(text), number


def test_every_test_the_page_names_exists() -> None:
    for path, name in named_tests(PAGE):
        assert f"\ndef {name}(" in (ROOT / path).read_text("utf-8"), (path, name)


def test_the_engine_checks_what_the_page_says_it_checks() -> None:
    tree = ast.parse((ROOT / CHECKS).read_text("utf-8"))
    checked = {
        call.args[1].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "_must"
        if isinstance(call.args[1], ast.Constant)
    }
    assert checked == {n for n, text in invariants().items() if CHECKS in text}
