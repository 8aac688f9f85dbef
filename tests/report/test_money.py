"""What the page says of the money: what the limits cost, what is at risk, what grows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from sim.catalogue.language import SPACE, words
from sim.commerce import RUNGS
from sim.report.charts import ready_charts
from sim.report.charts.which_limit_binds import strips
from sim.report.limits import BOUND_RUNGS, NO_LIMIT
from sim.report.page import page
from sim.report.pictures import Picture
from sim.report.plans import about, cheapest, plans
from sim.report.sections.answer import verdict
from sim.report.sections.vendors import limits_cost
from sim.report.style import WIDE_IN, image
from sim.report.terminal import text
from sim.report.view import View, view
from sim.scenario import Scenario
from sim.scenario.compose import load_scenario
from sim.study import run_study
from sim.study.costs import crossings
from tests.report.made_up import MadeUp, frames, many, scenario

SAY = words("en")


def fees_saved(seen: View) -> list[str]:
    """What the answer says of them."""
    return [said for said in verdict(seen) if said.startswith("Against")]


def paged(made_up: MadeUp, night: Scenario, *names: str) -> str:
    """The page, with these of its charts."""
    seen = view(made_up, night)
    pictures = [
        Picture(chart.name, chart.section, image(chart.draw(seen, WIDE_IN), "svg").decode())
        for chart in ready_charts(seen)
        if chart.name in names
    ]
    return page(seen, pictures).replace(SPACE, " ").replace("\n", " ")


def test_cost_of_limits_is_told_by_what_happened_and_by_limit() -> None:
    night = scenario()
    made_up = frames(night)
    made_up.summary = pd.concat([made_up.summary, *struck(made_up, 70.0)])
    told = {(one.name, one.rung): one.parts for one in list(limits_cost(view(made_up, night)))}
    assert [row[:3] for row in told["Budget (archetype)", "incidents"]] == [
        ("cut off", "an outage", "70"), ("together", "", "70")
    ]  # fmt: skip
    rows = told["Budget (archetype)", "its limits"]
    assert [row[:2] for row in rows] == [
        ("refused at the door", "concurrent sessions"),
        ("frozen at that moment", "egress of the whole vendor"),
        ("left a frozen picture", "egress of the whole vendor"),
        ("saw a worse picture", ""),
        ("cut off", "their own internet"),
        ("2 others", ""),
        ("together", ""),
    ]
    rung = view(made_up, night).estimates["budget", 20_000, "lost_gmv_cny.limits"].mean
    assert rows[0][2] == SAY.money(0.5 * rung) and rows[-1][2] == SAY.money(rung)
    assert rows[-2][2] == SAY.money(-0.02 * rung)
    assert " to " in rows[0][3]


def struck(made_up: MadeUp, cny: float) -> Iterator[pd.DataFrame]:
    """Rows of the summary: what an outage cost Budget."""
    whole = "lost_gmv_cny.incidents"
    row = made_up.summary[made_up.summary["metric"] == whole]
    row = row[(row["vendor"] == "budget") & (row["peak_viewers"] == 20_000)]
    made_up.summary = made_up.summary.drop(row.index)
    for metric in (whole, f"{whole}.cut_off.outage"):
        yield row.assign(metric=metric, mean=cny)


def test_orders_own_shop_turned_away_are_no_vendors_to_mend() -> None:
    night = scenario()
    made_up = frames(night)
    assert not any("your own shop" in said for said in verdict(view(made_up, night)))
    row = made_up.summary[made_up.summary["metric"] == "lost_gmv_cny"].assign(
        metric="lost_gmv_cny.limits.not_taken.own_orders_per_s", mean=4321.0
    )
    made_up.summary = pd.concat([made_up.summary, row])
    (said,) = (s for s in verdict(view(made_up, night)) if "your own shop" in s)
    assert re.search(r"4,320 \([\d,]+ to [\d,]+\) is your own shop's", said)
    assert "won't help" in said


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({}, None),
        (
            {"agora": "orders_per_s=5"},
            "Your own shop's limits are set for Agora, not for Budget: their sales don't compare.",
        ),
        (
            {"agora": "orders_per_s=5", "budget": "orders_per_s=6"},
            "Your own shop's limits are not the same with every vendor: their sales don't compare.",
        ),
        ({"agora": "joins_per_s=5", "budget": "joins_per_s=5"}, None),
    ],
)
def test_a_shop_that_is_not_the_same_for_all_is_warned_of(
    own: dict[str, str], said: str | None
) -> None:
    night = scenario(*(f"vendors.{v}.own.{limit}" for v, limit in own.items()))
    told = [s for s in verdict(view(frames(night), night)) if "don't compare" in s]
    assert told == ([said] if said else [])


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.015, 0.025, "Agora loses 1.5 to 2.5 % of sales"),
        (-0.004, 0.062, "Agora goes from a gain of 0.40 % to a loss of 6.2 % of sales"),
        (-0.02, -0.01, "Agora sells 1.0 to 2.0 % more than a perfect night does"),
    ],
)
def test_a_gain_is_called_one(low: float, high: float, said: str) -> None:
    night = scenario()
    made_up = frames(night)
    lost = made_up.summary["metric"] == "lost_gmv_ratio"
    made_up.summary.loc[lost, ["input_low", "input_high"]] = low, high
    (told,) = (s for s in verdict(view(made_up, night)) if "anywhere in their ranges" in s)
    assert said in told.replace(SPACE, " ")


def test_who_never_shows_hd_is_said_to_and_what_that_costs() -> None:
    night = scenario("replications=1")
    made_up = frames(night)
    rows = made_up.summary
    mine = rows[(rows["vendor"] == "budget") & (rows["metric"] == "stall_ratio")]
    made_up.summary = pd.concat([rows, mine.assign(metric="hd_ratio", mean=0.0)])
    perfect = view(made_up, night).estimates["budget", 20_000, "perfect_gmv_cny"].mean
    rung = made_up.summary["metric"] == "lost_gmv_cny.vendor"
    made_up.summary.loc[rung, "mean"] = 0.135 * perfect
    (said,) = (s for s in verdict(view(made_up, night)) if "HD" in s)
    assert said.replace(SPACE, " ") == (
        "Never in HD: Budget (its picture and delay alone lose 13.5 % of sales)."
    )
    assert paged(made_up, night).count("<small>never in HD") == 1


def test_a_fee_saved_stands_beside_what_it_costs() -> None:
    night = scenario("study.reference_vendor=agora")
    (said,) = fees_saved(view(frames(night), night))
    assert said.replace(SPACE, " ") == (
        "Against Agora, Budget saves CNY 1,000 of the fee and loses CNY 12,300 more in sales: "
        "12 times what it saves (95 % 11 to 14; inputs 6.2 to 25), and 1.8 times in margin."
    )
    assert fees_saved(view(frames(scenario()), scenario())) == []


def test_page_and_terminal_say_what_a_saved_fee_costs() -> None:
    night = scenario("study.reference_vendor=agora", "replications=1")
    made_up = frames(night)
    shown = paged(made_up, night)
    box = shown[shown.index('class="verdict"') : shown.index("What to tell the vendor")]
    assert (
        box.count("Against Agora, Budget saves") == shown.count("Against Agora, Budget saves") == 1
    )
    assert "Against Agora, Budget saves" in text(view(made_up, night))


def test_a_vendor_that_saves_nothing_is_told_so() -> None:
    night = scenario("study.reference_vendor=agora")
    made_up = frames(night)
    made_up.risk.loc[made_up.risk["metric"] == "fee_saved_cny", "value"] = -500.0
    (said,) = fees_saved(view(made_up, night))
    assert said.replace(SPACE, " ") == (
        "Against Agora, Budget saves nothing: its bill is CNY 500 higher."
    )


def test_page_tells_revenue_at_risk_and_how_far_it_is_prolonged() -> None:
    night = scenario()
    shown = paged(frames(night), night, "revenue_at_risk")
    assert (
        "Revenue at risk" in shown
        and "2.0 % have a peak above" in shown
        and "1.0 % have a peak below" in shown
    )
    assert "How much may limits and incidents cost?" in shown
    assert "net of 40.0 % returns and of 20.0 % bought later" in shown


def priced(night: Scenario, **bills: tuple[float, ...]) -> MadeUp:
    """Frames in which each vendor's one list costs so much at 1,000 viewers and at 4,000."""
    made_up = frames(night)
    made_up.costs = pd.DataFrame(
        [
            (vendor, "list", peak, metric, bill, math.nan, math.nan)
            for vendor, several in bills.items()
            for peak, bill in zip((1000, 4000), several, strict=False)
            for metric in ("cost_cny", "cost_month_cny", "cost_and_lost_margin_cny")
        ],
        columns=["vendor", "tariff", "peak_viewers", "metric", "mean", "ci_low", "ci_high"],
    )
    made_up.crossings = crossings(made_up.costs)
    return made_up


