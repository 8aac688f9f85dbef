"""What the page says of the money: what the limits cost, what is at risk, what grows."""

from __future__ import annotations

import pandas as pd

from sim.report.said import limits_cost, verdict
from sim.report.tables import estimates, night_peak
from sim.report.words import money
from tests.report.made_up import frames, scenario


def test_what_the_limits_cost_is_told_by_what_happened_and_by_which_limit() -> None:
    night = scenario()
    made_up = frames(night)
    told = {one.name: one.parts for one in limits_cost(made_up, night)}
    rows = told["Budget (archetype)"]
    assert [row[:2] for row in rows] == [
        ("refused at the door", "concurrent sessions"),
        ("frozen at that moment", "egress of the whole vendor"),
        ("left a frozen picture", "egress of the whole vendor"),
        ("saw a worse picture", ""),
        ("cut off", "their own internet"),
        ("2 others", ""),
        ("together", ""),
    ]
    rung = estimates(made_up)["budget", night_peak(made_up, night), "lost_gmv_cny.limits"].mean
    assert rows[0][2] == money(0.5 * rung) and rows[-1][2] == money(rung)
    assert rows[-2][2] == money(-0.02 * rung)
    assert " to " in rows[0][3]


def test_what_the_buyers_own_shop_turned_away_is_no_vendors_to_mend() -> None:
    night = scenario()
    made_up = frames(night)
    assert not any("your own shop" in said for said in verdict(made_up, night))
    row = made_up.summary[made_up.summary["metric"] == "lost_gmv_cny"].assign(
        metric="lost_gmv_cny.limits.not_taken.own_orders_per_s", mean=4321.0
    )
    made_up.summary = pd.concat([made_up.summary, row])
    (said,) = (s for s in verdict(made_up, night) if "your own shop" in s)
    assert "4,320 is your own shop's" in said and "won't help" in said


def test_without_a_ladder_nothing_is_said_of_what_the_limits_cost() -> None:
    night = scenario()
    assert limits_cost(frames(night, ladder=False), night) == []
