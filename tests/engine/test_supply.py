"""Capacity that changes over time: each alone binds, is named, and harms nobody where there is
plenty."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.record import Reason, Run
from sim.scenario.limits import Limit
from tests.engine.nights import FLV, HYBRID, LAYERED, STEADY, breaks, night, run_once, same

MBPS = 2.0 * 1.06
"""What one viewer of the small night takes on the wire."""

RTC = "++vendors.budget.paths.rtc"
LIMITS = "++vendors.budget.limits"
POLICY = "++vendors.budget.policy"
NO_EGRESS = "vendors.budget.limits={}"
JUMP = (
    *STEADY,
    NO_EGRESS,
    "promotion.grid_s=5",
    "promotion.concurrency=[[0,0.2],[50,0.2],[60,1],[400,1]]",
)
"""Forty there from the start, two hundred within ten seconds; perfect links, nobody leaves."""
PATIENT = (
    "audience.patience={free_s: 1000, left_by: [[2000, 0.5]]}",
    "audience.waiting_room_patience={free_s: 1000, left_by: [[2000, 0.5]]}",
)


def readings(run: Run, from_s: float, to_s: float) -> NDArray[np.float64]:
    """Wire Mbps of the ten-second bins between these times."""
    at = run.series["time_s"]
    return run.series.loc[(at >= from_s) & (at < to_s), "wire_mbps"].to_numpy()


def inside(run: Run) -> NDArray[np.float64]:
    """Viewers let in and still there, mean of each ten-second bin."""
    s = run.series
    return np.asarray(s["starting"] + s["watching"] + s["stalled"])


def bound(run: Run) -> set[str]:
    return {k.partition(".")[2] for k in run.facts if k.startswith("binding_limit_s")}


def harmed_by(run: Run) -> set[Limit]:
    return {sorted(Limit)[h] for h in np.unique(run.sessions["harm"])} - {Limit.NONE}


# --- each binds alone, and where there is plenty nothing happens ----------------------------------

GROWTH = f"{LIMITS}.egress_growth_mbps_per_min="
CAP = f"{LIMITS}.egress_mbps="
ALONE = {
    "growth, tcp": (Limit.GROWTH, FLV, (f"{GROWTH}60",), (f"{GROWTH}6000",)),
    "growth, udp": (Limit.GROWTH, (), (f"{GROWTH}60",), (f"{GROWTH}6000",)),
    "growth, udp, the last are paused": (
        Limit.GROWTH,
        (f"{RTC}.udp_shortage=pause_some",),
        (f"{GROWTH}60",),
        (f"{GROWTH}6000",),
    ),
    "growth, refused": (
        Limit.GROWTH,
        (f"{POLICY}.egress_mbps=refuse",),
        (f"{GROWTH}60",),
        (f"{GROWTH}6000",),
    ),
    "background, tcp": (
        Limit.EGRESS_VENDOR,
        (*FLV, f"{CAP}{400 * MBPS}"),
        (f"{RTC}.background_load=[[100,0],[200,0.8]]",),
        (f"{RTC}.background_load=[[100,0],[200,0.01]]",),
    ),
    "viewers of one node": (
        Limit.NODE,
        (f"{RTC}.fleet={{nodes: 1, cascades: true}}",),
        (f"{LIMITS}.node_viewers=120",),
        (f"{LIMITS}.node_viewers=300",),
    ),
    "egress of the nodes, tcp": (
        Limit.EGRESS_VENDOR,
        FLV,
        (f"{RTC}.fleet={{nodes: 3, node_mbps: 100, cascades: true}}",),
        (f"{RTC}.fleet={{nodes: 3, node_mbps: 200, cascades: true}}",),
    ),
    "what leaks to the origin, udp": (
        Limit.ORIGIN,
        (),
        (f"{RTC}.origin={{egress_mbps: 6, fetch_s: 0, coalesced: true, leak_share: 0.02}}",),
        (f"{RTC}.origin={{egress_mbps: 60, fetch_s: 0, coalesced: true, leak_share: 0.02}}",),
    ),
}


@pytest.mark.parametrize(
    ("limit", "keys", "short", "plenty"), ALONE.values(), ids=list(ALONE.keys())
)
def test_each_supply_limit_binds_alone_and_plenty_harms_nobody(
    limit: Limit, keys: tuple[str, ...], short: tuple[str, ...], plenty: tuple[str, ...]
) -> None:
    tight, ample = run_once(night(*JUMP, *keys, *short)), run_once(night(*JUMP, *keys, *plenty))
    free = run_once(night(*JUMP, *keys, "vendors.budget.limits={}", f"{RTC}.fleet=null"))
    assert len(bound(tight)) == 1
    assert harmed_by(tight) == {limit}
    assert bound(ample) == set() == harmed_by(ample)
    assert ample.sessions.tobytes() == free.sessions.tobytes()
    played = [r.sessions["play_s"].sum() for r in (tight, free)]
    assert played[0] < 0.95 * played[1]


# --- growth ---------------------------------------------------------------------------------------


def test_what_is_sent_climbs_a_step_a_minute() -> None:
    r = run_once(night(*JUMP, *FLV, f"{GROWTH}60"))
    before = readings(r, 20, 50)
    steps = readings(r, 80, 300).reshape(-1, 2).mean(axis=1)
    assert before == pytest.approx(np.full(3, before[0]), rel=1e-3)
    assert readings(r, 80, 110) == pytest.approx(np.full(3, before[0] + 60), rel=0.01)
    assert readings(r, 140, 170) == pytest.approx(np.full(3, before[0] + 120), rel=0.01)
    assert readings(r, 200, 230) == pytest.approx(np.full(3, before[0] + 180), rel=0.01)
    assert (np.diff(steps) > -1).all()


def test_smaller_pictures_give_way_to_the_best_as_supply_grows() -> None:
    """All step down together and leave a part unused: it doesn't hold back what comes after."""
    keys = (*JUMP, *FLV, LAYERED[0], "promotion.duration_s=500", "promotion.peak_viewers=150")
    longer = "promotion.concurrency=[[0,0.2],[50,0.2],[60,1],[600,1]]"
    r = run_once(night(*keys, longer, f"{GROWTH}60"))
    assert bound(r) == {"egress_growth"}
    low, high = readings(r, 80, 110), readings(r, 400, 500)
    assert low.max() < 0.6 * high.min()
    assert high == pytest.approx(np.full(10, len(r.sessions) * MBPS), rel=1e-3)


