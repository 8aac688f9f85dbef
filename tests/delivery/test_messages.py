"""Cards behind the chat: a fluid queue, first in, first out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.delivery.messages import SECOND, fill, late_s
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
