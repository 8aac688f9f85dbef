"""What a run leaves on disk: written aside, put in place as a whole, gathered over a sweep."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from sim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from sim.study import Frames

MANIFEST = "manifest.json"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
PACKAGES = (
    "peakcast", "simpy", "numpy", "numba", "pandas", "scipy", "pyarrow", "pydantic",
    "hydra-core", "omegaconf", "matplotlib", "jinja2",
)  # fmt: skip


def finished(folder: Path, scenario: Scenario) -> bool:
    """Whether everything this scenario asks for is there; the manifest is always the last file."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return False
    if scenario.report.enabled:
        files.append("report.html")  # a run without its page is finished only for who wants none
    return all((folder / name).is_file() for name in files)


@contextmanager
def put_in_place(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, which takes its place once everything is written."""
    aside = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        (folder / MANIFEST).unlink(missing_ok=True)  # from here on the old one is unfinished
        shutil.rmtree(folder, ignore_errors=True)
        try:
            aside.rename(folder)
        except OSError:
            if not (folder / MANIFEST).is_file():  # else: another process was faster, with the same
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_tables(frames: Frames, folder: Path) -> None:
    """The tables of section 'files' of the README; same content, same bytes."""
    for name in ("results", "breakdown", "timeseries"):
        _write(getattr(frames, name), folder / f"{name}.parquet")
    for name in ("summary", "invoice", "asks", "risk", "costs", "crossings", "ranges"):
        if len(getattr(frames, name)):  # a table nobody asked for leaves no file
            _write(getattr(frames, name), folder / f"{name}.csv")


def write_config(scenario: Scenario, path: Path) -> None:
    """The validated scenario; `sim.scenario.compose.read_scenario` reads it back."""
    path.write_text(OmegaConf.to_yaml(scenario.model_dump(mode="json")), encoding="utf-8")


def write_manifest(scenario: Scenario, digest: str, wall_time_s: float, folder: Path) -> None:
    began = datetime.now(UTC) - timedelta(seconds=wall_time_s)
    manifest = {
        "hash": digest,
        "seed": scenario.seed,
        "command": shlex.join(sys.orig_argv),
        "began_at": began.isoformat(timespec="seconds"),
        "wall_time_s": round(wall_time_s, 3),
        "versions": {"python": platform.python_version(), **{p: version_of(p) for p in PACKAGES}},
        "files": sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()),
    }
    _write_json(manifest, folder / MANIFEST)


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


# --- sweeps ---------------------------------------------------------------------------------------


def write_point(sweep: Path, overrides: tuple[str, ...], **how: str | int) -> None:
    """How one point ended, for whoever gathers them: a worker process can't say it otherwise."""
    name = sha256("\0".join(sorted(overrides)).encode()).hexdigest()[:12]
    _write_json({"overrides": overrides, **how}, sweep / f"point-{name}.json")


def read_points(sweep: Path) -> list[dict[str, Any]]:
    """The points in the order of what was swept, each with `swept`: key -> value."""
    points = [json.loads(p.read_text("utf-8")) for p in sorted(sweep.glob("point-*.json"))]
    given = [dict(o.partition("=")[::2] for o in point["overrides"]) for point in points]
    keys = sorted({key for values in given for key in values})
    for key in keys:
        texts = [values.get(key, "") for values in given]
        if len(set(texts)) > 1:
            for point, value in zip(points, _numbers_if_all_are(texts), strict=True):
                point.setdefault("swept", {})[key] = value
    return sorted(points, key=lambda point: tuple(point.setdefault("swept", {}).values()))


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

    for name in ("results.parquet", "breakdown.parquet", "timeseries.parquet", "summary.csv"):
        tables = []
        for p in points:
            swept = p["swept"]
            if name.endswith(".csv"):  # as in the table that is read, whose numbers are text here
                swept = {_no_formula(key): _no_formula(value) for key, value in swept.items()}
            tables.append(_with_swept(_read(sweep / p["folder"] / name), swept))
        if tables:
            _write(pd.concat(tables, ignore_index=True), sweep / name, escaped=True)


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
    with _replacing(path) as aside:
        if path.suffix == ".csv":
            table = table if escaped else _without_formulas(table)
            table.to_csv(aside, index=False, lineterminator="\n")
        else:
            table.to_parquet(aside, engine="pyarrow", compression="zstd", index=False)


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would run as a formula, with an apostrophe before; no numbers."""
    from pandas.api.types import is_numeric_dtype

    plain: pd.DataFrame = table.apply(lambda c: c if is_numeric_dtype(c) else c.map(_no_formula))
    return plain.rename(columns=_no_formula)


def _no_formula(cell: Any) -> Any:
    """As OWASP has it, CSV injection: what begins with =, +, -, @, a tab or a carriage return."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _write_json(content: dict[str, Any], path: Path) -> None:
    with _replacing(path) as aside:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        aside.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    yield aside
    aside.replace(path)
