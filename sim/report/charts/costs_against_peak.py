"""What the night costs against the size of the audience: a line for each plan of a vendor."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from sim.report.charts.against_peak import Line, Told, Turn, against_peak
from sim.report.charts.chart import Chart
from sim.report.plans import Plan, lowest, plans
from sim.report.style import text_in
from sim.report.view import TOGETHER, Estimate, View

BILL = "cost_cny"

MORE = 0.1
"""What a bill leaves out stands beside it up to this share of the chart's width, else above."""

FAR_APART = 10.0
"""Plans of which one costs so many times another are drawn on a logarithmic axis."""


MESSAGES = {
    BILL: ("chart-cost-question", "chart-cost-about", "chart-cost-axis"),
    TOGETHER: ("chart-together-question", "chart-together-about", "chart-together-axis"),
}
"""The question, what it is about and the axis, by what is drawn."""


def _draw(view: View, width_in: float, metric: str) -> Figure:
    """What each plan comes to in CNY, with or without the lost margin."""
    words, known = view.words, plans(view)
    size, unit = words.scale(float(view.table("costs", metric=metric)["mean"].max()))
    long = {
        view.names[plan.key[0]]: plan.unbilled
        for plan in known
        if text_in(plan.unbilled) > MORE * width_in
    }
    bills = _bills(view, metric, known, size)
    lines = [
        Line(
            plan.name if width_in > 6 else plan.brief,
            plan.vendor,
            at,
            plan.number,
            "*" if plan.unbilled in long.values() else plan.unbilled,
        )
        for plan, at in zip(known, bills, strict=True)
    ]
    turns = [Turn(at, lines[known.index(plan)].y(at)) for at, plan in lowest(view, metric)[1:]]
    question, what, axis = MESSAGES[metric]
    about = [words(what), *_left_out(view, long)]
    if view.has_curve and len(lines) > 1:
        about.append(words("chart-rings" if turns else "chart-rings-none"))
    last = [line.y(math.inf) for line in lines if line.known]
    told = Told(
        question=words(question, peaks=len(view.peaks)),
        about=about,
        unit=words(axis, unit=unit),
        say=words.number,
        turns=turns,
        wide=max(last) > FAR_APART * max(0.0, min(last)),
    )
    return against_peak(view, width_in, lines, told)


def _bills(view: View, metric: str, known: list[Plan], size: float) -> list[dict[int, Estimate]]:
    """What each plan costs by offered peak, in amounts of this size; the inputs were drawn with a
    vendor's first list alone."""
    rows = view.table("costs", metric=metric)
    band = {
        (str(vendor), str(tariff), int(peak)): (mean, low, high)
        for vendor, tariff, peak, mean, low, high in rows[
            ["vendor", "tariff", "peak_viewers", "mean", "ci_low", "ci_high"]
        ].itertuples(index=False, name=None)
    }

    def bill(plan: Plan, peak: int) -> Estimate:
        mean, low, high = band.get((*plan.key, peak), (math.nan,) * 3)
        drawn = view.figure(plan.key[0], metric, peak)
        inputs = (drawn.input_low, drawn.input_high) if plan.number == 0 else ()
        return Estimate(mean, low, high, *inputs).times(1 / size)

    return [{p: bill(plan, p) for p in view.peaks} for plan in known]


def _left_out(view: View, long: dict[str, str]) -> list[str]:
    """What bills leave out where that is too long for a label, by vendor; once if all the same."""
    if len(set(long.values())) == 1:
        return [view.words("chart-left-out", unbilled=next(iter(long.values())))]
    return [
        view.words("chart-left-out-of", vendor=vendor, unbilled=unbilled)
        for vendor, unbilled in long.items()
    ]


def _chart(name: str, metric: str) -> Chart:
    return Chart(
        name,
        "price_lists",
        ready=lambda view: not view.table("costs", metric=metric).empty,
        draw=lambda view, width_in: _draw(view, width_in, metric),
    )


COST_AGAINST_CONCURRENCY = _chart("cost_against_concurrency", BILL)
COST_AND_LOST_MARGIN_AGAINST_CONCURRENCY = _chart(
    "cost_and_lost_margin_against_concurrency", TOGETHER
)
