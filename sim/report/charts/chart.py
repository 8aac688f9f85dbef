"""What a chart is: a value, so that one that is written can be found, and is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from sim.report.view import View

SectionName = Literal["risk", "charts", "price_lists"]
"""A section of the page that shows every chart of its own."""


@dataclass(frozen=True)
class Chart:
    """One question about the night and the picture that answers it."""

    name: str
    """Of its file."""
    section: SectionName
    ready: Callable[[View], bool]
    """Whether the study made what it draws."""
    draw: Callable[[View, float], Figure]
    """The picture, so many inches wide."""
