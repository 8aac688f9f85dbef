"""The page: the answer in a sentence, then what it rests on. One file that loads nothing."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sim.record import LIMIT_NAMES
from sim.report import words
from sim.report.charts import charts
from sim.report.style import NARROW_IN, WIDE_IN, image
from sim.report.tables import (
    UNKNOWN,
    Estimate,
    Figures,
    Frames,
    estimates,
    night_peak,
    peaks,
    vendors,
)
from sim.scenario import Scenario, Vendor
from sim.scenario.quantity import GIVEN, Confidence, Quantity

INVARIANTS = (
    "Whoever arrived is waiting, starting, playing, frozen or gone for a stated reason, always.",
    "No node delivers more than its capacity, over any two epochs.",
    "Each viewer's media: downloaded = played + buffered + discarded.",
    "The same seed gives the same bytes.",
    "The rungs of the ladder add up to what is lost.",
    "An invoice is the sum of its lines, and a meter the sum of what was used.",
    "Demand of one and a half times a capacity shows harm.",
    "Measuring changes nothing.",
    "The clock never goes back.",
    "Every number in a vendor profile has a source and a confidence.",
    "A smaller audience is a subset of a larger one.",
)

LIMITS = dict(
    zip(
        LIMIT_NAMES,
        (
            "nothing",
            "the viewers' own links",
            "concurrent sessions",
            "joins a second",
            "egress of the whole vendor",
            "egress of a region",
            "egress of an edge",
        ),
        strict=True,
    )
)

CONFIDENCES = get_args(Confidence)
"""The surest first."""

LIBRARIES = ("peakcast", "simpy", "numba", "numpy", "pandas", "scipy", "hydra-core", "pydantic")


Get = Callable[[str], Estimate]
"""A figure of one vendor at the peak."""

Say = Callable[[float], str]


@dataclass(frozen=True)
class Cell:
    """One figure of the table: its heading, what is said, and the interval under it."""

    heading: str
    text: str
    interval: str = ""


@dataclass(frozen=True)
class Reached:
    """A limit that held somebody back."""

    limit: str
    configured: str
    lasted: str


@dataclass(frozen=True)
class Row:
    """One number of a profile and where it comes from."""

    key: str
    value: str
    spread: str
    confidence: Confidence
    note: str
    url: str
    as_of: str


@dataclass(frozen=True)
class Provenance:
    """How sure the numbers of a profile are."""

    counts: dict[str, int]
    rows: list[Row]
    """The least sure first."""

    @property
    def unsure(self) -> int:
        return self.counts["claimed"] + self.counts["assumed"]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Answer:
    """All the page says about one vendor."""

    key: str
    name: str
    summary: str
    sentence: str
    cells: list[Cell]
    reached: list[Reached]
    bill: list[tuple[str, str, str]]
    """Line, quantity, CNY."""
    provenance: Provenance | None


@dataclass(frozen=True)
class Picture:
    """A chart inline, drawn for a wide and for a narrow screen."""

    name: str
    wide: str
    narrow: str


def write(frames: Frames, scenario: Scenario, folder: Path) -> None:
    """Writes `charts/*.svg`, `charts/*.png` and `report.html` into the folder."""
    (folder / "charts").mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, chart in charts(frames, scenario).items():
        figure = chart(frames, scenario, WIDE_IN)
        svg = image(figure, "svg")
        (folder / "charts" / f"{name}.svg").write_bytes(svg)
        (folder / "charts" / f"{name}.png").write_bytes(image(figure, "png"))
        narrow = image(chart(frames, scenario, NARROW_IN), "svg")
        label = name.replace("_", " ")
        pictures.append(
            Picture(name, inline(svg, f"{name}-w", label), inline(narrow, f"{name}-n", label))
        )
    (folder / "report.html").write_bytes(page(frames, scenario, pictures).encode())


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


def page(frames: Frames, scenario: Scenario, pictures: list[Picture]) -> str:
    """The page as text."""
    peak = night_peak(frames, scenario)
    figures = estimates(frames)
    answers = [
        _answer(vendor, name, peak, figures, frames, scenario)
        for vendor, name in vendors(frames, scenario).items()
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=f"{_titled(scenario.promotion.name)}, {words.count(peak)} viewers",
        subtitle=f"{scenario.promotion.starts_at:%Y-%m-%d, %H:%M} · "
        f"audience {scenario.audience.name} · links {scenario.network.name}",
        answers=answers,
        headings=[cell.heading for cell in answers[0].cells],
        pictures=pictures,
        confidences=CONFIDENCES,
        intervals=any(
            figures.get((a.key, peak, "stall_ratio"), UNKNOWN).has_interval for a in answers
        ),
        ladder=any("ladder" in p.name for p in pictures),
        how=_how(frames, scenario, peak, figures),
        checked=scenario.engine.check,
        invariants=INVARIANTS,
    )


def _titled(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


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

    profile = scenario.vendors.get(vendor)
    return Answer(
        key=vendor,
        name=name,
        summary=profile.summary if profile else "",
        sentence=_sentence(get),
        cells=_cells(get),
        reached=_reached(vendor, peak, figures, profile),
        bill=_bill(vendor, peak, frames),
        provenance=_provenance(profile) if profile else None,
    )


def _sentence(get: Get) -> str:
    said = []
    stall, lost, perfect = get("stall_ratio"), get("lost_gmv_cny"), get("perfect_gmv_cny")
    if lost.known:
        interval = _interval(lost, words.money, f"95{words.SPACE}% interval ")
        sales = f"Sales of CNY{words.SPACE}{words.money(lost.mean)} are lost{interval}"
        if perfect.known and perfect.mean:
            sales += f", {words.percent(lost.mean / perfect.mean)} of what a perfect night sells"
        said.append(f"{sales}.")
    out = get("join_failure_ratio")
    if out.known and out.mean >= 0.001:
        said.append(f"{words.percent(out.mean)} of those who come never get in.")
    if stall.known:
        interval = _interval(stall, words.percent)
        said.append(f"{words.percent(stall.mean)} of the viewing time is frozen{interval}.")
    bill = get("cost_cny")
    if bill.known:
        said.append(f"The bill for the night is CNY{words.SPACE}{words.money(bill.mean)}.")
    return " ".join(said)


def _interval(e: Estimate, say: Say, named: str = "") -> str:
    return f" ({named}{words.between(e.low, e.high, say)})" if e.has_interval else ""


def _cells(get: Get) -> list[Cell]:
    def cell(heading: str, metric: str, say: Say, interval: bool = False) -> Cell:
        e = get(metric)
        under = words.between(e.low, e.high, say) if interval and e.has_interval else ""
        return Cell(heading, say(e.mean), under)

    delays = [words.seconds(get(f"latency_{p}_s").mean) for p in ("p50", "p95")]
    return [
        cell("frozen", "stall_ratio", words.percent, True),
        cell("frozen, worst 5 min", "worst_5min_stall_ratio", words.percent),
        cell("watching delivered", "watch_delivered_ratio", words.percent),
        cell("never got in", "join_failure_ratio", words.percent),
        cell("first frame, p95", "startup_p95_s", words.seconds),
        Cell("latency, p50 and p95", " · ".join(delays)),
        cell("lost sales, CNY", "lost_gmv_cny", words.money, True),
        cell("bill, CNY", "cost_cny", words.money),
        cell("bill per viewer hour, CNY", "cost_per_viewer_hour_cny", words.number),
    ]


def _reached(
    vendor: str,
    peak: int,
    figures: Figures,
    profile: Vendor | None,
) -> list[Reached]:
    """Limits that bound at the peak, the longest first."""
    prefix = "binding_limit_s."
    bound = [
        (e.mean, metric.removeprefix(prefix))
        for (v, p, metric), e in figures.items()
        if v == vendor and p == peak and metric.startswith(prefix) and e.known and e.mean > 0
    ]
    return [
        Reached(LIMITS.get(limit, limit), _configured(limit, profile), words.seconds(lasted))
        for lasted, limit in sorted(bound, key=lambda b: (-b[0], b[1]))
    ]


def _configured(limit: str, profile: Vendor | None) -> str:
    """The number that bound, where it is one number."""
    if profile is None:
        return ""
    key = "egress_mbps" if limit == "egress_vendor" else limit
    quantity = getattr(profile.limits, key, None)
    if not isinstance(quantity, Quantity):
        return ""
    unit = " Mbps" if key == "egress_mbps" else ""
    return f"{words.count(quantity.value)}{unit}"


def _bill(vendor: str, peak: int, frames: Frames) -> list[tuple[str, str, str]]:
    """The invoice's lines, quantities and amounts as means over the nights."""
    table = frames.invoice
    if table.empty:
        return []
    table = table[table["vendor"] == vendor]
    if "peak_viewers" in table:
        table = table[table["peak_viewers"] == peak]
    nights = max(1, table["replication"].nunique())
    lines = table.groupby(["tariff", "line", "period", "unit"], sort=False)
    return [
        (
            f"{line} ({tariff})" if period == "night" else f"{line}, {period} ({tariff})",
            f"{words.number(rows['quantity'].sum() / nights, 4)} {unit}",
            words.amount(rows["amount_cny"].sum() / nights),
        )
        for (tariff, line, period, unit), rows in lines
    ]


