"""Three thousand configurations and three hundred files, odd ones: a right answer or one sentence.

`python -m pytest -m fuzz --dist load [--seed N]`: no traceback, no hang, no file left behind. One
case again: `python -m tests.fuzz.test_odd configuration SEED NUMBER`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.app import command
from sim.scenario.compose import load_scenario
from sim.scenario.errors import MOST_SAID, ScenarioError
from tests.fuzz.odd import MANIFESTS, SMALL, Case, configuration, odd_file

CONFIGURATIONS, FILES, BLOCK = 3_000, 300, 100
HANGS_S = 300
"""A watchdog, no measure: the slowest case takes a tenth of it, once all is compiled."""
PLAYED = 5
"""One valid configuration in so many is played, not only composed."""
NOT_OURS = re.compile(
    r"Traceback|can't be read \(|should be|[Ii]nput|pydantic|full_key|object_type|Errno|<class|"
    r"Warning|Error executing"
)
"""Words of libraries, which tell a user nothing."""

search = pytest.mark.search


class Hangs(BaseException):
    """Not an Exception: nothing on the way may take it for one."""


@contextlib.contextmanager
def watchdog() -> Iterator[None]:
    def bark(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, HANGS_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def laid_out(case: Case) -> Iterator[Path]:
    """Its files in an empty folder, which is the current one."""
    here, handlers = Path.cwd(), logging.root.handlers[:]
    folder = Path(tempfile.mkdtemp())
    try:
        case.lay(folder)
        os.chdir(folder)
        yield folder
    finally:
        os.chdir(here)
        logging.root.handlers[:] = handlers
        shutil.rmtree(folder, ignore_errors=True)


def everything(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def sentence(said: str) -> str:
    """What is wrong with a refusal, '' where nothing is."""
    if "\n" in said or not said.strip() or len(said) > MOST_SAID:
        return f"not one sentence ({len(said)} characters): {said[:300]!r}"
    if found := NOT_OURS.search(said):
        return f"words of a library, '{found[0]}': {said[:300]!r}"
    return ""


def composed(case: Case) -> tuple[bool, str]:
    """Whether the scenario is valid; what is wrong with its refusal."""
    overrides = [a for a in case.argv if a not in ("--config-dir", "c")]
    try:
        load_scenario(*overrides, config_dir="c" if case.files or case.special else None)
    except ScenarioError as refused:
        return False, sentence(str(refused))
    return True, ""


def played(case: Case, folder: Path) -> str:
    """The command's answer: a finished folder, or one sentence and nothing."""
    before = everything(folder)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command([*case.argv, "output_dir=out"])
    lines = [x for x in err.getvalue().splitlines() if not re.search(r"compiling|of \d+ points", x)]
    made = {p for p in everything(folder) - before if not re.match(r"out(/run-\w+(/.*)?)?$", p)}
    if code == 0:
        last = out.getvalue().splitlines()[-1:]
        if not last or not (folder / last[0] / "manifest.json").is_file():
            return f"exit 0 without a finished folder: {out.getvalue()[-200:]!r}"
        wrong = next((w for line in lines if (w := sentence(line))), "")
    elif code == 2:
        made = everything(folder) - before
        said = err.getvalue() if len(lines) != 1 else lines[0]
        wrong = sentence(said) or ("" if not out.getvalue() else f"printed {out.getvalue()!r}")
    else:
        wrong = f"exit {code}: {err.getvalue()[-600:]!r}"
    return wrong or (f"left behind: {sorted(made)[:5]}" if made else "")


@functools.cache
def compiled() -> None:
    """What nights call, so that no case is measured by it."""
    for more in (("vendors=[hybrid]",), ("vendors=[agora]", "engine=exact", "network=replay")):
        case = Case([*more, *SMALL])
        with laid_out(case) as folder:
            assert played(case, folder) == ""


def verdict(case: Case, play: bool) -> str:
    """What is wrong with the answer to a case, '' where nothing is."""
    if play:
        compiled()
    with laid_out(case) as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        before = everything(folder)
        try:
            with watchdog():
                valid, wrong = composed(case)
                if not wrong and everything(folder) != before:
                    wrong = f"composing left {sorted(everything(folder) - before)[:5]}"
                if not wrong and valid and play:
                    wrong = played(case, folder)
        except Hangs:
            wrong = f"it hangs: {HANGS_S} s"
        except Exception as error:
            wrong = f"{type(error).__name__}: {str(error)[:300]!r}"
    return wrong


def told(kind: str, seed: int, wrong: dict[int, str]) -> str:
    again = f"python -m tests.fuzz.test_odd {kind} {seed}"
    return "\n".join([f"{len(wrong)} cases", *(f"{again} {n}\n    {w}" for n, w in wrong.items())])


def configurations(seed: int, numbers: range) -> dict[int, str]:
    found = {n: verdict(configuration(seed, n), play=n % PLAYED == 0) for n in numbers}
    return {n: wrong for n, wrong in found.items() if wrong}


def files(seed: int, numbers: range) -> dict[int, str]:
    found = {n: verdict(odd_file(seed, n), play=True) for n in numbers}
    return {n: wrong for n, wrong in found.items() if wrong}


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(CONFIGURATIONS // BLOCK))
def test_odd_configurations_get_an_answer_or_a_sentence(block: int, cases_seed: int) -> None:
    wrong = configurations(cases_seed, range(block * BLOCK, (block + 1) * BLOCK))
    assert not wrong, told("configuration", cases_seed, wrong)


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(FILES // BLOCK * 4))
def test_odd_files_get_an_answer_or_a_sentence(block: int, cases_seed: int) -> None:
    wrong = files(cases_seed, range(block * BLOCK // 4, (block + 1) * BLOCK // 4))
    assert not wrong, told("file", cases_seed, wrong)


@pytest.mark.fuzz
def test_odd_manifests_neither_stop_a_run_nor_pass_for_one() -> None:
    wrong: dict[int, str] = {}
    with laid_out(Case([])) as folder:
        case = Case(["vendors=[budget]", *SMALL])
        assert played(case, folder) == ""
        manifest = next((folder / "out").glob("run-*/manifest.json"))
        for n, content in enumerate(MANIFESTS):
            manifest.write_bytes(content)
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    code: object = command([*case.argv, "output_dir=out"])
                except Exception as error:
                    code = repr(error)
            if code != 0 or manifest.read_bytes() == content:
                wrong[n] = f"exit {code}: {err.getvalue()[-300:]!r}"
    assert not wrong, "\n".join(f"{MANIFESTS[n][:40]!r}: {w}" for n, w in wrong.items())


@search
def test_new_odd_configurations(cases_seed: int) -> None:
    """A part of them, other ones each time: `.ci/run` has a budget."""
    wrong = configurations(cases_seed, range(BLOCK // 2))
    assert not wrong, told("configuration", cases_seed, wrong)


@search
def test_new_odd_files(cases_seed: int) -> None:
    wrong = files(cases_seed, range(0, FILES, 20))
    assert not wrong, told("file", cases_seed, wrong)


if __name__ == "__main__":
    kind, seed, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    case = (configuration if kind == "configuration" else odd_file)(seed, n)
    print(case)
    print(verdict(case, play=True) or "fine")
