"""Revenue at risk: known distributions, and what of it a night must give back."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.scenario.compose import load_scenario
from sim.scenario.model import Scenario
from sim.study import run_study
from sim.study.risk import at_risk, peaks_of, ratio, statistics_of
from sim.study.variants import Stratum, strata

EVEN = (np.arange(200_000) + 0.5) / 200_000
WEIGHTS = np.full(len(EVEN), 1 / len(EVEN))


@pytest.mark.parametrize(
    ("law", "shortfall"),
    [
        (stats.expon(), 1 + log(20)),  # what is beyond P95 is again exponential
        (stats.uniform(), 0.975),
        (stats.norm(), stats.norm.pdf(stats.norm.ppf(0.95)) / 0.05),
        (stats.lognorm(0.5), exp(0.125) * stats.norm.cdf(0.5 - stats.norm.ppf(0.95)) / 0.05),
    ],
)
def test_the_figures_of_a_known_distribution(law: Any, shortfall: float) -> None:
    s = statistics_of(law.ppf(EVEN), WEIGHTS)
    assert s["mean"] == pytest.approx(law.mean(), abs=1e-3)
    assert s["p50"] == pytest.approx(law.median(), abs=1e-3)
    assert s["p95"] == pytest.approx(law.ppf(0.95), abs=1e-3)
    assert s["es95"] == pytest.approx(shortfall, rel=1e-3)


def test_rare_disaster_is_in_the_shortfall_not_in_the_quantile() -> None:
    s = statistics_of(np.array([100.0, 0.0]), np.array([0.03, 0.97]))
    assert (s["mean"], s["p95"], s["p97"], s["p98"]) == (3, 0, 0, 100)
    assert s["es95"] == pytest.approx(60)  # 3 of the worst 5 nights in 100


def test_quantiles_rise_and_shortfall_lies_beyond_the_95th() -> None:
    values = np.random.default_rng(1).normal(size=500)
    s = statistics_of(values, np.full(500, 1 / 500))
    quantiles = [s[f"p{k}"] for k in range(1, 100)]
    assert quantiles == sorted(quantiles)
    assert s["p95"] < s["es95"] < values.max()


# --- over the peak --------------------------------------------------------------------------------

PEAK, PRICE = 20_000, 100.0


def night(sigma: float, *more: str, vendors: str = "budget") -> Scenario:
    return load_scenario(f"vendors=[{vendors}]", f"promotion.peak_sigma={sigma}", *more)


def nights(
    lost: Callable[[float], float],
    peaks: tuple[float, ...] = (0.25, 0.5, 1, 1.5, 4),
    vendor: str = "budget",
    luck: tuple[float, ...] = (1.0,),
) -> pd.DataFrame:
    """Results of nights that sell 100 CNY a viewer and lose so much of it at each peak."""
    rows = []
    for replication, times in enumerate(luck):
        for peak in (p * PEAK for p in peaks):
            sold, gone = PRICE * peak, times * lost(peak)
            figures = {
                "perfect_gmv_cny": sold,
                "gmv_cny": 0.98 * sold - gone,  # own links cost 2 %
                "lost_gmv_cny": 0.02 * sold + gone,
                "revenue_at_risk_cny": gone,
            }
            if peak == PEAK:
                figures["lost_gmv_cny.links"] = 0.02 * sold
            rows += [(vendor, int(peak), replication, k, v) for k, v in figures.items()]
    columns = ["vendor", "peak_viewers", "replication", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def figures(results: pd.DataFrame, scenario: Scenario, column: str = "value") -> dict[str, float]:
    found = at_risk(results, pd.DataFrame(), scenario)
    rows = found[found["metric"] == "revenue_at_risk_cny"]
    return dict(zip(rows["statistic"], rows[column], strict=True))


def test_a_peak_that_is_certain_gives_the_night_itself() -> None:
    s = figures(nights(lambda peak: 0.3 * PRICE * peak), night(0.0))
    assert set(s.values()) == {0.3 * PRICE * PEAK}


def test_what_grows_with_the_crowd_is_as_lognormal_as_the_crowd() -> None:
    s = figures(nights(lambda peak: 10 * peak), night(0.25))
    crowd, z = 10 * PEAK, stats.norm.ppf(0.95)
    assert s["mean"] == pytest.approx(crowd * exp(0.25**2 / 2), rel=1e-3)
    assert s["p50"] == pytest.approx(crowd, rel=1e-3)
    assert s["p95"] == pytest.approx(crowd * exp(0.25 * z), rel=1e-3)
    shortfall = crowd * exp(0.25**2 / 2) * stats.norm.cdf(0.25 - z) / 0.05
    assert s["es95"] == pytest.approx(shortfall, rel=2e-3)


def test_a_plan_for_so_many_loses_what_the_newsvendor_would() -> None:
    """E (peak - bought)+ of a lognormal peak: Black's formula for a call."""
    bought, sigma = 1.5 * PEAK, 0.4
    s = figures(nights(lambda peak: PRICE * max(0.0, peak - bought)), night(sigma))
    d = (log(PEAK / bought) + sigma**2) / sigma
    mean = PEAK * exp(sigma**2 / 2) * stats.norm.cdf(d) - bought * stats.norm.cdf(d - sigma)
    assert s["mean"] == pytest.approx(PRICE * mean, rel=5e-3)
    assert s["p50"] == 0


