"""From files and overrides to one validated scenario. Hydra composes, pydantic judges."""

from __future__ import annotations

import os
import pickle
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf
from pydantic import ValidationError

from sim.scenario.error_messages import (
    model_at,
    nearest,
    no_such_choice,
    not_understood,
    of_hydra,
    of_validation,
    several,
    shown,
)
from sim.scenario.errors import FULL, NotWritten, ScenarioError
from sim.scenario.files import (
    CONF,
    beside,
    groups,
    named_files,
    resolve_file,
    scenario_hash,
)
from sim.scenario.model import Scenario
from sim.scenario.paths import path_of
from sim.scenario.quantity import GIVEN, Quantity
from sim.scenario.quoting import forced, literal, quoted
from sim.scenario.received import (
    MOST_BYTES,
    MOST_VALUES,
    as_it_is,
    body_of,
    check_config_dir,
    text_of,
)
from sim.scenario.vendor import Vendor

__all__ = [
    "CONF",
    "arguments",
    "in_words",
    "load_scenario",
    "quoted",
    "read_scenario",
    "rerun_of",
    "resolve_file",
    "run_again",
    "scenario_hash",
    "searched",
    "validated",
]


MOST_ARGUMENTS, MOST_CHARACTERS = 300, 20_000
"""Of a command: its grammar takes seconds for more."""
LONGEST_NAME = 200
"""Characters of one name in it, which may be looked for as a file."""
MOST_BRACKETS = 20
"""One in the other."""
HYDRAS = ("hydra/launcher", "hydra/sweeper", "hydra.mode")
"""Of Hydra's own, what may be chosen on a command line; and numbers of these, not what they are."""

_COMPOSING = threading.Lock()


def load_scenario(*overrides: str, config_dir: str | Path | None = None) -> Scenario:
    """The scenario that `python -m sim [--config-dir config_dir] overrides` would run.

    Works in scripts, notebooks and inside a Hydra application.
    """
    folder = None if config_dir is None else path_of("config_dir", str(config_dir))
    with in_words(folder):
        if folder is not None:
            folder = folder.resolve()
            check_config_dir(folder)
        given = arguments(overrides)
        cfg = _of_arguments(given, folder)
    return validated(cfg, folder, given=given)


def _of_arguments(given: list[str], folder: Path | None) -> DictConfig:
    """What the overrides make of the files they choose.

    Reading and merging the files takes nearly all the time: they are kept as they were chosen, and
    the values go on top of a copy by Hydra's own function.
    """
    there = groups(folder)
    files: list[Override] = []
    values: list[Override] = []
    for override in OverridesParser.create().parse_overrides(given):
        key = override.key_or_group
        chooses = key in there and not isinstance(override.value(), dict)
        to_hydra = chooses or "/" in key or key.split(".")[0] == "hydra"
        (files if to_hydra else values).append(override)
    chosen = tuple(str(override.input_line) for override in files)
    by_reference = any("${" in choice for choice in chosen)  # which may mean another file now
    compose_files = _of_files.__wrapped__ if by_reference else _of_files
    as_they_are = tuple(map(as_it_is, filter(None, (CONF, folder))))
    cfg: DictConfig = pickle.loads(compose_files(chosen, folder, as_they_are))
    ConfigLoaderImpl._apply_overrides_to_config(values, cfg)
    noted = OmegaConf.create({"hydra": {"overrides": {"task": []}}})
    for override in values:  # as the command notes its arguments, refusing what it can't note
        noted.hydra.overrides.task.append(override.input_line)
    return cfg


@lru_cache(maxsize=32)
def _of_files(chosen: tuple[str, ...], folder: Path | None, _as_they_are: Any) -> bytes:
    """The configuration of these choices, pickled; `_as_they_are`: a file that changes is read
    again."""
    path = [] if folder is None else [searched(folder)]
    with _hydra_set_aside():
        initialize_config_dir(str(CONF), version_base="1.3")
        return pickle.dumps(compose("config", [*path, *chosen]))


def read_scenario(path: str | Path) -> Scenario:
    """The scenario of a finished run, from the `config.yaml` in its folder.

    It was composed once: what looks like a reference in it is text.
    """
    return validated(_composed(Path(path)), resolve=False)


