"""The cases a property test draws: the same everywhere, or new ones with a seed of one's own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.properties import kept

ANY = st.lists(st.integers() | st.floats(allow_nan=False) | st.text(), max_size=5)


def drawn(with_seed: int = 0) -> list[Any]:
    cases: list[Any] = []

    @seed(with_seed)
    @settings(max_examples=300)
    @given(ANY)
    def draw(case: list[Any]) -> None:
        cases.append(case)

    draw()
    return cases


def test_modules_that_are_loaded_change_no_case(tmp_path: Path) -> None:
    """By itself hypothesis would draw their constants, one in twenty."""
    before = drawn()
    file = tmp_path / "ours.py"
    file.write_text("A = ['seldom', 123456789, 0.0271828]\n")
    made = importlib.util.spec_from_file_location("ours_for_once", file)
    assert made is not None and made.loader is not None
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    sys.modules["ours_for_once"] = module
    try:
        assert drawn() == before
    finally:
        del sys.modules["ours_for_once"]
    assert drawn(1) != before


def test_the_seed_of_a_test_is_its_name_and_that_of_the_run(
    request: pytest.FixtureRequest, cases_seed: int
) -> None:
    from tests.conftest import seed_of

    here = request.node.nodeid
    assert seed_of(here, cases_seed) == seed_of(here, cases_seed) != seed_of(here, cases_seed + 1)
    assert seed_of(here, 0) != seed_of("another", 0)


def test_a_kept_case_is_tried_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    (tmp_path / "draw-1.json").write_text('[{"a": "路"}, "words"]\n', "utf-8")
    (tmp_path / "other-1.json").write_text("{}\n")
    cases: list[Any] = []

    @kept.found_before
    @settings(max_examples=3)
    @given(st.just("drawn"))
    def draw(case: Any) -> None:
        cases.append(case)

    draw()
    assert cases == [[{"a": "路"}, "words"], "drawn"]


def test_every_kept_file_belongs_to_a_test() -> None:
    from tests.properties import test_any_mistake, test_any_night

    names = {*vars(test_any_mistake), *vars(test_any_night)}
    files = sorted(kept.FOLDER.glob("*.json"))
    assert files
    assert {file.stem.rpartition("-")[0] for file in files} <= names


def test_a_failure_says_how_to_keep_its_case() -> None:
    @seed(0)
    @settings(max_examples=5)
    @given(st.integers(0, 3))
    def draw(case: int) -> None:
        kept.how_to_keep(draw, {"case": case})
        assert case < 0

    with pytest.raises(AssertionError) as failed:
        draw()
    said = "\n".join(getattr(failed.value, "__notes__", []))
    assert "tests/properties/kept/draw-" in said
    assert '{"case": 0}' in said
