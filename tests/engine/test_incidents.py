"""Something breaks for a while: who is cut off, who comes back, and what is left to share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.record import Reason, Run, State
from sim.scenario.limits import Limit
from sim.scenario.model import Incident
from tests.engine.nights import FLV, LAYERED, STEADY, breaks, night, run_once, same

MBPS = 2.0 * 1.06
"""What one viewer of the small night takes on the wire."""

FOUR_S = (FLV[0].replace("delay_s:3.0", "delay_s:4.0"),)
"""FLV that keeps four seconds behind live."""

GHOST = "+vendors.budget.policy.ghost_s="


def isp(run: Run, name: str) -> NDArray[np.bool_]:
    return np.asarray(run.sessions["isp"] == run.names.isps.index(name))


def readings(run: Run, from_s: float, to_s: float) -> NDArray[np.float64]:
    """Wire Mbps of the ten-second bins between these times."""
    at = run.series["time_s"]
    return run.series.loc[(at >= from_s) & (at < to_s), "wire_mbps"].to_numpy()


def orders(run: Run, who: NDArray[np.bool_], from_s: float, to_s: float) -> NDArray[np.void]:
    """Orders these viewers wish for between these times."""
    o = run.orders
    return np.asarray(o[who[o["viewer"]] & (o["time_s"] > from_s) & (o["time_s"] < to_s)])


# --- down -----------------------------------------------------------------------------------------


def test_dead_edge_cuts_off_its_viewers_at_once_and_no_others() -> None:
    wishes = "promotion.orders_per_view=20"
    there = night("promotion.peak_viewers=300", wishes)
    broken = run_once(
        night("promotion.peak_viewers=300", wishes, breaks("edge cn.telecom 100.3 999 0"))
    )
    whole = run_once(there)
    s = whole.sessions
    at_it = isp(whole, "telecom") & (s["arrival_s"] < 100.3) & (s["left_s"] > 100.3)
    assert at_it.sum() > 50
    assert (broken.sessions["cuts"] == at_it).all()
    elsewhere = ~isp(whole, "telecom")
    assert broken.sessions[elsewhere].tobytes() == s[elsewhere].tobytes()
    before, after = orders(broken, at_it, 0, 100.3), orders(broken, at_it, 100.3, 300)
    assert (orders(whole, at_it, 0, 100.3)["state"] == before["state"]).all()
    assert np.isin(after["state"], (State.WAITING, State.GONE)).all()
    assert (after["limit"] == Limit.OUTAGE).all(), "also before the first attempt has failed"


def test_nobody_gets_in_at_a_dead_edge_until_it_is_mended() -> None:
    r = run_once(night("promotion.peak_viewers=300", breaks("edge cn.telecom 100.3 120.3 0")))
    s = r.sessions
    first_frame = (s["arrival_s"] + s["startup_s"])[isp(r, "telecom")]
    # One answer may have been on its way: it is cut off with the rest.
    assert not ((first_frame > 100.3) & (first_frame < 120.3)).any()
    assert (first_frame > 120.3).any()


@pytest.mark.parametrize("path", [(), FLV, LAYERED], ids=["rtc", "flv", "layers"])
def test_a_dead_region_is_silent_on_the_wire(path: tuple[str, ...]) -> None:
    r = run_once(night("promotion.peak_viewers=200", breaks("region cn 100 130 0"), *path))
    assert (readings(r, 100, 130) == 0).all()
    assert (readings(r, 0, 100) > 0).all() and (readings(r, 130, 300) > 0).all()


def test_viewers_cut_off_return_together_and_crowd_the_gate() -> None:
    """Viewers who are new then are refused in the rush too."""
    gate = ("vendors.budget.limits.joins_per_s=5", "vendors.budget.policy.joins_burst=5")
    calm = run_once(night("promotion.peak_viewers=300", *gate))
    storm = run_once(
        night("promotion.peak_viewers=300", *gate, breaks("edge cn.telecom 100 110 0"))
    )
    attempts = storm.series["attempts"].to_numpy()
    assert attempts[10] > 5 * attempts[5:10].max(), "after the rush of the first minute"
    s = storm.sessions
    later = ~isp(storm, "telecom") & (s["arrival_s"] > 100) & (s["arrival_s"] < 115)
    assert calm.sessions["failed"][later].sum() == 0 < s["failed"][later].sum()
    assert "binding_limit_s.joins_per_s" in storm.facts


def test_viewers_out_of_retries_before_the_mend_are_lost() -> None:
    """They are cut off for good; after a sooner mend most are back."""

    def fate(mended_s: float) -> NDArray[np.int8]:
        s = run_once(
            night("promotion.peak_viewers=300", breaks(f"region cn 100 {mended_s} 0"))
        ).sessions
        assert not (s["reason"][s["cuts"] == 0] == Reason.CUT_OFF).any()
        return np.asarray(s["reason"][s["cuts"] > 0])

    assert (fate(130) == Reason.CUT_OFF).all()
    assert (fate(101) == Reason.CUT_OFF).mean() < 0.1


def test_what_is_missed_on_the_way_back_is_the_outages() -> None:
    r = run_once(night(*STEADY, "promotion.orders_per_view=100", breaks("region cn 100 100.001 0")))
    missed = r.orders[r.orders["state"] == State.WAITING]
    assert len(missed) > 20, "an answer takes some round trips"
    assert (missed["limit"] == Limit.OUTAGE).all()


@pytest.mark.parametrize("ghost_s", [0, 10, 20])
def test_ghost_counts_against_its_quota_until_it_is_noticed(ghost_s: int) -> None:
    r = run_once(
        night(
            "promotion.peak_viewers=400",
            "vendors.budget.limits.sessions=200",
            f"{GHOST}{ghost_s}",
            "audience.retry.backoff_s=[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
            "audience.patience={free_s: 100, left_by: [[200, 0.5]]}",
            breaks("region cn 100 100.1 0"),
        )
    )
    joins = r.series["joins"].to_numpy()
    back = 10 + ghost_s // 10
    assert joins[10:back].sum() == 0
    assert joins[back] > 150
    usage = r.usage.set_index("meter")["value"]
    assert usage["peak_connections"] == 200


def test_without_a_quota_ghosts_stand_beside_returned_viewers() -> None:
    def peak(ghost_s: float) -> float:
        r = run_once(night(*STEADY, breaks("region cn 100 100.1 0"), f"{GHOST}{ghost_s}"))
        return float(r.usage.set_index("meter")["value"]["peak_connections"])

    viewers = peak(0)
    assert peak(60) == pytest.approx(2 * viewers, rel=0.05)


def test_two_that_overlap_keep_an_edge_down_until_both_are_over() -> None:
    r = run_once(
        night(
            "promotion.peak_viewers=300",
            breaks("edge cn.mobile 100 130 0", "region cn 90 110 0", "isp mobile 95 105 0"),
        )
    )
    s = r.sessions
    frame = s["arrival_s"] + s["startup_s"]
    down = np.where(isp(r, "mobile"), 130, 110)
    assert not ((frame > 90) & (frame < down)).any()
    assert (frame > down).any()


# --- what is left ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [(), FLV], ids=["udp", "tcp"])
@pytest.mark.parametrize("left", [0.3, 0.8])
def test_brown_out_leaves_a_share_of_the_load_until_it_ends(
    path: tuple[str, ...], left: float
) -> None:
    r = run_once(night(*STEADY, breaks(f"region cn 100 160 {left}"), *path))
    load = len(r.sessions) * MBPS
    assert r.sessions["initial"].all()
    assert readings(r, 0, 100) == pytest.approx(np.full(10, load))
    # FLV players first use up what they hold, RTC senders go on sending.
    assert readings(r, 110, 160) == pytest.approx(np.full(5, left * load), rel=1e-3)
    assert readings(r, 200, 300) == pytest.approx(np.full(10, load))
    assert r.facts["binding_limit_s.egress_region"] == pytest.approx(60, abs=1)
    assert (r.sessions["cuts"] == 0).all()
    assert (r.sessions["harm"] == Limit.EGRESS_REGION).all()


def test_brown_out_leaves_a_share_of_a_given_capacity() -> None:
    c = 150 * MBPS
    r = run_once(
        night(*STEADY, f"++vendors.budget.regions.cn.egress_mbps={c}", *FLV,
              breaks("region cn 100 160 0.5"))
    )  # fmt: skip
    assert readings(r, 50, 100) == pytest.approx(np.full(5, c), rel=1e-3)
    assert readings(r, 110, 160) == pytest.approx(np.full(5, c / 2), rel=1e-3)
    assert readings(r, 170, 290) == pytest.approx(np.full(12, c), rel=1e-3)


def test_an_isp_is_hit_on_its_own() -> None:
    whole = run_once(night("promotion.peak_viewers=300"))
    broken = run_once(night("promotion.peak_viewers=300", breaks("isp mobile 100 130 0.5")))
    hit = isp(whole, "mobile")
    assert broken.sessions[~hit].tobytes() == whole.sessions[~hit].tobytes()
    more = broken.sessions["frozen_s"] - whole.sessions["frozen_s"]
    assert more[hit].sum() > 500
    assert (orders(broken, hit, 0, 100)["limit"] <= Limit.LINK).all()


def test_where_two_overlap_the_worse_holds() -> None:
    c = 200 * MBPS
    r = run_once(
        night(*STEADY, f"++vendors.budget.regions.cn.egress_mbps={c}", *FLV,
              breaks("region cn 100 180 0.5", "region cn 120 140 0.2", "region cn 130 160 0.4"))
    )  # fmt: skip
    left = np.repeat([0.5, 0.2, 0.4, 0.5], 2)
    assert readings(r, 100, 180)[1:] == pytest.approx(c * left[1:], rel=2e-3)


# --- the host's own uplink ------------------------------------------------------------------------


STUBBORN = "promotion.host_adapts=false"
"""The host goes on sending all of the picture."""

RTC_BUFFERS = 0.4, 0.2
FLV_BUFFERS = 3.0, 1.0
"""Seconds held when the picture falls short, and that are held again before it goes on."""


def stutter(left: float, seconds: float, held: float, again: float) -> float:
    """Frozen seconds: what is held lasts held/(1 - left); then fill for again/left, play, and so
    on. What is missing of the buffer when the uplink is whole again comes at full speed."""
    rest = seconds - held / (1 - left)
    if rest <= 0:
        return 0.0
    fill = again / left if left > 0 else np.inf
    times, into = divmod(rest, fill + again / (1 - left)) if left > 0 else (0, rest)
    if into >= fill:
        return float((times + 1) * fill)
    return float((times * fill if times else 0) + into + again - left * into)


@pytest.mark.parametrize("left", [0.99, 0.95, 0.5, 0.001, 0.0])
@pytest.mark.parametrize(
    ("path", "buffers"), [((), RTC_BUFFERS), (FLV, FLV_BUFFERS)], ids=["rtc", "flv"]
)
def test_a_deficit_of_the_host_freezes_less_the_buffer(
    path: tuple[str, ...], buffers: tuple[float, float], left: float
) -> None:
    """100 s at 0.99 freeze 0.6 s of RTC and none of FLV, at 0.95 4.6 and 2.1 s."""
    r = run_once(night(*STEADY, *path, STUBBORN, breaks(f"host_uplink - 100 200 {left}")))
    frozen_s = r.sessions["frozen_s"]
    assert frozen_s == pytest.approx(np.full(len(frozen_s), stutter(left, 100, *buffers)))
    missing_s = max(0.0, 100 * (1 - left) - buffers[0])
    assert (frozen_s >= missing_s - 1e-6).all() and (
        frozen_s <= missing_s + buffers[1] + 1e-6
    ).all()
    # and no byte more reaches anybody than the host got through
    assert readings(r, 110, 190) == pytest.approx(np.full(8, left * MBPS * len(frozen_s)), abs=1e-3)


@pytest.mark.parametrize("host", [(STUBBORN,), ()], ids=["stubborn", "adapts"])
@pytest.mark.parametrize("path", [(), FLV], ids=["rtc", "flv"])
def test_what_a_short_uplink_costs_has_no_jump(
    path: tuple[str, ...], host: tuple[str, ...]
) -> None:
    """From all of the picture to none of it, by steps and next to the ends."""
    calm = night(*STEADY, *path, "promotion.orders_per_view=40", *host)
    lefts = [1.0, 0.999, *np.linspace(0.95, 0.05, 10), 0.001, 0.0]
    spent = []
    for left in lefts:
        broken = Incident(name="it", what="host_uplink", time_s=100, duration_s=100, left=left)
        r = run_once(calm.model_copy(update={"incidents": [broken]}))
        wished = orders(r, np.ones(len(r.sessions), bool), 100, 200)
        sold = np.where(wished["hd"], 1.0, 0.9)[wished["state"] == State.PLAYING].sum()
        s = r.sessions
        spent.append(
            (s["frozen_s"].mean() / 100, 1 - sold / len(wished), 1 - s["hd_s"].mean() / 300)
        )
    steps, change = -np.diff(lefts), np.diff(spent, axis=0)
    again = 0.01 * (FLV_BUFFERS if path else RTC_BUFFERS)[1]
    steepest = 1.2 if host else 2.0 / 0.3  # who adapts freezes all within 0.3 of 2.0 Mbps
    assert (change[:, :2] <= steepest * steps[:, None] + again + 0.02).all()
    assert (change[:, :2] >= -again - 0.02).all(), "less never costs less"
    assert (change[:, 2] <= steepest * steps + again + 0.02).all()
    assert spent[0] == (0, 0, 0) and spent[-1][0] > 0.95


def test_a_viewer_starts_though_the_hosts_uplink_is_short() -> None:
    """Without a cached keyframe: keyframes come every 2/0.9 s instead of 2 s."""
    there = ("promotion.peak_viewers=200", STUBBORN)
    calm, short = (
        run_once(night(*there, *k)) for k in ((), (breaks("host_uplink - 100 290 0.9"),))
    )
    came = (calm.sessions["arrival_s"] > 100) & (calm.sessions["arrival_s"] < 280)
    waits = [np.nanmedian(r.sessions["startup_s"][came]) for r in (calm, short)]
    assert came.sum() > 50
    assert waits[0] < waits[1] < waits[0] + 0.5
    no_picture = [np.isnan(r.sessions["startup_s"][came]).mean() for r in (calm, short)]
    assert no_picture[1] < no_picture[0] + 0.05


@pytest.mark.parametrize("path", [(), FLV], ids=["rtc", "flv"])
@pytest.mark.parametrize("left", [0.99, 0.5])
def test_a_host_who_adapts_sends_less_and_nothing_freezes(
    path: tuple[str, ...], left: float
) -> None:
    r, calm = (
        run_once(night(*STEADY, *path, breaks(f"host_uplink - 100 200 {k}"))) for k in (left, 1)
    )
    assert (r.sessions["frozen_s"] == 0).all()
    assert (r.sessions["hd_s"] == 300).all(), "1 Mbps is HD"
    sent = len(r.sessions) * MBPS
    assert readings(r, 110, 190) == pytest.approx(np.full(8, left * sent), rel=1e-5)
    assert readings(r, 210, 300) == pytest.approx(np.full(9, sent))
    gb = [k.usage.loc[k.usage["meter"] == "egress_gb", "value"].sum() for k in (r, calm)]
    assert gb[0] / gb[1] == pytest.approx(1 - (1 - left) / 3, rel=1e-3)


def test_below_1_mbps_ever_fewer_find_the_picture_clear() -> None:
    """At 0.6 Mbps six in ten do; what the others lose is the host's."""
    keys = (*STEADY, "promotion.peak_viewers=1000", "promotion.orders_per_view=5")
    r = run_once(night(*keys, breaks("host_uplink - 100 200 0.3")))
    s = r.sessions
    blurred = s["hd_s"] < 299
    assert s["hd_s"][blurred] == pytest.approx(np.full(blurred.sum(), 200))
    assert blurred.mean() == pytest.approx(0.4, abs=0.05)
    wished = orders(r, blurred, 100, 200)
    assert not wished["hd"].any() and (wished["limit"] == Limit.HOST_UPLINK).all()
    assert (s["harm"][blurred] == Limit.HOST_UPLINK).all() and (s["harm"][~blurred] == 0).all()


