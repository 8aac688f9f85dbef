"""Every limit at the door, each a record of `door.LIMIT`: what it counts and what documents it.

Rates and counts come at the size of the sample. They stand in the order in which they are asked:
the buyer's own backend, then path by path tokens, joins, sessions, the room, egress, and last what
holds for all paths together: the account, a package.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.delivery.door import GB, MBPS, MINUTES, gate, meter, quota
from sim.scenario.limits import Limit

Record = NDArray[np.void]
EVERY_PATH = -1


def own_joins(per_s: float, policy: str) -> Record:
    """Joins a second of the buyer's own backend (log-in, room list): buying more vendor won't help.

    Asked once an attempt, whatever path it ends on. No vendor documents it.
    """
    return gate(per_s, max(1.0, per_s), policy, EVERY_PATH, Limit.OWN_JOINS)


def token_calls(per_s: float, policy: str, path: int) -> Record:
    """Calls a second of the vendor's token API, one an attempt.

    AWS IVS Real-Time: 50 a second, not raised (RealTimeUserGuide, service quotas); Alibaba's
    interactive live, log-in token: 300 a second (help.aliyun.com, document 409678). Not for
    vendors whose tokens the buyer signs himself: Agora, ZEGO, TRTC, and IVS with a key pair.
    """
    return gate(per_s, max(1.0, per_s), policy, path, Limit.TOKENS)


def joins(per_s: float, burst: float, policy: str, path: int) -> Record:
    """Joins a second into the room. ZEGO: 200 a second (best practice, restrictions)."""
    return gate(per_s, max(1.0, burst), policy, path, Limit.JOINS)


def sessions(cap: float, policy: str, path: int, region: int) -> Record:
    """Sessions at once in a vendor region. Agora: 10,000 a region unless raised."""
    return quota(cap, 1.0, policy, Limit.SESSIONS, path, region)


def room_viewers(cap: float, policy: str, path: int) -> Record:
    """Audience of one room, all regions of the path together.

    Tencent TRTC: 100,000 (647/35108); AWS IVS Real-Time: 10,000 a stage; ZEGO: 1,000,000.
    """
    return quota(cap, 1.0, policy, Limit.ROOM, path)


def node_viewers(per_node: float, policy: str, path: int) -> Record:
    """Viewers on one node; how many nodes there are is the supply's to say.

    LiveKit: a room must fit one node, 3,000 subscribers at 92 % of 16 cores (self-hosting
    benchmark); mediasoup: 200 to 300 viewers of sound and picture a router (scalability).
    """
    return quota(per_node, 1.0, policy, Limit.NODE, path)


def egress(
    cap_mbps: float, each_mbps: float, policy: str, code: Limit, path: int, region: int, leaf: int
) -> Record:
    """Egress reserved at the door: a session takes what it sends when nothing is lost.

    Agora: 10 Gbps a region unless raised (service limits).
    """
    return quota(cap_mbps, each_mbps, policy, code, path, region, leaf)


def account(cap_mbps: float, policy: str, scan_s: float, cut_off_s: float) -> Record:
    """Bandwidth of the whole account, wire Mbps of all paths, read every `scan_s`.

    Tencent CSS: new viewers are refused while it is over its cap, looked at every five minutes
    (267/35598); Alibaba CDN's usage cap takes the domain off line.
    """
    return meter(MBPS, cap_mbps, policy, Limit.ACCOUNT, scan_s, cut_off_s)


def package_gb(cap_gb: float, policy: str, scan_s: float, cut_off_s: float) -> Record:
    """Traffic paid for beforehand, GB on the wire. LiveKit Build: 50 GB, then requests fail."""
    return meter(GB, cap_gb, policy, Limit.PACKAGE, scan_s, cut_off_s)


def package_minutes(cap_min: float, policy: str, scan_s: float, cut_off_s: float) -> Record:
    """Viewer minutes paid for beforehand.

    LiveKit Build: 5,000, then requests fail; Agora's free plan is suspended.
    """
    return meter(MINUTES, cap_min, policy, Limit.PACKAGE, scan_s, cut_off_s)
