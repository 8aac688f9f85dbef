"""The same answer in plain text, for readers who look at the terminal first."""

from __future__ import annotations

import re
from unicodedata import east_asian_width

from sim.catalogue.language import SPACE
from sim.report.limits import on_the_night, reached
from sim.report.sections.answer import verdict, warnings
from sim.report.sections.requests import ask_for, asked
from sim.report.style import broken
from sim.report.view import View

WIDTH = 100
NAME, LIMIT = 27, 28
"""Most columns of the first and of the last cell."""


def text(view: View) -> str:
    """The answer in a sentence and a line per vendor, at most WIDTH columns wide."""
    sentences = [*verdict(view), *warnings(view), ask_for(view, asked(view))]
    answer = [line for sentence in filter(None, sentences) for line in _wrapped(sentence)]
    lines = _aligned([_headings(view), *(_row(view, vendor) for vendor in view.ranked)])
    for what in sorted({view.unbilled(v) for v in view.names} - {""}):
        lines += _wrapped(view.words("terminal-without", what=what))
    return "\n".join([*answer, *([""] if answer else []), *lines, ""]).replace(SPACE, " ")


def _headings(view: View) -> list[str]:
    say = view.words
    return [
        say("terminal-viewers", peak=view.peak),
        say("col-watched"),
        say("col-stalled"),
        say("col-sales-lost"),
        say("terminal-bill"),
        say("terminal-first-limit"),
    ]


def _row(view: View, vendor: str) -> list[str]:
    say, limits = view.words, on_the_night(reached(view, vendor))
    watched, stalled, bill = (
        view.figure(vendor, metric).mean
        for metric in ("watch_delivered_ratio", "stall_ratio", "cost_cny")
    )
    return [
        _cut(view.marked(vendor), NAME),
        say.percent(watched),
        say.percent(stalled),
        say.percent(view.lost_share(vendor).mean),
        say.money(bill) + "*" * bool(view.unbilled(vendor)),
        _cut(say.named("limit", limits[0].limit) if limits else say("cell-no-limit"), LIMIT),
    ]


def _aligned(rows: list[list[str]]) -> list[str]:
    """The first and the last column to the left, the others to the right."""
    wide = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (w - _columns(cell)) if k in (0, len(row) - 1)
            else " " * (w - _columns(cell)) + cell
            for k, (cell, w) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    ]  # fmt: skip


def _wrapped(sentence: str) -> list[str]:
    """Lines of a terminal; a longer argument stands whole on one of its own, to be copied."""
    lines: list[str] = []
    for part in filter(None, map(str.strip, _LONG_ARGUMENT.split(sentence))):
        whole = _LONG_ARGUMENT.fullmatch(part)
        lines += [part] if whole else broken(part, lambda line: _columns(line) <= WIDTH)
    return lines


LONG = 60
"""Characters after an argument's key from which on a line might not hold all of it."""
_LONG_ARGUMENT = re.compile(rf"('[\w.]+=[^\s']{{{LONG},}}')")


def _columns(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, columns: int) -> str:
    if _columns(text) <= columns:
        return text
    while _columns(text) > columns - 1:
        text = text[:-1]
    return text.rstrip() + "…"
