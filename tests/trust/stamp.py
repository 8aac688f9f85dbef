"""Which program made a kept table: a table made by another engine than the present one is stale."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from sim.compiled import ROOMS

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = "unknown"

MADE_OF = (
    *(f"sim/{room}" for room in (*ROOMS, "demand", "commerce", "study")),
    "conf",
)
"""Sources and files of configuration that figures come from; words, pages and files do not."""
NOT_OF = ("conf/tariff", "conf/rates")
"""Prices: no row of the page is a bill."""


@dataclass(frozen=True)
class Stamp:
    """Written into every line of a kept table. A table without one was made by nobody knows what:
    its stamp is UNKNOWN."""

    engine: str
    """Digest of the sources and configuration, the same in every clone and whatever the commit."""
    version: str
    """Of the package."""
    commit: str

    def stale(self, now: str) -> bool:
        """Whether the engine whose digest is `now` is another one."""
        return self.engine != now


def stamp(commit: str) -> Stamp:
    """The stamp of what the present program makes."""
    return Stamp(engine(), version("peakcast"), commit)


def engine(root: Path = ROOT) -> str:
    """Short digest of all that the figures of a checkout come from."""
    digest = blake2b(digest_size=5)
    for part in MADE_OF:
        at = root / part
        for file in sorted(at.rglob("*")) if at.is_dir() else [at]:
            name = file.relative_to(root).as_posix()
            kept = file.suffix in (".py", ".yaml", ".csv") and not name.startswith(NOT_OF)
            if kept and file.is_file():
                content = file.read_bytes()
                digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
