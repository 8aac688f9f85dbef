"""A recorded curve is read as written, and a bad one is refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from sim.demand.curve import read_curve
from sim.scenario.errors import ScenarioError


def write(folder, content):
    file = folder / "curve.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_times_and_viewers_are_read_and_time_starts_at_nothing(tmp_path):
    points, views = read_curve(write(tmp_path, "time_s,viewers\n30,1\n60,2.5\n100,0\n"))
    assert points.tolist() == [[0, 1], [30, 2.5], [70, 0]]
    assert views is None


def test_views_are_handed_on_as_counted(tmp_path):
    points, views = read_curve(write(tmp_path, "time_s,viewers,views\n0,1,5\n60,2,5\n90,3,9\n"))
    assert points[:, 1].tolist() == [1, 2, 3]
    assert np.asarray(views).tolist() == [5, 5, 9]


def test_a_curve_may_come_from_a_spreadsheet(tmp_path):
    content = b'\xef\xbb\xbftime_s, viewers\r\n"0","1e3"\r\n\r\n60, 900 \r\n'
    assert read_curve(write(tmp_path, content))[0].tolist() == [[0, 1000], [60, 900]]


TWO = "time_s,viewers\n0,1\n"
BAD = {
    "no header": ("0,1\n60,2\n", ["line 1", "'0,1'", "time_s,viewers"]),
    "other columns": ("time,people\n0,1\n", ["line 1", "'time,people'", "time_s,viewers,views"]),
    "columns in another order": ("viewers,time_s\n1,0\n2,60\n", ["line 1"]),
    "an empty file": ("", ["line 1"]),
    "no number": (TWO + "60,many\n", ["line 3", "column viewers", "'many'", "0 or more"]),
    "no time": (TWO + "1 min,5\n", ["line 3", "column time_s", "'1 min'"]),
    "below nothing": (TWO + "60,-5\n", ["line 3", "column viewers", "'-5'"]),
    "not a number": (TWO + "60,nan\n", ["line 3", "column viewers", "'nan'"]),
    "without end": (TWO + "60,inf\n", ["line 3", "column viewers", "'inf'"]),
    "an empty cell": (TWO + "60,\n", ["line 3", "column viewers", "''"]),
    "a cell too few": (TWO + "60\n", ["line 3", "1 values", "2 are needed"]),
    "a cell too many": (TWO + "60,5,7\n", ["line 3", "3 values", "2 are needed"]),
    "a bad line after empty ones": (TWO + "\n\n60,x\n", ["line 5", "column viewers", "'x'"]),
    "more than there are": (TWO + "60,1e11\n", ["line 3", "'1e11'", "at most 1e+10"]),
    "for ever": (TWO + "1e300,5\n", ["line 3", "column time_s", "'1e300'", "at most 1e+10"]),
    "no time at all": (TWO + "5e-324,5\n", ["line 3", "column time_s", "rise by 0.001 s"]),
    "time stands still": (TWO + "0,5\n", ["line 3", "column time_s", "0 does not rise"]),
    "time runs back": (TWO + "60,5\n30,6\n", ["line 4", "column time_s", "30", "60"]),
    "views fall": (
        "time_s,viewers,views\n0,1,5\n60,1,4\n",
        ["line 3", "column views", "4 falls below 5"],
    ),
    "views stand still": ("time_s,viewers,views\n0,1,5\n60,1,5\n", ["views never rises"]),
    "no data": ("time_s,viewers\n", ["0 lines", "at least 2"]),
    "one line": (TWO, ["1 lines", "at least 2"]),
    "nobody, ever": ("time_s,viewers\n0,0\n60,0\n", ["column viewers", "0 throughout"]),
    "another encoding": ("time_s,viewers\n0,1\n60,五\n".encode("gbk"), ["UTF-8"]),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD)
def test_a_bad_curve_is_refused_by_file_line_and_column(tmp_path, content, says):
    file = write(tmp_path, content)
    with pytest.raises(ScenarioError) as refusal:
        read_curve(file)
    sentence = str(refusal.value)
    assert sentence.startswith(str(file))
    assert "\n" not in sentence
    for part in says:
        assert part in sentence
