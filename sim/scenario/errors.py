"""The one error a user can cause."""

from __future__ import annotations

import re
from unicodedata import category

MOST_SAID = 3_000
"""Characters of a sentence: all keys of a group with what is wrong with five of them."""
_LONG = re.compile(r"\S{300,}")


class ScenarioError(Exception):
    """A wrong input. Its message is one sentence: the key or file, the value, what is allowed.

    Whatever the value holds, the message is one line that can be read.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


def one_line(text: str) -> str:
    """Line breaks, control characters and halves of characters as escapes; cut where endless."""
    text = "".join(map(_escaped, text[: 10 * MOST_SAID]))
    text = _LONG.sub(lambda word: f"{word[0][:200]}...{word[0][-40:]}", text)
    return text if len(text) <= MOST_SAID else text[: MOST_SAID - 3] + "..."


def _escaped(character: str) -> str:
    if category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character
