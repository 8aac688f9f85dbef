"""The charts of the night and of its curve."""

from __future__ import annotations

from dataclasses import dataclass

from sim.report.charts.ladder import laddered
from sim.report.view import View


@dataclass(frozen=True)
class Charts:
    """What the section says beside its pictures."""

    has_ladder: bool


def content(view: View) -> Charts:
    """For the template; where it can't be told, the missing picture says why."""
    try:
        return Charts(bool(laddered(view)))
    except Exception:
        return Charts(has_ladder=True)
