"""What is looked at on one and the same whole second comes in one order in both engines."""

from __future__ import annotations

import pytest

from tests.engine.nights import LAYERED, breaks, night, run_once, same

LIMITS = "++vendors.budget.limits"
CUT_OFF = (
    f"{LIMITS}.account_mbps=150",
    "++vendors.budget.policy.account_mbps=cut_off",
    "++vendors.budget.policy.scan_s=5",
    "++vendors.budget.policy.cut_off_s=0.5",
    "++vendors.budget.policy.ghost_s=0",
)


@pytest.mark.parametrize(
    "keys",
    [
        ("promotion.peak_viewers=120", *CUT_OFF, f"{LIMITS}.egress_growth_mbps_per_min=60"),
        (
            "promotion.peak_viewers=60", breaks("region cn 170 190 0.3"), "network=home",
            "seed=234", f"{LIMITS}.account_mbps=99999", f"{LIMITS}.messages_per_s=1e9",
        ),
    ],
    ids=["capacity before the account", "a meter that finds nothing changes nothing"],
)  # fmt: skip
def test_capacity_changes_first_then_meters_are_read(keys: tuple[str, ...]) -> None:
    scenario = night(*keys)
    assert same(run_once(scenario, kind="exact"), run_once(scenario, kind="fast")) == []


def test_pictures_are_chosen_once_a_second_even_in_a_storm() -> None:
    """Even where the storm turns on that very second."""
    keys = (*LAYERED, f"{LIMITS}.transcodes=1", f"{LIMITS}.egress_mbps=166", "network=mobile")
    scenario = night("promotion.peak_viewers=130", "seed=439", *keys)
    exact, fast = (run_once(scenario, kind=kind) for kind in ("exact", "fast"))
    for key in ("state", "reason", "play_s", "frozen_s", "stalls"):
        assert (exact.sessions[key] == fast.sessions[key]).all(), key


def test_few_messages_use_next_to_nothing_of_their_limit() -> None:
    r = run_once(night("promotion.peak_viewers=60", f"{LIMITS}.messages_per_s=1000"))
    assert [u.share for u in r.limits if u.limit == "messages_per_s"] < [0.001]