def _composed(file: Path) -> DictConfig:
    text = text_of(file, 10 * MOST_BYTES)
    cfg = body_of(file, text, 10 * MOST_VALUES, composed=True)
    beside(cfg, Path(os.path.abspath(file)).parent, composed=True)
    return cfg


def rerun_of(argv: Sequence[str]) -> Path | None:
    """The run's folder in `rerun=FOLDER`, if the arguments have it."""
    asked = [a.partition("=")[2] for a in argv if a.startswith("rerun=")]
    if len(asked) > 1:
        raise ScenarioError(f"rerun is given {len(asked)} times: it must be there once")
    return path_of("rerun", asked[0]) if asked else None


def run_again(folder: Path, argv: Sequence[str]) -> Scenario:
    """The scenario of a finished run, with `KEY=VALUE ...` on top, written where runs are now."""
    _refuse_beside_rerun([a for a in argv if a.startswith("-")])
    overrides = arguments(argv, sweep=True)
    cfg, usual = _composed(folder / "config.yaml"), OmegaConf.load(CONF / "config.yaml")
    assert isinstance(usual, DictConfig)
    for key in ("output_dir", "overwrite"):
        cfg[key] = usual[key]
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.key_or_group
        more = key in groups() or key.startswith("hydra") or "${" in str(override.input_line)
        if more or override.is_sweep_override() or override.is_delete():
            _refuse_beside_rerun([str(override.input_line)])
        OmegaConf.update(cfg, key, override.value(), merge=True, force_add=True)
    return validated(cfg, resolve=False, given=overrides)


def _refuse_beside_rerun(arguments: Sequence[str]) -> None:
    for argument in arguments:
        raise ScenarioError(
            f"{argument} can't stand beside rerun=, which takes KEY=VALUE: no option, no choice "
            "of files, no values to sweep, no reference"
        )


class _Beside(FileConfigSource):
    """A user's own folder, as Hydra reads it: what a file there names stands beside it."""

    @staticmethod
    def scheme() -> str:
        return "beside"

    def load_config(self, config_path: str) -> ConfigResult:
        found = super().load_config(config_path)
        beside(found.config, Path(self.path, config_path).parent)
        return found


def searched(folder: Path) -> str:
    """The override that has Hydra look into a user's own folder too."""
    SourcesRegistry.instance().register(_Beside)
    return f"hydra.searchpath=[{literal(f'{_Beside.scheme()}://{folder.absolute()}')}]"


def validated(
    cfg: DictConfig,
    config_dir: Path | None = None,
    resolve: bool = True,
    given: Sequence[str] = (),
) -> Scenario:
    """The scenario of a composed configuration; a ScenarioError says what is wrong with it.

    `given`: the overrides in it.
    """
    options = groups(config_dir)
    with in_words(config_dir):
        plain = OmegaConf.to_container(cfg, resolve=resolve, throw_on_missing=resolve)
        data = _with_text_keys(plain)
        _check_vendors(data.get("vendors"), options["vendors"])
        _own_peak(data, given)
        try:
            scenario = Scenario.model_validate(data)
        except ValidationError as error:
            raise ScenarioError(of_validation(error, data, options)) from None
        _check_provenance(scenario)
        named_files(scenario)
    return scenario


def _with_text_keys(node: Any, at: str = "") -> Any:
    """`{480: ...}` is the same as `{'480': ...}`; what YAML takes for a truth or nothing isn't."""
    if isinstance(node, list):
        return [_with_text_keys(child, f"{at}.{n}") for n, child in enumerate(node)]
    if not isinstance(node, dict):
        return node
    for key in node:
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise ScenarioError(
                f"{at.lstrip('.') or 'the configuration'} has the key {shown(key)}: a key is "
                "text (in a file, put it in quotes: YAML reads no, off, null and 1.5 otherwise)"
            )
    return {str(key): _with_text_keys(child, f"{at}.{key}") for key, child in node.items()}