def test_below_the_hosts_lowest_rate_the_rest_freezes() -> None:
    """0.1 of 2.0 Mbps is two thirds of the 0.3 that are sent."""
    r = run_once(night(*STEADY, breaks("host_uplink - 100 200 0.1")))
    frozen_s = stutter(0.2 / 0.3, 100, *RTC_BUFFERS)
    assert r.sessions["frozen_s"] == pytest.approx(np.full(len(r.sessions), frozen_s))
    lower = run_once(
        night(*STEADY, "promotion.host_lowest_mbps=0.2", breaks("host_uplink - 100 200 0.1"))
    )
    assert (lower.sessions["frozen_s"] == 0).all()


@pytest.mark.parametrize(
    ("transcoded", "left", "sent_mbps"),
    [
        (False, 0.95, 1.845), (False, 0.5, 0.8), (False, 0.2, 0.32), (False, 0.1, 0.3),
        (True, 0.5, 1.0), (True, 0.2, 0.4),
    ],
)  # fmt: skip
def test_lower_pictures_that_are_sent_stay_whole(
    transcoded: bool, left: float, sent_mbps: float
) -> None:
    """Of 2.0, 0.8 and 0.3 Mbps the host sends all (3.1), or the best one, and the vendor makes the
    others. Of 1.55 Mbps 0.45 are left for the best one, less than the next one is; of 0.62, 0.32.
    """
    keys = ("+vendors.budget.limits.transcodes=2",) if transcoded else ()
    r = run_once(night(*STEADY, *LAYERED, *keys, breaks(f"host_uplink - 100 200 {left}")))
    assert (r.sessions["frozen_s"] == 0).all()
    each = readings(r, 110, 190) / len(r.sessions) / 1.06
    assert each == pytest.approx(np.full(8, sent_mbps))


