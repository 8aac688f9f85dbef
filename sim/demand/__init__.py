"""Who comes, when, for how long, and what they would order."""

from sim.demand.audience import AUDIENCE, Audience, draw_audience
from sim.demand.curve import Demand, expected_demand
from sim.demand.misfit import not_followed

__all__ = ["AUDIENCE", "Audience", "Demand", "draw_audience", "expected_demand", "not_followed"]
