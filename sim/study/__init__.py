"""Questions: which nights to run, what they say together, and how sure that is."""

from sim.study.answer import Frames, answer

__all__ = ["Frames", "answer"]
