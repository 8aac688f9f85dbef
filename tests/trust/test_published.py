"""What was known comes out; what was fitted is met, but for what is named here."""

import math

import numpy as np
import pytest

from tests.recordings import DATA
from tests.trust import ghent, published

ROOMS = "most viewers of one room"


@pytest.fixture(scope="module")
def rows():
    return list(published.quick_rows())


needs_logs = pytest.mark.skipif(
    not (DATA / ghent.ARCHIVE).is_file(),
    reason="no recorded 4G logs: PEAKCAST_DATA names the folder of real inputs",
)


@needs_logs
def test_the_player_over_recorded_4g_links_freezes_as_known():
    found = list(ghent.rows(DATA, bitrates=[2.5]))
    assert len(found) == 2 * 4
    assert [row for row in found if not row.holds] == []


@pytest.mark.slow
@needs_logs
def test_all_that_is_known_and_fitted_is_met():
    found = list(published.rows(DATA))
    verified = [r for r in found if r.kind == "verified" and r.of != ROOMS]
    assert len(verified) == 2 * 16
    assert [row for row in verified if not row.holds] == []
    assert missed(found) == REBUFFERING_LIVE
    assert sum(row.kind == "fitted" for row in found) == 8
    assert all(row.within is None for row in found if row.kind == "predicted")


@needs_logs
def test_the_logs_make_130_sessions():
    assert ghent.sessions(DATA / ghent.ARCHIVE).shape == (130, 120)


def test_without_the_recordings_no_figure_is_made_up(tmp_path):
    assert all(math.isnan(row.ours) for row in ghent.rows(tmp_path))


def test_each_session_is_lived_through_from_start_to_end(tmp_path):
    # Nothing arrives in the last 10, 20, 30 s: all of that but the buffer is frozen. A session that
    # began elsewhere would have its gap in the middle, or in two parts.
    links = np.full((3, ghent.SESSION_S), 20.0)
    for k in range(3):
        links[k, -10 * (k + 1) :] = 0
    viewers = ghent.write_traces(links, tmp_path)
    frozen_s = ghent.frozen_s(tmp_path, viewers, mbps=2.0, buffer_s=4.0)
    assert frozen_s == pytest.approx([6, 16, 26])


def test_room_has_as_many_viewers_as_its_nodes_published_size(rows):
    nodes = [row for row in rows if row.of == ROOMS]
    assert len(nodes) == 3
    assert [row for row in nodes if not row.holds] == []


def missed(rows):
    return [(row.of, row.source) for row in rows if row.kind == "fitted" and not row.holds]


REBUFFERING_LIVE = [("watching lost to rebuffering", f"{published.DOBRIAN}: live")]


def test_what_was_fitted_is_met(rows):
    assert sum(row.kind == "fitted" for row in rows) == 5
    assert missed(rows) == []
