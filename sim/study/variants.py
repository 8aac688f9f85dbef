"""What may be another on a night beside the one as configured: its numbers, and what breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import product
from math import prod
from typing import Any, Literal

from pydantic import ValidationError

from sim.draws import Cause, pairs
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario
from sim.scenario.quantity import Frozen, Quantity
from sim.scenario.vendor import Vendor


class Variant(StrEnum):
    """What a job runs: the night as configured, or one that shows what something does to it."""

    CONFIGURED = "configured"
    STRATUM = "stratum"
    """With other incidents of those with a chance."""
    BASE = "base"
    """The small night beside which numbers are drawn or changed."""
    DRAWN = "drawn"
    LOW = "low"
    HIGH = "high"


TRIES = 20
"""Draws of a profile that the models may refuse before it is an error."""

Choose = Callable[[str, Quantity], float]


def with_numbers(node: Any, choose: Choose, key: str = "") -> Any:
    """`node` with another value for every number that has a range; keys as in `Vendor.figures`.

    ValidationError: the models refuse the numbers together.
    """
    if isinstance(node, Quantity):
        if node.lowest == node.highest:
            return node
        return Quantity(value=choose(key, node), source=node.source)

    def below(name: object, child: Any) -> Any:
        return with_numbers(child, choose, f"{key}.{name}" if key else str(name))

    if isinstance(node, Frozen):
        fields = {name: below(name, getattr(node, name)) for name in type(node).model_fields}
        return type(node).model_validate(fields)
    if isinstance(node, Mapping):
        return {name: below(name, child) for name, child in node.items()}
    if isinstance(node, list):
        return [below(n, child) for n, child in enumerate(node)]
    return node


def all_drawn(scenario: Scenario, name: str, draw: int) -> Scenario:
    """The scenario with the vendor's, audience's, shop's and host's numbers drawn together.

    A number is named by its key, so two vendors get the same draw of the same number. Nothing of
    this moves a viewer or an order: those numbers act once the show runs.
    ScenarioError: TRIES draws of the profile were refused.
    """
    for n in range(TRIES):
        try:
            vendor = with_numbers(scenario.vendors[name], _by_key(scenario.seed, draw, n))
            break
        except ValidationError:
            continue
    else:
        raise ScenarioError(
            f"vendors.{name}: {TRIES} draws of its numbers from their low..high contradict "
            "themselves: narrow the ranges, or set bands.draws=0"
        )
    first = _by_key(scenario.seed, draw, 0)
    return scenario.model_copy(
        update={
            "vendors": {**scenario.vendors, name: vendor},
            "promotion": with_numbers(scenario.promotion, first, "promotion"),
            "audience": with_numbers(scenario.audience, first, "audience"),
            "commerce": with_numbers(scenario.commerce, first, "commerce"),
        }
    )


def ends(vendor: Vendor) -> Iterator[tuple[str, Literal["low", "high"], float]]:
    """key, at, number: both ends of every number of the profile that has a range."""
    for figure in vendor.figures():
        if figure.low < figure.high:
            yield figure.key, "low", figure.low
            yield figure.key, "high", figure.high


def one_changed(scenario: Scenario, name: str, key: str, at: str) -> Scenario | None:
    """The scenario with one number of the vendor at its low or high, the others at their value.

    None: the models refuse it.
    """

    def choose(other: str, q: Quantity) -> float:
        if other != key:
            return q.value
        return q.lowest if at == "low" else q.highest

    try:
        vendor = with_numbers(scenario.vendors[name], choose)
    except ValidationError:
        return None
    return scenario.model_copy(update={"vendors": {**scenario.vendors, name: vendor}})


def _by_key(seed: int, draw: int, n: int) -> Choose:
    """Half the mass evenly over low..value, half over value..high: the value is the median."""

    def choose(key: str, q: Quantity) -> float:
        digest = sha256(key.encode()).digest()
        bin_, j = (int.from_bytes(digest[at : at + 4], "big") for at in (0, 4))
        u = float(pairs(seed, draw, Cause.INPUT, [bin_], [j], [n])[0, 0])
        if u < 0.5:
            return q.lowest + 2 * u * (q.value - q.lowest)
        return q.value + (2 * u - 1) * (q.highest - q.value)

    return choose


# --- incidents ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stratum:
    """Which of the incidents that a vendor can feel strike, in their order; '01': the second."""

    strikes: tuple[bool, ...]

    def __str__(self) -> str:
        return "".join("01"[strikes] for strikes in self.strikes)

    def without(self, place: int) -> Stratum:
        """The same without the incident of this place."""
        return Stratum((*self.strikes[:place], False, *self.strikes[place + 1 :]))


def strata(scenario: Scenario, vendor: str, own: bool = False) -> dict[Stratum, float]:
    """Which of the incidents that the vendor can feel strike, and how likely that is.

    The first stratum is the night as configured, with those that are certain. `own`: of a world in
    which nothing breaks but what is the vendor's.
    """
    odds: list[list[tuple[bool, float]]] = []
    for i in scenario.felt_by(vendor):
        if own and not i.of_the_vendor:
            odds.append([(False, 1.0)])
        elif i.chance is None:
            odds.append([(True, 1.0)])
        else:
            odds.append([(False, 1 - i.chance), (True, i.chance)])
    return {
        Stratum(tuple(strikes for strikes, _ in which)): prod(chance for _, chance in which)
        for which in product(*odds)
    }


def other_strata(scenario: Scenario, vendor: str) -> list[Stratum]:
    """Strata that need a night beside the one as configured; without a ladder nobody asks what is
    the vendor's own."""
    own = strata(scenario, vendor, own=True) if scenario.study.ladder else {}
    return list({**strata(scenario, vendor), **own})[1:]


def with_incidents(scenario: Scenario, vendor: str, stratum: Stratum) -> Scenario:
    """The night on which these of the incidents that the vendor can feel happen."""
    chosen = zip(scenario.felt_by(vendor), stratum.strikes, strict=True)
    happen = [i.model_copy(update={"chance": None}) for i, strikes in chosen if strikes]
    return scenario.model_copy(update={"incidents": happen})
