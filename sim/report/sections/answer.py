"""The answer in a sentence, then what qualifies it: the page and the terminal say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim.report.incidents import incident_with_chance
from sim.report.limits import BOUND_RUNGS
from sim.report.plans import dearer_than
from sim.report.view import View, over_nights
from sim.study.interval import unseen
from sim.study.risk import incident_metric

OWN_ORDERS = "not_taken.own_orders_per_s"
"""Orders the buyer's own servers turned away."""


@dataclass(frozen=True)
class Answer:
    """The sentences on top of the page, and how sure its figures are."""

    sentences: list[str]
    warnings: list[str]
    nights: int
    has_intervals: bool
    unseen: int
    """Of 100 nights on which something may happen that so many nights can all miss."""
    unseen_of_20: int
    draws: int
    """Of the inputs; 0: no figure has a band of them."""


def content(view: View) -> Answer:
    """For the template."""
    known = view.estimates.values()
    return Answer(
        sentences=verdict(view),
        warnings=warnings(view),
        nights=view.scenario.replications,
        has_intervals=any(e.has_interval for e in known),
        unseen=round(100 * unseen(view.scenario.replications)),
        unseen_of_20=round(100 * unseen(20)),
        draws=view.scenario.bands.draws if any(e.has_inputs for e in known) else 0,
    )


def warnings(view: View) -> list[str]:
    """What the night could not do as its script says."""
    return [view.words.tell(messages) for messages in view.frames.facts.get("warnings", ())]


def verdict(view: View) -> list[str]:
    """The answer with its interval, then what qualifies it; empty where no sales were counted.

    Vendors are compared night by night: they meet the same viewers, so the difference of two is
    far surer than either.
    """
    if view.nightly.empty:
        return []
    best, *others = (v for v in view.ranked if v in view.nightly)
    sentences = [
        _costs(view, best, others),
        *_cheaper_list(view, best),
        *_archetype(view, best),
        *_others_lose(view, best, others),
        *_apart(view, best, others),
        *_turned_away(view, best),
        *_over_inputs(view, best, others),
        *_never_in_hd(view),
        *_own_limits_differ(view),
        *_may_strike(view),
        *_fees_saved(view),
    ]
    return [sentence for sentence in sentences if sentence]


def billed_name(view: View, vendor: str) -> str:
    """`Agora`, or what its bill leaves out beside it: `LiveKit (without operations)`."""
    return without(view, vendor, view.names[vendor])


def without(view: View, vendor: str, what: str) -> str:
    """A name or an amount, with what the vendor's bill leaves out."""
    missing = view.unbilled(vendor)
    return view.words("without", what=what, missing=missing) if missing else what


def _costs(view: View, best: str, others: list[str]) -> str:
    say, total = view.words, over_nights(view.nightly[best])
    share = view.lost_share(best).mean
    sentence = say(
        "answer-costs",
        vendor=view.marked(best),
        others=len(others),
        total=say.cny(total.mean),
        interval=say.between(total.low, total.high, say.money) if total.has_interval else 0,
        gains="yes" if share < 0 else "no",
        share=say.percent(abs(share)),
        bill=without(view, best, say.cny(view.figure(best, "cost_cny").mean)),
    )
    return say.paragraph([sentence, due(view, best)])


def due(view: View, vendor: str) -> str:
    """Fees, least amounts and commitments of the month: in no night's bill, and to be paid."""
    fixed = view.figure(vendor, "cost_fixed_cny").mean
    return view.words("answer-due", amount=view.words.cny(fixed)) if fixed > 0 else ""


def _cheaper_list(view: View, best: str) -> Iterator[str]:
    if cheaper := dearer_than(view, best):
        plan, cny = cheaper
        yield view.words("answer-cheaper-list", plan=plan.full_name, amount=view.words.cny(cny))


def _archetype(view: View, best: str) -> Iterator[str]:
    """Nobody can buy from the best one: then which of the others."""
    if not view.is_archetype(best):
        return
    say, sentences = view.words, [view.words("answer-archetype", vendor=view.names[best])]
    if real := _first_real(view):
        sentences += [
            say(
                "answer-buyable",
                vendor=view.names[real],
                amount=without(view, real, say.cny(over_nights(view.nightly[real]).mean)),
                share=say.percent(view.lost_share(real).mean),
            ),
            due(view, real),
        ]
    yield say.paragraph(sentences)


def _first_real(view: View) -> str | None:
    return next((v for v in view.ranked if v in view.nightly and not view.is_archetype(v)), None)


def _others_lose(view: View, best: str, others: list[str]) -> Iterator[str]:
    told = _first_real(view) if view.is_archetype(best) else None
    lost = sorted((view.lost_share(v).mean, view.names[v]) for v in others if v != told)
    if lost:
        each = [
            view.words("vendor-share", vendor=name, share=view.words.percent(x)) for x, name in lost
        ]
        yield view.words("answer-others", n=len(lost), each=view.words.listed(each))


def _apart(view: View, best: str, others: list[str]) -> Iterator[str]:
    """Which vendors the nights can't tell from the best."""
    nightly, nights = view.nightly, len(view.nightly)
    if nights == 1:
        yield view.words("answer-one-night")
        return
    close = [v for v in others if not over_nights(nightly[v] - nightly[best]).low > 0]
    if close:
        yield view.words(
            "answer-not-apart",
            nights=nights,
            vendor=view.names[best],
            others=view.words.listed([view.names[v] for v in close]),
        )


