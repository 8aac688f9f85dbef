"""Files are looked up beside the file that names them, and a run can be run again anywhere."""

import os
import shutil
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from sim.app import carry_out
from sim.scenario import ScenarioError
from sim.scenario.compose import (
    load_scenario,
    read_scenario,
    resolve_file,
    run_again,
    scenario_hash,
)
from sim.scenario.files import SIM, SOURCES

MINE, OTHER = "time_s,viewers\n0,10\n600,100\n", "time_s,viewers\n0,10\n600,20\n"
ONE = ("vendors=[budget]", "report.enabled=false")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder of configuration, and another to stand in with another file of the same name."""
    ours = tmp_path / "it's ${ours}"
    for group in ("promotion", "network", "experiment"):
        (ours / group).mkdir(parents=True)
    (ours / "promotion/ours.yaml").write_text("defaults: [replay, _self_]\nfile: curve.csv\n")
    (ours / "promotion/by_name.yaml").write_text(
        "defaults: [replay, _self_]\nname: curve\nfile: ${promotion.name}.csv\n"
    )
    (ours / "promotion/shipped.yaml").write_text("defaults: [replay, _self_]\nfile: made_up\n")
    (ours / "promotion/lost.yaml").write_text("defaults: [replay, _self_]\nfile: lost.csv\n")
    (ours / "promotion/curve.csv").write_text(MINE)
    (ours / "network/ours.yaml").write_text("defaults: [replay, _self_]\ntraces: ../traces\n")
    (ours / "traces").mkdir()
    for name in ("a.csv", "b.csv", ".hidden"):
        (ours / "traces" / name).write_text("time_s,mbps\n0,1\n60,2\n")
    (ours / "experiment/ours.yaml").write_text(
        "# @package _global_\ndefaults: [{override /promotion: replay}]\n"
        "promotion: {file: ../promotion/curve.csv}\n"
    )
    here = tmp_path / "here"
    here.mkdir()
    for name in ("curve.csv", "lost.csv"):
        (here / name).write_text(OTHER)
    monkeypatch.chdir(here)
    return ours


@pytest.mark.parametrize("choice", ["promotion=ours", "experiment=ours", "promotion=by_name"])
def test_a_file_is_looked_up_beside_the_file_that_names_it(places, choice):
    scenario = load_scenario(choice, "vendors=[budget]", config_dir=places)
    assert resolve_file("promotion.file", scenario.promotion.file).read_text() == MINE


def test_on_the_command_line_it_is_looked_up_where_one_stands(places):
    given = ("promotion=ours", "promotion.file=curve.csv", "vendors=[budget]")
    scenario = load_scenario(*given, config_dir=places)
    assert resolve_file("promotion.file", scenario.promotion.file).read_text() == OTHER


def test_a_bare_name_is_shipped_wherever_it_is_written(places):
    scenario = load_scenario("promotion=shipped", "vendors=[budget]", config_dir=places)
    assert scenario.promotion.file == "made_up"


def test_another_file_of_that_name_is_never_taken(places):
    with pytest.raises(ScenarioError, match=r"promotion/lost.csv', which is not there"):
        load_scenario("promotion=lost", "vendors=[budget]", config_dir=places)


@pytest.mark.usefixtures("study")
def test_a_run_can_be_run_again_anywhere(places, tmp_path):
    given = ("promotion=ours", "network=ours", *ONE)
    scenario = load_scenario(*given, config_dir=places)
    folder = carry_out(scenario, tmp_path / "first")
    named = OmegaConf.load(folder / "config.yaml")
    assert named.promotion.file == "inputs/curve.csv"
    assert named.network.traces == "inputs/traces"
    copies = {p.relative_to(folder / "inputs").as_posix() for p in (folder / "inputs").rglob("*")}
    assert copies == {"curve.csv", "traces", "traces/a.csv", "traces/b.csv"}
    moved = tmp_path / "far away" / "copy"
    shutil.copytree(folder, moved)
    shutil.rmtree(folder)
    shutil.rmtree(places)
    again = run_again(Path(os.path.relpath(moved)), [])
    assert scenario_hash(again) == folder.name.removeprefix("run-")
    assert again.output_dir == "outputs"
    second = carry_out(again, tmp_path / "second")
    for file in (p.relative_to(moved) for p in moved.rglob("*") if p.suffix in (".csv", ".yaml")):
        if file.name != "config.yaml":
            assert (second / file).read_bytes() == (moved / file).read_bytes(), file
    there = named.copy()
    there.output_dir = "outputs"
    assert OmegaConf.load(second / "config.yaml") == there
    assert read_scenario(moved / "config.yaml").promotion == again.promotion


@pytest.mark.usefixtures("study")
def test_two_files_of_one_name_are_both_kept(places, tmp_path):
    (places / "traces" / "curve.csv").write_text("time_s,mbps\n0,1\n60,3\n")
    shutil.copytree(places / "traces", "traces")
    (Path("other")).mkdir()
    shutil.copy(places / "promotion/curve.csv", "other/curve.csv")
    files = ("promotion.file=other/curve.csv", "network.traces=traces/curve.csv")
    scenario = load_scenario("promotion=replay", "network=replay", *files, *ONE)
    folder = carry_out(scenario, tmp_path / "o")
    again = run_again(folder, [])
    assert resolve_file("promotion.file", again.promotion.file).read_text() == MINE
    assert "mbps" in resolve_file("network.traces", again.network.traces).read_text()


@pytest.mark.usefixtures("places")
def test_where_a_file_lies_and_its_name_are_no_part_of_the_hash():
    one = load_scenario("promotion=replay", "promotion.file=curve.csv", "vendors=[budget]")
    Path("same.csv").write_text(OTHER)
    two = load_scenario("promotion=replay", "promotion.file=./same.csv", "vendors=[budget]")
    assert scenario_hash(one) == scenario_hash(two)


def test_rerun_from_the_command_line(peakcast, study):
    _, out, _ = peakcast(*ONE, "seed=3", "output_dir=first")
    code, again, _ = peakcast(f"rerun={out[-1]}")
    assert code == 0
    assert again[-1] == f"outputs/{Path(out[-1]).name}"
    code, other, _ = peakcast(f"rerun={out[-1]}", "seed=4", "output_dir=二", "overwrite=true")
    assert (code, Path(other[-1]).parent.name) == (0, "二")
    assert [s.seed for s in study.asked] == [3, 3, 4]
    refused = {
        "promotion=flash_join": "can't stand beside rerun=",
        "seed=1,2": "can't stand beside rerun=",
        "~seed": "can't stand beside rerun=",
        "hydra.launcher.n_jobs=2": "can't stand beside rerun=",
        "bands.draws=${replications}": "can't stand beside rerun=",
        "-m": "can't stand beside rerun=",
        "sed=1": "did you mean seed?",
        "seed=-1": "seed is -1",
        f"rerun={out[-1]}": "it must be there once",
    }
    for argument, words in refused.items():
        code, said, err = peakcast(f"rerun={out[-1]}", argument)
        assert (code, said, len(err)) == (2, [], 1), argument
        assert words in err[0]
    (Path(out[-1]) / "config.yaml").write_text("seed: 5\n")
    unfinished = "which is no finished run"
    for folder, words in {
        out[-1]: unfinished, "nowhere": "which is no folder", "first": unfinished, "": unfinished,
    }.items():  # fmt: skip
        code, said, err = peakcast(f"rerun={folder}")
        assert (code, said, len(err)) == (2, [], 1), folder
        assert words in err[0]


def test_an_edited_message_or_template_never_finds_an_old_page():
    files = [file for file in SIM.rglob("*.*") if "__pycache__" not in file.parts]
    shown = {file.suffix for file in files if {"catalogue", "report"} & set(file.parts)}
    assert shown == set(SOURCES)
