"""The vendors side by side: figures, limits, what the limits cost, and the bills."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from sim.catalogue.language import NONE
from sim.report.bills import Billed, bills
from sim.report.cells import (
    Cell,
    amount_beside,
    banded,
    fixed_beside,
    headings,
    unbilled_beside,
)
from sim.report.limits import BOUND_RUNGS, NO_LIMIT, Reached, on_the_night, reached
from sim.report.plans import plans
from sim.report.view import TOGETHER, UNKNOWN, Estimate, View


@dataclass(frozen=True)
class LimitRow:
    """A limit in the table of all limits reached, or what no limit cost."""

    limit: str
    configured: str
    begins: str
    lasted: str
    lost: str
    """CNY."""


@dataclass(frozen=True)
class Shown:
    """What the tables of the page say about one vendor."""

    name: str
    cells: list[Cell]
    more: list[Cell]
    limits: list[LimitRow]
    bills: list[Billed]
    """The first is the bill, the others what it would be under another tariff."""


@dataclass(frozen=True)
class LimitsCost:
    """A rung of one vendor by what happened to the viewer and the limit that bound."""

    name: str
    rung: str
    parts: list[tuple[str, str, str, str]]
    """What happened, limit, CNY, its 95 % interval; they add up to the last one, the rung."""


@dataclass(frozen=True)
class SideBySide:
    """What the section says."""

    vendors: list[Shown]
    headings: list[str]
    more: list[str]
    """Headings of the further figures."""
    notes: list[str]
    """Messages under the first table: what its figures are."""
    given: dict[str, str | int]
    """What those messages are filled in with."""
    limits: bool
    """Whether any limit was reached."""
    limits_cost: list[LimitsCost]
    has_incidents: bool


def content(view: View) -> SideBySide:
    """For the template."""
    limits = {vendor: reached(view, vendor) for vendor in view.ranked}
    shown = [_shown(view, vendor, limits[vendor]) for vendor in view.ranked]
    missing = sorted({view.unbilled(v) for v in view.ranked} - {""})
    certain = any(i.chance is None for i in view.scenario.incidents)
    granted = any(one.cells[-1].text != NONE for one in shown)
    ordinary = view.scenario.commerce.month.ordinary_nights > 0
    monthly = any(view.figure(v, "cost_month_cny").known for v in view.ranked)
    notes = {
        "vendors-note": True,
        "vendors-note-month": monthly and ordinary,
        "vendors-note-month-alone": monthly and not ordinary,
        "vendors-note-kept": True,
        "vendors-note-order": True,
        "vendors-note-lists": any(plan.number for plan in plans(view)),
        "vendors-note-missing": bool(missing),
        "vendors-note-granted": granted and not certain,
        "vendors-note-granted-incidents": granted and certain,
    }
    return SideBySide(
        vendors=shown,
        headings=headings([one.cells for one in shown]),
        more=headings([one.more for one in shown]),
        notes=[message for message, applies in notes.items() if applies],
        given={"missing": view.words.listed(missing), **_month(view), **_kept(view)},
        limits=any(limits.values()),
        limits_cost=list(limits_cost(view)),
        has_incidents=certain,
    )


def _shown(view: View, vendor: str, limits: list[Reached]) -> Shown:
    return Shown(
        name=view.marked(vendor),
        cells=[
            *_figures(view, vendor),
            _first_limit(view, vendor, limits),
            _granted(view, vendor, bool(on_the_night(limits))),
        ],
        more=list(_more(view, vendor)),
        limits=list(_limit_rows(view, vendor, limits)),
        bills=list(bills(view, vendor)),
    )


# --- the figures ----------------------------------------------------------------------------------


def _figures(view: View, vendor: str) -> Iterator[Cell]:
    say, missing = view.words, unbilled_beside(view.words, view.unbilled(vendor))

    def get(metric: str) -> Estimate:
        return view.figure(vendor, metric)

    watched = Cell(say("col-watched"), say.percent(get("watch_delivered_ratio").mean))
    yield watched.below(say("cell-never-in-hd") if view.never_in_hd(vendor) else "")
    yield Cell(say("col-stalled"), say.percent(get("stall_ratio").mean))
    lost, bill = get("lost_gmv_cny"), get("cost_cny")
    share = view.lost_share(vendor)
    yield banded(say, "col-sales-lost", share, say.percent, amount_beside(say, "cell-cny", lost))
    month = amount_beside(say, "cell-month", get("cost_month_cny"))
    fixed = fixed_beside(say, get("cost_fixed_cny").mean)
    yield banded(say, "col-bill", bill, say.money, month).below(missing, fixed)
    gross = amount_beside(say, "cell-gross", Estimate(lost.mean + bill.mean))
    both = Cell(say("col-bill-and-margin"), say.money(get(TOGETHER).mean))
    yield both.below(missing, gross)


def _granted(view: View, vendor: str, bound: bool) -> Cell:
    """Sales lost and the bill with no limit in the way, for a vendor whose limits are; what breaks
    that night breaks then too."""
    say = view.words
    perfect = view.figure(vendor, "perfect_gmv_cny").mean
    lost = view.figure(vendor, "granted_lost_gmv_cny").mean
    if not math.isfinite(lost):  # nothing breaks: what is left are the first two rungs
        lost = sum(view.figure(vendor, f"lost_gmv_cny.{rung}").mean for rung in ("links", "vendor"))
    if not bound or not math.isfinite(lost) or not perfect > 0:
        return Cell(say("col-granted"), NONE)
    cell = Cell(say("col-granted"), say("cell-lost", share=say.percent(lost / perfect)))
    bill, missing = view.figure(vendor, "granted_cost_cny"), view.unbilled(vendor) or 0
    if not bill.known:
        return cell
    margin = lost * view.scenario.commerce.net_of_lost["lost_margin_cny"]
    return cell.below(
        say("cell-granted-bill", amount=say.money(bill.mean), missing=missing),
        say("cell-granted-both", amount=say.money(bill.mean + margin), missing=missing),
    )


def _more(view: View, vendor: str) -> Iterator[Cell]:
    say = view.words
    missing = unbilled_beside(say, view.unbilled(vendor))
    for metric in ("watch_delivered_ratio", "stall_ratio"):
        heading = {"watch_delivered_ratio": "col-watched", "stall_ratio": "col-stalled"}[metric]
        yield banded(say, heading, view.figure(vendor, metric), say.percent)
    for heading, metric, how in (
        ("col-hd", "hd_ratio", say.percent),
        ("col-bitrate", "mean_bitrate_mbps", say.number),
        ("col-never-in", "join_failure_ratio", say.percent),
        ("col-worst-5min", "worst_5min_stall_ratio", say.percent),
        ("col-startup-p50", "startup_p50_s", say.seconds),
        ("col-startup-p95", "startup_p95_s", say.seconds),
        ("col-latency-p50", "latency_p50_s", say.seconds),
        ("col-latency-p95", "latency_p95_s", say.seconds),
    ):
        yield Cell(say(heading), how(view.figure(vendor, metric).mean))
    per_hour = view.figure(vendor, "cost_per_viewer_hour_cny").mean
    yield Cell(say("col-per-viewer-hour"), say.number(per_hour)).below(missing)


# --- limits ---------------------------------------------------------------------------------------


def _first_limit(view: View, vendor: str, limits: list[Reached]) -> Cell:
    """The first limit on the night; where it meets none, the first that a larger night meets."""
    say, heading = view.words, view.words("col-first-limit")
    here = on_the_night(limits)
    later = [r for r in limits if not r.broken and r.since > view.peak]
    if here:
        first = here[0]
        cell = Cell(heading, say.named("limit", first.limit))
        cell = cell.below(first.configured, first.begins_in_cell(say))
    else:
        first = None
        known = view.figure(vendor, "stall_ratio").known
        cell = Cell(heading, say("cell-no-limit") if known else NONE)
        for one in later[:1]:
            cell = cell.below(say.named("limit", one.limit), one.begins_in_cell(say))
    costly = _costliest(view, vendor, first)
    return Cell(cell.heading, cell.text, (*cell.under, *filter(None, [costly])))


def _costliest(view: View, vendor: str, first: Reached | None) -> str:
    """The limit that lost the most sales on the night, which need not be the first one reached."""
    say = view.words
    lost = {k: x for k, x in view.lost_by_limit(vendor).items() if k not in NO_LIMIT}
    limit, cny = next(iter(lost.items()), ("", 0.0))
    if not cny > 0:
        return ""
    whole = sum(view.figure(vendor, rung).mean for rung in BOUND_RUNGS)
    return say(
        "cell-costliest",
        same="yes" if first is not None and first.limit == limit else "no",
        limit=say.named("limit", limit),
        amount=say.cny(cny),
        # Of all limits and incidents; elsewhere they may gain.
        whole=say.money(whole) if whole > cny else 0,
    )


def _limit_rows(view: View, vendor: str, limits: list[Reached]) -> Iterator[LimitRow]:
    """Every limit; then what is lost to no limit, and all that is lost together: with the limits
    the first ones add up to the last. Without a ladder there are only the limits."""
    say, lost = view.words, view.lost_by_limit(vendor)
    for one in limits:
        yield LimitRow(
            say.named("limit", one.limit),
            one.configured,
            one.begins(say),
            say.seconds(one.lasted_s),
            say.money(one.lost_cny),
        )
    for name in [name for name in lost if name in NO_LIMIT]:
        yield LimitRow(say.named("limit", name), "", "", "", say.money(lost[name]))
    if lost:
        yield LimitRow(say("limit-together"), "", "", "", say.money(sum(lost.values())))


MOST_PARTS = 5
"""Of what a vendor's limits cost so many parts are named; the others stand together."""


