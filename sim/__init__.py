"""Peakcast: who stalls on the big night, what that costs, and what the vendor bills.

>>> from sim import load_scenario, simulate
>>> frames = simulate(load_scenario("promotion=flash_join", "vendors=[agora]"))
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.api import simulate
    from sim.scenario.compose import load_scenario

__all__ = ["load_scenario", "simulate"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: `import sim` stays cheap."""
    if name == "simulate":
        from sim.api import simulate

        return simulate
    if name == "load_scenario":
        from sim.scenario.compose import load_scenario

        return load_scenario
    raise AttributeError(f"module 'sim' has no attribute '{name}'")
