"""The ladder of worlds: one vendor in, the vendor of each world out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.record import WORLDS
from sim.scenario.model import Incident
from sim.scenario.vendor import Limits, Own, Vendor


def worlds(vendor: Vendor, incidents: Sequence[Incident] = ()) -> dict[str, Vendor | None]:
    """The profile to run in each world, in the order of `WORLDS`; None where no vendor is needed.

    The *same object* twice means the same run: the study runs it once. So it is for `limits` and
    `incidents` where no incident concerns this vendor and, where the profile has no limit at all,
    for `vendor`.
    """
    lifted: dict[str, Any] = {"limits": None, "background_load": [], "fleet": None, "origin": None}
    paths = {k: path.model_copy(update=lifted) for k, path in vendor.paths.items()}
    free = vendor.model_copy(
        update={"limits": Limits(), "regions": {}, "edges": {}, "paths": paths, "own": Own()}
    )
    unlimited = vendor if free == vendor else free
    struck = vendor.model_copy() if incidents else vendor
    return dict(zip(WORLDS, (None, None, unlimited, vendor, struck), strict=True))