def test_cheapest_plan_is_named_from_one_crossing_to_the_next() -> None:
    night = many(scenario("replications=1"), ["A", "B", "C"])
    said = cheapest(view(priced(night, v0=(1.0, 4.0), v1=(2.0, 2.0), v2=(1.5, 3.0)), night))
    # A = C at 2,000 and both 2 there: so is B, which is below from there on.
    assert said[0].paragraph == (
        "By the bill of the night A is cheapest. From about 2,000 viewers (between the simulated "
        "1,000 and 4,000) on it is B. "
        "Two plans cross 3 times between 1,000 and 4,000 viewers:"
    )
    here = "at about 2,000 viewers (between the simulated 1,000 and 4,000)"
    assert set(said[0].crossings) == {
        f"{here} B becomes cheaper than A",
        f"{here} C becomes cheaper than A",
        f"{here} B becomes cheaper than C",
    }
    assert len(said) == 3


def test_one_crossing_is_told_and_so_is_that_there_is_none() -> None:
    night = many(scenario("replications=1"), ["A", "B"])
    (one, *_) = cheapest(view(priced(night, v0=(1.0, 4.0), v1=(2.0, 3.0)), night))
    assert one.paragraph.endswith("Two plans cross once between 1,000 and 4,000 viewers:")
    assert one.crossings == [
        "at about 2,500 viewers (between the simulated 1,000 and 4,000) B becomes cheaper than A"
    ]
    (none, *_) = cheapest(view(priced(night, v0=(1.0, 4.0), v1=(2.0, 5.0)), night))
    assert none.paragraph == (
        "By the bill of the night A is cheapest. No two plans cross between 1,000 and 4,000 "
        "viewers."
    )
    assert none.crossings == []
    (alone, *_) = cheapest(view(priced(night, v0=(1.0,), v1=(2.0,)), night))
    assert alone.paragraph == "By the bill of the night A is cheapest at 1,000 viewers."
    assert cheapest(view(priced(night, v0=(1.0, 2.0)), night)) == []


