"""The fast engine beside its exact twin, by what binds and by the length of an epoch.

`rows`: where only the door binds, or a small crowd is short by UDP, both leave the same bytes.
`slow_rows`: how far they are apart, on average over nights and in a single one, for every kind of
limit; `picture` draws that and `section` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray
from scipy import stats

from sim.commerce import sell
from sim.engine.drive import fast as fast_engine
from sim.record import Run
from sim.report.style import (
    BLUE,
    GREEN,
    INK,
    PALE,
    TEXT_PT,
    VERMILLION,
    WIDE_IN,
    Margins,
    drawing,
    end_labels,
    image,
    panels,
    wrapped,
)
from sim.scenario.model import Scenario
from tests.engine.nights import FLV, night, run_once, same
from tests.trust.row import Row

QUESTION = "How far is the fast engine from its exact twin?"

EPOCHS_S = (0.1, 0.25, 1.0, 4.0, 10.0)
SHIPPED_S = 1.0
"""conf/engine/fast.yaml."""

OVERLOAD = 1.2
"""Viewers at the peak over those the limit carries."""

WITHIN = 0.01
"""Of the twin's mean: what is asked of a 1-s epoch where capacity is shared."""

FEW, MANY = 500, 2000
"""Viewers at the peak, on either side of `fast_engine.FEW_FLOWS`."""

CALM, STORMY = 20, 60
"""Nights, and nights in which each storm of UDP shortage is an accident: more of those."""


@dataclass(frozen=True)
class Case:
    """A night in which one kind of limit binds."""

    binds: str
    overrides: tuple[str, ...]
    viewers: int = FEW
    nights: int = CALM
    same: bool = True
    """The engines promise the same bytes at any epoch."""
    few_flows: int = fast_engine.FEW_FLOWS


def _egress(viewers: int) -> str:
    return f"vendors.budget.limits.egress_mbps={viewers * 2.0 * 1.06 / OVERLOAD}"


SESSIONS = f"vendors.budget.limits.sessions={FEW / OVERLOAD:.0f}"
JOINS = "vendors.budget.limits.joins_per_s=3"

CASES = (
    Case("sessions, refused", (SESSIONS,)),
    Case("join rate, refused", (JOINS, "vendors.budget.policy.joins_burst=1")),
    Case(
        "waiting rooms for sessions and joins",
        (
            *(SESSIONS, "vendors.budget.policy.sessions=queue"),
            *(JOINS, "vendors.budget.policy.joins_per_s=queue"),
        ),
    ),
    Case(f"UDP egress, {FEW} viewers", (_egress(FEW),)),
    Case(f"TCP egress, {FEW} viewers", (_egress(FEW), *FLV), same=False),
    Case(f"UDP egress, {MANY:,} viewers", (_egress(MANY),), MANY, STORMY, same=False),
    Case(
        f"UDP egress, {FEW} viewers as in a large crowd",
        (_egress(FEW),), nights=STORMY, same=False, few_flows=0,
    ),
)  # fmt: skip

STALLED, STALLED_ONCE = "stalled, a viewer", "stalled, a single night off by"
ORDERS, ORDERS_ONCE = "orders", "orders, a single night off by"
FATES = "viewers with another fate"


def rows() -> Iterator[Row]:
    """Whatever the night leaves behind, compared bit by bit."""
    for case in CASES:
        if not case.same:
            continue
        scenario = night(f"promotion.peak_viewers={case.viewers}", *case.overrides)
        exact = run_once(scenario, kind="exact")
        for epoch_s in (EPOCHS_S[0], EPOCHS_S[-1]):
            off = float(len(same(exact, run_once(scenario, kind="fast", epoch_s=epoch_s))))
            yield Row(
                "columns of the record that differ by a bit", _where(case, epoch_s), "",
                0.0, off, off, off, "verified", "the exact twin", "python -m tests.trust", 0.0,
            )  # fmt: skip


def slow_rows() -> Iterator[Row]:
    """Every case at every epoch: about ten minutes."""
    for case in CASES:
        yield from apart(case)


# --- one case -------------------------------------------------------------------------------------


def apart(case: Case) -> Iterator[Row]:
    """Fast beside exact on the same nights, seed by seed."""
    stalled_s = {e: np.empty((case.nights, 2)) for e in EPOCHS_S}
    orders = {e: np.empty((case.nights, 2)) for e in EPOCHS_S}
    other = {e: np.empty(case.nights) for e in EPOCHS_S}
    kept, fast_engine.FEW_FLOWS = fast_engine.FEW_FLOWS, case.few_flows
    try:
        for k in range(case.nights):
            scenario = night(f"promotion.peak_viewers={case.viewers}", f"seed={k}", *case.overrides)
            exact = run_once(scenario, kind="exact")
            for e in EPOCHS_S:
                fast = run_once(scenario, kind="fast", epoch_s=e)
                both = fast, exact
                stalled_s[e][k] = [r.sessions["frozen_s"].mean() for r in both]
                orders[e][k] = [_sold(r, scenario) for r in both]
                other[e][k] = 100 * np.mean(fate(fast) != fate(exact))
    finally:
        fast_engine.FEW_FLOWS = kept
    for e in EPOCHS_S:
        yield _means(STALLED, case, e, "s", stalled_s[e])
    for e in EPOCHS_S:
        off = np.abs(stalled_s[e][:, 0] - stalled_s[e][:, 1])
        yield _off(STALLED_ONCE, case, e, "s", off)
    for e in EPOCHS_S:
        yield _means(ORDERS, case, e, "", orders[e])
    for e in EPOCHS_S:
        off = 100 * np.abs(orders[e][:, 0] / orders[e][:, 1] - 1)
        yield _off(ORDERS_ONCE, case, e, "%", off)
    for e in EPOCHS_S:
        yield _off(FATES, case, e, "%", other[e])


