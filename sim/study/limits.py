"""What the limits of each vendor stand at: it travels with the run."""

from __future__ import annotations

import pandas as pd

from sim.scenario.limits import Limit, everywhere
from sim.scenario.model import Scenario

COLUMNS = ["vendor", "limit", "key", "unit", "configured"]


def limits_of(scenario: Scenario) -> pd.DataFrame:
    """COLUMNS, a row for each number that limits anybody; `key` is dotted, under the vendor."""
    rows = [
        (name, limit.spec.name, one.key, one.unit, one.number.value)
        for name, vendor in scenario.vendors.items()
        for limit in Limit
        for one in everywhere(limit, vendor)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
