"""What the chat is billed; cards behind it: a fluid queue, first in, first out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.delivery.messages import SECOND, fill, late_s, units_per_s
from sim.scenario.model import Chat
from tests.entry import entry

_fill, _late_s = entry(fill), entry(late_s)


def room(loads, limit_per_s):
    """A room that so many messages a second are sent in, second by second."""
    seconds = np.zeros(len(loads), SECOND)
    for k, load in enumerate(loads):
        _fill(seconds, k, float(load), limit_per_s)
    return seconds


def test_a_card_waits_for_all_that_was_sent_beyond_the_limit():
    seconds = room([15] * 60, 10.0)
    for t in (0.0, 7.25, 59.5):  # 5 a second more than are delivered
        assert _late_s(seconds, t, 10.0) == pytest.approx(5 * t / 10)


def test_what_waits_is_delivered_when_the_chat_falls_silent():
    seconds = room([30] * 10 + [0] * 60, 10.0)
    assert _late_s(seconds, 10.0, 10.0) == pytest.approx(20)
    assert _late_s(seconds, 24.0, 10.0) == pytest.approx(6)
    assert _late_s(seconds, 30.5, 10.0) == 0


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_within_the_limit_nothing_is_ever_late(loads):
    seconds = room(loads, 10.0)
    assert all(_late_s(seconds, t, 10.0) == 0 for t in np.linspace(0, len(loads) - 0.01, 99))


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.5, 60))
def test_no_card_overtakes_another(loads, limit_per_s):
    seconds = room(loads, limit_per_s)
    sent = np.linspace(0, len(loads) - 1e-9, 333)
    there = sent + [_late_s(seconds, t, limit_per_s) for t in sent]
    assert (np.diff(there) > -1e-9).all()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.5, 60))
def test_no_more_is_delivered_than_the_limit_and_nothing_is_lost(loads, limit_per_s):
    """Sent until a card and delivered by the time it is there: the same, while any wait."""
    seconds = room(loads, limit_per_s)
    most = 0.0
    for first in range(len(loads)):  # Reich: the fullest of the busy stretches that end there
        most = max(most, sum(loads[first:]) - limit_per_s * (len(loads) - first))
    last = len(loads) - 1e-12
    assert _late_s(seconds, last, limit_per_s) == pytest.approx(most / limit_per_s, abs=1e-6)


# --- what is billed -------------------------------------------------------------------------------


def billed(written_per_s, inside, shown_per_s=None, batch_s=0.0, kb=0.2):
    chat = Chat(shown_per_s=shown_per_s, batch_s=batch_s, message_bytes=kb * 1024)
    shown = np.inf if chat.shown_per_s is None else chat.shown_per_s.value
    number = units_per_s(
        np.array([written_per_s]), np.array([float(inside)]), shown, chat.most_sent_per_s,
        chat.message_bytes.value,
    )  # fmt: skip
    return float(number[0])


def test_agoras_examples():
    """Signaling, pricing: 2.5 KB are 3 messages; 10 KB to 100 subscribers 10 + 1,000."""
    assert billed(1, 0, kb=2.5) == 3
    assert billed(1, 100, kb=10) == 1010


def test_unthrottled_chat_of_a_large_room():
    """20 lines a second to 100,000 for an hour: 7.2e9 deliveries."""
    sent = 20 * 3600
    assert billed(20, 100_000, shown_per_s=20) * 3600 == pytest.approx(7.2e9 + sent, rel=1e-12)
    # whatever they write
    assert billed(500, 100_000, shown_per_s=20) * 3600 == pytest.approx(7.2e9 + sent, rel=1e-12)


def test_a_batch_is_one_message_as_long_as_its_kilobyte_lasts():
    assert billed(20, 99, batch_s=1, kb=0.05) == 100  # 20 lines, 1 KB
    assert billed(20, 99, batch_s=1, kb=0.2) == 400  # 4 KB
    assert billed(20, 99, batch_s=1, kb=1) == billed(20, 99, kb=1)  # nothing is saved


def test_a_batch_holds_whole_lines():
    """1.5 lines a second: every other batch has two of 0.9 KB, 2 units, the others one."""
    assert billed(1.5, 9, batch_s=1, kb=0.9) == pytest.approx(15)


def test_a_batch_waits_for_its_first_line():
    assert billed(0.1, 9, batch_s=1) == pytest.approx(1)  # one line in ten seconds to ten
    assert billed(0, 9, batch_s=1) == 0


@given(st.floats(0, 100), st.floats(0, 1e5), st.floats(0, 10), st.floats(0.01, 3))
def test_batching_never_costs_more_than_sending_each_line(written_per_s, inside, batch_s, kb):
    each = billed(written_per_s, inside, kb=kb)
    assert billed(written_per_s, inside, batch_s=batch_s, kb=kb) <= each * (1 + 1e-9)
    assert billed(written_per_s, inside, shown_per_s=5, kb=kb) <= each
