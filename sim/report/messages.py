"""What the tables say, in sentences and cells: the page and the terminal take the same words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import pandas as pd

from sim.report import number_format as fmt
from sim.report.labels import HELD, LIMITS
from sim.report.number_format import SPACE
from sim.report.plans import dearer_than
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
    vendors,
)
from sim.report.view import view
from sim.scenario import Scenario, Vendor
from sim.scenario.limits import Limit
from sim.scenario.model import Incident
from sim.scenario.quantity import Quantity
from sim.study.interval import summarise
from sim.study.risk import incident_metric

Say = Callable[[float], str]

BROKEN = [limit.spec.name for limit in Limit if limit.spec.owner in ("incident", "buyer")]
"""Not limits a vendor can raise: an incident makes them hold, or they are the buyer's own."""


TOGETHER = "cost_and_lost_margin_cny"
"""Bill of the night, and the margin on what is lost for good: what vendors are ranked by."""

BOUND_RUNGS = {"lost_gmv_cny.limits": "its limits", "lost_gmv_cny.incidents": "incidents"}
"""The rungs on which a limit may bind, and what costs it there, in words."""

VENDOR_RUNG = "lost_gmv_cny.vendor"

OWN_ORDERS = "not_taken.own_orders_per_s"
"""Orders the buyer's own servers turned away."""


def cny(x: float) -> str:
    """`CNY 12,300`: an amount rounded for reading, with a space that no line breaks at."""
    return f"CNY{SPACE}{fmt.money(x)}"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def warnings(frames: Frames) -> list[str]:
    """What the night could not do as its script says."""
    return [str(sentence) for sentence in frames.facts.get("warnings", ())]


# --- the answer -----------------------------------------------------------------------------------


def verdict(frames: Frames, scenario: Scenario) -> list[str]:
    """The answer with its interval, then what qualifies it; empty where no sales were counted.

    Vendors are compared night by night: they meet the same viewers, so the difference of two is
    far surer than either.
    """
    peak, figures = night_peak(frames), estimates(frames)
    names = best_first(frames, scenario)
    nightly = _lost_and_billed(frames, peak)
    if nightly.empty:
        return []
    best, *others = (v for v in names if v in nightly)
    share, bill = lost_share(figures, best, peak), figures.get((best, peak, "cost_cny"), UNKNOWN)
    total = _over_nights(nightly[best])
    nights = len(nightly)
    sure = (
        f" (95{SPACE}% interval {fmt.between(total.low, total.high, fmt.money)})"
        if total.has_interval
        else ""
    )
    costs = (
        f"{marked(best, names[best], scenario)} costs you {'least' if others else cny(total.mean)}"
    )
    together = f": {cny(total.mean)}" if others else ""
    said = [
        f"{costs}{together} in lost margin and bill together{sure}: "
        f"{_lost_of_perfect(share.mean)}, a bill of {cny(bill.mean)}{without(best, scenario)}."
        f"{_due(figures, best, peak)}"
    ]
    if cheaper := dearer_than(view(frames, scenario), best):
        plan, less = cheaper
        said.append(
            "Vendors are ranked by the first price list of each; under another one "
            f"{plan.said} would cost less: {cny(less)}."
        )
    real = next((v for v in names if v in nightly and not is_archetype(v, scenario)), None)
    if is_archetype(best, scenario):
        said.append(f"{names[best]} is an archetype, not a vendor you can buy from.")
        if real:
            mean = _over_nights(nightly[real]).mean
            said[-1] += (
                f" Of those you can, {names[real]} costs least: {cny(mean)}"
                f"{without(real, scenario)}, "
                f"{fmt.percent(lost_share(figures, real, peak).mean)} of sales lost."
                f"{_due(figures, real, peak)}"
            )
    if others:
        untold = [v for v in others if not (is_archetype(best, scenario) and v == real)]
        lost = sorted((lost_share(figures, v, peak).mean, names[v]) for v in untold)
        if lost:
            each = listed([f"{name} {fmt.percent(x)}" for x, name in lost])
            said.append(f"Sales lost with the other{'s' if len(lost) > 1 else ''}: {each}.")
        if nights > 1:
            close = [v for v in others if not _over_nights(nightly[v] - nightly[best]).low > 0]
            if close:
                called = listed([names[v] for v in close])
                said.append(f"{nights} nights do not tell {names[best]} apart from {called}.")
    if nights == 1:
        said.append("One night: how far another would differ is not known from one.")
    by_rung = (figures.get((best, peak, f"{r}.{OWN_ORDERS}"), UNKNOWN) for r in BOUND_RUNGS)
    turned_away = [e for e in by_rung if e.known]
    if (away_cny := sum(e.mean for e in turned_away)) > 0:
        _, over = _with_interval(turned_away[0]) if len(turned_away) == 1 else ("", "")
        said.append(
            f"Of the sales lost with {names[best]} {cny(away_cny)}"
            f"{f' ({over})' if over else ''} is your own shop's, "
            "which takes too few orders a second: buying more from a vendor won't help."
        )
    if share.has_inputs:
        said.append(
            f"With the assumed numbers anywhere in their ranges {names[best]} "
            f"{_loses(share.input_low, share.input_high)}"
            f"{_comes_first(best, others, names, frames, scenario)}."
        )
    said += _never_in_hd(names, figures, peak)
    said += _own_limits_differ(names, scenario)
    said += _may_strike(names, frames, scenario)
    said += fee_saved(frames, scenario)
    return said


