"""An audience given viewer by viewer: each row is one, at other peaks a part or copies of them."""

from __future__ import annotations

import numpy as np
import pytest

from sim.demand import AUDIENCE, draw_audience, expected_demand, left_out, traits
from sim.demand.orders import order_rates, wished
from sim.scenario.compose import load_scenario
from sim.scenario.errors import ScenarioError
from tests.engine.nights import run_once, same

COLUMNS = "arrival_s,stay_s,region,isp,class,device,interactive,cohort,path"
SMALL = ("vendors=[budget]", "promotion.duration_s=600", "promotion.drops=[]", "replications=1")


@pytest.fixture
def of(tmp_path):
    """A scenario whose viewers are these rows, with overrides; `peak`: another than their own."""

    def made(rows, *overrides, columns="arrival_s,stay_s", peak=None):
        lines = rows if isinstance(rows, list) else [",".join(map(str, row)) for row in rows]
        file = tmp_path / "night.csv"
        file.write_text("\n".join([columns, *lines]) + "\n")
        scenario = load_scenario(*SMALL, f"audience.file={file}", *overrides)
        script = scenario.promotion.model_copy(update={"peak_viewers": peak})
        return scenario.model_copy(update={"promotion": script})

    return made


def many(n=3000, seed=1):
    """So many rows of ten minutes, some there at the start, with bounces and long stays."""
    rng = np.random.default_rng(seed)
    arrival_s, stay_s = rng.uniform(-100, 600, n), rng.lognormal(4, 1.4, n) + 0.01
    stay_s = np.where(arrival_s < 0, stay_s - arrival_s, stay_s)
    return np.column_stack([arrival_s, stay_s])


def demand(scenario):
    return expected_demand(scenario.promotion, scenario.audience)


def counted(rows, t):
    """Viewers there at these times, by the definition."""
    came, gone = rows[:, 0], rows.sum(axis=1)
    return ((came <= np.asarray(t)[:, None]) & (np.asarray(t)[:, None] < gone)).sum(axis=1)


# --- what is expected -----------------------------------------------------------------------------


def test_peak_curve_and_joins_by_hand(of):
    scenario = of(["-5,65", "0,30", "29,2", "30,600", "599.5,60"])
    d = demand(scenario)
    # 0 s: two; 29 s: three, and at 30 s one leaves as another comes; 31 s: two; from 60 s one.
    assert (d.peak_viewers, d.offered_peak, d.own_peak, d.initial) == (3, 3, 3, 1)
    assert d.offered[:5].tolist() == [2, 2, 3, 2, 1]
    joins = d.per_s * np.diff(d.edges_s)
    assert np.flatnonzero(joins).tolist() == [0, 1, 19]
    assert joins[[0, 1, 19]].tolist() == [2, 1, 1]
    assert d.arrivals == 5 and d.mean_stay_s == (30 + 2 + 600 + 60) / 4
    assert np.isnan(d.curve_error) and d.dry_share == 0


def test_offered_curve_is_the_files(of):
    rows = many()
    d = demand(of(rows))
    assert (d.offered == counted(rows, d.times_s)).all()
    assert d.peak_viewers == counted(rows, rows[:, 0][rows[:, 0] < 600].clip(0)).max()


def test_the_show_is_as_long_as_the_file_where_nothing_is_said(of):
    d = demand(of(["0,30", "100,57"], "promotion.duration_s=null"))
    assert d.duration_s == 157
    with pytest.raises(ScenarioError, match=r"night\.csv' is 1e\+09 s long, a show is 1 to"):
        demand(of(["0,30", "100,1e9"], "promotion.duration_s=null"))


def test_viewers_after_the_end_are_left_out_by_line(of):
    scenario = of(["0,30", "600,57", "599,5", "700,1"])
    assert len(draw_audience(scenario, 0).viewers) == demand(scenario).arrivals == 2
    assert left_out(scenario.audience, 600) == [3, 5]
    with pytest.raises(
        ScenarioError, match=r"600: the first viewer of audience\.file comes at 700"
    ):
        demand(of(["700,1"]))


def test_orders_are_reckoned_from_viewers_and_not_from_lines(of):
    """Of visits of seconds a curve through bin edges sees nothing, or far too much."""
    scenario = of([f"{30 * k + 10},7" for k in range(20)])
    rates = order_rates(scenario.promotion, scenario.commerce, 600)
    came = np.array([30 * k + 10 for k in range(20)], float)
    mass = (rates.cumulative(came + 7) - rates.cumulative(came)).sum(axis=0)
    assert wished(demand(scenario), rates) == pytest.approx(mass)


def test_a_perfect_night_sells_what_is_expected(of):
    rows = many(1500)
    pay = "commerce.payment={never_share: 0, mean_s: 0.001, within_s: 9}"
    for peak in (None, 150, 1200):
        scenario = of(rows, "promotion.expected_gmv_cny=200000", pay, peak=peak)
        nights = [draw_audience(scenario, r).orders["value_cny"].sum() for r in range(40)]
        error = np.std(nights, ddof=1) / 40**0.5
        assert abs(np.mean(nights) - 200000) < 4 * error < 20000


