"""A file of viewers is read as written, and a bad one is refused in one sentence."""

from __future__ import annotations

import os

import pytest

from sim.demand.rows import read_rows
from sim.scenario.errors import ScenarioError


def write(folder, content):
    file = folder / "night.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


def test_rows_are_read_in_their_order_whatever_the_columns(tmp_path):
    rows = read_rows(write(tmp_path, "stay_s, region,arrival_s\n5,east,9\n\n60,,-7.5\n3,east,1\n"))
    assert rows.arrival_s.tolist() == [9, -7.5, 1]
    assert rows.stay_s.tolist() == [5, 60, 3]
    assert rows.lines.tolist() == [2, 4, 5]
    assert rows.codes("region", ["west", "east"], "regions").tolist() == [1, -1, 1]
    assert rows.codes("isp", ["mobile"], "isps").tolist() == [-1, -1, -1]


def test_viewers_may_come_from_a_spreadsheet(tmp_path):
    content = b'\xef\xbb\xbfarrival_s,stay_s\r\n"0","1e3"\r\n\r\n60, 900 \r\n'
    rows = read_rows(write(tmp_path, content))
    assert (rows.arrival_s.tolist(), rows.stay_s.tolist()) == ([0, 60], [1000, 900])


def test_a_file_that_is_written_anew_is_read_anew(tmp_path):
    file = write(tmp_path, "arrival_s,stay_s\n0,1\n")
    assert read_rows(file).stay_s.tolist() == [1]
    write(tmp_path, "arrival_s,stay_s\n0,2\n")
    os.utime(file, ns=(1, 1))
    assert read_rows(file).stay_s.tolist() == [2]


HEAD = "arrival_s,stay_s,region\n"
BAD = {
    "no header": ("0,1\n", ["line 1", "'0,1'", "arrival_s,stay_s and, where", "region,isp"]),
    "no stay": ("arrival_s,isp\n0,x\n", ["line 1", "'arrival_s,isp'", "arrival_s,stay_s"]),
    "a column nobody knows": ("arrival_s,stay_s,regoin\n0,1,x\n", ["line 1", "region,isp,class"]),
    "a column twice": ("arrival_s,stay_s,stay_s\n0,1,1\n", ["line 1", "each once"]),
    "an empty file": ("", ["line 1"]),
    "no viewer": (HEAD, ["0 lines of data", "one at least"]),
    "a cell too few": (HEAD + "0,1\n", ["line 2", "2 values where 3 are needed"]),
    "a cell too many": (HEAD + "0,1,east,x\n", ["line 2", "4 values where 3"]),
    "no number": (HEAD + "0,1,a\nnow,1,a\n", ["line 3", "column arrival_s", "'now'", "seconds"]),
    "not a number": (HEAD + "nan,1,a\n", ["line 2", "column arrival_s", "'nan'"]),
    "no time": (HEAD + "0,0,a\n", ["line 2", "column stay_s", "'0'", "0.001 to 1e+10"]),
    "without end": (HEAD + "0,inf,a\n", ["line 2", "column stay_s", "'inf'"]),
    "gone before it begins": (HEAD + "-9,9,a\n", ["line 2", "-9 and stay_s 9", "before the show"]),
    "another encoding": ("arrival_s,stay_s\n0,五\n".encode("gbk"), ["UTF-8"]),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_by_line_and_column(tmp_path, content, says):
    file = write(tmp_path, content)
    with pytest.raises(ScenarioError) as refusal:
        read_rows(file)
    sentence = str(refusal.value)
    assert sentence.startswith(file)
    assert "\n" not in sentence
    for part in says:
        assert part in sentence