def limits_cost(view: View) -> Iterator[LimitsCost]:
    """Vendors whose limits, or incidents, cost something, with the dearest part first."""
    say = view.words
    for vendor, prefix in product(view.ranked, BOUND_RUNGS):
        parts = {
            metric.removeprefix(f"{prefix}."): e
            for (v, p, metric), e in view.estimates.items()
            if (v, p) == (vendor, view.peak) and metric.startswith(f"{prefix}.")
        }
        if not parts:
            continue
        ranked = sorted(parts, key=lambda pair: (-abs(parts[pair].mean), pair))
        rows = [(*_pair(view, pair), *_with_interval(view, parts[pair])) for pair in
                ranked[:MOST_PARTS]]  # fmt: skip
        if rest := ranked[MOST_PARTS:]:
            left = sum(parts[pair].mean for pair in rest)
            rows.append((say("limits-cost-others", n=len(rest)), "", say.money(left), ""))
        whole = view.estimates.get((vendor, view.peak, prefix), UNKNOWN)
        rows.append((say("limit-together"), "", *_with_interval(view, whole)))
        rung = say(f"limits-cost-{prefix.removeprefix('lost_gmv_cny.')}")
        yield LimitsCost(view.marked(vendor), rung, rows)


def _pair(view: View, pair: str) -> tuple[str, str]:
    """What happened to the viewer, and the limit that bound."""
    cause, limit = pair.split(".")
    named = "" if limit == "none" else view.words.named("limit", limit)
    return view.words.named("happened", cause), named


def _with_interval(view: View, e: Estimate) -> tuple[str, str]:
    say = view.words
    return say.money(e.mean), say.between(e.low, e.high, say.money) if e.has_interval else ""


# --- notes ----------------------------------------------------------------------------------------


def _month(view: View) -> dict[str, str | int]:
    """The other nights of the month: `26 ordinary nights at 30 % of this night's use`."""
    month, say = view.scenario.commerce.month, view.words
    return {
        "nights": month.ordinary_nights,
        "share": say("percent", percent=say.exact(100 * month.ordinary_share.value)),
        "promotions": len(month.promotions),
    }


def _kept(view: View) -> dict[str, str]:
    """What is kept of a lost yuan."""
    shop, say = view.scenario.commerce, view.words
    return {
        "returned": say.percent(shop.return_share),
        "later": say.percent(shop.recapture_share.value),
        "margin": say.percent(shop.margin),
    }
