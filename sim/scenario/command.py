"""The command line as scenarios: one, or one a point of a sweep. Only this file runs Hydra."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sim.scenario.compose import (
    CONF,
    arguments,
    in_words,
    rerun_of,
    run_again,
    searched,
    validated,
)
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario
from sim.scenario.paths import path_of
from sim.scenario.received import check_config_dir

OPTIONS = "--help, --version, --config-dir, -m (--multirun), --cfg"
_NEVER_CHANGES_A_RESULT = ("output_dir=", "overwrite=", "engine.threads=", "report.", "hydra")


@dataclass(frozen=True)
class Point:
    """What the command line asks for: all of it, or one point of a sweep."""

    overrides: tuple[str, ...]
    """As on the command line; in a sweep with this point's values."""
    sweep: Path | None
    """The sweep's folder."""
    scenario: Scenario | ScenarioError


class Sweep(Callback):
    """Hydra builds it from config.yaml and tells it, in the first process, that a sweep begins.

    `hydra.main` returns nothing and passes nothing on: a class attribute is the only way out.
    """

    folder: ClassVar[Path | None] = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Keep the sweep's folder, and take away what an earlier sweep told of its points."""
        try:
            Sweep.folder = Path(config.hydra.sweep.dir)
        except OmegaConfBaseException:  # the sweep ends by it; here Hydra would only warn
            return
        for old in Sweep.folder.glob("point-*.json"):  # finished runs stay; points are told anew
            if not old.is_dir():
                old.unlink()


def each_point(argv: Sequence[str], task: Callable[[Point], None]) -> Path | None:
    """Hand every point to `task`, which must not raise; the sweep's folder, if it is a sweep."""
    if (folder := rerun_of(argv)) is not None:
        given = [a for a in argv if not a.startswith("rerun=")]
        with in_words():
            task(Point(tuple(given), None, run_again(folder, given)))
        return None
    with in_words():
        options, overrides, config_dir = _for_hydra(argv)
    place = [] if config_dir is None else [str(config_dir)]
    asked = "\0".join(sorted([*options, *place, *that_matter(overrides)]))
    name = "sweep-" + hashlib.sha256(asked.encode()).hexdigest()[:12]
    # Cached: resolved once, every job names the same folder, in any process.
    OmegaConf.register_new_resolver(
        "sweep_dir",
        lambda output_dir: str(path_of("output_dir", str(output_dir)) / name),
        use_cache=True,
        replace=True,
    )
    raised: list[Exception] = []

    def one(cfg: DictConfig) -> None:
        job = HydraConfig.get()
        scenario: Scenario | ScenarioError
        given: Any = OmegaConf.to_container(job.overrides.task, resolve=False)
        try:
            scenario = validated(cfg, config_dir, given=given)
        except ScenarioError as refused:
            scenario = refused
        sweep = Path(job.sweep.dir) if job.mode is RunMode.MULTIRUN else None
        try:
            task(Point(that_matter(given), sweep, scenario))
        except Exception as error:
            raised.append(error)  # the task's own, and no complaint about the configuration
            raise

    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises, instead of printing and leaving with 1
    Sweep.folder = None
    if config_dir is not None:
        overrides = [searched(config_dir), *overrides]
    kept, sys.argv = sys.argv, [sys.argv[0], *options, *overrides]
    try:
        with in_words(config_dir):
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(one)()
    except Exception:
        _remove_if_empty(Sweep.folder)
        if raised:
            raise raised[0] from None
        raise
    finally:
        sys.argv = kept
    return Sweep.folder


def that_matter(overrides: Iterable[str]) -> tuple[str, ...]:
    """The overrides a result depends on, without Hydra's plus signs."""
    plain = (o.lstrip("+") for o in overrides)
    return tuple(o for o in plain if not o.startswith(_NEVER_CHANGES_A_RESULT))


class _Parser(argparse.ArgumentParser):
    """Hydra's own options that make sense here, in any place, and complaints in a sentence."""

    def __init__(self) -> None:
        super().__init__(add_help=False, allow_abbrev=False)
        self.add_argument("overrides", nargs="*")
        self.add_argument("--config-dir")
        mode = self.add_mutually_exclusive_group()
        mode.add_argument("--multirun", "-m", action="store_true")
        mode.add_argument("--cfg", choices=("job", "hydra", "all"))

    def error(self, message: str) -> NoReturn:
        raise ScenarioError(f"{message}: options are {OPTIONS}, and a key has no dash, key=value")


def _for_hydra(argv: Sequence[str]) -> tuple[list[str], list[str], Path | None]:
    """Options, overrides, and the user's own folder, checked."""
    given = _Parser().parse_intermixed_args(argv)
    options = ["--multirun"] if given.multirun else []
    options += ["--cfg", given.cfg] if given.cfg else []
    options += ["--resolve"] if given.cfg == "job" else []
    folder = None if given.config_dir is None else path_of("--config-dir", given.config_dir)
    if folder is not None:
        check_config_dir(folder)
    return options, arguments(given.overrides, sweep=given.multirun), folder


def _remove_if_empty(sweep: Path | None) -> None:
    """A sweep refused before its first point leaves no folder."""
    if sweep is not None and not any(sweep.glob("point-*.json")):
        (sweep / "multirun.yaml").unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or not there
            sweep.rmdir()
