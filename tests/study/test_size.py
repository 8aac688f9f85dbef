"""What does not fit this machine is refused before anything is drawn, with one number to change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.study import size
from sim.study.run_study import run_study

SMALL = (
    "study=compare", "study.ladder=false", "bands.draws=0", "replications=1", "vendors=[budget]",
    "promotion.peak_viewers=100", "promotion.duration_s=600", "promotion.drops=[]",
)  # fmt: skip
HOUR = ("promotion.duration_s=3600",)
MILLION = ("promotion.peak_viewers=1000000", *HOUR)


def on_a_machine_of(gb, monkeypatch):
    monkeypatch.setattr(size, "memory_there", lambda: gb * 1e9)


def refused(*overrides: str) -> str:
    """What is said of it, '' where it fits."""
    said = ""
    try:
        size.refuse_what_does_not_fit(load_scenario(*SMALL, *overrides))
    except ScenarioError as error:
        said = str(error)
    assert "\n" not in said
    return said


def advice(said: str) -> list[str]:
    """The overrides that are advised: 'set KEY to VALUE and KEY to VALUE'."""
    found = re.findall(r"([\w.]+) to ([\d.e+-]+)", said.partition(": set ")[2])
    assert found, said
    return [f"++{key}={value}" for key, value in found]


TOO_MUCH: dict[str, tuple[tuple[str, ...], str]] = {
    "a million": (MILLION, "audience.sample"),
    "a million of the whole study": (
        (*MILLION, "study=night", "vendors=[agora,budget]", "bands.draws=12"), "audience.sample",
    ),
    "all people": (("promotion.peak_viewers=9000000000",), "promotion.peak_viewers"),
    "orders a view": (("+promotion.orders_per_view=1e6",), "promotion.orders_per_view"),
    "sales": (("promotion.expected_gmv_cny=1e12", "commerce.basket_cny.median=0.1"),
              "promotion.expected_gmv_cny"),
    "nobody pays": (("commerce.payment.mean_s=1e10",), "commerce.payment.mean_s"),
    "nights": (("replications=10000", "bands.draws=10000", *HOUR), "replications"),
    "threads": (("engine.threads=1024", "replications=1000", "promotion.peak_viewers=100000"),
                "engine.threads"),
    "whole fen": (("commerce.basket_cny={median: 1e9, sigma_ln: 3}",
                   "promotion.peak_viewers=100000", "audience.orders_per_view=1"),
                  "audience.orders_per_view"),
    "the exact twin": (("engine=exact", "promotion.peak_viewers=50000"), "audience.sample"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_is_advised_is_accepted(name, monkeypatch):
    overrides, key = TOO_MUCH[name]
    on_a_machine_of(4, monkeypatch)
    said = refused(*overrides)
    assert f"set {key} to " in said
    assert refused(*overrides, *advice(said)) == ""


def test_work_is_refused_however_large_the_machine(monkeypatch):
    on_a_machine_of(1e6, monkeypatch)
    long = ("engine.epoch_s=0.01", "replications=10000", "promotion.duration_s=7200")
    said = refused(*long)
    assert "days of a processor, at most 7" in said and "set engine.epoch_s to " in said
    assert refused(*long, *advice(said)) == ""


def test_where_no_one_number_is_enough_all_are_told(monkeypatch):
    on_a_machine_of(2, monkeypatch)
    both = ("replications=10000", "engine.threads=1024", *MILLION, "engine.epoch_s=0.01")
    said = refused(*both)
    assert " and " in said.partition(": set ")[2]
    assert refused(*both, *advice(said)) == ""


def test_a_million_fits_a_large_machine_whole(monkeypatch):
    on_a_machine_of(32, monkeypatch)
    assert refused(*MILLION) == ""
    on_a_machine_of(4, monkeypatch)
    assert refused(*MILLION, "audience.sample=0.05") == ""


def test_a_small_night_is_never_refused(monkeypatch):
    on_a_machine_of(0, monkeypatch)
    assert refused() == refused("replications=50") == ""


def needs(*overrides: str, keep: bool = False) -> float:
    """GB."""
    scenario = load_scenario(*SMALL, *overrides)
    it = size._Reckoning(scenario, keep)
    return it._memory(scenario, list(it._alike(scenario))) / 1e9


def test_memory_is_what_was_measured():
    """Resident at most, GB: one vendor, no limit that binds, one thread."""
    leb = ("vendors=[tencent_leb]",)
    measured = {
        ("promotion.peak_viewers=100000",): 0.57,
        ("promotion.peak_viewers=1000000",): 2.89,
        ("promotion.peak_viewers=100000", *HOUR): 1.16,
        (*MILLION, "audience.sample=0.05"): 0.80,
    }
    for overrides, gb in measured.items():
        assert gb < needs(*leb, *overrides) < 1.6 * gb + 0.2


def test_memory_grows_with_all_that_is_kept():
    base = needs()
    assert needs("promotion.peak_viewers=100000") > base
    assert needs("replications=100") > base
    assert needs("promotion.orders_per_view=10000") > base
    assert needs("promotion.grid_s=1") > base
    two = ("vendors=[budget,agora]", "promotion.peak_viewers=100000")
    assert needs(*two, "engine.threads=2") > needs(*two, "engine.threads=1")
    assert needs("promotion.peak_viewers=100000", keep=True) > needs(
        "promotion.peak_viewers=100000"
    )
    cut = ("vendors.budget.policy.account_mbps=cut_off", "+vendors.budget.limits.account_mbps=9",
           "+vendors.budget.policy.ghost_s=600", "promotion.peak_viewers=100000")  # fmt: skip
    assert needs(*cut, "+vendors.budget.policy.cut_off_s=1") > 2 * needs(*cut)


def test_it_is_refused_before_anything_is_drawn(monkeypatch):
    def never(*_: Any) -> None:
        raise AssertionError("drawn")

    monkeypatch.setattr("sim.study.plan.draw_audience", never)
    on_a_machine_of(4, monkeypatch)
    with pytest.raises(ScenarioError, match="GB of memory"):
        run_study(load_scenario(*SMALL, *MILLION), lambda *_: None)


def test_a_recording_says_its_own_size(tmp_path, monkeypatch):
    on_a_machine_of(4, monkeypatch)
    path = tmp_path / "curve.csv"
    path.write_text("time_s,viewers\n0,100000\n1800,9000000\n3600,200000\n")
    of_it = ("promotion=replay", f"promotion.file={path}", "promotion.peak_viewers=null",
             "promotion.duration_s=null", "promotion.grid_s=60")  # fmt: skip
    said = refused(*of_it)
    assert "set audience.sample to" in said
    assert refused(*of_it, *advice(said)) == ""


def test_what_a_machine_and_its_group_leave_is_read():
    assert size.memory_there() > 0
