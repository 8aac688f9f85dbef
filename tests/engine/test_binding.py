"""How much of each limit was in use at most, and when it bound."""

from __future__ import annotations

import numpy as np
import pytest

from sim.record import Run
from tests.engine.nights import FLV, STEADY, night, run_once

LIMITS = "vendors.budget.limits"
POLICY = "vendors.budget.policy"
NO_EGRESS = f"{LIMITS}.egress_mbps=null"


def used(r: Run) -> dict[str, float]:
    return {use.limit: use.share for use in r.limits}


def test_a_vendor_without_limits_has_none_in_use() -> None:
    r = run_once(night(NO_EGRESS))
    assert r.limits == []
    assert list(r.bound) == ["time_s"]


def test_a_quota_is_in_use_as_far_as_it_was_filled() -> None:
    plenty = run_once(night(*STEADY, NO_EGRESS, f"{LIMITS}.room_viewers=500"))
    inside = plenty.series[["waiting", "starting", "watching", "stalled"]].sum(axis=1).max()
    assert used(plenty) == {"room_viewers": pytest.approx(inside / 500, rel=0.02)}
    assert list(plenty.bound) == ["time_s"]
    full = run_once(night(*STEADY, NO_EGRESS, f"{LIMITS}.room_viewers=150"))
    assert used(full) == {"room_viewers": 1}
    assert full.bound["room_viewers"].max() > 0


def test_of_a_rate_what_was_asked_counts_whether_let_in_or_not() -> None:
    """Beside what it lets in within ten seconds, a burst of one second included."""
    keys = (NO_EGRESS, "promotion.peak_viewers=400")
    for per_s in (3, 1000):
        r = run_once(night(*keys, f"{LIMITS}.joins_per_s={per_s}"))
        asked = r.series["attempts"].max() + (r.sessions["initial"].sum() == 0)
        assert used(r)["joins_per_s"] == pytest.approx(asked / (11 * per_s), rel=0.01)
        assert ("joins_per_s" in r.bound) == (used(r)["joins_per_s"] > 1)


def test_a_shared_node_is_in_use_as_far_as_it_carried() -> None:
    r = run_once(night(*STEADY, *FLV, f"{LIMITS}.egress_mbps=1000",
                       "+vendors.budget.regions.cn.egress_mbps=2000"))  # fmt: skip
    most = float(r.series["wire_mbps"].max())
    assert used(r)["egress_vendor"] == pytest.approx(most / 1000)
    assert used(r)["egress_region"] == pytest.approx(most / 2000)


def test_the_seconds_of_a_limit_are_those_of_its_ten_seconds() -> None:
    r = run_once(night(f"{LIMITS}.egress_mbps=800", "promotion.duration_s=295"))
    width = np.minimum(10.0, 295 - r.bound["time_s"])
    assert (r.bound["egress_vendor"] * width).sum() == pytest.approx(
        r.facts["binding_limit_s.egress_vendor"]
    )
    assert r.bound["egress_vendor"].mean() > 0