def arguments(argv: Sequence[str], sweep: bool = False) -> list[str]:
    """Overrides as Hydra wants them, refused where they would lie about a number's source.

    `sweep`: several values of one key are points of a sweep.
    """
    _check_arguments(argv)
    written = forced(quoted(argv))
    options = groups()
    sweep = sweep or any(a.lstrip("+").startswith("hydra.mode=") for a in argv)
    for typed, argument in zip(argv, written, strict=True):
        try:
            override = OverridesParser.create().parse_override(argument)
        except HydraException:
            raise ScenarioError(not_understood(typed, options)) from None
        if override.is_sweep_override() and not sweep:
            raise ScenarioError(several(typed, options))
        _check_hydras(override)
        _check_choice(override, options)
        _check_source(typed, override)
    return written


def _check_arguments(argv: Sequence[str]) -> None:
    """What the grammar would take minutes for, or not survive."""
    for argument in argv:
        if not isinstance(argument, str):
            raise ScenarioError(
                f"an override is {shown(argument)}: each must be a text of its own, such as "
                "load_scenario('seed=1', 'vendors=[agora]')"
            )
    size = sum(map(len, argv))
    if len(argv) > MOST_ARGUMENTS or size > MOST_CHARACTERS:
        raise ScenarioError(
            f"{len(argv)} arguments with {size} characters: they must be {MOST_ARGUMENTS} and "
            f"{MOST_CHARACTERS} at most, and more stand in a file (--config-dir)"
        )
    for argument in argv:
        levels = deepest = 0
        for character in argument:
            levels += (character in "[{(") - (character in "]})")
            deepest = max(deepest, levels)
        if deepest > MOST_BRACKETS:
            raise ScenarioError(
                f"{shown(argument)} nests brackets {deepest} deep: at most {MOST_BRACKETS}"
            )
        if max(map(len, re.split(r"[./=@]", argument.partition("=")[0]))) > LONGEST_NAME:
            raise ScenarioError(
                f"{shown(argument)} is not understood: no key has a name of more than "
                f"{LONGEST_NAME} characters"
            )
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise ScenarioError(
                f"{shown(argument)} is not UTF-8 text: no key and no value can be"
            ) from None


def _check_hydras(override: Override) -> None:
    """Hydra's own keys can name code, and take the command apart: few are of use here."""
    key = override.key_or_group
    if not re.match(r"hydra\b", key):
        return
    of = re.fullmatch(r"hydra\.(?:launcher|sweeper)\.(\w+(?:\.\w+)*)", key)
    number = of is not None and of[1] != "params" and not of[1].startswith(("_", "params."))
    code = "_target_" in str(override.input_line)
    if override.is_delete() or code or not (key in HYDRAS or number):
        raise ScenarioError(
            f"{shown(key)[1:-1]} is Hydra's own and can't be given here: what can be is "
            f"{', '.join(HYDRAS)} and what belongs to them, such as hydra.launcher.n_jobs"
        )


def _check_choice(override: Override, options: Mapping[str, Sequence[str]]) -> None:
    """What Hydra takes for a choice of files and isn't one; a list where there is one choice."""
    group = override.key_or_group
    if not group:
        raise ScenarioError(not_understood(str(override.input_line), options))
    if group not in options or override.is_delete() or override.is_sweep_override():
        return
    chosen = override.value()
    several = chosen if isinstance(chosen, list) else []
    for name in several or [chosen]:
        if (several and not isinstance(name, str)) or len(str(name)) > LONGEST_NAME:
            raise ScenarioError(no_such_choice(group, str(name), options))
    for name, times in Counter(several).items():
        if times > 1:
            raise ScenarioError(f"{group} names '{name}' {times} times: it must be there once")
    if len(several) > 1 and group in Scenario.model_fields and group != "vendors":
        raise ScenarioError(f"{group} is [{', '.join(several)}]: it must be one of them")
    if not chosen and group == "vendors":
        _check_vendors(None, options[group])
    if not isinstance(chosen, str | list) or not chosen:
        there = ", ".join(options[group])
        raise ScenarioError(f"{group} is {shown(chosen)}: it must be one of {there}")


def _check_source(typed: str, override: Override) -> None:
    """A value, alone or in a group of keys, that would keep the source of the one it replaces."""
    argument, key = typed.lstrip("+"), override.key_or_group
    number, _, last = key.rpartition(".")
    if last == "value" and model_at(number.split(".")) is Quantity:
        _refuse_borrowed_source(argument, number)
    if override.is_delete() or override.is_sweep_override():
        return
    given = override.value()
    if (
        isinstance(given, dict)
        and "source" not in map(str, given)
        and model_at(key.split(".")) is Quantity
    ):
        _refuse_borrowed_source(argument, key)


