"""UDP does not share: a full node drops the same part of every flow, and loss makes more load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.delivery.share import (
    EVERYONE,
    FLOW,
    KIND,
    PATH,
    UDP,
    pause_last,
    retransmitted,
    send_again,
    udp_arrives,
    udp_losses,
)
from sim.scenario.limits import Limit
from tests.delivery.trees import INF, Tree, trees
from tests.entry import entry

EDGE, REGION, VENDOR, NONE = (
    Limit.EGRESS_EDGE, Limit.EGRESS_REGION, Limit.EGRESS_VENDOR, Limit.NONE,
)  # fmt: skip
_losses, _send_again, _arrives, _again, _pause = (
    entry(udp_losses), entry(send_again), entry(udp_arrives), entry(retransmitted),
    entry(pause_last),
)  # fmt: skip
MANY = 100_000
"""Rounds: until nothing moves."""


def path(**keys: float) -> Any:
    """1 Mbps on the wire a flow, no FEC, retransmission without end unless said."""
    record = np.zeros(1, PATH)
    values = {"sharing": UDP, "wire": 1.0, "rtx_max": 1e9, "tolerance": 1.0}
    for key, value in (values | keys).items():
        record[key] = value
    return record[0]


def kinds_of(flows: Any, link_loss: Any, wire_mbps: Any = 1.0) -> Any:
    """Flows, link loss and bitrate on the wire by (edge, kind)."""
    kinds = np.zeros(np.shape(flows), KIND)
    kinds["flows"], kinds["link_loss"], kinds["wire_mbps"] = flows, link_loss, wire_mbps
    return kinds


def repeat(nodes: Any, kinds: Any, p: Any, rounds: int) -> None:
    """So many rounds of retransmission, the flows being what they are."""
    for _ in range(rounds):
        before = kinds["sent_mbps"].copy()
        _send_again(nodes, len(kinds), kinds, p)
        if np.array_equal(before, kinds["sent_mbps"]):
            return
        _losses(nodes, len(kinds), kinds)


def lose(
    t: Tree,
    flows: Any,
    link_loss: Any,
    p: Any,
    wire_mbps: Any = 1.0,
    rounds: int = MANY,
    sent: float = 1.0,
) -> Any:
    """(nodes, kinds) after so many rounds from flows that send each packet `sent` times."""
    nodes, kinds = t.nodes(), kinds_of(flows, link_loss, wire_mbps)
    kinds["sent_mbps"] = kinds["wire_mbps"] * (1 + p["fec"]) * sent
    _losses(nodes, len(t.edges), kinds)
    repeat(nodes, kinds, p, rounds)
    return nodes, kinds


# --- one node, in closed form ---------------------------------------------------------------------


def test_what_fits_passes():
    nodes, kinds = lose(Tree([10.0]), [[10]], [[0.0]], path())
    assert (nodes["passed"][0], nodes["bind"][0]) == (1, NONE)
    assert kinds["sent_mbps"][0, 0] == 1


@pytest.mark.parametrize("load", [1.2, 2.0, 5.0])
def test_without_retransmission_the_excess_is_dropped(load):
    nodes, _ = lose(Tree([100.0]), [[round(100 * load)]], [[0.0]], path(rtx_max=0))
    assert nodes["passed"][0] == pytest.approx(1 / load)
    assert nodes["bind"][0] == EDGE


@pytest.mark.parametrize("load", [1.2, 2.0, 5.0])
@pytest.mark.parametrize("most", [0.2, 0.5, 1.0])
def test_retransmission_at_its_cap_makes_it_worse_by_as_much(load, most):
    nodes, kinds = lose(Tree([100.0]), [[round(100 * load)]], [[0.0]], path(rtx_max=most))
    # Any shortage at all drives retransmission up to its cap in the end: S = S0 (1 + most).
    assert nodes["passed"][0] == pytest.approx(1 / (load * (1 + most)))
    assert kinds["sent_mbps"][0, 0] == pytest.approx(1 + most)


def test_endless_retransmission_chokes_a_slightly_short_node():
    nodes, _ = lose(Tree([100.0]), [[101]], [[0.0]], path(rtx_max=1e6))
    assert nodes["passed"][0] == pytest.approx(100 / 101 / (1 + 1e6))


def test_link_loss_alone_is_made_up_for_and_is_load():
    # At 10 % loss each packet is sent 1/0.9 times: 90 flows fill 100.
    nodes, kinds = lose(Tree([100.0]), [[90]], [[0.1]], path())
    assert nodes["passed"][0] == 1
    assert kinds["sent_mbps"][0, 0] == pytest.approx(1 / 0.9)
    # One more doesn't fit, and retransmission runs up to its cap: 91 x 2 are sent.
    nodes, _ = lose(Tree([100.0]), [[91]], [[0.1]], path(rtx_max=1.0))
    assert nodes["passed"][0] == pytest.approx(100 / 182)


def test_fec_and_overhead_are_load():
    fits = Tree([112.0 * 1.1])
    assert lose(fits, [[100]], [[0.0]], path(fec=0.1), 1.12)[0]["passed"][0] == 1
    nodes, _ = lose(fits, [[101]], [[0.0]], path(fec=0.1, rtx_max=0), 1.12)
    assert nodes["passed"][0] == pytest.approx(100 / 101)


def test_pictures_of_different_bitrates_lose_the_same_part():
    # 40 of 2 Mbps and 60 of 0.5 are 110 on a node of 80.
    nodes, kinds = lose(Tree([80.0]), [[40, 60]], [[0, 0]], path(rtx_max=0), [[2.0, 0.5]])
    assert nodes["passed"][0] == pytest.approx(80 / 110)
    assert kinds["sent_mbps"][0].tolist() == [2.0, 0.5]
    # Half the large ones step down to 0.5: all fits.
    nodes, _ = lose(Tree([80.0]), [[20, 80]], [[0, 0]], path(rtx_max=0), [[2.0, 0.5]])
    assert nodes["passed"][0] == 1


@given(
    n=st.lists(st.integers(1, 100), min_size=3, max_size=3),
    mbps=st.lists(st.floats(0.1, 4), min_size=3, max_size=3),
    short=st.floats(1.05, 5),
    fec=st.floats(0, 0.5),
    most=st.floats(0, 1),
)
def test_excess_beyond_the_cap_of_retransmission_is_dropped(n, mbps, short, fec, most):
    """Whatever the bitrates are."""
    offered = float(np.dot(n, mbps)) * (1 + fec)
    p = path(fec=fec, rtx_max=most)
    nodes, _ = lose(Tree([offered / short]), [n], [[0.0] * 3], p, [mbps])
    assert nodes["passed"][0] == pytest.approx(1 / (short * (1 + most)))
    assert nodes["bind"][0] == EDGE


def test_picture_that_loses_more_on_its_link_is_sent_more_often():
    """Whatever its size."""
    # 50 x 2 / 0.8 and 50 x 1 fill 175 exactly.
    nodes, kinds = lose(Tree([175.0]), [[50, 50]], [[0.2, 0.0]], path(), [[2.0, 1.0]])
    assert nodes["passed"][0] == 1
    assert kinds["sent_mbps"][0] == pytest.approx([2.5, 1.0])


@pytest.mark.parametrize("rounds", [0, 1, 5, 20])
def test_what_is_lost_in_a_round_is_load_in_the_next(rounds):
    # 102 flows on 100: each packet is sent as often as the last round's loss asks, 1/(1 - p) times,
    # and 1/(1 - p) is what was sent over 100.
    nodes, kinds = lose(Tree([100.0]), [[102]], [[0.0]], path(), rounds=rounds)
    assert kinds["sent_mbps"][0, 0] == pytest.approx(1.02**rounds)
    assert nodes["passed"][0] == pytest.approx(1.02 ** -(rounds + 1))


def test_small_shortage_passes_the_tolerance_only_after_a_while():
    # ln(1/0.9) / ln(1.02) = 5.3 rounds of growing by 2 % lie between no loss and 10 % of it.
    lost = [
        1 - lose(Tree([100.0]), [[102]], [[0.0]], path(), rounds=k)[0]["passed"][0]
        for k in range(7)
    ]
    assert lost == sorted(lost)
    assert lost[4] < 0.1 < lost[5]


def test_shortage_that_has_passed_ebbs_away_and_leaves_no_scar():
    t, p = Tree([100.0]), path(rtx_max=0.5)
    nodes, kinds = lose(t, [[120]], [[0.0]], p)
    assert kinds["sent_mbps"][0, 0] == 1.5
    # 90 flows that retransmit at the cap still overload the node: 135, 121.5, 109.35, 98.4.
    kinds["flows"] = 90
    _losses(nodes, 1, kinds)
    for sent in (1.5, 1.35, 1.215, 1.0935):
        assert kinds["sent_mbps"][0, 0] == pytest.approx(sent)
        repeat(nodes, kinds, p, 1)
    assert (nodes["passed"][0], nodes["bind"][0]) == (1, NONE)
    repeat(nodes, kinds, p, 1)
    assert kinds["sent_mbps"][0, 0] == 1


# --- the tree -------------------------------------------------------------------------------------


def test_a_node_counts_what_the_nodes_above_have_let_through():
    p = path(rtx_max=0)
    # The vendor halves 200; the region gets 50 of each edge's 100 and passes 80 of 100; then the
    # first edge gets 40 and passes 20.
    nodes, _ = lose(Tree([20.0, INF], [80.0], 100.0), [[100], [100]], [[0.0]] * 2, p)
    assert nodes["passed"][:2] == pytest.approx([0.5 * 0.8 * 0.5, 0.5 * 0.8])
    # Had the region to carry all 200 itself it would be short; behind the vendor it is not.
    nodes, _ = lose(Tree([INF, INF], [150.0], 100.0), [[100], [100]], [[0.0]] * 2, p)
    assert nodes["passed"][:2] == pytest.approx([0.5, 0.5])
    assert nodes["bind"][:2].tolist() == [VENDOR, VENDOR]


def test_another_regions_shortage_is_not_ours():
    t = Tree([INF, INF], [50.0, INF], INF, [0, 1])
    nodes, _ = lose(t, [[100], [100]], [[0.0]] * 2, path(rtx_max=0))
    assert nodes["passed"][:2] == pytest.approx([0.5, 1])
    assert nodes["bind"][:2].tolist() == [REGION, NONE]


def test_harm_is_booked_to_the_node_that_drops_most():
    p = path(rtx_max=0)
    nodes, _ = lose(Tree([10.0, 90.0], [INF], 160.0), [[100], [100]], [[0.0]] * 2, p)
    assert nodes["bind"][:2].tolist() == [EDGE, VENDOR]


flows_and_losses = st.tuples(st.integers(0, 200), st.floats(0, 0.4))
paths = st.builds(lambda fec, most: path(fec=fec, rtx_max=most), st.floats(0, 0.5), st.floats(0, 3))


@given(t=trees, p=paths, data=st.data(), ebbing=st.booleans())
def test_loss_and_retransmission_settle_at_their_fixed_point(t, p, data, ebbing):
    """In the end each is what the other makes of it."""
    rows = data.draw(
        st.lists(
            st.tuples(flows_and_losses, flows_and_losses),
            min_size=len(t.edges), max_size=len(t.edges),
        )
    )  # fmt: skip
    table = np.array(rows)
    n, link = table[:, :, 0], table[:, :, 1]
    nodes, kinds = lose(t, n, link, p, sent=1 + float(p["rtx_max"]) if ebbing else 1.0)
    passed = nodes["passed"][: len(t.edges)]
    loss = 1 - (1 - link) * passed[:, None]
    sent = (1 + p["fec"]) * (1 + np.minimum(loss / (1 - loss), p["rtx_max"]))
    assert kinds["sent_mbps"] == pytest.approx(sent, rel=1e-9)
    load = t.below() @ (n * sent).sum(axis=1)
    # Vendor, then region, then edge: whatever the order, the scarcest node above decides.
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(load <= t.capacities * (1 + 2e-9), 1.0, t.capacities / load)
    expected = np.where(t.below(), each[:, None], 1.0).min(axis=0)
    assert passed == pytest.approx(expected, rel=1e-6, abs=1e-9)
    arrives = t.below() @ ((n * sent).sum(axis=1) * passed)
    assert (arrives <= t.capacities * (1 + 1e-6)).all()
    assert ((passed < 1) == (nodes["bind"][: len(t.edges)] != NONE)).all()


@given(p=paths, link=st.floats(0, 0.4), n=st.integers(1, 300), spare=st.floats(1.0, 2.0))
def test_where_nothing_is_short_all_of_it_passes(p, link, n, spare):
    again = min(link / (1 - link), float(p["rtx_max"]))
    need = n * (1 + p["fec"]) * (1 + again)
    nodes, _ = lose(Tree([need * spare]), [[n]], [[link]], p)
    assert (nodes["passed"][0], nodes["bind"][0]) == (1, NONE)


@given(p=paths, link=st.floats(0, 0.3), n=st.integers(1, 300), more=st.integers(1, 100))
def test_more_viewers_never_get_more_through(p, link, n, more):
    few, many = (lose(Tree([100.0]), [[k]], [[link]], p)[0]["passed"][0] for k in (n, n + more))
    assert many <= few


# --- what can be shown of it ----------------------------------------------------------------------


def test_a_packet_is_sent_as_often_as_it_takes_up_to_the_cap():
    p = path(rtx_max=0.5)
    assert _again(p, 0.0) == 0
    assert _again(p, 0.2) == pytest.approx(0.25)
    assert _again(p, 0.9) == 0.5
    assert _again(p, 1.0) == 0.5


@given(loss=st.floats(0, 0.99), fec=st.floats(0, 0.5))
def test_nothing_is_missing_where_retransmission_keeps_up(loss, fec):
    """Within the tolerance."""
    assert _arrives(path(tolerance=1.0, fec=fec), 2.0, loss) == INF


def test_loss_beyond_fec_and_retransmission_is_missing():
    """Within the tolerance: what the two can't make up for."""
    p = path(tolerance=0.5, fec=0.1, rtx_max=0.2)
    # 0.25 sent again would do at 20 %, and FEC adds a tenth: 1.1 x 1.2 x 0.8 = 1.056.
    assert _arrives(p, 2.0, 0.2) == INF
    assert _arrives(p, 2.0, 0.4) == pytest.approx(2.0 * 1.1 * 1.2 * 0.6)


