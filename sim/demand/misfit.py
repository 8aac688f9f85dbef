"""A curve that the script's viewers can't follow: by how much, and what would mend it.

People who came stay as long as they mean to, so a curve may fall faster than they leave; and joins
are even within a step of the grid, so one may rise faster than the steps are short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.catalogue.message import Message, Number
from sim.demand.curve import Array, Demand, Part, cells, curve_demand, presence
from sim.scenario.model import MOST_BINS, MOST_CELLS, Audience, MassExit, Promotion

TOLD_HOURS = 0.02
"""Viewer-hours too many or too few, as a share of the curve's, from which it is told."""

TOLD_VIEWERS = 0.05
"""Viewers too many at the end of a step, as a share of what the curve has there; or within a step,
where a bend of the curve shows, too many or too few as a share of its peak."""

LEAST_OF_PEAK = 0.1
"""Of a curve that has less than this share of its peak, too many are told as if it had so much."""

MOST_EXITS = 8
"""Longer lists nobody would read: a recording that needs more is one of people who stay less."""

MORE_TAKEN = 0.05
"""Share of those present that an exit may take beyond what the curve asks for, so that one exit,
even in time, serves for a fall that isn't: others come in their place."""

MOST_TRIED_CELLS = MOST_CELLS / 4
"""Of the matrices of a trial; what would need a larger one is reckoned and not tried."""


@dataclass(frozen=True)
class Misfit:
    """Where one part of the audience can't follow its curve, at full size."""

    part: str
    hours: float
    """Viewer-hours too many (below 0: too few), as a share of the curve's."""
    at_s: float
    """When the difference is largest for what the curve has there."""
    asked: float
    """Viewers of the curve at that time."""
    offered: float
    """Viewers who are there."""
    size: float
    """Of the difference, in what is told: 1 is just enough."""


def not_followed(promotion: Promotion, audience: Audience) -> list[Message]:
    """What is wrong with the script's curve and what mends it; empty if nothing is."""
    if audience.file is not None:
        return []  # its viewers follow no curve
    demand = curve_demand(promotion, audience)
    worst = _worst(demand)
    if worst is None:
        return []
    exits, grid_s, reached = _mend(promotion, audience, demand)
    remedies = []
    if exits != promotion.mass_exit:
        argument = f"'promotion.mass_exit=[{','.join(map(_written, exits))}]'"
        remedies.append(Message("warning-falls", {"argument": argument}))
    if grid_s != promotion.grid_s:
        grid = Number(promotion.grid_s, "exact")
        argument = f"promotion.grid_s={grid_s:g}"
        remedies.append(Message("warning-bends", {"grid": grid, "argument": argument}))
    if not remedies:
        remedies.append(Message("warning-may-leave", {}))
    if reached != "all":
        remedies.append(Message(f"warning-mends-{reached}", {}))
    return [_told(worst), *remedies]


def _told(worst: Misfit) -> Message:
    off = worst.offered / worst.asked - 1 if worst.asked > 0 else 0.0
    return Message(
        "warning-misfit",
        {
            "cohort": worst.part or 0,
            "hours": Number(abs(worst.hours), "percent"),
            "more": "yes" if worst.hours > 0 else "no",
            "at": Number(worst.at_s, "exact"),
            "offered": _viewers(worst.offered),
            "asked": _viewers(worst.asked),
            "off": "none" if worst.asked <= 0 else "many" if off > 0 else "few",
            "share": Number(abs(off), "percent"),
        },
    )


def _worst(demand: Demand) -> Misfit | None:
    """The largest of the parts' misfits that is to be told."""
    found = [m for part in demand.parts if (m := misfit(part, demand)) and m.size >= 1]
    return max(found, key=lambda m: m.size, default=None)


def misfit(part: Part, demand: Demand) -> Misfit | None:
    """How far a part is from its curve; None for an arrival curve, which it always follows."""
    if part.curve is None:
        return None
    t, there = _through_the_night(part, demand)
    asked = part.curve.at(t)
    more, peak = there - asked, asked.max()
    watched = np.trapezoid(asked, t)
    hours = float(np.trapezoid(more, t) / watched)
    step_ends = np.isin(t, demand.edges_s)
    size = np.abs(more) / peak
    size[step_ends] = (more / np.maximum(asked, LEAST_OF_PEAK * peak))[step_ends]
    k = int(size.argmax())
    told = max(float(size[k]) / TOLD_VIEWERS, abs(hours) / TOLD_HOURS)
    return Misfit(part.name, hours, float(t[k]), float(asked[k]), float(there[k]), told)


