"""The cache of compiled code: damaged or not to be written, it never ends a run."""

import importlib.util
import os
import pickle
import shutil
from pathlib import Path

import pytest
from numba.core import config

from sim import compiled


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "one.py").write_text(
        "from sim.compiled import compiled\n@compiled\ndef one_more(x):\n    return x + 1\n"
    )
    compiled._say.cache_clear()
    yield tmp_path
    compiled._say.cache_clear()


def fresh(place):
    """The function as a new process has it."""
    spec = importlib.util.spec_from_file_location("one", place / "one.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.one_more


def hits(function):
    return sum(function.stats.cache_hits.values())


def turned(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


KINDS = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "garbage": lambda content: os.urandom(len(content)),
    "another class": lambda _: pickle.dumps([1, 2]),
    "a bit turned": turned,
}


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_what_is_damaged_is_compiled_anew_and_kept(place, suffix):
    assert fresh(place)(1) == 2
    assert hits(again := fresh(place)) == 0 and again(1) == 2 and hits(again) == 1
    (file,) = (place / "cache").rglob(f"*.{suffix}")
    for kind, harm in KINDS.items():
        file.write_bytes(harm(file.read_bytes()))
        for expected in (0, 1):
            function = fresh(place)
            assert (kind, function(1), hits(function)) == (kind, 2, expected)
    file.unlink()
    file.mkdir()
    for expected in (0, 1):
        function = fresh(place)
        assert (function(1), hits(function)) == (2, expected)


def test_a_file_where_its_folder_belongs_is_none_of_ours(place):
    fresh(place)(1)
    (folder,) = (place / "cache").iterdir()
    shutil.rmtree(folder)
    folder.write_text("")
    fresh(place)(1)
    assert hits(function := fresh(place)) == 0 and function(1) == 2 and hits(function) == 1


def test_where_nothing_can_be_kept_it_is_said_once(place, capsys):
    (place / "cache").write_text("no folder")
    assert [fresh(place)(1), fresh(place)(2)] == [2, 3]
    said = capsys.readouterr().err
    assert said.startswith("peakcast: compiled code can't be kept")
    assert said.count("\n") == 1


def test_a_disk_that_is_full_costs_the_cache_only(place, monkeypatch, capsys):
    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiled._Sealed, "_save_data", no_room)
    assert fresh(place)(1) == 2
    assert "can't be kept" in capsys.readouterr().err


def test_the_folder_is_the_first_that_can_be_written(tmp_path, monkeypatch, capsys):
    """Of the sources', the user's and a private one in the folder of temporary files."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(compiled.tempfile, "tempdir", str(tmp_path))
    mine = tmp_path / f"peakcast-{os.getuid()}"
    for xdg, folder in (("", tmp_path / "home/.cache"), ("a", tmp_path / "home/.cache"),
                        (str(tmp_path / "x"), tmp_path / "x")):  # fmt: skip
        monkeypatch.setenv("XDG_CACHE_HOME", xdg)
        homes = list(compiled._homes(Path("/sim")))
        assert homes == [Path("/sim/__pycache__"), folder / "peakcast", mine]
    assert mine.stat().st_mode & 0o777 == 0o700
    (tmp_path / "home").write_text("no folder")
    (tmp_path / "x").write_text("no folder")
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "x" / "compiled.py"))
    compiled._say.cache_clear()
    capsys.readouterr()
    assert Path(compiled._cache_folder()).parent == mine
    assert capsys.readouterr().err.startswith(f"peakcast: compiled code is kept in {mine}")
    mine.chmod(0o777)  # what others may write there must not be run
    assert compiled._cache_folder() == ""
    compiled._say.cache_clear()
