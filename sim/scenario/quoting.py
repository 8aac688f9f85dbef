"""Command-line arguments as Hydra's grammar wants them."""

from __future__ import annotations

import re
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


def quoted(argv: Sequence[str]) -> list[str]:
    """The arguments with every value that holds a non-ASCII character put in quotes.

    Hydra's grammar knows such characters in quotes only. Lists, mappings, sweeps and values
    already in quotes stay what they are.
    """
    return [_quoted(argument) for argument in argv]


def forced(argv: Sequence[str]) -> list[str]:
    """`a.b=c` as `++a.b=c`, so that a key which the chosen file leaves out can be set.

    Which keys there are is the models' business: pydantic refuses the others.
    """
    return [_PLAIN_KEY.sub(r"++\1=", argument) for argument in argv]


def _quoted(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if argument.startswith("-") or not equals or not key.isascii() or value.isascii():
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
            piece = part[0] if part[0].isascii() else _in_quotes(part[0])
        else:  # a comma or a bracket that closes
            piece = text[at]
            if piece == inside:
                closing.pop()
        at = part.end() if part else at + 1
        done += piece
    return done


def _in_quotes(text: str) -> str:
    text = re.sub(r"\\([\\()\[\]{}:=, \t])", r"\1", text.strip())
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)  # a backslash counts only before a quote
    return "'" + re.sub(r"(\\+)$", r"\1\1", text) + "'"
