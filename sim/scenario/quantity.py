"""A number that says how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from sim.scenario.errors import UNSEEN

Confidence = Literal["published", "measured", "claimed", "assumed"]

GIVEN = "given by the user"
"""The source of a bare number: one that replaced value and provenance on a command line."""


def _no_truth(kind: Literal["int_type", "float_type"]) -> BeforeValidator:
    """`true` is no number, though Python counts it as 1."""

    def check(given: object) -> object:
        if isinstance(given, bool):
            raise PydanticKnownError(kind)
        return given

    return BeforeValidator(check)


WHOLE, NUMBER = _no_truth("int_type"), _no_truth("float_type")


def _texts(node: object) -> Iterator[str]:
    """Every text of a field, keys too; a model looks after its own."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        yield from (text for pair in node.items() for part in pair for text in _texts(part))
    elif isinstance(node, list | tuple):
        yield from (text for part in node for text in _texts(part))


MOST = 1e12
"""Nobody means more of anything: beyond it lies a slip of the key or of the unit."""
LEAST = 1e-9
"""What must be above 0 is at least so much."""
MOST_S = 1e10
"""Three hundred years: of times, 'never'."""
LEAST_S = 1e-3
"""What takes time takes a millisecond: of shorter steps a night has too many ever to end."""
MOST_SIGMA = 3.0
"""Of a logarithm: one in six is more than twenty times the median."""
MOST_CNY = 1e9
"""For one piece."""


class Frozen(BaseModel):
    """A part of the scenario: unknown keys are refused, nothing changes after validation, and every
    text in it is plain."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        strict=False,
        use_attribute_docstrings=True,
    )

    @field_validator("*")
    @classmethod
    def _plain_text(cls, given: Any) -> Any:
        for text in _texts(given):
            if found := UNSEEN.search(text):
                raise ValueError(
                    f"{ascii(text)[:60]} holds U+{ord(found[0]):04X}: a name or text must be "
                    "without control characters and line breaks"
                )
        return given


class Source(Frozen):
    """Where a number comes from, when it was read there, and how far it is to be believed."""

    confidence: Confidence
    url: str = ""
    as_of: date | None = None
    """The date of the page or list itself; where it bears none, the day it was read."""
    note: str = ""


class Quantity(Frozen):
    """A value with its range and the name of its source.

    A bare number is read as `assumed, given by the user`. Without a source a number is `assumed`.
    """

    value: Annotated[float, NUMBER]
    low: Annotated[float, NUMBER] | None = None
    high: Annotated[float, NUMBER] | None = None
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_bare_number(cls, data: Any) -> Any:
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            return {"value": data, "source": GIVEN}
        return data

    @model_validator(mode="after")
    def _within_its_range(self) -> Quantity:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high are given together or not at all")
        if not self.lowest <= self.value <= self.highest:
            raise ValueError(
                f"value {self.value:g} lies outside its own low..high "
                f"({self.lowest:g}..{self.highest:g}); a bare number replaces value and range"
            )
        return self

    @property
    def lowest(self) -> float:
        """The low end; the value where no range is given."""
        return self.value if self.low is None else self.low

    @property
    def highest(self) -> float:
        """The high end; the value where no range is given."""
        return self.value if self.high is None else self.high

    def __float__(self) -> float:
        return self.value


def _range(low: float, high: float, what: str) -> AfterValidator:
    """Value, low and high within the bounds; of a number that is `what`, it is said which."""

    def check(q: Quantity) -> Quantity:
        for number in (q.value, q.lowest, q.highest):
            if number < 0 or (number == 0 and low > 0) or (number > high and high == 1):
                raise ValueError(f"{number:g} is not {what}")
            if not low <= number <= high:
                bound = f"below {low:g}" if number < low else f"above {high:g}"
                raise ValueError(f"{number:g} is {bound}, which nobody means")
        return q

    return AfterValidator(check)


def _above_0(least: float) -> AfterValidator:
    """Of what is above 0: not so little that a sum or a quotient of it overflows."""

    def check(number: float) -> float:
        if number < least:
            raise PydanticKnownError("greater_than_equal", {"ge": least})
        return number

    return AfterValidator(check)


PositiveInt = Annotated[int, Field(ge=1, le=int(MOST)), WHOLE]
NotNegativeInt = Annotated[int, Field(ge=0, le=int(MOST)), WHOLE]
PositiveFloat = Annotated[float, Field(gt=0, le=MOST), _above_0(LEAST), NUMBER]
NotNegativeFloat = Annotated[float, Field(ge=0, le=MOST), NUMBER]
Fraction = Annotated[float, Field(ge=0, le=1), NUMBER]
Sample = Annotated[float, Field(gt=0, le=1), _above_0(LEAST), NUMBER]
Sigma = Annotated[float, Field(ge=0, le=MOST_SIGMA), NUMBER]
Cny = Annotated[float, Field(gt=0, le=MOST_CNY), _above_0(LEAST), NUMBER]
Instant = Annotated[float, Field(ge=0, le=MOST_S), NUMBER]
"""Seconds."""
Span = Annotated[float, Field(gt=0, le=MOST_S), _above_0(LEAST_S), NUMBER]
"""Seconds that something lasts."""

Positive = Annotated[Quantity, _range(LEAST, MOST, "a number above 0")]
NotNegative = Annotated[Quantity, _range(0, MOST, "a number of 0 or more")]
Share = Annotated[Quantity, _range(0, 1, "a share from 0 to 1")]
Wait = Annotated[Quantity, _range(0, MOST_S, "a number of 0 or more")]
"""Seconds."""
Lasting = Annotated[Quantity, _range(LEAST_S, MOST_S, "a number above 0")]
"""Seconds that something lasts."""
INFINITY = float("inf")