def test_beyond_the_tolerance_what_is_lost_is_lost():
    p = path(tolerance=0.3, fec=0.5, rtx_max=9)
    assert _arrives(p, 2.0, 0.3) == INF
    assert _arrives(p, 2.0, np.nextafter(0.3, 1)) == pytest.approx(2.0 * 0.7)
    assert _arrives(p, 2.0, 1.0) == 0


@given(tolerance=st.floats(0, 0.9), loss=st.floats(0.001, 1), fec=st.floats(0, 1))
def test_picture_gets_less_than_its_bitrate_beyond_tolerance(tolerance, loss, fec):
    """Always: however much FEC is added."""
    if loss > tolerance:
        got = _arrives(path(tolerance=tolerance, fec=fec), 2.0, loss)
        assert got == pytest.approx(2.0 * (1 - loss)) and got < 2.0


# --- pause_some -----------------------------------------------------------------------------------


def pause(t: Tree, edge: Any, active: Any = None, each: float = 1.0, admitted: Any = None) -> Any:
    """Which flows are sent to, and what binds each edge."""
    f = np.zeros(len(edge), FLOW)
    f["leaf"], f["on_air"] = edge, True if active is None else active
    f["admitted"] = np.arange(len(edge)) if admitted is None else admitted
    nodes, n = t.nodes(), len(t.edges)
    _pause(nodes, n, f, len(f), each)
    return f["admitted"] <= nodes["last"][f["leaf"]], nodes["bind"][:n], nodes["last"][:n]


