"""The kinds of study, one file each, by the name that `study.kind` gives them."""

from __future__ import annotations

from collections.abc import Mapping

from sim.scenario.model import Scenario
from sim.study.kind import Kind
from sim.study.kinds.compare import COMPARE
from sim.study.kinds.curve import CURVE
from sim.study.kinds.night import NIGHT

KINDS: Mapping[str, Kind] = {"night": NIGHT, "compare": COMPARE, "curve": CURVE}


def kind_of(scenario: Scenario) -> Kind:
    """The one that the scenario asks for."""
    return KINDS[scenario.study.kind]
