"""A user's own folder of configuration: read with bounds and judged, before Hydra sees it.

It may have come from anybody. It holds data: nothing in it runs code, reads the environment, hangs
or fills the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf

from sim.scenario.errors import ScenarioError
from sim.scenario.files import CONF

MOST_ENTRIES = 10_000
"""Files and folders in it."""
MOST_BYTES = 1_000_000
"""Of one file."""
MOST_VALUES = 20_000
"""Of one file: an alias counts as what it stands for, each time."""
MOST_LEVELS = 40
MOST_INHERITED = 1_000
"""Files that one file brings in by its `defaults`."""

SUFFIXES = (".yaml", ".yml")
_HYDRA = re.compile(r"(?<![\w-])hydra(?![\w-])")
_CODE = re.compile(r"_(?:target|partial|recursive|convert|args)_")
_REFERENCE = re.compile(r"\$\{\s*\.*[^\W\d][\w-]*(?:\.[\w-]+|\[\w+\])*\s*\}")
_NAME = r"[^/@:\s$.\\][^/@:\s$\\]*"
_CHOICE = re.compile(rf"/?{_NAME}(?:/{_NAME})*")
_GROUP = re.compile(rf"(?:(?:override|optional) +)*({_CHOICE.pattern})(@[\w.:-]+)?")

Inherited = dict[str, list[str]]
"""Each file, as Hydra names it (`vendors/ours`), and those its `defaults` bring in."""


def check_config_dir(folder: Path) -> None:
    """Refuse what could run code, and what Hydra would silently ignore or misplace."""
    if not folder.is_dir():
        raise ScenarioError(f"--config-dir is '{folder}': it must be a folder")
    if folder.resolve() == CONF:
        return
    inherited: Inherited = {}
    for file in _files(folder):
        name = file.relative_to(folder)
        if (CONF / name).is_file():
            raise ScenarioError(
                f"{file} has the name of the shipped conf/{name.as_posix()}, which would win: "
                f"give it another name, such as our_{name.name}"
            )
        if name.parts[0] == "hydra":
            raise ScenarioError(f"{file} belongs to Hydra's own group hydra: {_NO_CODE}")
        text = text_of(file)
        body = body_of(file, text)
        inherited[name.with_suffix("").as_posix()] = list(_inherits(file, name, body))
        _check_place(file, name, text, body)
    known: dict[str, int] = {}
    for entry in inherited:
        _count(entry, inherited, known, (), folder)


# --- files ----------------------------------------------------------------------------------------


def as_it_is(folder: Path) -> tuple[tuple[str, int, int, int, int], ...]:
    """Everything below a folder, and what changes when it is written or points elsewhere."""
    found = []
    for entry in _entries(folder):
        with suppress(OSError):  # a link to nothing
            s = entry.stat()
            found.append((str(entry), s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_size))
    return tuple(found)


def _files(folder: Path) -> Iterator[Path]:
    """Every YAML file below a folder."""
    for entry in _entries(folder):
        if _named_yaml(entry):
            if not entry.is_file():
                raise ScenarioError(f"{entry} is not a file: what is named so must be one")
            yield entry


def _named_yaml(entry: Path) -> bool:
    return entry.suffix.lower() in SUFFIXES


def _entries(folder: Path) -> Iterator[Path]:
    """Every file and folder below a folder, links followed, a link back followed once."""
    seen: set[Path] = set()
    below, entries = [folder], 0
    while below:
        here = below.pop()
        if here.resolve() in seen:
            continue
        seen.add(here.resolve())
        try:
            inside = sorted(here.iterdir())
        except OSError as error:
            raise ScenarioError(f"{here} can't be read: {_reason(error)}") from None
        entries += len(inside)
        if entries > MOST_ENTRIES:
            raise ScenarioError(
                f"--config-dir {folder} holds more than {MOST_ENTRIES} files: it must be a folder "
                "of configuration alone"
            )
        for entry in inside:
            if entry.is_dir() and not _named_yaml(entry):
                below.append(entry)
            yield entry


def text_of(file: Path, most_bytes: int = MOST_BYTES) -> str:
    """The text of a configuration file. Errors: ScenarioError."""
    if not file.is_file():  # a pipe would be waited for
        raise ScenarioError(f"{file} is not a file, or not there")
    try:
        with file.open("rb") as f:
            content = f.read(most_bytes + 1)
    except OSError as error:
        raise ScenarioError(f"{file} can't be read: {_reason(error)}") from None
    if len(content) > most_bytes:
        raise ScenarioError(f"{file} has more than {most_bytes} bytes: a configuration is smaller")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ScenarioError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    if text.startswith("\ufeff"):
        raise ScenarioError(
            f"{file} begins with a byte order mark: save it as UTF-8 without one (without BOM)"
        )
    return text


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def body_of(
    file: Path, text: str, most_values: int = MOST_VALUES, composed: bool = False
) -> DictConfig:
    """What the file holds, as OmegaConf reads it; nothing in it is more than data.

    `composed`: nobody resolves what stands in it any more. Errors: ScenarioError.
    """
    try:
        _check_size(file, text, most_values)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None:
            if not isinstance(root, yaml.MappingNode):
                raise ScenarioError(f"{file} must hold keys with their values, key: value")
            _check_values(file, root, {}, [], most_values)
            for at, node in () if composed else _nodes(root):
                _check_node(f"{file}, line {node.start_mark.line + 1}", at, node)
        body = OmegaConf.create(text)
    except ScenarioError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ScenarioError(f"{file}{where}: {error.problem or 'this is not YAML'}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{file} is not YAML: {_first(error)}") from None
    except Exception as error:  # a number of 5,000 digits; what constructors of YAML don't expect
        raise ScenarioError(f"{file} holds a value that can't be read: {_first(error)}") from None
    assert isinstance(body, DictConfig)  # the root is a mapping
    return body


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check_size(file: Path, text: str, most_values: int) -> None:
    """On the stream of events, which neither recursion nor an alias can make longer."""
    levels = values = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        where = f"{file}, line {event.start_mark.line + 1}"
        if isinstance(event, yaml.CollectionStartEvent):
            levels += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            levels -= 1
        if levels > MOST_LEVELS:
            raise ScenarioError(f"{where}: more than {MOST_LEVELS} levels of lists and groups")
        values += isinstance(event, yaml.NodeEvent)
        if values > most_values:
            raise ScenarioError(f"{where}: more than {most_values} keys and values in one file")
        if getattr(event, "tag", None) is not None:
            raise ScenarioError(f"{where}: the tag {event.tag}: values are written plainly")


def _check_values(
    file: Path, node: yaml.Node, known: dict[int, int], above: list[int], most_values: int
) -> int:
    """How many values a node stands for, aliases written out."""
    if id(node) in above:
        raise ScenarioError(f"{file}, line {node.start_mark.line + 1}: an alias to what it is in")
    if id(node) not in known:
        inside = [] if isinstance(node, yaml.ScalarNode) else node.value
        flat = [n for pair in inside for n in (pair if isinstance(pair, tuple) else (pair,))]
        above.append(id(node))
        known[id(node)] = 1 + sum(_check_values(file, n, known, above, most_values) for n in flat)
        above.pop()
    if known[id(node)] > most_values:
        raise ScenarioError(
            f"{file}, line {node.start_mark.line + 1}: aliases that stand for more than "
            f"{most_values} values"
        )
    return known[id(node)]


def _nodes(node: yaml.Node, at: str = "") -> Iterator[tuple[str | None, yaml.Node]]:
    """(key, its value's node) and (None, a key's node), of everything below."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = f"{at}.{key.value}".lstrip(".") if isinstance(key, yaml.ScalarNode) else at
            yield None, key
            yield here, value
            yield from _nodes(key, here)
            yield from _nodes(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            yield f"{at}.{n}", value
            yield from _nodes(value, f"{at}.{n}")


_NO_CODE = "a folder of configuration holds data, and nothing that Hydra would do"


def _check_node(where: str, at: str | None, node: yaml.Node) -> None:
    if not isinstance(node, yaml.ScalarNode):
        return
    text = node.value
    if at is None and (_HYDRA.search(text) or _CODE.search(text)):
        raise ScenarioError(f"{where}: the key {text} is not allowed here: {_NO_CODE}")
    if "${" in _REFERENCE.sub("", text) or (at is None and "${" in text):
        raise ScenarioError(
            f"{where}: {at or 'a key'} is '{text}': only a reference to another key, such as "
            "${promotion.peak_viewers}, may stand in a file"
        )


# --- defaults -------------------------------------------------------------------------------------


def _inherits(file: Path, name: Path, body: DictConfig) -> Iterator[str]:
    """The files that `defaults` bring in, as Hydra names them."""
    written = body._get_node("defaults")
    defaults: Any = OmegaConf.to_container(written) if isinstance(written, ListConfig) else []
    if written is not None and not isinstance(written, ListConfig):
        raise ScenarioError(f"{file}: defaults must be a list such as [agora@_here_, _self_]")
    group = name.parent.as_posix()
    for entry in defaults:
        pairs = entry.items() if isinstance(entry, Mapping) else [(entry, None)]
        for key, chosen in pairs:
            choices = chosen if isinstance(chosen, list) else [chosen] * (chosen is not None)
            found = _GROUP.fullmatch(key) if isinstance(key, str) else None
            wrong = key if not found else next((c for c in choices if not _is_choice(c)), None)
            if wrong is not None or _HYDRA.search(str(key)):
                raise ScenarioError(
                    f"{file}: defaults names '{key if wrong is None else wrong}': each must be a "
                    "file of this folder or of conf/ (agora@_here_, /tariff@tariffs: [agora_list])"
                    + (f"; {_NO_CODE}" if wrong is None else "")
                )
            assert found is not None
            if key == "_self_" or "override" in str(key).split():
                continue
            at = found[1].lstrip("/") if found[1][0] == "/" else f"{group}/{found[1]}"
            yield from [f"{at}/{choice}" for choice in choices] if choices else [at]


def _is_choice(chosen: object) -> bool:
    return isinstance(chosen, str) and bool(_CHOICE.fullmatch(chosen))


def _count(
    name: str, inherited: Inherited, known: dict[str, int], above: tuple[str, ...], folder: Path
) -> int:
    """How many files one brings in: none twice in a row, and not more than can be read."""
    name = name.removesuffix(".yaml")
    if name in above:
        circle = " <- ".join((*above[above.index(name) :], name))
        raise ScenarioError(f"{folder}: files that inherit themselves: {circle}")
    if name not in known and len(above) <= MOST_LEVELS:
        here = (*above, name)
        known[name] = 1 + sum(
            _count(other, inherited, known, here, folder) for other in inherited.get(name, ())
        )
    if len(above) > MOST_LEVELS or known[name] > MOST_INHERITED:
        raise ScenarioError(
            f"{folder}: {name} inherits too many files: at most {MOST_INHERITED}, {MOST_LEVELS} "
            "one from the other"
        )
    return known[name]


# --- what Hydra would silently ignore or misplace -------------------------------------------------


def _check_place(file: Path, name: Path, text: str, body: DictConfig) -> None:
    """The header, and what only files of a group must keep to."""
    for line in _headers(text):
        if _HYDRA.search(line):
            raise ScenarioError(f"{file} has the header '{line}': {_NO_CODE}")
    if name.parts[0] == "vendors":
        _check_header(file, text, f"vendors.{file.stem}")
        _check_sources(file, body)
    elif name.parts[0] == "tariff":
        _check_list(file, body)
    elif name.parts[0] == "experiment":
        _check_header(file, text, "_global_")


def _headers(text: str) -> Iterator[str]:
    """The lines Hydra takes for headers: of two with the same key it keeps the last."""
    for line in filter(None, map(str.strip, text.splitlines())):
        if not re.match(r"#\s*@", line):
            return
        yield line


def _check_header(file: Path, text: str, package: str) -> None:
    header = f"# @package {package}"
    found = " and ".join(_headers(text)) or "none"
    if found != header:
        raise ScenarioError(f"{file} has the header '{found}': its first line must be '{header}'")


def _check_list(file: Path, body: DictConfig) -> None:
    """Under another file's key a list would silently be merged into that file's."""
    keys = [str(key) for key in body if key != "defaults"]
    if keys != [file.stem]:
        raise ScenarioError(
            f"{file} holds {', '.join(keys) or 'no key'}: a price list stands under one key, the "
            f"file's own name, {file.stem}"
        )


def _check_sources(file: Path, body: DictConfig) -> None:
    """A value written over an inherited number would keep that number's range and source."""
    inherits = "@_here_" in str(body.get("defaults"))
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
