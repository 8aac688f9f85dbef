"""A message made where no language is known: its name, and what it is filled in with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Number:
    """A number that is yet to be written, and the method of `Words` that writes it."""

    x: float
    how: Literal["count", "exact", "number", "percent"]


@dataclass(frozen=True)
class Message:
    """A message and its parameters."""

    name: str
    given: Mapping[str, str | int | Number]