def _through_the_night(part: Part, demand: Demand) -> tuple[Array, Array]:
    """(times s, viewers) wherever the curve, the grid or a mass exit bends: lines between."""
    assert part.curve is not None
    ends = [t for e in part.exits for t in (e.time_s, e.time_s + e.duration_s)]
    bends = np.setdiff1d([t for t in ends if t < demand.duration_s], demand.times_s)
    known, there = demand.times_s, part.offered
    if len(bends):
        joins = np.append(part.initial, part.per_s)
        known = np.append(known, bends)
        there = np.append(there, presence(bends, demand.edges_s, part.law, part.exits) @ joins)
        order = np.argsort(known)
        known, there = known[order], there[order]
    points = part.curve.points[:, 0]
    t = np.union1d(known, points[points < demand.duration_s])
    return t, np.interp(t, known, there)


# --- what would mend it ---------------------------------------------------------------------------


def _mend(
    promotion: Promotion, audience: Audience, demand: Demand
) -> tuple[list[MassExit], float, str]:
    """Mass exits and a grid (s) with which the curve is followed, and how much of it that mends:
    all, part, or untried."""
    added, untried = 0, False
    while (worst := _worst(demand)) is not None:
        part = next(p for p in demand.parts if p.name == worst.part)
        leave = _exit(part, demand, worst)
        if leave is None:
            grid_s = _finer(part, promotion.grid_s, demand.duration_s, worst.at_s)
            if grid_s == promotion.grid_s:
                break
            promotion = promotion.model_copy(update={"grid_s": grid_s})
        elif added < MOST_EXITS:
            added += 1
            exits = sorted([*promotion.mass_exit, leave], key=lambda e: e.time_s)
            promotion = promotion.model_copy(update={"mass_exit": exits})
        else:
            break
        if untried := cells(promotion, audience, demand.duration_s) > MOST_TRIED_CELLS:
            break
        demand = curve_demand(promotion, audience)
    reached = "untried" if untried else "part" if worst else "all"
    return promotion.mass_exit, promotion.grid_s, reached


def _finer(part: Part, grid_s: float, duration_s: float, at_s: float) -> float:
    """The curve's own step where it bends within one of the grid, or half of the grid's."""
    assert part.curve is not None
    points = part.curve.points[:, 0]
    near = points[(points > at_s - grid_s) & (points < at_s + grid_s)]
    own = float(np.diff(near).min(initial=grid_s))
    finer = own if own < grid_s else grid_s / 2
    return min(grid_s, max(finer, 2 * duration_s / MOST_BINS))


def _exit(part: Part, demand: Demand, worst: Misfit) -> MassExit | None:
    """Who leaves together where a part is furthest from its curve; None where it isn't for those
    who stay too long.

    From the last moment at which the curve is met, as long as one exit, even in time, can take as
    many as are too many: joins make up where it takes more.
    """
    assert part.curve is not None
    edges = demand.edges_s
    asked = part.curve.at(edges)
    more = part.offered[::2] - asked
    over = more > 1e-9 * demand.peak_viewers
    over[0] = False  # nobody can be too many before anything has happened
    begins = np.flatnonzero(over & ~np.append(False, over[:-1]))
    ends = np.flatnonzero(over & ~np.append(over[1:], False))
    if worst.hours >= TOLD_HOURS:
        much = [more[a : b + 1].sum() for a, b in zip(begins, ends, strict=True)]
    else:
        size = more / np.maximum(asked, LEAST_OF_PEAK * asked.max()) - TOLD_VIEWERS
        much = [size[a : b + 1].max() for a, b in zip(begins, ends, strict=True)]
    if max(much, default=-1.0) < 0:
        return None
    k = int(np.argmax(much))
    first, last = begins[k], ends[k]
    t = edges[first - 1 : last + 1]
    points = part.curve.points[:, 0]
    inside = points[(points > t[0]) & (points < t[-1])]
    if len(inside) <= 4 * len(t):
        t = np.union1d(t, inside)
    joins = np.append(part.initial, part.per_s)
    there, asked = presence(t, edges, part.law, part.exits) @ joins, part.curve.at(t)
    met = int(np.flatnonzero(there <= asked + 1e-9 * demand.peak_viewers)[-1])
    since, surplus = t[met + 1 :] - t[met], 1 - asked[met + 1 :] / there[met + 1 :]
    needed = np.maximum.accumulate(surplus / since) * since
    end = int(np.flatnonzero(needed <= np.minimum(1.0, surplus + MORE_TAKEN))[-1])
    share = min(1.0, float(np.ceil(needed[end] * 1e3 + 0.5) / 1e3))
    return MassExit(
        time_s=float(t[met]), duration_s=float(since[end]), share=share, cohort=part.name or None
    )


def _written(leave: MassExit) -> str:
    """As on a command line, without a space: one that breaks lines leaves it whole."""
    quote = "" if (leave.cohort or "").isidentifier() else '"'
    cohort = f",cohort:{quote}{leave.cohort}{quote}" if leave.cohort else ""
    return (
        f"{{time_s:{leave.time_s:.10g},duration_s:{leave.duration_s:.10g},"
        f"share:{leave.share:g}{cohort}}}"
    )


def _viewers(number: float) -> Number:
    return Number(number, "count" if number >= 10 else "number")