def _lost_of_perfect(share: float) -> str:
    if share < 0:
        return f"{fmt.percent(-share)} more sold than on a perfect night"
    return f"{fmt.percent(share)} of a perfect night's sales lost"


def _loses(low: float, high: float) -> str:
    """`loses 1.5 to 2.5 % of sales`; below 0 a share lost is a gain."""
    if low >= 0:
        return f"loses {fmt.between(low, high, fmt.percent)} of sales"
    gain = fmt.percent(-low)
    if high <= 0:
        return f"sells {fmt.between(-high, -low, fmt.percent)} more than a perfect night does"
    return f"goes from a gain of {gain} to a loss of {fmt.percent(high)} of sales"


def _never_in_hd(names: dict[str, str], figures: Figures, peak: int) -> Iterator[str]:
    """A vendor that shows less than 720 lines loses orders to that alone: a buyer must know."""
    found = []
    for vendor, name in names.items():
        if never_in_hd(figures, vendor, peak):
            lost, perfect = (
                figures.get((vendor, peak, m), UNKNOWN).mean
                for m in (VENDOR_RUNG, "perfect_gmv_cny")
            )
            share = lost / perfect if perfect > 0 else math.nan
            alone = f" (its picture and delay alone lose {fmt.percent(share)} of sales)"
            found.append(f"{name}{alone if share > 0 else ''}")
    if found:
        yield f"Never in HD: {listed(found)}."


def never_in_hd(figures: Figures, vendor: str, peak: int) -> bool:
    """Whether no viewer of this vendor sees HD at this peak; False where it is not known."""
    return figures.get((vendor, peak, "hd_ratio"), UNKNOWN).mean == 0


def _own_limits_differ(names: dict[str, str], scenario: Scenario) -> Iterator[str]:
    """The shop is the same with every vendor: limits set for some favour the others."""
    own = {v: scenario.vendors[v].own for v in names if v in scenario.vendors}
    bare = {v for v, o in own.items() if o.joins_per_s is None and o.orders_per_s is None}
    have, lack = ([names[v] for v in own if (v in bare) == missing] for missing in (False, True))
    if have and lack:
        yield (
            f"Your own shop's limits are set for {listed(have)}, not for {listed(lack)}: "
            "their sales don't compare."
        )
    elif any(o != next(iter(own.values())) for o in own.values()):
        yield (
            "Your own shop's limits are not the same with every vendor: their sales don't compare."
        )


def without(vendor: str, scenario: Scenario) -> str:
    """` (without operations)`, after a bill that leaves them out."""
    missing = unbilled(vendor, scenario)
    return f" (without {missing})" if missing else ""


