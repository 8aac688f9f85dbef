"""TCP shares a tree by max-min fairness, every flow with a cap of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sim.delivery.share import settle_debt, wanted_levels
from sim.scenario.limits import Limit
from tests.delivery.trees import INF, Tree, flows, load, loaded, share
from tests.entry import entry

EDGE, REGION, VENDOR = Limit.EGRESS_EDGE, Limit.EGRESS_REGION, Limit.EGRESS_VENDOR
_settle, _wanted = entry(settle_debt), entry(wanted_levels)


# --- by hand --------------------------------------------------------------------------------------


def test_a_single_node_is_shared_equally():
    got = share(Tree([9.0]), [0, 0, 0], [5, 5, 5])
    assert got.rate == pytest.approx([3, 3, 3])
    assert got.bind.tolist() == [EDGE]


def test_what_a_small_flow_leaves_goes_to_the_others():
    assert share(Tree([10.0]), [0, 0, 0], [1, 20, 20]).rate == pytest.approx([1, 4.5, 4.5])
    assert share(Tree([10.0]), [0, 0, 0], [1, 3, 20]).rate == pytest.approx([1, 3, 6])


def test_the_level_is_infinite_where_everything_fits():
    got = share(Tree([10.0], [10.0], 10.0), [0, 0], [4, 6])
    assert got.level.tolist() == [INF]
    assert got.bind.tolist() == [Limit.NONE]
    assert got.rate.tolist() == [4, 6]


def test_tight_edge_leaves_its_regions_room_to_other_edges():
    got = share(Tree([2.0, INF], [10.0]), [0, 0, 1, 1], [9, 9, 9, 9])
    assert got.rate == pytest.approx([1, 1, 4, 4])
    assert got.bind.tolist() == [EDGE, REGION]


def test_three_storeys():
    # vendor 20 over regions 6 and none; edges 2 and none, and one below the second region
    t = Tree([2.0, INF, INF], [6.0, INF], 20.0, [0, 0, 1])
    got = share(t, [0, 0, 1, 2, 2], [9, 9, 9, 9, 3])
    assert got.rate == pytest.approx([1, 1, 4, 9, 3])
    assert got.bind.tolist() == [EDGE, REGION, Limit.NONE]
    got = share(Tree([2.0, INF, INF], [6.0, INF], 16.0, [0, 0, 1]), [0, 0, 1, 2, 2], [9] * 5)
    assert got.rate == pytest.approx([1, 1, 4, 5, 5])
    assert got.bind.tolist() == [EDGE, REGION, VENDOR]
    # the vendor binds before the region could: 9 = 1 + 1 + 7/3 x 3
    got = share(Tree([2.0, INF, INF], [6.0, INF], 9.0, [0, 0, 1]), [0, 0, 1, 2, 2], [9] * 5)
    assert got.rate == pytest.approx([1, 1, 7 / 3, 7 / 3, 7 / 3])
    assert got.bind.tolist() == [EDGE, VENDOR, VENDOR]


def test_flows_that_take_nothing_count_for_nothing():
    got = share(Tree([6.0]), [0, 0, 0, 0], [0, 5, 5, 0])
    assert got.level == pytest.approx([3])


def test_a_node_without_capacity_passes_nothing():
    assert share(Tree([0.0]), [0, 0], [1, 1]).rate.tolist() == [0, 0]
    assert share(Tree([0.0]), [0], [0]).level.tolist() == [INF]


def test_nobody_on_the_tree_is_no_shortage():
    got = share(Tree([1.0, 2.0], [3.0], 1.0), [], [])
    assert got.level.tolist() == [INF, INF]


def test_yesterdays_levels_leave_no_trace():
    t = Tree([1.0, INF], [4.0])
    nodes = share(t, [0, 0, 1], [5, 5, 5]).nodes
    assert share(t, [1], [3], nodes=nodes).level.tolist() == [INF, INF]
    assert nodes["bind"].tolist() == [0] * 4


@pytest.mark.parametrize("n", [3, 17, 3999])
def test_flows_that_just_fit_are_not_held_back_by_rounding(n):
    assert share(Tree([n / 10], [n / 10], n / 10), [0] * n, [0.1] * n).level[0] == INF


# --- properties -----------------------------------------------------------------------------------


@given(case=loaded())
def test_no_rate_exceeds_its_cap_and_no_node_its_capacity(case):
    t, edge, cap = case
    got = share(t, edge, cap)
    assert (got.rate >= 0).all() and (got.rate <= cap).all()
    assert (load(t, edge, got.rate) <= t.capacities * (1 + 1e-9) + 1e-9).all()


@given(case=loaded())
def test_rate_below_its_cap_has_a_full_node_as_bottleneck(case):
    """A node above it where nobody gets more."""
    t, edge, cap = case
    got = share(t, edge, cap)
    full = load(t, edge, got.rate) >= t.capacities * (1 - 1e-9) - 1e-9
    codes = [EDGE] * len(t.edges) + [REGION] * len(t.regions) + [VENDOR]
    for i, e in enumerate(edge):
        if got.rate[i] < cap[i]:
            above = [k for k in np.flatnonzero(full) if t.below()[k, e]]
            bottleneck = [
                codes[k]
                for k in above
                if all(
                    got.rate[j] <= got.rate[i] * (1 + 1e-9) + 1e-9
                    for j, f in enumerate(edge)
                    if t.below()[k, f]
                )
            ]
            assert bottleneck, "nothing holds it back"
            assert got.bind[e] in bottleneck


def lexicographic(t, edge, cap):
    """Max-min fair rates by linear programs: raise the least, fix who can't rise, go on."""
    n = len(edge)
    finite = np.isfinite(t.capacities)
    a = t.below()[finite][:, edge].astype(float)
    b = t.capacities[finite]
    rate, fixed = np.zeros(n), np.zeros(n, bool)
    while not fixed.all():
        # Variables: rates and the least of those not fixed.
        less = np.hstack([-np.eye(n), np.ones((n, 1))])[~fixed]
        upper = np.vstack([np.hstack([a, np.zeros((len(a), 1))]), less])
        bounds = [(r, r) if f else (0, c) for r, f, c in zip(rate, fixed, cap, strict=True)]
        zeros = np.zeros((~fixed).sum())
        least = linprog([0.0] * n + [-1.0], upper, [*b, *zeros], bounds=[*bounds, (0, None)]).x[-1]
        floor = [(r, r) if f else (least - 1e-9, c) for (r, _), f, c in
                 zip(bounds, fixed, cap, strict=True)]  # fmt: skip
        stuck = []
        for i in np.flatnonzero(~fixed):
            goal = np.zeros(n)
            goal[i] = -1
            if -linprog(goal, a, b, bounds=floor).fun < least + 1e-6:
                stuck.append(i)
        rate[stuck], fixed[stuck] = least, True
    return rate


