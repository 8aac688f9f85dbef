"""What each assumed number alone does to sales lost."""

from __future__ import annotations

from dataclasses import dataclass

from sim.catalogue.language import Words
from sim.report.view import View


@dataclass(frozen=True)
class Effect:
    """Sales lost with one number at the ends of its range."""

    numbers: tuple[float, ...]
    """At the low and at the high end."""
    lost: tuple[float, ...]
    base: float
    """At the value, on the same nights."""

    def range(self, say: Words) -> str:
        """`40 to 75 %`, the end at the low number first."""
        return say.between(self.lost[0], self.lost[1], say.percent)

    @property
    def width(self) -> float:
        """Between sales lost at both ends, as a share of a perfect night; 0 or more."""
        return abs(self.lost[1] - self.lost[0])


def effects(view: View, vendor: str) -> dict[str, dict[int, Effect]]:
    """By number and offered peak, where a study of ranges was run."""
    rows = view.table("ranges", vendor=vendor, metric="lost_gmv_ratio")
    found: dict[str, dict[int, Effect]] = {}
    if rows.empty:
        return found
    for (key, peak), ends in rows.groupby(["key", "peak_viewers"], sort=False):
        by_end = ends.set_index("at")[["number", "value"]].astype(float)
        if {"low", "high"} <= set(by_end.index):
            number, lost = (tuple(by_end.loc[["low", "high"], c]) for c in ("number", "value"))
            effect = Effect(number, lost, float(ends["base"].iloc[0]))
            found.setdefault(str(key), {})[int(peak)] = effect  # type: ignore[call-overload]
    return found