def test_a_full_room_that_was_full_before_the_show_is_no_growth() -> None:
    r = run_once(night(*STEADY, NO_EGRESS, f"{GROWTH}10"))
    assert bound(r) == set()
    assert readings(r, 0, 300) == pytest.approx(np.full(30, len(r.sessions) * MBPS))


def test_who_comes_back_after_an_outage_has_to_grow_from_nothing() -> None:
    r = run_once(night(*STEADY, NO_EGRESS, *FLV, f"{GROWTH}100", breaks("region cn 100 110 0")))
    assert readings(r, 120, 150) == pytest.approx(np.full(3, 100), rel=0.01)
    assert Limit.GROWTH in harmed_by(r)


def test_growth_of_what_is_reserved_lets_in_as_many_as_it_holds() -> None:
    r = run_once(night(*JUMP, *PATIENT, f"{GROWTH}{25.5 * MBPS}", f"{POLICY}.egress_mbps=queue"))
    # Two seconds into the show 40 or so had been there for long.
    there = int(r.sessions["initial"].sum())
    assert inside(r)[[8, 13, 19, 25]] == pytest.approx(there + np.array([25, 50, 75, 100]), abs=1)
    assert r.sessions["frozen_s"].sum() == 0


# --- other tenants --------------------------------------------------------------------------------


def test_others_take_their_share_along_straight_lines() -> None:
    c = 200 * MBPS
    keys = (*STEADY, *FLV, f"{CAP}{c}", f"{RTC}.background_load=[[100,0.2],[200,0.6]]")
    r = run_once(night(*keys))
    share = 0.2 + 0.4 * np.clip((np.arange(5, 300, 10) - 100) / 100, 0, 1)
    assert readings(r, 10, 300) == pytest.approx((c * (1 - share))[1:], rel=0.01)
    assert [u.share for u in r.limits] == pytest.approx([1], abs=0.01)


