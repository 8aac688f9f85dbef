"""Which limit binds, and when: a strip of the night for every limit a vendor has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from sim.report import number_format as fmt
from sim.report.labels import LIMITS
from sim.report.style import (
    GREY,
    INK,
    PALE,
    VERMILLION,
    WIDE_IN,
    Margins,
    drawing,
    panels,
    shortened,
    text_in,
)
from sim.report.tables import UNKNOWN, Frames, estimates, lost_by_limit, night_peak, table, vendors
from sim.scenario import Scenario

ROW_IN = 0.25
COLUMNS = (("used at most", 0.95), ("viewers harmed", 1.25), ("sales lost, CNY", 1.25))
"""Heads of the columns right of the strips, and their widths in inches."""


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


def strips(frames: Frames, scenario: Scenario) -> dict[str, list[Strip]]:
    """Limits of each vendor: those that bound, the most harmful first, then by how near it was."""
    peak, figures = night_peak(frames), estimates(frames)
    series = table(frames, "timeseries", peak_viewers=peak)
    split = table(frames, "breakdown", peak_viewers=peak)
    if series.empty or split.empty:
        return {}
    nights = series["replication"].nunique()
    out = {}
    for vendor in vendors(frames, scenario):
        mine, here = series[series["vendor"] == vendor], split[split["vendor"] == vendor]
        lost, laddered = lost_by_limit(frames, vendor, peak), (here["by"] == "rung").any()
        harmed = here[(here["by"] == "limit") & (here["metric"] == "harmed")]
        found = []
        for limit in LIMITS:
            rows = mine[mine["metric"] == f"bound.{limit}"]
            use = figures.get((vendor, peak, f"limit_use.{limit}"), UNKNOWN).mean
            of = harmed[harmed["of"] == limit]["value"].sum() / nights
            cny = lost.get(limit, 0.0) if laddered or lost else math.nan
            if rows.empty and math.isnan(use) and not of and limit not in lost:
                continue
            bound = rows.groupby("time_s")["value"].sum() / nights
            found.append(Strip(limit, bound, use, float(of), cny))
        out[vendor] = sorted(found, key=lambda s: (s.bound.empty, -s.harmed, -s.use))
    return out


def which_limit_binds(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """For each vendor and limit when it bound, and whom that cost what."""
    named = {v: s for v, s in strips(frames, scenario).items() if s}
    names = vendors(frames, scenario)
    length = scenario.promotion.duration_s
    minutes = (length or float(table(frames, "timeseries")["time_s"].max())) / 60
    rows = [(v, s) for v, mine in named.items() for s in [None, *mine]]
    texts = [LIMITS[s.limit] for _, s in rows if s is not None]
    left = min(max(map(text_in, texts)) + 0.3, 0.34 * width_in)
    shown = COLUMNS if width_in > 6 else COLUMNS[2:]
    peak, parts = fmt.count(night_peak(frames)), 4 if width_in > 6 else 2
    with drawing():
        figure, grid = panels(
            width_in, "Which limit binds, and when?",
            "Orange: seconds in which it turned somebody away, made them wait or held a picture "
            f"back, at {peak} viewers. Used at most: of a rate, what was asked in the busiest ten "
            f"seconds over what it lets in.{_came(frames)}",
            1, ROW_IN * len(rows),
            Margins(left=left, right=sum(w for _, w in shown) + 0.05, top=0.3, bottom=0.5),
        )  # fmt: skip
        axes = grid[0]
        axes.set_xlim(0, minutes)
        axes.set_ylim(len(rows), 0)
        axes.yaxis.set_visible(False)
        axes.xaxis.set_major_locator(FixedLocator([k * minutes / parts for k in range(parts + 1)]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(f"minutes from the start at {scenario.promotion.starts_at:%H:%M}")
        for spine in axes.spines.values():
            spine.set_visible(False)
        for row, (vendor, strip) in enumerate(rows):
            if strip is None:
                _say(axes, row, -6.0, names[vendor], INK, "right", bold=True, room_in=left - 0.15)
            else:
                _strip(axes, row, strip, minutes, left, shown)
        _cells(axes, -1, shown, {head: head for head, _ in shown})
        return figure


def _came(frames: Frames) -> str:
    """Whom the harmed are some of: everybody who came, on the mean of nights and vendors."""
    rows = table(frames, "breakdown", peak_viewers=night_peak(frames), by="class")
    if rows.empty or (came := rows[rows["metric"] == "arrived"]).empty:
        return ""
    everybody = came.groupby(["vendor", "replication"])["value"].sum().mean()
    return f" Viewers harmed: of {fmt.money(everybody)} who came."


Columns = tuple[tuple[str, float], ...]


def _strip(axes: Axes, row: int, s: Strip, minutes: float, left: float, shown: Columns) -> None:
    _say(axes, row, -6.0, LIMITS[s.limit], INK, "right", room_in=left - 0.15)
    axes.fill_between([0, minutes], row + 0.18, row + 0.82, color=PALE, linewidth=0)
    if not s.bound.empty:
        x = s.bound.index.to_numpy() / 60
        for at, share in zip(x, s.bound.to_numpy(), strict=True):
            if share > 0:
                axes.fill_between(
                    [at, min(at + 1 / 6, minutes)], row + 0.18, row + 0.82,
                    color=VERMILLION, alpha=float(share), linewidth=0,
                )  # fmt: skip
    said = {
        "used at most": fmt.percent(s.use) if math.isfinite(s.use) else fmt.NONE,
        "viewers harmed": fmt.money(s.harmed) if s.harmed else fmt.NONE,
        "sales lost, CNY": fmt.money(s.lost_cny) if s.lost_cny else fmt.NONE,
    }
    _cells(axes, row, shown, said)


def _cells(axes: Axes, row: int, shown: Columns, said: dict[str, str]) -> None:
    """What stands in a row right of the strips, by column; heads and what is unknown are grey."""
    at = 0.0
    for head, wide in shown:
        at += wide
        hue = GREY if said[head] in (head, fmt.NONE) else INK
        _say(axes, row, 72 * at, said[head], hue, "right", 1)


def _say(
    axes: Axes, row: int, x_pt: float, text: str, hue: str, ha: str, edge: int = 0,
    bold: bool = False, room_in: float = math.inf,
) -> None:  # fmt: skip
    """Text in a row, so many points from the left (0) or right (1) edge of the strips."""
    axes.annotate(
        shortened(text, room_in) if math.isfinite(room_in) else text,
        (edge, row + 0.5), xycoords=("axes fraction", "data"), xytext=(x_pt, 0),
        textcoords="offset points", ha=ha, va="center", color=hue,
        weight="bold" if bold else "normal", annotation_clip=False,
    )  # fmt: skip
