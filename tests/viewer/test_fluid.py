"""The buffer as a fluid: conserved on any link, and equal to a plain integration in small steps."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record import Reason, State
from sim.viewer.viewer import Change
from tests.viewer.drive import flv, live, rtc

# --- on any link ----------------------------------------------------------------------------------

rates = st.one_of(st.just(0.0), st.just(2.0), st.floats(0, 8))
links = st.lists(st.tuples(st.floats(0.05, 30), rates), min_size=1, max_size=25).map(
    lambda pieces: [
        *((t, r) for t, (_, r) in zip(np.cumsum([s for s, _ in pieces]), pieces, strict=True)),
        (9e9, 20.0),
    ]
)
levels = st.one_of(st.none(), links)
flvs = st.builds(
    lambda start, more, gop, **keys: flv(
        start_s=start, target_s=start + gop + more, gop_s=gop,
        lag_limit_s=start + 2 * gop + more + keys.pop("slack"), **keys,
    ),
    start=st.floats(0, 3), more=st.floats(0, 3), gop=st.floats(0.1, 4),
    slack=st.one_of(st.just(np.inf), st.floats(0.1, 10)), catch_up=st.floats(1, 4),
    resume_s=st.floats(0.1, 3), speed_up=st.sampled_from([0.0, 0.05, 0.5]),
)  # fmt: skip
rtcs = st.builds(
    lambda target, part, **keys: rtc(target_s=target, start_s=target * part, **keys),
    target=st.floats(0.1, 2), part=st.floats(0, 1), gop_s=st.floats(0.1, 4),
    catch_up=st.floats(1, 4), keyframe_cached=st.booleans(),
)  # fmt: skip
players = st.one_of(flvs, rtcs)
people = st.fixed_dictionaries(
    {"j": st.integers(0, 1000), "intention_left_s": st.floats(1, 2000), "initial": st.booleans()}
)
FEW = 1e-6


@given(p=players, link=links, level=levels, who=people)
def test_a_buffer_never_holds_the_future_nor_less_than_nothing(p, link, level, who):
    v = live(p, link, until=1000.0, level=level, **who)
    inside = v.log[(v.log.state != State.GONE) & (v.log.state != State.WAITING)]
    assert (inside.b >= -FEW).all()
    assert (inside.b <= inside.lag + FEW).all()


@given(p=players, link=links, level=levels, who=people)
def test_media_fetched_is_shown_or_held_or_thrown_away(p, link, level, who):
    v = live(p, link, until=1000.0, level=level, **who)
    scale = 1 + v.got_s
    # What a viewer who is gone held and lagged is kept for the books.
    assert v.got_s == pytest.approx(
        v.shown_s + v.buffer_s + v.left_b_s + v.thrown_s, abs=FEW * scale
    )
    first = v.lag0_s if who["initial"] else 0.0  # they had a full buffer when the show began
    assert v.media_mb == pytest.approx((v.got_s - first) * 2.0, abs=FEW * scale)


@given(p=players, link=links, level=levels, who=people)
def test_time_inside_is_what_is_shown_and_skipped_and_the_lag(p, link, level, who):
    v = live(p, link, until=1000.0, level=level, **who)
    used = v.shown_s + v.skipped_s + v.lag + v.left_lag_s
    assert v.inside_s + v.lag0_s == pytest.approx(used, abs=FEW * (1 + used))
    assert v.inside_s == pytest.approx(v.starting_s + v.play_s + v.frozen_s)


@given(p=players, link=links, level=levels, who=people)
def test_clock_never_goes_back_and_intention_never_grows(p, link, level, who):
    v = live(p, link, until=1000.0, level=level, **who)
    assert (np.diff(v.log.t) >= 0).all()
    assert (np.diff(v.log.w) <= 0).all()


@given(p=players, link=links, back=st.lists(st.floats(0.01, 0.6), min_size=1, max_size=3))
def test_sessions_are_conserved_through_leaving_and_coming_back(p, link, back):
    for key, value in {"freeze_patience_s": 2.0, "rejoin_share": 0.8, "jitter_s": 0.5}.items():
        p[key] = value
    p["retries"], p["backoff_s"][0, : len(back)] = len(back), back
    v = live(p, link, until=1000.0, intention_left_s=1500.0)
    scale = 1 + v.got_s + v.inside_s
    assert v.got_s == pytest.approx(
        v.shown_s + v.buffer_s + v.left_b_s + v.thrown_s, abs=FEW * scale
    )
    used = v.shown_s + v.skipped_s + v.lag + v.left_lag_s
    assert v.inside_s + v.lag0_s == pytest.approx(used, abs=FEW * scale)


@given(p=players, link=links, who=people)
def test_a_change_that_changes_nothing_leaves_no_trace(p, link, who):
    # The same link, told in twice as many pieces.
    starts = [0.0, *(t for t, _ in link[:-1])]
    halves = [((a + t) / 2, r) for a, (t, r) in zip(starts, link, strict=True) if t < 1e9]
    split = sorted([*halves, *link])
    # Somebody who leaves at the very end is a tie, and rounding decides it.
    until = 1000.0617
    whole, pieces = live(p, link, until, **who), live(p, split, until, **who)
    for name in (
        "play_s",
        "frozen_s",
        "starting_s",
        "got_s",
        "lag",
        "buffer_s",
        "intention_left_s",
        "stall_s",
    ):
        assert pieces.row[name] == pytest.approx(whole.row[name], abs=FEW), name
    assert pieces.freezes == whole.freezes and pieces.reason == whole.reason


@given(p=players, link=links, who=people, factor=st.floats(1, 5))
def test_more_rate_never_means_a_later_first_frame(p, link, who, factor):
    p["lag_limit_s"] = np.inf  # nor a skip on the way, which starts over
    slow = live(p, link, **who | {"intention_left_s": 1e6, "initial": False})
    fast = live(
        p, [(t, r * factor) for t, r in link], **who | {"intention_left_s": 1e6, "initial": False}
    )
    assert fast.startup_s <= slow.startup_s + FEW


# --- against small steps --------------------------------------------------------------------------


@numba.njit
def _integrate(is_rtc, p, ends, mbps, lag0, until, dt):
    """The model's equations in steps of dt: (starting, played, frozen, fetched, b, lag) in s."""
    starting, playing, frozen = 0.0, 0.0, 0.0
    b, lag, got, k = 0.0, lag0, 0.0, 0
    state = 0  # starting, playing, frozen
    keyframe = is_rtc
    for n in range(round(until / dt)):
        t = n * dt
        while ends[k] <= t:
            k += 1
        fill = min(mbps[k] * p.link_share, p.catch_up * p.layer_mbps[0]) / p.layer_mbps[0]
        if keyframe and fill >= 1.0:
            cached = state == 0 and p.keyframe_cached
            if cached or (n > 0 and np.floor(t / p.gop_s) > np.floor((t - dt) / p.gop_s)):
                keyframe = False
                b, lag = 0.0, p.target_s
                if state == 2:
                    state = 1
        speed = 0.0
        if state == 1:
            playing += dt
            speed = 1.0 + (p.speed_up if lag > p.target_s and b >= lag else 0.0)
        elif state == 0:
            starting += dt
        else:
            frozen += dt
        more = fill * dt
        lag += (1.0 - speed) * dt
        if keyframe:
            got += more
            continue
        more = min(more, lag - b + speed * dt)  # there is no media beyond live
        got += more
        b += more - speed * dt
        if state == 1 and b <= 0.0 and fill < 1.0:
            b, state, keyframe = 0.0, 2, is_rtc
        elif state == 0 and b >= p.start_s:
            state = 1
            if is_rtc:
                lag = p.target_s
        elif state == 2 and not is_rtc and b >= p.resume_s:
            state = 1
        if state != 1 and lag >= p.lag_limit_s:
            b, lag = max(0.0, b - (lag - p.target_s)), p.target_s
    return starting, playing, frozen, got, b, lag


