"""The fast engine and its twin: the same bytes where promised, elsewhere as kept and drawn."""

from dataclasses import replace

import pytest

from tests.trust import twin
from tests.trust.__main__ import PAGE, TABLES, read_table, stamp_of

ONE_NIGHT = replace(twin.CASES[0], viewers=60, nights=2)


@pytest.fixture(scope="module")
def kept():
    return read_table(TABLES / "twin.csv")


def test_where_only_the_door_binds_no_bit_differs_at_any_epoch():
    rows = list(twin.rows())
    assert {row.where.rpartition(";")[0] for row in rows} == {c.binds for c in twin.CASES if c.same}
    assert [row for row in rows if not row.holds] == []


def test_every_limit_is_compared_in_every_way_at_every_epoch(kept):
    ways = {row.of for row in kept}
    assert len(ways) == 5
    assert {(row.of, row.where) for row in kept} == {
        (of, f"{case.binds}; epoch {e:g} s")
        for of in ways
        for case in twin.CASES
        for e in twin.EPOCHS_S
    }
    assert len(kept) == len(ways) * len(twin.CASES) * len(twin.EPOCHS_S)


def test_differences_are_zero_where_the_same_bytes_are_promised(kept):
    same = {case.binds for case in twin.CASES if case.same}
    rows = [row for row in kept if row.where.rpartition(";")[0] in same]
    assert len(rows) == 5 * len(twin.EPOCHS_S) * len(same)
    assert all(row.ours == row.low == row.high == row.expected and row.holds for row in rows)


def test_by_tcp_the_difference_kept_shrinks_with_the_epoch(kept):
    off = [row.ours for row in kept if row.of == twin.STALLED_ONCE and "TCP" in row.where]
    assert off == sorted(off)
    assert off[0] <= off[2] / 5, "0.1 s against 1 s, as tests/engine/test_twin.py asks"


def test_at_the_epoch_that_is_shipped_no_mean_over_nights_is_off(kept):
    shipped = [row for row in kept if row.where.endswith(f"; epoch {twin.SHIPPED_S:g} s")]
    assert [row for row in shipped if row.holds is False] == []


def test_nights_that_cannot_differ_are_told_to_be_zero_apart():
    rows = list(twin.apart(ONE_NIGHT))
    assert all(row.holds and row.ours == row.expected for row in rows)


def test_way_of_a_large_crowd_is_taken_only_where_asked_for():
    """`FEW_FLOWS` is given back afterwards."""
    few = twin.fast_engine.FEW_FLOWS
    forced = replace(twin.CASES[-1], viewers=60, nights=2, overrides=(twin._egress(60),))
    assert any(row.ours != row.expected for row in twin.apart(forced))
    assert few == twin.fast_engine.FEW_FLOWS
    assert all(row.ours == row.expected for row in twin.apart(replace(forced, few_flows=few)))


def test_page_tells_what_is_kept_and_has_its_picture_beside_it(kept):
    text = PAGE.read_text(encoding="utf-8")
    made = stamp_of(TABLES / "twin.csv")
    assert twin.section(kept).partition("\n")[2] in text
    assert f"engine {made.engine}, version {made.version}, commit {made.commit}" in text
    assert (PAGE.parent / "twin.png").is_file()


def test_zeros_are_drawn_below_the_least_decade():
    """The rest is drawn by its size."""
    assert twin._place(0.0, -3) < twin._place(0.001, -3) < twin._place(0.01, -3) == -2


def test_without_the_kept_table_the_page_says_not_run():
    assert "not run" in twin.section([])
