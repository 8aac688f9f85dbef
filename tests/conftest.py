"""For all tests."""

from __future__ import annotations

from hypothesis import settings

# The first example of a test may compile what it calls: a deadline would measure that.
# The same examples every time: a build that turns red has been changed.
settings.register_profile("peakcast", deadline=None, derandomize=True)
settings.load_profile("peakcast")
