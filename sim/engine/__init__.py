"""The clock: the whole run, and the two engines that drive the same viewers."""

from sim.engine.run import perfect, run

__all__ = ["perfect", "run"]
