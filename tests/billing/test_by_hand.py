"""notebooks/invoice_by_hand.ipynb works whole invoices out of `usage`, without the billing room."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from sim import simulate

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "invoice_by_hand.ipynb"
SMALL = (
    "vendors=[hybrid,tencent_leb]", "study=compare", "replications=1", "bands.draws=0",
    "report.enabled=false", "promotion.peak_viewers=300", "promotion.duration_s=900",
    "promotion.concurrency=[[0,0.5],[300,1],[900,1]]", "promotion.drops=[]",
)  # fmt: skip


def cells() -> list[str]:
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


def test_it_imports_nothing_of_the_billing_room() -> None:
    imported = set()
    for node in ast.walk(ast.parse("\n".join(cells()))):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Name):
            assert node.id not in ("__import__", "exec", "eval", "importlib")
    ours = {name for name in imported if name.split(".")[0] == "sim"}
    assert ours == {"sim.simulate"}


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        # two days of each night, and a bandwidth in the second tier
        ("promotion.starts_at=2026-11-10T23:53:20", "commerce.month.ordinary_share=0.7"),
        ("commerce.month.ordinary_nights=0",),
    ],
)
def test_it_agrees_with_the_invoice_to_the_cent(overrides: tuple[str, ...]) -> None:
    room: dict[str, Any] = {}
    first, *rest = cells()
    exec(first, room)
    room["OVERRIDES"] = (*SMALL, *overrides)
    for cell in rest:
        exec(cell, room)
    assert (room["by_hand"]["the night adds"] > 0).all()


def test_limit_makes_the_night_cheaper_but_not_ordinary_ones() -> None:
    def billed(mbps: float) -> dict[str, float]:
        night = simulate(
            "vendors=[budget]", *SMALL[1:], f"vendors.budget.limits.egress_mbps={mbps}",
            "vendors.budget.policy.egress_mbps=refuse",
        )  # fmt: skip
        rows = night.invoice
        return {
            "the night": rows["amount_cny"].sum(),
            "the rest": -rows.loc[rows["month"] == "without", "amount_cny"].sum(),
        }

    capped, free = billed(200), billed(1e6)
    assert 0 < capped["the night"] < 0.5 * free["the night"]
    assert capped["the rest"] == free["the rest"] > 0
