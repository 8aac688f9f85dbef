"""Who comes, when, for how long, and what they would order."""

from sim.demand.audience import AUDIENCE, Audience, draw_audience
from sim.demand.curve import Demand
from sim.demand.misfit import not_followed
from sim.demand.recorded import Recorded, expected_demand, left_out, traits

__all__ = [
    "AUDIENCE",
    "Audience",
    "Demand",
    "Recorded",
    "draw_audience",
    "expected_demand",
    "left_out",
    "not_followed",
    "traits",
]
