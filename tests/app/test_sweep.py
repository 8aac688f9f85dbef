"""Sweeps: one folder, one run a point, gathered tables, and nothing lost, mixed or done twice."""

import json
from pathlib import Path

import pandas as pd

from sim.folder import GATHERED, gather, write_tables
from sim.study import Frames

ONE = "vendors=[budget]"
PEAKS = "promotion.peak_viewers=20000,9000"
FOUR = ("-m", PEAKS, "network=mobile,home", "vendors=[agora,budget]")


def points(folder):
    return [json.loads(p.read_text()) for p in Path(folder).glob("point-*.json")]


def test_each_point_has_a_run_a_note_and_its_rows_in_the_tables(peakcast, study):
    code, out, err = peakcast(*FOUR)
    assert code == 0
    assert out == [str(Path(out[0]))]
    assert Path(out[0]).name.startswith("sweep-")
    assert len(study.asked) == 4
    runs = {p.name for p in Path(out[0]).glob("run-*")}
    assert {p["folder"] for p in points(out[0])} == runs
    assert len(runs) == 4
    assert ["promotion.peak_viewers=9000", "network=home", "vendors=[agora,budget]"] in [
        p["overrides"] for p in points(out[0])
    ]
    assert len(err) == 4
    _gathered_and_sorted_with_what_was_swept_in_front(out)


def _gathered_and_sorted_with_what_was_swept_in_front(out):
    for name in ("results", "breakdown", "timeseries"):
        table = pd.read_parquet(Path(out[-1]) / f"{name}.parquet")
        swept = ["network"] * (name == "timeseries") + ["promotion.peak_viewers"]
        assert list(table.columns[: len(swept)]) == swept
        assert list(table["promotion.peak_viewers"]) == [9000, 9000, 20000, 20000] * 2
        assert list(table["network"]) == ["home"] * 4 + ["mobile"] * 4
    summary = pd.read_csv(Path(out[-1]) / "summary.csv")
    assert set(summary["mean"]) == {1 / 3}
    assert list(summary.columns).count("network") == 1
    assert len(summary) == 8


def test_a_swept_key_that_the_table_tells_otherwise(peakcast):
    """Two vendor lists: `vendors` is no column of the table, and becomes one."""
    _, out, _ = peakcast("-m", "vendors=[budget],[hybrid,budget]")
    table = pd.read_parquet(Path(out[-1]) / "results.parquet")
    assert set(table["vendors"]) == {"[budget]", "[hybrid,budget]"}


def test_gathered_texts_are_no_formulas_and_numbers_stay_numbers(tmp_path):
    """What is swept too, its key and its values; what a run wrote is not written twice."""
    names, points = ("=A1", "-x"), []
    for k, name in enumerate(names):
        run = tmp_path / f"run-{k}"
        run.mkdir()
        table = pd.DataFrame({"promotion": [name, name], "value": [-0.25, 1 / 3]})
        write_tables(Frames(dict.fromkeys(GATHERED, table), {}, {f: f for f in GATHERED}), run)
        swept = {"promotion": name, "+level": -1.5, "@other": f"+{k}"}
        points.append({"folder": run.name, "swept": swept})
    gather(tmp_path, points)
    text = pd.read_csv(tmp_path / "summary.csv", dtype=str)
    assert list(text.columns) == ["'+level", "'@other", "promotion", "value"]
    assert list(text["promotion"]) == ["'=A1", "'=A1", "'-x", "'-x"]
    assert list(text["'@other"]) == ["'+0", "'+0", "'+1", "'+1"]
    assert set(text["'+level"]) == {"-1.5"} and set(text["value"]) == {"-0.25", str(1 / 3)}
    results = pd.read_parquet(tmp_path / "results.parquet")
    assert list(results.columns) == ["+level", "@other", "promotion", "value"]
    assert set(results["promotion"]) == set(names) and set(results["@other"]) == {"+0", "+1"}


