"""What a run leaves on disk: written aside, put in place as a whole, gathered over a sweep."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from errno import EINVAL
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from sim.scenario import Scenario
from sim.scenario.errors import NotWritten
from sim.scenario.files import copy_named_files

if TYPE_CHECKING:
    import pandas as pd

    from sim.study import Frames

LOCKS = importlib.util.find_spec("fcntl") is not None
"""Not on Windows: what a killed run left there stays."""

if LOCKS:
    import fcntl

MANIFEST, CONFIG, PAGE = "manifest.json", "config.yaml", "report.html"
SESSIONS = "sessions.parquet"
GATHERED = ("results.parquet", "breakdown.parquet", "timeseries.parquet", "summary.csv")
"""Tables that a sweep puts together: every study has them, and no run is whole without."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")

PACKAGES = (
    "peakcast", "simpy", "numpy", "numba", "pandas", "scipy", "pyarrow", "pydantic",
    "hydra-core", "omegaconf", "matplotlib", "jinja2",
)  # fmt: skip


# --- is it all there? -----------------------------------------------------------------------------


def finished(folder: Path, scenario: Scenario) -> bool:
    """Whether all that this scenario asks for is there, as it was written."""
    if damage(folder):
        return False
    # A run without what is asked for is finished only where nobody wants it; a page that failed
    # once fails.
    wanted = {PAGE: scenario.report.enabled, SESSIONS: scenario.report.sessions}
    there = {*_manifest(folder)["files"], *failed(folder)}
    return there >= {file for file, asked in wanted.items() if asked}


def failed(folder: Path) -> dict[str, str]:
    """Pictures that a whole folder lacks: file -> reason."""
    return dict(_manifest(folder).get("failed", {}))


def damage(folder: Path) -> str:
    """What is wrong with a run's folder, in words; "" if it is as its manifest says."""
    odd = f"its {MANIFEST} is damaged"
    try:
        files = _manifest(folder)["files"]
        if not {CONFIG, *GATHERED} <= files.keys():
            return odd
        for name, known in files.items():
            if not (folder / name).is_file():
                return f"{name} is missing"
            if known != _identity(folder / name):
                return f"{name} is not as it was written"
        failed(folder)
    except FileNotFoundError:
        return f"it has no {MANIFEST}"
    except OSError as error:
        return f"it can't be read: {error.strerror}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return odd
    return ""


def set_aside(path: Path) -> Path:
    """Rename what is damaged to the first free `<name>.damaged-N`: nothing in it is lost."""
    n = 1
    while os.path.lexists(free := path.with_name(f"{path.name}.damaged-{n}")):
        n += 1
    with _or_say(path):
        path.rename(free)
    return free


def _manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_text(folder / MANIFEST))
    return content


def _text(path: Path) -> str:
    if not path.is_file():  # a pipe of that name would be waited for without end
        raise FileNotFoundError(path)
    return path.read_text(encoding="utf-8")