def test_background_load_takes_room_but_sends_nobody_away() -> None:
    """Others leave less of what is reserved."""
    keys = (*STEADY, f"{CAP}{150 * MBPS}", f"{POLICY}.egress_mbps=refuse")
    r = run_once(night(*keys, f"{RTC}.background_load=[[99,0],[100,0.9]]"))
    assert inside(r)[1:] == pytest.approx(np.full(29, 150))
    leaving = (*keys, "+promotion.mass_exit={time_s: 150, duration_s: 1, share: 0.5}")
    back = "audience.retry.backoff_s=[150,20,20,20]"
    room = run_once(night(*leaving, back, *PATIENT))
    none = run_once(night(*leaving, back, *PATIENT, f"{RTC}.background_load=[[99,0],[100,0.9]]"))
    assert inside(room)[-1] > inside(none)[-1] + 10, "places that others took are not given again"


def test_others_take_their_share_of_regions_and_edges_too() -> None:
    c = 100 * MBPS
    for where in ("regions.cn", "edges.cn.telecom"):
        keys = (*STEADY, NO_EGRESS, *FLV, f"++vendors.budget.{where}.egress_mbps={c}")
        only = ("audience.isps={mobile: 0, telecom: 1, unicom: 0}",)
        r = run_once(night(*keys, *only, f"{RTC}.background_load=[[0,0.25]]"))
        assert readings(r, 20, 300) == pytest.approx(np.full(28, 0.75 * c), rel=0.01)


def test_region_of_two_paths_is_net_of_the_heavier_load() -> None:
    keys = (*STEADY, "vendors=[hybrid]", "vendors.hybrid.limits={}", "audience.interactive_share=0")
    region = "++vendors.hybrid.regions.cn.egress_mbps=200"
    load = [f"++vendors.hybrid.paths.{p}.background_load=[[0,{g}]]"
            for p, g in (("rtc", 0.1), ("cdn", 0.4))]  # fmt: skip
    r = run_once(night(*keys, region, "vendors.hybrid.paths.cdn.layers=[]", *load))
    assert readings(r, 20, 300) == pytest.approx(np.full(28, 120), rel=0.01)


def test_a_brown_out_leaves_its_share_of_what_others_leave() -> None:
    c = 200 * MBPS
    r = run_once(
        night(*STEADY, *FLV, f"++vendors.budget.regions.cn.egress_mbps={c}",
              f"{RTC}.background_load=[[149,0],[150,0.5]]", breaks("region cn 100 200 0.5"))
    )  # fmt: skip
    assert readings(r, 120, 150) == pytest.approx(np.full(3, c / 2), rel=0.01)
    assert readings(r, 160, 200) == pytest.approx(np.full(4, c / 4), rel=0.01)
    assert readings(r, 220, 300) == pytest.approx(np.full(8, c / 2), rel=0.01)


# --- nodes ----------------------------------------------------------------------------------------

ROOM = (*JUMP, *PATIENT, f"{LIMITS}.node_viewers=20.5", f"{POLICY}.node_viewers=queue")


def fleet(**keys: object) -> str:
    said = ", ".join(f"{k}: {v}" for k, v in keys.items())
    return f"{RTC}.fleet={{{said}}}"


def scaling(**keys: object) -> str:
    how = dict(detect_s=15, target_share=0.9, step_nodes=1, most_nodes=8, boot_s=40, fail_share=0,
               warm_nodes=0) | keys  # fmt: skip
    return "{" + ", ".join(f"{k}: {v}" for k, v in how.items()) + "}"


@pytest.mark.parametrize("nodes", [1, 4])
@pytest.mark.parametrize("cascades", [True, False])
def test_a_room_has_one_node_or_where_it_cascades_all_of_them(nodes: int, cascades: bool) -> None:
    r = run_once(night(*ROOM, fleet(nodes=nodes, cascades=str(cascades).lower())))
    assert inside(r)[8:] == pytest.approx(np.full(22, 82 if cascades and nodes > 1 else 20))
    assert bound(r) == {"node_viewers"}


STAIRS = fleet(nodes=4, cascades="true", scaling=scaling())


def test_nodes_come_a_look_and_a_boot_after_they_are_needed() -> None:
    """Full at 60 s, the first look: a fifth node at 100 s; full again, seen at 105: 145; ..."""
    at = inside(run_once(night(*ROOM, STAIRS)))
    assert at[[8, 9]] == pytest.approx(np.full(2, 82))  # 4 x 20.5
    assert at[[11, 12, 13]] == pytest.approx(np.full(3, 102))
    assert at[[15, 16, 17, 18]] == pytest.approx(np.full(4, 123))
    assert at[[20, 21, 22]] == pytest.approx(np.full(3, 143))