def test_a_rank_by_one_of_several_lists_says_so() -> None:
    for vendors, others in (("tencent_leb,budget", True), ("agora,budget", False)):
        night = scenario(f"vendors=[{vendors}]", "replications=1")
        shown = paged(frames(night), night)
        assert ("under the first price list of each" in shown) == others


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (12_876.4, "about 13,000 viewers (between the simulated 10,000 and 15,000)"),
        (10_300.0, "about 10,000 viewers (between the simulated 10,000 and 15,000)"),
        (15_442.0, "about 15,440 viewers (between the simulated 15,440 and 15,445)"),
        (15_000.0, "the simulated 15,000 viewers"),
    ],
)  # fmt: skip
def test_a_crossing_is_told_no_finer_than_the_points_around_it(at: float, said: str) -> None:
    told = about(SAY, at, (10_000, 15_000, 15_440, 15_445))
    assert (
        SAY("plan-crossing", above="B", below="A", **told) == f"at {said} B becomes cheaper than A"
    )


def test_a_label_of_a_list_ends_without_a_comma() -> None:
    night = scenario("vendors=[agora]", "replications=1",
                     "tariff@vendors.agora.tariffs=[agora_list,agora_package]")  # fmt: skip
    assert [p.name for p in plans(view(frames(night), night))] == [
        "Agora: list price", "Agora: Business package"
    ]  # fmt: skip


def test_lists_of_one_vendor_are_told_apart_by_unshared_words() -> None:
    night = scenario("vendors=[tencent_leb,budget]", "replications=1")
    assert [(p.name, p.brief, p.number) for p in plans(view(frames(night), night))] == [
        ("Tencent LEB: traffic by the day", "Tencent LEB: traffic by the day", 0),
        ("Tencent LEB: daily peak bandwidth", "daily peak bandwidth", 1),
        ("Budget", "Budget", 0),
    ]


