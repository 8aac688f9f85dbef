"""A file of viewers, one row each: read with bounds, refused by line and column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from sim.demand.csv_file import opened, refuse_other_width
from sim.scenario.errors import ScenarioError
from sim.scenario.files import resolve_file
from sim.scenario.quantity import LEAST_S, MOST_S

TIMES = ("arrival_s", "stay_s")
TRAITS = ("region", "isp", "class", "device", "interactive", "cohort", "path")
NO_YES = ("false", "true", "no", "yes", "0", "1")
"""What may stand in the column `interactive`, a no before its yes."""


@dataclass(frozen=True)
class Trait:
    """A column of names."""

    first_line: dict[str, int]
    """Name -> the line on which it is first met, in this order."""
    codes: NDArray[np.int64]
    """(rows) place of each in it; -1: the cell is empty."""


@dataclass(frozen=True)
class Rows:
    """The viewers of a file, in its order."""

    path: Path
    lines: NDArray[np.int64]
    arrival_s: NDArray[np.float64]
    """Below 0: so long before the show begins."""
    stay_s: NDArray[np.float64]
    """How long each means to stay, from then on."""
    traits: dict[str, Trait]
    """Of the columns that are there."""

    def codes(self, column: str, allowed: Sequence[str], what: str) -> NDArray[np.int64]:
        """(rows) place of each name among those allowed; -1 where none is given.

        Errors: ScenarioError for a name that isn't one of them; `what`: where they stand.
        """
        if column not in self.traits:
            return np.full(len(self.lines), -1)
        trait = self.traits[column]
        for name, line in trait.first_line.items():
            if name not in allowed:
                raise ScenarioError(
                    f"{self.path}, line {line}, column {column}: '{name[:60]}' is none of {what}: "
                    f"{', '.join(dict.fromkeys(allowed)) or 'there is none'}"
                )
        place = {name: k for k, name in enumerate(allowed)}
        places = np.array([*map(place.__getitem__, trait.first_line), -1])
        return np.asarray(places[trait.codes])


def read_rows(text: str) -> Rows:
    """The viewers of `audience.file`. Errors: ScenarioError naming file, line and column."""
    path = resolve_file("audience.file", text)
    as_it_is = path.stat()
    return _read(path, as_it_is.st_mtime_ns, as_it_is.st_size)


@lru_cache(maxsize=2)
def _read(path: Path, _changed_ns: int, _size: int) -> Rows:
    """Kept: every night of a study asks for it again."""
    with opened(path, "viewers are") as file:
        return _rows(path, file)


def _rows(path: Path, file: TextIO) -> Rows:
    reader = csv.reader(file)
    header = _header(path, next(reader, []))
    lines, times = list[int](), list[tuple[float, float]]()
    codes: dict[str, list[int]] = {column: [] for column in header if column in TRAITS}
    met: dict[str, dict[str, tuple[int, int]]] = {column: {} for column in codes}
    for row in reader:
        if not row:
            continue
        refuse_other_width(path, reader.line_num, row, header)
        cells = dict(zip(header, row, strict=True))
        lines.append(reader.line_num)
        times.append(_times(f"{path}, line {reader.line_num}", cells))
        for column, names in met.items():
            name = cells[column].strip()
            name = name.lower() if column == "interactive" else name
            place, _ = names.setdefault(name, (len(names), lines[-1])) if name else (-1, 0)
            codes[column].append(place)
    if not lines:
        raise ScenarioError(f"{path}: 0 lines of data, each is a viewer and one at least is needed")
    arrival_s, stay_s = np.array(times).T
    traits = {
        column: Trait({name: line for name, (_, line) in met[column].items()}, np.array(codes_))
        for column, codes_ in codes.items()
    }
    return Rows(path, np.array(lines), arrival_s, stay_s, traits)


def _header(path: Path, row: list[str]) -> list[str]:
    header, known = [name.strip() for name in row], (*TIMES, *TRAITS)
    wrong = [name for k, name in enumerate(header) if name not in known or name in header[:k]]
    if wrong or not set(TIMES) <= set(header):
        raise ScenarioError(
            f"{path}, line 1: columns '{','.join(header)[:200]}' must be {','.join(TIMES)} and, "
            f"where they are known, {','.join(TRAITS)}, each once"
        )
    return header


def _times(where: str, cells: dict[str, str]) -> tuple[float, float]:
    """(arrival, stay) in seconds."""
    arrival_s = _number(where, "arrival_s", cells, -MOST_S)
    stay_s = _number(where, "stay_s", cells, LEAST_S)
    if arrival_s < 0 and arrival_s + stay_s < LEAST_S:
        raise ScenarioError(
            f"{where}: arrival_s {arrival_s:g} and stay_s {stay_s:g} end before the show begins: "
            f"their sum must be at least {LEAST_S:g}"
        )
    return arrival_s, stay_s


def _number(where: str, column: str, cells: dict[str, str], least: float) -> float:
    try:
        value = float(cells[column])
    except ValueError:
        value = float("nan")
    if not least <= value <= MOST_S:
        raise ScenarioError(
            f"{where}, column {column}: '{cells[column].strip()[:60]}' is not a number of seconds "
            f"from {least:g} to {MOST_S:g}"
        )
    return value
