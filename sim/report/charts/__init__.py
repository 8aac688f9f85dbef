"""The charts: each answers one question, and the question is its title."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from sim.report.charts.against_peak import (
    cost_against_concurrency,
    cost_and_lost_margin_against_concurrency,
    lost_sales_against_concurrency,
    stall_against_concurrency,
)
from sim.report.charts.at_risk import exceeded, revenue_at_risk
from sim.report.charts.ladder import ladder, laddered
from sim.report.charts.night_over_time import night_over_time
from sim.report.charts.which_limit_binds import strips, which_limit_binds
from sim.report.charts.who_stalls import groups, who_stalls
from sim.report.style import WIDE_IN
from sim.report.tables import Frames, estimates, lost_share, peaks, table, vendors
from sim.scenario import Scenario

Chart = Callable[[Frames, Scenario, float], Figure]
"""Frames, scenario, width in inches."""


def charts(frames: Frames, scenario: Scenario) -> dict[str, Chart]:
    """The charts these frames can fill, by the name of their file, in the order of the page."""
    figures = estimates(frames)
    everywhere = [(v, p) for v in vendors(frames, scenario) for p in peaks(frames)]
    billed = set(table(frames, "costs").get("metric", ()))
    filled: list[tuple[Chart, Callable[[], bool]]] = [
        (stall_against_concurrency, lambda: True),
        (
            lost_sales_against_concurrency,
            lambda: any(lost_share(figures, v, p).known for v, p in everywhere),
        ),
        (ladder, lambda: bool(laddered(frames, scenario))),
        (revenue_at_risk, lambda: bool(exceeded(frames, scenario))),
        (cost_against_concurrency, lambda: "cost_cny" in billed),
        (
            cost_and_lost_margin_against_concurrency,
            lambda: "cost_and_lost_margin_cny" in billed,
        ),
        (who_stalls, lambda: not groups(frames).empty),
        (night_over_time, lambda: not table(frames, "timeseries").empty),
        (which_limit_binds, lambda: any(strips(frames, scenario).values())),
    ]
    return {chart.__name__: chart for chart, fills in filled if _worth(fills)}


def _worth(fills: Callable[[], bool]) -> bool:
    """Whether to draw; where that can't be told, drawing says what is wrong."""
    try:
        return fills()
    except Exception:
        return True


def plot(frames: Frames, scenario: Scenario) -> Figure:
    """One figure for a notebook: stall against concurrency, or the night where it has one peak."""
    if len(peaks(frames)) > 1 or table(frames, "timeseries").empty:
        return stall_against_concurrency(frames, scenario, WIDE_IN)
    return night_over_time(frames, scenario, WIDE_IN)
