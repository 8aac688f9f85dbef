"""How long people mean to stay: bouncers and stayers, and what is left of a stay under way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from sim.demand.stay import (
    integrated_survival,
    residual_stays,
    residual_survival,
    stay_law,
    stays,
)
from sim.draws import Cause, pairs
from sim.scenario.model import Stay
from tests.demand.nights import AUDIENCES, shipped

laws = st.builds(
    Stay,
    bouncer_share=st.floats(0, 1),
    bouncer_mean_s=st.floats(1, 100),
    stayer_mean_s=st.floats(50, 5000),
    stayer_sigma_ln=st.floats(0.2, 2),
).map(stay_law)

ROOMS = {name: stay_law(shipped(f"audience={name}").audience.stay) for name in AUDIENCES}
DRAWS = 20_000


def survival(law, x):
    """P(stay > x), from the two laws of scipy."""
    stayers = stats.lognorm.sf(x, law.sigma, scale=np.exp(law.mu))
    return law.share * np.exp(-x / law.bouncer_s) + (1 - law.share) * stayers


def drawn(n):
    return pairs(1, 0, Cause.STAY, 0, np.arange(DRAWS), n)


@given(law=laws, x=st.floats(0, 20_000))
def test_h_is_the_integral_of_the_survival(law, x):
    cuts = np.unique(np.clip([0, *np.geomspace(0.1, 20_000, 12), x], 0, x))
    area = sum(integrate.quad(lambda u: survival(law, u), a, b)[0] for a, b in pairwise(cuts))
    assert integrated_survival(law, np.array(x)) == pytest.approx(area, rel=1e-6, abs=1e-9)


@given(law=laws)
def test_h_starts_at_nothing_and_ends_at_the_mean(law):
    assert integrated_survival(law, np.zeros(1))[0] == 0
    assert integrated_survival(law, np.array([1e12]))[0] == pytest.approx(law.mean_s)
    mean = law.share * law.bouncer_s + (1 - law.share) * np.exp(law.mu + law.sigma**2 / 2)
    assert law.mean_s == pytest.approx(mean)


@given(law=laws, x=st.lists(st.floats(0, 1e6), min_size=2).map(sorted))
def test_what_is_left_shrinks_with_age_from_certainty_to_nothing(law, x):
    left = residual_survival(law, np.array([0.0, *x, 1e12]))
    assert left[0] == 1
    assert left[-1] == pytest.approx(0, abs=1e-9)
    assert (np.diff(left) <= 1e-12).all()


@given(law=laws, factor=st.floats(0.1, 10))
def test_a_stretched_law_keeps_its_shape(law, factor):
    stay = Stay(
        bouncer_share=law.share,
        bouncer_mean_s=law.bouncer_s,
        stayer_mean_s=law.stayer_s,
        stayer_sigma_ln=law.sigma,
    )
    stretched = stay_law(stay, factor)
    assert stretched.mean_s == pytest.approx(factor * law.mean_s)
    x = np.geomspace(1, 10_000, 20)
    assert integrated_survival(stretched, x * factor) == pytest.approx(
        integrated_survival(law, x) * factor
    )


@pytest.mark.parametrize("room", ROOMS)
def test_drawn_stays_follow_the_law(room):
    law, u = ROOMS[room], drawn(0)
    length = stays(law, u[:, 0], u[:, 1])
    assert (length > 0).all()
    assert stats.kstest(length, lambda x: 1 - survival(law, x)).pvalue > 1e-3


@pytest.mark.parametrize("room", ROOMS)
def test_drawn_rests_of_stays_follow_the_equilibrium(room):
    law, u = ROOMS[room], drawn(0)
    rest = residual_stays(law, u[:, 0], u[:, 1], drawn(1)[:, 0])
    assert (rest > 0).all()
    assert stats.kstest(rest, lambda x: 1 - residual_survival(law, x)).pvalue > 1e-3


def test_an_exponential_stay_forgets_its_age():
    law = stay_law(Stay(bouncer_share=1, bouncer_mean_s=80, stayer_mean_s=1, stayer_sigma_ln=1))
    x = np.linspace(0, 800, 50)
    assert residual_survival(law, x) == pytest.approx(np.exp(-x / 80))
    u, v = drawn(0), drawn(1)[:, 0]
    assert np.array_equal(stays(law, u[:, 0], u[:, 1]), residual_stays(law, u[:, 0], u[:, 1], v))


def test_the_shipped_rooms_keep_their_promised_means():
    assert 60 <= ROOMS["feed_room"].mean_s <= 90
    assert 480 <= ROOMS["star_room"].mean_s <= 540
