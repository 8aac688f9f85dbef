"""The same answer in plain text, for readers who look at the terminal first."""

from __future__ import annotations

import re
from unicodedata import east_asian_width

from sim.report import number_format as fmt
from sim.report.messages import (
    ask_for,
    asked,
    best_first,
    marked,
    on_the_night,
    reached,
    verdict,
    warnings,
)
from sim.report.style import broken
from sim.report.tables import (
    UNKNOWN,
    Frames,
    estimates,
    lost_share,
    night_peak,
    unbilled,
    vendors,
)
from sim.scenario import Scenario

WIDTH = 100
NAME, LIMIT = 27, 28
"""Most columns of the first and of the last cell."""


def text(frames: Frames, scenario: Scenario) -> str:
    """The answer in a sentence and a line per vendor, at most WIDTH columns wide."""
    peak, figures = night_peak(frames), estimates(frames)
    rows = [[f"{fmt.count(peak)} viewers", "watched", "stalled", "sales lost", "bill, CNY",
             "first limit"]]  # fmt: skip
    for vendor, name in best_first(frames, scenario).items():
        limits = on_the_night(reached(frames, figures, vendor, peak))
        watched, stalled, bill = (
            figures.get((vendor, peak, metric), UNKNOWN).mean
            for metric in ("watch_delivered_ratio", "stall_ratio", "cost_cny")
        )
        rows.append([
            _cut(marked(vendor, name, scenario), NAME),
            fmt.percent(watched), fmt.percent(stalled),
            fmt.percent(lost_share(figures, vendor, peak).mean),
            fmt.money(bill) + "*" * bool(unbilled(vendor, scenario)),
            _cut(limits[0].limit if limits else "none", LIMIT),
        ])  # fmt: skip
    wide = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (w - _columns(cell)) if k in (0, len(row) - 1)
            else " " * (w - _columns(cell)) + cell
            for k, (cell, w) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    ]  # fmt: skip
    missing = {v: unbilled(v, scenario) for v in vendors(frames, scenario)}
    for what in sorted(set(missing.values()) - {""}):
        lines += _wrapped(f"* without {what}")
    told = ask_for(asked(frames, scenario))
    sentences = [*verdict(frames, scenario), *warnings(frames), *([told] if told else [])]
    answer = [line for said in sentences for line in _wrapped(said)]
    return "\n".join([*answer, *([""] if answer else []), *lines, ""]).replace(fmt.SPACE, " ")


def _wrapped(said: str) -> list[str]:
    """Lines of a terminal; a longer argument stands whole on one of its own, to be copied."""
    lines: list[str] = []
    for part in filter(None, map(str.strip, _LONG_ARGUMENT.split(said))):
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
