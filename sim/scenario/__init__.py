"""The vocabulary of `conf/`, composed by Hydra and validated once."""

from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario
from sim.scenario.vendor import Vendor

__all__ = ["Scenario", "ScenarioError", "Vendor"]
