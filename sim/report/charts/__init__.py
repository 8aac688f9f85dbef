"""The charts: each answers one question, and the question is its title."""

from __future__ import annotations

from matplotlib.figure import Figure

from sim.report.charts.at_risk import REVENUE_AT_RISK
from sim.report.charts.chart import Chart, SectionName
from sim.report.charts.costs_against_peak import (
    COST_AGAINST_CONCURRENCY,
    COST_AND_LOST_MARGIN_AGAINST_CONCURRENCY,
)
from sim.report.charts.ladder import LADDER
from sim.report.charts.night_over_time import NIGHT_OVER_TIME
from sim.report.charts.shares_against_peak import (
    LOST_SALES_AGAINST_CONCURRENCY,
    STALL_AGAINST_CONCURRENCY,
)
from sim.report.charts.which_limit_binds import WHICH_LIMIT_BINDS
from sim.report.charts.who_stalls import WHO_STALLS
from sim.report.style import WIDE_IN
from sim.report.view import Frames, View, view
from sim.scenario import Scenario

__all__ = ["CHARTS", "Chart", "SectionName", "plot", "ready_charts", "worth_drawing"]

CHARTS = (
    REVENUE_AT_RISK,
    STALL_AGAINST_CONCURRENCY,
    LOST_SALES_AGAINST_CONCURRENCY,
    WHICH_LIMIT_BINDS,
    LADDER,
    WHO_STALLS,
    NIGHT_OVER_TIME,
    COST_AGAINST_CONCURRENCY,
    COST_AND_LOST_MARGIN_AGAINST_CONCURRENCY,
)
"""Every chart there is, in the order of the page."""


def ready_charts(seen: View) -> list[Chart]:
    """The charts this run can fill, in the order of the page."""
    return [chart for chart in CHARTS if worth_drawing(chart, seen)]


def worth_drawing(chart: Chart, seen: View) -> bool:
    """Whether to draw it; where that can't be told, drawing says what is wrong."""
    try:
        return chart.ready(seen)
    except Exception:
        return True


def plot(frames: Frames, scenario: Scenario) -> Figure:
    """One figure for a notebook: stall against concurrency, or the night where it has one peak."""
    seen = view(frames, scenario)
    shown = NIGHT_OVER_TIME if not seen.has_curve else STALL_AGAINST_CONCURRENCY
    if seen.table("timeseries").empty:
        shown = STALL_AGAINST_CONCURRENCY
    return shown.draw(seen, WIDE_IN)
