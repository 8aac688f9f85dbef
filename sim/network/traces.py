"""Recorded throughput of viewers' own links: three formats, one pair of arrays.

- `.csv`: the header `time_s,mbps`; a rate holds from its time to the next row's. The last row only
  ends the trace (its rate is checked, never used), so a file says how long it is.
- `.json`: Sabre's list of `{duration_ms, bandwidth_kbps, latency_ms}`. The latency is not read: in
  the published sets it is a constant nobody measured.
- anything else: Mahimahi, one whole millisecond a line, each a chance to deliver one packet of 1500
  bytes. Chances are counted in bins of 1 s; the last bin ends at the last line, where Mahimahi
  starts over, and may be shorter. Every bit is kept.
"""

from __future__ import annotations

import json
import math
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.scenario.errors import ScenarioError
from sim.scenario.quantity import LEAST_S, MOST_S

Trace = tuple[NDArray[np.float64], NDArray[np.float64]]
"""duration_s (n,), each > 0, and mbps (n,), each >= 0 and finite; one of the rates is above 0."""

PACKET_MBIT = 1500 * 8 / 1e6
MOST_MBPS = 1e6
"""A link of a terabit: nobody means more."""
LONGEST_MS = 10**9
"""Eleven days: beyond it a Mahimahi line is a wrong unit, and its bins would fill the memory."""

_HEADER = ("time_s", "mbps")
_SABRE_KEYS = ("duration_ms", "bandwidth_kbps")


