"""The files a scenario names or is read from: found, checked, digested."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any, Literal

import yaml
from omegaconf import DictConfig, OmegaConf

from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario

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
MOST_YAML_BYTES, MOST_NODES = 1_000_000, 20_000
"""Of one file of a user's configuration: the largest here has a fiftieth of both, and Hydra reads
such a file in seconds."""


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
    path = shipped / f"{text}.csv" if bare else Path(text).expanduser()
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


def check_writable(output_dir: Path) -> None:
    """Refuse before the work, not after it."""
    missing = [p for p in (output_dir, *output_dir.absolute().parents) if not p.exists()]
    try:  # asking for permission isn't enough: some folders refuse even those who have it
        output_dir.mkdir(parents=True, exist_ok=True)
        writable = os.access(output_dir, os.W_OK)
    except OSError:
        writable = False
    with suppress(OSError):  # somebody else may have begun to write there
        for made in missing:
            made.rmdir()
    if not writable:
        raise ScenarioError(f"output_dir is '{output_dir}': it must be a folder one can write to")


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


# --- a user's own folder of configuration ---------------------------------------------------------


def check_config_dir(folder: Path) -> None:
    """Refuse what Hydra would silently ignore or misplace in a user's own folder."""
    if not folder.is_dir():
        raise ScenarioError(f"--config-dir is '{folder}': it must be a folder")
    if folder.resolve() == CONF:
        return
    for file in _yaml_below(folder):
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
        check_yaml(file)
        if name.parts[0] == "vendors":
            _check_header(file, f"vendors.{file.stem}")
            _check_sources(file)
        elif name.parts[0] == "tariff":
            _check_list(file)
        elif name.parts[0] == "experiment":
            _check_header(file, "_global_")


def _yaml_below(folder: Path) -> list[Path]:
    """In order. A folder in which somebody keeps much else would be searched for minutes."""
    found: list[Path] = []
    seen = 0
    for at, _, names in os.walk(folder):
        seen += 1 + len(names)
        if seen > MOST_FILES:
            raise ScenarioError(
                f"--config-dir is '{folder}', and more than {MOST_FILES} files lie below it: it "
                "must be a folder of its own"
            )
        found += [Path(at, name) for name in names if name.endswith(".yaml")]
    return sorted(found)


def check_yaml(file: Path, most: int = MOST_NODES) -> None:
    """Refuse a file that is small and yet endless: aliases of aliases, aliases of themselves.

    `most`: keys and values it may have.
    """
    if file.stat().st_size > MOST_YAML_BYTES:
        raise ScenarioError(f"{file} is too large: it must be {MOST_YAML_BYTES // 1000} kB at most")
    with file.open(encoding="utf-8-sig") as text:
        nodes = _nodes(yaml.compose(text, _Loader), {})
    if nodes > most:
        count = "endless" if nodes == inf else "too many"
        raise ScenarioError(
            f"{file} has {count} keys and values, those of aliases counted wherever they stand: "
            f"they must be {most} at most"
        )


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _nodes(node: yaml.Node | None, known: dict[int, float]) -> float:
    """How many there are below a node, itself included; of one that holds itself, inf."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = inf  # until it is counted
        parts = node.value
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in parts for part in pair]
        known[id(node)] = 1 + sum(_nodes(part, known) for part in parts)
    return known[id(node)]


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
