"""Command-line arguments as Hydra's grammar wants them, and as a shell does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_OPENS = re.compile(r"\s*(?:[\[{]|[A-Za-z_]\w*\()")
_QUOTED = re.compile(r"""\s*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")\s*(?=[\]}),]|$)""")
_KEY = re.compile(r"[^:,}]*:")
_PLAIN = {
    end: re.compile(rf"(?:\\.|\$\{{[^}}]*\}}|[^,{re.escape(end)}])+", re.DOTALL)
    for end in ("", "]", "}", ")")
}
_CLOSING = {"[": "]", "{": "}", "(": ")"}
_PLAIN_KEY = re.compile(r"^\+{0,2}((?!hydra\.)[A-Za-z_]\w*(?:\.\w+)+)=")


_ODD = re.compile(r"[^\x00-\x7f]|[~#&!;<>^`]|(?<=[^,:\[{(\s])'")
"""What Hydra's grammar knows in quotes only: `双11`, `~/x`, `A&B`, `it's`."""


def quoted(argv: Sequence[str]) -> list[str]:
    """The arguments with every value that the grammar knows in quotes only put in quotes.

    Lists, mappings, sweeps and values already in quotes stay what they are.
    """
    return [_quoted(argument) for argument in argv]


def forced(argv: Sequence[str]) -> list[str]:
    """`a.b=c` as `++a.b=c`, so that a key which the chosen file leaves out can be set.

    Which keys there are is the models' business: pydantic refuses the others.
    """
    return [_PLAIN_KEY.sub(r"++\1=", argument) for argument in argv]


def _quoted(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if argument.startswith(("-", "~")) or not equals or not key.isascii() or not _ODD.search(value):
        return argument
    return f"{key}={_quoted_value(value)}"


def _quoted_value(text: str) -> str:
    done, closing, at = "", [""], 0
    while at < len(text):
        inside = closing[-1]
        if inside == "}" and done[-1] in "{," and (part := _KEY.match(text, at)):
            piece = part[0]
        elif part := _OPENS.match(text, at):
            piece = part[0]
            closing.append(_CLOSING[piece[-1]])
        elif part := _QUOTED.match(text, at):
            piece = part[0]
        elif part := _PLAIN[inside].match(text, at):
            began = part[0].isascii() and part[0].lstrip().startswith(("'", '"'))  # and not ended
            piece = in_quotes(part[0]) if _ODD.search(part[0]) and not began else part[0]
        else:  # a comma or a bracket that closes
            piece = text[at]
            if piece == inside:
                closing.pop()
        at = part.end() if part else at + 1
        done += piece
    return done


def in_quotes(text: str) -> str:
    """Text as it was typed, which means itself, as the grammar's text in quotes."""
    return literal(re.sub(r"\\([\\()\[\]{}:=, \t])", r"\1", text.strip()))


def literal(text: str) -> str:
    """Text as the grammar's text in quotes."""
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)  # a backslash counts only before a quote
    return "'" + re.sub(r"(\\+)$", r"\1\1", text) + "'"


def typed(key: str, text: str) -> str:
    """What to write in a shell so that a key has this text, whatever stands in it."""
    argument = f"{key}={literal(text)}"
    return f'"{argument}"' if not re.search(r"[\"$`!]|\\(?!')", argument) else shlex.quote(argument)