# --- a bill that leaves something out -------------------------------------------------------------


def test_a_rank_by_a_bill_without_operations_says_so() -> None:
    night = scenario("vendors=[livekit_selfhosted,agora]")
    made_up = frames(night)
    shown = paged(made_up, night, "cost_against_concurrency")
    # The bill, alone and with the margin, and per hour; five figures of its one plan.
    assert shown.count("<small>+ operations</small>") == 3 + 5
    assert re.search(r"LiveKit, self-hosted +[\d,.]+ \+ operations</text>", shown)  # the charts
    assert "+ operations</i>: not in that bill" in shown
    assert verdict(view(made_up, night))[0].endswith(" (without operations).") or any(
        "LiveKit" in said and "(without operations)" in said
        for said in verdict(view(made_up, night))
    )
    assert all(f"(+{SPACE}operations)" in one.paragraph for one in cheapest(view(made_up, night))
               if "LiveKit" in one.paragraph)  # fmt: skip
    terminal = text(view(made_up, night)).splitlines()
    (row,) = (line for line in terminal if line.startswith("LiveKit") and "%" in line[:60])
    assert "* " in row and terminal[-1] == "* without operations"
    other = scenario()
    assert "operations</small>" not in paged(frames(other), other)


# --- the most costly limit ------------------------------------------------------------------------


def test_the_most_costly_limit_is_not_the_first_to_bind() -> None:
    night = scenario("replications=1")
    made_up = frames(night)
    lost = view(made_up, night).lost_by_limit("budget")
    rung = view(made_up, night).estimates["budget", 20_000, "lost_gmv_cny.limits"].mean
    # Half of it by sessions, and two fifths by egress in two ways.
    assert [k for k in lost if k not in NO_LIMIT] == ["sessions", "egress_vendor", "joins_per_s"]
    for limit, share in (("sessions", 0.5), ("egress_vendor", 0.4)):
        assert math.isclose(lost[limit], share * rung)
    whole = view(made_up, night).estimates["budget", 20_000, "lost_gmv_cny"].mean
    assert math.isclose(sum(lost.values()), whole)


def test_the_table_names_the_most_costly_limit_beside_the_first() -> None:
    night = scenario("replications=1")
    made_up = frames(night)
    shown = paged(made_up, night)
    whole = view(made_up, night).estimates["budget", 20_000, "lost_gmv_cny.limits"].mean
    half, rung = SAY.money(0.5 * whole), SAY.money(whole)
    said = f'<small class="long">most costly: concurrent sessions, CNY {half} of {rung}<'
    first = shown.index("<span>egress of the whole vendor")  # which binds first, and costs less
    assert first < shown.index(said.replace(SPACE, " ")) < first + 400
    rows = made_up.breakdown["of"] == "sessions"
    made_up.breakdown.loc[rows, "value"] = 0.0
    shown = paged(made_up, night)
    assert "most costly too: CNY" in shown and "most costly:" not in shown


OUTAGE = (
    "study=compare", "vendors=[budget,zego]", "promotion.peak_viewers=500", "replications=2",
    "promotion.duration_s=1200", "bands.draws=0", "promotion.orders_per_view=0.1",
    "promotion.concurrency=[[0,1],[1200,1]]", "promotion.drops=[]",
    "vendors.zego.limits.joins_per_s=60",
    "incidents=[{name: outage, what: region, where: cn, time_s: 600, duration_s: 12, left: 0}]",
)  # fmt: skip
"""A region fails: who stays long enough meets the join gate of ZEGO on the way back."""


@pytest.fixture(scope="module")
def outage() -> tuple[Any, Scenario]:
    loaded = load_scenario(*OUTAGE)
    return run_study(loaded, lambda *_: None), loaded


