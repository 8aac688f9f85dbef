"""What plans cost as the audience grows: crossings worked out by hand, and bills from usage."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.scenario.compose import load_scenario
from sim.study import Frames, run_study
from sim.study.costs import (
    changes_of_sign,
    crossings,
    curves,
    grown_tenfold,
    with_servers,
)
from tests.billing.hand import tariff, used

EVENING = datetime(2026, 11, 11, 20)
POINTS = (5_000, 10_000, 20_000)


def costs(**plans: tuple[float, ...]) -> pd.DataFrame:
    """vendor_tariff=(its bill at each of POINTS)."""
    rows = [
        (*plan.split("_"), peak, 0, "cost_cny", "CNY", bill)
        for plan, bills in plans.items()
        for peak, bill in zip(POINTS, bills, strict=True)
    ]
    columns = ["vendor", "tariff", "peak_viewers", "replication", "metric", "unit", "value"]
    return curves(pd.DataFrame(rows, columns=columns))


def test_crossing_is_named_with_cheaper_plans_on_either_side() -> None:
    # A fixed 3,000 against 0.2 a viewer: 15,000 viewers.
    found = crossings(costs(a_fixed=(3e3, 3e3, 3e3), b_each=(1e3, 2e3, 4e3)))
    (row,) = found.to_dict("records")
    assert row == {
        "metric": "cost_cny", "peak_viewers": 15_000.0,
        "below_vendor": "b", "below_tariff": "each", "above_vendor": "a", "above_tariff": "fixed",
    }  # fmt: skip


def test_two_tariffs_of_one_vendor_may_cross_twice() -> None:
    found = crossings(costs(a_one=(1.0, 4.0, 1.0), a_two=(2.0, 2.0, 2.0)))
    assert found["peak_viewers"].tolist() == pytest.approx([5_000 * 4 / 3, 10_000 * 5 / 3])
    assert found["below_tariff"].tolist() == ["one", "two"]


def test_lines_that_touch_or_are_the_same_do_not_cross() -> None:
    assert crossings(costs(a_one=(1.0, 2.0, 3.0), b_two=(1.0, 2.0, 3.0))).empty
    assert crossings(costs(a_one=(1.0, 2.0, 1.0), b_two=(2.0, 2.0, 2.0))).empty
    assert crossings(costs(a_one=(1.0, 2.0, 3.0), b_two=(2.0, 2.0, 2.0)))[
        "peak_viewers"
    ].tolist() == [10_000]


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=6))
def test_signs_change_as_often_as_they_are_found_to(y: list[float]) -> None:
    x = np.arange(len(y), dtype=float)
    found = list(changes_of_sign(x, np.array(y)))
    signs = [s for s in np.sign(y) if s]
    assert len(found) == sum(a != b for a, b in pairwise(signs))
    for at, _ in found:
        assert np.interp(at, x, y) == pytest.approx(0, abs=1e-6 * max(map(abs, y)))
    assert [up for _, up in found] == [up for k, (_, up) in enumerate(found)
                                       if k == 0 or up != found[k - 1][1]]  # fmt: skip


@pytest.mark.parametrize(
    ("meter", "row", "times"),
    [
        ("viewer_minutes", ("viewer_minutes", 600, "min"), 10),
        ("peak_mbps", ("wire_mbps", 600, "Mbps"), 10),
        ("users", ("users", 600, "count"), 10),
        ("ingest_minutes", ("ingest_minutes", 600, "min"), 1),  # the show is as long
        ("transcode_minutes", ("transcode_minutes", 600, "min"), 1),
        ("channels", ("channels", 600, "count"), 1),
        ("events", ("events", 600, "count"), 1),
    ],
)
def test_tenfold_room_uses_tenfold_what_grows_with_its_viewers(
    meter: str, row: tuple[str, float, str], times: float
) -> None:
    """The rest stays as it is."""
    reduction = "month_peak" if meter in ("peak_mbps", "channels") else "sum"
    plan = tariff([(None, 1)], meter=meter, reduction=reduction)
    now, then = grown_tenfold(
        used(*row), [plan], load_scenario("vendors=[budget]").commerce, EVENING
    )
    assert then == pytest.approx(times * now)
    assert now > 0


def test_every_tariff_has_its_curve_and_the_first_is_the_bill() -> None:
    scenario = load_scenario(
        "vendors=[tencent_leb,budget]", "promotion.peak_viewers=400", "promotion.duration_s=900",
        "replications=2", "study.peaks=[0.5]", "study.ranges=none", "bands.draws=0",
    )  # fmt: skip
    frames = run_study(scenario, lambda *_: None)
    plans = {
        (name, tariff.name)
        for name, vendor in scenario.vendors.items()
        for tariff in vendor.tariffs.values()
    }
    assert len(plans) > 2
    assert set(zip(frames.costs["vendor"], frames.costs["tariff"], strict=True)) == plans
    mean = frames.costs.set_index(["vendor", "tariff", "peak_viewers", "metric"])["mean"]
    bill = frames.summary.set_index(["vendor", "peak_viewers", "metric"])["mean"]
    for name, vendor in scenario.vendors.items():
        first = next(iter(vendor.tariffs.values())).name
        for peak in (200, 400):
            for metric in (
                "cost_cny", "cost_month_cny", "cost_per_viewer_hour_cny",
                "cost_and_lost_margin_cny",
            ):  # fmt: skip
                assert mean[name, first, peak, metric] == pytest.approx(bill[name, peak, metric])
    # A flat price a unit: ten times the business costs ten times as much.
    flat = mean.xs("cost_growth_tenfold", level="metric")
    assert flat["budget"].to_numpy() == pytest.approx(10, rel=1e-3)


def test_list_bought_beside_others_is_added_to_each_of_them() -> None:
    """It has no curve of its own."""

    def of(*lists: str) -> Frames:
        return run_study(
            load_scenario(
                "vendors=[tencent_leb]", f"tariff@vendors.tencent_leb.tariffs=[{','.join(lists)}]",
                "promotion.peak_viewers=100", "promotion.duration_s=900", "replications=1",
                "study=compare", "bands.draws=0", "audience.messages_per_viewer_s=0.01",
            ),
            lambda *_: None,
        )  # fmt: skip

    both = ("tencent_leb_list", "tencent_leb_bandwidth")
    plain, chatty = of(*both), of("agora_signaling", *both)  # it is the first list nowhere
    chat = chatty.invoice[chatty.invoice["tariff"] == "Agora Signaling, chat fan-out"]
    added, month = chat["amount_cny"].sum(), chat[chat["month"] == "with"]["amount_cny"].sum()
    assert 0 < added <= month
    keys = ["tariff", "metric"]
    without, under = (frames.costs.set_index(keys)["mean"] for frames in (plain, chatty))
    assert list(under.index) == list(without.index) and len(under.index.unique("tariff")) == 2
    more = (under - without).unstack("metric")
    assert more["cost_cny"].to_numpy() == pytest.approx(added)
    assert more["cost_and_lost_margin_cny"].to_numpy() == pytest.approx(added)
    assert more["cost_month_cny"].to_numpy() == pytest.approx(month)
    assert (more[["cost_per_viewer_hour_cny", "cost_month_tenfold_cny"]] > 0).all(axis=None)
    bill = chatty.summary.set_index("metric")["mean"]["cost_cny"]
    assert bill == under["Tencent LEB list price, traffic by the day", "cost_cny"]
    lines = chatty.breakdown[chatty.breakdown["by"] == "line"].set_index("of")["value"]
    of_chat = lines[lines.index.str.startswith("Agora Signaling, chat fan-out: ")]
    assert of_chat.sum() == pytest.approx(added) and lines.sum() == pytest.approx(bill)


def test_servers_grow_with_the_peak_of_a_night_without_limits() -> None:
    def used(*rows: tuple[str, str, float]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["meter", "path", "value"])

    had = used(("peak_connections", "rtc", 20), ("peak_connections", "rtc", 10),
               ("peak_connections", "cdn", 0),
               ("node_hours", "rtc", 6), ("node_hours", "cdn", 2))  # fmt: skip
    asked = used(("peak_connections", "rtc", 75), ("peak_connections", "cdn", 9))
    found = with_servers(asked, had).set_index(["meter", "path"])["value"]
    assert found["node_hours"].to_dict() == {"rtc": 15, "cdn": 2}  # of none there is no more
    assert with_servers(had, had).equals(had)
    rented = used(("peak_connections", "rtc", 20))
    assert with_servers(asked, rented).equals(asked)


def test_ordinary_night_needs_its_share_of_the_billed_servers() -> None:
    frames = run_study(
        load_scenario(
            "vendors=[livekit_selfhosted]", "promotion.peak_viewers=200", "replications=1",
            "promotion.duration_s=900", "study=compare", "bands.draws=0",
            "vendors.livekit_selfhosted.limits.node_viewers=100",
            "commerce.month.ordinary_nights=1", "commerce.month.ordinary_share=0.5",
        ),
        lambda *_: None,
    )  # fmt: skip
    rows = frames.invoice[frames.invoice["line"] == "servers"].set_index("month")["quantity"]
    assert rows["with"] + rows["without"] == pytest.approx(0.25)  # one node, a quarter of an hour
    # without the limit about 200 come and not 100: two nodes, half of them on an ordinary night
    assert -rows["without"] == pytest.approx(0.25, rel=0.2)
