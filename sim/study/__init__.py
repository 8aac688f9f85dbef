"""Questions: which nights to run, what they say together, and how sure that is."""

from sim.study.run_study import Frames, run_study

__all__ = ["Frames", "run_study"]
