"""The files a scenario names or is read from: found, checked, digested."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario
from sim.scenario.paths import path_of

SIM = Path(__file__).resolve().parents[1]
CONF = next(p for p in (SIM / "conf", SIM.parent / "conf") if (p / "config.yaml").is_file())
"""The shipped configuration: inside the package in a wheel, beside it in a checkout."""

Kind = Literal["promotion.file", "network.traces"]
_SHIPPED = {
    "promotion.file": CONF / "promotion" / "curves",
    "network.traces": CONF / "network" / "traces",
}


MOST_BYTES = 20_000_000
"""Of a recording: a week of seconds. Larger ones are not what the key means."""
MOST_FILES = 10_000


def groups(config_dir: Path | None = None) -> dict[str, list[str]]:
    """Each group of `conf/`, and of a user's own folder, with its options."""
    found: dict[str, list[str]] = {}
    for folder in filter(None, (CONF, config_dir)):
        for file in sorted(folder.glob("*/*.yaml")):
            found.setdefault(file.parent.name, []).append(file.stem)
    return found


def resolve_file(kind: Kind, text: str) -> Path:
    """The file (or folder of traces) a key names; a bare name is one shipped in `conf/`."""
    shipped = _SHIPPED[kind]
    bare = not re.search(r"[./\\]", text)
    path = shipped / f"{text}.csv" if bare else path_of(kind, text)
    if path.is_file() or (kind == "network.traces" and any(_files(path))):
        _not_too_large(kind, path)
        return path
    names = ", ".join(sorted(f.stem for f in shipped.glob("*.csv"))) or "none"
    if bare:
        allowed = f"shipped are {names}; a file of yours needs its suffix or a folder (./{text})"
    else:
        what = "file or a folder with files" if kind == "network.traces" else "file"
        allowed = f"it must be a {what} seen from {Path.cwd()}, or a shipped name ({names})"
    raise ScenarioError(f"{kind} is '{text}', which is not there: {allowed}")


def _not_too_large(kind: Kind, path: Path) -> None:
    size = 0
    for n, file in enumerate([path] if path.is_file() else _files(path)):
        size += file.stat().st_size
        if size > MOST_BYTES or n >= MOST_FILES:
            raise ScenarioError(
                f"{kind} '{path}' is too large: it must be {MOST_BYTES // 10**6} MB, and of a "
                f"folder {MOST_FILES} files, at most"
            )


def check_writable(folder: Path) -> None:
    """Refuse before the work, not after it: a run's folder must be one that can be made."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        what = "a link" if folder.is_symlink() else "a file"
        raise ScenarioError(
            f"{folder} is {what}, where the folder of this run goes: move it away, or give another "
            "output_dir"
        )
    output_dir = folder.parent
    missing = [p for p in (output_dir, *output_dir.absolute().parents) if not p.exists()]
    reason = ""
    try:  # asking for permission isn't enough: some folders refuse even those who have it
        output_dir.mkdir(parents=True, exist_ok=True)
        TemporaryDirectory(prefix=".peakcast-", dir=output_dir).cleanup()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    with suppress(OSError):  # somebody else may have begun to write there
        for made in missing:
            made.rmdir()
    if reason:
        raise ScenarioError(
            f"output_dir is '{output_dir}': it must be a folder one can write to ({reason})"
        )


def named_files(scenario: Scenario) -> list[Path]:
    """Every file the scenario names."""
    named: list[tuple[Kind, str | None]] = [
        ("promotion.file", scenario.promotion.file),
        ("network.traces", scenario.network.traces),
    ]
    return [resolve_file(kind, text) for kind, text in named if text is not None]


def scenario_hash(scenario: Scenario) -> str:
    """Digest of all that a result depends on.

    The validated scenario (in the order in which it is written: draws depend on it), the content
    of the files it names, and the package's own sources: an edited curve or a patched engine
    never finds yesterday's folder.
    """
    left_out: Any = {"output_dir": True, "overwrite": True, "report": True, "engine": {"threads"}}
    parts = hashlib.sha256(scenario.model_dump_json(exclude=left_out).encode())
    for path in named_files(scenario):
        for file in [path] if path.is_file() else _files(path):
            _add(parts, file.name, file)
    for file in sorted(SIM.rglob("*.py")):
        _add(parts, file.relative_to(SIM).as_posix(), file)
    return parts.hexdigest()[:12]


def _add(digest: Any, name: str, file: Path) -> None:
    content = file.read_bytes()
    digest.update(f"\0{name}\0{len(content)}\0".encode() + content)


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.glob("*")) if p.is_file())
