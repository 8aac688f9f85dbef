"""Paths as people write them: the same meaning in every key and option."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from sim.scenario.errors import ScenarioError, one_line

LONGEST_NAME, LONGEST_PATH = 255, 4_095
"""Bytes; what file systems in use allow."""


def expanded(text: str) -> str:
    """The path with `~` as the home folder it stands for. Raises ValueError, what is wrong."""
    shown = one_line(text if len(text) < 60 else f"{text[:57]}...")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError(f"'{shown}' is not UTF-8 text") from None
    if "\0" in text:
        raise ValueError(f"'{shown}' has a NUL in it: no file can have that name")
    if size > LONGEST_PATH or any(len(p.encode()) > LONGEST_NAME for p in Path(text).parts):
        raise ValueError(
            f"'{shown}' is longer than a path can be: at most {LONGEST_NAME} bytes a name, "
            f"{LONGEST_PATH} in all"
        )
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:
        raise ValueError(f"'{shown}': there is no home folder of that name") from None


def path_of(key: str, text: str) -> Path:
    """The path a key or an option names; a ScenarioError says what is wrong with it."""
    try:
        return Path(expanded(text))
    except ValueError as error:
        raise ScenarioError(f"{key}: {error}") from None


PathText = Annotated[str, Field(min_length=1), AfterValidator(expanded)]
