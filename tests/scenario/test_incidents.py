"""What the scenario schedules to break, and whom it concerns."""

from __future__ import annotations

import pytest

from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario

OURS = "+vendors.budget.serves.abroad=[overseas]"


def scheduled(what: str, where: str = "", vendor: str = "null") -> str:
    at = f"where: '{where}', vendor: {vendor}, time_s: 60, duration_s: 30, left: 0"
    return f"incidents=[{{name: it, what: {what}, {at}}}]"


@pytest.mark.parametrize(
    ("incident", "felt_by"),
    [
        (scheduled("host_uplink"), {"agora", "budget"}),
        (scheduled("isp", "telecom"), {"agora", "budget"}),
        (scheduled("region", "cn"), {"agora", "budget"}),
        (scheduled("edge", "cn.telecom"), {"agora", "budget"}),
        (scheduled("region", "abroad"), {"budget"}),
        (scheduled("edge", "abroad.telecom"), {"budget"}),
        (scheduled("region", "cn", "agora"), {"agora"}),
    ],
)
def test_incident_is_felt_by_vendors_that_have_what_breaks(
    incident: str, felt_by: set[str]
) -> None:
    scenario = load_scenario("vendors=[agora,budget]", OURS, incident)
    assert {name for name in scenario.vendors if scenario.incidents_of(name)} == felt_by


@pytest.mark.parametrize(
    ("incident", "says"),
    [
        (scheduled("region", "mars"), "'mars' is no region"),
        (scheduled("edge", "cn"), "'cn' is no edge"),
        (scheduled("isp", "nobody"), "'nobody' is no isp"),
        (scheduled("host_uplink", "cn"), "host_uplink has no where"),
        (scheduled("region", "cn", "stranger"), "'stranger' is not compared"),
    ],
)
def test_an_incident_that_hits_nothing_is_refused_by_name(incident: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        load_scenario("vendors=[agora,budget]", incident)