def test_warm_nodes_join_when_the_load_is_seen() -> None:
    """One at 60 s, one at 75; the third, seen at 90, is booted and there at 130."""
    warm = run_once(night(*ROOM, STAIRS.replace("warm_nodes: 0", "warm_nodes: 2")))
    assert inside(warm)[[8, 12, 14]] == pytest.approx([123, 123, 143])


def test_failing_steps_leave_fewer_nodes() -> None:
    """Where all fail none comes; where a share fails, which ones is the night's own."""

    def at_the_end(share: float) -> dict[str, float]:
        how = fleet(nodes=3, cascades="true", scaling=scaling(fail_share=share))
        return run_once(night(*ROOM, how)).facts

    never, some, always = at_the_end(1), at_the_end(0.6), at_the_end(0)
    assert never["most_nodes_used.rtc"] == 3 and never["failed_steps.rtc"] > 3
    assert 3 < some["most_nodes_used.rtc"] < always["most_nodes_used.rtc"]
    assert some["failed_steps.rtc"] > 0 == always["failed_steps.rtc"]


def test_what_is_scheduled_before_the_rush_spares_it() -> None:
    late = run_once(night(*ROOM, fleet(nodes=3, cascades="true", scheduled="[[100, 12]]")))
    early = run_once(night(*ROOM, fleet(nodes=3, cascades="true", scheduled="[[40, 12]]")))
    assert inside(late)[[9, 12]] == pytest.approx([61, len(late.sessions)], abs=0.5)
    assert bound(early) == set()
    assert early.sessions["waiting_s"].max() < 1 < late.sessions["waiting_s"].max()


def test_more_nodes_send_more() -> None:
    keys = (*STEADY, NO_EGRESS, *FLV)
    r = run_once(night(*keys, fleet(nodes=1, node_mbps=100, cascades="true",
                                    scheduled="[[100, 2], [200, 3]]")))  # fmt: skip
    for from_s, mbps in ((20, 100), (110, 200), (210, 300)):
        assert readings(r, from_s, from_s + 80) == pytest.approx(np.full(8, mbps), rel=0.01)


def test_a_fleet_whose_egress_is_full_grows_too() -> None:
    keys = (*STEADY, NO_EGRESS, *FLV)
    r = run_once(night(*keys, fleet(nodes=1, node_mbps=100, cascades="true",
                                    scaling=scaling(target_share=0.99))))  # fmt: skip
    # Looks at 15, 30, ...: full, so one is started; it is there 40 s later, and full at once.
    assert readings(r, 60, 70) == pytest.approx([200], rel=0.02)
    assert [u.share for u in r.limits] == pytest.approx([1], abs=0.02)


def node_hours(run: Run) -> list[float]:
    return [float(h) for h in run.usage.loc[run.usage["meter"] == "node_hours", "value"]]


@pytest.mark.parametrize(
    ("how", "node_s"),
    [
        (fleet(nodes=4, cascades="true"), 4 * 300),
        (fleet(nodes=4, cascades="false"), 4 * 300),  # three of them take other rooms
        (fleet(nodes=3, cascades="true", scheduled="[[100, 12]]"), 3 * 100 + 12 * 200),
        # started at 60, 105, 150 and 195, each 45 s after the one before; eight are the most
        (STAIRS, 4 * 300 + 240 + 195 + 150 + 105),
        # warm ones are kept warm all night; the two after them are started at 90, 135, ...
        (STAIRS.replace("warm_nodes: 0", "warm_nodes: 2"), 6 * 300 + 210 + 165),
        # a step that fails is paid for until it should have come, 40 s; then the next look
        (STAIRS.replace("fail_share: 0", "fail_share: 1"), 4 * 300 + 5 * 40 + 15),
    ],
)
def test_a_node_is_rented_from_its_start_whether_it_comes_or_not(how: str, node_s: int) -> None:
    r = run_once(night(*ROOM, how))
    assert node_hours(r) == [pytest.approx(node_s / 3600)]


def test_a_node_that_was_taken_away_is_no_longer_rented() -> None:
    """Nobody needs the second of two: after a minute of that, at 60 s, there is one."""
    empty = fleet(nodes=1, cascades="true", scheduled="[[0, 2], [10, 1]]",
                  scaling=scaling(scale_in_after_s=60))  # fmt: skip
    r = run_once(night(*ROOM, "promotion.peak_viewers=10", empty))
    assert node_hours(r) == [pytest.approx((2 * 60 + 240) / 3600)]


