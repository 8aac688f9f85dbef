"""The page: the answer in a sentence, then what it rests on. One file that loads nothing."""

from __future__ import annotations

import math
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, get_args

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sim.billing import falls
from sim.commerce import net_of_lost
from sim.report import number_format as fmt
from sim.report.charts import Chart, ready_charts
from sim.report.labels import INCIDENTS, LIMITS
from sim.report.messages import (
    BOUND_RUNGS,
    TOGETHER,
    Effect,
    Reached,
    Say,
    ask_for,
    asked,
    best_first,
    effects,
    just_enough,
    limits_cost,
    listed,
    lost_to_none,
    marked,
    never_in_hd,
    on_the_night,
    reached,
    struck_by,
    verdict,
    warnings,
    with_chances,
    without,
)
from sim.report.plans import cheapest, plans
from sim.report.style import NARROW_IN, WIDE_IN, image
from sim.report.tables import (
    UNKNOWN,
    Estimate,
    Figures,
    Frames,
    estimates,
    lost_by_limit,
    lost_share,
    night_peak,
    peaks,
    risks,
    table,
    unbilled,
)
from sim.report.terminal import text
from sim.report.view import View, view
from sim.scenario import Scenario, Vendor
from sim.scenario.model import Incident
from sim.scenario.quantity import GIVEN, Confidence, Quantity
from sim.scenario.tariff import Tariff
from sim.study.interval import unseen

INVARIANTS = (
    "All who arrived are waiting, starting, playing, frozen or gone for a stated reason, always.",
    "No node delivers more than its capacity, over any two epochs.",
    "Each viewer's media: downloaded = played + buffered + discarded.",
    "The same seed gives the same bytes.",
    "The rungs of the ladder add up to what is lost.",
    "An invoice is the sum of its lines, and a meter the sum of what was used.",
    "Demand of one and a half times a capacity shows harm.",
    "Measuring changes nothing.",
    "The clock never goes back.",
    "Every number in a vendor profile has a source and a confidence.",
    "An audience at a lower peak, and a sample, is a subset of the whole one.",
)

CONFIDENCES = get_args(Confidence)
"""The surest first."""

LIBRARIES = ("peakcast", "simpy", "numba", "numpy", "pandas", "scipy", "hydra-core", "pydantic")

HARMLESS = ("output_dir=", "overwrite=", "engine.threads=")
"""Arguments that can't change the answer are left out of the command the page quotes."""


Get = Callable[[str], Estimate]
"""A figure of one vendor at the peak."""


ONE_IN_20 = 1.645
"""Standard deviations above the median that one normal in twenty exceeds."""


@dataclass(frozen=True)
class Cell:
    """One figure of a table: its heading, what is said, and the lines under it."""

    heading: str
    text: str
    under: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One number of a profile and where it comes from."""

    key: str
    value: str
    spread: str
    confidence: Confidence
    effect: str
    """Sales lost over its range, where a study asked."""
    note: str
    url: str
    as_of: str


@dataclass(frozen=True)
class Provenance:
    """How sure some numbers are."""

    name: str
    counts: dict[str, int]
    rows: list[Row]
    """The one with the widest effect first, then the least sure."""
    base: str
    """Sales lost with all of them at their values, on the nights that show the effects."""

    @property
    def unsure(self) -> int:
        """Numbers nobody published or measured."""
        return self.counts["claimed"] + self.counts["assumed"]

    @property
    def total(self) -> int:
        """All numbers, of whatever confidence."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Billed:
    """What the night adds to the month under one tariff."""

    tariff: str
    lines: list[tuple[str, str, str]]
    """Line, quantity, CNY."""
    total: str
    fixed: list[tuple[str, str]]
    """Line, CNY: what a month without any show costs too, and so is in no night's bill."""
    falls: list[str]
    """Where more costs less: all-units tiers, sold so and kept so."""


