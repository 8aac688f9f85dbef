"""What is measured: the points, each with all that a prediction needs.

`load` is wire over capacity: 1 is where all just fit. Capacities follow from it, so that a point
says how full its link is.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.field.player import Player
from tests.field.show import KEY_OVER_OTHER, Show
from tests.field.udp import WIRE_BYTES, Push, packets_of

LEAD_S = 1.0
"""Of show beyond what a burst needs, before anybody comes."""
NORMAL_S = 0.06
"""A round trip."""
MIXED_S = (0.02, 0.06, 0.2)


@dataclass(frozen=True, kw_only=True)
class Point:
    """Viewers come evenly over `join_over_s` and stay to the end, `watch_s` after the first tap.

    The dip: `dip_share` of the capacity is left from `dip_from_s` on, for `dip_for_s`. Round trips
    go round: the first viewer has the first one, and so on. They hold no queue.
    """

    name: str
    origin: str
    viewers: int
    rate_mbps: float
    load: float
    watch_s: float = 40.0
    join_over_s: float = 10.0
    queue_s: float = 0.2  # at the capacity without a dip
    round_trips_s: tuple[float, ...] = (NORMAL_S,)
    gop_s: float = 2.0
    key_over_other: float = KEY_OVER_OTHER
    dip_from_s: float = 0.0
    dip_for_s: float = 0.0
    dip_share: float = 1.0

    @property
    def show(self) -> Show:
        return Show(self.rate_mbps, self.gop_s, self.key_over_other)

    @property
    def overhead(self) -> float:
        raise NotImplementedError

    @property
    def capacity_mbps(self) -> float:
        """Wire, Ethernet headers included."""
        return self.viewers * self.rate_mbps * (1 + self.overhead) / self.load

    @property
    def lead_s(self) -> float:
        return LEAD_S

    @property
    def taps_s(self) -> list[float]:
        """After the first one's."""
        return [self.join_over_s * n / self.viewers for n in range(self.viewers)]

    def round_trip_s(self, viewer: int) -> float:
        return self.round_trips_s[viewer % len(self.round_trips_s)]


@dataclass(frozen=True, kw_only=True)
class Stream(Point):
    """Over TCP. The burst begins with a key frame `burst_s` to `burst_s + gop_s` old."""

    origin: str = "flv"  # flv | nginx
    congestion: str = "cubic"  # cubic | bbr | reno
    policy: str = "fall_behind"  # fall_behind | drop_frames | skip; nginx has its own
    shortage_at: str = "network"  # network | sender
    burst_s: float = 3.0
    skip_queue_s: float = 4.0
    start_buffer_s: float = 1.0
    resume_buffer_s: float = 1.0
    lag_limit_s: float = 60.0  # nobody gets there: a server that falls behind can't be skipped from
    target_s: float = 4.0

    @property
    def overhead(self) -> float:
        return self.show.overhead

    @property
    def lead_s(self) -> float:
        return LEAD_S + self.burst_s + self.gop_s

    @property
    def player(self) -> Player:
        return Player(self.start_buffer_s, self.resume_buffer_s, self.lag_limit_s, self.target_s)


@dataclass(frozen=True, kw_only=True)
class Room(Point):
    """Over UDP, with repetition on request. Janus has an order and a limit of its own."""

    origin: str = "push"  # push | janus
    loss_order: str = "random"  # random | fixed
    nack_interval_s: float = 0.3
    nack_for_s: float = 1.0
    rtx_max: float = 0.5
    jitter_buffer_s: float = 0.6
    watch_s: float = 30.0

    @property
    def push(self) -> Push:
        return Push(self.loss_order, self.nack_interval_s, self.nack_for_s, self.rtx_max)

    @property
    def overhead(self) -> float:
        sizes = [size for n in range(self.show.group) for _, size in packets_of(self.show, n)]
        return (sum(sizes) + len(sizes) * WIRE_BYTES) / (self.rate_mbps * 1e6 / 8 * self.gop_s) - 1


