"""Which limit binds, and when: a strip of the night for every limit a vendor has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from sim.catalogue.language import NONE, Writer
from sim.report.charts.chart import Chart
from sim.report.style import (
    GREY,
    INK,
    PALE,
    VERMILLION,
    Margins,
    drawing,
    panels,
    shortened,
    text_in,
)
from sim.report.view import View
from sim.scenario.limits import Limit

ROW_IN = 0.25
HEADS = ("chart-limits-used", "chart-limits-harmed", "chart-limits-lost")
"""Of the columns right of the strips."""
COLUMNS_IN = (0.95, 1.25, 1.25)
"""Their widths."""

LIMITS = [limit.spec.name for limit in sorted(Limit) if limit.spec.owner != "nobody"]
"""Those that somebody sets, or that break."""


@dataclass(frozen=True)
class Strip:
    """One limit of one vendor on the night at its peak, means over nights."""

    limit: str
    bound: pd.Series
    """Share of each ten seconds in which it bound, by time_s."""
    use: float
    harmed: float
    """Viewers who lost most of what they would have watched to it."""
    lost_cny: float
    """On all rungs; nan: not simulated."""


def strips(view: View) -> dict[str, list[Strip]]:
    """Limits of each vendor: those that bound, the most harmful first, then by how near it was."""
    series = view.table("timeseries", peak_viewers=view.peak)
    split = view.table("breakdown", peak_viewers=view.peak)
    if series.empty or split.empty:
        return {}
    nights = series["replication"].nunique()
    out = {}
    for vendor in view.names:
        mine, here = series[series["vendor"] == vendor], split[split["vendor"] == vendor]
        lost, laddered = view.lost_by_limit(vendor), (here["by"] == "rung").any()
        harmed = here[(here["by"] == "limit") & (here["metric"] == "harmed")]
        found = []
        for limit in LIMITS:
            rows = mine[mine["metric"] == f"bound.{limit}"]
            use = view.figure(vendor, f"limit_use.{limit}").mean
            of = harmed[harmed["of"] == limit]["value"].sum() / nights
            cny = lost.get(limit, 0.0) if laddered or lost else math.nan
            if rows.empty and math.isnan(use) and not of and limit not in lost:
                continue
            bound = rows.groupby("time_s")["value"].sum() / nights
            found.append(Strip(limit, bound, use, float(of), cny))
        out[vendor] = sorted(
            found, key=lambda s: (s.bound.empty, -s.harmed, math.isnan(s.use), -s.use)
        )
    return out


@dataclass(frozen=True)
class Sheet:
    """Where the strips stand, and what stands left and right of them."""

    axes: Axes
    view: View
    minutes: float
    left_in: float
    """Room for the limits' names."""
    columns: int
    """How many there is room for, the last ones."""

    def name(self, row: int, text: str, bold: bool = False) -> None:
        """A vendor or a limit, left of its row."""
        self._write(row, (0, -6.0), shortened(text, self.left_in - 0.15), INK, bold)

    def cells(self, row: int, said: list[str], hue: str = INK) -> None:
        """What stands in a row right of the strips, by column; what is unknown is grey."""
        at_in = 0.0
        shown = zip(said[-self.columns :], COLUMNS_IN[-self.columns :], strict=True)
        for text, wide_in in shown:
            at_in += wide_in
            self._write(row, (1, 72 * at_in), text, GREY if text == NONE else hue)

    def _write(
        self, row: int, at: tuple[int, float], text: str, hue: str, bold: bool = False
    ) -> None:
        """Text that ends so many points from the left (0) or the right (1) edge of the strips."""
        edge, x_pt = at
        self.axes.annotate(
            text, (edge, row + 0.5), xycoords=("axes fraction", "data"), xytext=(x_pt, 0),
            textcoords="offset points", ha="right", va="center", color=hue,
            weight="bold" if bold else "normal", annotation_clip=False,
        )  # fmt: skip


def _draw(view: View, width_in: float) -> Figure:
    """For each vendor and limit when it bound, how many viewers it harmed, and what that cost."""
    words = view.words
    named = {v: s for v, s in strips(view).items() if s}
    rows = [(v, s) for v, mine in named.items() for s in [None, *mine]]
    texts = [words.named("limit", s.limit) for _, s in rows if s is not None]
    left = min(max(map(text_in, texts)) + 0.3, 0.34 * width_in)
    columns, parts = (3, 4) if width_in > 6 else (1, 2)
    with drawing():
        figure, (axes,) = panels(
            width_in, words("chart-limits-question"), _about(view), 1, ROW_IN * len(rows),
            Margins(left=left, right=sum(COLUMNS_IN[-columns:]) + 0.05, top=0.3, bottom=0.5),
        )  # fmt: skip
        sheet = Sheet(axes, view, _minutes(view), left, columns)
        _frame(sheet, len(rows), parts)
        for row, (vendor, strip) in enumerate(rows):
            if strip is None:
                sheet.name(row, view.names[vendor], bold=True)
            else:
                _strip(sheet, row, strip)
        sheet.cells(-1, [words(head) for head in HEADS], GREY)
        return figure


def _minutes(view: View) -> float:
    length = view.scenario.promotion.duration_s
    return (length or float(view.table("timeseries")["time_s"].max())) / 60


def _frame(sheet: Sheet, rows: int, parts: int) -> None:
    """The night from left to right, in so many parts."""
    axes, starts = sheet.axes, sheet.view.scenario.promotion.starts_at
    axes.set_xlim(0, sheet.minutes)
    axes.set_ylim(rows, 0)
    axes.yaxis.set_visible(False)
    ticks = [k * sheet.minutes / parts for k in range(parts + 1)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(sheet.view.words("chart-minutes", time=f"{starts:%H:%M}"))
    for spine in axes.spines.values():
        spine.set_visible(False)


def _about(view: View) -> str:
    return view.words.paragraph([view.words("chart-limits-about", viewers=view.peak), _came(view)])


def _came(view: View) -> str:
    """Whom the harmed are some of: everybody who came, on the mean of nights and vendors."""
    rows = view.table("breakdown", peak_viewers=view.peak, by="class")
    if rows.empty or (came := rows[rows["metric"] == "arrived"]).empty:
        return ""
    everybody = came.groupby(["vendor", "replication"])["value"].sum().mean()
    return view.words("chart-limits-came", came=view.words.money(everybody))


def _strip(sheet: Sheet, row: int, s: Strip) -> None:
    axes, words = sheet.axes, sheet.view.words
    sheet.name(row, words.named("limit", s.limit))
    axes.fill_between([0, sheet.minutes], row + 0.18, row + 0.82, color=PALE, linewidth=0)
    begins = s.bound.index.to_numpy(float) / 60
    for at, share in zip(begins, s.bound.to_numpy(float), strict=True):
        if share > 0:
            axes.fill_between(
                [at, min(at + 1 / 6, sheet.minutes)], row + 0.18, row + 0.82,
                color=VERMILLION, alpha=share, linewidth=0,
            )  # fmt: skip

    def some(x: float, say: Writer) -> str:
        return say(x) if x else NONE

    said = [words.percent(s.use), some(s.harmed, words.money), some(s.lost_cny, words.money)]
    sheet.cells(row, said)


WHICH_LIMIT_BINDS = Chart(
    "which_limit_binds", "charts", lambda view: any(strips(view).values()), _draw
)