def test_more_than_everything_can_not_be_lost() -> None:
    cliff = nights(lambda peak: PRICE * peak * (peak > PEAK), peaks=(0.5, 1, 1.2))
    s = figures(cliff, night(0.8))
    peak_99 = PEAK * exp(0.8 * stats.norm.ppf(0.99))
    assert s["p99"] == pytest.approx(PRICE * peak_99, rel=0.01)


def test_peaks_beyond_the_simulated_ones_are_said() -> None:
    results = nights(lambda peak: peak, peaks=(0.9, 1, 1.5))
    below, above = (figures(results, night(0.25), side)["mean"] for side in ("below", "above"))
    assert below == pytest.approx(stats.norm.cdf(log(0.9) / 0.25), abs=1e-3)
    assert above == pytest.approx(stats.norm.sf(log(1.5) / 0.25), abs=1e-3)
    assert peaks_of(PEAK, 0.0).tolist() == [PEAK]


def test_one_point_says_nothing_of_other_peaks() -> None:
    one = nights(lambda peak: peak, peaks=(1,))
    assert at_risk(one, pd.DataFrame(), night(0.25)).empty
    assert not at_risk(one, pd.DataFrame(), night(0.0)).empty


def test_nights_that_differ_have_an_interval_around_their_mean() -> None:
    results = nights(lambda peak: peak, luck=(0.9, 1.0, 1.1))
    assert figures(results, night(0.0))["mean"] == pytest.approx(PEAK)
    half = stats.t.ppf(0.975, 2) * 0.1 * PEAK / np.sqrt(3)
    assert figures(results, night(0.0), "ci_high")["mean"] - PEAK == pytest.approx(half)


def test_what_own_links_cost_is_no_vendors_fault_at_any_peak() -> None:
    results = nights(lambda _: 0.0)
    found = at_risk(results, pd.DataFrame(), night(0.25)).set_index(["metric", "statistic"])
    assert found.loc[("vendor_attributable_cny", "p95"), "value"] == pytest.approx(0, abs=1e-6)
    without = results[results["metric"] != "lost_gmv_cny.links"]
    assert set(at_risk(without, pd.DataFrame(), night(0.0))["metric"]) == {"revenue_at_risk_cny"}


# --- over incidents -------------------------------------------------------------------------------

CUT = "{{name: cut, what: region, where: cn, time_s: 300, duration_s: 200, left: 0, chance: {}}}"


def coded(chances: dict[Stratum, float]) -> dict[str, float]:
    return {str(stratum): chance for stratum, chance in chances.items()}


def test_strata_have_the_chances_of_independent_incidents() -> None:
    two = night(0.0, f"incidents=[{CUT.format(0.1)},{CUT.format(0.25)}]")
    assert coded(strata(two, "budget")) == pytest.approx(
        {"00": 0.675, "01": 0.225, "10": 0.075, "11": 0.025}
    )
    assert coded(strata(night(0.0), "budget")) == {"": 1.0}


def test_what_an_isp_or_the_host_breaks_is_not_the_vendors() -> None:
    """Own strata: nothing outside the vendor breaks, be it certain; what is left has its chance."""
    outside = (
        "{name: cable, what: isp, where: mobile, time_s: 300, duration_s: 200, left: 0}",
        "{name: host, what: host_uplink, time_s: 300, duration_s: 200, left: 0, chance: 0.4}",
    )
    scenario = night(0.0, f"incidents=[{','.join([*outside, CUT.format(0.25)])}]")
    assert coded(strata(scenario, "budget")) == pytest.approx(
        {"100": 0.45, "101": 0.15, "110": 0.3, "111": 0.1}
    )
    assert coded(strata(scenario, "budget", own=True)) == pytest.approx({"000": 0.75, "001": 0.25})


