"""The vendor of each world."""

from __future__ import annotations

from typing import Any

from sim.commerce import worlds
from sim.record import WORLDS
from sim.scenario.model import Incident
from sim.scenario.vendor import Limits, Own, Vendor


def profile(**more: Any) -> Vendor:
    path = {
        "transport": "tcp", "player": "flv", "bitrate_mbps": 2, "height": 720, "overhead": 0.1,
        "link_share": 0.9, "catch_up": 2, "upstream_s": 1, "gop_s": 2, "start_buffer_s": 1,
        "join_round_trips": 3, "join_server_s": 0.1, "delay_s": 5, "resume_buffer_s": 1,
        "speed_up": 0,
    }  # fmt: skip
    line = {
        "name": "GB", "meter": "egress_gb", "reduction": "sum", "semantics": "graduated",
        "tiers": [{"price": 1}],
    }  # fmt: skip
    return Vendor.model_validate(
        {
            "name": "v",
            "serves": {"cn": ["east"]},
            "paths": {"cdn": path},
            "policy": {"refusal_s": 0.1},
            "tariffs": {"t": {"name": "t", "currency": "CNY", "lines": [line]}},
            **more,
        }
    )


def test_vendor_world_lifts_every_limit_and_nothing_else() -> None:
    vendor = profile(
        limits={"sessions": 10, "egress_mbps": 20, "joins_per_s": 1},
        regions={"cn": {"sessions": 5}},
        edges={"cn": {"telecom": {"egress_mbps": 7}}},
        own={"joins_per_s": 3, "orders_per_s": 3},
    )
    free = worlds(vendor)["vendor"]
    assert free is not None
    assert (free.limits, free.regions, free.edges, free.own) == (Limits(), {}, {}, Own())
    lifted = {"limits", "regions", "edges", "own"}
    assert free.model_dump(exclude=lifted) == vendor.model_dump(exclude=lifted)


def test_worlds_stand_in_order_and_first_two_need_no_vendor() -> None:
    ladder = worlds(profile(limits={"sessions": 10}))
    assert tuple(ladder) == WORLDS
    assert ladder["perfect"] is None and ladder["links"] is None


def test_world_that_needs_no_own_run_is_the_same_object() -> None:
    limited, unlimited = profile(limits={"sessions": 10}), profile()
    assert worlds(limited)["limits"] is worlds(limited)["incidents"] is limited
    assert worlds(limited)["vendor"] is not limited
    assert worlds(unlimited)["vendor"] is unlimited


def test_capacity_that_changes_is_lifted_with_the_limits() -> None:
    path = profile().path.model_dump() | {
        "background_load": [[0, 0.5]],
        "fleet": {"nodes": 2, "node_mbps": 9, "cascades": True},
        "origin": {"egress_mbps": 9, "fetch_s": 1, "coalesced": True, "leak_share": 0},
    }
    vendor = profile(
        paths={"cdn": path}, limits={"egress_growth_mbps_per_min": 5, "node_viewers": 5}
    )
    assert worlds(vendor)["vendor"] == profile()


def incident(what: str, where: str = "", vendor: str | None = None) -> Incident:
    return Incident.model_validate(
        {"name": "it", "what": what, "where": where, "vendor": vendor,
         "time_s": 1, "duration_s": 1, "left": 0}
    )  # fmt: skip


def test_an_incident_gives_the_last_world_a_run_of_its_own() -> None:
    vendor = profile(limits={"sessions": 10})
    ladder = worlds(vendor, [incident("host_uplink")])
    assert ladder["incidents"] is not ladder["limits"]
    assert ladder["incidents"] == ladder["limits"] == vendor


def test_the_limits_of_the_second_path_are_lifted_too() -> None:
    second = profile().path.model_dump() | {
        "limits": {"egress_mbps": 5},
        "policy": {"refusal_s": 0.1},
    }
    vendor = profile(paths={"cdn": profile().path.model_dump(), "other": second})
    assert vendor.paths["other"].limits is not None
    free = worlds(vendor)["vendor"]
    assert free is not None and free.paths["other"].limits is None
