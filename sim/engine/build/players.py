"""What the players of a vendor's paths do: PLAYER and PATH, and the viewers' links."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sim.delivery.share import (
    PATH,
    PAUSE,
    TCP,
    UDP,
)
from sim.demand import Audience
from sim.network.links import Links, links_from_classes, links_from_traces
from sim.network.traces import read_traces
from sim.record import HD_LINES
from sim.scenario.files import resolve_file
from sim.scenario.model import Network, Patience, Promotion, Scenario
from sim.scenario.vendor import Limits, Path, Policy, Vendor
from sim.viewer.viewer import LAYERS, LEAST_REFILL_S, PLAYER, Kind

LEAST_SHAPE, MOST_SHAPE = 0.3, 1e5
"""Of a Weibull law: from a spread of 10 down to one of a thousandth of a hundredth."""


def links_of(net: Network) -> tuple[Links, NDArray[np.float64], NDArray[np.float64]]:
    """Link tables, round trips (s) and UDP loss by access class."""
    if net.kind == "replay":
        assert net.traces is not None
        links = links_from_traces(read_traces(resolve_file("network.traces", net.traces)))
        return links, np.array([net.trace_round_trip_ms / 1e3]), np.array([net.trace_loss])
    assert net.mix is not None
    classes = [net.classes[name] for name in net.mix]
    return (
        links_from_classes(classes),
        np.array([c.round_trip_ms / 1e3 for c in classes]),
        np.array([c.loss for c in classes]),
    )


def _put_patience(player: NDArray[np.void], key: str, patience: Patience | None) -> None:
    """Write a patience curve as times and cumulative hazard."""
    if patience is not None:
        times, left = zip((patience.free_s, 0.0), *patience.left_by, strict=True)
        player[f"{key}_points"] = len(times)
        player[f"{key}_s"][:, : len(times)] = times
        player[f"{key}_hazard"][:, : len(times)] = -np.log1p(-np.array(left))


def players(
    scenario: Scenario, vendor: Vendor | None, replication: int, audience: Audience
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """PLAYER and PATH of each of the vendor's paths, or of the reference player."""
    a = scenario.audience
    ways = [] if vendor is None else vendor.ways()
    player, path = np.zeros(max(1, len(ways)), PLAYER), np.zeros(max(1, len(ways)), PATH)
    _set(
        player,
        kappa=a.kappa.value,
        sd_rundown=a.sd_rundown.value,
        freeze_free_s=a.stall_patience_free_s.value,
        freeze_patience_s=np.inf if a.stall_patience_mean_s is None
        else a.stall_patience_mean_s.value,
        rejoin_share=a.retry.rejoin_share,
        jitter_s=a.retry.jitter_s,
        retries=len(a.retry.backoff_s),
        threshold_s=scenario.engine.freeze_threshold_s,
        merge_s=scenario.engine.stall_merge_s,
        show_s=audience.demand.duration_s,
        seed=scenario.seed,
        replication=replication,
        lag_limit_s=np.inf,
        hd_from_mbps=a.reference.hd_from_mbps,
        source=1.0,
        transcodes=LAYERS,
    )  # fmt: skip
    player["backoff_s"][:, : len(a.retry.backoff_s)] = a.retry.backoff_s
    _put_patience(player, "patience", a.patience)
    _put_patience(player, "room", a.waiting_room_patience)
    if vendor is None:
        reference = a.reference
        path["wire"] = 1.0
        _set(
            player,
            kind=Kind.REFERENCE, layers=1, catch_up=1.0,
            link_share=reference.link_share.value,
            frozen_below_mbps=reference.frozen_below_mbps,
            target_s=scenario.commerce.latency_free_s.value,
        )  # fmt: skip
        player["layer_mbps"][0, 0], player["layer_hd"][0, 0] = 1.0, True
        player["whole_mbps"] = player["layer_mbps"]
    lines = [height for height, _ in a.every_device]
    for k, (_, way, limits, policy) in enumerate(ways):
        _put_path(player[k : k + 1], path[k : k + 1], way, policy, lines)
        _put_real_link(player[k : k + 1], way)
        _put_transcodes(player[k : k + 1], way, limits)
        _put_host(player[k : k + 1], way, limits, scenario.promotion)
    return player, path