@dataclass(frozen=True)
class Answer:
    """What the tables of the page say about one vendor."""

    name: str
    cells: list[Cell]
    more: list[Cell]
    reached: list[Reached]
    unheld: list[tuple[str, str]]
    """What is lost to no limit, and all of it together: CNY."""
    bills: list[Billed]
    """The first is the bill, the others what it would be under another tariff."""


@dataclass(frozen=True)
class Picture:
    """A chart inline, drawn for a wide and for a narrow screen."""

    name: str
    wide: str
    narrow: str


def write(frames: Frames, scenario: Scenario, folder: Path) -> dict[str, str]:
    """Writes `charts/*.svg`, `charts/*.png`, `report.html` and `report.txt` into the folder.

    One that can't be made costs nothing but itself: its file -> why.
    """
    (folder / "charts").mkdir(parents=True, exist_ok=True)
    failed: dict[str, str] = {}

    def made(file: str, make: Callable[[], M]) -> M | None:
        try:
            return make()
        except Exception as error:
            failed[file] = f"{type(error).__name__}: {error}"
            return None

    pictures = []
    seen = view(frames, scenario)
    for chart in made(PAGE, lambda: ready_charts(seen)) or []:
        name = chart.name
        drawn = made(f"charts/{name}.svg", partial(_drawn, chart, seen))
        if drawn is not None:
            picture, files = drawn
            pictures.append(picture)
            for kind, content in files.items():
                (folder / "charts" / f"{name}.{kind}").write_bytes(content)
    missing = {Path(file).stem: why for file, why in failed.items()}
    html = made(PAGE, lambda: page(frames, scenario, pictures, missing))
    said = made("report.txt", lambda: text(frames, scenario))
    for file, written in ((PAGE, html), ("report.txt", said)):
        if written is not None:
            (folder / file).write_bytes(written.encode(errors="backslashreplace"))
    return failed


M = TypeVar("M")
PAGE = "report.html"


def _drawn(chart: Chart, seen: View) -> tuple[Picture, dict[str, bytes]]:
    """A chart for the page, and as files by their suffix."""
    figure, name = chart.draw(seen, WIDE_IN), chart.name
    svg, png = image(figure, "svg"), image(figure, "png")
    narrow = image(chart.draw(seen, NARROW_IN), "svg")
    label = name.replace("_", " ")
    picture = Picture(name, inline(svg, f"{name}-w", label), inline(narrow, f"{name}-n", label))
    return picture, {"svg": svg, "png": png}


