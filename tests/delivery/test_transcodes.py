"""Pictures that are made from the host's: so many at once, first come, first served."""

from __future__ import annotations

import numpy as np

from sim.delivery.transcodes import start_and_stop
from tests.entry import entry

_start_and_stop = entry(start_and_stop)

PICTURES = 4
PATH = np.dtype(
    [
        ("layers", "i8"), ("transcodes", "i8"), ("layer_audio", "i1", PICTURES),
        ("missing", "i1", PICTURES), ("wishes", "i8", PICTURES), ("most_made", "i8"),
    ],
    align=True,
)  # fmt: skip


class Path:
    """The host's picture, two lower ones, and sound alone."""

    def __init__(self, transcodes):
        self.p = np.zeros(1, PATH)
        self.p["layers"], self.p["transcodes"] = PICTURES, transcodes
        self.p["layer_audio"][0, 3] = 1
        self.p["missing"][0, 1:3] = 1

    def wanted(self, *viewers):
        """So many viewers want each picture; which of the lower ones are made then."""
        self.p["wishes"][0] = viewers
        _start_and_stop(self.p[0])
        return [k for k in (1, 2) if not self.p["missing"][0, k]]


def test_what_nobody_wants_is_not_made():
    assert Path(2).wanted(100, 0, 0, 0) == []


def test_a_picture_is_one_transcode_however_many_watch_it():
    assert Path(1).wanted(0, 5000, 0, 0) == [1]


def test_first_wanted_picture_keeps_its_transcode_while_watched():
    path = Path(1)
    assert path.wanted(0, 0, 1, 0) == [2]
    assert path.wanted(0, 900, 1, 0) == [2]
    assert path.wanted(0, 900, 0, 0) == [1], "it is free as soon as nobody does"
    assert path.wanted(0, 900, 5, 0) == [1]


def test_of_two_first_wanted_in_one_second_the_better_is_made():
    assert Path(1).wanted(0, 1, 900, 0) == [1]


def test_none_at_all_may_run():
    assert Path(0).wanted(9, 9, 9, 0) == []


def test_sound_alone_is_not_transcoded():
    path = Path(1)
    assert path.wanted(0, 0, 7, 7) == [2]
    assert path.p["missing"][0, 3] == 0
