"""Who leaves, when and why: patience at the start and in a freeze, and watch intention."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.record import Reason, State
from sim.scenario.compose import load_scenario
from sim.viewer.viewer import VIEWER, dominant_limit, patience
from tests.entry import entry
from tests.viewer.drive import AT_DOOR, AT_EDGE, NONE, OWN_LINK, crowd, flv, live, reference, rtc

_patience, _harm = entry(patience), entry(dominant_limit)

SHIPPED = load_scenario().audience
CURVE = ((SHIPPED.patience.free_s, 0.0), *SHIPPED.patience.left_by)
VIEWERS = 20_000


def shares_gone(rows, times):
    """Share of all who are gone by each time since the tap."""
    gone = np.where(rows["state"] == State.GONE, rows["now_s"] - rows["arrival_s"], np.inf)
    return [(gone <= t).mean() for t in times]


# --- before the first frame -----------------------------------------------------------------------


def test_the_shipped_curve_is_the_published_one():
    assert CURVE == ((1, 0), (2, 0.05), (5, 0.25), (10, 0.48))


@pytest.mark.parametrize("where", ["starting", "at the door", "in the waiting room"])
def test_waiting_viewers_leave_as_the_patience_curve_says(where):
    """5, 25 and 48 % are gone by 2, 5 and 10 s, and nobody before 1 s."""
    p = flv(patience=CURVE, backoff_s=[50.0] * 16)
    rows = crowd(
        p, VIEWERS, 0.0, arrival_s=30.0,
        opens_s=0.0 if where == "starting" else 1e9, waiting_room=where == "in the waiting room",
    )  # fmt: skip
    got = shares_gone(rows, [1, 2, 5, 10])
    assert got[0] == 0
    assert got == pytest.approx([0, 0.05, 0.25, 0.48], abs=4 * 0.5 / np.sqrt(VIEWERS))
    reason = Reason.LEFT_STARTING if where == "starting" else Reason.GAVE_UP_WAITING
    assert (rows["reason"] == reason).all()


def test_beyond_the_curve_they_go_on_leaving_at_its_last_rate():
    rows = crowd(flv(patience=CURVE), VIEWERS, 0.0)
    late = rows["now_s"][rows["now_s"] > 10] - 10
    hazard = np.log(0.75 / 0.52) / 5
    assert hazard == pytest.approx(0.0733, abs=1e-4)
    assert stats.kstest(late, stats.expon(scale=1 / hazard).cdf).pvalue > 1e-3


def test_one_clock_runs_from_tap_through_retries_and_buffer():
    p = flv(patience=CURVE, backoff_s=[0.5] * 16, refusal_s=0.2, join_server_s=1.0)
    # Refused for three seconds, a second of joining, then a link of nothing.
    all_of_it = crowd(p, VIEWERS, 0.0, opens_s=3.0)
    nothing_else = crowd(flv(patience=CURVE), VIEWERS, 0.0)
    assert np.array_equal(all_of_it["now_s"], nothing_else["now_s"])
    assert set(all_of_it["reason"]) == {Reason.GAVE_UP_WAITING, Reason.LEFT_STARTING}


def test_viewer_who_sees_a_frame_in_time_stays():
    rows = crowd(flv(patience=CURVE), 5000, [(3.0, 0.0), (9e9, 4.0)], until=30.0)
    # The first frame is there at 3 s + 1 s x 2 / 3.
    left = rows["state"] == State.GONE
    assert (rows["now_s"][left] <= 3 + 2 / 3).all()
    assert rows["startup_s"][~left] == pytest.approx(3 + 2 / 3)
    expected = 1 - 0.95 * (0.75 / 0.95) ** ((3 + 2 / 3 - 2) / 3)
    assert left.mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(5000))


@pytest.mark.parametrize("room", [((10.0, 0.0), (60.0, 0.5)), ((0.5, 0.0), (1.0, 0.5))])
def test_a_waiting_room_may_have_a_patience_of_its_own(room):
    rows = crowd(flv(patience=CURVE, room=room), VIEWERS, opens_s=1e9, waiting_room=True)
    (free, _), (end, _) = room
    assert shares_gone(rows, [free, (free + end) / 2, end]) == pytest.approx(
        [0, 1 - np.sqrt(0.5), 0.5], abs=4 * 0.5 / np.sqrt(VIEWERS)
    )


def test_the_patient_are_patient_everywhere():
    there, elsewhere = (
        crowd(flv(patience=CURVE, room=room), 1000, opens_s=1e9, waiting_room=True)["now_s"]
        for room in (CURVE, ((10.0, 0.0), (60.0, 0.5)))
    )
    assert np.array_equal(np.argsort(there), np.argsort(elsewhere))


curves = st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.02, 0.9)), min_size=1, max_size=15).map(
    lambda steps: np.column_stack(
        [
            np.cumsum([0.5, *(a for a, _ in steps)]),
            np.cumsum([0.0, *(-np.log1p(-b) for _, b in steps)]),
        ]
    )
)


@given(curve=curves, u=st.floats(1e-12, 1 - 1e-12))
def test_patience_inverts_the_curve_of_those_gone(curve, u):
    times, hazard = curve.T
    t = _patience(times, hazard, len(times), u)
    assert t >= times[0]
    last = (hazard[-1] - hazard[-2]) / (times[-1] - times[-2])
    mass = np.interp(t, times, hazard) + max(0.0, t - times[-1]) * last
    assert np.exp(-mass) == pytest.approx(u, rel=1e-9)


# --- in a freeze ----------------------------------------------------------------------------------

FALLS = [(50.0, 20.0), (9e9, 0.0)]


@pytest.mark.parametrize("player", [flv, rtc])
@pytest.mark.parametrize("free", [0.0, 8.0])
def test_patience_in_a_freeze_is_exponential_after_a_free_time(player, free):
    rows = crowd(player(freeze_free_s=free, freeze_patience_s=20.0), 5000, FALLS, until=2000.0)
    assert (rows["reason"] == Reason.LEFT_STALLED).all()
    assert stats.kstest(rows["frozen_s"], stats.expon(free, 20).cdf).pvalue > 1e-3


def test_every_freeze_has_a_patience_of_its_own():
    link = [(50.0, 20.0), (70.0, 0.0), (120.0, 20.0), (9e9, 0.0)]
    rows = crowd(rtc(freeze_patience_s=20.0), 5000, link, until=2000.0)
    first = 20.6  # from 50.4 to the keyframe at 71
    again = rows["freezes"] == 2
    assert again.mean() == pytest.approx(np.exp(-first / 20), abs=4 * 0.5 / np.sqrt(5000))
    second = rows["frozen_s"][again] - first
    assert stats.kstest(second, stats.expon(scale=20).cdf).pvalue > 1e-3


def test_nobody_leaves_in_a_freeze_without_stall_patience():
    """Not before W is spent."""
    rows = crowd(flv(), 100, FALLS, until=5000.0, intention_left_s=500.0)
    assert set(rows["reason"]) == {Reason.DONE}


def test_the_reference_player_has_none():
    rows = crowd(reference(freeze_patience_s=20.0), 100, FALLS, until=2000.0)
    assert (rows["state"] == State.STALLED).all()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_share_of_viewers_lost_to_a_freeze_returns_by_schedule(share):
    p = flv(freeze_patience_s=20.0, rejoin_share=share, backoff_s=[2.0, 9.0], jitter_s=0.5)
    rows = crowd(p, 5000, FALLS, until=70.0, intention_left_s=1e6)
    left = rows["left_b_s"] + rows["left_lag_s"] > 0
    back = left & (rows["state"] != State.GONE)
    # Viewers who left in the last seconds are on their way; the others are starting anew.
    assert (rows["reason"][left & ~back] == Reason.LEFT_STALLED).all()
    assert back.sum() / left.sum() == pytest.approx(share, abs=0.05)
    here = rows[back & (rows["state"] == State.STARTING)]
    assert (here["session"] == 2).all() and (here["attempts"] == 2).all()
    away = here["asked_s"] - here["tap_s"]
    assert stats.kstest(away, stats.uniform(2.0, 0.5).cdf).pvalue > 1e-3
    assert here["waiting_s"] == pytest.approx(away)


def test_returning_viewer_starts_a_session_with_the_rest_of_w():
    link = [(50.0, 20.0), (200.0, 0.0), (9e9, 20.0)]
    p = rtc(freeze_patience_s=1.0, rejoin_share=1.0, backoff_s=[1.0])
    v = live(p, link, until=400.0, intention_left_s=400.0)
    assert v.session == 2
    assert v.starting_s > 140  # until the link is back
    spent = v.waiting_s + v.starting_s + v.play_s + 3.0 * v.frozen_s
    assert v.intention_left_s == pytest.approx(400 - spent)
    assert v.startup_s < 1  # the first frame of all


# --- watch intention ------------------------------------------------------------------------------


def test_in_hd_it_runs_down_at_1():
    v = live(flv(), 20.0, intention_left_s=300.0)
    assert (v.reason, v.now_s) == (Reason.DONE, pytest.approx(300))
    assert v.hd_s == v.play_s == pytest.approx(300 - v.starting_s)


@pytest.mark.parametrize("rundown", [1.0, 1.1, 1.25])
def test_below_hd_it_runs_down_faster(rundown):
    v = live(flv(hd=False, sd_rundown=rundown), 20.0, intention_left_s=300.0)
    assert v.play_s == pytest.approx((300 - v.starting_s) / rundown)
    assert v.hd_s == 0


@pytest.mark.parametrize("kappa", [1.0, 3.3, 5.0])
def test_frozen_it_runs_down_at_kappa(kappa):
    v = live(flv(kappa=kappa), FALLS, until=5000.0, intention_left_s=300.0)
    before = v.starting_s + v.play_s
    assert v.frozen_s == pytest.approx((300 - before) / kappa)
    assert v.reason == Reason.DONE


@given(
    pieces=st.lists(st.tuples(st.floats(0.5, 30), st.floats(0, 3)), min_size=1, max_size=20),
    w=st.floats(1, 400),
    player=st.sampled_from([flv, rtc, reference]),
    hd=st.booleans(),
)
def test_all_of_it_is_spent_on_what_he_went_through(pieces, w, player, hd):
    ends = np.cumsum([s for s, _ in pieces])
    p = player(hd=hd)
    v = live(
        p,
        [*zip(ends, [x for _, x in pieces], strict=True), (9e9, 20.0)],
        until=2000.0,
        intention_left_s=w,
    )
    assert v.state == State.GONE
    sd = v.play_s - v.hd_s
    spent = v.waiting_s + v.starting_s + v.hd_s + 1.1 * sd + 3.0 * v.frozen_s
    assert spent == pytest.approx(w)
    assert v.now_s - v.arrival_s == pytest.approx(
        v.waiting_s + v.starting_s + v.play_s + v.frozen_s
    )


# --- the script's ends ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "exit_s", "reason"),
    [
        (20.0, 100.0, Reason.DONE),
        (FALLS, 100.0, Reason.DONE),
        (0.0, 100.0, Reason.LEFT_STARTING),
        (20.0, 200.0, Reason.SHOW_OVER),
        (FALLS, 200.0, Reason.SHOW_OVER),
        (0.0, 200.0, Reason.SHOW_OVER),
    ],
)
def test_mass_exit_or_end_of_show_takes_viewer_in_any_state(link, exit_s, reason):
    v = live(flv(show_s=200.0), link, exit_s=exit_s)
    assert (v.state, v.reason, v.now_s) == (State.GONE, reason, exit_s)


def test_waiting_viewer_gives_up_at_exit_and_is_censored_at_end():
    """At a mass exit, and at the end of the show."""
    for exit_s, reason in ((100.0, Reason.GAVE_UP_WAITING), (200.0, Reason.SHOW_OVER)):
        v = live(flv(show_s=200.0), exit_s=exit_s, opens_s=1e9, waiting_room=True)
        assert (v.reason, v.now_s, v.waiting_s) == (reason, exit_s, exit_s)


def test_departure_comes_before_all_else_at_its_instant():
    # The buffer would be full, the link change and W be spent all at 1 s.
    v = live(flv(), [(1.0, 2.0), (9e9, 20.0)], intention_left_s=1.0)
    assert (v.reason, v.now_s, v.startup_s) == (
        Reason.LEFT_STARTING,
        1.0,
        pytest.approx(np.nan, nan_ok=True),
    )


# --- what is blamed -------------------------------------------------------------------------------


def test_frozen_time_is_booked_to_its_cause_at_its_cost():
    """In watch intention: kappa times the time frozen."""
    v = live(flv(), [(50.0, 20.0), (60.0, 0.0), (9e9, 20.0)], until=200.0)
    assert v.lost_link_s == pytest.approx(3.0 * v.frozen_s)
    assert v.lost_egress_s == v.lost_door_s == 0


def test_viewer_leaving_in_a_freeze_loses_rest_of_w_to_its_cause():
    v = live(flv(freeze_patience_s=5.0), FALLS, intention_left_s=1000.0)
    assert v.reason == Reason.LEFT_STALLED
    assert v.lost_link_s == pytest.approx(3.0 * v.frozen_s + v.intention_left_s)
    assert v.intention_left_s > 100


def test_an_ordinary_start_up_is_nobodys_fault():
    v = live(flv(), 20.0, until=100.0)
    assert v.lost_link_s == v.lost_egress_s == v.lost_door_s == 0
    slow = live(flv(), 1.0, until=1.9)
    assert slow.lost_link_s == pytest.approx(1.9)  # below the bitrate it is the link's
    assert (slow.limit, v.limit) == (OWN_LINK, NONE)


def test_viewer_who_never_gets_in_loses_all_of_w_to_the_door():
    v = live(flv(backoff_s=[1.0]), opens_s=1e9, intention_left_s=500.0)
    assert v.reason == Reason.REFUSED
    assert v.lost_door_s == pytest.approx(500)
    assert v.door == AT_DOOR


@pytest.mark.parametrize(
    ("link", "door", "egress", "what"),
    [(0, 0, 0, NONE), (3, 2, 1, OWN_LINK), (1, 3, 2, AT_DOOR), (1, 2, 3, AT_EDGE)],
)
def test_harm_is_what_cost_most_intention(link, door, egress, what):
    row = np.zeros(1, VIEWER)
    row["lost_link_s"], row["lost_door_s"], row["lost_egress_s"] = link, door, egress
    row["door"], row["egress"] = AT_DOOR, AT_EDGE
    assert _harm(row[0]) == what