def test_a_column_that_says_something_else_is_not_overwritten():
    from sim.folder import _with_swept

    table = pd.DataFrame({"network": ["wifi"], "value": [1.0]})
    assert dict(_with_swept(table, {"network": "mine"}).iloc[0]) == {
        "swept.network": "mine", "network": "wifi", "value": 1.0,
    }  # fmt: skip


def test_the_same_command_does_nothing_twice_unless_told_to(peakcast, study):
    """In whatever order its options and overrides stand, on however many threads."""
    first = peakcast("-m", ONE, PEAKS, "replications=1")
    before = (Path(first[1][-1]) / "results.parquet").read_bytes()
    again = peakcast("replications=1", ONE, PEAKS, "engine.threads=2", "--multirun")
    assert (again[:2], len(study.asked)) == (first[:2], 2)
    assert (Path(first[1][-1]) / "results.parquet").read_bytes() == before
    assert len(points(first[1][-1])) == 2
    anew = peakcast(ONE, "-m", PEAKS, "replications=1", "overwrite=true")
    assert (anew[1], len(study.asked)) == (first[1], 4)
    assert len(points(first[1][-1])) == 2


def test_a_refused_and_a_failed_point_are_listed(peakcast, study):
    """The others are kept, and the same command does the failed one again."""

    def fail(scenario):
        if scenario.seed == 2:
            raise ZeroDivisionError("a bug")

    study.fail = fail
    sweep = ("-m", ONE, "seed=1,2,-3")
    code, out, err = peakcast(*sweep)
    assert code == 1
    assert err[-3] == "peakcast: 2 of 3 points failed:"
    assert set(err[-2:]) == {
        f"  {ONE} seed=2: ZeroDivisionError: a bug",
        f"  {ONE} seed=-3: seed is -3: it must be at least 0",
    }
    table = pd.read_parquet(Path(out[-1]) / "results.parquet")
    assert set(table["seed"]) == {1}
    assert "swept.seed" not in table
    failed = next(p for p in points(out[-1]) if p["code"] == 1)
    assert "ZeroDivisionError" in failed["trace"]
    study.fail = lambda _: None
    code, out, err = peakcast(*sweep)
    assert (code, err[-2]) == (1, "peakcast: 1 of 3 points failed:")
    assert [s.seed for s in study.asked] == [1, 2, 2]
    assert set(pd.read_parquet(Path(out[-1]) / "results.parquet")["seed"]) == {1, 2}


def test_a_stopped_sweep_goes_on_where_it_stopped(peakcast, study):
    """With a point that had failed until then."""

    def stop(scenario):
        if scenario.seed == 2:
            raise ZeroDivisionError
        if scenario.seed == 3:
            raise KeyboardInterrupt

    study.fail = stop
    sweep = ("-m", ONE, "seed=1,2,3,4")
    assert peakcast(*sweep)[0] == 130
    study.fail = lambda _: None
    code, out, _ = peakcast(*sweep)
    assert code == 0
    assert [s.seed for s in study.asked] == [1, 2, 3, 2, 3, 4]
    assert set(pd.read_parquet(Path(out[-1]) / "results.parquet")["seed"]) == {1, 2, 3, 4}


def test_all_points_refused_still_end_with_the_folder(peakcast):
    code, out, _ = peakcast("-m", ONE, "seed=-1,-2")
    assert code == 1
    assert len(points(out[-1])) == 2


def test_experiments_and_chinese_values_can_be_swept(peakcast, study):
    for name in ("一.csv", "二.csv"):
        Path(name).write_text("time_s,viewers\n0,1\n60,2\n")
    assert peakcast("-m", "experiment=festival,just_enough")[0] == 0
    assert [len(s.vendors) for s in study.asked] == [1, 2]
    code, out, _ = peakcast("-m", ONE, "promotion=replay", "promotion.file=一.csv,二.csv")
    assert code == 0
    table = pd.read_parquet(Path(out[-1]) / "results.parquet")
    assert list(table["promotion.file"].unique()) == ["一.csv", "二.csv"]
