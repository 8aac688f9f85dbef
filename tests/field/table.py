"""Rows of what was measured, as a CSV: a column for each name that any row has."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

Cell = str | int | float | None
Row = Mapping[str, Cell]


def write_rows(file: Path, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _written(value) for name, value in row.items()})


def read_rows(file: Path) -> list[dict[str, Cell]]:
    """Numbers as numbers, empty cells as None."""
    with file.open(newline="", encoding="utf-8") as opened:
        return [{name: _read(cell) for name, cell in row.items()} for row in csv.DictReader(opened)]


def _written(value: Cell) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _read(cell: str) -> Cell:
    if cell == "":
        return None
    for number in (int, float):
        try:
            return number(cell)
        except ValueError:
            continue
    return cell
