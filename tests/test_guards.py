"""Nothing is told that has no row: every number of a limit, every figure of a table."""

import pytest

from sim.api import simulate
from sim.catalogue.language import languages, words
from sim.metrics import COSTS, RESULTS, RISK, TABLES, spec_of
from sim.scenario.compose import load_scenario
from sim.scenario.incidents import IncidentKind
from sim.scenario.limits import LIMIT_NAMES, Limit, everywhere
from sim.scenario.vendor import Limits, Origin, Own, RegionLimits, Vendor


def keys_of_limits() -> set[str]:
    """Where a profile can have the number of a limit."""
    own = [key for key in Own.model_fields if key.endswith("_per_s")]
    found = {f"own.{key}" for key in own}
    found |= {f"regions.<region>.{key}" for key in RegionLimits.model_fields}
    found |= {"edges.<region>.<isp>.egress_mbps", "paths.<path>.origin.egress_mbps"}
    found |= {f"limits.{key}" for key in Limits.model_fields}
    return found


def test_every_number_of_a_limit_in_a_profile_has_a_row():
    rows = {key.replace("<limits>", "limits") for limit in Limit for key in limit.spec.keys}
    assert rows == keys_of_limits()
    assert "egress_mbps" in Origin.model_fields


def test_every_limit_has_a_name_and_a_label_of_its_own():
    assert len(set(LIMIT_NAMES)) == len(Limit)
    for say in map(words, languages()):
        assert len({say(f"limit-{name}") for name in LIMIT_NAMES}) == len(Limit)
    assert [limit.value for limit in sorted(Limit)] == list(range(len(Limit)))


@pytest.mark.parametrize("limit", [one for one in Limit if one.spec.policies], ids=str)
def test_a_policy_of_a_limit_is_one_a_profile_can_choose(limit):
    group, _, key = limit.spec.policy_key.partition(".")
    schema = Vendor.model_json_schema()["$defs"]["Own" if group == "own" else "Policy"]
    assert schema["properties"][key]["enum"] == list(limit.spec.policies)


@pytest.mark.parametrize(
    ("key", "limit"),
    [
        ("limits.package_gb", Limit.PACKAGE),
        ("regions.cn.egress_mbps", Limit.EGRESS_REGION),
        ("edges.cn.telecom.egress_mbps", Limit.EGRESS_EDGE),
    ],
)
def test_a_limit_is_found_wherever_a_profile_has_it(key, limit):
    scenario = load_scenario("vendors=[budget]", f"++vendors.budget.{key}=50")
    (found,) = (one for one in everywhere(limit, scenario.vendors["budget"]) if one.key == key)
    assert found.number.value == 50


def test_names_of_regions_and_vendors_may_have_dots():
    vendor = load_scenario("vendors=[budget]").vendors["budget"].model_dump()
    (regions,) = vendor["serves"].values()
    vendor |= {
        "serves": {"cn.north": regions}, "regions": {"cn.north": {"sessions": 5}},
        "edges": {"cn.north": {}},
    }  # fmt: skip
    (found,) = everywhere(Limit.SESSIONS, Vendor.model_validate(vendor))
    assert (found.key, found.number.value) == ("regions.cn.north.sessions", 5)
    assert spec_of("before.my.vendor") == spec_of("before.agora")


def test_every_figure_that_is_written_has_a_row():
    """A night with everything: incidents with a chance, draws, a ladder, two vendors."""
    night = simulate(
        "study=night", "study.ranges=none", "study.peaks=[0.5]", "bands.draws=2", "replications=1",
        "vendors=[agora,budget]", "study.reference_vendor=agora", "promotion.peak_viewers=60",
        "promotion.duration_s=600", "promotion.drops=[]", "engine.epoch_s=5",
        "vendors.budget.limits.egress_mbps=20",
        "incidents=[{name: a, what: region, where: cn, time_s: 300, duration_s: 60, left: 0, "
        "chance: 0.1}]",
    )  # fmt: skip
    written = set(night.results["metric"]) | set(night.costs["metric"]) | set(night.risk["metric"])
    written |= set(night.summary["metric"]) | set(night.breakdown["metric"])
    seen = {spec_of(name) for name in written}
    rare = {"granted_lost_gmv_cny", "held_peak_lost_ratio"}
    assert {spec.name for spec in {*RESULTS, *COSTS, *RISK} - seen} <= rare
    assert {spec_of(name, "timeseries") for name in night.timeseries["metric"]} <= set(
        TABLES["timeseries"]
    )
    assert {spec_of(name, "asks") for name in night.asks["what"]} == set(TABLES["asks"])


def test_a_figure_without_a_row_is_refused():
    with pytest.raises(ValueError, match="made_up"):
        spec_of("made_up")


def test_every_kind_of_incident_says_where_it_strikes():
    for kind in IncidentKind:
        assert all(words(language).has(f"incident-{kind}") for language in languages())
        places = kind.places(["cn", "eu"], ["a", "b"])
        assert places is None or len(places) == 4