def _due(figures: Figures, vendor: str, peak: int) -> str:
    """Fees, least amounts and commitments of the month: in no night's bill, and to be paid."""
    fixed = figures.get((vendor, peak, "cost_fixed_cny"), UNKNOWN).mean
    return f" {cny(fixed)} a month are due with or without this night." if fixed > 0 else ""


def _comes_first(
    best: str, others: list[str], names: dict[str, str], frames: Frames, scenario: Scenario
) -> str:
    """In how many of the draws, each a night that both have in common, another comes before."""
    found, draws = risks(frames), scenario.bands.draws
    share = {v: found[v, f"before.{best}", "mean"].mean for v in others
             if (v, f"before.{best}", "mean") in found}  # fmt: skip
    if not share:
        return ""
    often = sorted((v for v in share if share[v] > 0), key=lambda v: -share[v])
    if not often:
        return f", and comes first in each of {draws} draws"
    each = [f"{names[v]} (in {fmt.exact(round(share[v] * draws, 1))})" for v in often]
    return f"; in some of {draws} draws others come before it: {listed(each)}"


MOST_STRUCK = 3
"""Vendors for which the sentence on an incident says what it costs; risk.csv has them all."""


def _may_strike(names: dict[str, str], frames: Frames, scenario: Scenario) -> Iterator[str]:
    """What each incident with a chance may cost, which is on none of the nights, and with whom."""
    found = risks(frames)
    for k, incident in enumerate(scenario.incidents):
        if incident.chance is None:
            continue
        costs: list[str] = []
        for vendor, name in names.items():
            mean, then = (
                found.get((vendor, incident_metric(k), s), UNKNOWN)
                for s in ("mean", "if_it_happens")
            )
            if mean.known and not costs:
                costs.append(
                    f"with {name} it costs {cny(mean.mean)} a night on the mean, "
                    f"{cny(then.mean)} when it happens"
                )
            elif mean.known:
                costs.append(f"with {name} {cny(mean.mean)} and {cny(then.mean)}")
        told = f": {'; '.join(costs[:MOST_STRUCK])}" if costs else ""
        named = _with_chance(incident, scenario)
        yield (
            f"{named[:1].upper()}{named[1:]} is on none of these nights, only in the revenue at "
            f"risk{told}."
        )


def with_chances(scenario: Scenario) -> list[str]:
    """`uplink (30 % a night)`, `outage (Tencent LEB, 5 % a night)`."""
    return [_with_chance(i, scenario) for i in scenario.incidents if i.chance is not None]


def _with_chance(incident: Incident, scenario: Scenario) -> str:
    whom = struck_by(incident, scenario)
    chance = f"{fmt.percent(incident.chance or 0.0)} a night"
    return f"{incident.name} ({f'{whom}, ' if whom else ''}{chance})"


def struck_by(incident: Incident, scenario: Scenario) -> str:
    """The vendors that can feel it; empty where all do."""
    felt = [v.name for key, v in scenario.vendors.items() if incident in scenario.felt_by(key)]
    return listed(felt) if 0 < len(felt) < len(scenario.vendors) else ""


ARCHETYPE = " (archetype)"


def is_archetype(vendor: str, scenario: Scenario) -> bool:
    """Whether it stands for a kind of vendor: nobody can buy from it."""
    profile = scenario.vendors.get(vendor)
    return profile is not None and profile.summary.startswith("An archetype, not a vendor")


def marked(vendor: str, name: str, scenario: Scenario) -> str:
    """`Hybrid (archetype)`."""
    return f"{name}{ARCHETYPE}" if is_archetype(vendor, scenario) else name


def best_first(frames: Frames, scenario: Scenario) -> dict[str, str]:
    """Vendors and their names by lost margin and bill together at the peak, the least first."""
    names = vendors(frames, scenario)
    nightly = _lost_and_billed(frames, night_peak(frames))
    ranked = [str(v) for v in nightly.mean().sort_values(kind="stable").index]
    return {v: names[v] for v in [*ranked, *(v for v in names if v not in ranked)]}


