"""`~`, and what no path can be: the same in every key and option."""

from pathlib import Path

import pytest

from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.scenario.files import check_writable
from sim.scenario.paths import expanded, path_of
from tests.scenario.test_refusals import refusal

VENDOR = "vendors=[budget]"
TRACE = "time_s,mbps\n0,1\n9,1\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "c" / "promotion").mkdir(parents=True)
    (tmp_path / "home" / "c" / "promotion" / "ours.yaml").write_text(
        "defaults: [replay, _self_]\nfile: ~/curve.csv\n"
    )
    (tmp_path / "home" / "curve.csv").write_text("time_s,viewers\n0,1\n60,2\n")
    (tmp_path / "home" / "trace.csv").write_text(TRACE)
    return tmp_path / "home"


@pytest.mark.parametrize("quote", ["", "'"])
def test_the_home_folder_is_meant_in_every_path(home, quote):
    def at(path):
        return f"{quote}~/{path}{quote}"

    scenario = load_scenario(
        VENDOR, "promotion=replay", f"promotion.file={at('curve.csv')}", f"output_dir={at('out')}",
        "network=replay", f"network.traces={at('trace.csv')}",
    )  # fmt: skip
    assert scenario.promotion.file == str(home / "curve.csv")
    assert scenario.network.traces == str(home / "trace.csv")
    assert scenario.output_dir == str(home / "out")
    own = load_scenario(VENDOR, "promotion=ours", config_dir="~/c")
    assert own.promotion.file == str(home / "curve.csv")


KEYS = {
    "output_dir": (),
    "promotion.file": ("promotion=replay",),
    "network.traces": ("network=replay",),
}
NO_PATHS = {
    "~nosuchuser/x": "there is no home folder of that name",
    f"{'a' * 256}.csv": "is longer than a path can be",
    f"{'长' * 100}.csv": "is longer than a path can be",
    "a/" * 2_100: "is longer than a path can be",
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("path", NO_PATHS, ids=range(4))
def test_what_can_be_no_path_is_told_with_its_key(key, path):
    said = refusal(VENDOR, *KEYS[key], f"{key}={path}")
    assert said.startswith(f"{key}: '")
    assert said.count(NO_PATHS[path]) == 1
    with pytest.raises(ScenarioError, match=NO_PATHS[path]):
        load_scenario(config_dir=path)


def test_a_nul_is_in_no_path():
    for path in ("a\0b", "~\0"):
        with pytest.raises(ValueError, match="has a NUL"):
            expanded(path)
    with pytest.raises(ScenarioError, match=r"output_dir: 'a.x00b' has a NUL"):
        path_of("output_dir", "a\0b")


@pytest.mark.parametrize("what", ["file", "link to nothing", "link to a folder"])
def test_something_else_where_the_folder_of_a_run_goes(tmp_path, what):
    folder = tmp_path / "out" / "run-1"
    folder.parent.mkdir()
    if what == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to("nowhere" if what == "link to nothing" else tmp_path)
    with pytest.raises(ScenarioError, match=r"run-1 is a (file|link), where the folder"):
        check_writable(folder)
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("folder", ["/proc/run-1", "/dev/null/run-1"])
def test_a_folder_nobody_can_write_to_is_told_before_the_work(folder):
    with pytest.raises(ScenarioError, match=r"output_dir is '.*': it must be a folder one can"):
        check_writable(Path(folder))


def test_asking_whether_a_folder_can_be_written_leaves_nothing(tmp_path):
    check_writable(tmp_path / "a" / "b" / "run-1")
    assert list(tmp_path.iterdir()) == []
