"""One night from the command line: what is said where, and the exit code."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.app import command
from sim.catalogue.message import Message

ONE = "vendors=[budget]"


def test_the_answer_stands_first_then_the_report_then_the_folder(peakcast):
    before = list(sys.argv)
    code, out, err = peakcast(ONE, "seed=3")
    assert (code, err) == (0, [])
    folder = Path(out[-1])
    assert folder.parent == Path("outputs")
    assert folder.name.startswith("run-")
    assert out[-2] == f"report: {folder / 'report.html'}"
    assert out[:-2] == ["Agora costs you least", ""]
    assert peakcast(ONE, "seed=3")[:2] == (0, out)  # also when the run is reused
    assert sys.argv == before


def test_without_a_report_there_is_no_such_line(peakcast):
    _, out, _ = peakcast(ONE, "report.enabled=false")
    assert len(out) == 1
    assert not (Path(out[-1]) / "report.html").exists()


def test_what_the_script_cannot_do_is_said_once(peakcast, study):
    """In the text of the report; where that isn't shown, on standard error."""
    study.warnings = [[Message("warning-may-leave", {})]]
    assert peakcast(ONE, "seed=3")[2] == []
    told = "peakcast: promotion.mass_exit lets people leave together."
    assert told in peakcast(ONE, "report.enabled=false")[2]
    assert told in peakcast("-m", ONE, "seed=3,4")[2]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([ONE, "sed=7"], "did you mean seed?"),
        (["vendors=[zoom]"], "allowed are agora, alibaba_artc"),
        (["vendors.agora.limits.sessions=-1"], "vendors.agora.limits.sessions: -1 is not"),
        (["vendors=[agora]", "vendors.budget.limits.sessions=1"], "half a vendor"),
        (["seed=[1"], "'seed=[1' is not understood"),
        (["quick"], "an argument is key=value"),
        ([ONE, "promotion=replay", "promotion.file=没有.csv"], "promotion.file is '没有.csv'"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["--config-dir"], "--config-dir"),
        (["--config-dir", "nowhere"], "it must be a folder"),
        (["--cfg", "everything"], "--cfg"),
        (["-m", "--cfg", "job"], "not allowed with"),
        (["--config-path", "."], "unrecognized arguments"),
        (["-m", "vendors=[agora],[zoom]"], "vendors is 'zoom'"),
        (["-m", ONE, "sed=1,2"], "did you mean seed?"),
        ([ONE, "hydra/launcher=nowhere"], "nowhere"),
        (["-m", "~hydra.callbacks.sweep", "seed=1,2"], "hydra.callbacks.sweep is Hydra's own"),
        (["-m", "hydra.launcher._target_=os.system", "seed=1"], "launcher._target_ is Hydra's own"),
        (["--config-dir", "~nosuchuser/c"], "--config-dir: '~nosuchuser/c': there is no home"),
        ([ONE, "output_dir=~nosuchuser/x"], "output_dir: '~nosuchuser/x': there is no home"),
        (
            ["-m", ONE, "output_dir=~nosuchuser/x", "seed=1,2"],
            "there is no home folder of that name",
        ),
        (["-m", ONE, "output_dir=/proc", "seed=1,2"], "no such file or directory"),
        ([ONE, "output_dir=/proc"], "output_dir is '/proc': it must be a folder one can write to"),
        (["seed=" + "[" * 3000], "nests brackets 3000 deep: at most 20"),
        (["promotion.name=a\udcff"], "is not UTF-8 text"),
        (["promotion.file=双11,12.csv"], "write \"promotion.file='双11,12.csv'\" for text with a"),
    ],
)
def test_wrong_configuration_is_told_in_one_sentence(peakcast, study, argv, words):
    """Code 2, nothing on standard output, nothing computed and no folder."""
    code, out, err = peakcast(*argv)
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("peakcast: ")
    assert words in err[0]
    assert study.asked == []
    assert not any(p for p in Path("outputs").glob("*"))


def test_wrong_input_found_late_is_told_in_one_sentence(peakcast, study):
    """Found only while running, it is code 2 without a folder too."""
    from sim.scenario import ScenarioError

    def fail(_):
        raise ScenarioError("curve.csv, line 3, column viewers: 'x' is not a number")

    study.fail = fail
    code, out, err = peakcast(ONE)
    assert (code, out, len(err)) == (2, [], 1)
    assert not Path("outputs").exists()


@pytest.mark.parametrize(
    "argv", [[ONE, "output_dir=a/b"], ["-m", ONE, "output_dir=a/b", "seed=1,2"]]
)
def test_impossible_output_dir_is_refused_before_the_work(peakcast, study, argv):
    Path("a").write_text("a file")
    code, out, err = peakcast(*argv)
    assert (code, out, len(err)) == (2, [], 1)
    assert "a/b" in err[0]
    assert study.asked == []


