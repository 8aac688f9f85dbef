"""What part of the viewing stalls and of the sales is lost, against the size of the audience."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from sim.report.charts.against_peak import Line, Told, against_peak
from sim.report.charts.chart import Chart
from sim.report.view import Estimate, View


def _stalls(view: View, width_in: float) -> Figure:
    """Stall ratio in percent against the offered peak, a line per vendor."""
    words = view.words
    lines = _of_vendors(view, lambda v, peak: view.figure(v, "stall_ratio", peak))
    told = Told(
        question=words("chart-stall-question", peaks=len(view.peaks)),
        about=[words("chart-stall-about")],
        unit=words("chart-stall-axis"),
        say=lambda x: words.percent(x / 100),
        limit=100.0,
    )
    return against_peak(view, width_in, lines, told)


def _lost(view: View, width_in: float) -> Figure:
    """Lost sales in percent of a perfect night's against the offered peak, a line per vendor."""
    words = view.words
    told = Told(
        question=words("chart-lost-question", peaks=len(view.peaks)),
        about=[words("chart-lost-about")],
        unit=words("chart-lost-axis"),
        say=lambda x: words.percent(x / 100),
        limit=100.0,
    )
    return against_peak(view, width_in, _of_vendors(view, view.lost_share), told)


def _of_vendors(view: View, share_of: Callable[[str, int], Estimate]) -> list[Line]:
    return [
        Line(name, n, {p: share_of(vendor, p).times(100) for p in view.peaks})
        for n, (vendor, name) in enumerate(view.names.items())
    ]


def _has_losses(view: View) -> bool:
    return any(view.lost_share(v, p).known for v in view.names for p in view.peaks)


STALL_AGAINST_CONCURRENCY = Chart("stall_against_concurrency", "charts", lambda _: True, _stalls)
LOST_SALES_AGAINST_CONCURRENCY = Chart(
    "lost_sales_against_concurrency", "charts", _has_losses, _lost
)
