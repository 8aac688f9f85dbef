"""What a run leaves behind: plain arrays and tables, and the words they are written in.

Nothing here computes; the engine fills these records and commerce, billing, studies read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WORLDS = ("perfect", "links", "vendor", "limits", "incidents")
"""The ladder of worlds, from nothing wrong to everything that may go wrong."""


class State(IntEnum):
    """Where a viewer is."""

    WAITING = 0
    STARTING = 1
    PLAYING = 2
    STALLED = 3
    GONE = 4


class Reason(IntEnum):
    """Why a viewer is gone."""

    NONE = 0
    DONE = 1
    GAVE_UP_WAITING = 2
    LEFT_STARTING = 3
    LEFT_STALLED = 4
    REFUSED = 5
    CUT_OFF = 6
    SHOW_OVER = 7


SESSIONS = np.dtype(
    [
        ("viewer", "i8"),  # row in the audience
        ("bin", "i4"),  # identity: arrival bin (below 0: there at the start) and number in it
        ("j", "i4"),
        ("cohort", "i2"),  # indices into Run.names
        ("region", "i2"),
        ("isp", "i2"),
        ("access", "i2"),
        ("interactive", "?"),
        ("initial", "?"),  # already watching at time 0: outside join and start-up metrics
        ("arrival_s", "f8"),
        ("intention_s", "f8"),  # W; mass exit and the end of the show not counted
        ("state", "i1"),  # at the end
        ("reason", "i1"),
        ("left_s", "f8"),  # when gone (show end if censored)
        ("attempts", "i4"),  # join attempts
        ("failed", "i4"),  # of them refused
        ("startup_s", "f8"),  # tap to first frame; nan: none seen
        ("sdk_startup_s", "f8"),  # last attempt to first frame; nan: none seen
        ("cuts", "i4"),  # sessions that were cut off
        ("play_s", "f8"),
        ("hd_s", "f8"),  # of it in HD
        ("audio_s", "f8"),  # of it with sound alone
        ("frozen_s", "f8"),  # after the first frame
        ("stalls", "i4"),  # episodes by the freeze rule
        ("stall_s", "f8"),  # frozen time in them
        ("waiting_s", "f8"),
        ("starting_s", "f8"),
        ("media_mb", "f8"),  # media received, megabit
        ("latency_s", "f8"),  # mean while playing; nan: never played
        ("harm", "i1"),  # Limit that cost this viewer most intention
    ]
)
"""One row a viewer."""

ORDERS = np.dtype(
    [
        ("viewer", "i8"),
        ("n", "i4"),
        ("time_s", "f8"),
        ("product", "i4"),  # 0: the ordinary basket; k: drop k-1
        ("value_cny", "f8"),
        ("u", "f8"),  # the buyer's own threshold in (0, 1)
        ("pay_u", "f8"),  # below the share that pays in time: this one does
        ("state", "i1"),  # State at that time
        ("reason", "i1"),  # Reason, where gone
        ("hd", "?"),  # the picture was HD
        ("audio", "?"),  # sound alone: by the player's choice, or while the picture was frozen
        ("latency_s", "f8"),  # while playing or frozen, else nan
        ("limit", "i1"),  # bottleneck then; for those gone: what made them go
    ]
)
"""One row an order wished for, in viewer and time order; the same rows in every world."""

SERIES = (
    "waiting", "starting", "watching", "stalled",
    "arrivals", "attempts", "refusals", "joins",
    "wire_mbps",
)  # fmt: skip
"""Columns of `Run.series`: mean number over the bin for states, counts in the bin for events."""


@dataclass(frozen=True)
class Names:
    """What the indices in sessions and meters stand for."""

    cohorts: tuple[str, ...]
    """None where the audience has none: all are 0 then."""
    regions: tuple[str, ...]
    isps: tuple[str, ...]
    classes: tuple[str, ...]
    products: tuple[str, ...]
    vendor_regions: tuple[str, ...]
    paths: tuple[str, ...]


class Use(NamedTuple):
    """One limit of a profile in one run."""

    limit: str
    """Of LIMIT_NAMES."""
    path: str
    """Empty where it holds for all paths together."""
    where: str
    """Vendor region, or region.isp of an edge; empty: everywhere."""
    share: float
    """In use at most: 1 less this is how far it was from binding.

    Of a rate, what was asked in the busiest ten seconds over what it lets in: it may pass 1.
    """


@dataclass(frozen=True)
class Run:
    """One vendor, one night, one world. Counts are of sampled viewers: each stands for `weight`."""

    vendor: str
    world: str
    replication: int
    peak_viewers: int
    """The offered peak, at full size."""
    weight: float
    """1 / audience.sample."""
    order_weight: float
    """Orders of the night that each of `orders` stands for."""
    names: Names
    sessions: NDArray[np.void]
    """dtype SESSIONS."""
    orders: NDArray[np.void]
    """dtype ORDERS."""
    series: pd.DataFrame
    """One row a `bin_s` (10 s): time_s and the columns of SERIES, sampled viewers."""
    latency_us: NDArray[np.int64]
    """(latency bins,) microseconds of play by latency, LATENCY_BIN_S wide, last bin open."""
    usage: pd.DataFrame
    """What is billed, already at full size: meter, path, region, class, time_s, value, unit.

    viewer_minutes by class (audio, sd, hd, full_hd, 2k, 2k_plus; time_s nan), unit "min",
    unrounded; connection_minutes and user_minutes, every connection's and every viewer's rounded
    up (class where the path has one picture, else ""); ghost_minutes; egress_gb (class ""), unit
    "GB" of 1e9 bytes on the wire; wire_mbps by 10-second bin (time_s the bin's start), unit
    "Mbps"; joins, users (ever inside) and peak_connections (joining and ghosts included), unit
    "count". All by path and region.

    Of a fleet, by path and day, on the first region: node_hours, unit "h". Of the room, by day, on
    the first path and region: messages, unit "count" (of 1 KB, each delivery one).

    Of the show, on the first path and region: ingest_minutes (class of the best picture),
    ingest_gb, ingest_mbps and channels (1) by bin, transcode_minutes by class; where anything is
    recorded, recording_minutes of all files (class of the best picture) and recordings (so many
    at once) by bin; failed_periods, the sum over five-minute periods of the share of attempts
    refused; events (1).
    """
    limits: list[Use]
    """How much of each of the vendor's limits was in use at most."""
    bound: pd.DataFrame
    """One row a BIN_S: time_s and, for each limit that bound in this run, for what share of it."""
    facts: dict[str, float]
    """Figures of the run itself: expected_peak, curve_error, seconds a limit bound, ..."""
    seconds: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row a second of the show: attempts and joins in it, sampled viewers; none: no vendor."""


BIN_S = 10.0
"""Width of the meters' bins: the readings whose maximum some tariffs bill."""

LATENCY_BIN_S = 0.01
LATENCY_BINS = 6000

HD_LINES = 720
"""A layer is HD from this height, in lines."""
