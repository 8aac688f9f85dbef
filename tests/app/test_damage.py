"""Folders that are damaged, disks that are full, processes that died: nothing is lost by them."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from sim import folder as on_disk
from sim.app import carry_out
from sim.scenario.compose import load_scenario

ONE = ("vendors=[budget]", "report.enabled=false")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(*ONE)


def manifest(text):
    return lambda folder: (folder / "manifest.json").write_bytes(text)


def altered(folder):
    content = bytearray((folder / "summary.csv").read_bytes())
    content[-2] ^= 1
    (folder / "summary.csv").write_bytes(content)


def folder_for(name):
    def damage(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


DAMAGES = {
    "results.parquet is not as it was written": [
        lambda folder: os.truncate(folder / "results.parquet", 100)
    ],
    "summary.csv is not as it was written": [altered],
    "breakdown.parquet is missing": [
        lambda folder: (folder / "breakdown.parquet").unlink(),
        folder_for("breakdown.parquet"),
    ],
    "its manifest.json is damaged": [
        manifest(text)
        for text in (
            b"", b"[]", b"null", b"7", b'{"files": null}', b'{"files": []}', b'{"files": {}}',
            b'{"files": {"a": 1}}', b'{"files": {"\\u0000": 1, "config.yaml": 1}}', b'{"files": {',
            b"\xff\xfe", b"[" * 100_000, b'{"files": ["config.yaml"]}',
        )
    ],
    "it has no manifest.json": [
        lambda folder: (folder / "manifest.json").unlink(),
        folder_for("manifest.json"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("said", DAMAGES)
def test_a_damaged_folder_is_renamed_and_run_anew(study, scenario, tmp_path, capsys, said):
    for n, harm in enumerate(DAMAGES[said], start=1):
        folder = carry_out(scenario, tmp_path)
        assert capsys.readouterr().err == ""
        harm(folder)
        left = {p: p.stat().st_size for p in folder.rglob("*")} if folder.is_dir() else {}
        assert carry_out(scenario, tmp_path) == folder
        kept = folder.with_name(f"{folder.name}.damaged-{n}")
        assert capsys.readouterr().err == (
            f"peakcast: {folder} is damaged, {said}: now {kept.name}, and run anew\n"
        )
        assert os.path.lexists(kept)
        assert all((kept / p.relative_to(folder)).stat().st_size == s for p, s in left.items())
        assert on_disk.damage(folder) == ""
        shutil.rmtree(folder)
    assert len(study.asked) == 2 * len(DAMAGES[said])


def test_a_damaged_point_of_a_sweep_is_run_anew_too(peakcast, study):
    sweep = ("-m", "seed=1,2", *ONE)
    _, out, _ = peakcast(*sweep)
    results = (Path(out[-1]) / "results.parquet").read_bytes()
    altered(next(Path(out[-1]).glob("run-*")))
    note = next(Path(out[-1]).glob("point-*.json"))
    folder_for(note.name)(Path(out[-1]))
    (Path(out[-1]) / "results.parquet").unlink()
    (Path(out[-1]) / "results.parquet").mkdir()
    code, again, err = peakcast(*sweep)
    assert (code, again, len(study.asked)) == (0, out, 3)
    assert any("summary.csv is not as it was written" in line for line in err)
    assert (Path(out[-1]) / "results.parquet").read_bytes() == results
    assert (Path(out[-1]) / "results.parquet.damaged-1").is_dir()
    assert len(list(Path(out[-1]).glob("point-*.json"))) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"overrides": 3}', '{"overrides": [1], "code": 0', "\0"]
)
def test_a_note_that_cannot_be_read_is_a_failed_point(tmp_path, text):
    on_disk.write_point(tmp_path, ("seed=1",), code=0, reason="", folder="run-1", trace="")
    on_disk.write_point(tmp_path, ("seed=2",), code=0, reason="", folder="run-2", trace="")
    (tmp_path / "point-x.json").write_text(text)
    *points, last = on_disk.read_points(tmp_path)
    assert [point["swept"] for point in points] == [{"seed": 1}, {"seed": 2}]
    assert (last["code"], last["overrides"], last["swept"]) == (1, [], {})
    assert "point-x.json is damaged" in last["reason"]


# --- pictures -------------------------------------------------------------------------------------


def test_a_page_that_fails_leaves_the_tables(peakcast, study, monkeypatch):
    def fail(*_):
        raise RuntimeError("no page today")

    monkeypatch.setattr(sys.modules["sim.report"], "write", fail)
    for _ in range(2):
        code, out, err = peakcast("vendors=[budget]")
        folder = Path(out[-1])
        assert (code, len(out)) == (0, 1)
        assert err[-1].endswith("report.html is not there (RuntimeError: no page today)")
    assert len(study.asked) == 1
    assert (folder / "results.parquet").is_file()
    said = json.loads((folder / "manifest.json").read_text())["failed"]
    assert said == {"report.html": "RuntimeError: no page today"}


# --- full disks -----------------------------------------------------------------------------------


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["to_parquet", "to_csv"])
def test_full_disk_is_one_sentence_and_same_command_resumes(peakcast, monkeypatch, where):
    """Code 1 and no folder; once there is room, the command ends well."""
    with monkeypatch.context() as full:
        full.setattr(pd.DataFrame, where, no_room)
        code, out, err = peakcast(*ONE)
    assert (code, out, len(err)) == (1, [], 1)
    assert "outputs/run-" in err[0]
    assert "could not be written: No space left on device" in err[0]
    assert not list(Path("outputs").iterdir())
    code, out, err = peakcast(*ONE)
    assert (code, len(out), err) == (0, 1, [])


def test_a_sweep_without_room_to_begin_ends_with_1(peakcast, monkeypatch):
    """Hydra makes its folder and writes multirun.yaml there."""
    monkeypatch.setattr(OmegaConf, "save", staticmethod(no_room))
    code, out, err = peakcast("-m", "seed=1,2", *ONE)
    assert (code, out, len(err)) == (1, [], 1)
    assert "no space left on device" in err[0]


def test_a_point_that_finds_no_room_is_a_failed_point(peakcast, study, monkeypatch):
    sweep = ("-m", "seed=1,2", *ONE)
    write = pd.DataFrame.to_parquet

    def second_finds_none(table, *args, **how):
        return (no_room if study.asked[-1].seed == 2 else write)(table, *args, **how)

    with monkeypatch.context() as full:
        full.setattr(pd.DataFrame, "to_parquet", second_finds_none)
        full.setattr(on_disk, "gather", lambda *_: None)
        code, out, err = peakcast(*sweep)
    assert code == 1
    assert err[-2] == "peakcast: 1 of 2 points failed:"
    assert err[-1].endswith("the same command does it")
    assert not list(Path(out[-1]).glob(".*"))
    assert peakcast(*sweep)[0] == 0
    assert [s.seed for s in study.asked] == [1, 2, 2]


@pytest.mark.parametrize("what", ["point", "results"])
def test_notes_and_gathered_tables_that_find_no_room(peakcast, monkeypatch, what):
    sweep = ("-m", "seed=1,2", *ONE)
    sync = on_disk._sync

    def full(path):
        if path.name.startswith(what) and "sweep-" in path.parent.parent.name:
            no_room()
        sync(path)

    with monkeypatch.context() as disk:
        disk.setattr(on_disk, "_sync", full)
        code, _, err = peakcast(*sweep)
    assert code == 1
    assert "No space left on device" in err[-1]
    assert not any("Traceback" in line or "executing job" in line for line in err)
    assert not list(Path("outputs").rglob(".*"))
    assert peakcast(*sweep)[0] == 0


def test_a_file_that_may_not_grow_ends_the_process_with_1(tmp_path):
    limited = f"ulimit -f 8; exec '{sys.executable}' -m tests.app.fakes " + " ".join(
        f"'{argument}'" for argument in (*ONE, f"output_dir={tmp_path}")
    )
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "File too large" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("argv", [ONE, ("-m", "seed=1,2", *ONE)])
def test_a_real_disk_that_is_full(peakcast, tmp_path, argv):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (disk / "other").write_bytes(bytes(180_000))
        code, _, err = peakcast(*argv, f"output_dir={disk}/out")
        assert code == 1
        assert any("No space left on device" in line for line in err)
        assert not any("Traceback" in line for line in err)
        assert not [p for p in disk.rglob("*") if p.name.startswith((".", "run-"))]
        (disk / "other").unlink()
        assert peakcast(*argv, f"output_dir={disk}/out")[0] == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# --- processes that died --------------------------------------------------------------------------


@pytest.fixture
def dead():
    """The number of a process that is no more."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