def fate(r: Run) -> NDArray[np.int64]:
    """(viewers,) why each is gone, and whether they have seen a stall."""
    fates: NDArray[np.int64] = 2 * r.sessions["reason"].astype(np.int64)
    return fates + (r.sessions["stalls"] > 0)


def _sold(r: Run, scenario: Scenario) -> int:
    return int(sell(r, scenario.commerce, scenario.promotion.drops).sold.sum())


def _means(of: str, case: Case, epoch_s: float, unit: str, pairs: NDArray[np.float64]) -> Row:
    """The twin's mean and ours, whose interval is that of the difference on the same nights."""
    exact = float(pairs[:, 1].mean())
    within = 0.0 if case.same else WITHIN * exact
    return _row(of, case, epoch_s, unit, exact, pairs[:, 0] - pairs[:, 1], within)


def _off(of: str, case: Case, epoch_s: float, unit: str, off: NDArray[np.float64]) -> Row:
    """How far apart a single night is, on average."""
    return _row(of, case, epoch_s, unit, 0.0, off, 0.0 if case.same else None)


def _row(
    of: str,
    case: Case,
    epoch_s: float,
    unit: str,
    exact: float,
    off: NDArray[np.float64],
    within: float | None,
) -> Row:
    n, ours = len(off), exact + float(off.mean())
    half = float(stats.t.ppf(0.975, n - 1) * off.std(ddof=1) / np.sqrt(n))
    return Row(
        of, _where(case, epoch_s), unit, exact, ours, ours - half, ours + half,
        "verified", "the exact twin", "python -m tests.trust --slow twin", within,
    )  # fmt: skip


def _where(case: Case, epoch_s: float) -> str:
    return f"{case.binds}; epoch {epoch_s:g} s"


# --- the page -------------------------------------------------------------------------------------

SECTION = f"""\
## {QUESTION}

![{QUESTION}](twin.png)

The twin follows each viewer alone and shares capacity anew at each change; the fast engine
shares it once an epoch. Both follow the same rules. Nights of five minutes, with {OVERLOAD:g} times
as many viewers as the limit carries.

- *Where only the door binds* (sessions, join rate, waiting rooms), and where a crowd of up to
  {fast_engine.FEW_FLOWS:,} is short by UDP, they leave the same bytes at any epoch.
- *Egress shared by TCP*: the difference shrinks with the epoch.
- *Egress by UDP in a larger crowd*, which is followed by epochs and rounds of retransmission: on
  the edge of capacity one flow more or less begins or ends a storm that freezes everybody, so a
  single night is an accident of the epoch. What may be read is the mean over nights. The last lines
  follow a small crowd in the way of a large one: the fewer flows, the more each of them matters.

Means over nights, fast less exact, with half the 95 % interval of the difference on the same nights
(**bold**: more than {100 * WITHIN:g} % of the exact mean off, beyond that interval: too long an
epoch); then how far a single night is off; and the viewers who are gone for another reason, or have
seen a stall in one engine only. An epoch is {SHIPPED_S:g} s as shipped.
"""


def section(kept: Sequence[Row]) -> str:
    """The part of the page that the kept rows make."""
    if not kept:
        return f"{SECTION}\nnot run\n"
    lines = [
        ["what binds", "difference", "exact", *(f"epoch {e:g} s" for e in EPOCHS_S)],
        ["---"] * (3 + len(EPOCHS_S)),
    ]
    by = {(row.of, row.where): row for row in kept}
    for case in CASES:
        if case.same and all(row.ours == row.expected for row in kept if _is_of(row, case)):
            lines.append([case.binds, "all of these", "", *["0"] * len(EPOCHS_S)])
            continue
        for n, of in enumerate((STALLED, STALLED_ONCE, ORDERS, ORDERS_ONCE, FATES)):
            here = [by[of, _where(case, e)] for e in EPOCHS_S]
            named = of if not here[0].unit else f"{of}, {here[0].unit}"
            exact = _number(here[0].expected, 4) if of in (STALLED, ORDERS) else ""
            lines.append(["" if n else case.binds, named, exact, *map(_cell, here)])
    return SECTION + "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_of(row: Row, case: Case) -> bool:
    return row.where.rpartition(";")[0] == case.binds


