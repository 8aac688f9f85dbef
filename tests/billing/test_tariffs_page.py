"""docs/tariffs.md: its examples are price lists, its table names all models and what is shipped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from sim.scenario.compose import CONF
from sim.scenario.tariff import Amount, Fixed, Level, Reduction, Tariff

PAGE = (Path(__file__).parents[2] / "docs" / "tariffs.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
LINE = {"name": "x", "meter": "joins", "reduction": "sum", "semantics": "flat",
        "tiers": [{"price": 1}]}  # fmt: skip


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_price_list(text: str) -> None:
    data = yaml.safe_load(text)
    if "my_plan" in data:
        assert Tariff.model_validate(data["my_plan"]).lines
    else:
        whole = {"name": "example", "currency": "CNY", "lines": [LINE]} | data
        assert Tariff.model_validate(whole).unmetered(fleet=True) == []


def test_every_model_has_a_row_and_names_only_shipped_lists() -> None:
    rows = re.findall(r"^\| (M\d+) \|(.*)\|(.*)\|(.*)\|$", PAGE, re.M)
    assert [row[0] for row in rows] == [f"M{k}" for k in range(1, 31)]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[3])}
    shipped = {file.stem for file in (CONF / "tariff").glob("*.yaml")}
    assert named <= shipped
    # real lists all stand there, but for two that no vendor sells and one as others quote it
    assert shipped - named == {"budget_list", "hybrid_list", "hundredms_list"}


@pytest.mark.parametrize("words", [Amount, Level, Fixed, Reduction])
def test_every_word_is_explained(words: object) -> None:
    for word in get_args(words):
        assert f"`{word}`" in PAGE