def test_the_table_of_limits_is_the_breakdown_of_all_rungs(outage: tuple[Any, Scenario]) -> None:
    made, loaded = outage
    html = page(view(made, loaded), []).replace(SPACE, " ")
    table = html[html.index("Every limit reached") :].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
    told = {(row[0].removesuffix(" (archetype)"), row[1]): row[-1] for row in rows}
    lost = made.breakdown[
        (made.breakdown["by"] == "limit") & (made.breakdown["metric"] == "lost_gmv_cny")
    ]
    assert len(told) == len(rows)
    for vendor, name in (("budget", "Budget"), ("zego", "ZEGO")):
        mine = lost[lost["vendor"] == vendor].groupby("of")["value"].sum() / 2
        expected = {SAY(f"limit-{limit}"): SAY.money(cny) for limit, cny in mine.items() if cny}
        of_it = {limit: cny for (who, limit), cny in told.items() if who == name}
        whole = view(made, loaded).estimates[vendor, 500, "lost_gmv_cny"].mean
        assert of_it.pop("together") == SAY.money(whole) == SAY.money(mine.sum())
        assert {limit: cny for limit, cny in of_it.items() if cny != "0"} == expected
        assert mine["outage"] > 0.2 * whole
        rungs = sum(
            view(made, loaded).estimates[vendor, 500, f"{rung}"].mean for rung in BOUND_RUNGS
        )
        series = made.timeseries[made.timeseries["vendor"] == vendor]
        parts = series[series["metric"].str.startswith("lost_gmv_cny.")]["value"].sum() / 2
        assert parts == pytest.approx(rungs), "as the night goes on too"
    assert told["ZEGO", "joins a second"] not in ("0", "")
    assert "<td>incidents</td><td>cut off</td><td>an outage</td>" in html
    shown = {s.limit: s.lost_cny for s in strips(view(made, loaded))["budget"]}
    assert shown["outage"] == pytest.approx(view(made, loaded).lost_by_limit("budget")["outage"])


def test_what_was_granted_breaks_too_and_no_gate_stands(outage: tuple[Any, Scenario]) -> None:
    """Asked for in whole viewers, the calm night's number beside; said in the same words."""
    made, loaded = outage
    figures = view(made, loaded).estimates
    lost = {rung: figures["zego", 500, f"lost_gmv_cny.{rung}"].mean for rung in RUNGS}
    granted = figures["zego", 500, "granted_lost_gmv_cny"].mean
    assert lost["links"] + lost["vendor"] < granted < sum(lost.values())
    share = granted / figures["zego", 500, "perfect_gmv_cny"].mean
    html, plain = page(view(made, loaded), []).replace(SPACE, " "), text(view(made, loaded))
    assert f"<span>{SAY.percent(share)} lost".replace(SPACE, " ") in html
    asked_for = made.asks.set_index(["vendor", "what"]).loc["zego"]
    joins = asked_for.loc["joins_per_s"]
    assert joins["p95"] > 3 * joins["calm_p95"]
    most = SAY.up(joins["p95"], SAY.people)
    said = f"{most} joins a second ({joins['calm_p95']:.0f} without incidents)"
    assert said in " ".join(plain.split())
    assert f"<small>without incidents {joins['calm_p95']:.0f}</small>" in html
    tens = asked_for.loc["joins_per_s_10s", "p95"]
    assert f"<small>over ten seconds {SAY.up(tens, SAY.people)}</small>" in html
    people_asked = asked_for.loc[["joins_per_s", "token_calls_per_s", "joins_per_s_10s"]]
    assert (people_asked[["p50", "p95", "calm_p50", "calm_p95"]] % 1 == 0).all(axis=None)


# --- incidents with a chance ----------------------------------------------------------------------

UPLINK = "incidents=[{name: uplink,what: host_uplink,time_s: 9,duration_s: 9,left: 0,chance: 0.3}]"


def test_chance_incident_is_said_to_be_on_no_night_shown() -> None:
    night = scenario(UPLINK, "replications=1")
    made_up = frames(night)
    (said,) = (s for s in verdict(view(made_up, night)) if "uplink" in s)
    assert said.replace(SPACE, " ") == (
        "The incident uplink (30.0 % a night) is on none of these nights, only in the revenue at "
        "risk. With Agora it costs CNY 300 a night on the mean, CNY 1,000 when it happens. With "
        "Budget it costs CNY 600 a night on the mean, CNY 2,000 when it happens."
    )
    shown = paged(made_up, night, "ladder", "night_over_time")
    assert "by chance only" in shown and "none simulated" not in shown
    assert "Hatched" not in shown
    assert "What an isp or the host's uplink breaks is not in it" in shown


