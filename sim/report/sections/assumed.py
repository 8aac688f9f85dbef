"""What is assumed: every number of every profile with its range, its confidence and its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from sim.report.ranges import Effect, effects
from sim.report.view import View
from sim.scenario import Vendor
from sim.scenario.quantity import GIVEN, Confidence, Quantity

CONFIDENCES = get_args(Confidence)
"""The surest first."""


@dataclass(frozen=True)
class Number:
    """One number of a profile and where it comes from."""

    key: str
    value: str
    spread: str
    confidence: Confidence
    note: str = ""
    url: str = ""
    as_of: str = ""
    effect: str = ""
    """Sales lost over its range, where a study asked."""


@dataclass(frozen=True)
class Provenance:
    """How sure some numbers are."""

    name: str
    counts: dict[str, int]
    """By confidence."""
    numbers: list[Number]
    """The one with the widest effect first, then the least sure."""
    base: str
    """Sales lost with all of them at their values, on the nights that show the effects; empty
    where no study asked."""

    @property
    def unsure(self) -> int:
        """Numbers nobody published or measured."""
        return self.counts["claimed"] + self.counts["assumed"]

    @property
    def total(self) -> int:
        """All numbers, of whatever confidence."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Assumed:
    """What the section says."""

    counts: dict[str, int]
    """By confidence, over all."""
    confidences: tuple[str, ...]
    groups: list[Provenance]


def content(view: View) -> Assumed:
    """For the template."""
    groups = list(_groups(view))
    counts = {c: sum(group.counts[c] for group in groups) for c in CONFIDENCES}
    return Assumed(counts, CONFIDENCES, groups)


def _groups(view: View) -> Iterator[Provenance]:
    for vendor in view.ranked:
        if profile := view.profile(vendor):
            by_key = effects(view, vendor)
            here = {k: by_peak[view.peak] for k, by_peak in by_key.items() if view.peak in by_peak}
            yield _provenance(view, view.marked(vendor), list(_of_profile(view, profile)), here)
    yield _provenance(view, view.words("assumed-shared"), list(_shared(view)), {})


def _provenance(
    view: View, name: str, numbers: list[Number], moved: dict[str, Effect]
) -> Provenance:
    numbers = [
        replace(n, effect=moved[n.key].range(view.words)) if n.key in moved else n for n in numbers
    ]
    numbers.sort(
        key=lambda n: (
            -moved[n.key].width if n.key in moved else 0.0,
            -CONFIDENCES.index(n.confidence),
        )
    )
    counted = Counter(n.confidence for n in numbers)
    base = next((view.words.percent(e.base) for e in moved.values()), "")
    return Provenance(name, {c: counted[c] for c in CONFIDENCES}, numbers, base)


def _of_profile(view: View, profile: Vendor) -> Iterator[Number]:
    for figure, (_, _, sources) in zip(profile.figures(), profile.quantities(), strict=True):
        source = sources.get(figure.source)
        yield Number(
            key=figure.key,
            value=view.words.exact(figure.value),
            spread=_spread(view, figure.low, figure.high),
            confidence=figure.confidence,
            note=source.note if source else _note(view, figure.source),
            url=source.url if source and source.url.startswith(("http://", "https://")) else "",
            as_of=str(source.as_of or "") if source else "",
        )


def _shared(view: View) -> Iterator[Number]:
    """Numbers every vendor's answer rests on: with a range, and without a source."""
    who, shop = view.scenario.audience, view.scenario.commerce
    for group, at in ((who, ""), (who.chat, "chat."), (shop, ""), (shop.month, "")):
        for key in type(group).model_fields:
            number = getattr(group, key)
            if isinstance(number, Quantity):
                yield Number(
                    key=at + key,
                    value=view.words.exact(number.value),
                    spread=_spread(view, number.lowest, number.highest),
                    confidence="assumed",
                    note=_note(view, number.source, number.source or ""),
                )


def _note(view: View, source: str | None, other: str = "") -> str:
    """What is said of a number that no source is named for."""
    return view.words("assumed-given") if source == GIVEN else other


def _spread(view: View, low: float, high: float) -> str:
    return "" if low == high else view.words.between(low, high, view.words.exact)