def _put_path(
    player: NDArray[np.void],
    path: NDArray[np.void],
    it: Path,
    policy: Policy,
    devices: list[int],
) -> None:
    """Write one path; `devices`: the highest picture each shows, in lines."""
    _set(
        player,
        link_share=it.link_share.value,
        catch_up=it.catch_up.value, upstream_s=it.upstream_s.value, gop_s=it.gop_s.value,
        start_s=it.start_buffer_s.value, join_round_trips=it.join_round_trips.value,
        join_server_s=it.join_server_s.value, refusal_s=policy.refusal_s.value,
        ghost_s=policy.ghost_s.value if policy.ghost_s is not None else 0.0,
        layers=len(it.ladder), react_s=it.react_s.value if it.react_s is not None else 0.0,
    )  # fmt: skip
    lines = [height for height, _ in it.ladder]
    for k, (height, rate) in enumerate(it.ladder):
        player["layer_mbps"][0, k] = rate.value
        player["layer_hd"][0, k], player["layer_audio"][0, k] = height >= HD_LINES, height == 0
    pictures = [k for k, height in enumerate(lines) if height > 0]
    for d, most in enumerate(devices):
        player["top"][0, d] = next((k for k in pictures if lines[k] <= most), pictures[-1])
    if it.player == "flv":
        assert it.delay_s and it.resume_buffer_s and it.speed_up
        _set(
            player,
            kind=Kind.FLV, target_s=it.delay_s.value, resume_s=it.resume_buffer_s.value,
            speed_up=it.speed_up.value,
        )  # fmt: skip
        if it.lag_limit_s is not None:
            player["lag_limit_s"] = it.lag_limit_s.value
    else:
        assert it.jitter_buffer_s and it.audio_mbps
        _set(
            player,
            kind=Kind.RTC, target_s=it.jitter_buffer_s.value, audio_mbps=it.audio_mbps.value,
            keyframe_cached=it.keyframe_cached,
            resume_s=max(it.start_buffer_s.value, LEAST_REFILL_S),
        )  # fmt: skip
    _set(
        path, wire=1.0 + it.overhead.value, by=TCP, udp=it.transport == "udp",
        best_mbps=it.bitrate_mbps.value,
        frame_mbps=it.frame_overhead_mbps.value if it.frame_overhead_mbps is not None else 0.0,
    )  # fmt: skip
    if it.transport == "udp":
        assert it.fec and it.rtx_max and it.rtx_delay_s and it.loss_tolerance
        _set(
            path,
            by=PAUSE if it.udp_shortage == "pause_some" else UDP, fec=it.fec.value,
            rtx_max=it.rtx_max.value, rtx_delay_s=it.rtx_delay_s.value,
            tolerance=it.loss_tolerance.value,
        )  # fmt: skip


def _put_real_link(player: NDArray[np.void], it: Path) -> None:
    """What a real link does beyond the ideal one."""
    if it.sharing is not None and it.sharing.shortage_at == "network":
        if it.sharing.spread.value > 0.0:
            player["share_shape"], player["share_scale"] = weibull(it.sharing.spread.value)
        player["round_trip_bias"] = it.sharing.round_trip_bias.value
        player["newcomer"] = it.sharing.newcomer.value
        player["share_round_trips"] = it.sharing.persistence_round_trips.value
    if it.queue_s is not None:
        player["queue_s"] = it.queue_s.value
    if it.first_window_kb is not None:
        player["first_window_mb"] = it.first_window_kb.value * 8e-3


def weibull(spread: float) -> tuple[float, float]:
    """Shape and scale of the Weibull law of mean 1 with this coefficient of variation.

    Its quantile is closed, and it goes from an exponential law (1) to all alike (0).
    """

    def excess(shape: float) -> float:
        square = math.exp(math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape))
        return square - 1 - spread**2

    shape = float(optimize.brentq(excess, LEAST_SHAPE, MOST_SHAPE))
    return shape, 1 / math.gamma(1 + 1 / shape)


def _put_transcodes(player: NDArray[np.void], it: Path, limits: Limits) -> None:
    """Where not all pictures can be made at once, none is until somebody wants it."""
    if limits.transcodes is not None and limits.transcodes.value < len(it.layers):
        player["transcodes"] = round(limits.transcodes.value)
        player["missing"][0, 1 : 1 + len(it.layers)] = 1


def _put_host(player: NDArray[np.void], it: Path, limits: Limits, promotion: Promotion) -> None:
    """What the host makes of it: RTC's every picture, unless the vendor transcodes."""
    player["whole_mbps"] = player["layer_mbps"]
    rates = [it.bitrate_mbps.value]
    if promotion.host_adapts and it.player == "rtc" and limits.transcodes is None:
        rates += [layer.bitrate_mbps.value for layer in it.layers]
    player["sent_pictures"], player["lowest_mbps"] = len(rates), rates[-1]
    if promotion.host_adapts:
        player["lowest_mbps"] = min(rates[-1], promotion.host_lowest_mbps.value)


def _set(record: NDArray[np.void], **values: float) -> None:
    for key, value in values.items():
        record[key] = value
