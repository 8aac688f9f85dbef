"""docs/trust.md says what the rows say, and nothing of it is written by hand."""

import math
from dataclasses import replace

import pytest

from tests.recordings import DATA
from tests.trust import ghent
from tests.trust.__main__ import (
    PAGE,
    TABLES,
    page,
    part,
    read_table,
    stamp_of,
    write_table,
    written,
)
from tests.trust.row import Row
from tests.trust.stamp import UNKNOWN, Stamp, engine

NAN = float("nan")
MADE = Stamp("0123456789", "1.2.3", "abcdef0123")
ROW = Row(
    of="time frozen", where="2 Mbps", unit="%", expected=1.14, ours=1.1128, low=1.1, high=1.12,
    kind="verified", source="a table", command="python -m sim a=b", within=0.05,
)  # fmt: skip


def cells(*rows):
    """The lines of the page's tables, cell by cell."""
    lines = [line for line in page(rows, {}, {}).splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if not line.startswith(("| what", "| ---"))
    ]


def test_row_says_what_was_known_what_came_and_if_they_meet():
    assert cells(ROW) == [
        ["time frozen, %", "2 Mbps", "1.14", "1.113 (1.1 to 1.12)", "-0.027", "yes, ±0.05",
         "a table", "`python -m sim a=b`"]
    ]  # fmt: skip


def test_a_row_that_does_not_hold_says_no():
    assert cells(replace(ROW, ours=2, low=2, high=2))[0][3:6] == ["2", "+0.86", "**no**, ±0.05"]


def test_a_row_whose_data_are_absent_says_not_run():
    assert cells(replace(ROW, ours=NAN, low=NAN, high=NAN))[0][3:6] == ["not run", "–", "–"]


def test_prediction_claims_nothing_and_needs_no_known_figure():
    row = replace(ROW, kind="predicted", expected=NAN, within=None, ours=16825.4)
    assert cells(row)[0][2:6] == ["–", "16,825 (1.1 to 1.12)", "–", "–"]


def test_what_rows_share_is_said_once():
    assert cells(ROW, replace(ROW, where="4 Mbps"))[1][0::7] == ["", ""]


def test_each_kind_has_its_table_and_its_note():
    text = page([replace(ROW, kind="fitted"), ROW], {"fitted": "A note."}, {})
    verified, fitted = text.index("## Verified"), text.index("## Fitted")
    assert verified < fitted < text.index("A note.")
    assert "## Predicted" not in text


def test_a_slow_result_is_kept_as_it_was_with_what_made_it(tmp_path):
    rows = [ROW, replace(ROW, within=None, of="a, 'b' | c", low=1 / 3)]
    write_table(tmp_path / "a.csv", rows, MADE)
    assert read_table(tmp_path / "a.csv") == rows
    assert stamp_of(tmp_path / "a.csv") == MADE
    write_table(tmp_path / "b.csv", [replace(ROW, expected=NAN)], MADE)
    assert math.isnan(read_table(tmp_path / "b.csv")[0].expected)


def test_the_page_names_what_made_each_slow_table(tmp_path):
    assert read_table(tmp_path / "none.csv") == []
    assert stamp_of(tmp_path / "none.csv") is None
    kept = {"a.csv": (MADE, "make a"), "none.csv": (None, "make none")}
    text = page([ROW], {}, kept, now=MADE.engine)
    by = "engine 0123456789, version 1.2.3, commit abcdef0123"
    assert f"| [a.csv](trust/a.csv) | {by} | the same engine | `make a` |" in text
    assert "| [none.csv](trust/none.csv) | not run | – | `make none` |" in text
    assert "stale**" not in text
    text = page([ROW], {}, kept, now="ffffffffff")
    assert f"| {by} | **stale**: the engine now is ffffffffff | `make a` |" in text


def test_rows_of_an_older_engine_are_marked_and_no_others(tmp_path):
    """In the common tables row by row, in a room's own part below its heading."""
    write_table(tmp_path / "a.csv", [ROW], MADE)
    (old,), (new,) = (read_table(tmp_path / "a.csv", now) for now in ("ffffffffff", MADE.engine))
    assert [cells(row)[0][3] for row in (old, new)] == [
        "1.113 (1.1 to 1.12) †", "1.113 (1.1 to 1.12)",
    ]  # fmt: skip
    stale, fresh = page([ROW, old], {}, {}), page([ROW, new], {}, {})
    assert "† Stale: made by an older program" in stale and "Stale" not in fresh
    assert part("## Twin\n\ntext", MADE, MADE.engine) == "## Twin\n\ntext"
    assert part("## Twin\n\ntext", MADE, "ffffffffff").startswith("## Twin\n\nStale: made by an")


def test_a_table_without_a_stamp_is_stale(tmp_path):
    (tmp_path / "a.csv").write_text("of,commit\nx,abc\n", encoding="utf-8")
    made = stamp_of(tmp_path / "a.csv")
    assert made == Stamp(UNKNOWN, UNKNOWN, "abc")
    assert made.stale(engine())


def test_an_engine_is_what_it_is_made_of(tmp_path):
    """A source or a default that figures come from changes the digest, a price does not."""
    for name in (
        "sim/draws.py", "sim/engine/run.py", "sim/study/measure.py", "conf/vendors/budget.yaml",
        "conf/tariff/a.yaml", "sim/report/page.py",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a", encoding="utf-8")
    before, told = engine(tmp_path), []
    for name in ("conf/tariff/a.yaml", "sim/report/page.py", "sim/engine/run.py",
                 "sim/study/measure.py", "conf/vendors/budget.yaml"):  # fmt: skip
        (tmp_path / name).write_text("b", encoding="utf-8")
        told.append(engine(tmp_path) != before)
        before = engine(tmp_path)
    assert told == [False, False, True, True, True]


def test_no_stale_table_passes_for_fresh_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for file in TABLES.glob("*.csv"):
        (line,) = [line for line in text.splitlines() if line.startswith(f"| [{file.name}]")]
        made = stamp_of(file)
        assert f"engine {made.engine}, version {made.version}, commit {made.commit}" in line
        assert ("**stale**" in line) == made.stale(engine())


def test_every_kept_prediction_stands_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    file = TABLES / "published.csv"
    rows = read_table(file, engine())
    assert rows
    for _, where, expected, ours, *_ in cells(*rows):
        assert f"| {where} | {expected} | {ours} |" in text


@pytest.mark.slow
def test_the_page_is_what_the_command_writes():
    if not (DATA / ghent.ARCHIVE).is_file():
        pytest.skip("no recorded 4G logs: PEAKCAST_DATA names the folder of real inputs")
    assert PAGE.read_text(encoding="utf-8") == written(DATA)