# --- who comes ------------------------------------------------------------------------------------


def test_each_row_is_used_exactly_once_at_its_own_peak(of):
    rows = many()
    for replication in (0, 1):
        v = draw_audience(of(rows), replication).viewers
        assert sorted(v["row"]) == list(range(len(rows)))
        row = rows[v["row"]]
        assert (v["arrival_s"] == row[:, 0].clip(0)).all()
        assert (v["intention_s"] == row[:, 1] + row[:, 0].clip(max=0)).all()
        assert ((v["bin"] < 0) == (row[:, 0] < 0)).all()
        assert (v["exit_s"] == 600).all(), "no mass exit takes a viewer of a file"
        assert len(np.unique(v[["bin", "j"]])) == len(rows)
    own = demand(of(rows)).own_peak
    assert (draw_audience(of(rows, peak=own), 1).viewers == v).all()


def test_a_smaller_peak_is_an_even_part_of_a_larger_one(of):
    rows = many()
    own = demand(of(rows)).own_peak
    before = draw_audience(of(rows), 3).viewers
    for share in (0.8, 0.5, 0.1):
        d = demand(of(rows, peak=round(own * share)))
        v = draw_audience(of(rows, peak=round(own * share)), 3).viewers
        assert np.isin(v, before).all()
        assert len(v) == pytest.approx(d.arrivals, abs=2)
        there = counted(rows[v["row"]], d.times_s)
        assert np.abs(there - d.offered).max() < 0.05 * own * share + 3
        before = v


def test_beyond_its_peak_rows_are_repeated_within_their_step(of):
    rows = many()
    own = demand(of(rows)).own_peak
    once = draw_audience(of(rows), 3).viewers
    scenario = of(rows, peak=round(2.5 * own))
    v = draw_audience(scenario, 3).viewers
    assert np.isin(once, v).all()
    assert set(np.bincount(v["row"])) == {2, 3}
    assert len(v) == pytest.approx(2.5 * len(rows), rel=0.01)
    assert len(np.unique(v[["bin", "j"]])) == len(v), "a key of their own"
    assert (np.diff(v["bin"]) >= 0).all()
    came = rows[v["row"], 0]
    moved = v["arrival_s"] != came.clip(0)
    assert (np.floor(v["arrival_s"] / 30) == np.floor(came.clip(0) / 30)).all()
    assert moved.mean() == pytest.approx(1.5 / 2.5 * (rows[:, 0] >= 0).mean(), abs=0.02)
    assert demand(scenario).arrivals == pytest.approx(len(v), abs=2)


def test_a_sample_is_a_part_of_the_night_and_worth_all_of_it(of):
    rows = many()
    whole = draw_audience(of(rows), 0)
    part = draw_audience(of(rows, "audience.sample=0.25"), 0)
    assert np.isin(part.viewers, whole.viewers).all()
    assert len(part.viewers) == pytest.approx(len(rows) / 4, abs=2)
    worth = part.orders["value_cny"].sum() * part.order_weight
    assert worth == pytest.approx(whole.orders["value_cny"].sum())


def test_what_the_file_says_holds_and_the_rest_is_drawn(of):
    drawn = draw_audience(of(["1,60", "2,60", "3,60"]), 0).viewers
    *_, link = load_scenario(*SMALL).network.mix or {}
    rows = [f"1,60,west,unicom,{link},720,yes", "2,60,,,,,", f"3,60,east,telecom,{link},1080,0"]
    scenario = of(rows, columns="arrival_s,stay_s,region,isp,class,device,interactive")
    v = draw_audience(scenario, 0).viewers
    who = scenario.audience
    assert [who.every_region[k] for k in v["region"][[0, 2]]] == ["west", "east"]
    assert [who.every_isp[k] for k in v["isp"][[0, 2]]] == ["unicom", "telecom"]
    assert [who.every_device[k][0] for k in v["device"][[0, 2]]] == [720, 1080]
    assert v["interactive"][[0, 2]].tolist() == [True, False]
    assert [list(scenario.network.mix)[k] for k in v["access"][[0, 2]]] == [link, link]
    assert v[1] == drawn[1] and (v[["bin", "j", "intent"]] == drawn[["bin", "j", "intent"]]).all()


COHORTS = (
    "audience.cohorts=[{name: fans, share: 0.3, devices: {480: {share: 1, top_mbps: 0.8}}},"
    "{name: others, share: 0.7}]"
)


