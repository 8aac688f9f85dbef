"""Every figure against the peak."""

from __future__ import annotations

from sim.study.kind import Kind
from sim.study.kinds.shared import SECTIONS, peak_and_curve
from sim.study.tables import TABLES

CURVE = Kind(peak_and_curve, TABLES, SECTIONS)