def _identity(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        digest = file_digest(content, "sha256").hexdigest()
        return {"bytes": content.tell(), "sha256": digest}


# --- writing --------------------------------------------------------------------------------------


@contextmanager
def put_in_place(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, which takes its place once everything is written."""
    with _or_say(folder), _aside(folder) as aside:
        yield aside
        _sync(aside)
        old = aside.with_name(f"{aside.name}.old")
        if os.path.lexists(folder):
            folder.rename(old)
        try:
            aside.rename(folder)
        except OSError:
            if not (folder / MANIFEST).is_file():  # else: another process was faster, with the same
                with suppress(OSError):
                    old.rename(folder)
                raise
        _sync(folder.parent)
        _remove(old)


def clear_leftovers(parent: Path) -> None:
    """Remove what processes that are dead by now were writing in a folder."""
    for path in parent.glob(".*") if LOCKS else ():
        begun = _BEGUN.fullmatch(path.name)
        if begun and _abandoned(path, int(begun[1])):
            _remove(path)


_BEGUN = re.compile(
    rf"\.(?:run-\w+|point-\w+\.json|{'|'.join(map(re.escape, GATHERED))})"
    r"(?:-\w+)?-(\d{1,9})(?:\.old)?"
)
"""What `_aside` names, and earlier versions named: its last number is the process."""


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A new folder beside `path`, locked for as long as this process lives, removed in the end.

    The lock tells other processes that somebody is at work, also those that can't see ours: in
    another container, or on another computer.
    """
    folder = path.with_name(f".{path.name}-{time.time_ns():x}-{os.getpid()}")
    folder.mkdir(parents=True)
    lock = os.open(folder, os.O_RDONLY) if LOCKS else None
    try:
        if lock is not None:
            with suppress(OSError):  # a file system without locks: what is left there stays
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        if lock is not None:
            os.close(lock)
        _remove(folder)


def _abandoned(path: Path, process: int) -> bool:
    with suppress(OSError):
        if process != os.getpid():  # ours was another's, who is dead
            with suppress(ProcessLookupError):
                os.kill(process, 0)
                return False
        lock = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        finally:
            os.close(lock)
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def _or_say(path: Path) -> Iterator[None]:
    """A disk that is full, or gone, is told in a sentence."""
    try:
        yield
    except OSError as error:
        raise NotWritten(
            f"{path} could not be written: {error.strerror or error}; once it can be, the same "
            "command does it"
        ) from error


def _sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder, before anything says it is there."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != EINVAL:  # some file systems can't do it for a folder
            raise
    finally:
        os.close(handle)


def write_tables(frames: Frames, folder: Path) -> None:
    """The tables that have a file (docs/tables.md); same content, same bytes."""
    for name, file in frames.files.items():
        table = frames.tables[name]
        # One nobody asked for leaves no file: a CSV of no row, a Parquet file of no column.
        if len(table) or (len(table.columns) and not file.endswith(".csv")):
            _write(table, folder / file)


def write_config(scenario: Scenario, folder: Path) -> None:
    """The validated scenario and copies of the files it names, so that it can be run anywhere.

    `sim.scenario.compose.read_scenario` reads it back.
    """
    content = scenario.model_dump(mode="json")
    for kind, copy in copy_named_files(scenario, folder / "inputs").items():
        part, _, key = kind.partition(".")
        content[part][key] = copy
    (folder / CONFIG).write_text(OmegaConf.to_yaml(content), encoding="utf-8")


def write_manifest(
    scenario: Scenario, digest: str, wall_time_s: float, failed: dict[str, str], folder: Path
) -> None:
    """The last file: what is in the folder, once the disk keeps it. `failed`: file -> reason."""
    began = datetime.now(UTC) - timedelta(seconds=wall_time_s)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    for path in (*files, *(p for p in folder.rglob("*") if p.is_dir()), folder):
        _sync(path)
    manifest = {
        "hash": digest,
        "seed": scenario.seed,
        "command": shlex.join(sys.orig_argv),
        "began_at": began.isoformat(timespec="seconds"),
        "wall_time_s": round(wall_time_s, 3),
        "versions": {"python": platform.python_version(), **{p: version_of(p) for p in PACKAGES}},
        "files": {p.relative_to(folder).as_posix(): _identity(p) for p in files},
        **({"failed": failed} if failed else {}),
    }
    _write_json(manifest, folder / MANIFEST)
    _sync(folder / MANIFEST)


def version_of(package: str) -> str:
    """As it is installed, such as `2.3.1`; else `not installed`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


# --- sweeps ---------------------------------------------------------------------------------------


def write_point(sweep: Path, overrides: tuple[str, ...], **how: str | int) -> None:
    """How one point ended, for the process that gathers them: a worker can't say it otherwise."""
    name = sha256("\0".join(sorted(overrides)).encode()).hexdigest()[:12]
    with _replacing(sweep / f"point-{name}.json") as path:
        _write_json({"overrides": overrides, **how}, path)


def read_points(sweep: Path) -> list[dict[str, Any]]:
    """The points in the order of what was swept, each with `swept`: key -> value."""
    told = [_point(path) for path in sorted(sweep.glob("point-*.json"))]
    points = [point for point in told if "swept" not in point]
    given = [dict(o.partition("=")[::2] for o in point["overrides"]) for point in points]
    keys = sorted({key for values in given for key in values})
    for key in keys:
        texts = [values.get(key, "") for values in given]
        if len(set(texts)) > 1:
            for point, value in zip(points, _numbers_if_all_are(texts), strict=True):
                point.setdefault("swept", {})[key] = value
    points.sort(key=lambda point: tuple(point.setdefault("swept", {}).values()))
    return points + [point for point in told if point not in points]


def _point(path: Path) -> dict[str, Any]:
    """What is told of a point; of a note that can't be read, that."""
    kinds = {"overrides": list, "code": int, "reason": str, "folder": str}
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        said = json.loads(_text(path))
        point = {key: said[key] for key in kinds}
        known = all(isinstance(point[key], kind) for key, kind in kinds.items())
        if known and all(isinstance(override, str) for override in point["overrides"]):
            return point
    lost = f"{path.name} is damaged; the same command writes it anew"
    return {"overrides": [], "code": 1, "reason": lost, "folder": "", "swept": {}}


def _numbers_if_all_are(texts: list[str]) -> list[Any]:
    for kind in (int, float):
        try:
            return [kind(text) for text in texts]
        except ValueError:
            continue
    return [text.strip("'\"") for text in texts]


def gather(sweep: Path, points: list[dict[str, Any]]) -> None:
    """The tables of all finished points in one, with a column for each key that was swept."""
    import pandas as pd

    for name in GATHERED:
        tables = []
        for p in points:
            swept = p["swept"]
            if name.endswith(".csv"):  # as in the table that is read, whose numbers are text here
                swept = {_no_formula(key): _no_formula(value) for key, value in swept.items()}
            tables.append(_with_swept(_read(sweep / p["folder"] / name), swept))
        if tables:
            with _replacing(sweep / name) as path:
                _write(pd.concat(tables, ignore_index=True), path, escaped=True)


def _with_swept(table: pd.DataFrame, swept: dict[str, Any]) -> pd.DataFrame:
    """Swept keys in front; one that is a column already is left out where it says the same."""
    for key, value in reversed(swept.items()):
        if key not in table:
            table.insert(0, key, value)
        elif not (table[key].astype(str) == str(value)).all():
            table.insert(0, f"swept.{key}", value)
    return table


# --- files ----------------------------------------------------------------------------------------


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    if path.suffix == ".csv":
        return pd.read_csv(path, dtype=str, keep_default_na=False)  # the same digits again
    return pd.read_parquet(path)


def _write(table: pd.DataFrame, path: Path, escaped: bool = False) -> None:
    """`escaped`: what was read from a CSV of ours, its numbers as text."""
    if path.suffix == ".csv":
        table = table if escaped else _without_formulas(table)
        table.to_csv(path, index=False, lineterminator="\n")
    else:
        table.to_parquet(path, engine="pyarrow", compression="zstd", index=False)


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would run as a formula, with an apostrophe before; no numbers."""
    from pandas.api.types import is_numeric_dtype

    plain: pd.DataFrame = table.apply(lambda c: c if is_numeric_dtype(c) else c.map(_no_formula))
    return plain.rename(columns=_no_formula)


def _no_formula(cell: Any) -> Any:
    """As OWASP has it, CSV injection: what begins with =, +, -, @, a tab or a carriage return."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _write_json(content: dict[str, Any], path: Path) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    # What is no UTF-8 on a command line is escaped, as JSON itself would.
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of a file at once."""
    if path.is_dir():
        set_aside(path)
    with _or_say(path), _aside(path) as folder:
        yield folder / path.name
        _sync(folder / path.name)
        (folder / path.name).replace(path)
