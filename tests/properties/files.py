"""A drawn scenario as a user would have it: a folder of configuration and a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

GROUPS = ("study", "promotion", "audience", "network", "commerce", "engine")


def write(data: dict[str, Any], folder: Path) -> list[str]:
    """The files of `data` under `folder`; the arguments that choose them."""
    rest = {k: v for k, v in data.items() if k not in (*GROUPS, "vendors")}
    for group in GROUPS:
        _file(folder / group / "drawn.yaml", "", data[group])
    for name, vendor in data["vendors"].items():
        _file(folder / "vendors" / f"{name}.yaml", f"# @package vendors.{name}\n", vendor)
    _file(folder / "experiment" / "drawn.yaml", "# @package _global_\n", rest)
    chosen = [f"{group}=drawn" for group in (*GROUPS, "experiment")]
    return ["--config-dir", str(folder), *chosen, f"vendors=[{','.join(data['vendors'])}]"]


def _file(path: Path, header: str, body: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + yaml.safe_dump(body, allow_unicode=True, sort_keys=False), "utf-8")
