"""What the page says of the money: what the limits cost, what is at risk, what grows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim.report import write
from sim.report.said import cheapest, fee_saved, limits_cost, verdict
from sim.report.tables import estimates, night_peak
from sim.report.words import SPACE, money
from sim.study.costs import crossings
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


def test_a_fee_saved_stands_beside_what_it_costs() -> None:
    night = scenario("study.reference_vendor=agora")
    (said,) = fee_saved(frames(night), night)
    assert said.replace(SPACE, " ") == (
        "Against Agora, Budget saves CNY 1,000 of the fee and loses CNY 12,300 more in sales: "
        "12 times what it saves (95 % 11 to 14; inputs 6.2 to 25), and 1.8 times in margin."
    )
    assert fee_saved(frames(scenario()), scenario()) == []


def test_a_vendor_that_saves_nothing_is_told_so() -> None:
    night = scenario("study.reference_vendor=agora")
    made_up = frames(night)
    made_up.risk.loc[made_up.risk["metric"] == "fee_saved_cny", "value"] = -500.0
    (said,) = fee_saved(made_up, night)
    assert said.replace(SPACE, " ") == (
        "Against Agora, Budget saves nothing: its bill is CNY 500 higher."
    )


def test_the_page_tells_what_is_at_risk_and_how_far_that_is_carried_on(tmp_path: Path) -> None:
    night = scenario()
    write(frames(night), night, tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8").replace(SPACE, " ")
    assert "Revenue at risk" in page and "2.0 % have a peak beyond" in page
    assert "How much may limits and incidents cost?" in page
    assert "net of 40.0 % returns and of 20.0 % bought later" in page
    assert (tmp_path / "charts" / "revenue_at_risk.png").is_file()


def test_the_cheapest_plan_is_named_from_one_crossing_to_the_next() -> None:
    night = scenario()
    made_up = frames(night)
    bills = {"a": (1.0, 4.0), "b": (2.0, 2.0), "c": (1.5, 3.0)}
    made_up.costs = pd.DataFrame(
        [
            (vendor, "list", peak, metric, bill)
            for vendor, pair in bills.items()
            for peak, bill in zip((1000, 4000), pair, strict=True)
            for metric in ("cost_cny", "cost_month_cny", "cost_and_lost_margin_cny")
        ],
        columns=["vendor", "tariff", "peak_viewers", "metric", "mean"],
    )
    made_up.crossings = crossings(made_up.costs)
    said = cheapest(made_up, {"a": "A", "b": "B", "c": "C"})
    # a = c at 2,000 and both 2 there: so is b, which is below from there on.
    assert said[0].startswith("By the bill of the night A (list) is cheapest, from 2,000 viewers")
    assert said[0].endswith("B (list).") and len(said) == 3
    assert cheapest(frames(night), {}) == []


def test_without_a_ladder_nothing_is_said_of_what_the_limits_cost() -> None:
    night = scenario()
    assert limits_cost(frames(night, ladder=False), night) == []
