"""What to tell the vendor: numbers over the peak's distribution, from the points of a curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.study.asks import asks

P95 = 1.6448536269514722
"""The standard normal's 95 % quantile."""


def curve(values: dict[int, Any], what: str = "joins_per_s") -> pd.DataFrame:
    """Points of a curve typed by hand: peak -> one value a night."""
    rows = [
        ("v", what, "", "joins/s", peak, night, float(value))
        for peak, nights in values.items()
        for night, value in enumerate(np.atleast_1d(nights))
    ]
    columns = ["vendor", "what", "of", "unit", "peak_viewers", "replication", "value"]
    return pd.DataFrame(rows, columns=columns)


def one(values: dict[int, Any], median: float, sigma: float) -> pd.Series[Any]:
    table = asks(curve(values), median, sigma)
    assert list(table.columns) == ["vendor", "what", "of", "unit", "p50", "p95", "beyond"]
    return table.iloc[0]


def test_on_a_line_the_p95_is_that_of_the_lognormal_peak() -> None:
    line = {peak: 7 + 0.01 * peak for peak in (250, 500, 1000, 2000)}
    row = one(line, 1000, 0.25)
    assert row["p50"] == pytest.approx(17)
    assert row["p95"] == pytest.approx(7 + 0.01 * 1000 * np.exp(P95 * 0.25))
    assert not row["beyond"]


def test_what_is_proportional_to_the_peak_stays_so() -> None:
    row = one({500: 5, 1000: 10, 2000: 20}, 1000, 0.3)
    assert row["p95"] / row["p50"] == pytest.approx(np.exp(P95 * 0.3))


def test_between_two_points_nothing_of_a_third_is_seen() -> None:
    straight = one({1000: 10, 1500: 15, 2000: 20}, 1000, 0.1)
    bent = one({500: 0, 1000: 10, 1500: 15, 2000: 900}, 1000, 0.1)
    assert bent["p95"] == straight["p95"]


def test_a_point_is_the_mean_of_its_nights() -> None:
    assert one({1000: [8, 12], 2000: [19, 21]}, 1000, 0.1)["p50"] == 10


def test_beyond_the_last_point_the_last_two_are_prolonged_and_that_is_said() -> None:
    row = one({500: 0, 1000: 10, 1200: 14}, 1000, 0.5)
    assert row["p95"] == pytest.approx(10 + 0.02 * (1000 * np.exp(P95 * 0.5) - 1000))
    assert row["beyond"]
    assert row["p50"] == 10


def test_from_one_point_alone_it_is_in_proportion_and_that_is_said() -> None:
    row = one({1000: 10}, 1000, 0.25)
    assert row["p50"] == 10
    assert row["p95"] == pytest.approx(10 * np.exp(P95 * 0.25))
    assert row["beyond"]


def test_a_peak_that_is_certain_has_one_number_and_nothing_is_prolonged() -> None:
    for points in ({1000: 10}, {500: 4, 1000: 10}):
        row = one(points, 1000, 0)
        assert row["p50"] == row["p95"] == 10
        assert not row["beyond"]


def test_each_vendor_number_and_region_has_its_own_row() -> None:
    points = pd.concat(
        [
            curve({1000: 10, 2000: 20}),
            curve({1000: 10, 2000: 30}).assign(vendor="w"),
            curve({1000: 1, 2000: 2}).assign(what="egress_gbps", of="cn", unit="Gbps"),
        ]
    )
    table = asks(points, 1000, 0.25)
    assert list(table["vendor"]) == ["v", "w", "v"]
    assert list(table["of"]) == ["", "", "cn"]
    assert table["p95"].is_unique
