"""Demand at one and a half times any capacity shows harm; lifted, the harm is gone."""

from __future__ import annotations

import numpy as np
import pytest

from sim.record import Reason, Run, State
from sim.scenario.limits import Limit
from tests.engine.nights import FLV, LAYERED, STEADY, night, run_once

VIEWERS = 300
WIRE_MBPS = VIEWERS * 2.0 * 1.06
SHORT = f"vendors.budget.limits.egress_mbps={WIRE_MBPS / 1.5:.1f}"
LAYERS = (
    "+vendors.budget.paths.rtc.layers=[{height: 360, bitrate_mbps: 0.8}]",
    "+vendors.budget.paths.rtc.react_s=0.3",
)

# Arrivals: a stay of about 8.6 min and 300 viewers need some 0.6 joins a second, the ramp more.
CAPACITIES = {
    "sessions, refused": (f"vendors.budget.limits.sessions={VIEWERS / 1.5:.0f}",),
    "sessions, waiting room": (
        f"vendors.budget.limits.sessions={VIEWERS / 1.5:.0f}",
        "vendors.budget.policy.sessions=queue",
    ),
    "joins a second": (
        "vendors.budget.limits.joins_per_s=0.8",
        "vendors.budget.policy.joins_burst=1",
    ),
    "token calls a second": ("++vendors.budget.limits.token_calls_per_s=0.8",),
    "one's own joins a second": ("++vendors.budget.own.joins_per_s=0.8",),
    "the audience of a room": (f"++vendors.budget.limits.room_viewers={VIEWERS / 1.5:.0f}",),
    "the account": (f"++vendors.budget.limits.account_mbps={WIRE_MBPS / 1.5:.1f}",),
    "the account, cut off": (
        f"++vendors.budget.limits.account_mbps={WIRE_MBPS / 1.5:.1f}",
        "++vendors.budget.policy.account_mbps=cut_off",
        "++vendors.budget.policy.ghost_s=0",
    ),
    "a package": (f"++vendors.budget.limits.package_gb={WIRE_MBPS * 200 / 8e3:.3f}",),
    "egress, refused": (SHORT, "vendors.budget.policy.egress_mbps=refuse"),
    "egress, udp": (SHORT,),
    "egress, udp, the last are paused": (
        SHORT,
        "vendors.budget.paths.rtc.udp_shortage=pause_some",
    ),
    "egress, tcp": (*FLV, SHORT),
    "egress of the region": ("+vendors.budget.regions.cn.egress_mbps=" + SHORT.rpartition("=")[2],),
    "egress, two pictures": (*LAYERS, SHORT),
}


def harm(run: Run) -> float:
    """Share of viewers refused or never served, and of the time in the room not played in HD."""
    s = run.sessions
    unserved = (Reason.REFUSED, Reason.GAVE_UP_WAITING, Reason.LEFT_STARTING)
    turned_away = np.isin(s["reason"], unserved).mean()
    room = s["play_s"].sum() + s["frozen_s"].sum() + s["waiting_s"].sum()
    return float(turned_away + 1 - s["hd_s"].sum() / room)


@pytest.mark.parametrize("limit", CAPACITIES.values(), ids=CAPACITIES.keys())
def test_demand_of_1_5_times_a_capacity_shows_harm(
    limit: tuple[str, ...],
) -> None:
    """Against the same night with the capacity lifted."""
    lifted = tuple(o for o in limit if not any(k in o for k in ("limits.", "regions.", "own.")))
    peak = f"promotion.peak_viewers={VIEWERS}"
    free = run_once(night(peak, *lifted, "vendors.budget.limits={}"))
    assert harm(run_once(night(peak, *limit))) > harm(free) + 0.05


@pytest.mark.parametrize("path", [(), FLV], ids=["udp", "tcp"])
def test_one_bitrate_loses_a_third_at_1_5_times_the_capacity(
    path: tuple[str, ...],
) -> None:
    """Nobody leaves: the share of time without a picture is what capacity can't carry, or more."""
    patient = (
        "audience.stall_patience_mean_s=null",
        "audience.kappa=1",
        "audience.stay.bouncer_share=0",
        "audience.stay.stayer_mean_s=1e7",
        "audience.stay.stayer_sigma_ln=0.1",
        "promotion.concurrency=[[0,1],[400,1]]",
    )  # fmt: skip
    s = run_once(night(f"promotion.peak_viewers={VIEWERS}", *patient, *path, SHORT)).sessions
    frozen = s["frozen_s"].sum() + s["starting_s"].sum()
    assert frozen / (frozen + s["play_s"].sum()) >= 0.32


