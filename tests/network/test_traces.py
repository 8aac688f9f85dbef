"""Recorded traces are read to the bit, and a bad one is refused in one sentence."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.network.traces import read_trace, read_traces, sabre_trace
from sim.scenario.errors import ScenarioError
from tests.recordings import DATA

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


# --- what is read ---------------------------------------------------------------------------------


def test_csv_rate_holds_until_the_time_of_the_next_row(tmp_path):
    """The last row only ends the trace."""
    file = write(tmp_path, "a.csv", "time_s,mbps\n10,20\n70,0.5\n72.5,20\n300,99\n")
    duration_s, mbps = read_trace(file)
    assert duration_s.tolist() == [60, 2.5, 227.5]
    assert mbps.tolist() == [20, 0.5, 20]
    assert duration_s.dtype == mbps.dtype == np.float64


def test_a_csv_may_come_from_a_spreadsheet(tmp_path):
    file = write(tmp_path, "A.CSV", b"\xef\xbb\xbftime_s, mbps\r\n0, 1e1\r\n\r\n2 ,3\r\n")
    assert [a.tolist() for a in read_trace(file)] == [[2], [10]]


def test_mahimahi_lines_are_packets_counted_in_one_second_bins(tmp_path):
    # 2 packets by 1,000 ms, none by 2,000, 3 in the half second that ends the trace
    file = write(tmp_path, "lte.down", "1\n1000\n2100\n2100\n2500\n")
    duration_s, mbps = read_trace(file)
    assert duration_s.tolist() == [1, 1, 0.5]
    assert mbps == pytest.approx([0.024, 0, 0.072])


@given(ms=st.lists(st.integers(0, 20_000), min_size=1).map(sorted).filter(lambda ms: ms[-1] > 0))
def test_mahimahi_bins_keep_every_bit_and_the_length(ms, tmp_path_factory):
    file = write(tmp_path_factory.mktemp("mahimahi"), "up", "\n".join(map(str, ms)))
    duration_s, mbps = read_trace(file)
    assert (duration_s > 0).all()
    assert duration_s.sum() == pytest.approx(ms[-1] / 1000)
    assert duration_s @ mbps == pytest.approx(len(ms) * 0.012)


def test_sabre_units_become_seconds_and_megabits(tmp_path):
    """From milliseconds and kilobits."""
    file = write(
        tmp_path,
        "a.json",
        '[{"duration_ms": 1500, "bandwidth_kbps": 800, "latency_ms": 20},\n'
        ' {"duration_ms": 0.5, "bandwidth_kbps": 0}]',
    )
    assert [a.tolist() for a in read_trace(file)] == [[1.5, 0.0005], [0.8, 0]]


def test_folder_is_read_in_order_of_names_without_hidden_files(tmp_path):
    write(tmp_path, "b.csv", "time_s,mbps\n0,2\n1,0\n")
    write(tmp_path, "a", "1\n1000\n")
    write(tmp_path, "c.json", '[{"duration_ms": 3000, "bandwidth_kbps": 3000}]')
    write(tmp_path, ".a.csv.swp", "not a trace")
    (tmp_path / "older").mkdir()
    assert [float(duration_s.sum()) for duration_s, _ in read_traces(tmp_path)] == [1, 1, 3]
    assert [float(mbps[0]) for _, mbps in read_traces(str(tmp_path))] == [0.024, 2, 3]


def test_a_single_file_is_a_list_of_one(tmp_path):
    [(duration_s, mbps)] = read_traces(write(tmp_path, "a.csv", "time_s,mbps\n0,2\n1,0\n"))
    assert (duration_s.tolist(), mbps.tolist()) == ([1], [2])


def test_shipped_made_up_trace_is_five_minutes_with_an_outage():
    [(duration_s, mbps)] = read_traces(ROOT / "conf" / "network" / "traces" / "made_up.csv")
    assert duration_s.sum() == 300
    assert mbps.min() == 0 < mbps.max()


# --- what is refused ------------------------------------------------------------------------------

REFUSED = {
    "a.csv": {
        "": ("line 1: the header is ''", "time_s,mbps"),
        "0,1\n1,1\n": ("line 1: the header is '0,1'", "time_s,mbps"),
        "time_s,kbps\n0,1\n1,1\n": ("line 1: the header is 'time_s,kbps'", "time_s,mbps"),
        "time_s,mbps\n": ("needs two rows",),
        "time_s,mbps\n0,5\n": ("needs two rows", "last row only ends the trace"),
        "time_s,mbps\n0,5\n1\n": ("line 3: '1'", "time_s,mbps"),
        "time_s,mbps\n0,5\n1,5,20\n": ("line 3: '1,5,20'", "time_s,mbps"),
        "time_s,mbps\n0,5\n\n1,abc\n": ("line 4, column mbps: 'abc' is not a number >= 0",),
        "time_s,mbps\n0,5\n1,\n": ("line 3, column mbps: ''", ">= 0"),
        "time_s,mbps\n0,-5\n1,5\n": ("line 2, column mbps: '-5'", ">= 0"),
        "time_s,mbps\n0,nan\n1,5\n": ("line 2, column mbps: 'nan'", ">= 0"),
        "time_s,mbps\n0,1e999\n1,5\n": ("line 2, column mbps: '1e999'", ">= 0"),
        "time_s,mbps\n0,1_000\n1,5\n": ("line 2, column mbps: '1_000'", ">= 0"),
        "time_s,mbps\n-1,5\n1,5\n": ("line 2, column time_s: '-1'", ">= 0"),
        "time_s,mbps\n0,5\n9,5\n\n4,5\n": ("line 5, column time_s: 4 follows 9", "must rise"),
        "time_s,mbps\n0,5\n0,5\n": ("line 3, column time_s: 0 follows 0", "must rise"),
        "time_s,mbps\n0,5\n1e300,5\n": ("1 rates in 1e+300 s", "at most"),
        "time_s,mbps\n0,5\n1e-9,5\n2e-9,5\n": ("2 rates in 2e-09 s", "0.001 s at least"),
        "time_s,mbps\n0,1e300\n1,5\n": ("a rate of 1e+300 Mbps", "at most 1e+06"),
        "time_s,mbps\n0,0\n1,5\n": ("every rate is 0", "above 0"),
    },
    "a.json": {
        "": ("line 1, column 1: not JSON",),
        '[\n{"duration_ms": 1,]': ("line 2, column 19: not JSON",),
        "[" * 100_000: ("not JSON",),
        '[{"duration_ms": ' + "9" * 5000: ("not JSON",),
        "{}": ("not a list of entries", "duration_ms and bandwidth_kbps"),
        "[]": ("not a list of entries", "duration_ms and bandwidth_kbps"),
        "[7]": ("entry 1, key duration_ms: missing",),
        '[{"duration_ms": 1}]': ("entry 1, key bandwidth_kbps: missing",),
        '[{"duration_ms": 0, "bandwidth_kbps": 5}]': ("entry 1, key duration_ms: '0'", "> 0"),
        '[{"duration_ms": true, "bandwidth_kbps": 5}]': ("key duration_ms: 'True'", "> 0"),
        '[{"duration_ms": 1, "bandwidth_kbps": "5"}]': ("key bandwidth_kbps: '5'", ">= 0"),
        '[{"duration_ms": 1, "bandwidth_kbps": null}]': ("bandwidth_kbps: 'None'", ">= 0"),
        '[{"duration_ms": 1, "bandwidth_kbps": NaN}]': ("bandwidth_kbps: 'nan'", ">= 0"),
        '[{"duration_ms": 1' + "0" * 999 + ', "bandwidth_kbps": 5}]': ("'1000000000", "> 0"),
        '[{"duration_ms": 1, "bandwidth_kbps": 5}, {"duration_ms": 1, "bandwidth_kbps": -5}]': (
            "entry 2, key bandwidth_kbps: '-5'",
            ">= 0",
        ),
        '[{"duration_ms": 1e-323, "bandwidth_kbps": 5}]': ("lasts 0 s", "above 0"),
        "[" + ",".join(['{"duration_ms": 1e308, "bandwidth_kbps": 5}'] * 2000) + "]": (
            "lasts inf s",
            "finite",
        ),
        '[{"duration_ms": 1, "bandwidth_kbps": 0}]': ("every rate is 0", "above 0"),
    },
    "a.txt": {
        "": ("empty",),
        "1\n2.5\n": ("line 2, column ms: '2.5' is not a whole number", "1000000000", "Mahimahi"),
        "time_s,mbps\n0,1\n": ("line 1, column ms: 'time_s,mbps'", "neither .csv nor .json"),
        "-1\n5\n": ("line 1, column ms: '-1'", "from 0"),
        "²\n": ("line 1, column ms: '²'", "whole number"),
        "1\n1000000001\n": ("line 2, column ms: '1000000001'", "to 1000000000"),
        "9" * 5000: ("line 1, column ms: '999", "to 1000000000"),
        "1\n\n9\n8\n": ("line 4, column ms: 8 follows 9", "must not fall"),
        "0\n0\n": ("lasts 0 s", "above 0"),
    },
}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        pytest.param(name, content, expected, id=f"{name}-{expected[0][:40]}")
        for name, cases in REFUSED.items()
        for content, expected in cases.items()
    ],
)
def test_bad_trace_is_refused_in_one_sentence(tmp_path, name, content, expected):
    """It says where, and what is allowed."""
    file = write(tmp_path, name, content)
    with pytest.raises(ScenarioError) as refusal:
        read_trace(file)
    sentence = str(refusal.value)
    assert sentence.startswith(str(file))
    assert "\n" not in sentence
    assert len(sentence) < len(str(file)) + 200
    for part in expected:
        assert part in sentence


def test_a_file_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="is not UTF-8 text"):
        read_trace(write(tmp_path, "a.csv", b"\xff\xfe\x00"))


def test_a_missing_file_is_refused_by_its_name(tmp_path):
    with pytest.raises(ScenarioError, match=r"gone\.csv can't be read .* no such file"):
        read_traces(tmp_path / "gone.csv")


def test_a_folder_where_a_file_is_wanted_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="can't be read"):
        read_trace(tmp_path)


def test_a_folder_without_a_trace_is_refused(tmp_path):
    write(tmp_path, ".hidden", "1\n")
    with pytest.raises(ScenarioError, match="holds no trace"):
        read_traces(tmp_path)


def test_one_bad_file_in_a_folder_is_named(tmp_path):
    write(tmp_path, "a.csv", "time_s,mbps\n0,2\n1,0\n")
    write(tmp_path, "b.csv", "time_s,mbps\n0,x\n1,0\n")
    with pytest.raises(ScenarioError, match=r"b\.csv, line 2, column mbps: 'x'"):
        read_traces(tmp_path)


def test_refused_entries_without_a_file_go_by_their_given_name():
    with pytest.raises(ScenarioError, match="log 7, entry 1, key bandwidth_kbps: missing"):
        sabre_trace([{"duration_ms": 1}], "log 7")


# --- real traces ----------------------------------------------------------------------------------


def test_forty_real_4g_logs_are_read_from_a_folder(tmp_path):
    archive = DATA / "net" / "sabre_norway3g_ghent4g.tar.gz"
    if not archive.is_file():
        pytest.skip("no recorded 4G logs: PEAKCAST_DATA names the folder of real inputs")
    (tmp_path / "4Glogs").mkdir()
    with tarfile.open(archive) as tar:  # extractall's filter came with Python 3.11.4
        for log in tar.getmembers():
            if log.name.startswith("4Glogs/") and log.isfile():
                (tmp_path / "4Glogs" / Path(log.name).name).write_bytes(tar.extractfile(log).read())
    traces = read_traces(tmp_path / "4Glogs")
    duration_s, mbps = (np.concatenate(part) for part in zip(*traces, strict=True))
    assert len(traces) == 40
    # van der Hooft et al. 2016: about five hours, a mean of 30 Mbps, 2 % of the time below 1 Mbps
    assert duration_s.sum() / 3600 == pytest.approx(5.01, abs=0.01)
    assert np.average(mbps, weights=duration_s) == pytest.approx(30.2, abs=0.1)
    assert duration_s[mbps < 1].sum() / duration_s.sum() == pytest.approx(0.020, abs=0.001)
