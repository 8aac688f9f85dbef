"""The charts of the night and of its curve."""

from __future__ import annotations

from dataclasses import dataclass

from sim.report.charts import worth_drawing
from sim.report.charts.ladder import LADDER
from sim.report.view import View


@dataclass(frozen=True)
class Charts:
    """What the section says beside its pictures."""

    has_ladder: bool


def content(view: View) -> Charts:
    """For the template."""
    return Charts(worth_drawing(LADDER, view))
