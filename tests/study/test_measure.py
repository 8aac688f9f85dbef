"""Figures of a night, read from sessions typed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.demand import draw_audience
from sim.engine import perfect, run
from sim.record import SESSIONS, Reason
from sim.study.measure import figures
from tests.engine.nights import night

NEVER = np.nan


@pytest.fixture(scope="module")
def small():
    scenario = night("promotion.peak_viewers=20")
    audience = draw_audience(scenario, 0)
    vendor = scenario.vendors["budget"]
    return run(scenario, vendor, 0, audience), perfect(scenario, 0, audience)


def measured(small, *rows):
    """The figures of sessions (reason, startup_s, initial)."""
    made = np.zeros(len(rows), SESSIONS)
    for row, (reason, startup_s, initial) in zip(made, rows, strict=True):
        row["reason"], row["startup_s"], row["initial"] = reason, startup_s, initial
        row["attempts"] = 1
    r, best = small
    return {metric: value for metric, value in figures(replace(r, sessions=made), best)}


def test_a_join_fails_for_who_never_saw_a_frame(small):
    """Who had watched and was refused on return failed to return, not to join."""
    is_ = measured(
        small,
        (Reason.REFUSED, NEVER, False), (Reason.GAVE_UP_WAITING, NEVER, False),
        (Reason.CUT_OFF, NEVER, False),  # before the first frame, and not back
        (Reason.LEFT_STARTING, NEVER, False),
        (Reason.REFUSED, 2.0, False), (Reason.GAVE_UP_WAITING, 2.0, False),
        (Reason.CUT_OFF, 6.0, False), (Reason.LEFT_STARTING, 0.5, False),
        (Reason.DONE, 0.5, False), (Reason.LEFT_STALLED, 5.0, False),
        (Reason.SHOW_OVER, 1.0, False), (Reason.SHOW_OVER, NEVER, False),
        (Reason.REFUSED, NEVER, True), (Reason.DONE, NEVER, True),
    )  # fmt: skip
    assert is_["join_failure_ratio"] == pytest.approx(3 / 12)
    assert is_["start_abandon_ratio"] == pytest.approx(1 / 12)
    assert is_["return_failure_ratio"] == pytest.approx(4 / 12)
    assert is_["join_5s_ratio"] == pytest.approx(6 / 12)
    assert is_["fast_startup_ratio"] == pytest.approx(3 / 7)


def test_who_arrived_saw_a_frame_or_did_not_for_one_reason():
    """A region that is cut off for a while, and a room that is full when people are back."""
    scenario = night(
        "promotion.peak_viewers=200", "vendors.budget.limits.sessions=120",
        "audience.retry.rejoin_share=1", "vendors.budget.policy.ghost_s=60",
        "incidents=[{name: cut, what: region, where: cn, time_s: 100, duration_s: 20, left: 0}]",
    )  # fmt: skip
    audience = draw_audience(scenario, 0)
    r = run(scenario, scenario.vendors["budget"], 0, audience, "incidents", "budget")
    is_ = {metric: value for metric, value in figures(r, perfect(scenario, 0, audience))}
    came = r.sessions[~r.sessions["initial"]]
    saw = ~np.isnan(came["startup_s"])
    waits = (~saw & (came["reason"] == Reason.SHOW_OVER)).mean()
    none = is_["join_failure_ratio"] + is_["start_abandon_ratio"] + waits
    assert saw.mean() + none == pytest.approx(1)
    assert is_["return_failure_ratio"] > 0.05 and is_["join_failure_ratio"] > 0.05