def test_a_weak_link_takes_the_best_picture_that_now_fits() -> None:
    """Of 0.8 Mbps nine tenths are used: 0.3 of 2.0, 0.8 and 0.3, but 0.6 of the host's 0.6."""
    slow = "network.classes.home.mean_mbps={median: 1, sigma_ln: 0}"
    made = "+vendors.budget.limits.transcodes=2"
    keys = (*STEADY, *LAYERED, slow, made)
    r = run_once(night(*keys, breaks("host_uplink - 100 200 0.3")))
    each = readings(r, 50, 250) / len(r.sessions) / 1.06
    assert each[[0, 7, 14, -1]] == pytest.approx([0.3, 0.6, 0.6, 0.3])


def test_without_the_host_rtc_is_frozen_until_it_is_back() -> None:
    """Buffer 0.4 s: from 100.7, until 0.2 s are there again."""
    r = run_once(night(*STEADY, breaks("host_uplink - 100.3 110.3 0")))
    assert r.sessions["frozen_s"] == pytest.approx(np.full(len(r.sessions), 110.5 - 100.7))
    assert (r.sessions["stalls"] == 1).all()


def test_flv_outlives_a_short_gap_and_is_nearer_to_live_after() -> None:
    """It doesn't freeze."""
    keys = (
        *STEADY,
        *FOUR_S,
        "promotion.orders_per_view=30",
        "vendors.budget.paths.rtc.upstream_s=1",
    )
    gap = run_once(night(*keys, breaks("host_uplink - 100 102 0")))
    assert (gap.sessions["frozen_s"] == 0).all()
    everyone = np.ones(len(gap.sessions), bool)
    round_trip_s = 0.025
    for from_s, to_s, behind_s in ((0, 100, 4.0), (102, 300, 2.0)):
        latency = orders(gap, everyone, from_s, to_s)["latency_s"]
        assert latency == pytest.approx(np.full(len(latency), 1 + behind_s + round_trip_s / 2))


