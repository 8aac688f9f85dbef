"""Who stalls, by their own internet, region and operator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from sim.catalogue.language import NONE, Words
from sim.report.charts.chart import Chart
from sim.report.style import GREY, INK, Margins, drawing, panels, shortened, text_in
from sim.report.view import View

GROUPS = {
    "class": "chart-groups-class", "region": "chart-groups-region", "isp": "chart-groups-isp",
    "cohort": "chart-groups-cohort",
}  # fmt: skip
"""Ways to group viewers, as the breakdown has them, and their messages."""

CLASSES = {"home": "chart-access-home", "lte": "chart-access-lte", "hsdpa": "chart-access-hsdpa"}
"""Kinds of access that people call something else; others keep their name."""

HEAT = LinearSegmentedColormap.from_list("heat", ["#f6f6f4", "#f8d2bb", "#ee9a63"])

FEW = 0.01
"""A group with a smaller share of the viewers does not set the scale of the colours."""

LEAST_TOP = 0.02
"""Where nobody stalls more, the darkest colour still stands for so much."""

ROW_IN, CELL_IN = 0.3, 0.62


@dataclass(frozen=True, eq=False)
class Split:
    """Who stalls, and how large each group is."""

    words: Words
    vendors: dict[str, str]
    """Those that it is known of, and their names."""
    stall: dict[tuple[str, str, str], float]
    """Stall ratio by vendor, way to group and group."""
    part: dict[tuple[str, str], float]
    """Share of the viewers who came by way to group and group, the largest first."""

    @property
    def kinds(self) -> list[str]:
        """Ways to group them."""
        return [by for by in GROUPS if any(by == kind for kind, _ in self.part)]

    def groups(self, by: str) -> list[str]:
        """The largest first."""
        return [of for kind, of in self.part if kind == by]

    @cached_property
    def darkest(self) -> float:
        """The stall ratio that the darkest colour stands for."""
        shown = (x for (_, by, of), x in self.stall.items() if self.part.get((by, of), 0.0) >= FEW)
        return max(max(shown, default=0.0), LEAST_TOP)


def split(view: View) -> Split | None:
    """The night's viewers by group, on the mean of nights; None where it is not known."""
    rows = view.table("breakdown", peak_viewers=view.peak)
    if rows.empty:
        return None
    rows = rows[rows["by"].isin(list(GROUPS)) & rows["metric"].isin(["stall_ratio", "arrived"])]
    if not (rows["metric"] == "stall_ratio").any():
        return None
    keys = ["vendor", "by", "of", "metric"]
    mean = rows.groupby(keys, sort=False)["value"].mean().reset_index()
    stall = mean[mean["metric"] == "stall_ratio"]
    came = mean[mean["metric"] == "arrived"].groupby(["by", "of"], sort=False)["value"].mean()
    part = (came / came.groupby("by").transform("sum")).sort_values(ascending=False, kind="stable")
    there = set(mean["vendor"])
    return Split(
        view.words,
        {v: name for v, name in view.names.items() if v in there},
        {
            (str(vendor), str(by), str(of)): float(ratio)
            for vendor, by, of, ratio in stall[["vendor", "by", "of", "value"]].itertuples(
                index=False, name=None
            )
        },
        {
            (str(by), str(of)): float(share)
            for by, of, share in part.reset_index().itertuples(index=False, name=None)
        },
    )


def _draw(view: View, width_in: float) -> Figure:
    """Stall ratio by vendor and by group of viewers, a panel for each way to group them."""
    words, shown = view.words, split(view)
    assert shown is not None  # else it is not ready
    wide = width_in > 6
    names = list(shown.vendors.values())
    left = min(max(map(text_in, names)) + 0.2, (0.2 if wide else 0.36) * width_in)
    darkest = words.percent(shown.darkest)
    about = words("chart-groups-about", viewers=view.peak, darkest=darkest)
    with drawing():
        figure, grid = panels(
            width_in, words("chart-groups-question"), about,
            1 if wide else len(shown.kinds),
            ROW_IN * len(names),
            Margins(left=left, right=0.1, top=0.82, bottom=0.12),
        )  # fmt: skip
        panes = [shown.kinds] if wide else [[by] for by in shown.kinds]
        for axes, kinds in zip(grid, panes, strict=True):
            axes.set_axis_off()
            axes.set_ylim(len(names), 0)
            for row, name in enumerate(names):
                _beside(axes, row, shortened(name, left - 0.15))
            _groups(axes, shown, kinds, width_in - left - 0.1)
        return figure


def _groups(axes: Axes, shown: Split, kinds: list[str], across_in: float) -> None:
    """Side by side the groups of each of these kinds."""
    columns = sum(len(shown.groups(by)) for by in kinds) + 0.4 * (len(kinds) - 1)
    axes.set_xlim(0, max(columns, across_in / (1.6 * CELL_IN)))
    cell_in = across_in / axes.get_xlim()[1]
    x = 0.0
    for by in kinds:
        _over(axes, x, 42, shown.words(GROUPS[by]), INK, bold=True)
        for of in shown.groups(by):
            _column(axes, x, shown, by, of, cell_in)
            x += 1
        x += 0.4


def _column(axes: Axes, x: float, shown: Split, by: str, of: str, cell_in: float) -> None:
    """One group: its name, its share of the viewers who came, what stalls with each vendor."""
    words, share = shown.words, shown.part[by, of]
    called = words(CLASSES[of]) if by == "class" and of in CLASSES else of
    _over(axes, x + 0.5, 24, shortened(called, cell_in - 0.04), INK)
    few = words("percent", percent=words("number-below-short", number=words.count(100 * FEW)))
    _over(axes, x + 0.5, 9, words.percent(share) if share >= FEW else few, GREY)
    for row, vendor in enumerate(shown.vendors):
        ratio = shown.stall.get((vendor, by, of), math.nan)
        said = words.percent_number(ratio, "number-below-short")
        _heat(axes, x, row, said, ratio / shown.darkest)


def _beside(axes: Axes, row: int, name: str) -> None:
    axes.annotate(
        name, (0, row + 0.5), xycoords=("axes fraction", "data"),
        xytext=(-6, 0), textcoords="offset points", va="center", ha="right",
        annotation_clip=False,
    )  # fmt: skip


def _over(axes: Axes, x: float, up_pt: float, text: str, hue: str, bold: bool = False) -> None:
    axes.annotate(
        text, (x, 0), xytext=(1 if bold else 0, up_pt), textcoords="offset points", color=hue,
        ha="left" if bold else "center", va="center", weight="bold" if bold else "normal",
        annotation_clip=False,
    )  # fmt: skip


def _heat(axes: Axes, x: float, row: int, said: str, heat: float) -> None:
    if said == NONE:
        axes.annotate(said, (x + 0.5, row + 0.5), ha="center", va="center", color=GREY)
        return
    hue = HEAT(min(1.0, heat))
    axes.fill_between([x + 0.02, x + 0.98], row + 0.04, row + 0.96, color=hue, linewidth=0)
    axes.annotate(said, (x + 0.5, row + 0.5), ha="center", va="center", color=INK)


WHO_STALLS = Chart("who_stalls", "charts", lambda view: split(view) is not None, _draw)