def test_the_last_admitted_are_sent_nothing():
    sent, bind, last = pause(Tree([3.0]), [0] * 5)
    assert sent.tolist() == [True, True, True, False, False]
    assert bind.tolist() == [EDGE]
    assert last.tolist() == [2]


def test_nobody_is_paused_where_all_fit():
    sent, bind, last = pause(Tree([5.0], [5.0], 5.0), [0] * 5)
    assert sent.all() and bind.tolist() == [NONE] and last.tolist() == [EVERYONE]


@pytest.mark.parametrize("n", [3, 17, 3999])
def test_rounding_pauses_nobody(n):
    assert pause(Tree([n / 10], [n / 10], n / 10), [0] * n, each=0.1)[0].all()


def test_paused_viewers_resume_in_the_order_of_admission():
    """As places come free."""
    # Number 1 leaves: 3 is sent to again, 4 still waits.
    sent, _, last = pause(Tree([3.0]), [0] * 4, admitted=[0, 2, 3, 4])
    assert sent.tolist() == [True, True, True, False]
    assert last.tolist() == [3]


def test_viewers_whose_join_is_in_flight_take_no_room():
    sent, _, _ = pause(Tree([2.0]), [0] * 4, active=[1, 0, 1, 1])
    assert sent.tolist() == [True, True, True, False]