def _provenance(profile: Vendor) -> Provenance:
    rows = []
    for figure, (_, _, sources) in zip(profile.figures(), profile.quantities(), strict=True):
        source = sources.get(figure.source)
        rows.append(
            Row(
                key=figure.key,
                value=words.exact(figure.value),
                spread=""
                if figure.low == figure.high
                else words.between(figure.low, figure.high, words.exact),
                confidence=figure.confidence,
                note=source.note if source else figure.source if figure.source == GIVEN else "",
                url=source.url if source and source.url.startswith(("http://", "https://")) else "",
                as_of=str(source.as_of or "") if source else "",
            )
        )
    rows.sort(key=lambda row: -CONFIDENCES.index(row.confidence))
    counted = Counter(row.confidence for row in rows)
    return Provenance({c: counted[c] for c in CONFIDENCES}, rows)


# --- how it was run -------------------------------------------------------------------------------


def _how(frames: Frames, scenario: Scenario, peak: int, figures: Figures) -> list[tuple[str, str]]:
    points = peaks(frames)
    sample = scenario.audience.sample
    away = sample * scenario.study.curve_sample
    reached = max(
        (e.mean for (_, p, metric), e in figures.items() if (p, metric) == (peak, "offered_peak")),
        default=math.nan,
    )
    simulated = f"{words.exact(100 * sample)}{words.SPACE}% at {words.count(peak)}"
    if len(points) > 1 and away != sample:
        simulated += f", {words.exact(100 * away)}{words.SPACE}% at the others"
    rows = [
        ("promotion", f"{scenario.promotion.name}, starts {scenario.promotion.starts_at}"),
        ("audience", scenario.audience.name),
        ("links", scenario.network.name),
        ("shop", scenario.commerce.name),
        ("study", scenario.study.kind),
        ("offered peaks", ", ".join(words.count(p) for p in points)),
        ("reached in a perfect night", words.count(reached)),
        ("nights each", str(scenario.replications)),
        ("seed", str(scenario.seed)),
        ("viewers simulated", simulated),
        ("engine", f"{scenario.engine.kind}, epoch {words.seconds(scenario.engine.epoch_s)}"),
        ("versions", ", ".join(f"{name} {v}" for name, v in _versions(frames).items())),
    ]
    return [(key, said) for key, said in rows if said != words.NONE]


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
