"""The table of the terminal: aligned, narrow enough, the best vendor first."""

from unicodedata import east_asian_width

import pytest

from sim.catalogue.message import Message
from sim.report.terminal import text
from sim.report.view import view
from tests.report.made_up import frames, many, scenario


def columns(line):
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in line)


@pytest.fixture(scope="module")
def lines():
    names = ["声网直播", "A vendor with a name that does not end where a cell ends",
             *(f"Vendor {n}" for n in range(6))]  # fmt: skip
    loaded = many(scenario("replications=2"), names)
    return text(view(frames(loaded), loaded)).splitlines()


def test_no_line_is_wider_than_a_terminal(lines):
    assert max(map(columns, lines)) <= 100


def test_each_vendor_has_a_line_under_the_heading(lines):
    """The answer comes first."""
    head = next(k for k, line in enumerate(lines) if line.startswith("20,000 viewers"))
    assert "costs you least" in " ".join(lines[:head])
    assert lines[head].split() == [
        "20,000", "viewers", "watched", "stalled", "sales", "lost", "bill,", "CNY", "first",
        "limit",
    ]  # fmt: skip
    assert len(lines[head + 1 :]) == 8
    assert any(line.startswith("声网直播 ") for line in lines[head:])


def test_cells_stand_under_one_another_whatever_the_script(lines):
    head = next(k for k, line in enumerate(lines) if line.startswith("20,000 viewers"))
    ends = columns(lines[head][: lines[head].index("watched") + len("watched")])
    for line in lines[head + 1 :]:
        upto = ""
        while columns(upto) < ends:
            upto += line[len(upto)]
        assert upto.endswith("%")


def test_the_vendor_that_costs_least_comes_first(lines):
    head = next(k for k, line in enumerate(lines) if line.startswith("20,000 viewers"))
    named = lines[0].split(" costs you")[0]
    assert lines[head + 1].startswith(named)


def test_the_first_limit_is_one_that_this_audience_reaches():
    loaded = scenario("replications=1")  # the made-up Agora reaches one only at 25,000 viewers
    rows = text(view(frames(loaded), loaded)).splitlines()[-2:]
    assert rows[0].startswith("Agora  ")
    assert rows[0].endswith(" none")
    assert rows[1].endswith("egress of the whole vendor")


def test_a_sentence_of_chinese_names_is_as_narrow():
    """A character takes two columns; a name may be longer than a line."""
    loaded = many(scenario("replications=1", "study.peaks=[]"), ["声网直播云" * 12, "W" * 120])
    said = text(view(frames(loaded), loaded)).splitlines()
    assert max(map(columns, said)) <= 100
    assert "声网直播云" * 4 in said[0] or "W" * 90 in said[0]


@pytest.mark.parametrize("exits", [2, 6])
def test_an_argument_to_paste_stands_whole_on_its_line(exits):
    loaded = scenario("replications=1", "study.peaks=[]")
    given = frames(loaded)
    leave = ",".join(f"{{time_s:{60 * k},duration_s:30,share:0.443}}" for k in range(1, exits + 1))
    argument = f"'promotion.mass_exit=[{leave}]'"
    given.facts["warnings"] = [[Message("warning-falls", {"argument": argument})]]
    said = text(view(given, loaded)).splitlines()
    assert argument in said
    assert "lets them leave together." in said
