"""Money lost: the worlds of the ladder, the orders that happen in each, what each rung costs.

Knows the scenario and what a run leaves behind, nothing of how a run is made.
"""

from sim.commerce.ladder import BOUND_RUNGS, BREAKDOWNS, CAUSES, RUNGS
from sim.commerce.money import Money, money
from sim.commerce.orders import Sales, sell
from sim.commerce.worlds import worlds

__all__ = [
    "BOUND_RUNGS",
    "BREAKDOWNS",
    "CAUSES",
    "RUNGS",
    "Money",
    "Sales",
    "money",
    "sell",
    "worlds",
]
