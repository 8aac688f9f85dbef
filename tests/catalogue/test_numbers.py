"""Numbers as people read them."""

import math

import pytest

from sim.catalogue.language import SPACE, words

fmt = words("en")


def plain(text):
    return text.replace(SPACE, " ")


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (0, "0"), (0.0451, "0.0451"), (1.2345, "1.23"), (12.345, "12.3"), (999.4, "999"),
        (12345, "12,300"), (999_999, "1,000,000"), (-4567, "−4,570"), (-0.0, "0"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_number(x, said):
    assert fmt.number(x) == said


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (0, "0 %"), (0.00001, "below 0.01 %"), (0.0045, "0.45 %"), (0.0123, "1.2 %"),
        (0.978, "97.8 %"), (0.9996, "100 %"), (20.25, "2,025 %"), (1, "100 %"),
        (-0.031, "−3.1 %"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_percent(x, said):
    assert plain(fmt.percent(x)) == said


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (0, "0"), (4.2, "4.2"), (43.4, "43"), (431.6, "432"), (48_312, "48,300"),
        (999_700, "1.00 million"), (1_234_567, "1.23 million"), (2.5e9, "2.50 billion"),
        (-35_210, "−35,200"),
    ],
)  # fmt: skip
def test_money(x, said):
    assert plain(fmt.money(x)) == said


@pytest.mark.parametrize(
    ("x", "said"),
    [(0, "0 s"), (0.453, "0.45 s"), (12.3, "12 s"), (119, "119 s"), (270, "4.5 min")],
)
def test_seconds(x, said):
    assert plain(fmt.seconds(x)) == said


def test_a_range_names_its_unit_once():
    assert plain(fmt.between(0.011, 0.014, fmt.percent)) == "1.1 to 1.4 %"
    assert plain(fmt.between(9e5, 1.2e6, fmt.money)) == "900,000 to 1.20 million"
    assert plain(fmt.between(0.00001, 0.001, fmt.percent)) == "below 0.01 % to 0.10 %"
    assert plain(fmt.between(-1500, 300, fmt.money)) == "−1,500 to 300"


@pytest.mark.parametrize(
    ("x", "up", "down"),
    [
        (29_734, "29,800", "29,700"), (12_345, "12,400", "12,300"), (30_000, "30,000", "30,000"),
        (63.000000000000014, "63.0", "63.0"), (78.531, "78.6", "78.5"),
        (0.04501, "0.0451", "0.0450"),
        (999.4, "1,000", "999"), (0, "0", "0"), (math.nan, "–", "–"),
    ],
)  # fmt: skip
def test_rounded_one_way(x, up, down):
    assert fmt.up(x, fmt.number) == up
    assert fmt.down(x, fmt.number) == down


@pytest.mark.parametrize(
    ("x", "said"),
    [(43.4, "44"), (99.2, "100"), (4.21, "4.3"), (28_536, "28,600"), (999_100, "1.00 million"),
     (1_441_000, "1.45 million"), (1_440_000, "1.44 million")],
)  # fmt: skip
def test_an_amount_rounded_up(x, said):
    assert plain(fmt.up(x, fmt.money)) == said


def test_configured_numbers_are_not_rounded():
    assert fmt.exact(17044.8) == "17,044.8"
    assert fmt.exact(0.0485) == "0.0485"
    assert fmt.exact(10000) == "10,000"
