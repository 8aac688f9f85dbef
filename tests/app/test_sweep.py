"""Sweeps: one folder, one run a point, gathered tables, and nothing lost, mixed or done twice."""

import json
from dataclasses import fields
from pathlib import Path

import pandas as pd

from sim.folder import gather, write_tables
from sim.study import Frames

TABLES = ("results", "breakdown", "timeseries", "summary")

TWO = ("-m", "promotion.peak_viewers=20000,9000")
FOUR = (*TWO, "network=mobile,home", "vendors=[agora,budget]")


def points(folder):
    return [json.loads(p.read_text()) for p in Path(folder).glob("point-*.json")]


def test_a_run_and_a_note_for_each_point_and_the_folder_last(peakcast, study):
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


def test_the_tables_are_gathered_and_sorted_with_what_was_swept_in_front(peakcast):
    _, out, _ = peakcast(*FOUR)
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


def test_a_swept_key_that_the_table_tells_otherwise_keeps_its_own_column(peakcast):
    """Two vendor lists, two shops: `vendors` is no column; `commerce` neither."""
    _, out, _ = peakcast("-m", "vendors=[agora],[agora,budget]", "seed=1,2")
    table = pd.read_parquet(Path(out[-1]) / "results.parquet")
    assert set(table["vendors"]) == {"[agora]", "[agora,budget]"}
    assert "swept.seed" not in table


def test_gathered_texts_are_no_formulas_and_numbers_stay_numbers(tmp_path):
    """What is swept too, its key and its values; what a run wrote is not written twice."""
    names, points = ("=A1", "-x"), []
    for k, name in enumerate(names):
        run = tmp_path / f"run-{k}"
        run.mkdir()
        table = pd.DataFrame({"promotion": [name, name], "value": [-0.25, 1 / 3]})
        empty = {f.name: pd.DataFrame() for f in fields(Frames)}
        write_tables(Frames(**empty | dict.fromkeys(TABLES, table)), run)
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


def test_a_column_that_says_something_else_is_not_overwritten(tmp_path):
    from sim.folder import _with_swept

    table = pd.DataFrame({"network": ["wifi"], "value": [1.0]})
    assert dict(_with_swept(table, {"network": "mine"}).iloc[0]) == {
        "swept.network": "mine", "network": "wifi", "value": 1.0,
    }  # fmt: skip


def test_the_same_command_resumes_and_does_nothing_twice(peakcast, study):
    first = peakcast(*TWO)
    before = (Path(first[1][-1]) / "results.parquet").read_bytes()
    again = peakcast(*TWO)
    assert again[:2] == first[:2]
    assert len(study.asked) == 2
    assert (Path(first[1][-1]) / "results.parquet").read_bytes() == before


def test_the_order_of_arguments_threads_and_place_of_options_do_not_matter(peakcast, study):
    first = peakcast(*TWO, "replications=1")
    again = peakcast("replications=1", TWO[1], "engine.threads=2", "--multirun")
    assert again[1] == first[1]
    assert len(study.asked) == 2
    assert len(points(first[1][-1])) == 2


def test_overwrite_runs_every_point_anew_in_the_same_folder(peakcast, study):
    first = peakcast(*TWO)
    again = peakcast(*TWO, "overwrite=true")
    assert again[1] == first[1]
    assert len(study.asked) == 4
    assert len(points(first[1][-1])) == 2


def test_a_refused_and_a_failed_point_are_listed_and_the_others_are_kept(peakcast, study):
    def fail(scenario):
        if scenario.seed == 2:
            raise ZeroDivisionError("a bug")

    study.fail = fail
    code, out, err = peakcast("-m", "seed=1,2,-3", "replications=1")
    assert code == 1
    assert err[-3] == "peakcast: 2 of 3 points failed:"
    assert set(err[-2:]) == {
        "  seed=2 replications=1: ZeroDivisionError: a bug",
        "  seed=-3 replications=1: seed is -3: it must be at least 0",
    }
    assert set(pd.read_parquet(Path(out[-1]) / "results.parquet")["seed"]) == {1}
    failed = next(p for p in points(out[-1]) if p["code"] == 1)
    assert "ZeroDivisionError" in failed["trace"]


def test_a_failed_point_is_done_again_by_the_same_command(peakcast, study):
    def fail(scenario):
        if scenario.seed == 2:
            raise ZeroDivisionError

    study.fail = fail
    assert peakcast("-m", "seed=1,2")[0] == 1
    study.fail = lambda scenario: None
    code, out, _ = peakcast("-m", "seed=1,2")
    assert code == 0
    assert [s.seed for s in study.asked] == [1, 2, 2]
    assert set(pd.read_parquet(Path(out[-1]) / "results.parquet")["seed"]) == {1, 2}


def test_a_stopped_sweep_goes_on_where_it_stopped(peakcast, study):
    def stop(scenario):
        if scenario.seed == 2:
            raise KeyboardInterrupt

    study.fail = stop
    assert peakcast("-m", "seed=1,2,3")[0] == 130
    study.fail = lambda scenario: None
    assert peakcast("-m", "seed=1,2,3")[0] == 0
    assert [s.seed for s in study.asked] == [1, 2, 2, 3]


def test_all_points_refused_still_end_with_the_folder(peakcast):
    code, out, _ = peakcast("-m", "seed=-1,-2")
    assert code == 1
    assert len(points(out[-1])) == 2


def test_experiments_can_be_swept(peakcast, study):
    assert peakcast("-m", "experiment=none,just_enough")[0] == 0
    assert [len(s.vendors) for s in study.asked] == [8, 2]


def test_chinese_values_can_be_swept(peakcast, study):
    for name in ("一.csv", "二.csv"):
        Path(name).write_text("time_s,viewers\n0,1\n60,2\n")
    code, out, _ = peakcast("-m", "promotion=replay", "promotion.file=一.csv,二.csv")
    assert code == 0
    table = pd.read_parquet(Path(out[-1]) / "results.parquet")
    assert list(table["promotion.file"].unique()) == ["一.csv", "二.csv"]
