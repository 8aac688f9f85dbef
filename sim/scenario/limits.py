"""Every limit there is, a row each: all that the program calls it, reads of it and tells of it.

From here come the engine's codes, the names in tables, the numbers of a profile, the door's records
and their order, whether a sample of the viewers meets a share of a limit, what happens at it and
which document it mirrors (docs/limits.md). A reader sees it named by the catalogue,
`limit-<name>`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sim.scenario.quantity import Quantity

if TYPE_CHECKING:
    from sim.scenario.vendor import Vendor


class Rule(StrEnum):
    """How a limit holds viewers back."""

    NONE = "none"
    """It is no limit that anybody sets: the viewer's own internet, or what breaks."""
    GATE = "gate"
    """So many joins a second pass: a token bucket at the door."""
    QUOTA = "quota"
    """So much at once; the door keeps more out."""
    METER = "meter"
    """The vendor reads it every `policy.scan_s`; above it the door lets nobody in."""
    SHARE = "share"
    """All viewers below a node share it; or it is a quota, where the policy says so."""
    GROWTH = "growth"
    """So much more than in the last minute."""
    FETCH = "fetch"
    """What the edges fetch comes late."""
    PICTURES = "pictures"
    """So many pictures are made at once; more viewers get the best one."""
    MESSAGES = "messages"
    """So many messages a second; more wait."""
    SHOP = "shop"
    """So many orders a second; more wait, and are lost after a time."""


Scope = Literal["viewer", "account", "path", "region", "edge"]
"""Whom one number of a limit holds for: everybody (account), or the viewers of one path, of one
vendor region of a path, of one operator's edge in a region."""
Owner = Literal["nobody", "vendor", "buyer", "incident"]
"""Who can raise it."""


@dataclass(frozen=True)
class LimitSpec:
    """A row of the table."""

    name: str
    """In tables: `binding_limit_s.<name>`."""
    rule: Rule = Rule.NONE
    scope: Scope = "viewer"
    keys: Mapping[str, str] = field(default_factory=dict)
    """Where a vendor's profile has the number, the nearest key first, and the number's unit ("" for
    a count). `<limits>` stands for the limits of the path."""
    counts: str = ""
    """What the number counts."""
    policies: tuple[str, ...] = ()
    policy: str = ""
    """The key under `policy` that chooses one of them."""
    burst: str = ""
    """The key under `policy` for the joins that a gate lets in at once."""
    owner: Owner = "vendor"
    documents: str = ""
    """The documents it mirrors."""

    @property
    def metric(self) -> str:
        """Seconds in which it held somebody back."""
        return f"binding_limit_s.{self.name}"

    @property
    def policy_key(self) -> str:
        """Where the policy is chosen, under a vendor."""
        return "own.policy" if self.policy == "own" else f"policy.{self.policy}"

    @property
    def sampled(self) -> bool:
        """Whether a sample of the viewers meets that share of it: a picture is made, and a message
        written, for any number of viewers alike."""
        return self.rule not in (Rule.PICTURES, Rule.MESSAGES)

    @property
    def of_the_vendor(self) -> list[str]:
        """Those of its keys under `limits` that hold for all paths together."""
        return [key.removeprefix("limits.") for key in self.keys if key.startswith("limits.")]


DOOR = ("refuse", "queue", "overflow")
"""What happens to a viewer whom the door can't let in."""


