"""Revenue at risk: what limits and incidents may cost over all nights that may come."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from sim.report.cells import Cell, Row, banded
from sim.report.incidents import incident_with_chance
from sim.report.view import View

COLUMNS = (
    ("col-mean", "revenue_at_risk_cny", "mean"),
    ("col-p50", "revenue_at_risk_cny", "p50"),
    ("col-p95", "revenue_at_risk_cny", "p95"),
    ("col-worst-5", "revenue_at_risk_cny", "es95"),
    ("col-by-vendor", "vendor_attributable_cny", "mean"),
)
"""Heading, metric and statistic."""


@dataclass(frozen=True)
class Risk:
    """What the section says."""

    rows: list[Row]
    headings: list[str]
    about: list[Markup]
    """Above the table: what it is of."""
    notes: list[str]
    """Below it: messages that read `given`."""
    given: dict[str, str | int]


def content(view: View) -> Risk | None:
    """For the template; None where the study did not say."""
    rows = [
        Row(view.marked(v), [_cell(view, v, *column) for column in COLUMNS])
        for v in view.ranked
        if (v, "revenue_at_risk_cny", "mean") in view.risks
    ]
    if not rows:
        return None
    incidents, say = view.scenario.incidents, view.words
    own = [v.own for v in view.scenario.vendors.values()]
    notes = {
        "risk-note": True,
        "risk-note-outside": any(not i.of_the_vendor for i in incidents),
        "risk-note-own": any(o.joins_per_s is not None or o.orders_per_s is not None for o in own),
        "risk-note-inputs": view.scenario.bands.draws > 0,
        "risk-note-above": _beyond(view, "above") > 0,
        "risk-note-below": _beyond(view, "below") > 0,
        "risk-note-file": True,
    }
    return Risk(
        rows=rows,
        headings=[c.heading for c in rows[0].cells],
        about=_about(view),
        notes=[message for message, applies in notes.items() if applies],
        given={
            "draws": view.scenario.bands.draws,
            "above": say.percent(_beyond(view, "above")),
            "below": say.percent(_beyond(view, "below")),
        },
    )


def _about(view: View) -> list[Markup]:
    say, scenario = view.words, view.scenario
    sigma = scenario.promotion.peak_sigma
    over = "certain" if sigma == 0 else "distribution" if view.has_curve else "one-peak"
    sentences = [
        say.html(
            f"risk-about-{over}",
            incidents="yes" if scenario.incidents else "no",
            peak=view.peak,
            one_in_20=say.number(view.rare_peak),
        )
    ]
    chances = [incident_with_chance(view, i) for i in scenario.incidents if i.chance is not None]
    if chances:
        sentences.append(say.html("risk-about-chances", incidents=say("comma").join(chances)))
    return sentences


def _cell(view: View, vendor: str, heading: str, metric: str, statistic: str) -> Cell:
    estimate = view.risk(vendor, metric, statistic)
    cell = banded(view.words, heading, estimate, view.words.money)
    if view.scenario.bands.draws > 0 and estimate.known and not estimate.has_inputs:
        # No drawn number moved it.
        return Cell(cell.heading, cell.text, (*cell.under, view.words("cell-no-inputs")))
    return cell


def _beyond(view: View, side: str) -> float:
    """How likely a peak outside the simulated ones is."""
    rows = view.table("risk")
    return 0.0 if rows.empty else float(rows[side].max())
