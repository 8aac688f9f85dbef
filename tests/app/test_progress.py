"""Progress is said late, seldom and on standard error."""

import pytest

from sim import app


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(app, "monotonic", lambda: now[0])
    return now


@pytest.mark.usefixtures("clock")
def test_a_quick_run_says_nothing(capsys):
    with app.Progress() as progress:
        progress(0, 2)
        progress(2, 2)
    assert capsys.readouterr() == ("", "")


def test_points_and_time_left_at_most_every_ten_seconds(clock, capsys):
    with app.Progress() as progress:
        for done in range(1, 31):
            clock[0] += 1
            progress(done, 30)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "peakcast: 3 of 30 points, about 27 s left",
        "peakcast: 13 of 30 points, about 17 s left",
        "peakcast: 23 of 30 points, about 7 s left",
    ]


def test_the_first_of_many_points_says_nothing_of_the_others(clock, capsys):
    with app.Progress() as progress:
        for done, now in ((1, 20), (5, 30)):
            clock[0] = now
            progress(done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "peakcast: 1 of 100 points",
        "peakcast: 5 of 100 points, about 570 s left",
    ]


def test_compiling_is_said_while_the_first_point_runs(monkeypatch, capsys):
    monkeypatch.setattr(app.Progress, "QUIET_S", 0.01)
    with app.Progress() as progress:
        progress._first.join()
    assert capsys.readouterr().err == "peakcast: compiling, once\n"


def test_a_terminal_has_one_line_that_is_written_over(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with app.Progress() as progress:
        for done in (1, 2):
            clock[0] += 5
            progress(done, 2)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.count("\r\x1b[Kpeakcast: ") == 2
