"""What a run leaves behind, and when it is used again."""

import csv
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from sim import folder as on_disk
from sim.app import carry_out
from sim.scenario.compose import load_scenario, read_scenario, scenario_hash
from sim.study import Frames
from sim.study.tables import TABLES
from tests.app.fakes import FakeStudy, rooms

FILES = {
    "breakdown.parquet", "charts/night.svg", "config.yaml", "invoice.csv", "manifest.json",
    "report.html", "report.txt", "results.parquet", "summary.csv", "timeseries.parquet",
}  # fmt: skip


def contents(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


GIVEN = ("vendors=[budget]", "seed=9", "promotion=flash_join")


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(*GIVEN)


@pytest.fixture(scope="module")
def finished(scenario, tmp_path_factory):
    """A folder that the tests below only read."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in rooms(FakeStudy()).items():
            patch.setitem(sys.modules, name, module)
        return carry_out(scenario, tmp_path_factory.mktemp("finished"))


def test_every_file_is_there_and_nothing_else(finished):
    assert set(contents(finished)) == FILES
    assert list(finished.parent.iterdir()) == [finished]


def test_the_manifest_says_what_ran(finished):
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["seed"] == 9
    assert finished.name.endswith(manifest["hash"])
    assert manifest["wall_time_s"] >= 0
    assert {"python", "numpy", "numba", "pandas", "peakcast"} <= set(manifest["versions"])
    assert manifest["command"]
    assert set(manifest["files"]) == FILES - {"manifest.json"}


def test_config_yaml_is_the_validated_scenario(finished, scenario):
    written = read_scenario(finished / "config.yaml")
    assert written == scenario
    assert finished.name.endswith(scenario_hash(written))


def test_a_finished_folder_is_reused_or_run_anew_with_overwrite(peakcast, study, finished):
    """It is named as that of Python is, and alone: Hydra makes none."""
    first = peakcast(*GIVEN)
    assert first[1][-1] == f"outputs/{finished.name}"
    code, out, err = peakcast(*GIVEN, "engine.threads=2")
    assert (code, out) == (0, first[1])
    assert len(study.asked) == 1
    assert "finished and reused (overwrite=true" in err[0]
    (Path(out[-1]) / "results.parquet").write_text("old")
    again = peakcast(*GIVEN, "overwrite=true")
    assert again[1] == out
    assert len(study.asked) == 2
    assert set(contents(Path(out[-1]))) == FILES
    assert pd.read_parquet(Path(out[-1]) / "results.parquet").size
    (folder,) = (p for p in Path("outputs").iterdir() if "damaged" not in p.name)
    assert folder.name == finished.name


def test_a_folder_without_the_report_that_is_now_asked_for(study, scenario, tmp_path):
    """It is run anew."""
    off = scenario.report.model_copy(update={"enabled": False})
    folder = carry_out(scenario.model_copy(update={"report": off}), tmp_path)
    assert not (folder / "report.html").exists()
    assert carry_out(scenario, tmp_path) == folder
    assert (folder / "report.html").is_file()
    assert len(study.asked) == 2


@pytest.mark.usefixtures("study")
def test_same_content_same_bytes_in_another_place(finished, tmp_path):
    """With other threads too."""
    two = carry_out(load_scenario(*GIVEN, "engine.threads=1", "output_dir=b"), tmp_path)
    for name in FILES - {"config.yaml", "manifest.json"}:
        assert (finished / name).read_bytes() == (two / name).read_bytes(), name


def test_numbers_survive_being_written(finished):
    assert set(pd.read_parquet(finished / "results.parquet")["value"]) == {0.1 + 0.2}
    assert set(pd.read_csv(finished / "summary.csv")["mean"]) == {1 / 3}


FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"]


CSV = [table for table in TABLES if table.file.endswith(".csv")]


@pytest.mark.parametrize("table", CSV, ids=lambda table: table.name)
def test_no_text_of_a_csv_is_a_formula_to_a_spreadsheet(tmp_path, table):
    """A text, whatever it looks like, gets an apostrophe, a number never; Parquet keeps both."""
    rows = pd.DataFrame({"line": [*FORMULAS, "a=b"], "=key": "x", "amount": -5.25, "n": -3})
    mixed = rows.assign(either=pd.Series([-1.5, "-1.5", None, "=", 2, "'="], dtype=object))
    files = {table.name: table.file, "results": "results.parquet"}
    on_disk.write_tables(Frames({table.name: mixed, "results": rows}, {}, files), tmp_path)
    with (tmp_path / table.file).open(encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file)
    assert head == ["line", "'=key", "amount", "n", "either"]
    assert [line[0] for line in lines] == [*(f"'{text}" for text in FORMULAS), "a=b"]
    assert {(line[2], line[3]) for line in lines} == {("-5.25", "-3")}
    assert [line[4] for line in lines] == ["-1.5", "'-1.5", "", "'=", "2", "'="]
    assert pd.read_parquet(tmp_path / "results.parquet").equals(rows)


def test_failed_writing_leaves_the_old_folder_and_no_half_one(tmp_path):
    with on_disk.put_in_place(tmp_path / "run-1") as aside:
        (aside / "manifest.json").write_text("old")

    def fail():
        with on_disk.put_in_place(tmp_path / "run-1") as aside:
            (aside / "manifest.json").write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["run-1"]
    assert (tmp_path / "run-1" / "manifest.json").read_text() == "old"


def test_another_process_that_was_faster_is_no_error(tmp_path, monkeypatch):
    def rename(_, target):
        target.mkdir()
        (target / "manifest.json").write_text("theirs")
        raise OSError("Directory not empty")

    monkeypatch.setattr(Path, "rename", rename)
    with on_disk.put_in_place(tmp_path / "run-1") as aside:
        (aside / "manifest.json").write_text("ours")
    assert (tmp_path / "run-1" / "manifest.json").read_text() == "theirs"