def _lost_and_billed(frames: Frames, peak: int) -> pd.DataFrame:
    """Lost margin and bill together in CNY: a row a night, a column a vendor."""
    rows = table(frames, "results", peak_viewers=peak, metric=TOGETHER)
    if rows.empty:
        return pd.DataFrame()
    both = rows.set_index(["replication", "vendor"])["value"]
    return both.unstack().dropna(axis="columns")


def _over_nights(nights: pd.Series) -> Estimate:
    """Mean and 95 % interval of a figure with one value a night."""
    mine = pd.DataFrame(
        {"metric": TOGETHER, "replication": nights.index, "value": nights.to_numpy()}
    )
    return Estimate(*map(float, summarise(mine)[["mean", "ci_low", "ci_high"]].to_numpy()[0]))


# --- limits ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reached:
    """A limit that held somebody back."""

    limit: str
    configured: str
    since: int
    """The smallest audience that was simulated at which it was seen to hold somebody back; 0:
    none."""
    free: int
    """The one before it, at which it did not; 0: there is none."""
    lasted_s: float
    """On the night itself."""
    lost_cny: float
    """Sales lost to it on the night, on all rungs; nan: not simulated."""
    broken: bool = False
    """By an incident, or the buyer's own: not the vendor's to raise."""

    @property
    def begins(self) -> str:
        """Where it begins to hold people back, as far as the audiences that were simulated say."""
        if not self.since:
            return ""
        if not self.free:
            return f"at {fmt.count(self.since)} viewers or fewer"
        return f"between {fmt.count(self.free)} and {fmt.count(self.since)} viewers"


def on_the_night(limits: list[Reached]) -> list[Reached]:
    """Those of the vendor's own that held somebody back on the night itself."""
    return [r for r in limits if r.lasted_s > 0 and not r.broken]


def reached(frames: Frames, figures: Figures, vendor: str, peak: int) -> list[Reached]:
    """Limits that held people back at any audience, the first to be met first; then those that
    cost something without being seen to bind."""
    named = {limit.spec.metric: limit.spec.name for limit in Limit}
    bound: dict[str, dict[int, float]] = {}
    for (v, p, metric), e in figures.items():
        if v == vendor and metric in named and e.mean > 0:
            bound.setdefault(named[metric], {})[p] = e.mean
    found = [(min(at), -at[min(at)], limit, at.get(peak, 0.0)) for limit, at in bound.items()]
    lost, laddered = lost_by_limit(frames, vendor, peak), is_laddered(figures, vendor, peak)
    unseen = [(0, 0.0, limit, 0.0) for limit in lost if limit in LIMITS and limit not in bound]
    simulated = {p for v, p, _ in figures if v == vendor}
    return [
        Reached(
            LIMITS[limit],
            configured(frames, vendor, limit),
            since,
            max((p for p in simulated if p < since), default=0),
            s,
            lost.get(limit, 0.0) if laddered else math.nan,
            limit in BROKEN,
        )
        for since, _, limit, s in [*sorted(found), *unseen]
    ]


def is_laddered(figures: Figures, vendor: str, peak: int) -> bool:
    """Whether what is lost is known rung by rung."""
    return all((vendor, peak, rung) in figures for rung in BOUND_RUNGS)


def lost_to_none(frames: Frames, vendor: str, peak: int) -> list[tuple[str, float]]:
    """What is lost to no limit, and all that is lost together, CNY: with the limits that are
    `reached` the first ones add up to the last. Empty without a ladder."""
    lost = lost_by_limit(frames, vendor, peak)
    rest = [(HELD[of], cny) for of, cny in lost.items() if of not in LIMITS]
    return [*rest, ("together", sum(lost.values()))] if lost else []


def configured(frames: Frames, vendor: str, limit: str) -> str:
    """What a vendor's limit stands at: `10,000 Mbps`, `2,000 to 5,000`, `50 GB, 5,000 min`."""
    rows = table(frames, "limits", vendor=vendor, limit=limit)
    said = []
    for unit in dict.fromkeys(map(str, rows.get("unit", ()))):
        each = rows.loc[rows["unit"] == unit, "configured"]
        low, high = _standing(each.min()), _standing(each.max())
        text = low if low == high else f"{low} to {high}"
        said.append(f"{text}{SPACE}{unit}" if unit else text)
    return ", ".join(said)