def test_node_hours_are_of_their_day_and_of_the_whole_fleet() -> None:
    """Whatever the sample."""
    late = run_once(night(*ROOM, STAIRS, "promotion.starts_at=2026-11-10T23:58:20"))
    day, next_day = node_hours(late)
    (whole,) = node_hours(run_once(night(*ROOM, STAIRS)))
    assert day == pytest.approx((4 * 100 + 40) / 3600) and day + next_day == pytest.approx(whole)
    part = (*STEADY, fleet(nodes=3, cascades="true", node_mbps=9), "audience.sample=0.1")
    assert node_hours(run_once(night(*part))) == [pytest.approx(3 * 300 / 3600)]


# --- the origin -----------------------------------------------------------------------------------

COLD = (
    *STEADY,
    NO_EGRESS,
    "promotion.concurrency=[[0,0],[10,0],[40,1],[400,1]]",
    "promotion.grid_s=10",
    *PATIENT,
)
"""Nobody is there at first: every edge is cold."""


def origin(**keys: object) -> str:
    how = dict(egress_mbps=1e6, fetch_s=5, coalesced="true", leak_share=0) | keys
    return f"{RTC}.origin={{" + ", ".join(f"{k}: {v}" for k, v in how.items()) + "}"


def extra_s(run: Run, free: Run) -> NDArray[np.float64]:
    """By how much later each viewer saw their first frame, in order of arrival."""
    order = np.argsort(free.sessions["arrival_s"])
    return np.asarray((run.sessions["startup_s"] - free.sessions["startup_s"])[order])


def test_viewers_at_a_cold_edge_wait_for_the_same_fetch() -> None:
    """FLV waits for no keyframe: the first waits for all of the fetch, others for the rest."""
    free, r = (run_once(night(*COLD, *FLV, *how)) for how in ((), (origin(),)))
    s = r.sessions
    for isp in range(3):
        mine = np.flatnonzero(s["isp"] == isp)
        at = s["arrival_s"][mine]
        more = (s["startup_s"] - free.sessions["startup_s"])[mine]
        left = np.maximum(0, at.min() + 5 - at)
        assert more == pytest.approx(left, abs=1e-9)
        assert (left > 0).sum() > 3
    assert harmed_by(r) <= {Limit.ORIGIN} and bound(r) == {"origin"}


def test_uncoalesced_viewers_fetch_each_until_one_fetch_is_done() -> None:
    free, r = (run_once(night(*COLD, *FLV, *how)) for how in ((), (origin(coalesced="false"),)))
    s = r.sessions
    for isp in range(3):
        mine = np.flatnonzero(s["isp"] == isp)
        at = s["arrival_s"][mine]
        more = (s["startup_s"] - free.sessions["startup_s"])[mine]
        assert more == pytest.approx(np.where(at < at.min() + 5, 5, 0), abs=1e-9)


def test_small_origin_is_overrun_only_by_uncoalesced_fetches() -> None:
    """It carries three, one for each edge."""
    small = dict(egress_mbps=3.5 * MBPS)
    free = run_once(night(*COLD, *FLV))
    few = extra_s(run_once(night(*COLD, *FLV, origin(**small))), free)
    many = extra_s(run_once(night(*COLD, *FLV, origin(**small, coalesced="false"))), free)
    assert few.max() == pytest.approx(5)
    assert many.max() > 10
    assert many.sum() > 2 * few.sum()


def test_those_there_from_the_start_find_it_there() -> None:
    assert (
        same(run_once(night(*STEADY, NO_EGRESS)), run_once(night(*STEADY, NO_EGRESS, origin())))
        == []
    )


def test_an_edge_that_was_down_has_to_fetch_again() -> None:
    keys = (*STEADY, NO_EGRESS, *PATIENT, breaks("edge cn.telecom 100 110 0"))
    free, r = run_once(night(*keys)), run_once(night(*keys, origin(fetch_s=20)))
    telecom = free.sessions["isp"] == free.names.isps.index("telecom")
    lost = free.sessions["play_s"] - r.sessions["play_s"]
    assert (lost[telecom] > 15).all()
    assert lost[~telecom] == pytest.approx(0)