class Limit(IntEnum):
    """What held a viewer back most (`bottleneck`): its code and its row, in the order in which the
    door asks them."""

    spec: LimitSpec

    def __new__(cls, code: int, spec: LimitSpec) -> Limit:
        """The code is the value; the row goes beside it."""
        it = int.__new__(cls, code)
        it._value_, it.spec = code, spec
        return it

    NONE = 0, LimitSpec("none", owner="nobody")
    LINK = 1, LimitSpec("own_link", owner="nobody")
    OUTAGE = 7, LimitSpec("outage", owner="incident")
    HOST_UPLINK = 8, LimitSpec("host_uplink", owner="incident")
    OWN_JOINS = 18, LimitSpec(
        "own_joins_per_s", Rule.GATE, "account", {"own.joins_per_s": ""},
        "joins a second of your own backend (log-in, room list), one an attempt",
        ("refuse", "queue"), "own", owner="buyer", documents="yours: no vendor can raise it",
    )  # fmt: skip
    TOKENS = 9, LimitSpec(
        "token_calls_per_s", Rule.GATE, "path", {"<limits>.token_calls_per_s": ""},
        "calls a second of the vendor's token API, one an attempt", DOOR, "token_calls_per_s",
        documents="Amazon IVS Real-Time: 50, not raised (RealTimeUserGuide, service quotas); "
        "Alibaba interactive live, log-in token: 300 (help.aliyun.com, document 409678). Not for "
        "vendors whose tokens the buyer signs: Agora, ZEGO, TRTC, and IVS with a key pair",
    )  # fmt: skip
    JOINS = 3, LimitSpec(
        "joins_per_s", Rule.GATE, "path", {"<limits>.joins_per_s": ""},
        "joins a second into the room", DOOR, "joins_per_s", "joins_burst",
        documents="ZEGO: 200 (best practice, restrictions)",
    )  # fmt: skip
    SESSIONS = 2, LimitSpec(
        "sessions", Rule.QUOTA, "region",
        {"regions.<region>.sessions": "", "<limits>.sessions": ""},
        "sessions at once in a vendor region", DOOR, "sessions",
        documents="Agora: 10,000 a region unless raised (service limits)",
    )  # fmt: skip
    ROOM = 10, LimitSpec(
        "room_viewers", Rule.QUOTA, "path", {"<limits>.room_viewers": ""},
        "sessions of a path, all regions together", DOOR, "room_viewers",
        documents="Tencent TRTC: 100,000 (647/35108); Amazon IVS Real-Time: 10,000 a stage; ZEGO: "
        "1,000,000",
    )  # fmt: skip
    EGRESS_VENDOR = 4, LimitSpec(
        "egress_vendor", Rule.SHARE, "path", {"<limits>.egress_mbps": "Mbps"},
        "wire Mbps of a path", ("degrade", *DOOR), "egress_mbps",
        documents="Alibaba Cloud live, an international account: 10 Gbps",
    )  # fmt: skip
    EGRESS_REGION = 5, LimitSpec(
        "egress_region", Rule.SHARE, "region", {"regions.<region>.egress_mbps": "Mbps"},
        "wire Mbps of a vendor region, all paths", ("degrade", *DOOR), "egress_mbps",
        documents="Agora: 10 Gbps a region unless raised (service limits)",
    )  # fmt: skip
    EGRESS_EDGE = 6, LimitSpec(
        "egress_edge", Rule.SHARE, "edge", {"edges.<region>.<isp>.egress_mbps": "Mbps"},
        "wire Mbps of one operator's edge in a region", ("degrade", *DOOR), "egress_mbps",
    )  # fmt: skip
    NODE = 11, LimitSpec(
        "node_viewers", Rule.QUOTA, "path", {"<limits>.node_viewers": ""},
        "viewers on one node of a path's fleet", DOOR, "node_viewers",
        documents="LiveKit: a room must fit one node, 3,000 subscribers at 92 % of 16 cores "
        "(self-hosting benchmark); SRS: 1,000; mediasoup: 200 to 300 a router (scalability)",
    )  # fmt: skip
    ACCOUNT = 12, LimitSpec(
        "account_mbps", Rule.METER, "account", {"limits.account_mbps": "Mbps"},
        "wire Mbps of all paths, the mean since the last look", ("refuse", "cut_off"),
        "account_mbps",
        documents="Tencent CSS: a cap looked at every five minutes refuses (267/35598); Alibaba "
        "CDN's usage cap takes the domain off line",
    )  # fmt: skip
    PACKAGE = 13, LimitSpec(
        "package", Rule.METER, "account",
        {"limits.package_gb": "GB", "limits.package_minutes": "min"},
        "GB of 1e9 bytes on the wire, and viewer minutes, of the night", ("refuse", "cut_off"),
        "package",
        documents="LiveKit Build: 50 GB and 5,000 minutes, then requests fail; Agora's free plan "
        "is suspended",
    )  # fmt: skip
    GROWTH = 16, LimitSpec(
        "egress_growth", Rule.GROWTH, "path",
        {"<limits>.egress_growth_mbps_per_min": "Mbps a minute"},
        "wire Mbps, sent or reserved, above the least of the last 60 s", ("degrade", *DOOR),
        "egress_mbps", documents="Alibaba Cloud live: 10 Gbps a minute, on the mainland site 50",
    )  # fmt: skip
    ORIGIN = 17, LimitSpec(
        "origin", Rule.FETCH, "path", {"paths.<path>.origin.egress_mbps": "Mbps"},
        "wire Mbps that the edges of a path fetch", ("degrade", *DOOR), "egress_mbps",
    )  # fmt: skip
    TRANSCODES = 14, LimitSpec(
        "transcodes", Rule.PICTURES, "path", {"<limits>.transcodes": ""},
        "pictures below the best at once", documents="Alibaba Cloud live: 300, or 50",
    )  # fmt: skip
    MESSAGES = 15, LimitSpec(
        "messages_per_s", Rule.MESSAGES, "account", {"limits.messages_per_s": ""},
        "messages a second in the room", documents="ZEGO: 20; Volcengine, Alibaba: 100",
    )  # fmt: skip
    OWN_ORDERS = 19, LimitSpec(
        "own_orders_per_s", Rule.SHOP, "account", {"own.orders_per_s": ""},
        "orders a second of your own shop", owner="buyer", documents="yours",
    )  # fmt: skip