@settings(max_examples=40)
@given(case=loaded(most=6))
def test_rates_match_a_linear_program_raising_the_least_first(case):
    t, edge, cap = case
    got = share(t, edge, cap).rate
    if len(edge) and np.isfinite(t.capacities).any():
        assert got == pytest.approx(lexicographic(t, edge, cap), abs=1e-5)
    else:
        assert got.tolist() == cap


@given(case=loaded())
def test_the_order_of_flows_doesn_t_matter(case):
    t, edge, cap = case
    forth, back = share(t, edge, cap), share(t, edge[::-1], cap[::-1])
    assert back.level == pytest.approx(forth.level)


# --- what UDP takes, and what everyone would like -------------------------------------------------


def test_what_udp_takes_of_a_node_comes_first():
    nodes = Tree([10.0, INF], [12.0]).nodes()
    nodes["taken_mbps"][[0, 2]] = 4, 4
    got = share(Tree([10.0, INF], [12.0]), [0, 0, 1], [9, 9, 1], nodes=nodes)
    assert got.rate == pytest.approx([3, 3, 1])
    assert got.bind.tolist() == [EDGE, Limit.NONE]
    nodes["taken_mbps"][2] = 12
    assert share(Tree([10.0, INF], [12.0]), [0, 1], [9, 9], nodes=nodes).rate.tolist() == [0, 0]