def test_incident_costs_what_its_nights_lose_in_addition() -> None:
    """Two that are independent: alone they lose 1,000 and 300 CNY, together 1,500."""
    two = night(0.0, f"incidents=[{CUT.format(0.1)},{CUT.format(0.25)}]")
    calm = nights(lambda _: 5000.0, peaks=(1,), luck=(0.9, 1.1))
    base = calm[calm["metric"] == "lost_gmv_cny"].set_index("replication")["value"]
    small = pd.DataFrame(
        [
            ("budget", PEAK, r, "stratum", of, "lost_gmv_cny", base[r] + more)
            for r in (0, 1)
            for of, more in (("10", 1000.0), ("01", 300.0), ("11", 1500.0))
        ],
        columns=[
            "vendor",
            "peak_viewers",
            "replication",
            "variant",
            "variant_key",
            "metric",
            "value",
        ],
    )
    found = at_risk(calm, small, two).set_index(["metric", "statistic"])["value"]
    first, second = 0.75 * 1000 + 0.25 * 1200, 0.9 * 300 + 0.1 * 500
    assert found["incidents.0.cost_cny", "if_it_happens"] == pytest.approx(first)
    assert found["incidents.1.cost_cny", "if_it_happens"] == pytest.approx(second)
    assert found["incidents.0.cost_cny", "mean"] == pytest.approx(0.1 * first)
    # Both, and what they do together, are what they add to the mean.
    added = 0.1 * first + 0.25 * 0.9 * 300 + 0.25 * 0.1 * 300
    assert found["revenue_at_risk_cny", "mean"] == pytest.approx(5000 + added)


def test_an_incident_of_one_vendor_costs_the_others_nothing() -> None:
    cut = CUT.format(0.3).replace("name", "vendor: agora, name")
    frames = small_run(f"incidents=[{cut}]", vendors="agora,budget")
    rows = frames.risk[frames.risk["metric"] == "incidents.0.cost_cny"]
    assert set(rows["vendor"]) == {"agora"}
    assert value_of(frames, "incidents.0.cost_cny", "mean") == pytest.approx(
        value_of(frames, "revenue_at_risk_cny"), abs=1e-6
    )


SMALL = (
    "promotion.peak_viewers=300", "promotion.duration_s=900", "replications=2", "study.peaks=[]",
    "bands.draws=2", "study.ranges=none", "promotion.peak_sigma=0",
)  # fmt: skip


def test_chance_incident_is_in_the_risk_but_on_no_night_shown() -> None:
    never, maybe, always = (small_run(f"incidents=[{CUT.format(c)}]") for c in ("0", "0.3", "null"))
    assert maybe.results.equals(small_run("incidents=[]").results)
    mean = {
        k: f.risk.set_index(["metric", "statistic"])["value"]["revenue_at_risk_cny", "mean"]
        for k, f in (("never", never), ("maybe", maybe), ("always", always))
    }
    assert mean["never"] == pytest.approx(0, abs=1e-6)
    assert mean["always"] > 0
    assert mean["maybe"] == pytest.approx(0.3 * mean["always"])
    row = maybe.risk.set_index(["metric", "statistic"]).loc[("revenue_at_risk_cny", "mean")]
    assert np.isnan([row["input_low"], row["input_high"]]).all()  # no draw moved it: never 0 to 0


def small_run(*more: str, vendors: str = "agora") -> Any:
    scenario = load_scenario(f"vendors=[{vendors}]", *SMALL, *more)
    return run_study(scenario, lambda *_: None)


def value_of(frames: Any, metric: str, statistic: str = "mean", vendor: str = "agora") -> float:
    rows = frames.risk.set_index(["vendor", "metric", "statistic"])["value"]
    return float(rows[vendor, metric, statistic])


@pytest.mark.parametrize(
    ("vendor", "keys", "sign"),
    [  # pictures that fit weak links better than the neutral player's; a plan too thin
        ("big_name", ["network=mobile"], -1),
        ("budget", ["vendors.budget.limits.egress_mbps=100"], 1),
    ],
)
def test_failing_host_uplink_costs_sales_and_blames_no_vendor(
    vendor: str, keys: list[str], sign: int
) -> None:
    host = "{{name: host,what: host_uplink,time_s: 300,duration_s: 200,left: 0,chance: {}}}"
    calm, fails, may_fail, cut = (
        small_run(f"incidents=[{broken}]", *keys, vendors=vendor)
        for broken in ("", host.format("null"), host.format(0.5), CUT.format("null"))
    )

    def own(frames: Any) -> float:
        return value_of(frames, "vendor_attributable_cny", vendor=vendor)

    def at_risk(frames: Any) -> float:
        return value_of(frames, "revenue_at_risk_cny", vendor=vendor)

    assert sign * own(calm) > 0
    assert own(fails) == pytest.approx(own(calm)) == own(may_fail)
    assert at_risk(fails) > at_risk(calm) + abs(own(calm)) / 10
    assert at_risk(may_fail) == pytest.approx((at_risk(fails) + at_risk(calm)) / 2)
    assert own(cut) - own(calm) == pytest.approx(at_risk(cut) - at_risk(calm))


