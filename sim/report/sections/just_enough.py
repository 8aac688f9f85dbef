"""What becomes of the plan that is just barely enough, beside the trade's story of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.catalogue.language import NONE
from sim.report.ranges import Effect, effects
from sim.report.view import View

THIN = "budget"
"""The archetype of the plan that is bought for an ordinary night."""

ALMOST_HALF = (0.4, 0.5)
"""The trade's story of such a plan at the peak, read as a share of sales."""

BIG_NIGHT = 15_000
"""The least audience the story is about."""


@dataclass(frozen=True)
class JustEnough:
    """What the section says."""

    name: str
    sentences: list[str]
    headings: list[str]
    ranges: list[list[str]]
    """A row an assumed number, the one that matters most first."""


def content(view: View) -> JustEnough | None:
    """The archetype at the peak and at a quarter of it; None where its egress was enough."""
    held = view.figure(THIN, "binding_limit_s.egress_vendor")
    if THIN not in view.names or not view.lost_share(THIN).known or not held.mean > 0:
        return None
    near = [p for p in view.peaks if abs(p - view.peak / 4) <= 1]
    quarter = next((p for p in near if view.lost_share(THIN, p).known), None)
    points = [view.peak] if quarter is None else [view.peak, quarter]
    moved = effects(view, THIN)
    shown = [p for p in points if any(p in by_peak for by_peak in moved.values())]
    return JustEnough(
        name=view.names[THIN],
        sentences=[*_story(view, quarter), *_identity(view), _widest(view, moved, shown)],
        headings=[
            view.words("col-number"),
            view.words("col-range"),
            *(view.words("thin-lost-at", peak=view.words.count(p)) for p in shown),
        ],
        ranges=list(_rows(view, moved, shown)),
    )


def _story(view: View, quarter: int | None) -> Iterator[str]:
    say, lost = view.words, view.lost_share(THIN)
    if view.peak >= BIG_NIGHT:
        yield say("thin-story")
    sure = say.between(lost.low, lost.high, say.percent) if lost.has_interval else 0
    here = say(
        "thin-loses",
        vendor=view.names[THIN],
        share=say.percent(lost.mean),
        interval=sure,
        peak=say.count(view.peak),
        quarter=say.count(quarter) if quarter else 0,
        less=say.percent(view.lost_share(THIN, quarter).mean) if quarter else 0,
    )
    if view.peak < BIG_NIGHT:
        yield here
        return
    low, high = ALMOST_HALF
    judged = "more" if lost.mean > high else "less" if lost.mean < low else "about"
    yield say.paragraph([here, say(f"thin-is-{judged}")])


def _identity(view: View) -> Iterator[str]:
    """How much of the watching lost is arithmetic, and how much collapse."""
    held = view.figure(THIN, "held_peak_lost_ratio")
    got = view.figure(THIN, "watch_delivered_ratio")
    if not (held.known and got.known):
        return
    say, profile, lost = view.words, view.profile(THIN), 1 - got.mean
    bought = profile.limits.egress_mbps if profile is not None else None
    sentences = [
        say("thin-identity", lost=say.percent(lost), arithmetic=say.percent(held.mean)),
        say(
            "thin-numbers",
            bought=say.count(bought.value),
            each=say.number(profile.path.wire_mbps),
        )
        if profile is not None and bought is not None
        else "",
        say(
            "thin-collapse" if lost >= held.mean else "thin-no-collapse",
            points=say.number(100 * abs(lost - held.mean)),
        ),
    ]
    yield say.paragraph(sentences)


Moved = dict[str, dict[int, Effect]]


def _widest_first(moved: Moved, points: list[int]) -> list[str]:
    """Keys of the numbers by how far each moves sales lost at the first point."""
    at_peak = {key: by_peak.get(points[0]) for key, by_peak in moved.items() if points}
    return sorted(moved, key=lambda k: (-e.width if (e := at_peak[k]) else 0.0, k))


def _rows(view: View, moved: Moved, points: list[int]) -> Iterator[list[str]]:
    """Sales lost with one number at its low and at its high."""
    say = view.words
    for key in _widest_first(moved, points):
        low, high = next(iter(moved[key].values())).numbers
        cells = [moved[key][p].range(say) if p in moved[key] else NONE for p in points]
        yield [key, say("between", low=say.exact(low), high=say.exact(high)), *cells]


def _widest(view: View, moved: Moved, points: list[int]) -> str:
    say, keys = view.words, _widest_first(moved, points)
    widest = moved[keys[0]].get(points[0]) if keys and points else None
    if widest is None:
        return say("thin-ranges-not-asked")
    return say(
        "thin-widest", number=keys[0], range=widest.range(say), base=say.percent(widest.base)
    )
