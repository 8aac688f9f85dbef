"""Everything that can break, a row each: where, whose fault it is, how much of a place it hits.

`incidents.what` is one of these names; another one is refused. A reader sees it named by
the catalogue, `incident-<kind>`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

Places = Callable[[Sequence[str], Sequence[str]], list[str]]


@dataclass(frozen=True)
class IncidentSpec:
    """A row of the table."""

    places: Places | None
    """(vendor regions, operators) -> the name of the place of each edge, region by region, in which
    each operator has one; None: it has no place."""
    of_the_vendor: bool
    """Whether the vendor is to blame."""
    whole_region: bool = False
    """Whether the edges it hits share what is left of them; else each has its own part."""


class IncidentKind(StrEnum):
    """What breaks: its name in a configuration, and its row."""

    spec: IncidentSpec

    def __new__(cls, name: str, spec: IncidentSpec) -> IncidentKind:
        """The name is the value; the row goes beside it."""
        it = str.__new__(cls, name)
        it._value_, it.spec = name, spec
        return it

    EDGE = (
        "edge",
        IncidentSpec(lambda regions, isps: [f"{r}.{i}" for r in regions for i in isps], True),
    )
    REGION = (
        "region",
        IncidentSpec(lambda regions, isps: [r for r in regions for _ in isps], True, True),
    )
    ISP = "isp", IncidentSpec(lambda regions, isps: [*isps] * len(regions), False)
    HOST_UPLINK = "host_uplink", IncidentSpec(None, False)

    def places(self, regions: Sequence[str], isps: Sequence[str]) -> list[str] | None:
        """The place of each edge, region by region and operator by operator; None: it has none."""
        return None if self.spec.places is None else self.spec.places(regions, isps)
