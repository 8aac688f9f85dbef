"""The clock: the whole run, and the two engines that drive the same viewers."""

from sim.engine.collect.perfect import perfect
from sim.engine.run import run

__all__ = ["perfect", "run"]
