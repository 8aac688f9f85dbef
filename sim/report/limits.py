"""The limits of the vendors: where each stands, when it was met, what was lost to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.catalogue.language import Words
from sim.report.view import View
from sim.scenario.limits import Limit

BROKEN = [limit.spec.name for limit in Limit if limit.spec.owner in ("incident", "buyer")]
"""Not limits a vendor can raise: an incident makes them hold, or they are the buyer's own."""

NO_LIMIT = [limit.spec.name for limit in (Limit.NONE, Limit.LINK)]
"""What may cost a sale and is no limit of anybody's."""

BOUND_RUNGS = ("lost_gmv_cny.limits", "lost_gmv_cny.incidents")
"""The rungs on which a limit may bind."""


@dataclass(frozen=True)
class Reached:
    """A limit that held somebody back."""

    limit: str
    """Its name, as the tables have it."""
    configured: str
    since: int
    """The smallest audience that was simulated at which it was seen to hold somebody back; 0:
    none."""
    free: int
    """The one before it, at which it did not; 0: there is none."""
    lasted_s: float
    """On the night itself."""
    lost_cny: float
    """Sales lost to it on the night, on all rungs; nan: not simulated."""

    @property
    def broken(self) -> bool:
        """Whether it is not the vendor's to raise."""
        return self.limit in BROKEN

    def begins(self, say: Words) -> str:
        """Where it begins to hold people back, as far as the audiences that were simulated say."""
        return self._begins(say, "limit")

    def begins_in_cell(self, say: Words) -> str:
        """The same where no heading says so."""
        return self._begins(say, "cell-limit")

    def _begins(self, say: Words, kind: str) -> str:
        if not self.since:
            return ""
        if not self.free:
            return say(f"{kind}-begins-below", since=self.since)
        return say(f"{kind}-begins", free=self.free, since=self.since)


def on_the_night(limits: list[Reached]) -> list[Reached]:
    """Those of the vendor's own that held somebody back on the night itself."""
    return [r for r in limits if r.lasted_s > 0 and not r.broken]


def reached(view: View, vendor: str) -> list[Reached]:
    """Limits that held people back at any audience, the first to be met first; then those that
    cost something without being seen to bind."""
    named = {limit.spec.metric: limit.spec.name for limit in Limit}
    bound: dict[str, dict[int, float]] = {}
    for (v, peak, metric), e in view.estimates.items():
        if v == vendor and metric in named and e.mean > 0:
            bound.setdefault(named[metric], {})[peak] = e.mean
    found = [(min(at), -at[min(at)], limit, at.get(view.peak, 0.0)) for limit, at in bound.items()]
    lost = view.lost_by_limit(vendor)
    laddered = all((vendor, view.peak, rung) in view.estimates for rung in BOUND_RUNGS)
    unseen = [
        (0, 0.0, limit, 0.0) for limit in lost if limit not in NO_LIMIT and limit not in bound
    ]
    simulated = {peak for v, peak, _ in view.estimates if v == vendor}
    return [
        Reached(
            limit,
            configured(view, vendor, limit),
            since,
            max((p for p in simulated if p < since), default=0),
            s,
            lost.get(limit, 0.0) if laddered else math.nan,
        )
        for since, _, limit, s in [*sorted(found), *unseen]
    ]


def configured(view: View, vendor: str, limit: str) -> str:
    """What a vendor's limit stands at: `10,000 Mbps`, `2,000 to 5,000`, `50 GB, 5,000 min`."""
    say, each = view.words, []
    rows = view.table("limits", vendor=vendor, limit=limit)
    for unit in dict.fromkeys(map(str, rows.get("unit", ()))):
        numbers = rows.loc[rows["unit"] == unit, "configured"]
        low, high = (_standing(say, x) for x in (numbers.min(), numbers.max()))
        number = low if low == high else say("between", low=low, high=high)
        each.append(
            say("with-unit", number=number, unit=say.named("unit", unit)) if unit else number
        )
    return say("comma").join(each)


def _standing(say: Words, x: float) -> str:
    return say.count(x) if x >= 10 else say.number(x)