@given(case=loaded(), part=st.floats(0, 1))
def test_a_node_udp_takes_part_of_is_a_smaller_node(case, part):
    t, edge, cap = case
    nodes = t.nodes()
    finite = np.isfinite(t.capacities)
    nodes["taken_mbps"][finite] = part * t.capacities[finite]
    left = [[c if c == INF else c - part * c for c in cs] for cs in (t.edges, t.regions, [t.whole])]
    smaller = Tree(left[0], left[1], left[2][0], t.region_of)
    got, expected = share(t, edge, cap, nodes=nodes), share(smaller, edge, cap)
    assert got.level.tolist() == expected.level.tolist()
    assert got.bind.tolist() == expected.bind.tolist()


@given(case=loaded())
def test_sender_may_count_on_its_fair_share_of_the_capacity(case):
    """As if all asked for their best."""
    t, edge, want = case
    nodes, f = t.nodes(), flows(edge, want)
    # It is of the whole capacity, whatever is sent, owed or lost at the moment.
    nodes["taken_mbps"], nodes["debt_mb"], nodes["passed"] = 0.3, 2.0, 0.5
    nodes["level_mbps"] = 0.1
    _wanted(nodes, len(t.edges), f, np.array(want, float), len(f))
    assert nodes["want_mbps"][: len(t.edges)] == pytest.approx(share(t, edge, want).level)
    assert (nodes["level_mbps"] == 0.1).all()


# --- debt -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("debt_mb", "hold_s", "left"),
    [(0, 1, 10), (3, 1, 7), (3, 2, 8.5), (5, 1, 5), (100, 1, 5), (3, 0, 10)],
)
def test_debt_is_held_back_up_to_half_of_the_capacity(debt_mb, hold_s, left):
    """Over the stretch that is given for it."""
    got = share(Tree([10.0]), [0, 0], [20, 20], debt_mb, hold_s)
    assert got.rate.sum() == pytest.approx(left)


def test_debt_binds_where_capacity_alone_would_not():
    got = share(Tree([10.0]), [0, 0], [4, 4], debt_mb=4, hold_s=1)
    assert got.rate == pytest.approx([3, 3]) and got.bind[0] == EDGE


def test_excess_sent_is_owed_and_paid_back_by_spare_capacity():
    t = Tree([10.0, INF], [INF], 12.0)
    nodes = t.nodes()
    nodes["rate_mbps"][:2], nodes["sent_mb"][:2] = [10, 4], [3, -2]
    _settle(nodes, 2, 2.0)
    assert nodes["debt_mb"].tolist() == pytest.approx([3, 0, 0, 2 * 14 + 1 - 24])
    nodes["rate_mbps"][:2], nodes["sent_mb"][:2] = [9, 0], 0
    _settle(nodes, 2, 2.0)
    assert nodes["debt_mb"].tolist() == pytest.approx([1, 0, 0, 0])
    _settle(nodes, 2, 2.0)
    assert nodes["debt_mb"].tolist() == [0, 0, 0, 0]


def test_capacity_a_binding_node_left_unused_may_be_sent_later():
    """Up to half of its capacity."""
    nodes = Tree([10.0]).nodes()
    nodes["bind"][0], nodes["rate_mbps"][0] = EDGE, 8
    _settle(nodes, 1, 2.0)
    assert nodes["debt_mb"][0] == -4
    nodes["rate_mbps"][0] = 0
    _settle(nodes, 1, 2.0)
    assert nodes["debt_mb"][0] == -10
    assert share(Tree([10.0]), [0, 0], [20, 20], debt_mb=-4, hold_s=2.0).rate == pytest.approx(
        [6, 6]
    )


def test_a_node_that_did_not_bind_saves_nothing_up():
    nodes = Tree([10.0]).nodes()
    _settle(nodes, 1, 2.0)
    assert nodes["debt_mb"][0] == 0
