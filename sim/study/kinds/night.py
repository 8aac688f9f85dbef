"""The main study: vendors at the scripted peak, the ladder of worlds, the curve."""

from __future__ import annotations

from sim.study.kind import Kind
from sim.study.kinds.shared import SECTIONS, peak_and_curve
from sim.study.tables import TABLES

NIGHT = Kind(peak_and_curve, TABLES, SECTIONS)