def test_a_full_region_closes_its_edges_and_no_others():
    t = Tree([INF, INF, INF], [3.0, INF], INF, [0, 0, 1])
    sent, bind, _ = pause(t, [0, 1, 2, 0, 1, 2, 0])
    assert sent.tolist() == [True, True, True, True, False, True, False]
    assert bind.tolist() == [REGION, REGION, NONE]


def test_a_full_edge_leaves_its_siblings_open():
    sent, bind, _ = pause(Tree([1.0, INF], [3.0]), [0, 0, 1, 1, 1])
    assert sent.tolist() == [True, False, True, True, False]
    assert bind.tolist() == [EDGE, REGION]


@given(t=trees, data=st.data())
def test_pausing_fits_every_node_and_serves_the_first_admitted(t, data):
    """Each edge serves a first part of its viewers; not one more would fit."""
    edge = data.draw(st.lists(st.integers(0, len(t.edges) - 1), max_size=40))
    sent, bind, _ = pause(t, edge)
    of = np.array(edge, int)
    load = t.below() @ np.bincount(of[sent], minlength=len(t.edges))
    assert (load <= t.capacities * (1 + 1e-6)).all()
    for e in range(len(t.edges)):
        mine = sent[of == e]
        assert (np.diff(mine.astype(int)) <= 0).all()
        assert (bind[e] != NONE) == (len(mine) > 0 and not mine.all()) or mine.all()
        if not mine.all():
            above = t.below()[:, e]
            assert (load[above] + 1 > t.capacities[above]).any()  # work-conserving at the end
