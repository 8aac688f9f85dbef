"""The pages show defaults, limits and figures as conf/ and the program have them."""

import pytest

from sim.scenario.compose import load_scenario
from sim.scenario.quantity import Quantity
from tests.docs.__main__ import DOCS, GROUPS, PAGES, defaults, written

WORDS = ("published", "measured", "claimed", "assumed", "follows", "setting", "assumed: no source")


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_command_writes(name):
    page = (DOCS / name).read_text(encoding="utf-8")
    assert page == written(name, page)


def test_a_page_without_its_marks_is_refused():
    with pytest.raises(LookupError, match="not both there"):
        written("model.md", "# A page\n")


@pytest.mark.parametrize("group", GROUPS)
def test_every_default_says_how_sure_it_is(group):
    assert {default.confidence for default in defaults(group)} <= set(WORDS)


@pytest.mark.parametrize(
    ("key", "confidence", "source"),
    [
        ("stay.stayer_mean_s", "follows", "solves the mean of 518 s"),
        ("retry.jitter_s", "published", "LiveKit's client, first six"),  # 'the same' as above it
        ("patience.left_by", "published", "Krishnan & Sitaraman 2012"),  # of what it stands in
        ("interactive_share", "assumed", "assumed"),
    ],
)
def test_a_default_has_the_source_that_its_file_gives(key, confidence, source):
    (found,) = [d for d in defaults("audience") if d.key == key and d.option == "star_room"]
    assert found.confidence == confidence
    assert found.source.startswith(source)


def test_a_number_of_a_link_has_the_source_it_names():
    (found,) = [d for d in defaults("network") if d.key == "classes.lte.hold_s"]
    assert (found.confidence, found.source[:10]) == ("measured", "[ghent_4g]")


@pytest.mark.parametrize("group", ["audience", "commerce", "network"])
def test_the_values_are_those_a_scenario_is_composed_of(group):
    scenario = load_scenario("vendors=[budget]")
    chosen = getattr(scenario, group)
    for default in defaults(group):
        if default.option != chosen.name:
            continue
        found = chosen
        for name in default.key.split("."):
            found = found[name] if isinstance(found, dict) else getattr(found, name)
        if isinstance(found, Quantity):
            found = found.model_dump(exclude_none=True)
        elif hasattr(found, "model_dump"):
            found = found.model_dump()
        assert _lists(found) == default.value, default.key


def _lists(value):
    """Tuples as the lists YAML has."""
    return [_lists(x) for x in value] if isinstance(value, list | tuple) else value