def test_flv_freezes_for_what_a_longer_gap_exceeds_its_buffer_by() -> None:
    gap = run_once(night(*STEADY, *FOUR_S, breaks("host_uplink - 100 110 0")))
    # Four seconds are in the buffer; then it waits for the host, and for a second of picture.
    assert gap.sessions["frozen_s"] == pytest.approx(np.full(len(gap.sessions), 6 + 1))


def test_the_hosts_gap_is_nobody_s_fault_at_the_vendor() -> None:
    r = run_once(night(*STEADY, "promotion.orders_per_view=30", breaks("host_uplink - 100 110 0")))
    frozen = r.orders[r.orders["state"] == State.STALLED]
    assert len(frozen) > 20
    assert (frozen["limit"] == Limit.HOST_UPLINK).all()
    assert (r.sessions["harm"] == Limit.HOST_UPLINK).all()
    bound = {k: v for k, v in r.facts.items() if k.startswith("binding_limit_s")}
    assert bound == {"binding_limit_s.host_uplink": 10}


def test_overlapping_uplink_incidents_leave_the_worst_share() -> None:
    keys = (*STEADY, *FOUR_S, STUBBORN)
    r = run_once(night(*keys, breaks("host_uplink - 100 112 0.75", "host_uplink - 104 106 0.25")))
    # Lost of the picture: 10 x 1/4 + 2 x 3/4 s, just what was in the buffer.
    assert r.sessions["frozen_s"] == pytest.approx(0, abs=1e-6)
    more = run_once(
        night(*keys, breaks("host_uplink - 100 116 0.75", "host_uplink - 104 106 0.25"))
    )
    assert (more.sessions["frozen_s"] > 0).all()


