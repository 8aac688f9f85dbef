"""Price lists: which plan costs least at how many viewers, and what each costs on the night."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.catalogue.language import NONE, Words
from sim.report.cells import Cell, Row, fixed_beside, unbilled_beside
from sim.report.plans import Cheapest, Plan, cheapest, plans
from sim.report.view import View


@dataclass(frozen=True)
class PriceLists:
    """What the section says."""

    cheapest: list[Cheapest]
    has_curve: bool
    rows: list[Row]
    headings: list[str]
    peak: int


def content(view: View) -> PriceLists | None:
    """For the template; None where no plan's costs are known."""
    known = plans(view)
    if not known:
        return None
    rows = [Row(plan.name, _cells(view, plan)) for plan in known]
    return PriceLists(
        cheapest=cheapest(view),
        has_curve=view.has_curve,
        rows=rows,
        headings=[c.heading for c in rows[0].cells],
        peak=view.peak,
    )


def _cells(view: View, plan: Plan) -> list[Cell]:
    """What a plan costs on the night."""
    say, (vendor, tariff) = view.words, plan.key
    mine = view.table("costs", peak_viewers=view.peak, vendor=vendor, tariff=tariff)
    mean = dict(zip(mine["metric"], map(float, mine["mean"]), strict=True))
    missing = unbilled_beside(say, plan.unbilled)

    def amount(heading: str, metric: str) -> Cell:
        how = say.number if heading.startswith("col-each") else say.money
        return Cell(say(heading), how(mean.get(metric, math.nan))).below(missing)

    month = amount("col-month", "cost_month_cny")
    fixed = fixed_beside(say, mean.get("cost_fixed_cny", math.nan))
    return [
        amount("col-bill", "cost_cny"),
        Cell(month.heading, month.text, (*month.under, *filter(None, [fixed]))),
        amount("col-each-viewer-hour", "cost_per_viewer_hour_cny"),
        amount("col-each-order", "cost_per_order_cny"),
        amount("col-bill-and-margin", "cost_and_lost_margin_cny"),
        Cell(say("col-tenfold"), _fold(say, mean.get("cost_growth_tenfold", math.nan))),
    ]


def _fold(say: Words, x: float) -> str:
    return say("cell-times", number=say.number(x)) if math.isfinite(x) else NONE
