"""For all tests."""

from __future__ import annotations

from hypothesis import settings

# The first example of a test may compile what it calls: a deadline would measure that.
settings.register_profile("peakcast", deadline=None)
settings.load_profile("peakcast")
