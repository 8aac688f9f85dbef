"""Whatever is wrong with a scenario, it is refused in one sentence that names the key."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from omegaconf import OmegaConf

from sim.app import command
from sim.scenario import ScenarioError
from sim.scenario.compose import validated
from tests.properties.files import write
from tests.properties.kept import found_before, how_to_keep
from tests.properties.mistakes import (
    Mistake,
    contradictions,
    missing_keys,
    wrong_keys,
    wrong_values,
)

OTHERS = wrong_values() | wrong_keys() | contradictions()
MISTAKES = OTHERS | missing_keys()


def refused_by_name(mistake: Mistake) -> None:
    data, words = mistake
    with pytest.raises(ScenarioError) as refused:
        validated(OmegaConf.create(data))
    said = str(refused.value)
    assert words in said
    assert "\n" not in said


@found_before
@given(MISTAKES)
@settings(max_examples=50)
def test_a_mistake_is_refused_in_a_sentence_that_names_it(mistake: Mistake) -> None:
    how_to_keep(test_a_mistake_is_refused_in_a_sentence_that_names_it, mistake)
    refused_by_name(mistake)


@pytest.mark.slow
@given(MISTAKES)
@settings(max_examples=2000)
def test_two_thousand_mistakes_are_refused(mistake: Mistake) -> None:
    refused_by_name(mistake)


@pytest.fixture(scope="module", autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    handlers = logging.root.handlers[:]
    yield
    logging.root.handlers[:] = handlers


@found_before
@given(OTHERS | missing_keys(of_files=True))
@settings(max_examples=8)
def test_the_command_ends_with_2_says_it_and_leaves_nothing(mistake: Mistake) -> None:
    how_to_keep(test_the_command_ends_with_2_says_it_and_leaves_nothing, mistake)
    data, words = mistake
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments = [*write(data, folder / "conf"), f"output_dir={folder / 'out'}"]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command(arguments)
        assert (code, out.getvalue()) == (2, "")
        assert err.getvalue().startswith("peakcast: ")
        assert err.getvalue().count("\n") == 1
        if words.endswith("._target_"):  # a received folder is judged by its lines
            words = "the key _target_ is not allowed here"
        assert words in err.getvalue()
        assert not (folder / "out").exists()


def test_a_script_in_which_nobody_may_order_is_refused(tmp_path: Path) -> None:
    """Only its demand tells: the sentence comes from there, and the command ends with 2 too."""
    never = "promotion.pitches=[{from_s: 0, to_s: 99999, intent: 0}]"
    small = ("vendors=[budget]", "promotion.drops=[]", "promotion.peak_viewers=5")
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        assert command([*small, never, f"output_dir={tmp_path}"]) == 2
    assert err.getvalue().startswith("peakcast: ")
    assert "promotion.pitches" in err.getvalue()
    assert not list(tmp_path.iterdir())
