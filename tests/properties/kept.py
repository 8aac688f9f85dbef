"""Cases the search found: each is tried before any drawn one, for ever.

A case is plain data, as JSON: one file of `kept/`, `<test>-<digest>.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import example, note

Test = TypeVar("Test", bound=Callable[..., None])

FOLDER = Path(__file__).parent / "kept"


def found_before(test: Test) -> Test:
    """The test with every case that was kept for it."""
    for file in sorted(FOLDER.glob(f"{test.__name__}-*.json")):
        test = example(json.loads(file.read_text("utf-8")))(test)
    return test


def how_to_keep(test: Callable[..., None], case: Any) -> None:
    """Told beside the case that failed, and only there."""
    text = json.dumps(case, ensure_ascii=False)
    name = f"{test.__name__}-{sha256(text.encode()).hexdigest()[:8]}.json"
    note(f"To keep this case: tests/properties/kept/{name} with the line\n{text}")
