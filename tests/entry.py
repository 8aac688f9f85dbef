"""Steps of the engine have no way in from Python of their own; this makes one for a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def entry(step: Any) -> Callable[..., Any]:
    """A function Python may call that calls the compiled step."""

    @numba.njit
    def call(*args):
        return step(*args)

    return call  # type: ignore[no-any-return]
