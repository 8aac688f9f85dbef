"""What to tell the vendor, where there is more than one thing to order."""

from __future__ import annotations

import pandas as pd

from sim.report.sections.requests import Ask, Asked, ask_for, asked
from sim.report.view import view
from tests.report.made_up import frames, scenario

ASKS = pd.DataFrame(
    [
        ("budget", "peak_concurrency", "", "sessions", 20_000.0, 30_000.0, False),
        ("budget", "egress_gbps", "", "Gbps", 40.0, 60.0, False),
        ("budget", "egress_gbps", "cn", "Gbps", 40.0, 60.0, False),
        ("budget", "peak_concurrency", "path rtc", "sessions", 1_000.0, 1_500.0, False),
        ("budget", "egress_gbps", "path rtc", "Gbps", 1.0, 1.5, False),
        ("budget", "peak_concurrency", "path cdn", "sessions", 19_000.0, 28_500.0, False),
    ],
    columns=["vendor", "what", "of", "unit", "p50", "p95", "beyond"],
)


def told(asks: pd.DataFrame) -> dict[str, str]:
    """Part of the order -> its P95, for `budget`."""
    night = scenario()
    made_up = frames(night)
    made_up.asks = asks
    (one,) = (a for a in asked(view(made_up, night)) if a.vendor == "budget")
    return {part: ask.p95 for part, ask in one.parts}


def test_two_paths_are_ordered_each_by_itself() -> None:
    parts = told(ASKS)
    assert parts["path rtc: viewers at once"] == "1,500"
    assert parts["path rtc: Gbps"] == "1.50"
    assert parts["path cdn: viewers at once"] == "28,500"


def test_the_only_region_is_the_whole_and_isnt_told_twice() -> None:
    assert told(ASKS[~ASKS["of"].str.startswith("path")]) == {}


def test_beside_an_archetype_stands_the_best_that_can_be_bought() -> None:
    night = scenario("vendors=[hybrid,budget,agora]", "replications=1")
    seen = view(frames(night), night)

    def one(vendor: str, gbps: str) -> Asked:
        return Asked(vendor, vendor, [Ask("egress_gbps", "1", gbps, False)], [])

    best, other, real = one("hybrid", "5"), one("budget", "6"), one("agora", "7")
    assert ask_for(seen, [best, other, real]) == (
        "Ask a vendor like Hybrid for 5 Gbps. Ask Agora for 7 Gbps."
    )
    assert ask_for(seen, [real, best]) == "Ask Agora for 7 Gbps."
    assert ask_for(seen, []) == ""