# --- what doesn't happen --------------------------------------------------------------------------


ALL = breaks("edge cn.telecom 90 130 0", "isp mobile 100 150 0.4", "host_uplink - 200 210 0")


def test_incidents_happen_in_the_world_of_incidents_alone() -> None:
    with_, without = (night("promotion.peak_viewers=200", *k) for k in ((ALL,), ()))
    assert same(run_once(with_, "limits"), run_once(without, "limits")) == []
    assert same(run_once(with_, "incidents"), run_once(without, "incidents")) != []


def test_another_vendors_incident_is_not_ours() -> None:
    two: dict[str, Any] = {}
    for whose in ("budget", "agora"):
        two[whose] = run_once(
            night(
                "vendors=[budget,agora]",
                "promotion.peak_viewers=200",
                "incidents=[{name: theirs, what: region, where: cn, "
                f"vendor: {whose}, time_s: 100, duration_s: 20, left: 0}}]",
            )
        )
    assert two["agora"].sessions["cuts"].sum() == 0 < two["budget"].sessions["cuts"].sum()


def test_places_held_by_endless_ghosts_pile_up_and_harm_nothing() -> None:
    outages = breaks(*[f"region cn {20 * k} {20 * k + 0.01} 0" for k in range(1, 13)])
    r = run_once(night(*STEADY, "+vendors.budget.policy.ghost_s=5000", outages))
    assert r.sessions["cuts"].mean() > 8
    connected = r.usage.loc[r.usage["meter"] == "peak_connections", "value"].sum()
    assert connected > 8 * len(r.sessions)


def test_a_cut_whose_ghosts_outlive_the_show_is_a_valid_night() -> None:
    late = breaks("region cn 290 290.1 0")
    r = run_once(night(*STEADY, "+vendors.budget.policy.ghost_s=60", late))
    assert r.sessions["cuts"].sum() > 0