def _turned_away(view: View, best: str) -> Iterator[str]:
    """What the buyer's own shop costs them."""
    say = view.words
    by_rung = [view.figure(best, f"{rung}.{OWN_ORDERS}") for rung in BOUND_RUNGS]
    known = [e for e in by_rung if e.known]
    if not (cny := sum(e.mean for e in known)) > 0:
        return
    sure = known[0] if len(known) == 1 and known[0].has_interval else None
    yield say(
        "answer-own-shop",
        vendor=view.names[best],
        amount=say.cny(cny),
        interval=say.between(sure.low, sure.high, say.money) if sure else 0,
    )


def _over_inputs(view: View, best: str, others: list[str]) -> Iterator[str]:
    """How far the assumed numbers may move the answer."""
    share, say, name = view.lost_share(best), view.words, view.names[best]
    if not share.has_inputs:
        return
    low, high = share.input_low, share.input_high
    if low >= 0:
        lost = say("answer-inputs-lose", vendor=name, range=say.between(low, high, say.percent))
    elif high <= 0:
        lost = say("answer-inputs-gain", vendor=name, range=say.between(-high, -low, say.percent))
    else:
        lost = say(
            "answer-inputs-both", vendor=name, gain=say.percent(-low), loss=say.percent(high)
        )
    yield say.paragraph([lost, _comes_first(view, best, others)])


def _comes_first(view: View, best: str, others: list[str]) -> str:
    """In how many of the draws, each a night that both have in common, another comes before."""
    say, draws = view.words, view.scenario.bands.draws
    before = {v: view.risk(v, f"before.{best}") for v in others}
    share = {v: e.mean for v, e in before.items() if e.known}
    if not share:
        return ""
    often = sorted((v for v in share if share[v] > 0), key=lambda v: -share[v])
    if not often:
        return say("answer-first-in-all", draws=draws)
    each = [
        say("answer-in-draws", vendor=view.names[v], draws=say.exact(round(share[v] * draws, 1)))
        for v in often
    ]
    return say("answer-first-in-some", draws=draws, others=say.listed(each))


def _never_in_hd(view: View) -> Iterator[str]:
    """A vendor that shows less than 720 lines loses orders to that alone: a buyer must know."""
    found, say = [], view.words
    for vendor, name in view.best_first.items():
        if view.never_in_hd(vendor):
            lost, perfect = (
                view.figure(vendor, m).mean for m in ("lost_gmv_cny.vendor", "perfect_gmv_cny")
            )
            share = lost / perfect if perfect > 0 else math.nan
            loses = say("answer-hd-loses", vendor=name, share=say.percent(share))
            found.append(loses if share > 0 else name)
    if found:
        yield say("answer-never-in-hd", vendors=say.listed(found))


def _own_limits_differ(view: View) -> Iterator[str]:
    """The shop is the same with every vendor: limits set for some favour the others."""
    profiles = {v: view.scenario.vendors[v] for v in view.ranked if v in view.scenario.vendors}
    own = {v: profile.own for v, profile in profiles.items()}
    bare = {v for v, o in own.items() if o.joins_per_s is None and o.orders_per_s is None}
    have, lack = (
        [view.names[v] for v in own if (v in bare) == missing] for missing in (False, True)
    )
    if have and lack:
        listed = view.words.listed
        yield view.words("answer-own-limits-for-some", some=listed(have), others=listed(lack))
    elif any(o != next(iter(own.values())) for o in own.values()):
        yield view.words("answer-own-limits-differ")


MOST_STRUCK = 3
"""Vendors for which the sentence on an incident says what it costs; risk.csv has them all."""


def _may_strike(view: View) -> Iterator[str]:
    """What each incident with a chance, which is on none of the nights, may cost by vendor."""
    say = view.words
    for k, incident in enumerate(view.scenario.incidents):
        if incident.chance is None:
            continue
        costs = [
            say(
                "answer-incident-costs",
                vendor=name,
                mean=say.cny(view.risk(vendor, incident_metric(k)).mean),
                then=say.cny(view.risk(vendor, incident_metric(k), "if_it_happens").mean),
            )
            for vendor, name in view.best_first.items()
            if view.risk(vendor, incident_metric(k)).known
        ]
        strikes = say("answer-may-strike", incident=incident_with_chance(view, incident))
        yield say.paragraph([strikes, *costs[:MOST_STRUCK]])


def _fees_saved(view: View) -> Iterator[str]:
    """For each vendor beside the reference a sentence: what it saves, and what that costs."""
    reference = view.scenario.study.reference_vendor
    if reference is None or reference not in view.names:
        return
    for vendor in view.names:
        if view.risk(vendor, "fee_saved_cny").known:
            yield _fee_saved(view, vendor, reference)


def _fee_saved(view: View, vendor: str, reference: str) -> str:
    say, saved = view.words, view.risk(vendor, "fee_saved_cny").mean
    both = {"reference": billed_name(view, reference), "vendor": billed_name(view, vendor)}
    if saved <= 0:
        return say("answer-saves-nothing", more=say.cny(-saved), **both)
    more, times, margin = (
        view.risk(vendor, metric)
        for metric in (
            "lost_sales_more_cny", "lost_sales_per_fee_saved", "lost_margin_per_fee_saved",
        )
    )  # fmt: skip
    if more.mean <= 0:
        return say("answer-saves-for-free", saved=say.cny(saved), **both)

    def of_two(x: float) -> str:
        return say.number(x, 2)

    return say(
        "answer-saves",
        saved=say.cny(saved),
        lost=say.cny(more.mean),
        times=of_two(times.mean),
        margin=of_two(margin.mean),
        interval=say.between(times.low, times.high, of_two) if times.has_interval else 0,
        inputs=(say.between(times.input_low, times.input_high, of_two) if times.has_inputs else 0),
        **both,
    )
