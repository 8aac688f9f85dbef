"""The files a scenario names or is read from: found, checked, digested."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from omegaconf import DictConfig, Node

from sim.scenario.errors import FULL, NotWritten, ScenarioError
from sim.scenario.model import Scenario
from sim.scenario.paths import path_of

SIM = Path(__file__).resolve().parents[1]
CONF = next(p for p in (SIM / "conf", SIM.parent / "conf") if (p / "config.yaml").is_file())
"""The shipped configuration: inside the package in a wheel, beside it in a checkout."""

Kind = Literal["promotion.file", "audience.file", "network.traces"]
_SHIPPED: dict[Kind, Path] = {
    "promotion.file": CONF / "promotion" / "curves",
    "audience.file": CONF / "audience" / "nights",
    "network.traces": CONF / "network" / "traces",
}
"""Each key that names a file, and where the shipped ones are."""


MOST_BYTES = 20_000_000
"""Of a recording: a week of seconds. Larger ones are not what the key means."""
MOST_BYTES_OF_VIEWERS = 200_000_000
"""Of an audience: three million of them."""
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
    bare = _is_bare(text)
    path = shipped / f"{text}.csv" if bare else path_of(kind, text)
    if path.is_file() or (kind == "network.traces" and any(_files(path))):
        _not_too_large(kind, path)
        return path
    names = ", ".join(sorted(f.stem for f in shipped.glob("*.csv"))) or "none"
    if bare:
        allowed = f"shipped are {names}; a file of yours needs its suffix or a folder (./{text})"
    else:
        what = "file or a folder with files" if kind == "network.traces" else "file"
        seen = "" if path.is_absolute() else f" seen from {Path.cwd()}"
        allowed = f"it must be a {what}{seen}, or a shipped name ({names})"
    raise ScenarioError(f"{kind} is '{text}', which is not there: {allowed}")


def _not_too_large(kind: Kind, path: Path) -> None:
    size, most = 0, MOST_BYTES_OF_VIEWERS if kind == "audience.file" else MOST_BYTES
    for n, file in enumerate(_files(path)):
        size += file.stat().st_size
        if size > most or n >= MOST_FILES:
            raise ScenarioError(
                f"{kind} '{path}' is too large: it must be {most // 10**6} MB, and of a "
                f"folder {MOST_FILES} files, at most"
            )


def beside(config: Any, folder: Path, composed: bool = False) -> None:
    """Have the files that a configuration names looked up in the folder of its own file.

    Done before anything is composed: afterwards nobody knows which file a value came from. A name
    that is a whole reference (`${...}`) was looked up where it is written. `composed`: nobody
    resolves what stands in it any more.
    """
    if not isinstance(config, DictConfig) or not isinstance(config._value(), dict):
        return
    last = {kind.rpartition(".")[2] for kind in _SHIPPED}
    for key in list(config):
        node = config._get_node(key)
        text = node._value() if isinstance(node, Node) else None
        if key not in last or not isinstance(text, str):
            beside(node, folder, composed)
        elif not (_is_bare(text) or text.startswith("~") or re.fullmatch(r"\$\{[^{}]*\}", text)):
            here = str(folder) if composed else str(folder).replace("${", "\\${")
            config[key] = str(Path(here, text))


def _is_bare(text: str) -> bool:
    return not re.search(r"[./\\]", text)


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
    try:  # asking for permission isn't enough: some folders refuse even users who have it
        output_dir.mkdir(parents=True, exist_ok=True)
        TemporaryDirectory(prefix=".peakcast-", dir=output_dir).cleanup()
    except OSError as error:
        if error.errno in FULL:
            raise NotWritten(f"{output_dir} could not be made: {error.strerror}") from None
        reason = (error.strerror or str(error)).lower()
    with suppress(OSError):  # somebody else may have begun to write there
        for made in missing:
            made.rmdir()
    if reason:
        raise ScenarioError(
            f"output_dir is '{output_dir}': it must be a folder one can write to ({reason})"
        )


def named_files(scenario: Scenario) -> dict[Kind, Path]:
    """Every file (or folder of files) the scenario names, by the key that names it."""
    named: dict[Kind, str | None] = {
        "promotion.file": scenario.promotion.file,
        "audience.file": scenario.audience.file,
        "network.traces": scenario.network.traces,
    }
    return {kind: resolve_file(kind, text) for kind, text in named.items() if text is not None}


def copy_named_files(scenario: Scenario, folder: Path) -> dict[Kind, str]:
    """Copies of every file the scenario names, in a folder made for them: key -> path from its
    parent."""
    copied: dict[Kind, str] = {}
    for kind, path in named_files(scenario).items():
        copy = folder / path.resolve().name
        if copy.exists():
            copy = folder / f"{kind}-{copy.name}"
        copy.parent.mkdir(exist_ok=True)
        if path.is_dir():
            copy.mkdir()
        for file in _files(path):
            shutil.copyfile(file, copy / file.name if path.is_dir() else copy)
        copied[kind] = copy.relative_to(folder.parent).as_posix()
    return copied


SOURCES = (".py", ".ftl", ".j2", ".css")
"""Of the package: what is computed, and what is told of it."""


def scenario_hash(scenario: Scenario) -> str:
    """Digest of all that a result depends on.

    The validated scenario (in the order in which it is written: draws depend on it), the content
    of the files it names, wherever they are, and the package's own sources, messages and templates:
    an edited curve or a patched engine never finds yesterday's folder.
    """
    left_out: Any = {"output_dir": True, "overwrite": True, "report": True, "engine": {"threads"}}
    for kind in _SHIPPED:
        part, _, key = kind.partition(".")
        left_out[part] = {key}
    parts = hashlib.sha256(scenario.model_dump_json(exclude=left_out).encode())
    for kind, path in named_files(scenario).items():
        for file in _files(path):
            _add(parts, kind, file)
    for file in sorted(file for file in SIM.rglob("*") if file.suffix in SOURCES):
        _add(parts, file.relative_to(SIM).as_posix(), file)
    return parts.hexdigest()[:12]


def _add(digest: Any, name: str, file: Path) -> None:
    content = file.read_bytes()
    digest.update(f"\0{name}\0{len(content)}\0".encode() + content)


def _files(path: Path) -> Iterator[Path]:
    """A file itself; of a folder those in it, in the order of their names, without hidden ones."""
    if path.is_file():
        return iter([path])
    return (p for p in sorted(path.glob("[!.]*")) if p.is_file())