def inline(svg: bytes, prefix: str, label: str) -> str:
    """An SVG file as an element of a page: names made its own, size left to the page."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", text))
    text = re.sub(
        r' id="([^"]+)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", text
    )
    text = re.sub(r"(url\(|href=\")#", rf"\g<1>#{prefix}-", text)
    text = re.sub(r'(?<= d=")[^"]+', lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m[0]), text)
    head, body = text.split(">", 1)
    head = re.sub(r' (?:width|height|xmlns(?::\w+)?|version)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{label}">{body}'


def page(
    frames: Frames,
    scenario: Scenario,
    pictures: list[Picture],
    failed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The page as text. `failed`: name of a chart -> why it is missing."""
    peak, figures = night_peak(frames), estimates(frames)
    names = {v: marked(v, s, scenario) for v, s in best_first(frames, scenario).items()}
    answers = [_answer(v, name, peak, figures, frames, scenario) for v, name in names.items()]
    told = asked(frames, scenario)
    provenance = list(_provenances(frames, scenario, names))
    monthly = any((v, peak, "cost_month_cny") in figures for v in names)
    counted = Counter[str]()
    for one in provenance:
        counted.update(one.counts)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=f"{_titled(scenario.promotion.name)}, {fmt.count(peak)} viewers",
        subtitle=_subtitle(scenario),
        month=_month(scenario) if monthly else "",
        peak=fmt.count(peak),
        verdict=verdict(frames, scenario),
        warnings=warnings(frames),
        ask_for=ask_for(told),
        told=told,
        one_in_20=fmt.number(peak * math.exp(ONE_IN_20 * scenario.promotion.peak_sigma)),
        beyond=any(a.beyond for one in told for a in one.asks),
        answers=answers,
        headings=_filled([a.cells for a in answers]),
        rows=[(a.name, a.cells) for a in answers],
        more=_filled([a.more for a in answers]),
        more_rows=[(a.name, a.more) for a in answers],
        reached=any(a.reached for a in answers),
        granted=any(a.cells[-1].text != fmt.NONE for a in answers),
        limits_cost=limits_cost(frames, scenario),
        plans=list(_plans(frames, scenario, peak)),
        others=any(plan.number for plan in plans(view(frames, scenario))),
        cheapest=cheapest(view(frames, scenario)),
        at_risk=list(_at_risk(frames, names, scenario.bands.draws > 0)),
        beyond_risk=_beyond(frames),
        drawn=scenario.bands.draws > 0,
        certain=scenario.promotion.peak_sigma == 0,
        held=len(peaks(frames)) == 1,
        money=fmt.money,
        chances=with_chances(scenario),
        broken=bool(scenario.incidents),
        own=any(
            v.own.joins_per_s is not None or v.own.orders_per_s is not None
            for v in scenario.vendors.values()
        ),
        outside=any(not i.of_the_vendor for i in scenario.incidents),
        missing=" and ".join(sorted({unbilled(v, scenario) for v in names} - {""})),
        kept=_kept(scenario),
        thin=just_enough(frames, scenario),
        pictures={p.name: p for p in pictures},
        failed=failed,
        intervals=any(e.has_interval for e in figures.values()),
        nights=scenario.replications,
        unseen=round(100 * unseen(scenario.replications)),
        unseen_of_20=round(100 * unseen(20)),
        inputs=any(e.has_inputs for e in figures.values()),
        draws=scenario.bands.draws,
        confidences=CONFIDENCES,
        provenance=provenance,
        counted=counted,
        moved=any(row.effect for one in provenance for row in one.rows),
        how=_how(frames, scenario, peak, figures),
        checked=scenario.engine.check,
        invariants=INVARIANTS,
        seconds=fmt.seconds,
        count=fmt.count,
        incidents=any(i.chance is None for i in scenario.incidents),
    )


def _subtitle(scenario: Scenario) -> str:
    parts = [
        f"{scenario.promotion.starts_at:%Y-%m-%d, %H:%M}",
        f"audience {scenario.audience.name}",
        f"viewers' internet {scenario.network.name}",
    ]
    happen = [i.name for i in scenario.incidents if i.chance is None]
    if happen:
        many, named = len(happen), listed(happen)
        parts.append(f"with {many} incident{'s' if many > 1 else ''}: {named}")
    return " · ".join(parts)


def _month(scenario: Scenario) -> str:
    """`26 ordinary nights at 30 % of this night's use, and this night`."""
    month = scenario.commerce.month
    if not month.ordinary_nights:
        return "this night alone"
    nights = f"{month.ordinary_nights} ordinary night{'s' if month.ordinary_nights > 1 else ''}"
    share = f"{fmt.exact(100 * month.ordinary_share.value)}{fmt.SPACE}%"
    more = len(month.promotions)
    others = f", {more} more promotion{'s' if more > 1 else ''}" if more else ""
    return (
        f"{nights} at {share} of this night's use{others}, and this night; ordinary nights are "
        "billed as if no limit held them"
    )