def test_incident_of_one_vendor_is_told_with_its_name_alone() -> None:
    dark = (
        "incidents=[{name: dark,what: region,where: cn,vendor: budget,"
        "time_s: 9,duration_s: 9,left: 0,chance: 0.05}]"
    )
    night = scenario(dark, "replications=1")
    made_up = frames(night)
    (said,) = (s for s in verdict(view(made_up, night)) if "dark" in s.lower())
    assert said.replace(SPACE, " ") == (
        "The incident dark (Budget, 5.0 % a night) is on none of these nights, only in the revenue "
        "at risk. With Budget it costs CNY 600 a night on the mean, CNY 2,000 when it happens."
    )
    shown = paged(made_up, night)
    assert "dark (Budget, the vendor&#39;s region cn, minute 0.1, 9.0 s, chance 5.0 %)" in shown


def test_one_peak_says_what_is_missing_and_how_to_get_it() -> None:
    night = scenario(UPLINK, "replications=1", "study=compare")
    shown = paged(frames(night), night)
    assert "at 20,000 viewers. This study has one peak" in shown
    assert "<code>study=night</code> has a curve" in shown


# --- who comes first ------------------------------------------------------------------------------


def test_who_else_may_come_first_is_told_in_draws() -> None:
    night = scenario("bands.draws=12")
    made_up = frames(night)
    (said,) = (s for s in verdict(view(made_up, night)) if "anywhere in their ranges" in s)
    assert said.endswith("of sales. In some of 12 draws others come before it: Budget (in 3).")
    made_up.risk.loc[made_up.risk["metric"] == "before.agora", "value"] = 0.0
    (said,) = (s for s in verdict(view(made_up, night)) if "anywhere in their ranges" in s)
    assert said.endswith(" of sales. It comes first in each of 12 draws.")


def test_a_figure_that_no_draw_moved_has_no_range() -> None:
    night = scenario("replications=1")
    made_up = frames(night)
    made_up.risk[["input_low", "input_high"]] = math.nan
    shown = paged(made_up, night, "revenue_at_risk")
    assert shown.count("<small>inputs –</small>") == 2 * 5
    risk = shown[shown.index('id="revenue_at_risk"') : shown.index("<h2>Charts")]
    assert "Pale bars" not in risk  # there are none


def test_cost_of_limits_is_not_told_without_a_ladder() -> None:
    night = scenario()
    assert list(limits_cost(view(frames(night, ladder=False), night))) == []


# --- what is due with or without the night --------------------------------------------------------


def fixed(made_up: MadeUp, vendor: str, cny: float) -> None:
    """The vendor's lists have a commitment that covers the night."""
    for name in ("summary", "costs"):
        rows = getattr(made_up, name)
        mine = rows[(rows["vendor"] == vendor) & (rows["metric"] == "cost_month_cny")]
        row = mine.assign(metric="cost_fixed_cny", mean=cny)
        setattr(made_up, name, pd.concat([rows, row]))
    mine = made_up.invoice["vendor"] == vendor
    made_up.invoice.loc[mine, "amount_cny"] = 0.0
    made_up.invoice.loc[mine, "line"] = "minutes committed"
    made_up.invoice.loc[mine & (made_up.invoice["period"] == "night"), "fixed_cny"] = cny


def test_a_bill_of_nothing_says_what_is_due_all_the_same() -> None:
    night = scenario("replications=1")
    made_up = frames(night)
    assert "fixed 24,000" not in paged(made_up, night)
    fixed(made_up, "agora", 24_000.0)
    due = "CNY 24,000 a month are due with or without this night."
    assert due in verdict(view(made_up, night))[0].replace(SPACE, " ")
    shown = paged(made_up, night)
    assert shown.count("<small>fixed 24,000 a month</small>") == 2  # the vendor's bill, the plan's
    row = '<td>minutes committed</td><td class="n">a month, with or without the night</td>'
    assert f'{row}<td class="n">24,000.00</td>' in shown
    budget = shown[shown.index("<h3>Budget") :]
    assert row not in budget


# --- lists beside the first -----------------------------------------------------------------------