def _standing(x: float) -> str:
    return fmt.count(x) if x >= 10 else fmt.number(x)


# --- what the limits cost -------------------------------------------------------------------------

HAPPENED = {
    "refused": "refused at the door",
    "gave_up_waiting": "gave up waiting to get in",
    "left_starting": "left before the first picture",
    "left_stalled": "left a frozen picture",
    "cut_off": "cut off",
    "watched_less": "watched less",
    "not_yet_in": "not in yet",
    "frozen": "frozen at that moment",
    "seen_worse": "saw a worse picture",
    "unanswered": "got no answer from the host",
    "not_taken": "found the shop too busy",
    "show_over": "saw the show end first",
}
"""Causes in words; one that is not here is called by its own name."""

MOST_PARTS = 5
"""Of what a vendor's limits cost so many parts are named; the others stand together."""


@dataclass(frozen=True)
class LimitsCost:
    """A rung of one vendor by what happened to the viewer and the limit that bound."""

    name: str
    rung: str
    parts: list[tuple[str, str, str, str]]
    """What happened, limit, CNY, its 95 % interval; they add up to the last one, the rung."""


def limits_cost(frames: Frames, scenario: Scenario) -> list[LimitsCost]:
    """Vendors whose limits, or incidents, cost something, with the dearest part first."""
    peak, figures, found = night_peak(frames), estimates(frames), []
    for (vendor, name), (prefix, rung) in product(
        best_first(frames, scenario).items(), BOUND_RUNGS.items()
    ):
        parts = {
            metric.removeprefix(f"{prefix}."): e
            for (v, p, metric), e in figures.items()
            if (v, p) == (vendor, peak) and metric.startswith(f"{prefix}.")
        }
        if not parts:
            continue
        ranked = sorted(parts, key=lambda pair: (-abs(parts[pair].mean), pair))
        rows = [(*_pair(pair), *_with_interval(parts[pair])) for pair in ranked[:MOST_PARTS]]
        if rest := ranked[MOST_PARTS:]:
            left = sum(parts[pair].mean for pair in rest)
            rows.append((f"{len(rest)} other{'s' if len(rest) > 1 else ''}", "",
                         fmt.money(left), ""))  # fmt: skip
        whole = figures.get((vendor, peak, prefix), UNKNOWN)
        rows.append(("together", "", *_with_interval(whole)))
        found.append(LimitsCost(marked(vendor, name, scenario), rung, rows))
    return found


def _pair(pair: str) -> tuple[str, str]:
    cause, limit = pair.split(".")
    named = {**HELD, "none": ""}
    return HAPPENED.get(cause, cause.replace("_", " ")), named.get(limit, limit.replace("_", " "))


def _with_interval(e: Estimate) -> tuple[str, str]:
    return fmt.money(e.mean), fmt.between(e.low, e.high, fmt.money) if e.has_interval else ""


# --- a fee saved ----------------------------------------------------------------------------------


def fee_saved(frames: Frames, scenario: Scenario) -> list[str]:
    """For each vendor beside the reference a sentence: what it saves, and what that costs."""
    reference, found = scenario.study.reference_vendor, risks(frames)
    names, said = vendors(frames, scenario), []
    for vendor, name in names.items():
        saved = found.get((vendor, "fee_saved_cny", "mean"), UNKNOWN)
        if reference not in names or not saved.known:
            continue
        beside = (
            f"Against {names[reference]}{without(reference, scenario)}, "
            f"{name}{without(vendor, scenario)}"
        )
        if saved.mean <= 0:
            said.append(f"{beside} saves nothing: its bill is {cny(-saved.mean)} higher.")
            continue
        more, times, margin = (
            found.get((vendor, metric, "mean"), UNKNOWN)
            for metric in (
                "lost_sales_more_cny", "lost_sales_per_fee_saved", "lost_margin_per_fee_saved",
            )
        )  # fmt: skip
        if more.mean <= 0:
            said.append(f"{beside} saves {cny(saved.mean)} of the fee and loses no more sales.")
            continue
        sure = f"95{SPACE}% {_times(times.low, times.high)}" if times.has_interval else ""
        inputs = f"inputs {_times(times.input_low, times.input_high)}" if times.has_inputs else ""
        bands = "; ".join(band for band in (sure, inputs) if band)
        said.append(
            f"{beside} saves {cny(saved.mean)} of the fee and loses {cny(more.mean)} more in "
            f"sales: {fmt.number(times.mean, 2)} times what it saves"
            f"{f' ({bands})' if bands else ''}, "
            f"and {fmt.number(margin.mean, 2)} times in margin."
        )
    return said


