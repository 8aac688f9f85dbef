"""Numbers drawn from their low..high: by key, within their range, as the models allow."""

from __future__ import annotations

import numpy as np
import pytest

from sim.demand import draw_audience
from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.scenario.model import Scenario
from sim.scenario.quantity import Quantity
from sim.scenario.vendor import Vendor
from sim.study.variants import all_drawn, ends, one_changed, with_numbers

SMALL = ("promotion.peak_viewers=100", "promotion.duration_s=600", "vendors=[agora,budget]")


def scenario(*overrides: str) -> Scenario:
    return load_scenario(*SMALL, *overrides)


def test_drawn_transcodes_need_not_be_whole() -> None:
    """A range of pictures is drawn like any other; what is made is rounded where it is used."""
    few = "vendors.alibaba_rts.limits.transcodes={value: 3, low: 1, high: 6, source: null}"
    given = load_scenario("vendors=[alibaba_rts]", few.replace("null", "transcodes"))
    drawn = [all_drawn(given, "alibaba_rts", draw).vendors["alibaba_rts"] for draw in range(5)]
    transcodes = [v.limits.transcodes for v in drawn]
    assert any(n is not None and not n.value.is_integer() for n in transcodes)


def values(vendor: Vendor) -> dict[str, float]:
    return {figure.key: figure.value for figure in vendor.figures()}


def test_every_number_with_a_range_is_changed_and_no_other() -> None:
    vendor = scenario().vendors["agora"]
    seen: list[str] = []

    def highest(key: str, q: Quantity) -> float:
        seen.append(key)
        return q.highest

    changed = with_numbers(vendor, highest)
    ranged = [f.key for f in vendor.figures() if f.low < f.high]
    assert sorted(seen) == sorted(ranged)
    assert values(changed) == {f.key: f.high for f in vendor.figures()}
    assert changed.model_dump(exclude={"paths", "policy"}) == vendor.model_dump(
        exclude={"paths", "policy"}
    )


def test_draws_lie_within_the_range_and_half_below_the_value() -> None:
    night = scenario("vendors=[budget]")
    drawn = [values(all_drawn(night, "budget", k).vendors["budget"]) for k in range(400)]
    for figure in night.vendors["budget"].figures():
        got = np.array([d[figure.key] for d in drawn])
        assert (figure.low <= got).all() and (got <= figure.high).all()
        if figure.low < figure.value < figure.high:
            # 400 fair coins: 5 standard deviations are 50.
            assert abs((got < figure.value).sum() - 200) < 50
            lower = got[got < figure.value]
            assert abs(lower.mean() - (figure.low + figure.value) / 2) < 0.1 * (
                figure.value - figure.low
            )


def test_drawing_the_audiences_and_shops_numbers_moves_no_viewer() -> None:
    night = scenario("vendors=[budget]")
    drawn = all_drawn(night, "budget", 0)
    assert drawn.audience.kappa.value != night.audience.kappa.value
    assert drawn.commerce.latency_tau_s.value != night.commerce.latency_tau_s.value
    one, two = (draw_audience(s, 0) for s in (night, drawn))
    assert one.viewers.tobytes() == two.viewers.tobytes()
    assert one.orders.tobytes() == two.orders.tobytes()


def test_the_same_number_has_the_same_draw_for_every_vendor() -> None:
    agora, budget = (
        all_drawn(scenario(f"vendors=[{name}]"), name, 3) for name in ("agora", "budget")
    )
    both = scenario("vendors=[agora,budget]")
    assert all_drawn(both, "agora", 3).vendors["agora"] == agora.vendors["agora"]
    assert agora.audience == budget.audience
    # Both profiles give this one as 1.5 in 1.1..2.5.
    a, b = (
        s.vendors[name].path.catch_up.value for s, name in ((agora, "agora"), (budget, "budget"))
    )
    assert a == b != 1.5


def test_draws_and_seeds_differ() -> None:
    def drawn(seed: int, k: int) -> Vendor:
        return all_drawn(scenario("vendors=[budget]", f"seed={seed}"), "budget", k).vendors[
            "budget"
        ]

    assert drawn(1, 0) == drawn(1, 0)
    assert drawn(1, 0) != drawn(1, 1)
    assert drawn(1, 0) != drawn(2, 0)


def buffers(start: str, lag: str) -> Scenario:
    path = "vendors.budget.paths.rtc"
    return scenario(
        "vendors=[budget]",
        f"{path}.start_buffer_s={{{start},source:assumption}}",
        f"{path}.jitter_buffer_s={{{lag},source:assumption}}",
    )


def test_numbers_that_contradict_themselves_are_drawn_again() -> None:
    night = buffers("value:0.4,low:0.1,high:1.0", "value:0.4,low:0.1,high:1.0")
    for k in range(30):
        path = all_drawn(night, "budget", k).vendors["budget"].path
        assert path.jitter_buffer_s is not None
        assert path.start_buffer_s.value <= path.jitter_buffer_s.value


def test_profile_that_always_contradicts_itself_is_named() -> None:
    night = scenario("vendors=[budget]")
    impossible = night.vendors["budget"].path.model_copy(
        update={"start_buffer_s": Quantity(value=1.6, low=1.5, high=1.7)}  # never validated
    )
    broken = night.vendors["budget"].model_copy(update={"paths": {"rtc": impossible}})
    with pytest.raises(ScenarioError, match=r"vendors\.budget: 20 draws .* low\.\.high"):
        all_drawn(night.model_copy(update={"vendors": {"budget": broken}}), "budget", 0)


def test_one_number_goes_to_its_end_and_the_others_stay() -> None:
    night = scenario("vendors=[budget]")
    before = values(night.vendors["budget"])
    for key, at, number in ends(night.vendors["budget"]):
        changed = one_changed(night, "budget", key, at)
        assert changed is not None
        assert values(changed.vendors["budget"]) == before | {key: number}


def test_an_end_that_contradicts_the_other_numbers_is_refused() -> None:
    night = buffers("value:0.4,low:0.1,high:1.0", "value:0.4,low:0.4,high:1.0")
    assert one_changed(night, "budget", "paths.rtc.start_buffer_s", "high") is None
    assert one_changed(night, "budget", "paths.rtc.start_buffer_s", "low") is not None
