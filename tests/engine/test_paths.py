"""Two paths side by side: who is on which, what overflows, and what they share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from sim.record import Reason, Run
from sim.scenario import ScenarioError
from tests.engine.nights import CDN, HYBRID, STEADY, night, run_once

FOR_ALL = ("vendors=[hybrid]", "vendors.hybrid.paths.rtc.takes=everyone")
ONE_PICTURE = "vendors.hybrid.paths.cdn.layers=[]"
RTC_MBPS = 1.0 * 1.06 * 1.1
"""What one RTC viewer takes on the wire, FEC included."""

CDN_MBPS = 2.0 * 1.05


def on_rtc(run: Run) -> NDArray[np.bool_]:
    """On the steady night: nobody on the CDN is nearer to live than two seconds, on RTC all are."""
    return np.asarray(run.sessions["latency_s"] < 2.0)


def wire(run: Run) -> pd.DataFrame:
    """Mbps by ten-second bin within the show (rows) and path."""
    u = run.usage[(run.usage["meter"] == "wire_mbps") & (run.usage["time_s"] < 300)]
    return u.pivot_table(index="time_s", columns="path", values="value", aggfunc="sum")


def test_viewers_beyond_first_paths_quota_overflow_to_second() -> None:
    r = run_once(night(*STEADY, *FOR_ALL, "vendors.hybrid.limits.sessions=100"))
    assert len(r.sessions) > 200
    assert on_rtc(r)[:100].all() and not on_rtc(r)[100:].any()


@pytest.mark.parametrize(
    "limit",
    [
        ("sessions=60",),
        ("joins_per_s=1", "policy.joins_per_s=overflow"),
        ("egress_mbps=60",),
    ],
    ids=["sessions", "joins a second", "egress"],
)
def test_nobody_is_refused_while_the_second_path_has_room(limit: tuple[str, ...]) -> None:
    keys = [f"vendors.hybrid.{'' if 'policy' in k else 'limits.'}{k}" for k in limit]
    r = run_once(night("promotion.peak_viewers=300", *FOR_ALL, *keys))
    s = r.sessions
    assert any(key.startswith("binding_limit_s") for key in r.facts)
    assert (s["failed"] == 0).all()
    assert (s["waiting_s"] < 1).all(), "the answer of a server, no room before it"
    assert (wire(r)[["cdn", "rtc"]] > 0).all().all()


def test_two_full_paths_refuse_viewers_and_keep_their_quotas() -> None:
    r = run_once(night("promotion.peak_viewers=400", *HYBRID, f"{CDN}limits.sessions=150"))
    assert (r.sessions["reason"] == Reason.REFUSED).any()
    most = r.usage[r.usage["meter"] == "peak_connections"].set_index("path")["value"]
    assert most.to_dict() == {"rtc": 60, "cdn": 150}
    assert wire(r)["rtc"].max() <= 60 * RTC_MBPS * 1.01  # link loss is sent again
    assert wire(r)["cdn"].max() <= 150 * CDN_MBPS * 3, "catching up takes at most three times"


def test_path_for_interactive_viewers_has_exactly_them() -> None:
    r = run_once(night(*STEADY, *HYBRID[:2]))
    assert 50 < r.sessions["interactive"].sum() < 150
    assert (on_rtc(r) == r.sessions["interactive"]).all()


def test_interactive_viewers_overflow_from_their_full_path() -> None:
    """Nobody else takes the places they leave free."""
    few = run_once(night(*STEADY, *HYBRID))
    assert on_rtc(few).sum() == 60 and few.sessions["interactive"][on_rtc(few)].all()
    room = run_once(night(*STEADY, *HYBRID[:2], "vendors.hybrid.limits.sessions=1000"))
    assert on_rtc(room).sum() == room.sessions["interactive"].sum()


def test_latency_is_that_of_the_path() -> None:
    """Upstream, half a round trip of 25 ms, and how far behind live the player keeps."""
    r = run_once(night(*STEADY, *HYBRID))
    expected = np.where(on_rtc(r), 0.25 + 0.0125 + 0.4, 0.5 + 0.0125 + 4.0)
    assert r.sessions["latency_s"] == pytest.approx(expected)


def test_what_is_billed_adds_up_on_each_path() -> None:
    r = run_once(night("promotion.peak_viewers=300", *HYBRID[:2]))
    s, u = r.sessions, r.usage
    assert set(u["path"]) == {"rtc", "cdn"}
    for path, who in (("rtc", s["interactive"]), ("cdn", ~s["interactive"])):
        mine = u[u["path"] == path]
        minutes = mine[mine["meter"] == "viewer_minutes"].set_index("class")["value"]
        inside = s["play_s"] + s["frozen_s"] + s["starting_s"]
        assert minutes.sum() * 60 == pytest.approx(inside[who].sum(), rel=1e-6)
        assert minutes["audio"] * 60 == pytest.approx(s["starting_s"][who].sum(), rel=1e-4)
        gb = mine.loc[mine["meter"] == "egress_gb", "value"].sum()
        assert gb * 8e3 == pytest.approx(wire(r)[path].sum() * 10)
    cdn_mb = s["media_mb"][~s["interactive"]].sum() * 1.05
    assert wire(r)["cdn"].sum() * 10 == pytest.approx(cdn_mb, rel=1e-4)
    assert u.loc[(u["path"] == "rtc") & (u["class"] == "full_hd")].empty
    assert u.loc[u["class"] == "full_hd", "value"].sum() > 0


# --- what they share ------------------------------------------------------------------------------


@pytest.mark.parametrize("on_udp", [0, 50, 150, 200])
def test_udp_sends_first_and_tcp_fills_the_rest_of_a_region(on_udp: int) -> None:
    capacity = 200.0
    r = run_once(
        night(*STEADY, *FOR_ALL, ONE_PICTURE,
              f"vendors.hybrid.limits.sessions={max(on_udp, 0.5)}",
              f"++vendors.hybrid.regions.cn.egress_mbps={capacity}",
              "vendors.hybrid.policy.egress_mbps=degrade")
    )  # fmt: skip
    udp = min(on_udp * RTC_MBPS, capacity)
    mbps = wire(r)[10:]
    assert mbps["cdn"].to_numpy() == pytest.approx(np.full(len(mbps), capacity - udp), abs=1e-3)
    assert r.facts["binding_limit_s.egress_region"] == 300, "the whole show and no longer"
    got = mbps["rtc"].to_numpy() if on_udp else np.zeros(len(mbps))
    assert got == pytest.approx(np.full(len(mbps), udp), abs=1e-3)


def test_each_paths_egress_is_its_own() -> None:
    r = run_once(
        night(*STEADY, *FOR_ALL, ONE_PICTURE,
              "vendors.hybrid.limits.egress_mbps=100", f"{CDN}limits.egress_mbps=150")
    )  # fmt: skip
    seats = int(100 / RTC_MBPS)
    assert on_rtc(r).sum() == seats
    assert wire(r)["rtc"].to_numpy() == pytest.approx(seats * RTC_MBPS)
    assert wire(r)["cdn"].to_numpy() == pytest.approx(150, rel=1e-3)
    assert (r.sessions["frozen_s"][on_rtc(r)] == 0).all()
    assert (r.sessions["frozen_s"][~on_rtc(r)] > 0).all()


def test_the_second_paths_gate_and_policy_are_its_own() -> None:
    def at(policy: str) -> Run:
        return run_once(
            night("promotion.peak_viewers=300", *HYBRID, f"{CDN}limits.joins_per_s=1",
                  f"{CDN}policy.joins_per_s={policy}")
        )  # fmt: skip

    queue, refuse = at("queue").sessions, at("refuse").sessions
    assert (queue["failed"] == 0).all() and queue["waiting_s"].max() > 2
    assert refuse["failed"].sum() > 0
    free = run_once(night("promotion.peak_viewers=300", *HYBRID)).sessions["waiting_s"]
    assert free.max() < 1


def test_two_paths_that_both_reserve_the_same_region_are_refused() -> None:
    with pytest.raises(ScenarioError, match="at least one of their policies must be degrade"):
        night(
            "vendors=[hybrid]",
            "++vendors.hybrid.regions.cn.egress_mbps=100",
            "++vendors.hybrid.paths.cdn.policy.egress_mbps=refuse",
        )
