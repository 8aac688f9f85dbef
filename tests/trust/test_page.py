"""docs/trust.md says what the rows say, and nothing of it is written by hand."""

import math
from dataclasses import replace

import pytest

from tests.trust import ghent
from tests.trust.__main__ import (
    DATA,
    PAGE,
    TABLES,
    commit_of,
    page,
    read_table,
    write_table,
    written,
)
from tests.trust.row import Row

NAN = float("nan")
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


def test_a_row_says_what_was_known_what_came_out_and_whether_they_meet():
    assert cells(ROW) == [
        ["time frozen, %", "2 Mbps", "1.14", "1.113 (1.1 to 1.12)", "-0.027", "yes, ±0.05",
         "a table", "`python -m sim a=b`"]
    ]  # fmt: skip


def test_a_row_that_does_not_hold_says_no():
    assert cells(replace(ROW, ours=2, low=2, high=2))[0][3:6] == ["2", "+0.86", "**no**, ±0.05"]


def test_a_row_whose_data_are_absent_says_not_run():
    assert cells(replace(ROW, ours=NAN, low=NAN, high=NAN))[0][3:6] == ["not run", "–", "–"]


def test_a_prediction_claims_nothing_and_may_have_no_figure_beside_it():
    row = replace(ROW, kind="predicted", expected=NAN, within=None, ours=16825.4)
    assert cells(row)[0][2:6] == ["–", "16,825 (1.1 to 1.12)", "–", "–"]


def test_what_rows_share_is_said_once():
    assert cells(ROW, replace(ROW, where="4 Mbps"))[1][0::7] == ["", ""]


def test_each_kind_has_its_table_and_its_note():
    text = page([replace(ROW, kind="fitted"), ROW], {"fitted": "A note."}, {})
    verified, fitted = text.index("## Verified"), text.index("## Fitted")
    assert verified < fitted < text.index("A note.")
    assert "## Predicted" not in text


def test_a_slow_result_is_kept_as_it_was_with_the_commit_that_made_it(tmp_path):
    rows = [ROW, replace(ROW, within=None, of="a, 'b' | c", low=1 / 3)]
    write_table(tmp_path / "a.csv", rows, "0123456789")
    assert read_table(tmp_path / "a.csv") == rows
    assert commit_of(tmp_path / "a.csv") == "0123456789"
    write_table(tmp_path / "b.csv", [replace(ROW, expected=NAN)], "0123456789")
    assert math.isnan(read_table(tmp_path / "b.csv")[0].expected)


def test_the_page_names_the_commit_of_each_slow_table_or_that_it_was_not_run(tmp_path):
    assert read_table(tmp_path / "none.csv") == []
    assert commit_of(tmp_path / "none.csv") == ""
    text = page([ROW], {}, {"a.csv": ("0123456789", "make a"), "none.csv": ("", "make none")})
    assert "| [a.csv](trust/a.csv) | 0123456789 | `make a` |" in text
    assert "| [none.csv](trust/none.csv) | not run | `make none` |" in text


def test_every_kept_prediction_stands_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    file = TABLES / "published.csv"
    rows = read_table(file)
    assert rows
    assert f"| {commit_of(file)} |" in text
    for _, where, expected, ours, *_ in cells(*rows):
        assert f"| {where} | {expected} | {ours} |" in text


@pytest.mark.slow
def test_the_page_is_what_the_command_writes():
    if not (DATA / ghent.ARCHIVE).is_file():
        pytest.skip("no recorded 4G logs: PEAKCAST_DATA names the folder of real inputs")
    assert PAGE.read_text(encoding="utf-8") == written(DATA)
