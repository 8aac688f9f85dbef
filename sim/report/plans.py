"""Plans: every price list of every vendor, which is cheapest where, and where two of them cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.report import number_format as fmt
from sim.report.tables import Frames, table, unbilled, vendors
from sim.scenario import Scenario

COMPARED = {
    "cost_cny": "By the bill of the night",
    "cost_month_cny": "By the month",
    "cost_and_lost_margin_cny": "By bill and lost margin",
}
"""What plans are compared by, in words."""


@dataclass(frozen=True)
class Plan:
    """One price list of one vendor."""

    key: tuple[str, str]
    """Vendor and tariff, as the tables have them."""
    name: str
    """The vendor's, and beside other lists of theirs what tells this one apart."""
    brief: str
    """Of another list than the first only that."""
    vendor: int
    """Its vendor's place among the vendors."""
    number: int
    """Its place among that vendor's lists; 0: the one they bill by."""
    unbilled: str
    """What the list leaves out."""

    @property
    def said(self) -> str:
        """`LiveKit, self-hosted (+ operations)`."""
        return f"{self.name} (+{fmt.SPACE}{self.unbilled})" if self.unbilled else self.name


def plans(frames: Frames, scenario: Scenario) -> list[Plan]:
    """Those of which the costs are known, in the order of the scenario."""
    costs = table(frames, "costs")
    if costs.empty:
        return []
    found = []
    for place, (vendor, name) in enumerate(vendors(frames, scenario).items()):
        there = [str(t) for t in costs[costs["vendor"] == vendor]["tariff"].unique()]
        profile = scenario.vendors.get(vendor)
        listed = [t.name for t in profile.lists] if profile is not None else []
        tariffs = sorted(there, key=lambda t: (listed.index(t) if t in listed else len(listed), t))
        for number, (tariff, own) in enumerate(zip(tariffs, _apart(tariffs), strict=True)):
            named = f"{name}: {own}" if own else name
            found.append(
                Plan((vendor, tariff), named, own if number else named, place, number,
                     unbilled(vendor, scenario))
            )  # fmt: skip
    return found


def _apart(names: list[str]) -> list[str]:
    """What is left of each name without the words that all have; of one name nothing is.

    A comma belongs to no word, and ends none of what is left.
    """
    split = [{w.strip(",") for w in name.split()} for name in names]
    return [
        " ".join(w for w in name.split() if not all(w.strip(",") in s for s in split)).strip(",")
        for name in names
    ]


def dearer_than(
    frames: Frames, scenario: Scenario, vendor: str, peak: int
) -> tuple[Plan, float] | None:
    """Of all other lists than the first of each vendor the one of least bill and lost margin, CNY,
    where that is less than under this vendor's first; None where none is."""
    rows = table(frames, "costs", peak_viewers=peak, metric="cost_and_lost_margin_cny")
    if rows.empty:
        return None
    cny = rows.set_index(["vendor", "tariff"])["mean"]
    known = [plan for plan in plans(frames, scenario) if plan.key in cny.index]
    first = next(p for p in known if p.key[0] == vendor and p.number == 0)
    others = [plan for plan in known if plan.number and cny[plan.key] < cny[first.key] - 0.005]
    if not others:
        return None
    least = min(others, key=lambda plan: float(cny[plan.key]))
    return least, float(cny[least.key])


def lowest(frames: Frames, scenario: Scenario, metric: str) -> list[tuple[float, Plan]]:
    """The plan that costs least, and from how many viewers on it does, to the largest audience."""
    costs = table(frames, "costs", metric=metric)
    known = plans(frames, scenario)
    wide = costs.pivot_table(index="peak_viewers", columns=["vendor", "tariff"], values="mean")
    x = wide.index.to_numpy(float)
    bends = sorted({x[0], *(at for at, _, _ in crossed(frames, scenario, metric)), x[-1]})
    found: list[tuple[float, Plan]] = []
    # Between two crossings no line passes another: its middle says which is lowest.
    for begin, end in pairwise(bends) if len(bends) > 1 else [(x[0], x[0])]:
        bills = [np.interp((begin + end) / 2, x, wide[p.key].to_numpy(float)) for p in known]
        least = known[int(np.argmin(bills))]
        if not found or least != found[-1][1]:
            found.append((float(begin), least))
    return found


def crossed(frames: Frames, scenario: Scenario, metric: str) -> list[tuple[float, Plan, Plan]]:
    """At how many viewers two plans cost the same; the cheaper one below that, and above."""
    by_key = {plan.key: plan for plan in plans(frames, scenario)}
    rows = table(frames, "crossings", metric=metric)
    return [
        (
            float(row["peak_viewers"]),
            by_key[row["below_vendor"], row["below_tariff"]],
            by_key[row["above_vendor"], row["above_tariff"]],
        )
        for _, row in rows.iterrows()
    ]


def about(at: float, points: Sequence[int]) -> str:
    """`about 13,000 viewers (between the simulated 10,000 and 15,000)`: a crossing is no surer than
    the points it lies between. Two digits, or as many as keep it between them."""
    if at in points:
        return f"the simulated {fmt.count(at)} viewers"
    low, high = (
        max((p for p in points if p < at), default=points[0]),
        min((p for p in points if p > at), default=points[-1]),
    )
    digits = next(d for d in range(2, 18) if low <= float(f"{at:.{d - 1}e}") <= high)
    return (
        f"about {fmt.number(at, digits)} viewers "
        f"(between the simulated {fmt.count(low)} and {fmt.count(high)})"
    )


@dataclass(frozen=True)
class Cheapest:
    """Which plan costs least, and where any two cost the same."""

    sentence: str
    crossings: list[str]


def cheapest(frames: Frames, scenario: Scenario) -> list[Cheapest]:
    """For each figure that plans are compared by; none where there is one plan."""
    if len(plans(frames, scenario)) < 2:
        return []
    points = sorted(int(p) for p in table(frames, "costs")["peak_viewers"].unique())
    found = []
    for metric, by in COMPARED.items():
        (_, first), *later = lowest(frames, scenario, metric)
        said = f"{by} {first.said} is cheapest"
        said += "".join(f", from {about(at, points)} on {plan.said}" for at, plan in later)
        meet = crossed(frames, scenario, metric)
        if len(points) == 1:
            said += f" at {fmt.count(points[0])} viewers."
        else:
            between = f"between {fmt.count(points[0])} and {fmt.count(points[-1])} viewers"
            many = f"{len(meet)} times" if len(meet) > 1 else "once"
            said += (
                f". Two plans cross {many} {between}:"
                if meet
                else f"; no two plans cross {between}."
            )
        found.append(
            Cheapest(
                said,
                [
                    f"at {about(at, points)} {above.said} becomes cheaper than {below.said}"
                    for at, below, above in meet
                ],
            )
        )
    return found