@pytest.mark.parametrize("fec", [0.0, 0.1, 0.3])
def test_a_sender_with_pictures_counts_what_its_own_fec_takes(fec: float) -> None:
    """Room for 0.9 of 1.08 Mbps a viewer on the wire: without FEC the better picture fits, with
    it only the smaller one; nobody freezes either way."""
    pictures = "[{height: 360, bitrate_mbps: 0.9},{height: 180, bitrate_mbps: 0.3}]"
    viewers = len(run_once(night(*STEADY)).sessions)
    s = run_once(
        night(
            *STEADY,
            f"+vendors.budget.paths.rtc.layers={pictures}",
            "+vendors.budget.paths.rtc.react_s=0.3",
            f"vendors.budget.paths.rtc.fec={fec}",
            f"vendors.budget.limits.egress_mbps={1.08 * viewers}",
        )
    ).sessions
    assert s["frozen_s"].sum() == 0
    mbps = s["media_mb"].sum() / s["play_s"].sum()
    assert mbps == pytest.approx(0.9 if fec == 0 else 0.3, rel=0.02)


def test_smaller_picture_of_a_short_node_is_its_limits_harm() -> None:
    """With plenty nobody is harmed by it."""
    keys = (*LAYERED, "network=home", "promotion.peak_viewers=300")
    short = run_once(night(*keys, "vendors.budget.limits.egress_mbps=300"))
    seen = short.orders[(short.orders["state"] == State.PLAYING) & ~short.orders["hd"]]
    assert len(seen) > 50
    assert (seen["limit"] == Limit.EGRESS_VENDOR).mean() > 0.95
    s = short.sessions
    assert ((s["harm"] == Limit.EGRESS_VENDOR) & (s["hd_s"] < 0.9 * s["play_s"])).sum() > 100
    plenty = run_once(night(*keys, "vendors.budget.limits.egress_mbps=null"))
    assert not np.isin(plenty.sessions["harm"], [Limit.EGRESS_VENDOR]).any()
    assert not (plenty.orders["limit"] == Limit.EGRESS_VENDOR).any()


def test_one_shortage_differs_by_tcp_udp_pictures_and_door() -> None:
    """The same viewers at half as much again as the egress carries."""
    short = ("network=home", "promotion.peak_viewers=300", "vendors.budget.limits.egress_mbps=425")
    how = {
        "tcp": FLV,
        "udp": (),
        "pictures": LAYERED,
        "refuse": ("vendors.budget.policy.egress_mbps=refuse",),
    }
    runs = {k: run_once(night(*short, *keys)).sessions for k, keys in how.items()}

    def share(part: str, k: str) -> float:
        s = runs[k]
        return float(s[part].sum() / (s["play_s"] + s["frozen_s"]).sum())

    frozen = {k: share("frozen_s", k) for k in how}
    failed = {k: int(runs[k]["failed"].sum()) for k in how}
    # By TCP all slow down alike; by UDP each loses part of every picture; pictures step down
    # instead of freezing; a door keeps those inside as if nothing were short.
    assert frozen["udp"] > 0.05 and frozen["tcp"] > 0.05
    assert abs(frozen["udp"] - frozen["tcp"]) > 0.03
    assert frozen["pictures"] < 0.01 and share("hd_s", "pictures") < 0.9
    assert frozen["refuse"] < 0.01 and share("hd_s", "refuse") > 0.98
    assert failed["refuse"] > 100 and failed["tcp"] == failed["udp"] == failed["pictures"] == 0
    watched = {k: float(runs[k]["play_s"].sum()) for k in how}
    assert watched["pictures"] > max(watched["tcp"], watched["udp"], watched["refuse"])
    assert watched["udp"] < watched["tcp"]