@pytest.mark.parametrize("what", ["a file", "a link"])
def test_something_else_where_the_folder_of_the_run_goes(peakcast, study, what):
    """It stays, and the work isn't begun."""
    _, out, _ = peakcast(ONE, "seed=3")
    folder = Path(out[-1])
    shutil.rmtree(folder)
    folder.write_text("mine") if what == "a file" else folder.symlink_to("nowhere")
    code, out, err = peakcast(ONE, "seed=3")
    assert (code, out, len(err)) == (2, [], 1)
    assert f"{folder} is {what}, where the folder of this run goes" in err[0]
    assert len(study.asked) == 1
    assert list(Path("outputs").iterdir()) == [folder]


@pytest.mark.parametrize("options", [[], ["-m"]])
def test_the_output_dir_may_be_in_the_home_folder(peakcast, monkeypatch, tmp_path, options):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    code, out, _ = peakcast(*options, ONE, "output_dir=~/out", "seed=1")
    assert code == 0
    assert Path(out[-1]).parent == tmp_path / "home" / "out"
    assert not Path("~").exists()


def test_a_received_folder_is_judged_before_anything_in_it_runs(peakcast, study):
    Path("c/experiment").mkdir(parents=True)
    Path("c/experiment/evil.yaml").write_text(
        "# @package _global_\n"
        "hydra: {callbacks: {x: {_target_: builtins.open, file: made, mode: w}}}\n"
    )
    for options in ([], ["-m"], ["--cfg", "hydra"]):
        code, out, err = peakcast(*options, "--config-dir", "c", "experiment=evil", "seed=1")
        assert (code, out, len(err)) == (2, [], 1)
        assert "c/experiment/evil.yaml, line 2: the key hydra is not allowed here" in err[0]
    assert study.asked == []
    assert not Path("made").exists()


@pytest.mark.usefixtures("peakcast")
def test_an_error_of_the_answer_is_not_one_of_the_configuration():
    """What the task raises leaves as it is: a full disk is no wrong key."""
    from sim.scenario import command as commands

    def full(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        commands.each_point([ONE, "seed=1"], full)


def test_a_bug_is_told_with_its_trace_and_code_1(peakcast, study):
    def fail(_):
        raise ZeroDivisionError("a bug")

    study.fail = fail
    code, out, err = peakcast(ONE)
    assert (code, out) == (1, [])
    assert err[0] == "peakcast: Traceback (most recent call last):"
    assert err[-1] == "ZeroDivisionError: a bug"
    assert not Path("outputs").exists()


def test_a_stop_by_the_keyboard_is_no_traceback(peakcast, study):
    def fail(_):
        raise KeyboardInterrupt

    study.fail = fail
    code, out, err = peakcast(ONE)
    assert (code, out, len(err)) == (130, [], 1)
    assert "the same command goes on" in err[0]


def test_a_vendor_from_a_folder_of_ones_own(peakcast, study):
    Path("my_conf/vendors").mkdir(parents=True)
    Path("my_conf/vendors/ours.yaml").write_text(
        "# @package vendors.ours\ndefaults: [agora@_here_, _self_]\nname: Ours\n"
    )
    assert peakcast("--config-dir", "my_conf", "vendors=[ours,budget]")[0] == 0
    assert list(study.asked[0].vendors) == ["ours", "budget"]


def test_a_shadowed_name_is_refused_before_hydra_composes(peakcast):
    Path("my_conf/vendors").mkdir(parents=True)
    Path("my_conf/vendors/budget.yaml").write_text("# @package vendors.budget\n")
    code, _, err = peakcast("--config-dir=my_conf", "vendors=[budget]")
    assert code == 2
    assert "has the name of the shipped conf/vendors/budget.yaml" in err[0]


def test_values_with_chinese_characters_need_no_quotes(peakcast, study):
    Path("曲线 一.csv").write_text("time_s,viewers\n0,1\n60,2\n")
    assert (
        peakcast(ONE, "promotion=replay", "promotion.file=曲线 一.csv", "output_dir=结果")[0] == 0
    )
    assert study.asked[0].promotion.file == "曲线 一.csv"
    assert list(Path("结果").glob("run-*"))


@pytest.mark.parametrize("what", ["job", "all"])
def test_cfg_shows_the_configuration_and_runs_nothing(peakcast, study, what):
    code, out, _ = peakcast("--cfg", what, ONE, "seed=5")
    assert code == 0
    assert "seed: 5" in out
    assert study.asked == []


def test_python_m_sim_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "sim", ONE, "sed=7"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("peakcast: sed is not a key")
    assert command(["--version"]) == 0
