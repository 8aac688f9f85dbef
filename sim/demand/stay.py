"""Watch intention: how long people mean to stay.

A mixture of bouncers (exponential) and stayers (lognormal: Veloso et al. 2006, Sripanidkulchai et
al. 2004 find heavy tails in live viewing). H(x), the integral of the survival function from 0 to x,
is all the inversion needs: mean = H(infinity), equilibrium survival = 1 - H(x)/mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from sim.scenario.model import Stay

Array = NDArray[np.float64]


class StayLaw(NamedTuple):
    """Parameters in seconds; `mu` and `sigma` of the stayers' logarithm."""

    share: float
    bouncer_s: float
    stayer_s: float
    mu: float
    sigma: float

    @property
    def mean_s(self) -> float:
        """Mean of bouncers and stayers together, seconds."""
        return self.share * self.bouncer_s + (1 - self.share) * self.stayer_s


def stay_law(stay: Stay, stretch: float = 1.0) -> StayLaw:
    """The law of `stay`, so many times as long."""
    stayer_s = stay.stayer_mean_s * stretch
    sigma = stay.stayer_sigma_ln
    return StayLaw(
        stay.bouncer_share,
        stay.bouncer_mean_s * stretch,
        stayer_s,
        float(np.log(stayer_s) - sigma**2 / 2),
        sigma,
    )


def integrated_survival(law: StayLaw, x: Array) -> Array:
    """H(x) = integral of P(stay > u) du from 0 to x = E[min(stay, x)], seconds; x >= 0."""
    with np.errstate(divide="ignore"):
        ln = np.log(x)
    tail = 1 - ndtr((ln - law.mu) / law.sigma)
    stayers = law.stayer_s * ndtr((ln - law.mu - law.sigma**2) / law.sigma) + x * tail
    bouncers = law.bouncer_s * -np.expm1(-x / law.bouncer_s)
    return np.asarray(law.share * bouncers + (1 - law.share) * stayers)


def residual_survival(law: StayLaw, x: Array) -> Array:
    """Survival of what is left of a stay that is under way in equilibrium."""
    return np.asarray(1 - integrated_survival(law, x) / law.mean_s)


def stays(law: StayLaw, which: Array, u: Array) -> Array:
    """Stays in seconds from two uniforms each."""
    return np.where(
        which < law.share, -law.bouncer_s * np.log1p(-u), np.exp(law.mu + law.sigma * ndtri(u))
    )


def residual_stays(law: StayLaw, which: Array, u: Array, v: Array) -> Array:
    """What is left of stays under way: a uniform share of a length-biased stay."""
    share = law.share * law.bouncer_s / law.mean_s
    stayer = np.exp(law.mu + law.sigma**2 + law.sigma * ndtri(u)) * v
    return np.where(which < share, -law.bouncer_s * np.log1p(-u), stayer)
