"""Numbers as people write them: rounded sensibly, thousands apart, units spelt out."""

from __future__ import annotations

import math
from collections.abc import Callable

MINUS = "−"
SPACE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit."""

NONE = "–"
"""What stands where there is no number."""


def number(x: float, digits: int = 3) -> str:
    """So many significant digits, thousands apart: 12,300 · 1.24 · 0.0450."""
    if not math.isfinite(x):
        return NONE
    size = float(f"{abs(x):.{digits - 1}e}")
    if size == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{MINUS if x < 0 else ''}{size:,.{decimals}f}"


def up(x: float, say: Callable[[float], str]) -> str:
    """Said by `number`, `people` or `money`, rounded up: what is shown is never less than `x`."""
    return say(_cut(x, math.ceil, _digits(x, say))) if math.isfinite(x) and x > 0 else say(x)


def down(x: float, say: Callable[[float], str]) -> str:
    """Said by `number`, `people` or `money`, rounded down."""
    return say(_cut(x, math.floor, _digits(x, say))) if math.isfinite(x) and x > 0 else say(x)


NOISE = 1e-9
"""What floating point may add to a number, as a share of it."""


def _digits(x: float, say: Callable[[float], str]) -> int:
    """How many significant digits are shown."""
    if say is people:
        return min(3, math.floor(math.log10(x)) + 1)
    return 2 if say is money and x < 100 else 3


def _cut(x: float, whole: Callable[[float], int], digits: int) -> float:
    step = digits - 1 - math.floor(math.log10(x))
    scaled = x * 10**step if step >= 0 else x / 10**-step
    near = round(scaled)
    cut = near if abs(scaled - near) <= NOISE * scaled else whole(scaled)
    return cut / 10**step if step >= 0 else float(cut * 10**-step)


def exact(x: float) -> str:
    """A number as it was configured, thousands apart."""
    return f"{x:,.10g}".replace("-", MINUS)


def count(x: float) -> str:
    """A whole number, thousands apart."""
    if not math.isfinite(x):
        return NONE
    return f"{x:,.0f}".replace("-", MINUS)


def people(x: float) -> str:
    """Whole ones, three digits of them: 14 · 1,660 · 12,300."""
    return number(x) if abs(x) >= 100 else count(x)


def percent(x: float) -> str:
    """A ratio in percent: 0.45 %, 1.2 %, 97.8 %."""
    if not math.isfinite(x):
        return NONE
    size = abs(100 * x)
    if 0 < size < 0.005:
        text = "below 0.01"
    elif size < 0.995:
        text = "0" if size == 0 else f"{size:.2f}"
    else:
        text = f"{size:.1f}".removesuffix(".0") if size >= 99.95 else f"{size:.1f}"
    return f"{MINUS if x < 0 else ''}{text}{SPACE}%"


def money(x: float) -> str:
    """An amount without its currency: 431 · 48,300 · 1.23 million."""
    if not math.isfinite(x):
        return NONE
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(x) >= 0.9995 * size:
            return number(x / size) + SPACE + word
    if abs(x) < 0.5:
        return "0"
    return number(x) if abs(x) >= 100 else count(x) if abs(x) >= 10 else number(x, 2)


def amount(x: float) -> str:
    """An amount to the cent, as it stands on an invoice."""
    return f"{x:,.2f}".replace("-", MINUS) if math.isfinite(x) else NONE


def seconds(x: float) -> str:
    """A duration: 0.45 s · 12 s · 4.5 min."""
    if not math.isfinite(x):
        return NONE
    if abs(x) >= 120:
        return f"{number(x / 60, 2 if abs(x) < 6000 else 3)}{SPACE}min"
    return f"{number(x, 2 if abs(x) < 100 else 3)}{SPACE}s"


def between(low: float, high: float, say: Callable[[float], str]) -> str:
    """`1.1 to 1.4 %`: the unit once where both ends have the same."""
    a, b = say(low), say(high)
    head, _, unit = a.rpartition(SPACE)
    if head and unit == b.rpartition(SPACE)[2] and not head.startswith("below"):
        a = head
    return f"{a} to {b}"