KNOWN: tuple[Point, ...] = (
    # the edge and what lies around it
    Stream(name="cubic_0.5", viewers=24, rate_mbps=0.8, load=0.5),
    Stream(name="cubic_0.95", viewers=24, rate_mbps=0.8, load=0.95),
    Stream(name="cubic_1", viewers=24, rate_mbps=0.8, load=1.0),
    Stream(name="cubic_1.06", viewers=24, rate_mbps=0.8, load=1.06),
    Stream(name="cubic_1.3", viewers=24, rate_mbps=0.8, load=1.3),
    Stream(name="bbr_1.06", viewers=24, rate_mbps=0.8, load=1.06, congestion="bbr"),
    Stream(name="bbr_1.3", viewers=24, rate_mbps=0.8, load=1.3, congestion="bbr"),
    # other sizes
    Stream(name="many_small", viewers=48, rate_mbps=0.4, load=1.1),
    Stream(name="few_large", viewers=16, rate_mbps=2.0, load=1.02),
    Stream(name="mixed_round_trips", viewers=24, rate_mbps=0.8, load=1.3, round_trips_s=MIXED_S),
    Stream(name="at_the_sender", viewers=24, rate_mbps=0.8, load=1.1, shortage_at="sender"),
    # joins and dips
    Stream(name="burst_of_joins", viewers=36, rate_mbps=0.8, load=0.7, join_over_s=1.0),
    Stream(name="dip", viewers=24, rate_mbps=0.8, load=0.8,
           dip_from_s=18.0, dip_for_s=8.0, dip_share=0.4),
    # what the server does
    Stream(name="drop_frames", viewers=24, rate_mbps=0.8, load=1.2, policy="drop_frames"),
    Stream(name="skip", viewers=24, rate_mbps=0.8, load=1.2, policy="skip"),
    Stream(name="nginx", viewers=24, rate_mbps=0.8, load=1.2, origin="nginx",
           policy="drop_frames", burst_s=0.0),
    # UDP
    Room(name="udp_random", viewers=24, rate_mbps=0.8, load=1.1),
    Room(name="udp_fixed", viewers=24, rate_mbps=0.8, load=1.1, loss_order="fixed"),
    Room(name="udp_storm", viewers=24, rate_mbps=0.8, load=0.9, nack_interval_s=0.1,
         rtx_max=1.0, dip_from_s=12.0, dip_for_s=5.0, dip_share=0.7),
    Room(name="udp_key_frames", viewers=24, rate_mbps=0.8, load=0.8, key_over_other=16.0,
         queue_s=0.6),
    Room(name="janus", viewers=24, rate_mbps=0.8, load=1.1, origin="janus"),
)  # fmt: skip
"""From these the model's numbers were taken."""

NEW: tuple[Point, ...] = (
    Stream(name="new_below", viewers=30, rate_mbps=0.6, load=0.88),
    Stream(name="new_edge", viewers=32, rate_mbps=0.7, load=1.0, queue_s=0.15),
    Stream(name="new_above", viewers=18, rate_mbps=1.5, load=1.15, queue_s=0.3),
    Stream(name="new_far_above", viewers=40, rate_mbps=0.5, load=1.5),
    Stream(name="new_small_buffers", viewers=24, rate_mbps=0.8, load=0.97,
           burst_s=1.0, gop_s=1.0, start_buffer_s=0.3, resume_buffer_s=0.3),
    Stream(name="new_deep_queue", viewers=24, rate_mbps=0.8, load=1.06, queue_s=0.5),
    Stream(name="new_far", viewers=20, rate_mbps=1.0, load=1.12, round_trips_s=(0.15,)),
    Stream(name="new_mixed", viewers=30, rate_mbps=0.6, load=1.2, round_trips_s=(0.03, 0.12)),
    Stream(name="new_bbr", viewers=30, rate_mbps=0.5, load=1.15, congestion="bbr"),
    Stream(name="new_joins", viewers=28, rate_mbps=1.0, load=0.85, join_over_s=2.0),
    Stream(name="new_dip", viewers=30, rate_mbps=0.6, load=0.75,
           dip_from_s=16.0, dip_for_s=10.0, dip_share=0.5),
    Stream(name="new_drop_frames", viewers=30, rate_mbps=0.7, load=1.35, policy="drop_frames"),
    Stream(name="new_skip", viewers=20, rate_mbps=1.0, load=1.3, policy="skip"),
    Room(name="new_udp_random", viewers=32, rate_mbps=0.6, load=1.2),
    Room(name="new_udp_fixed", viewers=20, rate_mbps=1.0, load=1.15, loss_order="fixed"),
    Room(name="new_udp_dip", viewers=30, rate_mbps=0.6, load=0.85, nack_interval_s=0.4,
         dip_from_s=12.0, dip_for_s=6.0, dip_share=0.75),
)  # fmt: skip
"""These were predicted with those numbers before anything of the kind was measured."""

POINTS = KNOWN + NEW