def test_answer_names_another_list_that_would_cost_less() -> None:
    """Less than the first list of the best vendor."""
    night = scenario("vendors=[agora,tencent_leb]", "replications=1")
    made_up = frames(night)  # a second list comes to 0.8 of the first, by bill and lost margin
    assert not any("price list" in said for said in verdict(view(made_up, night)))
    rows = (
        (made_up.costs["tariff"].str.contains("bandwidth"))
        & (made_up.costs["metric"] == "cost_and_lost_margin_cny")
        & (made_up.costs["peak_viewers"] == 20_000)
    )
    made_up.costs.loc[rows, "mean"] = 1234.0
    assert verdict(view(made_up, night))[0].startswith("Agora costs you least")
    (said,) = (s for s in verdict(view(made_up, night)) if "price list" in s)
    assert said.replace(SPACE, " ") == (
        "Vendors are ranked by the first price list of each; under another one "
        "Tencent LEB: daily peak bandwidth would cost less: CNY 1,230."
    )


def test_list_bought_beside_others_is_in_each_bill_but_no_plan() -> None:
    chat = "tariff@vendors.agora.tariffs=[agora_list,agora_package,agora_signaling]"
    night = scenario("vendors=[agora]", chat, "replications=1")
    made_up = frames(night)
    line = made_up.invoice.iloc[:1]
    made_up.invoice = pd.concat(
        line.assign(tariff=tariff.name, line=name, amount_cny=cny)
        for tariff, name, cny in zip(
            night.vendors["agora"].tariffs.values(), ("HD", "HD", "messages"), (100.0, 60.0, 7.0),
            strict=True,
        )
    )  # fmt: skip
    assert [p.key[1] for p in plans(view(made_up, night))] == [
        t.name for t in night.vendors["agora"].lists
    ]
    shown = paged(made_up, night)
    assert shown.count("<td>Agora Signaling, chat fan-out: messages, night</td>") == 2
    assert "<b>107.00</b>" in shown and "<b>67.00</b>" in shown
    assert "under Agora Signaling" not in shown


# --- lines of the bill ----------------------------------------------------------------------------


def billed(made_up: MadeUp, *rows: dict[str, object]) -> MadeUp:
    """The first list's lines in the month with the night and without it."""
    line = made_up.invoice.iloc[0].to_dict()
    made_up.invoice = pd.DataFrame([line | row for row in rows])
    return made_up


def test_line_of_unchanged_quantity_says_what_the_month_has() -> None:
    """Its amount grows, its quantity is the same without the night."""
    night = scenario("vendors=[agora]", "replications=1")
    line = {"line": "recording", "period": "month", "unit": "recordings"}
    made_up = billed(
        frames(night),
        line | {"quantity": 2.0, "amount_cny": 54.0, "month": "with"},
        line | {"quantity": -2.0, "amount_cny": -52.0, "month": "without"},
        line | {"line": "HD", "quantity": 30.0, "amount_cny": 9.0, "month": "with"},
    )
    shown = paged(made_up, night)
    assert '2.000 recordings, in the month without the night too</td><td class="n">2.00' in shown
    assert '30.00 recordings</td><td class="n">9.00' in shown


@pytest.mark.parametrize(("gb", "told"), [(200, False), (260, True), (900, True), (1_100, False)])
def test_where_more_costs_less_is_told_near_what_is_used(gb: float, told: bool) -> None:
    night = scenario("vendors=[tencent_leb]", "replications=1")
    tariff = night.vendors["tencent_leb"].lists[0]
    line = {"tariff": tariff.name, "line": tariff.lines[0].name, "unit": "GB", "month": "with"}
    made_up = billed(frames(night), line | {"quantity": float(gb)})
    shown = paged(made_up, night)
    said = "traffic: 500 GB cost 250.00 CNY, a little less costs 260.00"
    assert (said in shown) == told, re.findall("[^>]*a little less[^<]*", shown)


def test_price_lists_have_a_heading_before_their_charts() -> None:
    night = scenario("replications=1")
    made_up = frames(night)
    shown = page(
        view(made_up, night),
        [Picture(chart.name, chart.section) for chart in ready_charts(view(made_up, night))],
    )
    places = [shown.index(s) for s in ("<h2>Charts", 'id="who_stalls"', "<h2>Price lists",
                                      "By the bill of the night", 'id="cost_against',
                                      "Every plan at", "<h2>What is assumed")]  # fmt: skip
    assert places == sorted(places)
