"""What works beside the test on one of the bed's hosts: a function in a process, or a program."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.field.bed import Host


@contextlib.contextmanager
def killed_at_the_end(program: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Another program than this one, however what it is for ends."""
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


_FORK = multiprocessing.get_context("fork")  # the hosts' open files go with it


class Work:
    """Begins at once. `result` waits for what the function returns and raises what it raised."""

    def __init__(self, host: Host, task: Callable[..., Any], *told: Any):
        self._answer, tell = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_carry_out, args=(tell, host, task, told), daemon=True)
        self._process.start()
        tell.close()

    def result(self, timeout_s: float) -> Any:
        if not self._answer.poll(timeout_s):
            raise TimeoutError(f"no answer within {timeout_s:.0f} s")
        done, value = self._answer.recv()
        self._process.join()
        if not done:
            raise RuntimeError(value)
        return value

    def worked_s(self) -> float:
        """Of processor, so far; the process must still run."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._answer.close()


def _carry_out(tell: Connection, host: Host, task: Callable[..., Any], told: Any) -> None:
    try:
        host.enter()
        tell.send((True, task(*told)))
    except Exception:
        tell.send((False, traceback.format_exc()))