def test_chance_counts_in_every_study_and_names_its_peaks() -> None:
    maybe = f"incidents=[{CUT.format(0.3)}]"
    compared = small_run("study=compare", "promotion.peak_sigma=0.25", maybe)
    assert value_of(compared, "revenue_at_risk_cny") == pytest.approx(
        value_of(small_run(maybe), "revenue_at_risk_cny")
    )
    assert set(compared.risk["peak_sigma"]) == {0.0}
    along = small_run("study=curve", "study.peaks=[0.5]", "promotion.peak_sigma=0.25", maybe)
    assert set(along.risk["peak_sigma"]) == {0.25}
    assert value_of(along, "revenue_at_risk_cny") > 0
    assert small_run("study=compare", "promotion.peak_sigma=0.25", "bands.draws=0").risk.empty


# --- who comes first ------------------------------------------------------------------------------


def together(vendor: str, how: str, of: str, replication: int, value: float) -> tuple[Any, ...]:
    return (vendor, PEAK, replication, how, of, "cost_and_lost_margin_cny", value)


def test_who_comes_first_is_asked_draw_by_draw_on_the_same_night() -> None:
    """Bands of the two overlap wholly; yet one comes first in three draws of four."""
    bills = {"agora": (100.0, 500.0), "budget": (150.0, 550.0)}
    drawn = {"agora": (0.0, 300.0, -90.0, 40.0), "budget": (10.0, 280.0, -200.0, 40.0)}
    results = pd.concat(
        [nights(lambda _: 0.0, vendor=v, luck=(1.0, 1.0)) for v in bills]
        + [
            pd.DataFrame(
                [(v, PEAK, r, "cost_and_lost_margin_cny", bill) for r, bill in enumerate(bills[v])],
                columns=["vendor", "peak_viewers", "replication", "metric", "value"],
            )
            for v in bills
        ]
    )
    rows = [together(v, "base", "", r, 7.0) for v in bills for r in range(2)]
    rows += [together(v, "drawn", str(k), k % 2, 7.0 + x) for v in bills
             for k, x in enumerate(drawn[v])]  # fmt: skip
    columns = ["vendor", "peak_viewers", "replication", "variant", "variant_key", "metric", "value"]
    scenario = night(0.25, vendors="agora,budget")
    found = at_risk(results, pd.DataFrame(rows, columns=columns), scenario)
    share = found.set_index(["vendor", "metric"])["value"]
    assert share["agora", "before.budget"] == 0.75  # all but the third: 10 against -50
    assert share["budget", "before.agora"] == 0.25
    alone = at_risk(results, pd.DataFrame(), scenario)
    assert not alone["metric"].str.startswith("before").any()


# --- a fee saved ----------------------------------------------------------------------------------


def test_a_loss_of_ten_times_the_fee_saved_is_ten() -> None:
    saved = np.array([900.0, 1100.0, 1000.0])
    assert ratio(10 * saved, saved) == pytest.approx((10, 10, 10))
    times, low, high = ratio(np.array([9e3, 10e3, 11e3]), saved)
    assert low < times == 10 < high
    assert np.isnan(ratio(saved, -saved)).all()


def test_the_reference_is_what_the_others_are_set_against() -> None:
    dear = nights(lambda _: 0.0, vendor="agora", luck=(1.0, 1.0))
    cheap = nights(lambda peak: 0.1 * PRICE * peak, luck=(0.9, 1.1))
    bills = [
        (vendor, PEAK, r, metric, value)
        for r in range(2)
        for vendor, metric, value in (
            ("agora", "cost_cny", 30_000.0), ("budget", "cost_cny", 10_000.0),
            ("agora", "lost_margin_cny", 0.0), ("budget", "lost_margin_cny", 40_000.0),
        )
    ]  # fmt: skip
    results = pd.concat([dear, cheap, pd.DataFrame(bills, columns=dear.columns)])
    scenario = night(0.0, "study.reference_vendor=agora", vendors="agora,budget")
    found = at_risk(results, pd.DataFrame(), scenario)
    budget = found[found["vendor"] == "budget"].set_index("metric")["value"]
    assert budget["fee_saved_cny"] == 20_000
    assert budget["lost_sales_more_cny"] == pytest.approx(200_000)
    assert budget["lost_sales_per_fee_saved"] == pytest.approx(10)
    assert budget["lost_margin_per_fee_saved"] == pytest.approx(2)
    assert not found.loc[found["vendor"] == "agora", "metric"].str.contains("fee").any()
