"""Editors complete vendor files by the schema that the models give."""

import jsonschema
import pytest
from omegaconf import OmegaConf

from sim.scenario import schema
from sim.scenario.compose import CONF

VENDORS = sorted((CONF / "vendors").glob("*.yaml"))


def complaints(content):
    return [
        e.message
        for e in jsonschema.Draft202012Validator(schema.vendor_schema()).iter_errors(content)
    ]


def test_the_schema_in_docs_is_current():
    """`python -m sim.scenario.schema` writes it."""
    assert schema.WHERE.read_text(encoding="utf-8") == schema.text()


@pytest.mark.parametrize("path", VENDORS, ids=lambda p: p.stem)
def test_a_shipped_vendor_fits_the_schema_and_names_it(path):
    assert complaints(OmegaConf.to_container(OmegaConf.load(path))) == []
    named = path.read_text(encoding="utf-8").splitlines()[2].split("$schema=")[1]
    assert (path.parent / named).resolve() == schema.WHERE


def test_a_bare_number_fits_and_a_typo_does_not():
    assert complaints({"defaults": ["agora@_here_", "_self_"], "limits": {"sessions": 5}}) == []
    assert complaints({"limits": {"sesions": 5}})
    assert complaints({"limits": {"sessions": {"low": 5}}})
