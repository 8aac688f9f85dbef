"""What a run leaves behind, and when it is used again."""

import csv
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from sim import folder as on_disk
from sim.scenario.compose import load_scenario, read_scenario, scenario_hash
from sim.study import Frames

FILES = {
    "breakdown.parquet", "charts/night.svg", "config.yaml", "invoice.csv", "manifest.json",
    "report.html", "report.txt", "results.parquet", "summary.csv", "timeseries.parquet",
}  # fmt: skip


def contents(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def test_every_file_is_there_and_nothing_else(peakcast):
    _, out, _ = peakcast()
    assert set(contents(Path(out[-1]))) == FILES
    assert [p.name for p in Path("outputs").iterdir()] == [Path(out[-1]).name]


def test_the_manifest_says_what_ran(peakcast):
    _, out, _ = peakcast("seed=9")
    manifest = json.loads((Path(out[-1]) / "manifest.json").read_text())
    assert manifest["seed"] == 9
    assert out[-1].endswith(manifest["hash"])
    assert manifest["wall_time_s"] >= 0
    assert {"python", "numpy", "numba", "pandas", "peakcast"} <= set(manifest["versions"])
    assert manifest["command"]
    assert set(manifest["files"]) == FILES - {"manifest.json"}


def test_config_yaml_is_the_validated_scenario(peakcast):
    _, out, _ = peakcast("seed=9", "promotion=flash_join")
    written = read_scenario(Path(out[-1]) / "config.yaml")
    assert written == load_scenario("seed=9", "promotion=flash_join")
    assert out[-1].endswith(scenario_hash(written))


def test_a_finished_folder_is_reused_and_that_is_said(peakcast, study):
    first = peakcast("seed=4")
    code, out, err = peakcast("seed=4", "engine.threads=2")
    assert (code, out) == (0, first[1])
    assert len(study.asked) == 1
    assert "finished and reused (overwrite=true" in err[0]


def test_overwrite_runs_anew(peakcast, study):
    _, out, _ = peakcast("seed=4")
    (Path(out[-1]) / "results.parquet").write_text("old")
    again = peakcast("seed=4", "overwrite=true")
    assert again[1] == out
    assert len(study.asked) == 2
    assert pd.read_parquet(Path(out[-1]) / "results.parquet").size


def test_a_folder_without_the_report_that_is_now_asked_for_runs_anew(peakcast, study):
    peakcast("report.enabled=false")
    _, out, _ = peakcast()
    assert (Path(out[-1]) / "report.html").is_file()
    assert len(study.asked) == 2


@pytest.mark.parametrize("name", ["manifest.json", "results.parquet"])
def test_a_folder_that_lacks_its_manifest_or_a_file_of_it_is_not_finished(peakcast, study, name):
    _, out, _ = peakcast()
    (Path(out[-1]) / name).unlink()
    peakcast()
    assert len(study.asked) == 2
    assert (Path(out[-1]) / name).is_file()


def test_same_content_same_bytes_in_another_folder_with_other_threads(peakcast):
    _, one, _ = peakcast("output_dir=a")
    _, two, _ = peakcast("output_dir=b", "engine.threads=2")
    for name in FILES - {"config.yaml", "manifest.json"}:
        assert (Path(one[-1]) / name).read_bytes() == (Path(two[-1]) / name).read_bytes(), name


def test_numbers_survive_being_written(peakcast):
    _, out, _ = peakcast()
    assert set(pd.read_parquet(Path(out[-1]) / "results.parquet")["value"]) == {0.1 + 0.2}
    summary = pd.read_csv(Path(out[-1]) / "summary.csv")
    assert set(summary["mean"]) == {1 / 3}


FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"]


@pytest.mark.parametrize(
    "table", ["summary", "invoice", "asks", "risk", "costs", "crossings", "ranges"]
)
def test_no_text_of_a_csv_is_a_formula_to_a_spreadsheet(tmp_path, table):
    """A text, whatever it looks like, gets an apostrophe, a number never; Parquet keeps both."""
    rows = pd.DataFrame({"line": [*FORMULAS, "a=b"], "=key": "x", "amount": -5.25, "n": -3})
    mixed = rows.assign(either=pd.Series([-1.5, "-1.5", None, "=", 2, "'="], dtype=object))
    frames = {f.name: pd.DataFrame() for f in fields(Frames)}
    frames |= {table: mixed, "results": rows, "breakdown": rows, "timeseries": rows}
    on_disk.write_tables(Frames(**frames), tmp_path)
    with (tmp_path / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file)
    assert head == ["line", "'=key", "amount", "n", "either"]
    assert [line[0] for line in lines] == [*(f"'{text}" for text in FORMULAS), "a=b"]
    assert {(line[2], line[3]) for line in lines} == {("-5.25", "-3")}
    assert [line[4] for line in lines] == ["-1.5", "'-1.5", "", "'=", "2", "'="]
    assert pd.read_parquet(tmp_path / "results.parquet").equals(rows)


def test_a_failure_while_writing_leaves_the_old_folder_and_no_half_one(tmp_path):
    with on_disk.put_in_place(tmp_path / "run-1") as aside:
        (aside / "manifest.json").write_text("old")
    with pytest.raises(RuntimeError), on_disk.put_in_place(tmp_path / "run-1") as aside:
        (aside / "manifest.json").write_text("new")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["run-1"]
    assert (tmp_path / "run-1" / "manifest.json").read_text() == "old"


def test_another_process_that_was_faster_is_no_error(tmp_path, monkeypatch):
    def rename(path, target):
        target.mkdir()
        (target / "manifest.json").write_text("theirs")
        raise OSError("Directory not empty")

    monkeypatch.setattr(Path, "rename", rename)
    with on_disk.put_in_place(tmp_path / "run-1") as aside:
        (aside / "manifest.json").write_text("ours")
    assert (tmp_path / "run-1" / "manifest.json").read_text() == "theirs"


def test_a_killed_run_leaves_nothing_that_counts_as_finished(tmp_path):
    code = (
        "import os, sys; from tests.app import fakes; "
        "sys.modules.update(fakes.rooms(fakes.FakeStudy())); "
        "sys.modules['sim.report'].write = lambda *_: os.kill(os.getpid(), 9); "
        "from sim.app import command; command(sys.argv[1:])"
    )
    done = subprocess.run([sys.executable, "-c", code, f"output_dir={tmp_path}"], check=False)
    assert done.returncode == -9
    assert list(tmp_path.rglob("results.parquet"))
    assert not list(tmp_path.glob("run-*"))
    assert not list(tmp_path.rglob("manifest.json"))