def _cell(row: Row) -> str:
    if row.of not in (STALLED, ORDERS):
        return _number(row.ours, 2)
    half = (row.high - row.low) / 2
    text = f"{_number(row.ours - row.expected, 2, '+')} ± {_number(half, 2)}"
    return text if row.holds else f"**{text}**"


def _number(x: float, figures: int, sign: str = "") -> str:
    return f"{x:{sign},.0f}" if abs(x) >= 100 else f"{x:{sign}.{figures}g}"


# --- the picture ----------------------------------------------------------------------------------

ZERO_IN = 0.22
"""The strip for zeros below the decades."""

LINES = (
    (STALLED_ONCE, "stalled, one night", BLUE, "s", "-"),
    (STALLED, "stalled, mean of nights", BLUE, "o", ":"),
    (ORDERS_ONCE, "orders, one night", VERMILLION, "^", "-"),
    (FATES, "viewers with another fate", GREEN, "D", "-"),
)
"""Of a row, how the picture names it, colour, marker, line."""


def picture(kept: Sequence[Row]) -> bytes:
    """docs/twin.png from the kept rows."""
    percent = _percent(kept)
    floor = int(np.floor(np.log10(min(size for size, *_ in percent.values() if size > 0))))
    subtitle = (
        "Difference from the twin in % of its value (fates: of the viewers), by the length of an "
        f"epoch; {OVERLOAD:g} times as many viewers as the limit carries. Thin lines: 95 % "
        "interval of the mean of nights, down to 0 where it holds 0."
    )
    with drawing():
        figure, grid = panels(
            WIDE_IN, QUESTION, subtitle, 2 * 4, 1.75, Margins(0.7, 0.12, 0.6, 0.55), columns=4
        )
        *grid, aside = grid
        aside.set_axis_off()
        for n, (axes, case) in enumerate(zip(grid, CASES, strict=True)):
            _frame(axes, case, floor, first=n % 4 == 0)
            for of, *_ in LINES:
                _line(axes, of, [percent[of, _where(case, e)] for e in EPOCHS_S], floor)
            if all(percent[of, _where(case, e)][2] == 0 for of, *_ in LINES for e in EPOCHS_S):
                axes.text(
                    1.0, floor + 0.5, "the same to the bit", color=INK, ha="center", va="center"
                )
        last = {of: percent[of, _where(CASES[-1], EPOCHS_S[-1])][0] for of, *_ in LINES}
        labels = [(_place(last[of], floor), words, hue) for of, words, hue, *_ in LINES]
        end_labels(grid[-1], labels)
    return image(figure, "png")


def _percent(kept: Sequence[Row]) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Size of the difference and the ends of its interval, in % of the twin's, by row."""
    whole = {(row.of, row.where): row.expected for row in kept}
    sizes = {}
    for row in kept:
        of = 1.0
        if row.unit != "%":
            of = 100 / whole[STALLED if row.of == STALLED_ONCE else row.of, row.where]
        low, high = (row.low - row.expected) * of, (row.high - row.expected) * of
        ends = sorted((abs(low), abs(high)))
        nearest = 0.0 if low <= 0 <= high else ends[0]
        sizes[row.of, row.where] = abs(row.ours - row.expected) * of, nearest, ends[1]
    return sizes


def _place(percent: float, floor: int) -> float:
    """Height in the panel: decades, and below the least of them the zeros."""
    return max(float(np.log10(percent)), floor) if percent > 0 else floor - 1.0


def _line(axes: Axes, of: str, sizes: list[tuple[float, float, float]], floor: int) -> None:
    _, _, hue, mark, dash = next(line for line in LINES if line[0] == of)
    places = [_place(size, floor) for size, _, _ in sizes]
    axes.plot(
        EPOCHS_S, places, color=hue, marker=mark, linestyle=dash, linewidth=1.4, markersize=4.5,
        markerfacecolor="white" if of == STALLED else hue, clip_on=False,
    )  # fmt: skip
    if of == STALLED:
        lows, highs = ([_place(s[k], floor) for s in sizes] for k in (1, 2))
        axes.vlines(EPOCHS_S, lows, highs, color=hue, linewidth=0.8, alpha=0.6)


def _frame(axes: Axes, case: Case, floor: int, first: bool) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(EPOCHS_S))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{e:g}" for e in EPOCHS_S])
    axes.set_xlim(0.08, 12)
    decades = list(range(floor, 3))
    axes.set_ylim(floor - 1.3, 2)
    axes.set_yticks([floor - 1, *decades])
    axes.set_yticklabels(["0", *(f"{10.0**d:g}" for d in decades)] if first else [])
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.axhspan(floor - 1.3, floor - 0.5, color=PALE, alpha=0.35, linewidth=0)
    if first:
        axes.set_ylabel("difference, % of exact")
    axes.set_xlabel("length of an epoch, s")
    title = "\n".join(
        line for part in case.binds.split(", ") for line in wrapped(part, 1.75, TEXT_PT)
    )
    axes.set_title(title, fontsize=TEXT_PT, color=INK, loc="left")
