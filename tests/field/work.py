"""A function of its own on one of the bed's hosts, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.field.bed import Host

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