def test_viewers_of_a_cohort_are_a_part_by_itself(of):
    rows = ["1,60,others", "2,30,fans", "-3,60,fans"]
    scenario = of(rows, COHORTS, columns="arrival_s,stay_s,cohort")
    fans, others = demand(scenario).parts
    assert (fans.name, fans.initial, others.initial) == ("fans", 1, 0)
    assert (fans.offered[:2].tolist(), others.offered[:2].tolist()) == ([1, 2], [0, 1])
    v = draw_audience(scenario, 0).viewers
    assert v["cohort"].tolist() == [0, 0, 1]
    assert [scenario.audience.every_device[k][0] for k in v["device"][:2]] == [480, 480]


WRONG = {
    "region": ("mars", r"'mars' is none of audience\.regions: east, south, north, west$"),
    "isp": ("att", r"'att' is none of audience\.isps: mobile, telecom, unicom$"),
    "class": ("5g", r"'5g' is none of network\.mix: "),
    "device": ("4k", r"'4k' is none of audience\.devices: 1080, 720$"),
    "interactive": ("maybe", r"'maybe' is none of what it may be: false, true, no, yes, 0, 1$"),
    "cohort": ("fans", r"'fans' is none of audience\.cohorts: there is none$"),
}


@pytest.mark.parametrize("column", WRONG)
def test_a_name_that_the_scenario_has_not_is_refused(of, column):
    name, said = WRONG[column]
    scenario = of(["0,1,", f"1,1,{name}"], columns=f"arrival_s,stay_s,{column}")
    with pytest.raises(ScenarioError, match=rf"night\.csv, line 3, column {column}: {said}"):
        draw_audience(scenario, 0)
    with pytest.raises(ScenarioError, match=said):
        list(traits(scenario))


def test_with_cohorts_each_viewer_must_be_of_one(of):
    said = "line 3: column cohort must say of each .*: fans, others"
    with pytest.raises(ScenarioError, match=said):
        demand(of(["0,1,fans", "1,1,"], COHORTS, columns="arrival_s,stay_s,cohort"))
    with pytest.raises(ScenarioError, match="line 2: column cohort must say"):
        demand(of(["0,1"], COHORTS))


# --- through the engine ---------------------------------------------------------------------------


def written(scenario):
    """A drawn night as rows of a file, all columns given."""
    who, v = scenario.audience, draw_audience(scenario, 0).viewers
    mix, w = list(scenario.network.mix), v["intention_s"]
    there = v["bin"] < 0
    rows = zip(
        np.where(there, -w, v["arrival_s"]).tolist(), np.where(there, 2 * w, w).tolist(),
        (who.every_region[k] for k in v["region"]), (who.every_isp[k] for k in v["isp"]),
        (mix[k] for k in v["access"]), (who.every_device[k][0] for k in v["device"]),
        v["interactive"].tolist(), strict=True,
    )  # fmt: skip
    return [",".join(map(str, row)) for row in rows]


WIDE = ("promotion.peak_viewers=300", "vendors.budget.limits.egress_mbps=300")


def test_a_drawn_night_read_from_a_file_is_the_same_night(of):
    """To the bit, orders too once the rate is the drawn night's: it is solved for the curve there,
    and for the viewers who came here."""
    drawn = load_scenario(*SMALL, *WIDE, "promotion.expected_gmv_cny=90000")
    there = draw_audience(drawn, 0)
    columns = COLUMNS.removesuffix(",cohort,path")
    read = of(written(drawn), WIDE[1], "promotion.expected_gmv_cny=90000", columns=columns)
    here = draw_audience(read, 0)
    keys = [key for key in AUDIENCE.names if key != "row"]
    assert (here.viewers[keys] == there.viewers[keys]).all()
    times = there.base_per_s / here.base_per_s
    assert times == pytest.approx(1, abs=0.1)
    script = read.promotion.model_copy(update={"expected_gmv_cny": 90000 * times})
    a, b = run_once(drawn), run_once(read.model_copy(update={"promotion": script}))
    assert a.sessions["frozen_s"].sum() > 0
    assert [key for key in same(a, b) if not key.startswith("facts")] == []


def test_engines_agree_on_a_night_of_a_file(of):
    limits = ("vendors.budget.limits.sessions=150", "vendors.budget.limits.joins_per_s=2")
    scenario = of(many(600), *limits, "engine.check=true")
    exact = run_once(scenario, kind="exact")
    assert exact.sessions["failed"].sum() > 0
    for epoch_s in (0.1, 10.0):
        assert same(exact, run_once(scenario, kind="fast", epoch_s=epoch_s)) == []


def test_a_viewer_begins_with_the_path_that_the_file_names(of):
    """A vendor without one of the name lets them in as ever."""
    hybrid = ("vendors=[hybrid]", "network=home")
    said = ["rtc", "cdn", "nobodys", ""]
    rows = [f"{k},300,no,{path}" for k, path in enumerate(said)]
    scenario = of(rows, *hybrid, columns="arrival_s,stay_s,interactive,path")
    r = run_once(scenario)
    inside = r.usage[r.usage["meter"] == "users"].groupby("path")["value"].sum()
    assert inside.to_dict() == {"rtc": 1, "cdn": 3}
