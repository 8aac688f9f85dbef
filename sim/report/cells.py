"""Cells of the tables that set vendors, or plans, side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.catalogue.language import NONE, Words, Writer
from sim.report.view import UNKNOWN, Estimate


@dataclass(frozen=True)
class Cell:
    """One figure of a table: its heading, the figure, and the lines under it."""

    heading: str
    text: str
    under: tuple[str, ...] = ()

    def below(self, *lines: str) -> Cell:
        """With other lines first; an empty one is none."""
        return replace(self, under=(*filter(None, lines), *self.under))


@dataclass(frozen=True)
class Row:
    """One vendor, or one plan."""

    name: str
    cells: list[Cell]


def headings(rows: list[list[Cell]]) -> list[str]:
    """Headings of the columns in which any row has something to say."""
    filled = [c.heading for cells in rows for c in cells if c.text != NONE]
    return [c.heading for c in rows[0] if c.heading in filled] if rows else []


def banded(say: Words, heading: str, e: Estimate, how: Writer, *beside: str) -> Cell:
    """A figure; under it other amounts that belong to it, and both of its bands."""
    under = [line for line in beside if line]
    if e.has_interval:
        under.append(say("cell-nights", range=say.between(e.low, e.high, how)))
    if e.has_inputs:
        under.append(say("cell-inputs", range=say.between(e.input_low, e.input_high, how)))
    return Cell(say(heading), how(e.mean), tuple(under))


def amount_beside(say: Words, message: str, e: Estimate = UNKNOWN) -> str:
    """An amount in a message of its own; empty where it is not known."""
    return say(message, amount=say.money(e.mean)) if e.known else ""


def fixed_beside(say: Words, cny: float) -> str:
    """Of the month so much is due without any show too; empty where nothing is."""
    return say("cell-fixed", amount=say.money(cny)) if cny > 0 else ""


def unbilled_beside(say: Words, missing: str) -> str:
    """What a bill leaves out; empty where it leaves nothing out."""
    return say("cell-unbilled", what=missing) if missing else ""