def _refuse_borrowed_source(argument: str, number: str) -> None:
    raise ScenarioError(
        f"{argument} would keep the low..high and the source of the number it replaces: "
        f"write a bare number, {number}=..., which is 'assumed, given by the user'"
    )


@contextmanager
def in_words(config_dir: Path | None = None) -> Iterator[None]:
    """Complaints of Hydra, OmegaConf, YAML and the disk leave as one sentence, a ScenarioError."""
    try:
        yield
    except (ScenarioError, NotWritten):
        raise
    except Exception as error:
        said = of_hydra(error, groups(config_dir))
        full = isinstance(error, OSError) and error.errno in FULL  # Hydra makes a sweep's folder
        raise (NotWritten if full else ScenarioError)(said) from None


@contextmanager
def _hydra_set_aside() -> Iterator[None]:
    """Composing needs Hydra's one global object: one thread at a time has it.

    An application around us gets it back.
    """
    with _COMPOSING:
        holder = GlobalHydra.instance()
        kept, holder.hydra = holder.hydra, None
        try:
            yield
        finally:
            holder.hydra = kept


# --- what only the files together can tell --------------------------------------------------------


def _check_vendors(vendors: Any, files: Sequence[str]) -> None:
    """A file without header spills into `vendors`; a value without its vendor makes half a one.

    `files`: vendors that can be chosen.
    """
    if not vendors:
        raise ScenarioError(
            "vendors is empty: it must name at least one file of the group, "
            f"such as 'vendors=[{files[0]}]'"
        )
    if not isinstance(vendors, Mapping):
        return
    whole = [k for k, v in vendors.items() if isinstance(v, Mapping) and "name" in v]
    for key, body in vendors.items():
        if key in Vendor.model_fields:
            raise ScenarioError(
                f"vendors.{key} is no vendor: it stands in each, vendors.<name>.{key}, and a file "
                "that holds it must begin '# @package vendors.<name>'"
            )
        if not isinstance(body, Mapping):
            raise ScenarioError(f"vendors.{key} is {shown(body)}: a vendor must be a group of keys")
        if key not in whole:
            needed = [k for k, f in Vendor.model_fields.items() if f.is_required()]
            near = "" if key in files else nearest(key, [*whole, *files])
            meant = f" (did you mean {near}?)" if near else ""
            how = f" ('vendors=[{','.join([*whole, key])}]')" if key in files else ""
            raise ScenarioError(
                f"vendors.{key} is half a vendor{meant}, with {', '.join(body) or 'nothing'} and "
                f"without {', '.join(k for k in needed if k not in body)}: its file must give "
                f"them and be chosen{how}, or nothing may set it"
            )


def _own_peak(data: dict[str, Any], given: Sequence[str]) -> None:
    """Viewers who are given one by one are as many as they are: no script says how many."""
    audience, script = data.get("audience"), data.get("promotion")
    if not (isinstance(audience, Mapping) and isinstance(script, dict)):
        return
    if audience.get("file") is None:
        return
    for override in OverridesParser.create().parse_overrides(list(given)):
        if override.key_or_group == "promotion.peak_viewers" and override.value() is not None:
            asked = shown(override.value())
            raise ScenarioError(
                f"promotion.peak_viewers={asked} can't stand beside audience.file, whose viewers "
                "are as many as its rows: study.peaks=[2] asks for a night of twice as many"
            )
    script["peak_viewers"] = None


def _check_provenance(scenario: Scenario) -> None:
    """Shipped numbers nobody measured or published say how far they may be off."""
    for name, vendor in scenario.vendors.items():
        if not (CONF / "vendors" / f"{name}.yaml").is_file():
            continue
        for key, number, sources in vendor.quantities():
            if number.low is None and number.source != GIVEN:
                said = sources[number.source].confidence if number.source else "assumed"
                if said in ("assumed", "claimed"):
                    raise ScenarioError(
                        f"vendors.{name}.{key} is {number.value:g}, {said}, without low and high: "
                        "only a published or measured shipped number may leave them out"
                    )