def read_trace(path: str | PathLike[str]) -> Trace:
    """Read one file, its format told by its name.

    Returns: `duration_s` (n,) and `mbps` (n,), both float64.
    Raises: ScenarioError naming the file, the line (or entry), the column, the value and what is
    allowed; also where the file is missing, is no text, or carries nothing.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ScenarioError(
            f"{path} is not UTF-8 text, a trace is .csv, .json or Mahimahi"
        ) from None
    except OSError as error:
        raise ScenarioError(f"{path} can't be read as a trace: {_reason(error)}") from None
    if file.suffix.lower() == ".csv":
        return _csv_trace(text, str(path))
    if file.suffix.lower() == ".json":
        try:
            entries = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ScenarioError(f"{path}, {where}: not JSON ({error.msg})") from None
        except (ValueError, RecursionError):  # a number of 5,000 digits; brackets without end
            raise ScenarioError(f"{path} is not JSON that a trace can hold") from None
        return sabre_trace(entries, str(path))
    return _mahimahi_trace(text, str(path))


def read_traces(path: str | PathLike[str]) -> list[Trace]:
    """Read one file, or every file of a folder in the order of their names.

    Hidden files and folders within the folder are left out.
    Raises: ScenarioError as `read_trace`, and for a folder without a file.
    """
    folder = Path(path)
    if not folder.is_dir():
        return [read_trace(path)]
    try:
        files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    except OSError as error:
        raise ScenarioError(f"{path} can't be read: {_reason(error)}") from None
    if not files:
        raise ScenarioError(f"{path} holds no trace; a folder of traces needs at least one file")
    return [read_trace(file) for file in files]


def sabre_trace(entries: Any, name: str) -> Trace:
    """Turn Sabre's parsed list into a trace; `name` stands for the file in the error.

    Raises: ScenarioError naming the entry (the first is 1), the key, the value, what is allowed.
    """
    wanted = " and ".join(_SABRE_KEYS)
    if not isinstance(entries, list) or not entries:
        raise ScenarioError(f"{name} is not a list of entries, each with {wanted}")
    table = np.empty((len(entries), 2))
    for i, entry in enumerate(entries):
        for k, key in enumerate(_SABRE_KEYS):
            where = f"{name}, entry {i + 1}, key {key}"
            if not isinstance(entry, dict) or key not in entry:
                raise ScenarioError(f"{where}: missing, each entry needs {wanted}")
            value = entry[key]
            # true is an int to Python
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            table[i, k] = _checked_number(value if number else math.nan, value, where, key)
    return _checked_trace(table[:, 0] / 1e3, table[:, 1] / 1e3, name)


def _csv_trace(text: str, name: str) -> Trace:
    lines = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines or tuple(cell.strip() for cell in lines[0][1].split(",")) != _HEADER:
        i, found = lines[0] if lines else (1, "")
        raise ScenarioError(
            f"{name}, line {i}: the header is '{_short(found)}', it must be time_s,mbps"
        )
    if len(lines) < 3:
        raise ScenarioError(f"{name} needs two rows or more: the last row only ends the trace")
    rows = np.empty((len(lines) - 1, 2))
    for row, (i, line) in zip(rows, lines[1:], strict=True):
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(_HEADER):
            raise ScenarioError(
                f"{name}, line {i}: '{_short(line)}' is not two numbers, time_s,mbps"
            )
        for k, (cell, column) in enumerate(zip(cells, _HEADER, strict=True)):
            where = f"{name}, line {i}, column {column}"
            try:
                number = math.nan if "_" in cell else float(cell)  # float() reads 1_000
            except ValueError:
                number = math.nan
            row[k] = _checked_number(number, cell, where, column)
    duration_s = np.diff(rows[:, 0])
    if (duration_s <= 0).any():
        k = int(np.argmax(duration_s <= 0))
        raise ScenarioError(
            f"{name}, line {lines[k + 2][0]}, column time_s: {rows[k + 1, 0]:g} follows "
            f"{rows[k, 0]:g}, times must rise"
        )
    return _checked_trace(duration_s, rows[:-1, 1], name)


def _mahimahi_trace(text: str, name: str) -> Trace:
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ScenarioError(f"{name} is empty, a trace is .csv, .json or Mahimahi")
    for i, line in lines:
        # isdigit alone lets the digits of other scripts through; int() refuses 5,000 of them
        if not (line.isascii() and line.isdigit() and len(line) < 20 and int(line) <= LONGEST_MS):
            raise ScenarioError(
                f"{name}, line {i}, column ms: '{_short(line)}' is not a whole number of "
                f"milliseconds from 0 to {LONGEST_MS} (neither .csv nor .json: read as Mahimahi)"
            )
    ms = np.array([int(line) for _, line in lines])
    if (np.diff(ms) < 0).any():
        k = int(np.argmax(np.diff(ms) < 0))
        raise ScenarioError(
            f"{name}, line {lines[k + 1][0]}, column ms: {ms[k + 1]} follows {ms[k]}, "
            "times must not fall"
        )
    if ms[-1] == 0:
        raise ScenarioError(f"{name} lasts 0 s, its last line must be above 0")
    # Bin k holds the milliseconds 1000 k + 1 to 1000 (k + 1), so that the last line falls into the
    # last bin; millisecond 0 joins the first.
    duration_s = np.diff(np.append(np.arange(0, ms[-1], 1000), ms[-1])) / 1e3
    packets = np.bincount(np.maximum(ms - 1, 0) // 1000, minlength=len(duration_s))
    return _checked_trace(duration_s, packets * PACKET_MBIT / duration_s, name)


def _checked_number(number: float, value: Any, where: str, column: str) -> float:
    """`number` if it is finite and >= 0 (a duration: > 0), else an error that shows `value`."""
    positive = column == "duration_ms"
    try:
        good = math.isfinite(number) and (number > 0 if positive else number >= 0)
    except OverflowError:  # JSON's integers know no end
        good = False
    if not good:
        sign = ">" if positive else ">="
        raise ScenarioError(f"{where}: '{_short(str(value))}' is not a number {sign} 0")
    return number


def _checked_trace(duration_s: NDArray[np.float64], mbps: NDArray[np.float64], name: str) -> Trace:
    with np.errstate(over="ignore"):
        total_s = duration_s.sum()
    if not ((duration_s > 0).all() and math.isfinite(total_s)):  # 1e-323 ms are 0 s in floats
        raise ScenarioError(
            f"{name} lasts {total_s:g} s, each duration must be above 0 and their sum finite"
        )
    if total_s > MOST_S or total_s / len(duration_s) < LEAST_S:
        raise ScenarioError(
            f"{name} has {len(duration_s)} rates in {total_s:g} s: it may last {MOST_S:g} s at "
            f"most, and a rate {LEAST_S:g} s at least on the average"
        )
    if mbps.max() > MOST_MBPS:
        raise ScenarioError(
            f"{name} has a rate of {mbps.max():g} Mbps: one must be at most {MOST_MBPS:g}"
        )
    if not mbps.any():
        raise ScenarioError(f"{name} carries nothing: every rate is 0, one must be above 0")
    return duration_s.astype(np.float64), mbps.astype(np.float64)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