def test_an_origin_short_for_a_moment_isnt_short_for_the_night() -> None:
    """Ten seconds in which other tenants take nearly all: who comes later is served as usual."""

    def played_s(taken: float) -> float:
        r = run_once(
            night(
                *STEADY, NO_EGRESS, *FLV, *PATIENT, origin(egress_mbps=100, fetch_s=0.2),
                breaks("region cn 100 100.5 0"),
                f"{RTC}.background_load=[[89,0],[90,{taken}],[110,{taken}],[111,0]]",
                "audience.retry.backoff_s=[1,12]",
            )
        )  # fmt: skip
        return float(r.sessions["play_s"].sum())

    most, nothing_left = played_s(0.9), played_s(1.0)
    for taken in (0.999, 0.9999, 0.999999):
        assert nothing_left - 1 <= played_s(taken) < most


def test_what_leaks_holds_the_path_to_what_the_origin_feeds() -> None:
    r = run_once(night(*STEADY, NO_EGRESS, *FLV, origin(egress_mbps=6, fetch_s=0,
                                                        leak_share=0.02)))  # fmt: skip
    assert readings(r, 20, 300) == pytest.approx(np.full(28, 6 / 0.02), rel=0.01)


def test_giving_up_waiting_for_an_origin_is_the_origins_harm() -> None:
    impatient = "audience.patience={free_s: 1, left_by: [[2, 0.5]]}"
    r = run_once(night(*COLD, impatient, "promotion.orders_per_view=20",
                       origin(egress_mbps=0.1, fetch_s=5)))  # fmt: skip
    gave_up = r.sessions["reason"] == Reason.GAVE_UP_WAITING
    assert gave_up.mean() > 0.3
    assert (r.sessions["harm"][gave_up] == Limit.ORIGIN).all()
    orders = r.orders[gave_up[r.orders["viewer"]]]
    assert len(orders) > 50 and (orders["limit"] == Limit.ORIGIN).all()


# --- a sample, the twin ---------------------------------------------------------------------------

SHARED = {
    "growth": (*FLV, f"{GROWTH}600"),
    "background": (*FLV, f"{CAP}{2000 * MBPS}", f"{RTC}.background_load=[[0,0.5]]"),
    "viewers of nodes": (
        f"{LIMITS}.node_viewers=400",
        fleet(nodes=2, cascades="true", scheduled="[[150, 3]]"),
    ),
    "egress of nodes": (*FLV, fleet(nodes=2, node_mbps=1000, cascades="true")),
    "origin": (*FLV, origin(egress_mbps=60, fetch_s=0, leak_share=0.02)),
}


@pytest.mark.parametrize("how", SHARED.values(), ids=SHARED.keys())
def test_a_sample_has_its_share_of_what_is_shared(how: tuple[str, ...]) -> None:
    """A tenth of the viewers, on nodes as many and a tenth as large: the same Mbps."""
    big = (
        *JUMP,
        "promotion.peak_viewers=2000",
        "promotion.concurrency=[[0,0],[50,0],[60,1],[400,1]]",
    )
    whole, part = (run_once(night(*big, *how, f"audience.sample={s}")) for s in (1.0, 0.1))
    a, b = whole.series["wire_mbps"] * whole.weight, part.series["wire_mbps"] * part.weight
    assert part.weight == 10
    assert b[10:].to_numpy() == pytest.approx(a[10:].to_numpy(), rel=0.05)
    assert bound(whole) == bound(part)


