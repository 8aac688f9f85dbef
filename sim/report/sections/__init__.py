"""The sections of the page: each a file and a template of the same name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim.report.sections import (
    answer,
    assumed,
    charts,
    how_it_was_run,
    just_enough,
    price_lists,
    requests,
    risk,
    vendors,
)
from sim.report.view import View


@dataclass(frozen=True)
class Section:
    """A part of the page under one name."""

    name: str
    """Of its template, `sections/<name>.html.j2`; charts of this section stand in it."""
    content: Callable[[View], Any]
    """What the template reads as `it`; None: the run has nothing to say here."""


SECTIONS = {
    section.name: section
    for section in (
        Section("answer", answer.content),
        Section("requests", requests.content),
        Section("vendors", vendors.content),
        Section("just_enough", just_enough.content),
        Section("risk", risk.content),
        Section("charts", charts.content),
        Section("price_lists", price_lists.content),
        Section("assumed", assumed.content),
        Section("how_it_was_run", how_it_was_run.content),
    )
}
"""By name, as the studies ask for them."""
