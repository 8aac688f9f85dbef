"""Vendors side by side on one night, with the ladder of worlds."""

from __future__ import annotations

from sim.study.kind import Kind
from sim.study.kinds.shared import SECTIONS, peak_and_curve
from sim.study.tables import TABLES

COMPARE = Kind(peak_and_curve, TABLES, SECTIONS)
