"""What every CSV file of a user's is refused for, in the same sentences."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sim.scenario.errors import ScenarioError


@contextmanager
def opened(path: Path, holds: str) -> Iterator[TextIO]:
    """The file, with or without a byte order mark; `holds`: `a curve is`, `viewers are`.

    Errors: ScenarioError for another encoding, or for what the reader within can't take apart.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except UnicodeDecodeError:
        raise ScenarioError(f"{path} is not UTF-8 text, {holds} a CSV file in UTF-8") from None
    except csv.Error as error:
        raise ScenarioError(f"{path} can't be read as CSV: {error}") from None


def refuse_other_width(path: Path, line: int, row: list[str], header: list[str]) -> None:
    """ScenarioError for a line of more or fewer values than there are columns."""
    if len(row) != len(header):
        raise ScenarioError(
            f"{path}, line {line}: {len(row)} values where {len(header)} are needed "
            f"({','.join(header)})"
        )
