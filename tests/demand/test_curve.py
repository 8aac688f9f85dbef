"""From a script to expected joins: the curve comes true, or the error is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.demand import expected_demand
from sim.demand.curve import read_curve
from sim.scenario.compose import resolve_file
from sim.scenario.errors import ScenarioError
from sim.scenario.model import Stay
from tests.demand.nights import AUDIENCES, PROMOTIONS, demand, night, shipped

NIGHTS = [(p, a) for p in PROMOTIONS for a in AUDIENCES]
CURVES = [(p, a) for p, a in NIGHTS if p != "midnight_drop"]  # that one scripts arrivals

FORGETFUL = Stay(bouncer_share=1, bouncer_mean_s=200, stayer_mean_s=1, stayer_sigma_ln=1)


def shipped_demand(promotion, audience):
    scenario = shipped(f"promotion={promotion}", f"audience={audience}")
    return scenario.promotion, expected_demand(scenario.promotion, scenario.audience)


def survival(law, x):
    stayers = stats.lognorm.sf(x, law.sigma, scale=np.exp(law.mu))
    return law.share * np.exp(-x / law.bouncer_s) + (1 - law.share) * stayers


def by_the_second(d, times):
    """Expected viewers at `times` by summing over joins of each tenth of a second."""
    dt = 0.1
    joined = np.arange(dt / 2, d.duration_s, dt)
    rate = d.per_s[np.searchsorted(d.edges_s, joined, side="right") - 1]
    age = np.arange(0, d.duration_s + dt, dt)
    s = survival(d.parts[0].law, age)
    rest = 1 - np.append(0, np.cumsum((s[1:] + s[:-1]) / 2)) * dt / d.mean_stay_s
    here = []
    for t in times:
        still = survival(d.parts[0].law, t - joined[joined < t])
        here.append(d.initial * np.interp(t, age, rest) + rate[: len(still)] @ still * dt)
    return np.array(here)


# --- a concurrency curve --------------------------------------------------------------------------


@pytest.mark.parametrize(("promotion", "audience"), CURVES)
def test_every_shipped_curve_comes_true_or_says_how_far_off(promotion, audience):
    """At the bin edges; how far off it is in between is said too."""
    script, d = shipped_demand(promotion, audience)
    if script.file is not None:
        points, _ = read_curve(resolve_file("promotion.file", script.file))
    else:
        points = np.array(script.concurrency)
    inside = points[points[:, 0] <= d.duration_s]
    wanted = np.interp(d.edges_s, *inside.T) * script.peak_viewers / inside[:, 1].max()
    achieved = d.offered[::2]
    error = np.abs(achieved - wanted).max() / script.peak_viewers
    between = np.interp(d.times_s, *inside.T) * script.peak_viewers / inside[:, 1].max()
    off = np.abs(d.offered - between).max() / script.peak_viewers
    assert d.curve_error == pytest.approx(off, abs=1e-12) and off < 0.05
    assert d.dry_share == np.mean(d.per_s == 0) < 0.05
    assert error < (1e-9 if d.dry_share == 0 else 0.01)
    # Only too many may be there: people who have not left yet.
    assert (achieved > wanted - 1e-6).all()


@pytest.mark.parametrize(("promotion", "audience"), NIGHTS)
def test_what_is_offered_is_what_the_joins_and_stays_add_up_to(promotion, audience):
    _, d = shipped_demand(promotion, audience)
    some = slice(0, None, 31)
    assert by_the_second(d, d.times_s[some]) == pytest.approx(
        d.offered[some], abs=1e-4 * d.peak_viewers
    )
    assert (d.per_s >= 0).all() and d.initial >= 0


@pytest.mark.parametrize(("promotion", "audience"), NIGHTS)
def test_the_peak_of_every_shipped_script_is_peak_viewers(promotion, audience):
    script, d = shipped_demand(promotion, audience)
    assert d.peak_viewers == script.peak_viewers == 20_000
    assert d.offered_peak == d.offered.max() == pytest.approx(20_000, rel=1e-3)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_flat_curve_needs_littles_joins_all_night(audience):
    d = demand(audience, peak_viewers=1000)
    assert d.initial == 1000
    assert d.per_s == pytest.approx(np.full(40, 1000 / d.mean_stay_s))
    assert d.offered == pytest.approx(np.full(81, 1000))
    assert d.arrivals == pytest.approx(1000 + 1200 * 1000 / d.mean_stay_s)


def test_the_stay_and_not_the_curve_fixes_the_join_rate():
    star, feed = demand("star_room"), demand("feed_room")
    assert star.offered == pytest.approx(feed.offered)
    assert feed.per_s[-1] / star.per_s[-1] == pytest.approx(star.mean_stay_s / feed.mean_stay_s)


@given(
    shares=st.lists(st.floats(0, 1), min_size=3, max_size=6).filter(lambda y: max(y) > 0.01),
    audience=st.sampled_from(AUDIENCES),
)
def test_no_curve_needs_negative_joins_and_none_is_undershot(shares, audience):
    times = np.linspace(0, 1200, len(shares))
    d = demand(audience, concurrency=np.column_stack([times, shares]).tolist())
    wanted = np.interp(d.edges_s, times, shares) / max(shares) * 1000
    assert (d.per_s >= 0).all()
    assert (d.offered[::2] >= wanted - 1e-6).all()
    error = (d.offered[::2] - wanted).max() / 1000
    assert d.curve_error >= error - 1e-9
    if d.dry_share == 0:
        assert error < 1e-9


def test_curve_falling_faster_than_viewers_leave_dries_up():
    """It says for how much of the night, and how far off the curve is."""
    fall = [[0, 1], [600, 1], [660, 0.1], [1200, 0.1]]
    d = demand(stay=FORGETFUL, concurrency=fall)
    # Nobody joins any more: of 1,000 at 600 s, exp(-t / 200 s) are left.
    late = d.times_s >= 600
    closed = np.exp(-(d.times_s[late] - 600) / 200)
    dry = closed > 0.1
    assert d.offered[late][dry] == pytest.approx(1000 * closed[dry])
    assert d.offered[late][~dry][2:] == pytest.approx(100)
    assert d.dry_share == pytest.approx(15 / 40)  # 200 s x ln 10 = 461 s: 15 bins of 30 s
    assert d.curve_error == pytest.approx(np.exp(-60 / 200) - 0.1)


def test_a_room_nobody_is_meant_to_be_in_yet_is_not_dry():
    d = demand(concurrency=[[0, 0], [300, 0], [900, 1], [1200, 1]])
    assert (d.per_s[:10] == 0).all() and d.initial == 0
    assert d.dry_share == 0 and d.curve_error < 0.01


def test_joins_and_presence_scale_with_the_peak():
    small, large = demand(peak_viewers=1000), demand(peak_viewers=3000)
    assert large.per_s == pytest.approx(small.per_s * 3)
    assert large.initial == pytest.approx(small.initial * 3)


@pytest.mark.parametrize("grid_s", [15, 30, 60])
def test_the_grid_hardly_matters(grid_s):
    ramp = [[0, 0.1], [600, 1], [1200, 0.9]]
    d = demand("star_room", concurrency=ramp, grid_s=grid_s)
    assert d.curve_error < 0.01
    fine = demand("star_room", concurrency=ramp, grid_s=5)
    assert fine.curve_error < d.curve_error
    assert d.arrivals == pytest.approx(fine.arrivals, rel=2e-3)


def test_a_show_need_not_be_a_whole_number_of_bins():
    d = demand(duration_s=1000, concurrency=[[0, 0.2], [1000, 1]])
    assert d.edges_s[-2:] == pytest.approx([990, 1000])
    assert d.curve_error < 0.01
    assert d.offered[::2] == pytest.approx(200 + 0.8 * d.edges_s)
    assert d.offered_peak == pytest.approx(1000)


# --- an arrival curve -----------------------------------------------------------------------------


def offer(time_s, extra=7.0, decay_s=300.0):
    return {
        "name": "offer", "time_s": time_s, "price_cny": 1, "intent": 1, "decay_s": 1,
        "extra_arrivals": extra, "extra_decay_s": decay_s,
    }  # fmt: skip


def test_flat_arrivals_keep_the_room_at_its_peak():
    d = demand(arrivals=[[0, 5], [1200, 5]])
    assert d.offered == pytest.approx(np.full(81, 1000))
    assert d.per_s == pytest.approx(np.full(40, 1000 / d.mean_stay_s))
    assert np.isnan(d.curve_error)


@given(time_s=st.floats(0, 1150), extra=st.floats(0.1, 20), decay_s=st.floats(30, 1000))
def test_a_drop_brings_its_extra_joins_and_none_before_it(time_s, extra, decay_s):
    d = demand(arrivals=[[0, 5], [1200, 5]], drops=[offer(time_s, extra, decay_s)])
    # Presence is scaled to the peak; the joins of a bin are known up to that factor.
    usual = d.initial / d.mean_stay_s
    more = d.per_s / usual - 1
    a, b = np.maximum(d.edges_s[:-1] - time_s, 0), np.maximum(d.edges_s[1:] - time_s, 0)
    expected = extra * decay_s * (np.exp(-a / decay_s) - np.exp(-b / decay_s)) / 30
    assert more == pytest.approx(expected, rel=2e-3, abs=1e-9)
    assert d.offered_peak == pytest.approx(1000)


def test_arrivals_between_points_lie_on_straight_lines():
    d = demand(arrivals=[[0, 1], [600, 3], [1200, 0]])
    middle = (d.edges_s[1:] + d.edges_s[:-1]) / 2
    line = np.interp(middle, [0, 600, 1200], [1, 3, 0])
    assert d.per_s / d.per_s[0] == pytest.approx(line / line[0])


# --- everyone leaves together ---------------------------------------------------------------------

EXIT = {"time_s": 600, "duration_s": 60, "share": 0.4}


def test_a_mass_exit_takes_its_share_of_those_present():
    d = demand(stay=FORGETFUL, arrivals=[[0, 1], [1200, 1]], mass_exit=EXIT)
    usual = d.offered[0]
    before = d.times_s <= 600
    assert d.offered[before] == pytest.approx(usual)
    # At 660 s of those there at 600 s exp(-60/200) would have stayed; 0.6 of them have.
    left = usual * np.exp(-60 / 200)
    joined = usual - left
    # Viewers who joined meanwhile meet what remained of the exit.
    middles = [615, 645]
    still = [np.exp(-(660 - m) / 200) * (1 - 0.4 * (660 - m) / 60) for m in middles]
    full = [np.exp(-(660 - m) / 200) for m in middles]
    expected = left * 0.6 + joined * sum(still) / sum(full)
    at = np.flatnonzero(d.times_s == 660)[0]
    assert d.offered[at] == pytest.approx(expected, rel=2e-3)
    # Afterwards nobody is taken, and what is missing is forgotten.
    later = d.times_s >= 660
    missing = (usual - d.offered[at]) * np.exp(-(d.times_s[later] - 660) / 200)
    assert d.offered[later] == pytest.approx(usual - missing)


def test_mass_exit_lets_a_curve_fall_faster_than_viewers_leave():
    fall = [[0, 1], [600, 1], [660, 0.6], [1200, 0.6]]
    plain = demand("star_room", concurrency=fall)
    together = demand("star_room", concurrency=fall, mass_exit=EXIT)
    assert plain.dry_share > 0 and plain.curve_error > 0.05
    assert together.dry_share == 0 and together.curve_error < 0.001


# --- a recorded curve -----------------------------------------------------------------------------


def curve_file(folder, *lines, header="time_s,viewers"):
    file = folder / "curve.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return str(file)


RECORDED = ["0,100", "600,400", "900,250", "1200,500"]


def test_recorded_curve_scales_to_the_peak_and_keeps_its_length(tmp_path):
    """It lasts as long as the file unless a duration is given."""
    file = curve_file(tmp_path, *RECORDED)
    d = demand(file=file, duration_s=None, peak_viewers=2000)
    assert d.duration_s == 1200
    assert (d.peak_viewers, d.initial) == (2000, 400)
    assert d.offered[[40, 80]] == pytest.approx([1600, 2000])
    assert d.offered_peak == pytest.approx(2000)


def test_points_beyond_the_end_of_the_show_don_t_count(tmp_path):
    file = curve_file(tmp_path, *RECORDED)
    d = demand(file=file, duration_s=900, peak_viewers=2000)
    assert d.duration_s == 900
    assert (d.peak_viewers, d.initial) == (2000, 500)
    assert d.offered_peak == pytest.approx(2000)  # at 600 s, where the file has 400


def test_null_keeps_the_maximum_of_the_file_within_the_show(tmp_path):
    file = curve_file(tmp_path, *RECORDED)
    whole = demand(file=file, duration_s=None, peak_viewers=None)
    part = demand(file=file, duration_s=900, peak_viewers=None)
    assert (whole.peak_viewers, part.peak_viewers) == (500, 400)
    assert whole.initial == part.initial == 100
    assert whole.offered_peak == pytest.approx(500)


def test_a_recording_may_begin_at_any_time_of_its_clock(tmp_path):
    shifted = [f"{int(t) + 7200},{n}" for t, n in (line.split(",") for line in RECORDED)]
    moved = demand(file=curve_file(tmp_path, *shifted), duration_s=None)
    usual = demand(file=curve_file(tmp_path, *RECORDED), duration_s=None)
    assert moved.duration_s == 1200
    assert np.array_equal(moved.offered, usual.offered)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_views_tell_how_long_people_stay(tmp_path, audience):
    # Viewer-seconds: 600 s x 250 + 300 s x 325 + 300 s x 375; views: 3,000.
    lines = ["0,100,70", "600,400,1200", "900,250,1800", "1200,500,3070"]
    d = demand(
        audience, duration_s=None, file=curve_file(tmp_path, *lines, header="time_s,viewers,views")
    )
    assert d.mean_stay_s == pytest.approx((150_000 + 97_500 + 112_500) / 3000)
    unfitted = demand(audience, duration_s=None, file=curve_file(tmp_path, *RECORDED))
    law, stay = unfitted.parts[0].law, shipped(f"audience={audience}").audience.stay
    assert unfitted.mean_stay_s == pytest.approx(
        stay.bouncer_share * stay.bouncer_mean_s + (1 - stay.bouncer_share) * stay.stayer_mean_s
    )
    assert (law.share, law.sigma) == (d.parts[0].law.share, d.parts[0].law.sigma)


def test_fitted_stays_bring_as_many_viewers_as_were_recorded(tmp_path):
    lines = [f"{60 * k},{300},{60 * k * 2}" for k in range(21)]  # two joins a second
    file = curve_file(tmp_path, *lines, header="time_s,viewers,views")
    d = demand("star_room", duration_s=None, peak_viewers=None, file=file)
    assert d.arrivals - d.initial == pytest.approx(2400)


def test_views_are_left_alone_where_the_stay_says_so(tmp_path):
    file = curve_file(tmp_path, "0,100,0", "1200,100,50", header="time_s,viewers,views")
    stay = FORGETFUL.model_copy(update={"fit_to_views": False})
    assert demand(stay=stay, duration_s=None, file=file).mean_stay_s == 200
    assert demand(stay=FORGETFUL, duration_s=None, file=file).mean_stay_s == 2400


def test_show_ending_before_the_files_first_viewer_is_refused(tmp_path):
    file = curve_file(tmp_path, "0,0", "600,0", "1200,50")
    scenario = night(file=file, duration_s=300)
    with pytest.raises(ScenarioError, match=r"duration_s.*300"):
        expected_demand(scenario.promotion, scenario.audience)


def test_a_rush_shorter_than_a_bin_counts_in_full():
    """A triangle of 1 s, 2 joins a second high, is one join, and so is one of 2 s half as high."""
    d = demand(arrivals=[[0, 0], [100, 0], [100.5, 2], [101, 0], [200, 0], [201, 1], [202, 0]])
    joins = d.per_s * np.diff(d.edges_s)
    assert joins[3] == pytest.approx(joins[6])
    assert joins[[3, 6]].sum() == pytest.approx(joins.sum())
    assert d.offered_peak == pytest.approx(d.peak_viewers)
