"""The command: `python -m sim`, or `peakcast`."""

from __future__ import annotations

import errno
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.scenario.command import Point
    from sim.study import Frames

LISTED = (
    "vendors", "promotion", "audience", "network", "study", "experiment",
    "commerce", "engine", "tariff",
)  # fmt: skip


def run() -> NoReturn:
    """The console script."""
    # A file opened later would get the number of a stream that is closed, and what is said there.
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open to the end
    if sys.getfilesystemencoding() == "ascii":  # no file of a Chinese name could be opened
        shown = {"PYTHONIOENCODING": getattr(sys.stdout, "encoding", None) or "ascii"}
        utf8 = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execve(sys.executable, utf8, {**shown, **os.environ})
    sys.exit(command(sys.argv[1:]))


def command(argv: Sequence[str]) -> int:
    """Do what the arguments say; the exit code.

    0; 1 a point failed, or a valid run or the answer couldn't be written; 2 wrong input; 130
    stopped.
    """
    answer = StringIO()
    with redirect_stdout(answer):
        code = _done(argv)
    return _tell(answer.getvalue(), code)


def _done(argv: Sequence[str]) -> int:
    from sim.scenario.errors import FULL, NotWritten, ScenarioError

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
    except NotWritten as reason:
        say(str(reason))
        return 1
    except OSError as error:  # such as a sweep's folder that can't be made
        say(str(error))
        return 1 if error.errno in FULL else 2
    except KeyboardInterrupt:
        say("stopped; a sweep keeps its finished points, and the same command goes on from there")
        return 130


