"""What a user is told in one sentence."""

from __future__ import annotations

import errno
import re

MOST_SAID = 3_000
"""Characters of a sentence: all keys of a group with what is wrong with five of them."""
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters, line breaks, what turns the direction of what follows, halves of characters
and what is none: nobody sees them, and a chart, a page or a terminal breaks on them."""
_LONG = re.compile(r"\S{300,}")


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""A valid run that finds no room; any other folder that can't be written was a wrong one."""


class ScenarioError(Exception):
    """A wrong input. Its message is one sentence: the key or file, the value, what is allowed.

    Whatever the value holds, the message is one line that can be read.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


class NotWritten(Exception):
    """A valid run that can't be written. Its message is one sentence: the folder, the reason."""


def one_line(text: str) -> str:
    """Line breaks, control characters and halves of characters as escapes; cut where endless."""
    text = UNSEEN.sub(_escaped, text[: 10 * MOST_SAID])
    text = _LONG.sub(lambda word: f"{word[0][:200]}...{word[0][-40:]}", text)
    return text if len(text) <= MOST_SAID else text[: MOST_SAID - 3] + "..."


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
