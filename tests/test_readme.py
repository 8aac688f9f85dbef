"""The two commands are what a stranger copies: they stay exactly as they are."""

import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")

INSTALL = (
    "python3 -m venv --without-pip .venv && python3 -m pip --python .venv/bin/python "
    "install -q -c constraints.txt -e {what} && .venv/bin/python -m {module}"
)


def fenced_lines():
    for block in re.findall(r"^```\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE):
        yield from block.splitlines()


def test_the_two_commands_are_exactly_these():
    commands = [line for line in fenced_lines() if line.startswith("python3 -m venv")]
    assert commands == [
        INSTALL.format(what=".", module="sim"),
        INSTALL.format(what="'.[test]'", module="pytest"),
    ]


def test_lists_are_quoted_in_every_example():
    unquoted = [line for line in fenced_lines() if re.search(r"(?<!['\w])\w+=\[", line)]
    assert unquoted == []


def test_every_example_names_files_that_exist():
    root = Path(__file__).parent.parent
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    pages = [link for link in links if not link.endswith(".png")]
    assert pages
    assert [link for link in pages if not (root / link).exists()] == []