NOTHING_SHARED_BINDS = {
    "growth, refused": (f"{GROWTH}60", f"{POLICY}.egress_mbps=refuse"),
    "growth, waiting room": (f"{GROWTH}60", f"{POLICY}.egress_mbps=queue"),
    "background, egress reserved": (
        f"{CAP}400",
        f"{POLICY}.egress_mbps=queue",
        f"{RTC}.background_load=[[0,0.1],[100,0.6],[200,0]]",
    ),
    "one node": (f"{LIMITS}.node_viewers=120", fleet(nodes=1, cascades="false")),
    "nodes that scale, refused": (
        f"{LIMITS}.node_viewers=40",
        fleet(nodes=3, cascades="true", scaling=scaling(fail_share=0.3, scale_in_after_s=60)),
        "+promotion.mass_exit={time_s: 180, duration_s: 20, share: 0.5}",
    ),
    "nodes that scale, waiting room, reserved": (
        f"{LIMITS}.node_viewers=100",
        f"{POLICY}.node_viewers=queue",
        f"{POLICY}.egress_mbps=queue",
        fleet(nodes=2, node_mbps=100, cascades="true", scaling=scaling(warm_nodes=1)),
    ),
    "an origin, coalesced": (origin(egress_mbps=5), breaks("region cn 100.3 120.3 0")),
    "an origin, not coalesced": (
        origin(egress_mbps=5, coalesced="false"),
        breaks("region cn 100.3 120.3 0"),
    ),
    "an origin of a path that reserves": (
        origin(egress_mbps=5, leak_share=0.01),
        f"{POLICY}.egress_mbps=queue",
    ),
    "plenty of everything": (
        *LAYERED,
        f"{GROWTH}6000",
        fleet(nodes=3, node_mbps=1000, cascades="true", scaling=scaling()),
        origin(leak_share=0.01),
        f"{RTC}.background_load=[[0,0.1],[100,0.2]]",
    ),
}


@pytest.mark.parametrize("how", NOTHING_SHARED_BINDS.values(), ids=NOTHING_SHARED_BINDS.keys())
def test_engines_give_the_same_bytes_where_nothing_shared_binds(how: tuple[str, ...]) -> None:
    scenario = night("promotion.peak_viewers=300", NO_EGRESS, *how)
    exact = run_once(scenario, kind="exact")
    for epoch_s in (0.3, 1.0, 10.0):
        assert same(exact, run_once(scenario, kind="fast", epoch_s=epoch_s)) == []


def test_viewers_without_place_on_a_node_overflow_to_next_path() -> None:
    """If the policy is to overflow."""
    scenario = night(
        *HYBRID[:2],
        "promotion.peak_viewers=300",
        "vendors.hybrid.limits={node_viewers: 40}",
        "vendors.hybrid.paths.rtc.takes=everyone",
        "++vendors.hybrid.paths.rtc.fleet={nodes: 2, cascades: false}",
        "++vendors.hybrid.policy.node_viewers=overflow",
    )
    r = run_once(scenario, kind="exact")
    peak = r.usage[r.usage["meter"] == "peak_connections"].set_index("path")["value"]
    assert peak["rtc"] == 40 and peak["cdn"] > 100
    assert bound(r) == {"node_viewers"} and (r.sessions["failed"] == 0).all()
    assert same(r, run_once(scenario, kind="fast")) == []


SHORT = {
    "growth": (f"{GROWTH}100",),
    "background": (f"{CAP}{300 * MBPS}", f"{RTC}.background_load=[[50,0],[200,0.5]]"),
    "nodes": (fleet(nodes=2, node_mbps=150, cascades="true", scaling=scaling()),),
    "origin": (origin(egress_mbps=9, fetch_s=3, leak_share=0.02),),
}


@pytest.mark.parametrize("how", SHORT.values(), ids=SHORT.keys())
def test_where_tcp_is_short_the_error_shrinks_with_the_epoch(how: tuple[str, ...]) -> None:
    error: dict[float, list[float]] = {1.0: [], 0.1: []}
    stalled = 0.0
    for seed in range(3):
        scenario = night("promotion.peak_viewers=300", f"seed={seed}", NO_EGRESS, *FLV, *how)
        exact = run_once(scenario, kind="exact").sessions["frozen_s"].mean()
        stalled += exact / 3
        for epoch_s, off in error.items():
            fast = run_once(scenario, kind="fast", epoch_s=epoch_s).sessions["frozen_s"].mean()
            off.append(abs(float(fast - exact)))
    coarse, fine = (float(np.mean(off)) for off in error.values())
    assert stalled > 1
    assert coarse < 0.02 * stalled
    assert fine <= max(coarse / 3, 0.002 * stalled)


@pytest.mark.parametrize("how", SHORT.values(), ids=SHORT.keys())
def test_a_small_crowd_short_of_udp_is_the_twins_to_the_bit(how: tuple[str, ...]) -> None:
    scenario = night("promotion.peak_viewers=200", NO_EGRESS, *how)
    exact = run_once(scenario, kind="exact")
    assert exact.sessions["frozen_s"].mean() > 0.9
    assert same(exact, run_once(scenario, kind="fast", epoch_s=1.0)) == []