@pytest.mark.usefixtures("study")
def test_what_the_dead_left_is_cleared_and_nothing_else(scenario, tmp_path, dead):
    gone = [
        f".run-0123456789ab-{dead}", f".run-0123456789ab-00c0ffee-{dead}.old",
        f".results.parquet-{dead}", f".point-0123456789ab.json-00c0ffee-{dead}",
        f".run-0123456789ab-00c0ffee-{os.getpid()}",
    ]  # fmt: skip
    stay = [f".notes-{dead}", "run-0123456789ab", f".run-0123456789ab-{os.getppid()}", ".run-x"]
    for name in (*gone, *stay):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    with on_disk._aside(tmp_path / "run-0123456789ab") as ours:
        here = ours.rename(ours.with_name(f".run-0123456789ab-00c0ffee-{dead}"))
        folder = carry_out(scenario, tmp_path)  # a number that is dead here may live elsewhere
        assert here.is_dir()
    assert {p.name for p in tmp_path.iterdir()} == {folder.name, here.name, *stay}
    on_disk.clear_leftovers(tmp_path)
    assert not here.exists()


@pytest.mark.usefixtures("study")
def test_the_next_start_clears_what_a_killed_run_left(scenario, tmp_path):
    code = (
        "import os, sys; from tests.app import fakes; "
        "sys.modules.update(fakes.rooms(fakes.FakeStudy())); "
        "from sim import folder; folder.write_manifest = lambda *_: os.kill(os.getpid(), 9); "
        "from sim.app import command; command(sys.argv[1:])"
    )
    argv = [sys.executable, "-c", code, *ONE, f"output_dir={tmp_path}"]
    assert subprocess.run(argv, cwd=ROOT).returncode == -9
    assert list(tmp_path.glob(".run-*/results.parquet"))
    assert not list(tmp_path.glob("run-*"))  # nothing counts as finished
    assert not list(tmp_path.rglob("manifest.json"))
    folder = carry_out(scenario, tmp_path)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.usefixtures("study")
def test_the_manifest_comes_last_and_says_what_is_there(scenario, tmp_path, monkeypatch):
    """Whatever it names is on the disk before it."""
    order = []
    sync = on_disk._sync
    monkeypatch.setattr(on_disk, "_sync", lambda path: (order.append(path.name), sync(path)))
    folder = carry_out(scenario, tmp_path)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    assert {"config.yaml", "results.parquet", "summary.csv"} <= set(files)
    assert {p.name for p in folder.iterdir()} == {*files, "manifest.json"}
    assert set(files) <= set(order[: order.index("manifest.json")])
    for name, known in files.items():
        assert known["bytes"] == (folder / name).stat().st_size
