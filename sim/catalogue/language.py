"""What a reader sees, in their language: whole messages by name, and numbers as people write them.

One file of Fluent messages a language; another language is one more file, named as Babel names it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.lists import format_list
from babel.numbers import get_decimal_symbol, get_group_symbol
from fluent.runtime import FluentBundle, FluentResource
from markupsafe import Markup, escape

from sim.catalogue.message import Message, Number

MINUS = "−"
SPACE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit."""

NONE = "–"
"""What stands where there is no number."""

NOISE = 1e-9
"""What floating point may add to a number, as a share of it."""

Writer = Callable[[float], str]


@cache
def words(language: str = "en") -> Words:
    """Messages and numbers of a language, such as `en`; LookupError: it has no catalogue."""
    if language not in languages():
        raise LookupError(f"no catalogue is in '{language}': there are {languages()}")
    return Words(language, (files("sim.catalogue") / f"{language}.ftl").read_text("utf-8"))


def languages() -> list[str]:
    """Those that have a catalogue."""
    return sorted(f.name[:-4] for f in files("sim.catalogue").iterdir() if f.name.endswith(".ftl"))


class Words:
    """The messages and numbers of one language; `messages`: the text of its catalogue."""

    def __init__(self, language: str, messages: str) -> None:
        self.language = language
        locale = re.search(r"^locale = (\S+)$", messages, re.MULTILINE)
        if locale is None:
            raise LookupError(f"the catalogue of '{language}' names no locale")
        self._locale = Locale.parse(locale[1])
        self._bundle = FluentBundle([locale[1].replace("_", "-")], use_isolating=False)
        self._bundle.add_resource(FluentResource(messages))
        marks = get_group_symbol(self._locale), get_decimal_symbol(self._locale)
        self._marks = str.maketrans({",": marks[0], ".": marks[1], "-": MINUS})
        self._sizes = _sizes(self._locale)

    # --- messages ---------------------------------------------------------------------------------

    def __call__(self, message: str, /, **given: str | int) -> str:
        """A message with its parameters filled in; a whole number among them chooses the plural.

        LookupError: there is no such message, or a parameter of it isn't given.
        """
        if not self._bundle.has_message(message):
            raise LookupError(f"no message is called '{message}'")
        pattern = self._bundle.get_message(message).value
        assert pattern is not None  # no message has attributes alone
        text, errors = self._bundle.format_pattern(pattern, given)
        if errors:
            raise LookupError(f"message '{message}': {errors[0]}")
        return str(text)

    def html(self, message: str, /, **given: str | int) -> Markup:
        """A message that holds markup; its parameters hold none."""
        safe = {k: x if isinstance(x, int) else str(escape(x)) for k, x in given.items()}
        return Markup(self(message, **safe))

    def has(self, message: str) -> bool:
        """Whether there is a message of this name."""
        return self._bundle.has_message(message)

    def named(self, kind: str, key: str) -> str:
        """The message `kind-key`; where the catalogue has none, the key as words."""
        message = f"{kind}-{key.replace(' ', '-')}"
        return self(message) if self.has(message) else key.replace("_", " ")

    def listed(self, names: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""
        return format_list(names, locale=self._locale)

    def tell(self, messages: Iterable[Message]) -> str:
        """Messages that were made where no language is known, one behind another."""

        def said(x: str | int | Number) -> str | int:
            return str(getattr(self, x.how)(x.x)) if isinstance(x, Number) else x

        return self.paragraph(
            self(m.name, **{key: said(x) for key, x in m.given.items()}) for m in messages
        )

    def paragraph(self, sentences: Iterable[str]) -> str:
        """Whole sentences, one behind another; an empty one is none."""
        return self("sentence-space").join(filter(None, sentences))

    # --- numbers ----------------------------------------------------------------------------------

    def number(self, x: float, digits: int = 3) -> str:
        """So many significant digits, thousands apart: 12,300 · 1.24 · 0.0450."""
        if not math.isfinite(x):
            return NONE
        size = float(f"{x:.{digits - 1}e}")
        if size == 0:
            return "0"
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(size))))
        return self._shown(f"{size:,.{decimals}f}")

    def exact(self, x: float) -> str:
        """A number as it was configured, thousands apart."""
        return self._shown(f"{x:,.10g}")

    def count(self, x: float) -> str:
        """A whole number, thousands apart."""
        return self._shown(f"{x:,.0f}") if math.isfinite(x) else NONE

    def tick(self, x: float) -> str:
        """A number of an axis: as short as can be, thousands apart."""
        return self._shown(f"{x:,g}")

    def people(self, x: float) -> str:
        """Whole ones, three digits of them: 14 · 1,660 · 12,300."""
        return self.number(x) if abs(x) >= 100 else self.count(x)

    def percent(self, x: float) -> str:
        """A ratio in percent: 0.45 %, 1.2 %, 97.8 %."""
        size = self.percent_number(x)
        return size if size == NONE else self("percent", percent=size)

    def percent_number(self, x: float, below: str = "number-below") -> str:
        """The same without its unit; `below`: the message for what is too little to be told."""
        if not math.isfinite(x):
            return NONE
        size, sign = abs(100 * x), MINUS if x < 0 else ""
        if 0 < size < 0.005:
            return sign + self(below, number=self._shown("0.01"))
        if size == 0 or size >= 99.95:
            return sign + self._shown(f"{size:,.1f}".removesuffix(".0"))
        return sign + self._shown(f"{size:.{2 if size < 0.995 else 1}f}")

    def money(self, x: float) -> str:
        """An amount without its currency: 431 · 48,300 · 1.23 million."""
        if not math.isfinite(x):
            return NONE
        for size in self._sizes:
            if size >= self._least and abs(x) >= 0.9995 * size:
                return self._of_size(self.number(x / size), x / size, size)
        if abs(x) < 0.5:
            return "0"
        if abs(x) >= 100:
            return self.number(x)
        return self.count(x) if abs(x) >= 10 else self.number(x, 2)

    def cny(self, x: float) -> str:
        """`CNY 12,300`: an amount rounded for reading, with a space that no line breaks at."""
        return self("cny", amount=self.money(x))

    def amount(self, x: float) -> str:
        """An amount to the cent, as it stands on an invoice."""
        return self._shown(f"{x:,.2f}") if math.isfinite(x) else NONE

    def seconds(self, x: float) -> str:
        """A duration: 0.45 s · 12 s · 4.5 min."""
        if not math.isfinite(x):
            return NONE
        if abs(x) >= 120:
            return self("minutes", minutes=self.number(x / 60, 2 if abs(x) < 6000 else 3))
        return self("seconds", seconds=self.number(x, 2 if abs(x) < 100 else 3))

    def between(self, low: float, high: float, say: Writer) -> str:
        """`1.1 to 1.4 %`: the unit once where both ends have the same."""
        a, b = say(low), say(high)
        head, _, unit = a.rpartition(SPACE)
        if unit == b.rpartition(SPACE)[2] and re.fullmatch(r"\S*\d", head):
            a = head
        return self("between", low=a, high=b)

    def up(self, x: float, say: Writer) -> str:
        """Said by `number`, `people` or `money`, rounded up: what is shown is never less."""
        return self._rounded(x, math.ceil, say)

    def down(self, x: float, say: Writer) -> str:
        """Said by `number`, `people` or `money`, rounded down."""
        return self._rounded(x, math.floor, say)

    def scale(self, x: float) -> tuple[float, str]:
        """The size in which `x` is a number of three digits or more, so that none needs decimals,
        and the unit of such an amount: 1000.0, `thousand CNY`."""
        for size in self._sizes:
            if x >= 100 * size:
                return size, self("cny-unit-of", size=self._of_size("", x / size, size).strip())
        return 1.0, self("cny-unit")

    @property
    def _least(self) -> float:
        """The least size with a word of its own in a text: 12,300 is as short as 12.3 thousand."""
        return 1e6 if 1e3 in self._sizes else 1e4

    def _of_size(self, number: str, x: float, size: float) -> str:
        """`1.23 million`, `123万`: a number of so many of a size that has a word of its own."""
        patterns = self._locale.compact_decimal_formats["long"]
        pattern = patterns[self._locale.plural_form(abs(x))][f"{size:.0f}"].pattern.split(";")[0]
        return re.sub("0+", number, pattern.replace("'", "")).replace(" ", SPACE)

    def _shown(self, text: str) -> str:
        return text.translate(self._marks)

    def _rounded(self, x: float, whole: Callable[[float], int], say: Writer) -> str:
        if not (math.isfinite(x) and x > 0):
            return say(x)
        digits = 3
        if say == self.people:
            digits = min(3, math.floor(math.log10(x)) + 1)
        elif say == self.money and x < 100:
            digits = 2
        return say(_cut(x, whole, digits))


def _cut(x: float, whole: Callable[[float], int], digits: int) -> float:
    """So many significant digits of x, the last one rounded by `whole`."""
    step = digits - 1 - math.floor(math.log10(x))
    scaled = x * 10**step if step >= 0 else x / 10**-step
    near = round(scaled)
    cut = near if abs(scaled - near) <= NOISE * scaled else whole(scaled)
    return cut / 10**step if step >= 0 else float(cut * 10**-step)


def _sizes(locale: Locale) -> list[float]:
    """Sizes that have a word in a language, the largest first: a million; 万."""
    found: dict[str, float] = {}
    for power, pattern in locale.compact_decimal_formats["long"]["other"].items():
        word = pattern.pattern.strip("0 ")
        if word:
            found.setdefault(word, float(power))
    return sorted(found.values(), reverse=True)