def _times(low: float, high: float) -> str:
    return fmt.between(low, high, lambda x: fmt.number(x, 2))


# --- what to tell the vendor ----------------------------------------------------------------------

ASKED: dict[str, tuple[str, Say]] = {
    "peak_concurrency": ("viewers at once", fmt.people),
    "joins_per_s": ("joins a second", fmt.people),
    "egress_gbps": ("Gbps", fmt.number),
    "token_calls_per_s": ("token calls a second", fmt.people),
    "minutes": ("viewer minutes", fmt.money),
    "egress_gb": ("GB", fmt.money),
}
"""What a vendor is told, in the order of the page."""


@dataclass(frozen=True)
class Ask:
    """One number to tell the vendor, rounded up: a limit of what is shown is enough."""

    heading: str
    p50: str
    p95: str
    beyond: bool
    """Further out than any audience that was simulated."""
    limit: str = ""
    """What the vendor's limit stands at, where it is below the P95."""
    calm: str = ""
    """The P95 without the incidents, where that is less."""
    tens: str = ""
    """The P95 of a second of the busiest ten, where this one is of the busiest second."""

    @property
    def in_words(self) -> str:
        """`1,560 joins a second (26 without incidents)`."""
        calm = f" ({self.calm} without incidents)" if self.calm else ""
        return f"{self.p95} {self.heading}{calm}"


@dataclass(frozen=True)
class Asked:
    """What to tell one vendor."""

    vendor: str
    name: str
    asks: list[Ask]
    parts: list[tuple[str, Ask]]
    """Of each vendor region or path, where there are several: each may be ordered by itself."""


def asked(frames: Frames, scenario: Scenario) -> list[Asked]:
    """What to tell each vendor; empty where the study did not ask."""
    found = table(frames, "asks")
    if found.empty:
        return []
    answer = []
    found = found.fillna({"of": ""})
    for vendor, name in best_first(frames, scenario).items():
        rows = found[found["vendor"] == vendor]
        profile = scenario.vendors.get(vendor)
        whole, asks, parts = rows[rows["of"] == ""], [], []
        for what, (heading, say) in ASKED.items():
            tens = whole.loc[whole["what"] == f"{what}_10s", "p95"]
            for _, row in whole[whole["what"] == what].iterrows():
                one = _ask(row, heading, say, _ceiling(what, profile))
                asks.append(replace(one, tens="".join(fmt.up(float(x), say) for x in tens)))
        alone = list(profile.serves) if profile is not None and len(profile.serves) == 1 else []
        apart = rows[(rows["of"] != "") & ~rows["of"].isin(alone)]
        for _, row in apart.sort_values("of", kind="stable").iterrows():
            heading, say = ASKED[str(row["what"])]
            parts.append((f"{row['of']}: {heading}", _ask(row, heading, say)))
        if asks:
            answer.append(Asked(vendor, marked(vendor, name, scenario), asks, parts))
    return answer


def _ask(row: pd.Series, heading: str, say: Say, ceiling: float | None = None) -> Ask:
    p50, p95 = float(row["p50"]), float(row["p95"])
    low = ceiling is not None and ceiling < p95 * (1 - fmt.NOISE)
    limit = fmt.down(ceiling, say) if ceiling is not None and low else ""
    calm = fmt.up(float(row.get("calm_p95", p95)), say)
    return Ask(
        heading, fmt.up(p50, say), fmt.up(p95, say), bool(row["beyond"]), limit,
        calm if calm != fmt.up(p95, say) else "",
    )  # fmt: skip


