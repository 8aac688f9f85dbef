"""The command: `python -m sim`, or `peakcast`."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.scenario.command import Point

LISTED = (
    "vendors", "promotion", "audience", "network", "study", "experiment",
    "commerce", "engine", "tariff",
)  # fmt: skip


def run() -> NoReturn:
    """The console script."""
    sys.exit(command(sys.argv[1:]))


def command(argv: Sequence[str]) -> int:
    """Do what the arguments say; the exit code: 0, 1 a point failed, 2 wrong input, 130 stopped."""
    from sim.scenario.errors import ScenarioError

    try:
        if {"-h", "--help"} & set(argv):
            print(help_page())
            return 0
        if "--version" in argv:
            from sim.folder import version_of

            print(f"peakcast {version_of('peakcast')}")
            return 0
        return _points(argv)
    except ScenarioError as refused:
        say(str(refused))
        return 2
    except OSError as error:  # such as a sweep's folder that can't be made
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("stopped; a sweep keeps its finished points, and the same command goes on from there")
        return 130


def say(text: str) -> None:
    print(f"peakcast: {text}", file=sys.stderr, flush=True)


def help_page() -> str:
    """Everything one can choose, from the first comment line of each file of `conf/`."""
    from sim.scenario.files import CONF

    lines = [
        "peakcast: who stalls on the big night, what it costs, what the vendor bills.",
        "",
        "python -m sim [--config-dir FOLDER] [GROUP=OPTION ...] [KEY=VALUE ...]   one night",
        "python -m sim -m KEY=VALUE,VALUE ...                                     a sweep",
        "python -m sim --cfg job                                                  every key",
        "",
        "python -m sim 'vendors=[agora,budget]' promotion=flash_join promotion.peak_viewers=50000",
        "python -m sim 'vendors=[agora]' vendors.agora.limits.sessions=20000 "
        "vendors.agora.limits.egress_mbps=60000",
        "",
        "Other keys: replications seed audience.sample engine.kind engine.epoch_s engine.threads",
        "output_dir overwrite. The last line of standard output is the folder with the answer.",
    ]
    for group in LISTED:
        lines += ["", f"{group}:"]
        for file in sorted((CONF / group).glob("*.yaml")):
            comments = (s[1:].strip() for s in file.read_text("utf-8").splitlines() if s[:1] == "#")
            about = next((c for c in comments if not c.startswith("@package")), "")
            lines.append(f"  {file.stem:<16} {about}")
    return "\n".join(lines)


# --- points ---------------------------------------------------------------------------------------


def _points(argv: Sequence[str]) -> int:
    from sim.scenario.command import each_point

    codes: list[int] = []
    sweep = each_point(argv, lambda point: codes.append(_one(point)))
    return max(codes, default=0) if sweep is None else _finish_sweep(sweep)


def _one(point: Point) -> int:
    """One point; it never raises but for Ctrl-C, so that a sweep goes on."""
    from sim.folder import write_point
    from sim.scenario.errors import ScenarioError

    code, reason, trace, folder = 0, "", "", None
    try:
        if isinstance(point.scenario, ScenarioError):
            raise point.scenario
        folder = carry_out(point.scenario, point.sweep or Path(point.scenario.output_dir))
        page = folder / "report.html" if point.scenario.report.enabled else None
    except ScenarioError as refused:
        code, reason = 2, str(refused)
    except Exception as error:
        code, reason, trace = 1, f"{type(error).__name__}: {error}", traceback.format_exc()
    if point.sweep is not None:
        name = folder.name if folder else ""
        write_point(
            point.sweep, point.overrides, code=code, reason=reason, folder=name, trace=trace
        )
        say(f"{' '.join(point.overrides)}: {name or reason}")
    elif folder is None:
        say(f"{trace}{reason}")
    else:
        if page:
            print(page.with_suffix(".txt").read_text("utf-8"), f"report: {page}", sep="\n")
        print(folder)
    return code


def _finish_sweep(sweep: Path) -> int:
    """Gather what is finished, list what isn't."""
    from sim.folder import gather, read_points

    points = read_points(sweep)
    failed = [point for point in points if point["code"]]
    gather(sweep, [point for point in points if not point["code"]])
    if failed:
        say(f"{len(failed)} of {len(points)} points failed:")
        for point in failed:
            print(f"  {' '.join(point['overrides'])}: {point['reason']}", file=sys.stderr)
    print(sweep)
    return 1 if failed else 0


def carry_out(scenario: Scenario, parent: Path) -> Path:
    """Answer a scenario in `parent/run-<hash>`, unless that is finished already; the folder."""
    from sim.folder import finished, put_in_place, write_config, write_manifest, write_tables
    from sim.scenario.files import check_writable, scenario_hash

    digest = scenario_hash(scenario)
    folder = parent / f"run-{digest}"
    if finished(folder, scenario) and not scenario.overwrite:
        say(f"{folder} is finished and reused (overwrite=true runs it anew)")
        return folder
    check_writable(parent)
    from sim.engine.warm import compiling_beside
    from sim.study import answer

    began = monotonic()
    with compiling_beside(), Progress() as progress:
        frames = answer(scenario, progress)
    if parent != Path(scenario.output_dir) or not scenario.report.enabled:
        for sentence in frames.facts.get("warnings", ()):  # else the text of the report says it
            say(sentence)
    with put_in_place(folder) as aside:
        write_tables(frames, aside)
        write_config(scenario, aside / "config.yaml")
        if scenario.report.enabled:
            from sim.report import write

            write(frames, scenario, aside)
        write_manifest(scenario, digest, monotonic() - began, aside)
    return folder


class Progress:
    """Points done and time left on standard error, from the third second on.

    One line that is written over on a terminal, else a line every ten seconds.
    """

    QUIET_S, EVERY_S = 3.0, 10.0
    ENOUGH = 0.05
    """Share of the points that tell how long the others take."""

    def __init__(self) -> None:
        self._began = self._said = monotonic()
        self._line = ""
        self._first = threading.Timer(self.QUIET_S, self._say, ["compiling, once"])
        self._first.daemon = True

    def __enter__(self) -> Progress:
        self._first.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._first.cancel()
        if self._line and sys.stderr.isatty():
            print(file=sys.stderr)

    def __call__(self, done: int, total: int) -> None:
        now = monotonic()
        if done:
            self._first.cancel()
        if not done or now - self._began < self.QUIET_S:
            return
        if sys.stderr.isatty() or now - self._said >= self.EVERY_S or not self._line:
            left = (now - self._began) / done * (total - done)
            known = done >= self.ENOUGH * total  # the first has compiling in it
            self._said = now
            self._say(f"{done} of {total} points{f', about {left:.0f} s left' if known else ''}")

    def _say(self, text: str) -> None:
        self._line = text
        if sys.stderr.isatty():
            print(f"\r\x1b[Kpeakcast: {text}", end="", file=sys.stderr, flush=True)
        else:
            say(text)
