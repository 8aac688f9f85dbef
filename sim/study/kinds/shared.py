"""What the shipped kinds have in common: they differ by their numbers alone (`conf/study/`)."""

from __future__ import annotations

from sim.study.kind import Gathered, Point

SECTIONS = (
    "answer", "requests", "vendors", "just_enough", "risk",
    "charts", "price_lists", "assumed", "how_it_was_run",
)  # fmt: skip
"""Of the whole page."""


def peak_and_curve(so_far: Gathered) -> list[Point]:
    """The scripted peak and `study.peaks`, all at once and whatever comes of them."""
    return [so_far.scripted, *map(so_far.at, so_far.scenario.study.peaks)]