def _ceiling(what: str, profile: Vendor | None) -> float | None:
    """The vendor's lowest limit on what is asked, where one number holds for all of it.

    A fleet counts with the nodes it has when the show begins; how it grows is not a number.
    """
    if profile is None or len(profile.paths) > 1 or len(profile.serves) > 1:
        return None
    limits, fleet = profile.limits, profile.path.fleet
    nodes = 0 if fleet is None or fleet.scaling else fleet.nodes if fleet.cascades else 1
    caps: dict[str, list[tuple[Quantity | None, float]]] = {
        "peak_concurrency": [
            (limits.sessions, 1), (limits.room_viewers, 1), (limits.node_viewers, nodes)
        ],
        "joins_per_s": [(limits.joins_per_s, 1)],
        "token_calls_per_s": [(limits.token_calls_per_s, 1)],
        "egress_gbps": [
            (limits.egress_mbps, 1e-3), (limits.account_mbps, 1e-3),
            (fleet.node_mbps if fleet else None, nodes * 1e-3),
        ],
    }  # fmt: skip
    found = caps.get(what, [])
    return min((q.value * size for q, size in found if q is not None and size > 0), default=None)


def ask_for(told: list[Asked]) -> str:
    """`Ask Agora for 30,000 viewers at once, ...`: what the best vendor, and the best that can be
    bought from, are to reserve."""
    said: list[str] = []
    for one in told:
        like = one.name.removesuffix(ARCHETYPE)
        real = like == one.name
        wanted = [a.in_words for a in one.asks[:3]]
        if wanted and (real or not said):
            said.append(f"Ask {like if real else f'a vendor like {like}'} for {listed(wanted)}.")
        if real:
            break
    return " ".join(said)


# --- just barely enough ---------------------------------------------------------------------------

THIN = "budget"
"""The archetype of the plan that is bought for an ordinary night."""

ALMOST_HALF = (0.4, 0.5)
"""The trade's story of such a plan at the peak, read as a share of sales."""

BIG_NIGHT = 15_000
"""The least audience the story is about."""


@dataclass(frozen=True)
class Thin:
    """What becomes of the plan that is just barely enough."""

    name: str
    sentences: list[str]
    headings: list[str]
    ranges: list[list[str]]
    """A row an assumed number, the one that matters most first."""


def just_enough(frames: Frames, scenario: Scenario) -> Thin | None:
    """The archetype at the peak and at a quarter of it; None where its egress was enough."""
    names, figures = vendors(frames, scenario), estimates(frames)
    peak = night_peak(frames)
    lost = lost_share(figures, THIN, peak)
    held = figures.get((THIN, peak, "binding_limit_s.egress_vendor"), UNKNOWN)
    if THIN not in names or not lost.known or not held.mean > 0:
        return None
    near = [p for p in peaks(frames) if abs(p - peak / 4) <= 1]
    quarter = next((p for p in near if lost_share(figures, THIN, p).known), None)
    points = [peak] if quarter is None else [peak, quarter]
    said = [
        "The trade tells of a plan bought for an ordinary night that loses almost half of a big "
        "night and is fine on a quarter of it."
        if peak >= BIG_NIGHT
        else "",
        _compared(names[THIN], {p: lost_share(figures, THIN, p) for p in points}),
        _identity(figures, peak, scenario.vendors.get(THIN)),
    ]
    headings, rows, moved = _ranges(frames, points)
    said.append(
        moved or "How far each assumed number moves this: python -m sim experiment=just_enough."
    )
    return Thin(names[THIN], [s for s in said if s], headings, rows)


def _compared(name: str, lost: dict[int, Estimate]) -> str:
    (peak, at_peak), *rest = lost.items()
    sure = (
        f" ({fmt.between(at_peak.low, at_peak.high, fmt.percent)})" if at_peak.has_interval else ""
    )
    said = f"Here {name} loses {fmt.percent(at_peak.mean)} of its sales{sure}"
    said += f" at {fmt.count(peak)} viewers"
    for p, e in rest:
        said += f" and {fmt.percent(e.mean)} at {fmt.count(p)}"
    if peak < BIG_NIGHT:
        return f"{said}."
    low, high = ALMOST_HALF
    judged = "more than" if at_peak.mean > high else "less than" if at_peak.mean < low else "about"
    return f"{said}: {judged} the trade's 'almost half'."


