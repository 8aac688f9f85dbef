"""Who stalls, by their own internet, region and operator."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from sim.report import number_format as fmt
from sim.report.style import GREY, INK, WIDE_IN, Margins, drawing, panels, shortened, text_in
from sim.report.tables import Frames, night_peak, table, vendors
from sim.scenario import Scenario

GROUPS = {
    "class": "by own internet", "region": "by their own region", "isp": "by operator",
    "cohort": "by cohort",
}  # fmt: skip
"""Columns of the breakdown, in words."""

CLASSES = {"home": "home", "lte": "4G", "hsdpa": "3G"}
"""Access classes as people call them; others keep their name."""

HEAT = LinearSegmentedColormap.from_list("heat", ["#f6f6f4", "#f8d2bb", "#ee9a63"])

FEW = 0.01
"""A group with a smaller share of the viewers does not set the scale of the colours."""

LEAST_TOP = 0.02
"""Where nobody stalls more, the darkest colour still stands for so much."""

ROW_IN, CELL_IN = 0.3, 0.62


def who_stalls(frames: Frames, scenario: Scenario, width_in: float = WIDE_IN) -> Figure:
    """Stall ratio by vendor and by group of viewers, a panel for each way to group them."""
    peak = night_peak(frames)
    split = groups(frames)
    names = {v: s for v, s in vendors(frames, scenario).items() if v in set(split["vendor"])}
    kinds = [by for by in GROUPS if by in set(split["by"])]
    stall = split[split["metric"] == "stall_ratio"].set_index(["vendor", "by", "of"])["value"]
    came = split[split["metric"] == "arrived"].groupby(["by", "of"], sort=False)["value"].mean()
    part = (came / came.groupby("by").transform("sum")).sort_values(ascending=False, kind="stable")
    many = set(part[part >= FEW].index)
    top = max((x for key, x in zip(stall.index, stall, strict=True) if key[1:] in many), default=0)
    names_in = max(text_in(name) for name in names.values()) + 0.2
    wide = width_in > 6
    with drawing():
        left = min(names_in, (0.2 if wide else 0.36) * width_in)
        figure, grid = panels(
            width_in, "Who stalls?",
            f"Stalled, % of the viewing time of each group, at {fmt.count(peak)} viewers; "
            "under each group its share of those who came. The darker, the more: darkest at "
            f"{fmt.percent(max(top, LEAST_TOP))} and above.",
            1 if wide else len(kinds),
            ROW_IN * len(names),
            Margins(left=left, right=0.1, top=0.82, bottom=0.12),
        )  # fmt: skip
        for axes, shown in zip(grid, [kinds] if wide else [[k] for k in kinds], strict=True):
            axes.set_axis_off()
            x = 0.0
            columns = {by: [of for kind, of in part.index if kind == by] for by in shown}
            most = sum(map(len, columns.values())) + 0.4 * (len(columns) - 1)
            across_in = width_in - left - 0.1
            axes.set_xlim(0, max(most, across_in / (1.6 * CELL_IN)))
            cell_in = across_in / axes.get_xlim()[1]
            axes.set_ylim(len(names), 0)
            _at(axes, list(names.values()), left)
            for by in shown:
                _over(axes, x, 42, GROUPS[by], INK, bold=True)
                for of in columns[by]:
                    share = part[by, of]
                    of_whom = CLASSES.get(of, of) if by == "class" else of
                    _over(axes, x + 0.5, 24, shortened(of_whom, cell_in - 0.04), INK)
                    said = fmt.percent(share) if share >= FEW else f"< 1{fmt.SPACE}%"
                    _over(axes, x + 0.5, 9, said, GREY)
                    for row, vendor in enumerate(names):
                        ratio = float(stall.get((vendor, by, of), math.nan))
                        _heat(axes, x, row, ratio, max(top, LEAST_TOP))
                    x += 1
                x += 0.4
        return figure


def _at(axes: Axes, names: list[str], left: float) -> None:
    for row, name in enumerate(names):
        axes.annotate(
            shortened(name, left - 0.15), (0, row + 0.5), xycoords=("axes fraction", "data"),
            xytext=(-6, 0), textcoords="offset points", va="center", ha="right",
            annotation_clip=False,
        )  # fmt: skip


def _over(axes: Axes, x: float, up_pt: float, text: str, hue: str, bold: bool = False) -> None:
    axes.annotate(
        text, (x, 0), xytext=(1 if bold else 0, up_pt), textcoords="offset points", color=hue,
        ha="left" if bold else "center", va="center", weight="bold" if bold else "normal",
        annotation_clip=False,
    )  # fmt: skip


def _heat(axes: Axes, x: float, row: int, ratio: float, top: float) -> None:
    if not math.isfinite(ratio):
        axes.annotate(fmt.NONE, (x + 0.5, row + 0.5), ha="center", va="center", color=GREY)
        return
    heat = HEAT(min(1.0, ratio / top))
    axes.fill_between([x + 0.02, x + 0.98], row + 0.04, row + 0.96, color=heat, linewidth=0)
    axes.annotate(
        fmt.percent(ratio).removesuffix(f"{fmt.SPACE}%").replace("below ", "< "),
        (x + 0.5, row + 0.5),
        ha="center", va="center", color=INK,
    )  # fmt: skip


def groups(frames: Frames) -> pd.DataFrame:
    """Who came and who stalled by group at the peak, means over nights; empty where unknown."""
    rows = table(frames, "breakdown", peak_viewers=night_peak(frames))
    if rows.empty:
        return rows
    rows = rows[rows["by"].isin(list(GROUPS)) & rows["metric"].isin(["stall_ratio", "arrived"])]
    if not (rows["metric"] == "stall_ratio").any():
        return pd.DataFrame()
    keys = ["vendor", "by", "of", "metric"]
    return rows.groupby(keys, sort=False)["value"].mean().reset_index()
