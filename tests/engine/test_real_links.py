"""What real links do beyond the ideal one: uneven shares, standing queues, slow start, headers."""

from __future__ import annotations

import numpy as np
import pytest

from sim.delivery.share import PATH, wire_of
from sim.draws import Cause, pairs
from sim.engine.build.players import weibull
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Scenario
from sim.viewer.viewer import PLAYER, VIEWER, weigh
from tests.engine.nights import FLV, STEADY, night, run_once, same
from tests.entry import entry

OURS = "++vendors.budget.paths.rtc."
SHARING = OURS + "sharing={spread: 0.31, persistence_round_trips: 19, round_trip_bias: 0.4"
MEASURED = "engine.sharing=measured"
UNEVEN = (
    SHARING + ", newcomer: 0.4}",
    OURS + "queue_s=0.15",
    OURS + "first_window_kb=14.48",
    OURS + "frame_overhead_mbps=0.0066",
    MEASURED,
)
NEUTRAL = (
    OURS + "sharing={spread: 0, persistence_round_trips: 19, round_trip_bias: 0, newcomer: 1}",
    OURS + "queue_s=0",
    OURS + "frame_overhead_mbps=0",
    MEASURED,
)
COMING = "promotion.concurrency=[[0,0.5],[100,1],[300,1]]"
WHOLE = (*STEADY, *FLV, "network.classes.home.round_trip_ms=60")
_weigh, _wire_of = entry(weigh), entry(wire_of)


def full(load: float, *more: str) -> Scenario:
    """200 viewers of 2 Mbps who stay, on a link that is `load` times too narrow."""
    return night(*WHOLE, f"vendors.budget.limits.egress_mbps={200 * 2.12 / load}", *more)


@pytest.mark.parametrize("load", [0.8, 1.2])
def test_neutral_numbers_change_no_byte(load):
    assert same(run_once(full(load)), run_once(full(load, *NEUTRAL))) == []


@pytest.mark.parametrize("load", [0.8, 1.2])
def test_ideal_sharing_leaves_all_of_it_out(load):
    ideal = run_once(full(load, *UNEVEN, "engine.sharing=ideal"))
    assert same(run_once(full(load)), ideal) == []


def test_uneven_shares_move_bits_and_make_none():
    """What passes the full node is the same; who gets it is not."""
    even, uneven = run_once(full(1.2)), run_once(full(1.2, *UNEVEN[:1], MEASURED))
    assert uneven.sessions["media_mb"].sum() == pytest.approx(
        even.sessions["media_mb"].sum(), rel=0.005
    )
    frozen_s = [r.sessions["frozen_s"].std() for r in (even, uneven)]
    assert frozen_s[1] > 3 * frozen_s[0]


def test_the_sender_itself_serves_all_alike():
    at = SHARING + ", newcomer: 0.4, shortage_at: sender}"
    assert same(run_once(full(1.2)), run_once(full(1.2, at, MEASURED))) == []


def test_with_room_to_spare_nobody_stalls():
    assert run_once(full(0.5, *UNEVEN)).sessions["frozen_s"].sum() == 0.0


@pytest.mark.parametrize("load", [1.05, 1.3])
def test_both_engines_agree_on_uneven_shares(load):
    """As where shares are even: the difference goes with the epoch."""
    scenario = night(
        *FLV, *UNEVEN, "network=home", "promotion.peak_viewers=150",
        f"vendors.budget.limits.egress_mbps={150 * 2.12 / load}",
    )  # fmt: skip
    exact = run_once(scenario, kind="exact").sessions
    for epoch_s, within in ((1.0, 0.01), (0.05, 0.002)):
        fast = run_once(scenario, epoch_s=epoch_s).sessions
        for key in ("frozen_s", "play_s", "starting_s"):
            assert fast[key].sum() == pytest.approx(exact[key].sum(), rel=within)


