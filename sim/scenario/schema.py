"""The JSON Schema of a vendor file, so that editors complete and explain its keys.

`python -m sim.scenario.schema` writes docs/vendor.schema.json again; with a path, writes it there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sim.scenario.files import SIM
from sim.scenario.vendor import Vendor

WHERE = SIM.parent / "docs" / "vendor.schema.json"
_ABOUT = (
    "A vendor file of Peakcast (conf/vendors/*.yaml). Editors with a YAML language server read the "
    "comment '# yaml-language-server: $schema=' and a path to this file. Where Peakcast is "
    "installed as a package, 'python -m sim.scenario.schema vendor.schema.json' writes it."
)
_WHOLE = ("Quantity", "TariffLine", "Tier", "Condition", "Also")
"""Parts that are never completed by a file inherited from: what they need must be there."""


def vendor_schema() -> dict[str, Any]:
    """The schema (draft 2020-12); no key is required where a file inherited from may have it."""
    schema = Vendor.model_json_schema()
    parts: dict[str, dict[str, Any]] = schema["$defs"]
    for name, part in [("", schema), *parts.items()]:
        if name not in _WHOLE:
            part.pop("required", None)
    parts["Quantity"] = {
        "description": "A bare number (assumed, given by the user), or a number with its range and "
        "the name of its source.",
        "anyOf": [{"type": "number"}, parts["Quantity"]],
    }
    schema["properties"]["defaults"] = {
        "description": "Hydra's list: a vendor to inherit from (agora@_here_, then _self_), "
        "tariffs (/tariff@tariffs: [agora_list]).",
        "type": "array",
        "items": {"type": ["string", "object"]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Vendor",
        "description": _ABOUT,
    }


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(vendor_schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file, and print where it is."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else WHERE
    path.write_text(text(), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
