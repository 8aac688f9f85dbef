"""Plans: every price list of every vendor, which is cheapest where, and where two of them cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.catalogue.language import Words
from sim.report.view import TOGETHER, View

COMPARED = ("cost_cny", "cost_month_cny", TOGETHER)
"""Figures that plans are compared by."""


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
    full_name: str
    """Name and what the list leaves out: `LiveKit, self-hosted (+ operations)`."""


def plans(view: View) -> list[Plan]:
    """Those of which the costs are known, in the order of the scenario."""
    costs = view.table("costs")
    if costs.empty:
        return []
    found = []
    for place, vendor in enumerate(view.names):
        there = [str(t) for t in costs[costs["vendor"] == vendor]["tariff"].unique()]
        profile = view.profile(vendor)
        listed = [t.name for t in profile.lists] if profile is not None else []
        tariffs = sorted(there, key=lambda t: (listed.index(t) if t in listed else len(listed), t))
        found += [
            _plan(view, (vendor, tariff), own, place, number)
            for number, (tariff, own) in enumerate(zip(tariffs, _apart(tariffs), strict=True))
        ]
    return found


def _plan(view: View, key: tuple[str, str], own: str, place: int, number: int) -> Plan:
    """`own`: what tells the list apart from the vendor's others."""
    words, name, unbilled = view.words, view.names[key[0]], view.unbilled(key[0])
    named = words("plan-list", vendor=name, list=own) if own else name
    said = words("plan-unbilled", plan=named, unbilled=unbilled) if unbilled else named
    return Plan(key, named, own if number else named, place, number, unbilled, said)


def _apart(names: list[str]) -> list[str]:
    """What is left of each name without the words that all have; of one name nothing is.

    A comma belongs to no word, and ends none of what is left.
    """
    split = [{w.strip(",") for w in name.split()} for name in names]
    return [
        " ".join(w for w in name.split() if not all(w.strip(",") in s for s in split)).strip(",")
        for name in names
    ]


def dearer_than(view: View, vendor: str) -> tuple[Plan, float] | None:
    """Of all other lists than the first of each vendor the one of least bill and lost margin on the
    night, CNY, where that is less than under this vendor's first; None where none is."""
    rows = view.table("costs", peak_viewers=view.peak, metric=TOGETHER)
    if rows.empty:
        return None
    cny = rows.set_index(["vendor", "tariff"])["mean"]
    known = [plan for plan in plans(view) if plan.key in cny.index]
    first = next(p for p in known if p.key[0] == vendor and p.number == 0)
    others = [plan for plan in known if plan.number and cny[plan.key] < cny[first.key] - 0.005]
    if not others:
        return None
    least = min(others, key=lambda plan: float(cny[plan.key]))
    return least, float(cny[least.key])


def lowest(view: View, metric: str) -> list[tuple[float, Plan]]:
    """The plan that costs least, and from how many viewers on it does, to the largest audience."""
    costs = view.table("costs", metric=metric)
    known = plans(view)
    wide = costs.pivot_table(index="peak_viewers", columns=["vendor", "tariff"], values="mean")
    x = wide.index.to_numpy(float)
    bends = sorted({x[0], *(at for at, _, _ in crossed(view, metric)), x[-1]})
    found: list[tuple[float, Plan]] = []
    # Between two crossings no line passes another: its middle says which is lowest.
    for begin, end in pairwise(bends) if len(bends) > 1 else [(x[0], x[0])]:
        bills = [np.interp((begin + end) / 2, x, wide[p.key].to_numpy(float)) for p in known]
        least = known[int(np.argmin(bills))]
        if not found or least != found[-1][1]:
            found.append((float(begin), least))
    return found


def crossed(view: View, metric: str) -> list[tuple[float, Plan, Plan]]:
    """At how many viewers two plans cost the same; the cheaper one below that, and above."""
    by_key = {plan.key: plan for plan in plans(view)}
    rows = view.table("crossings", metric=metric)
    return [
        (
            float(row["peak_viewers"]),
            by_key[row["below_vendor"], row["below_tariff"]],
            by_key[row["above_vendor"], row["above_tariff"]],
        )
        for _, row in rows.iterrows()
    ]


def about(words: Words, at: float, points: Sequence[int]) -> dict[str, str]:
    """What messages say a crossing's audience by: about `at` viewers, between `low` and `high`.

    It is no surer than the simulated points it lies between: two digits, or as many as keep it
    between them. `simulated`: `yes` where it is one of them.
    """
    if at in points:
        said = words.count(at)
        return {"simulated": "yes", "at": said, "low": said, "high": said}
    low, high = (
        max((p for p in points if p < at), default=points[0]),
        min((p for p in points if p > at), default=points[-1]),
    )
    digits = next(d for d in range(2, 18) if low <= float(f"{at:.{d - 1}e}") <= high)
    return {
        "simulated": "no",
        "at": words.number(at, digits),
        "low": words.count(low),
        "high": words.count(high),
    }


@dataclass(frozen=True)
class Cheapest:
    """Which plan costs least, and where any two cost the same."""

    paragraph: str
    crossings: list[str]


def cheapest(view: View) -> list[Cheapest]:
    """For each figure that plans are compared by; none where there is one plan."""
    if len(plans(view)) < 2:
        return []
    points = sorted(int(p) for p in view.table("costs")["peak_viewers"].unique())
    return [_cheapest(view, metric, points) for metric in COMPARED]


def _cheapest(view: View, metric: str, points: list[int]) -> Cheapest:
    words = view.words
    (_, first), *later = lowest(view, metric)
    if len(points) == 1:
        said = words("plan-cheapest-at", by=metric, plan=first.full_name, viewers=points[0])
        return Cheapest(said, [])
    meet = crossed(view, metric)
    ends = {"low": words.count(points[0]), "high": words.count(points[-1])}
    paragraph = words.paragraph(
        [
            words("plan-cheapest", by=metric, plan=first.full_name),
            *(
                words("plan-cheapest-from", plan=plan.full_name, **about(words, at, points))
                for at, plan in later
            ),
            words("plan-crossings", crossings=len(meet), **ends),
        ]
    )
    crossings = [
        words(
            "plan-crossing",
            above=above.full_name,
            below=below.full_name,
            **about(words, at, points),
        )
        for at, below, above in meet
    ]
    return Cheapest(paragraph, crossings)