def test_weights_have_mean_one_and_the_spread():
    """And each lasts as long as is said, whatever the times at which anyone looks."""
    player, rows = np.zeros(1, PLAYER), np.zeros(400, VIEWER)
    player["share_shape"], player["share_scale"] = weibull(0.31)
    player["share_round_trips"], player["newcomer"], player["queue_s"] = 19, 1.0, 0.14
    rows["rtt_s"], rows["j"] = 0.06, np.arange(len(rows))
    seen = []
    for t in np.arange(1.0, 101.0):
        for v in rows:
            _weigh(v, player[0], t)
        seen.append(rows["weight"].copy())
    weights = np.array(seen)
    assert weights.mean() == pytest.approx(1.0, abs=0.01)
    assert weights.std() == pytest.approx(0.31, abs=0.01)
    assert rows["weight_n"].mean() == pytest.approx(1 + 100 / (19 * 0.2), rel=0.03)
    late = np.zeros(len(rows), VIEWER)
    late["rtt_s"], late["j"] = 0.06, rows["j"]
    for v in late:
        _weigh(v, player[0], 100.0)
    assert (late["weight"] == rows["weight"]).all()


def test_shares_without_a_round_trip_can_still_be_drawn():
    """Nothing stands, the link has no delay: shares last a moment, and weights are finite."""
    player, rows = np.zeros(1, PLAYER), np.zeros(1, VIEWER)
    player["share_shape"], player["share_scale"] = weibull(0.31)
    player["share_round_trips"], player["round_trip_bias"] = 19, 0.4
    _weigh(rows[0], player[0], 60.0)
    assert rows["weight_s"] > 60.0 and np.isfinite(rows["weight"]).all()


def test_a_picture_of_no_bits_has_no_overhead_of_its_own():
    """As while the host sends nothing."""
    path = np.zeros(1, PATH)
    path["wire"], path["best_mbps"], path["frame_mbps"] = 1.05, 2.0, 0.0066
    assert 0.0 * _wire_of(path[0], 0.0) == 0.0


def test_a_weibull_law_has_its_spread():
    u = pairs(1, 0, Cause.WEIGHT, np.arange(100_000), 0)[:, 0]
    for spread in (0.001, 0.31, 1.0, 3.0):
        shape, scale = weibull(spread)
        drawn = scale * (-np.log(u)) ** (1 / shape)
        assert drawn.mean() == pytest.approx(1.0, rel=0.05)
        assert drawn.std() == pytest.approx(spread, rel=0.1)
    assert weibull(1.0)[0] == pytest.approx(1.0)


def test_slow_start_doubles_with_each_round_trip():
    """A second at 2 Mbps in windows of 0.1 Mb, 0.2 in the first round trip: 1.4 after three of
    them, the rest at 1.6 a round trip; after 3 round trips to join and 0.05 s of the server."""
    wide = "vendors.budget.limits.egress_mbps=1e6"
    cold = night(
        *WHOLE, COMING, wide, OURS + "catch_up=100", OURS + "first_window_kb=12.5", MEASURED
    )
    seen = run_once(cold).sessions
    late = seen[~seen["initial"]]
    assert len(late) > 50
    trips = 3 + (2.0 - 1.4) / 1.6
    assert late["startup_s"] == pytest.approx(3 * 0.06 + 0.05 + 0.06 * trips, abs=1e-6)


def test_a_standing_queue_adds_to_each_round_trip():
    """Of a join at a full node: three more of 0.15 s before anything comes."""
    nights = [(), (OURS + "queue_s=0.15", MEASURED)]
    plain, queued = (run_once(full(1.3, COMING, *more)).sessions for more in nights)
    late = plain["arrival_s"] > 80  # the node is full from 60 s on
    assert late.sum() > 10
    more_s = np.nanmean(queued["waiting_s"][late]) - np.nanmean(plain["waiting_s"][late])
    assert more_s == pytest.approx(3 * 0.15)


def test_smaller_pictures_have_more_overhead():
    """0.0066 Mbps of empty packets: 5 % at 2 Mbps, so 5 % + 0.66 % - 0.33 % at 1 Mbps."""
    path = np.zeros(1, PATH)
    path["wire"], path["best_mbps"], path["frame_mbps"] = 1.05, 2.0, 0.0066
    for rate_mbps, wire in ((2.0, 1.05), (1.0, 1.0533), (0.4, 1.0632)):
        assert _wire_of(path[0], rate_mbps) == pytest.approx(wire)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("sharing.spread=4", "must be 0 or from 0.001 to 3"),
        ("sharing.newcomer=2", "share from 0 to 1"),
        ("transport=udp", "sharing is of tcp"),
        ("queue_s=-1", "0 or more"),
    ],
)
def test_impossible_links_are_refused(given, said):
    with pytest.raises(ScenarioError, match=said):
        night(*WHOLE, *UNEVEN, OURS + given)