def _tell(answer: str, code: int) -> int:
    """Write the answer, all at once and last: a reader who stops listening loses nothing else."""
    if not answer:
        return code
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(answer.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        last = answer.splitlines()[-1]
        done = f"; {last} is finished" if Path(last).is_dir() else ""
        say(f"standard output can't be written: {error.strerror}{done}")
        return code or 1
    return code


def say(text: str) -> None:
    """A line on standard error."""
    _say(f"peakcast: {text}\n")


def _say(text: str) -> None:
    """As it stands; where nobody can be told, the work goes on."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: TextIO | None) -> None:
    """What could not be written is not tried again when the interpreter ends."""
    with suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]


def help_page() -> str:
    """Everything one can choose, from the first comment line of each file of `conf/`."""
    from sim.scenario.files import CONF

    lines = [
        "peakcast: who stalls on the big night, what it costs, what the vendor bills.",
        "",
        "python -m sim [--config-dir FOLDER] [GROUP=OPTION ...] [KEY=VALUE ...]   one night",
        "python -m sim -m KEY=VALUE,VALUE ...                                     a sweep",
        "python -m sim --cfg job                                                  every key",
        "python -m sim rerun=FOLDER [KEY=VALUE ...]              a finished run again, anywhere",
        "",
        "python -m sim 'vendors=[agora,budget]' promotion=flash_join promotion.peak_viewers=50000",
        "python -m sim 'vendors=[agora,budget]' audience.file=my_night.csv report.sessions=true",
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
    from sim.folder import damage
    from sim.scenario.command import each_point
    from sim.scenario.compose import rerun_of
    from sim.scenario.errors import ScenarioError

    again = rerun_of(argv)
    if again is not None and not again.is_dir():
        raise ScenarioError(f"rerun is '{again}', which is no folder: it must be a finished run's")
    if again is not None and (wrong := damage(again)):
        raise ScenarioError(f"rerun is '{again}', which is no finished run: {wrong}")
    codes: list[int] = []
    sweep = each_point(argv, lambda point: codes.append(_one(point)))
    return max(codes, default=0) if sweep is None else _finish_sweep(sweep, codes)


def _one(point: Point) -> int:
    """One point; it never raises but for Ctrl-C, so that a sweep goes on."""
    from sim.folder import PAGE, write_point
    from sim.scenario.errors import NotWritten, ScenarioError

    code, reason, trace, folder = 0, "", "", None
    try:
        if isinstance(point.scenario, ScenarioError):
            raise point.scenario
        folder = carry_out(point.scenario, point.sweep or Path(point.scenario.output_dir))
    except ScenarioError as refused:
        code, reason = 2, str(refused)
    except NotWritten as full:
        code, reason = 1, str(full)
    except Exception as error:
        code, reason, trace = 1, f"{type(error).__name__}: {error}", traceback.format_exc()
    if point.sweep is not None:
        name = folder.name if folder else ""
        say(f"{' '.join(point.overrides)}: {name or reason}")
        try:
            write_point(
                point.sweep, point.overrides, code=code, reason=reason, folder=name, trace=trace
            )
        except NotWritten as full:
            say(str(full))
            return 1
    elif folder is None:
        say(f"{trace}{reason}")
    else:
        page = folder / PAGE
        if (said := page.with_suffix(".txt")).is_file():
            print(said.read_text("utf-8"))
        if page.is_file():
            print(f"report: {page}")
        print(folder)
    return code


def _finish_sweep(sweep: Path, codes: Sequence[int]) -> int:
    """Gather what is finished, list what isn't. `codes`: of points in this process."""
    from sim.folder import gather, read_points

    points = read_points(sweep)
    failed = [point for point in points if point["code"]]
    gather(sweep, [point for point in points if not point["code"]])
    if failed:
        say(f"{len(failed)} of {len(points)} points failed:")
        for point in failed:
            _say(f"  {' '.join(point['overrides'])}: {point['reason']}\n")
    print(sweep)
    return 1 if failed or any(codes) else 0


def carry_out(scenario: Scenario, parent: Path) -> Path:
    """Answer a scenario in `parent/run-<hash>`, unless that is finished already; the folder."""
    from sim import folder as on_disk
    from sim.scenario.files import check_writable, scenario_hash

    digest = scenario_hash(scenario)
    folder = parent / f"run-{digest}"
    for place in {parent, Path(scenario.output_dir)}:
        on_disk.clear_leftovers(place)
    if not scenario.overwrite and on_disk.finished(folder, scenario):
        say(f"{folder} is finished and reused (overwrite=true runs it anew)")
        _say_failed(folder)
        return folder
    check_writable(folder)
    if folder.is_dir() and (wrong := on_disk.damage(folder)):
        say(f"{folder} is damaged, {wrong}: now {on_disk.set_aside(folder).name}, and run anew")
    from sim.catalogue.language import words
    from sim.engine.precompile import compiling_beside
    from sim.study import run_study

    began = monotonic()
    with compiling_beside(), Progress() as progress:
        frames = run_study(scenario, progress)
    if parent != Path(scenario.output_dir) or not scenario.report.enabled:
        for messages in frames.facts.get("warnings", ()):  # else the text of the report says it
            say(words().tell(messages))
    with on_disk.put_in_place(folder) as aside:
        on_disk.write_tables(frames, aside)
        on_disk.write_config(scenario, aside)
        failed = _drawn(frames, scenario, aside) if scenario.report.enabled else {}
        on_disk.write_manifest(scenario, digest, monotonic() - began, failed, aside)
    _say_failed(folder)
    return folder


def _drawn(frames: Frames, scenario: Scenario, folder: Path) -> dict[str, str]:
    """Charts and page, whose failure costs nothing but themselves: file -> reason."""
    from sim.folder import PAGE

    try:
        from sim.report import write
    except Exception as error:  # the library that draws may find no folder for what it keeps
        return {PAGE: f"{type(error).__name__}: {error}"}
    try:
        return write(frames, scenario, folder) or {}
    except OSError:  # the disk, not the picture
        raise
    except Exception as error:
        return {PAGE: f"{type(error).__name__}: {error}"}


def _say_failed(folder: Path) -> None:
    from sim.folder import failed

    for file, reason in failed(folder).items():
        say(f"{folder / file} is not there ({reason})")


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
        self._first = threading.Timer(self.QUIET_S, self._show, ["compiling, once"])
        self._first.daemon = True

    def __enter__(self) -> Progress:
        self._first.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._first.cancel()
        if self._line and sys.stderr.isatty():
            _say("\n")

    def __call__(self, done: int, total: int) -> None:
        """So many of `total` points are done: said, if it is time to."""
        now = monotonic()
        if done:
            self._first.cancel()
        if not done or now - self._began < self.QUIET_S:
            return
        if sys.stderr.isatty() or now - self._said >= self.EVERY_S or not self._line:
            left = (now - self._began) / done * (total - done)
            known = done >= self.ENOUGH * total  # the first has compiling in it
            self._said = now
            self._show(f"{done} of {total} points{f', about {left:.0f} s left' if known else ''}")

    def _show(self, text: str) -> None:
        self._line = text
        if sys.stderr.isatty():
            _say(f"\r\x1b[Kpeakcast: {text}")
        else:
            say(text)
