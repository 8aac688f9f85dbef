"""Write docs/trust.md: what is known from elsewhere beside what the program says.

python -m tests.trust [--data FOLDER] [--slow [ROOM ...]]

Every line is a Row of a room: `rows` are made anew each time, `slow_rows` (minutes) are read from
docs/trust/<room>.csv, which --slow writes anew. A room may also keep such a table itself, its last
columns the stamp: then the room's own command writes it. A room with a `section` writes its slow
rows in a part of its own, beside its `picture`, docs/<room>.png. A table whose stamp is another
engine's than the present one is shown as stale, row by row.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import math
import subprocess
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict, fields, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import get_args

from tests.recordings import DATA
from tests.trust.row import Kind, Row
from tests.trust.stamp import UNKNOWN, Stamp, engine, stamp

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trust.md"
TABLES = ROOT / "docs" / "trust"
ROOMS = ("closed_forms", "twin", "published", "intervals")

INTRO = """\
# How far it can be trusted

What is known from elsewhere, beside what this program says. `python -m tests.trust` writes this
page, no row by hand.

- *Verified*: the answer was known, from a formula or from a program that shares nothing with this.
- *Fitted*: a number of the model was chosen to meet it. That shows the fit, not that the model is
  right.
- *Predicted*: neither. It stands as it came out, and nothing was turned afterwards.

*Ours* is a mean with its 95 % interval; without one there is no chance in it. A row *holds* if the
published figure lies in the interval, or no further outside than the tolerance (±) given. An empty
cell repeats the one above.
"""

MARK = "†"
STALE = f"{MARK} Stale: made by an older program than this one; see *Slow results*.\n"
"""Below whatever such a row stands in."""

SLOW = """\
## Slow results