LIMIT_NAMES = tuple(limit.spec.name for limit in sorted(Limit))
"""By code, as tables have them."""


class Configured(NamedTuple):
    """A number of a limit in a vendor's profile."""

    key: str
    """Dotted, under the vendor."""
    unit: str
    number: Quantity


def configured(
    limit: Limit, vendor: Vendor, path: str = "", region: str = "", isp: str = ""
) -> list[Configured]:
    """What limits a viewer there: one number for each unit of the limit, the nearest one."""
    first = path in ("", next(iter(vendor.paths)))
    # What a region has of its own is the first path's: others have no regions.
    limits = ["limits"] if first else ["paths", path, "limits"]
    names = {"<path>": path, "<region>": region, "<isp>": isp}
    nearest: dict[str, Configured] = {}
    for row, unit in limit.spec.keys.items():
        if row.startswith("regions.") and limit is Limit.SESSIONS and not first:
            continue
        head, *rest = row.split(".")
        parts = [*(limits if head == "<limits>" else [head]), *(names.get(k, k) for k in rest)]
        number = _at(vendor, parts)
        if isinstance(number, Quantity):
            nearest.setdefault(unit, Configured(".".join(parts), unit, number))
    return list(nearest.values())


def everywhere(limit: Limit, vendor: Vendor) -> list[Configured]:
    """Every number of the limit that limits anybody, wherever they are."""
    found = {}
    for path, region in product(vendor.paths, vendor.serves):
        for isp in vendor.edges.get(region) or ("",):
            for one in configured(limit, vendor, path, region, isp):
                found[one.key] = one
    return list(found.values())


def caps_of(
    limit: Limit, vendor: Vendor, sample: float, path: str = "", region: str = "", isp: str = ""
) -> dict[str, float]:
    """Unit -> what a sample of the viewers there meets of the limit; empty: there is none."""
    share = sample if limit.spec.sampled else 1.0
    found = configured(limit, vendor, path, region, isp)
    return {one.unit: one.number.value * share for one in found}


def cap_of(
    limit: Limit, vendor: Vendor, sample: float, path: str = "", region: str = "", isp: str = ""
) -> float:
    """The same of a limit with one unit; infinite: there is none."""
    return next(iter(caps_of(limit, vendor, sample, path, region, isp).values()), math.inf)


def _at(node: Any, keys: list[str]) -> Any:
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else getattr(node, key, None)
        if node is None:
            return None
    return node