def _titled(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def _filled(rows: list[list[Cell]]) -> list[str]:
    """Headings of the columns in which any vendor has something to say."""
    said = [c.heading for cells in rows for c in cells if c.text != fmt.NONE]
    return [c.heading for c in rows[0] if c.heading in said]


# --- one vendor -----------------------------------------------------------------------------------


def _answer(
    vendor: str,
    name: str,
    peak: int,
    figures: Figures,
    frames: Frames,
    scenario: Scenario,
) -> Answer:
    def get(metric: str) -> Estimate:
        return figures.get((vendor, peak, metric), UNKNOWN)

    limits = reached(frames, figures, vendor, peak)
    first = _first(limits, peak, get("stall_ratio").known)
    lost = {k: x for k, x in lost_by_limit(frames, vendor, peak).items() if k in LIMITS}
    costly = _costliest(lost, sum(get(rung).mean for rung in BOUND_RUNGS), first.text)
    first = replace(first, under=(*first.under, *costly))
    missing = tuple(f"+ {m}" for m in [unbilled(vendor, scenario)] if m)
    return Answer(
        name=name,
        cells=[
            *_cells(
                get,
                lost_share(figures, vendor, peak),
                missing,
                ("never in HD",) if never_in_hd(figures, vendor, peak) else (),
            ),
            first,
            _granted(get, bool(on_the_night(limits)), scenario, missing),
        ],
        more=_more(get, missing),
        reached=limits,
        unheld=[(held, fmt.money(x)) for held, x in lost_to_none(frames, vendor, peak)],
        bills=list(_bills(vendor, peak, frames, scenario)),
    )


def _cells(get: Get, lost: Estimate, missing: tuple[str, ...], hd: tuple[str, ...]) -> list[Cell]:
    """`missing`: what the bill leaves out, under each figure it is in; `hd`: that there is none."""
    lost_cny, bill, month = get("lost_gmv_cny"), get("cost_cny"), get("cost_month_cny")
    fixed = _fixed(get("cost_fixed_cny").mean)
    return [
        Cell("watched", fmt.percent(get("watch_delivered_ratio").mean), hd),
        Cell("stalled", fmt.percent(get("stall_ratio").mean)),
        _banded("sales lost", lost, fmt.percent, f"CNY{fmt.SPACE}{{}}", lost_cny),
        _but(
            _banded("bill of the night, CNY", bill, fmt.money, "month {}", month),
            (*missing, *fixed),
        ),
        _but(_both(get(TOGETHER), lost_cny.mean + bill.mean), missing),
    ]


def _fixed(cny: float) -> tuple[str, ...]:
    """Of the month so much is due without any show too."""
    return (f"fixed {fmt.money(cny)} a month",) if cny > 0 else ()


def _but(cell: Cell, missing: tuple[str, ...]) -> Cell:
    return replace(cell, under=(*missing, *cell.under))


def _both(margin: Estimate, sales_cny: float) -> Cell:
    """Bill and lost margin; under it, gross, the bill and all the sales lost."""
    under = (f"gross {fmt.money(sales_cny)}",) if math.isfinite(sales_cny) else ()
    return Cell("bill and lost margin, CNY", fmt.money(margin.mean), under)


def _granted(get: Get, bound: bool, scenario: Scenario, missing: tuple[str, ...]) -> Cell:
    """Sales lost and the bill with no limit in the way, for a vendor whose limits are; what breaks
    that night breaks then too."""
    heading = "if granted what you ask"
    perfect = get("perfect_gmv_cny").mean
    lost = get("granted_lost_gmv_cny").mean
    if not math.isfinite(lost):  # nothing breaks: what is left are the first two rungs
        lost = get("lost_gmv_cny.links").mean + get("lost_gmv_cny.vendor").mean
    if not bound or not math.isfinite(lost) or not perfect > 0:
        return Cell(heading, fmt.NONE)
    bill, kept = get("granted_cost_cny"), net_of_lost(scenario.commerce)["lost_margin_cny"]
    under = (
        (
            " ".join([f"bill {fmt.money(bill.mean)}", *missing]),
            " ".join([f"both {fmt.money(bill.mean + lost * kept)}", *missing]),
        )
        if bill.known
        else ()
    )
    return Cell(heading, f"{fmt.percent(lost / perfect)} lost", under)


def _first(limits: list[Reached], peak: int, known: bool) -> Cell:
    """The first limit on the night; where it meets none, the first that a larger night meets."""
    heading = "first limit reached"
    there = on_the_night(limits)
    for one in there[:1]:
        under = [line for line in (one.configured, *_begins(one)) if line]
        return Cell(heading, one.limit, tuple(under))
    later = [r for r in limits if not r.broken and r.since > peak]
    beyond = (later[0].limit, *_begins(later[0])) if later else ()
    return Cell(heading, "none" if known else fmt.NONE, beyond)


def _costliest(lost_cny: dict[str, float], rung: float, first: str) -> list[str]:
    """The limit that lost the most sales on the night, which need not be the first one reached;
    `rung`: CNY lost to all of them and to incidents."""
    limit, cny = next(iter(lost_cny.items()), ("", 0.0))
    if not cny > 0:
        return []
    whole = f" of {fmt.money(rung)}" if rung > cny else ""  # elsewhere the limits may gain
    said = f"CNY{fmt.SPACE}{fmt.money(cny)}{whole}"
    if LIMITS[limit] == first:
        return ["most costly too:", said]
    return ["most costly:", LIMITS[limit], said]


def _begins(one: Reached) -> list[str]:
    """In two lines: a cell is narrow."""
    how, where = one.begins.split(" ", 1)
    return [f"begins {how}", where]


def _banded(
    heading: str, e: Estimate, say: Say, beside: str = "", other: Estimate = UNKNOWN
) -> Cell:
    """A figure; under it another amount that belongs to it, and both of its bands."""
    under = [beside.format(fmt.money(other.mean))] if other.known else []
    if e.has_interval:
        under.append(f"nights {fmt.between(e.low, e.high, say)}")
    if e.has_inputs:
        under.append(f"inputs {fmt.between(e.input_low, e.input_high, say)}")
    return Cell(heading, say(e.mean), tuple(under))


def _more(get: Get, missing: tuple[str, ...]) -> list[Cell]:
    def cell(heading: str, metric: str, say: Say) -> Cell:
        return Cell(heading, say(get(metric).mean))

    return [
        _banded("watched", get("watch_delivered_ratio"), fmt.percent),
        _banded("stalled", get("stall_ratio"), fmt.percent),
        cell("play in HD", "hd_ratio", fmt.percent),
        cell("mean bitrate, Mbps", "mean_bitrate_mbps", fmt.number),
        cell("never got in", "join_failure_ratio", fmt.percent),
        cell("stalled, worst 5 min", "worst_5min_stall_ratio", fmt.percent),
        cell("first picture, half within", "startup_p50_s", fmt.seconds),
        cell("first picture, 19 of 20 within", "startup_p95_s", fmt.seconds),
        cell("behind the host, half", "latency_p50_s", fmt.seconds),
        cell("behind the host, 19 of 20 within", "latency_p95_s", fmt.seconds),
        _but(
            cell("bill per viewer hour, CNY", "cost_per_viewer_hour_cny", fmt.number),
            missing,
        ),
    ]


def _bills(vendor: str, peak: int, frames: Frames, scenario: Scenario) -> Iterator[Billed]:
    """Lines, quantities and amounts as means over the nights, list by list with its add-ons."""
    rows = table(frames, "invoice", vendor=vendor)
    if rows.empty:
        return
    if "peak_viewers" in rows:
        rows = rows[rows["peak_viewers"] == peak]
    nights = max(1, rows["replication"].nunique())
    # Ordinary days stand in the month with the night and in that without it.
    rows = rows[~rows["period"].str.startswith("ordinary")]
    profile = scenario.vendors.get(vendor)
    lists = {t.name: t for t in profile.tariffs.values()} if profile is not None else {}
    add_ons = rows["tariff"].isin([name for name, t in lists.items() if t.beside])
    beside = rows[add_ons]
    beside = beside.assign(line=beside["tariff"] + ": " + beside["line"])
    for tariff, own in rows[~add_ons].groupby("tariff", sort=False):
        mine = pd.concat([own, beside])
        lines = [
            (
                str(line) if period == "month" else f"{line}, {period}",
                _quantity(some, nights, str(unit)),
                some["amount_cny"].sum() / nights,
            )
            for (line, period, unit), some in mine.groupby(["line", "period", "unit"], sort=False)
        ]
        fixed = (
            mine[mine["month"] == "with"].groupby("line", sort=False)["fixed_cny"].sum() / nights
        )
        yield Billed(
            f"{tariff}{without(vendor, scenario)}",
            [(line, much, fmt.amount(cny)) for line, much, cny in lines if abs(cny) >= 0.005],
            fmt.amount(sum(cny for _, _, cny in lines)),
            [(str(line), fmt.amount(cny)) for line, cny in fixed.items() if abs(cny) >= 0.005],
            list(_falls(lists[str(tariff)], own)) if tariff in lists else [],
        )


def _quantity(rows: pd.DataFrame, nights: int, unit: str) -> str:
    """What the night adds; where it adds none and costs all the same, as of a level that is paid by
    its share of days, what the month has."""
    added = float(rows["quantity"].sum()) / nights
    if abs(added) > fmt.NOISE or abs(rows["amount_cny"].sum()) < 0.005:
        return f"{fmt.number(added, 4)} {unit}"
    whole = float(rows.loc[rows["month"] == "with", "quantity"].sum()) / nights
    return f"{fmt.number(whole, 4)} {unit}, in the month without the night too"


NEAR = (0.5, 2.0)
"""Where more costs less is told from so many times to so many times what is used."""


def _falls(tariff: Tariff, rows: pd.DataFrame) -> Iterator[str]:
    """`rows`: the list's lines; a fall matters near what the night or the month uses."""
    low, high = NEAR
    for f in falls(tariff):
        mine = rows[(rows["line"] == f.line) & (rows["month"] == "with")]
        times = mine["quantity"].astype(float) / float(f.at)
        if mine.empty or not times.between(low, high).any():
            continue
        before, after = (fmt.amount(float(x)) for x in (f.before, f.after))
        yield (
            f"{f.line}: {fmt.exact(float(f.at))} {mine['unit'].iloc[0]} cost {after} "
            f"{tariff.currency}, a little less costs {before}"
        )


# --- revenue at risk ------------------------------------------------------------------------------


def _at_risk(
    frames: Frames, names: dict[str, str], drawn: bool
) -> Iterator[tuple[str, list[Cell]]]:
    found = risks(frames)
    for vendor, name in names.items():

        def cell(
            heading: str, statistic: str, metric: str = "revenue_at_risk_cny", vendor: str = vendor
        ) -> Cell:
            e = found.get((vendor, metric, statistic), UNKNOWN)
            said = _banded(heading, e, fmt.money)
            return _but_inputs(said) if drawn and e.known and not e.has_inputs else said

        if (vendor, "revenue_at_risk_cny", "mean") in found:
            yield (
                name,
                [
                    cell("mean", "mean"),
                    cell("P50", "p50"),
                    cell("P95", "p95"),
                    cell("mean of the worst 5 in 100", "es95"),
                    cell("caused by the vendor, mean", "mean", "vendor_attributable_cny"),
                ],
            )


def _but_inputs(cell: Cell) -> Cell:
    """No drawn number moved it."""
    return replace(cell, under=(*cell.under, f"inputs {fmt.NONE}"))


def _plans(frames: Frames, scenario: Scenario, peak: int) -> Iterator[tuple[str, list[Cell]]]:
    """What each plan costs at the peak."""
    said: tuple[tuple[str, str, Say], ...] = (
        ("bill of the night, CNY", "cost_cny", fmt.money),
        ("month, CNY", "cost_month_cny", fmt.money),
        ("a viewer hour, CNY", "cost_per_viewer_hour_cny", fmt.number),
        ("an order, CNY", "cost_per_order_cny", fmt.number),
        ("bill and lost margin, CNY", "cost_and_lost_margin_cny", fmt.money),
        ("ten times the business costs", "cost_growth_tenfold", _fold),
    )
    for plan in plans(view(frames, scenario)):
        vendor, tariff = plan.key
        mine = table(frames, "costs", peak_viewers=peak, vendor=vendor, tariff=tariff)
        mean = dict(zip(mine["metric"], mine["mean"], strict=True))
        missing = (f"+ {plan.unbilled}",) if plan.unbilled else ()
        fixed = _fixed(float(mean.get("cost_fixed_cny", math.nan)))
        under = {"cost_growth_tenfold": (), "cost_month_cny": (*missing, *fixed)}
        yield (
            plan.name,
            [
                Cell(heading, say(float(mean.get(metric, math.nan))), under.get(metric, missing))
                for heading, metric, say in said
            ],
        )


def _fold(x: float) -> str:
    return f"{fmt.number(x)} times" if math.isfinite(x) else fmt.NONE


def _beyond(frames: Frames) -> list[str]:
    """How likely a peak outside the simulated ones is, and what is taken to be lost there."""
    rows = table(frames, "risk")
    if rows.empty:
        return []
    said = {
        "above": "there losses go on in a straight line, at most to all sales",
        "below": "there losses fall in proportion",
    }
    return [
        f"Of all nights {fmt.percent(chance)} have a peak {side} those simulated: {how}."
        for side, how in said.items()
        if (chance := float(rows[side].max())) > 0
    ]


def _kept(scenario: Scenario) -> str:
    """`net of 40 % returns and of 20 % bought later all the same, at a margin of 30 %`."""
    shop = scenario.commerce
    returned, later, margin = (
        fmt.percent(x) for x in (shop.return_share, shop.recapture_share.value, shop.margin)
    )
    return (
        f"net of {returned} returns and of {later} bought later all the same, "
        f"at a margin of {margin}"
    )


# --- what is assumed ------------------------------------------------------------------------------


def _provenances(frames: Frames, scenario: Scenario, names: dict[str, str]) -> Iterator[Provenance]:
    for vendor, name in names.items():
        if vendor in scenario.vendors:
            moved = effects(frames, vendor)
            at = night_peak(frames)
            yield _provenance(
                name,
                list(_rows(scenario.vendors[vendor])),
                {key: by_peak[at] for key, by_peak in moved.items() if at in by_peak},
            )
    yield _provenance("Audience and shop", list(_shared(scenario)), {})


def _provenance(name: str, rows: list[Row], moved: dict[str, Effect]) -> Provenance:
    rows = [replace(r, effect=moved[r.key].said) if r.key in moved else r for r in rows]
    rows.sort(
        key=lambda r: (
            -moved[r.key].width if r.key in moved else 0.0,
            -CONFIDENCES.index(r.confidence),
        )
    )
    counted = Counter(r.confidence for r in rows)
    base = next((fmt.percent(e.base) for e in moved.values()), "")
    return Provenance(name, {c: counted[c] for c in CONFIDENCES}, rows, base)


def _rows(profile: Vendor) -> Iterator[Row]:
    for figure, (_, _, sources) in zip(profile.figures(), profile.quantities(), strict=True):
        source = sources.get(figure.source)
        yield Row(
            key=figure.key,
            value=fmt.exact(figure.value),
            spread=_spread(figure.low, figure.high),
            confidence=figure.confidence,
            effect="",
            note=source.note if source else figure.source if figure.source == GIVEN else "",
            url=source.url if source and source.url.startswith(("http://", "https://")) else "",
            as_of=str(source.as_of or "") if source else "",
        )


def _shared(scenario: Scenario) -> Iterator[Row]:
    """Numbers every vendor's answer rests on: with a range, and without a source."""
    who, shop = scenario.audience, scenario.commerce
    for group, at in ((who, ""), (who.chat, "chat."), (shop, ""), (shop.month, "")):
        for key in type(group).model_fields:
            number = getattr(group, key)
            if isinstance(number, Quantity):
                spread = _spread(number.lowest, number.highest)
                yield Row(
                    at + key, fmt.exact(number.value), spread, "assumed", "",
                    number.source or "", "", "",
                )  # fmt: skip


def _spread(low: float, high: float) -> str:
    return "" if low == high else fmt.between(low, high, fmt.exact)


# --- how it was run -------------------------------------------------------------------------------


def _how(frames: Frames, scenario: Scenario, peak: int, figures: Figures) -> list[tuple[str, str]]:
    points = peaks(frames)
    offered = max(
        (e.mean for (_, p, metric), e in figures.items() if (p, metric) == (peak, "offered_peak")),
        default=math.nan,
    )
    broken = [
        f"{i.name} ({_where(i, scenario)}, minute "
        f"{fmt.exact(round(i.time_s / 60, 1))}, {fmt.seconds(i.duration_s)}"
        f"{'' if i.chance is None else f', chance {fmt.percent(i.chance)}'})"
        for i in scenario.incidents
    ]
    rows = [
        ("promotion", f"{scenario.promotion.name}, starts {scenario.promotion.starts_at}"),
        ("audience", scenario.audience.name),
        ("viewers' internet", scenario.network.name),
        ("shop", scenario.commerce.name),
        ("incidents", "; ".join(broken) or "none simulated"),
        ("study", scenario.study.kind),
        ("viewers at the peak", ", ".join(fmt.count(p) for p in points)),
        ("reached on a perfect night", fmt.count(offered)),
        ("nights each", str(scenario.replications)),
        ("seed", str(scenario.seed)),
        ("viewers simulated", _simulated(scenario, peak, len(points) > 1)),
        (
            "engine",
            f"{scenario.engine.kind}, epoch {fmt.seconds(scenario.engine.epoch_s)}",
        ),
        ("versions", ", ".join(f"{name} {v}" for name, v in _versions(frames).items())),
        ("command", _command(sys.orig_argv)),
    ]
    return [(key, said) for key, said in rows if said not in (fmt.NONE, "")]


def _where(incident: Incident, scenario: Scenario) -> str:
    """`Tencent LEB, the vendor's region cn`."""
    what = " ".join([INCIDENTS[incident.what], *([incident.where] if incident.where else [])])
    whom = struck_by(incident, scenario)
    return f"{whom}, {what}" if whom else what


def _simulated(scenario: Scenario, peak: int, curve: bool) -> str:
    def part(sample: float) -> str:
        return "all" if sample == 1 else f"a sample of {fmt.exact(sample)}"

    sample = scenario.audience.sample
    away = min(sample, scenario.study.curve_sample)
    said = f"{part(sample)} at {fmt.count(peak)}"
    return f"{said}, {part(away)} away from the peak" if curve and away != sample else said


def _command(argv: list[str]) -> str:
    """The command as one would type it, without what can't change the answer; else nothing."""
    for k, argument in enumerate(argv):
        if (argument == "sim" and argv[k - 1] == "-m") or Path(argument).name == "peakcast":
            asked = [a for a in argv[k + 1 :] if not a.startswith(HARMLESS)]
            return shlex.join(["python", "-m", "sim", *asked])
    return ""


def _versions(frames: Frames) -> dict[str, str]:
    given = frames.facts.get("versions")
    if given:
        return {str(k): str(v) for k, v in given.items()}
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