Kept as tables, each with the digest of the engine that made it (its sources and `conf/`, without
prices; the same in every clone), the version of the package and the commit. One that another
engine made is stale: its rows say what that one did.
"""

HEADINGS: dict[Kind, str] = {
    "verified": "Verified", "fitted": "Fitted", "predicted": "Predicted",
}  # fmt: skip

COLUMNS = ("what", "where", "published or exact", "ours", "error", "holds?", "source", "command")


def page(
    rows: Iterable[Row],
    notes: dict[Kind, str],
    kept: dict[str, tuple[Stamp | None, str]],
    sections: Iterable[str] = (),
    now: str = "",
) -> str:
    """The whole page; `kept`: slow table -> what made it (None: nothing has), and the command.

    `now`: digest of the present engine.
    """
    all_rows = list(rows)
    parts = [INTRO]
    for kind in get_args(Kind):
        here = [row for row in all_rows if row.kind == kind]
        if here:
            parts.append(f"## {HEADINGS[kind]}\n")
            parts.append(_table(COLUMNS, [_cells(row) for row in here]))
            if any(row.stale for row in here):
                parts.append(STALE)
            if kind in notes:
                parts.append(f"{notes[kind]}\n")
    parts += sections
    if kept:
        lines = [
            [f"[{name}](trust/{name})", *_made_by(made, now), f"`{command}`"]
            for name, (made, command) in kept.items()
        ]
        parts += [SLOW, _table(("table", "made by", "now", "made anew by"), lines)]
    return "\n".join(parts)


def _made_by(made: Stamp | None, now: str) -> tuple[str, str]:
    """What made a kept table, and what that is worth."""
    if made is None:
        return "not run", "–"
    by = f"engine {made.engine}, version {made.version}, commit {made.commit}"
    fresh = "the same engine"
    return by, f"**stale**: the engine now is {now}" if made.stale(now) else fresh


def _cells(row: Row) -> list[str]:
    ran = not math.isnan(row.ours)
    ours = _number(row.ours) if ran else "not run"
    if row.low < row.high:
        ours += f" ({_number(row.low)} to {_number(row.high)})"
    ours += f" {MARK}" if row.stale else ""
    known = not math.isnan(row.expected)
    error = _number(row.ours - row.expected, 2, "+") if ran and known else "–"
    holds = "–"
    if ran and row.within is not None:
        holds = f"{'yes' if row.holds else '**no**'}, ±{_number(row.within, 2)}"
    expected = _number(row.expected) if known else "–"
    what = row.of if row.unit in ("", "1") else f"{row.of}, {row.unit}"
    return [what, row.where, expected, ours, error, holds, row.source, f"`{row.command}`"]


def _number(x: float, figures: int = 4, sign: str = "") -> str:
    """So many figures; large numbers whole."""
    return f"{x:{sign},.0f}" if abs(x) >= 10 ** (figures - 1) else f"{x:{sign}.{figures}g}"


def _table(columns: tuple[str, ...], lines: list[list[str]]) -> str:
    """A table in which `what`, `source` and `command` are said once for rows that share them."""
    said, above = [], [""] * len(columns)
    once = [k for k, name in enumerate(columns) if name in ("what", "source", "command")]
    for line in lines:
        said.append([
            "" if k in once and cell == above[k] else cell.replace("|", "\\|")
            for k, cell in enumerate(line)
        ])  # fmt: skip
        above = line
    rule = ["---"] * len(columns)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [list(columns), rule, *said])


# --- slow results ---------------------------------------------------------------------------------


STAMPED = tuple(f.name for f in fields(Stamp))
KEPT = (*(f.name for f in fields(Row) if f.name != "stale"), *STAMPED)


def write_table(file: Path, rows: Iterable[Row], made: Stamp) -> None:
    """Keep rows as CSV, each with the stamp of the program that made it."""
    lines = [{k: v for k, v in (asdict(row) | asdict(made)).items() if k in KEPT} for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, KEPT, lineterminator="\n")
        table.writeheader()
        table.writerows(lines)


def read_table(file: Path, now: str = "") -> list[Row]:
    """The rows kept in `file`, stale where made by another engine than `now`; none without it."""
    rows, made = [], stamp_of(file)
    stale = made is not None and bool(now) and made.stale(now)
    for line in _lines(file):
        line = {key: text for key, text in line.items() if key not in STAMPED}
        numbers = {k: float(line.pop(k)) for k in ("expected", "ours", "low", "high")}
        within = line.pop("within")
        words = {**line, "within": float(within) if within else None, "stale": stale}
        rows.append(Row(**words, **numbers))  # type: ignore[arg-type]
    return rows


def stamp_of(file: Path) -> Stamp | None:
    """What made a slow table, by its first line; None where there is no table."""
    for first in _lines(file):
        return Stamp(**{key: first.get(key) or UNKNOWN for key in STAMPED})
    return None


def _lines(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def this_commit() -> str:
    """Short name of the commit that is checked out. Exits where the program differs from it."""
    changed = _git("status", "--porcelain", "--", "sim", "conf", "tests/trust")
    if changed:
        sys.exit(f"commit first, a slow result is stamped with the commit that made it:\n{changed}")
    return _git("rev-parse", "--short=10", "HEAD")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


# --- the command ----------------------------------------------------------------------------------


def rooms() -> list[ModuleType]:
    """The modules that make rows, in the order of the page."""
    names = [f"tests.trust.{name}" for name in ROOMS]
    return [import_module(name) for name in names if find_spec(name) is not None]


def fast_rows(room: ModuleType, data: Path) -> list[Row]:
    """What the room makes anew; those that read recordings are told where they are."""
    told = {"data": data} if "data" in inspect.signature(room.rows).parameters else {}
    return list(room.rows(**told))


def written(data: Path, slow: Collection[str] = ()) -> str:
    """The page; `slow`: rooms whose `slow_rows` are made anew."""
    made = stamp(this_commit()) if slow else None
    rows: list[Row] = []
    kept: dict[str, tuple[Stamp | None, str]] = {}
    now = engine()
    notes: dict[Kind, str] = {}
    sections: list[str] = []
    for room in rooms():
        name = room.__name__.rpartition(".")[2]
        file = TABLES / f"{name}.csv"
        command = f"python -m {room.__name__}"
        fast = fast_rows(room, data)
        if hasattr(room, "slow_rows"):
            command = f"python -m tests.trust --slow {name}"
            if made is not None and name in slow:
                write_table(file, room.slow_rows(), made)
        elif (by := stamp_of(file)) is not None:  # its rows are all of its own table
            fast = [replace(row, stale=by.stale(now)) for row in fast]
        rows += fast
        if hasattr(room, "section"):
            sections.append(part(room.section(read_table(file)), stamp_of(file), now))
        elif hasattr(room, "slow_rows"):
            rows += read_table(file, now)
        if hasattr(room, "slow_rows") or file.is_file():
            kept[file.name] = stamp_of(file), command
        for kind, note in getattr(room, "NOTES", {}).items():
            notes[kind] = f"{notes[kind]}\n\n{note}" if kind in notes else note
    return page(rows, notes, kept, sections, now)


def part(section: str, made: Stamp | None, now: str) -> str:
    """A room's own part of the page; what an older program made is said below its heading."""
    heading, _, text = section.partition("\n")
    stale = made is not None and made.stale(now)
    return f"{heading}\n\n{STALE.removeprefix(MARK).strip()}\n{text}" if stale else section


def draw() -> None:
    """The pictures of the kept tables, docs/<room>.png."""
    for room in rooms():
        name = room.__name__.rpartition(".")[2]
        if hasattr(room, "picture") and (kept := read_table(TABLES / f"{name}.csv")):
            (PAGE.parent / f"{name}.png").write_bytes(room.picture(kept))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.trust", description="Write docs/trust.md."
    )
    parser.add_argument("--data", type=Path, default=DATA,
                        help="folder of the recorded inputs (PEAKCAST_DATA)")  # fmt: skip
    parser.add_argument(
        "--slow", nargs="*", metavar="ROOM", choices=ROOMS, default=(),
        help="make the slow results anew (minutes), of these rooms or of all",
    )  # fmt: skip
    asked = parser.parse_args()
    slow = ROOMS if asked.slow == [] else asked.slow
    PAGE.write_text(written(asked.data, slow), encoding="utf-8")
    draw()
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
