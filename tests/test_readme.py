"""The two commands are what a stranger copies: they stay exactly as they are."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from sim.scenario.compose import load_scenario

ROOT = Path(__file__).parent.parent
READMES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")]
in_each_language = pytest.mark.parametrize("readme", READMES, ids=["en", "zh"])

INSTALL = (
    "python3 -m venv --without-pip .venv && python3 -m pip --python .venv/bin/python "
    "install -q -c constraints.txt -e {what} && .venv/bin/python -m {module}"
)


def fenced_lines(readme):
    for block in re.findall(r"^```\n(.*?)^```$", readme, flags=re.DOTALL | re.MULTILINE):
        yield from block.splitlines()


@cache
def composed(*overrides):
    """Once where both languages have the same example."""
    return load_scenario(*overrides)


@in_each_language
def test_the_two_commands_are_exactly_these(readme):
    commands = [line for line in fenced_lines(readme) if line.startswith("python3 -m venv")]
    assert commands == [
        INSTALL.format(what=".", module="sim"),
        INSTALL.format(what="'.[test]'", module="pytest"),
    ]


@in_each_language
def test_lists_are_quoted_in_every_example(readme):
    unquoted = [line for line in fenced_lines(readme) if re.search(r"(?<!['\w.])[\w.]+=\[", line)]
    assert unquoted == []


@in_each_language
def test_every_example_of_a_night_is_a_scenario(readme):
    """But for those that ask for a file or a folder of your own, a sweep, or the list of names."""
    examples = [shlex.split(line, comments=True) for line in fenced_lines(readme)]
    yours = ("-m", "--config-dir", "--help")
    tried = 0
    for _, _, _, *overrides in (e for e in examples if e[:3] == ["python", "-m", "sim"]):
        named = ("promotion.file=", "audience.file=")
        if not any(o in yours or o.startswith(named) for o in overrides):
            assert composed(*overrides).vendors
            tried += 1
    assert tried >= 5


@in_each_language
def test_every_link_leads_to_a_file(readme):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", readme)
    pages = [link for link in links if not link.endswith(".png")]
    assert pages
    assert [link for link in pages if not (ROOT / link).exists()] == []
