"""From files and overrides to one validated scenario. Hydra composes, pydantic judges."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from yaml import YAMLError

from sim.scenario import words
from sim.scenario.errors import ScenarioError
from sim.scenario.files import (
    CONF,
    check_config_dir,
    check_yaml,
    groups,
    named_files,
    resolve_file,
    scenario_hash,
)
from sim.scenario.model import Scenario
from sim.scenario.quantity import GIVEN, Quantity
from sim.scenario.quoting import forced, quoted
from sim.scenario.vendor import Vendor

__all__ = [
    "CONF",
    "arguments",
    "in_words",
    "load_scenario",
    "quoted",
    "read_scenario",
    "resolve_file",
    "scenario_hash",
    "validated",
]


MOST_ARGUMENTS, MOST_CHARACTERS = 300, 20_000
"""Of a command: its grammar takes seconds for more."""

_COMPOSING = threading.Lock()


def load_scenario(*overrides: str, config_dir: str | Path | None = None) -> Scenario:
    """The scenario that `python -m sim [--config-dir config_dir] overrides` would run.

    Works in scripts, notebooks and inside a Hydra application.
    """
    path = []
    folder = None if config_dir is None else Path(config_dir).expanduser().resolve()
    with in_words(folder), _hydra_set_aside():
        if folder is not None:
            check_config_dir(folder)
            path = [f"hydra.searchpath=['file://{folder}']"]
        initialize_config_dir(str(CONF), version_base="1.3")
        cfg = compose("config", [*path, *arguments(overrides)])
    return validated(cfg, folder)


def read_scenario(path: str | Path) -> Scenario:
    """The scenario of a finished run, from the `config.yaml` in its folder."""
    with in_words():
        check_yaml(Path(path), 200_000)  # a hundred vendors, written by the command
        cfg = OmegaConf.load(path)
    assert isinstance(cfg, DictConfig)
    return validated(cfg)


def validated(cfg: DictConfig, config_dir: Path | None = None) -> Scenario:
    """The scenario of a composed configuration; a ScenarioError says what is wrong with it."""
    options = groups(config_dir)
    with in_words():
        data = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    assert isinstance(data, dict)
    _check_vendors(data.get("vendors"), options["vendors"])
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(words.of_validation(error, data, options)) from None
    _check_provenance(scenario)
    named_files(scenario)
    return scenario


def arguments(argv: Sequence[str]) -> list[str]:
    """Overrides as Hydra wants them, refused where they would lie about a number's source."""
    size = sum(map(len, argv))
    if len(argv) > MOST_ARGUMENTS or size > MOST_CHARACTERS:
        raise ScenarioError(
            f"{len(argv)} arguments with {size} characters: they must be {MOST_ARGUMENTS} and "
            f"{MOST_CHARACTERS} at most, and more stand in a file (--config-dir)"
        )
    argv = forced(quoted(argv))
    parsed = OverridesParser.create().parse_overrides(argv)
    for argument, override in zip(argv, parsed, strict=True):
        _check_choice(override)
        key, _, value = argument.lstrip("+").partition("=")
        number, _, last = key.rpartition(".")
        if last == "value" and words.model_at(number.split(".")) is Quantity:
            _refuse_borrowed_source(argument.lstrip("+"), number)
        elif words.model_at(key.split(".")) is Quantity and "{" in value and "source" not in value:
            _refuse_borrowed_source(argument.lstrip("+"), key)
    return argv


def _check_choice(override: Override) -> None:
    """What Hydra takes for a choice of files and isn't one; a list where there is one choice."""
    group, options = override.key_or_group, groups()
    if not group:
        raise ScenarioError(words.not_understood(str(override.input_line), options))
    if group not in options or override.is_delete() or override.is_sweep_override():
        return
    chosen = override.value()
    several = chosen if isinstance(chosen, list) else []
    for name in several:
        if not isinstance(name, str):
            raise ScenarioError(words.no_such_choice(group, str(name), options))
    for name, times in Counter(several).items():
        if times > 1:
            raise ScenarioError(f"{group} names '{name}' {times} times: it must be there once")
    if len(several) > 1 and group in Scenario.model_fields and group != "vendors":
        raise ScenarioError(f"{group} is [{', '.join(several)}]: it must be one of them")
    if not chosen and group == "vendors":
        _check_vendors(None, options[group])
    if not isinstance(chosen, str | list) or not chosen:
        there = ", ".join(options[group])
        raise ScenarioError(f"{group} is {words.shown(chosen)}: it must be one of {there}")


def _refuse_borrowed_source(argument: str, number: str) -> None:
    raise ScenarioError(
        f"{argument} would keep the low..high and the source of the number it replaces: "
        f"write a bare number, {number}=..., which is 'assumed, given by the user'"
    )


@contextmanager
def in_words(config_dir: Path | None = None) -> Iterator[None]:
    """Complaints of Hydra, OmegaConf and YAML leave as a ScenarioError of one sentence."""
    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        raise ScenarioError(words.of_hydra(error, groups(config_dir))) from None


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
            raise ScenarioError(
                f"vendors.{key} is {words.shown(body)}: a vendor must be a group of keys"
            )
        if key not in whole:
            needed = [k for k, f in Vendor.model_fields.items() if f.is_required()]
            near = "" if key in files else words.nearest(key, [*whole, *files])
            meant = f" (did you mean {near}?)" if near else ""
            how = f" ('vendors=[{','.join([*whole, key])}]')" if key in files else ""
            raise ScenarioError(
                f"vendors.{key} is half a vendor{meant}, with {', '.join(body) or 'nothing'} and "
                f"without {', '.join(k for k in needed if k not in body)}: its file must give "
                f"them and be chosen{how}, or nothing may set it"
            )


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