def _identity(figures: Figures, peak: int, profile: Vendor | None) -> str:
    """How much of the watching lost is arithmetic, and how much collapse."""
    held = figures.get((THIN, peak, "held_peak_lost_ratio"), UNKNOWN)
    got = figures.get((THIN, peak, "watch_delivered_ratio"), UNKNOWN)
    if not (held.known and got.known):
        return ""
    numbers = ""
    if profile is not None and profile.limits.egress_mbps is not None:
        numbers = (
            f" (C = {fmt.count(profile.limits.egress_mbps.value)}{SPACE}Mbps bought, "
            f"R = {fmt.number(profile.path.wire_mbps)}{SPACE}Mbps a viewer)"
        )
    lost = 1 - got.mean
    points = fmt.number(100 * abs(lost - held.mean))
    rest = (
        f"the other {points} points are collapse: resent and lost packets, frozen pictures, "
        "people who leave"
        if lost >= held.mean
        else f"the night loses {points} points less, as the room is not at its peak all the time"
    )
    return (
        f"Of the watching, {fmt.percent(lost)} is lost. Were the room at its peak all the time, "
        f"1 {fmt.MINUS} C/(R × viewers) = {fmt.percent(held.mean)} would be lost by arithmetic "
        f"alone{numbers}; {rest}."
    )


def _ranges(frames: Frames, points: list[int]) -> tuple[list[str], list[list[str]], str]:
    """Sales lost with one number at its low and at its high, and the widest of them in words."""
    moved = effects(frames, THIN)
    points = [p for p in points if any(p in by_peak for by_peak in moved.values())]
    at_peak = {key: by_peak.get(points[0]) for key, by_peak in moved.items() if points}
    keys = sorted(moved, key=lambda k: (-e.width if (e := at_peak[k]) else 0.0, k))
    rows = []
    for key in keys:
        low, high = next(iter(moved[key].values())).numbers
        cells = [moved[key][p].said if p in moved[key] else fmt.NONE for p in points]
        rows.append([key, f"{fmt.exact(low)} to {fmt.exact(high)}", *cells])
    at = [f"sales lost at {fmt.count(p)}" for p in points]
    widest = at_peak[keys[0]] if keys else None
    said = (
        f"Of its assumed numbers {keys[0]} matters most: from its low to its high end sales lost "
        f"go from {widest.said} ({fmt.percent(widest.base)} at its value, on the same small "
        f"nights)."
        if widest
        else ""
    )
    return ["number", "range", *at], rows, said


@dataclass(frozen=True)
class Effect:
    """Sales lost with one number at the ends of its range."""

    numbers: tuple[float, ...]
    """At the low and at the high end."""
    lost: tuple[float, ...]
    base: float
    """At the value, on the same nights."""

    @property
    def said(self) -> str:
        """`40 to 75 %`, the end at the low number first."""
        return fmt.between(self.lost[0], self.lost[1], fmt.percent)

    @property
    def width(self) -> float:
        """Between sales lost at both ends, as a share of a perfect night; 0 or more."""
        return abs(self.lost[1] - self.lost[0])


def effects(frames: Frames, vendor: str) -> dict[str, dict[int, Effect]]:
    """By number and offered peak, where a study of ranges was run."""
    rows = table(frames, "ranges", vendor=vendor, metric="lost_gmv_ratio")
    found: dict[str, dict[int, Effect]] = {}
    if rows.empty:
        return found
    for (key, peak), ends in rows.groupby(["key", "peak_viewers"], sort=False):
        by_end = ends.set_index("at")[["number", "value"]].astype(float)
        if {"low", "high"} <= set(by_end.index):
            number, lost = (tuple(by_end.loc[["low", "high"], c]) for c in ("number", "value"))
            effect = Effect(number, lost, float(ends["base"].iloc[0]))
            found.setdefault(str(key), {})[int(peak)] = effect  # type: ignore[call-overload]
    return found