PLAYERS = {
    "flv": flv(gop_s=1.0, link_share=0.9),
    "flv that skips": flv(lag_limit_s=8.0, resume_s=2.0),
    "flv that speeds up": flv(speed_up=0.1, resume_s=0.5, catch_up=2.0),
    "flv that resumes late": flv(resume_s=6.0, catch_up=3.0, lag_limit_s=20.0),
    "rtc": rtc(gop_s=2.0),
    "rtc without cache": rtc(gop_s=0.7, keyframe_cached=False, target_s=1.0, link_share=0.8),
}


@pytest.mark.parametrize("name", PLAYERS)
def test_changes_at_computed_times_agree_with_small_steps(name):
    """On random links."""
    p, dt, until = PLAYERS[name], 2e-4, 120.0
    rng = np.random.default_rng(7)
    freezes, off = 0, []
    for j in range(40):
        spells = rng.exponential(4.0, 60)
        rate = 2.0 * rng.choice([0.0, 0.3, 0.8, 1.2, 3.0], 60) * rng.uniform(0.8, 1.2, 60)
        ends = np.append(np.cumsum(spells), np.inf)
        v = live(p, [*zip(ends[:-1], rate, strict=True), (9e9, 20.0)], until=until, j=j)
        lag0 = v.log[v.log.cause == Change.JOINED][0].lag
        small = _integrate(
            name.startswith("rtc"), p[0], ends, np.append(rate, 20.0), lag0, until, dt
        )
        ours = (v.starting_s, v.play_s, v.frozen_s, v.got_s, v.buffer_s, v.lag)
        off.append(np.abs(np.array(ours) - small).max() / (10 + len(v.log)))
        freezes += v.freezes
    assert freezes > 50  # the links are rough enough to tell
    # Each change may come a step or two late.
    assert max(off) < 5 * dt


# --- Zeno -----------------------------------------------------------------------------------------


@given(p=players, part=st.sampled_from([0.0, 1e-6, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9]))
def test_no_link_makes_a_viewer_change_without_end(p, part):
    v = live(p, [(20.0, 20.0), (9e9, 2.0 * part)], until=600.0, most=20_000)
    assert len(v.log) < 10_000
    assert v.reason == Reason.NONE
