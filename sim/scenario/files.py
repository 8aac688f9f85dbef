"""The files a scenario names or is read from: found, checked, digested."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, Node, OmegaConf

from sim.scenario.errors import NotWritten, ScenarioError
from sim.scenario.model import Scenario

SIM = Path(__file__).resolve().parents[1]
CONF = next(p for p in (SIM / "conf", SIM.parent / "conf") if (p / "config.yaml").is_file())
"""The shipped configuration: inside the package in a wheel, beside it in a checkout."""

Kind = Literal["promotion.file", "network.traces"]
_SHIPPED: dict[Kind, Path] = {
    "promotion.file": CONF / "promotion" / "curves",
    "network.traces": CONF / "network" / "traces",
}
"""Each key that names a file, and where the shipped ones are."""


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
    path = shipped / f"{text}.csv" if bare else Path(text).expanduser()
    if path.is_file() or (kind == "network.traces" and any(_files(path))):
        return path
    names = ", ".join(sorted(f.stem for f in shipped.glob("*.csv"))) or "none"
    if bare:
        allowed = f"shipped are {names}; a file of yours needs its suffix or a folder (./{text})"
    else:
        what = "file or a folder with files" if kind == "network.traces" else "file"
        seen = "" if path.is_absolute() else f" seen from {Path.cwd()}"
        allowed = f"it must be a {what}{seen}, or a shipped name ({names})"
    raise ScenarioError(f"{kind} is '{text}', which is not there: {allowed}")


def beside(config: Any, folder: Path) -> None:
    """Have the files that a configuration names looked up in the folder of its own file.

    Done before anything is composed: afterwards nobody knows which file a value came from. A name
    that is a whole reference (`${...}`) was looked up where it is written.
    """
    if not isinstance(config, DictConfig) or not isinstance(config._value(), dict):
        return
    last = {kind.rpartition(".")[2] for kind in _SHIPPED}
    for key in list(config):
        node = config._get_node(key)
        text = node._value() if isinstance(node, Node) else None
        if key not in last or not isinstance(text, str):
            beside(node, folder)
        elif not (_is_bare(text) or text.startswith("~") or re.fullmatch(r"\$\{[^{}]*\}", text)):
            config[key] = str(Path(str(folder).replace("${", "\\${"), text))


def _is_bare(text: str) -> bool:
    return not re.search(r"[./\\]", text)


def check_writable(output_dir: Path) -> None:
    """Refuse before the work, not after it."""
    missing = [p for p in (output_dir, *output_dir.absolute().parents) if not p.exists()]
    try:  # asking for permission isn't enough: some folders refuse even those who have it
        output_dir.mkdir(parents=True, exist_ok=True)
        writable = os.access(output_dir, os.W_OK)
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise NotWritten(f"{output_dir} could not be made: {error.strerror}") from None
        writable = False
    except ValueError:  # no name that this system can write
        writable = False
    with suppress(OSError):  # somebody else may have begun to write there
        for made in missing:
            made.rmdir()
    if not writable:
        raise ScenarioError(f"output_dir is '{output_dir}': it must be a folder one can write to")


def named_files(scenario: Scenario) -> dict[Kind, Path]:
    """Every file (or folder of files) the scenario names, by the key that names it."""
    named: dict[Kind, str | None] = {
        "promotion.file": scenario.promotion.file,
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


def scenario_hash(scenario: Scenario) -> str:
    """Digest of all that a result depends on.

    The validated scenario (in the order in which it is written: draws depend on it), the content
    of the files it names, wherever they are, and the package's own sources: an edited curve or a
    patched engine never finds yesterday's folder.
    """
    left_out: Any = {"output_dir": True, "overwrite": True, "report": True, "engine": {"threads"}}
    for kind in _SHIPPED:
        part, _, key = kind.partition(".")
        left_out[part] = {key}
    parts = hashlib.sha256(scenario.model_dump_json(exclude=left_out).encode())
    for kind, path in named_files(scenario).items():
        for file in _files(path):
            _add(parts, kind, file)
    for file in sorted(SIM.rglob("*.py")):
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


# --- a user's own folder of configuration ---------------------------------------------------------


def check_config_dir(folder: Path) -> None:
    """Refuse what Hydra would silently ignore or misplace in a user's own folder."""
    if not folder.is_dir():
        raise ScenarioError(f"--config-dir is '{folder}': it must be a folder")
    if folder.resolve() == CONF:
        return
    for file in sorted(folder.rglob("*.yaml")):
        name = file.relative_to(folder)
        if (CONF / name).is_file():
            raise ScenarioError(
                f"{file} has the name of the shipped conf/{name.as_posix()}, which would win: "
                f"give it another name, such as our_{name.name}"
            )
        try:
            file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ScenarioError(f"{file} is not UTF-8 text: save it as UTF-8") from None
        if name.parts[0] == "vendors":
            _check_header(file, f"vendors.{file.stem}")
            _check_sources(file)
        elif name.parts[0] == "tariff":
            _check_list(file)
        elif name.parts[0] == "experiment":
            _check_header(file, "_global_")


def _check_header(file: Path, package: str) -> None:
    header = f"# @package {package}"
    lines = file.read_text(encoding="utf-8").splitlines()
    found = next((line.strip() for line in lines if line.startswith("# @package")), "none")
    if found != header:
        raise ScenarioError(f"{file} has the header '{found}': its first line must be '{header}'")


def _check_list(file: Path) -> None:
    """Under another file's key a list would silently be merged into that file's."""
    body = OmegaConf.load(file)
    keys = [str(key) for key in body if key != "defaults"] if isinstance(body, DictConfig) else []
    if keys != [file.stem]:
        raise ScenarioError(
            f"{file} holds {', '.join(keys) or 'no key'}: a price list stands under one key, the "
            f"file's own name, {file.stem}"
        )


def _check_sources(file: Path) -> None:
    """A value written over an inherited number would keep that number's range and source."""
    body = OmegaConf.load(file)
    inherits = isinstance(body, DictConfig) and "@_here_" in str(body.get("defaults"))
    for key in _without_source(body) if inherits else ():
        raise ScenarioError(
            f"{file}: {key} has a value without a source and would keep the source of the number "
            "it inherits: it must be a bare number, or name a source (null: assumed)"
        )


def _without_source(node: Any, key: str = "") -> Iterator[str]:
    if isinstance(node, DictConfig):
        if "value" in node and "source" not in node:
            yield key
        for name in map(str, node):
            yield from _without_source(node._get_node(name), f"{key}.{name}".lstrip("."))
