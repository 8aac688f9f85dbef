"""The ladder of worlds: one vendor in, the vendor of each world out."""

from __future__ import annotations

from sim.record import WORLDS
from sim.scenario.model import Limits, Vendor


def worlds(vendor: Vendor) -> dict[str, Vendor | None]:
    """The profile to run in each world, in the order of `WORLDS`; None where no vendor is needed.

    The *same object* twice means the same run: the study runs it once. So it is for `limits` and
    `incidents` (no incident exists yet) and, where the profile has no limit at all, for `vendor`.
    """
    free = vendor.model_copy(update={"limits": Limits(), "regions": {}, "edges": {}})
    unlimited = vendor if free == vendor else free
    return dict(zip(WORLDS, (None, None, unlimited, vendor, vendor), strict=True))
