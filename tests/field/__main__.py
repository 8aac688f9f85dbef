"""Measure the points on a bed of namespaces: python -m tests.field --help."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.field import bed, janus, nginx
from tests.field.measure import Disturbed, measure
from tests.field.points import POINTS, Point
from tests.field.table import Row, write_rows


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.field",
        description="Measure each point once: real sockets through a link that is too narrow.",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[p.name for p in POINTS])
    parser.add_argument("--out", type=Path, metavar="FILE", help="a CSV, instead of the terminal")
    parser.add_argument(
        "--tries", type=int, default=2, metavar="N",
        help="of a point whose run was disturbed by the host (%(default)s)",
    )  # fmt: skip
    asked = parser.parse_args()
    if reason := bed.missing():
        say(f"no bed here: {reason}")
        return 2
    if not bed.as_root():
        os.execvp(
            "unshare", ["unshare", "-Urn", sys.executable, "-m", "tests.field", *sys.argv[1:]]
        )
    points = [point for point in POINTS if asked.only is None or point.name in asked.only]
    rows: list[Row] = []
    for point in points:
        if (row := once(point, asked.tries)) is not None:
            rows.append(row)
            if asked.out is not None:  # after each, so that a run that is ended early is kept
                write_rows(asked.out, rows)
    if asked.out is None:
        write_rows(Path("/dev/stdout"), rows)
    return 0 if len(rows) == len(points) else 1


def once(point: Point, tries: int) -> Row | None:
    """Its row, or None where something is missing or each run was disturbed."""
    needs = {"nginx": nginx.missing, "janus": janus.missing}.get(point.origin)
    if needs is not None and (reason := needs()):
        say(f"{point.name}: left out, {reason}")
        return None
    for _ in range(tries):
        began_s = time.monotonic()
        try:
            row = measure(point)
        except Disturbed as disturbed:
            say(f"{point.name}: discarded, {disturbed}")
            continue
        ratio, took_s = row["stall_ratio"], time.monotonic() - began_s
        frozen = f"{ratio:.4f} frozen" if isinstance(ratio, float) else "nothing was shown"
        say(f"{point.name}: {frozen}, {took_s:.0f} s")
        return row
    return None


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
