"""Every limit there is, a row each: all that the program calls it, reads of it and tells of it.

Codes of the engine, names in tables, where a limit is configured, whether a sample of viewers meets
a share of it, what happens at it and who documents it: `docs/limits.md`, the page's rows and the
tests' cases are made from here. What a reader is told it is called stands in the catalogue, under
`limit-<name>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from sim.scenario.quantity import Quantity

if TYPE_CHECKING:
    from sim.scenario.vendor import Vendor


class Rule(StrEnum):
    """How a limit holds people back."""

    NONE = "none"
    """Nobody sets it: the viewer's own internet, or what breaks."""
    GATE = "gate"
    """So many a second pass the door: a token bucket."""
    QUOTA = "quota"
    """So much at once behind the door."""
    METER = "meter"
    """Read every `policy.scan_s`; beyond, nobody gets in."""
    SHARE = "share"
    """All below a node share it; or, where the policy says so, it is a quota."""
    GROWTH = "growth"
    """So much more than before."""
    FETCH = "fetch"
    """What edges fetch is late."""
    PICTURES = "pictures"
    """Pictures that are made at once; beyond, the best one instead."""
    MESSAGES = "messages"
    """What is written waits."""
    SHOP = "shop"
    """Orders wait after the run, and are lost beyond a wait."""


Owner = Literal["nobody", "vendor", "buyer", "incident"]
"""Who can raise it."""


@dataclass(frozen=True)
class LimitSpec:
    """A row of the table."""

    name: str
    """In tables: `binding_limit_s.<name>`."""
    rule: Rule = Rule.NONE
    owner: Owner = "vendor"
    keys: Mapping[str, str] = MappingProxyType({})
    """Where it is configured, dotted, under a vendor, the nearest first, and the unit that is said
    behind the number; `<limits>` are those of the path."""
    counts: str = ""
    """What the number counts."""
    policies: tuple[str, ...] = ()
    policy: str = ""
    """The key of `policy` that says what happens at it."""
    sampled: bool = True
    """Whether what a sample of the viewers meets is that share of it; else it is the whole."""
    documents: str = ""

    @property
    def metric(self) -> str:
        """Seconds in which it held somebody back."""
        return f"binding_limit_s.{self.name}"

    @property
    def of_the_vendor(self) -> list[str]:
        """Those of its keys under `limits` that hold for all paths together."""
        return [key.removeprefix("limits.") for key in self.keys if key.startswith("limits.")]


DOOR = ("refuse", "queue", "overflow")
"""What a door may do with who comes too many."""


class Limit(IntEnum):
    """What held a viewer back most (`bottleneck`): its code, and its row."""

    spec: LimitSpec

    def __new__(cls, code: int, spec: LimitSpec) -> Limit:
        it = int.__new__(cls, code)
        it._value_, it.spec = code, spec
        return it

    NONE = 0, LimitSpec("none", owner="nobody")
    LINK = 1, LimitSpec("own_link", owner="nobody")
    SESSIONS = 2, LimitSpec(
        "sessions", Rule.QUOTA, keys={"regions.<region>.sessions": "", "<limits>.sessions": ""},
        counts="sessions at once in a vendor region", policies=DOOR, policy="sessions",
        documents="Agora: 10,000 a region",
    )  # fmt: skip
    JOINS = 3, LimitSpec(
        "joins_per_s", Rule.GATE, keys={"<limits>.joins_per_s": ""},
        counts="joins a second into the room", policies=DOOR, policy="joins_per_s",
        documents="ZEGO: 200",
    )  # fmt: skip
    EGRESS_VENDOR = 4, LimitSpec(
        "egress_vendor", Rule.SHARE, keys={"<limits>.egress_mbps": "Mbps"}, counts="wire Mbps",
        policies=("degrade", *DOOR), policy="egress_mbps",
        documents="Agora: 10 Gbps; Alibaba: 10 Gbps",
    )  # fmt: skip
    EGRESS_REGION = 5, LimitSpec(
        "egress_region", Rule.SHARE, keys={"regions.<region>.egress_mbps": "Mbps"},
        counts="wire Mbps", policies=("degrade", *DOOR), policy="egress_mbps",
        documents="Agora: 10 Gbps a region",
    )  # fmt: skip
    EGRESS_EDGE = 6, LimitSpec(
        "egress_edge", Rule.SHARE, keys={"edges.<region>.<isp>.egress_mbps": "Mbps"},
        counts="wire Mbps", policies=("degrade", *DOOR), policy="egress_mbps",
        documents="none",
    )  # fmt: skip
    OUTAGE = 7, LimitSpec("outage", owner="incident")
    HOST_UPLINK = 8, LimitSpec("host_uplink", owner="incident")
    TOKENS = 9, LimitSpec(
        "token_calls_per_s", Rule.GATE, keys={"<limits>.token_calls_per_s": ""},
        counts="calls a second, one an attempt", policies=DOOR, policy="token_calls_per_s",
        documents="Amazon: 50; Alibaba: 300",
    )  # fmt: skip
    ROOM = 10, LimitSpec(
        "room_viewers", Rule.QUOTA, keys={"<limits>.room_viewers": ""},
        counts="sessions of a path, all regions", policies=DOOR, policy="room_viewers",
        documents="Tencent: 100,000; Amazon: 10,000",
    )  # fmt: skip
    NODE = 11, LimitSpec(
        "node_viewers", Rule.QUOTA, keys={"<limits>.node_viewers": ""},
        counts="viewers on one node", policies=DOOR, policy="node_viewers",
        documents="LiveKit: 3,000; SRS: 1,000",
    )  # fmt: skip
    ACCOUNT = 12, LimitSpec(
        "account_mbps", Rule.METER, keys={"limits.account_mbps": "Mbps"},
        counts="wire Mbps that pass on all paths, mean since the last look",
        policies=("refuse", "cut_off"), policy="account_mbps",
        documents="Tencent's cap refuses, others disable the domain",
    )  # fmt: skip
    PACKAGE = 13, LimitSpec(
        "package", Rule.METER, keys={"limits.package_gb": "GB", "limits.package_minutes": "min"},
        counts="GB (1e9 bytes on the wire), viewer minutes of the night",
        policies=("refuse", "cut_off"), policy="package",
        documents="LiveKit Build fails, Agora suspends",
    )  # fmt: skip
    TRANSCODES = 14, LimitSpec(
        "transcodes", Rule.PICTURES, keys={"<limits>.transcodes": ""},
        counts="pictures below the best at once", sampled=False, documents="Alibaba: 300 or 50",
    )  # fmt: skip
    MESSAGES = 15, LimitSpec(
        "messages_per_s", Rule.MESSAGES, keys={"limits.messages_per_s": ""},
        counts="messages a second in the room", sampled=False,
        documents="ZEGO: 20; Volcengine, Alibaba: 100",
    )  # fmt: skip
    GROWTH = 16, LimitSpec(
        "egress_growth", Rule.GROWTH, keys={"<limits>.egress_growth_mbps_per_min": "Mbps a minute"},
        counts="wire Mbps, sent or reserved, more than the least of the last 60 s",
        policies=("degrade", *DOOR), policy="egress_mbps", documents="Alibaba: 10 or 50 Gbps",
    )  # fmt: skip
    ORIGIN = 17, LimitSpec(
        "origin", Rule.FETCH, keys={"paths.<path>.origin.egress_mbps": "Mbps"}, counts="wire Mbps",
        policies=("degrade", *DOOR), policy="egress_mbps", documents="none",
    )  # fmt: skip
    OWN_JOINS = 18, LimitSpec(
        "own_joins_per_s", Rule.GATE, "buyer", keys={"own.joins_per_s": ""},
        counts="joins a second of your own backend", policies=("refuse", "queue"),
        documents="yours: no vendor can mend it",
    )  # fmt: skip
    OWN_ORDERS = 19, LimitSpec(
        "own_orders_per_s", Rule.SHOP, "buyer", keys={"own.orders_per_s": ""},
        counts="orders a second of your own shop", documents="yours",
    )  # fmt: skip


LIMIT_NAMES = tuple(limit.spec.name for limit in Limit)
"""By code, as tables have them."""


def configured(
    limit: Limit, vendor: Vendor, path: str = "", region: str = "", isp: str = ""
) -> Iterator[tuple[str, Quantity]]:
    """(key, number) of each of the limit's keys that is given there; several where all hold."""
    first = path in ("", next(iter(vendor.paths)))
    limits = "limits" if first else f"paths.{path}.limits"
    for key in limit.spec.keys:
        if key.startswith("regions.") and limit is Limit.SESSIONS and not first:
            continue  # a region's own quota is of the first path
        key = key.replace("<limits>", limits)
        for place, name in (("<path>", path), ("<region>", region), ("<isp>", isp)):
            key = key.replace(place, name)
        number = _at(vendor, key.split("."))
        if isinstance(number, Quantity):
            yield key, number


def everywhere(limit: Limit, vendor: Vendor) -> Iterator[tuple[str, Quantity]]:
    """(unit, number) of the limit wherever the vendor has it, each key once."""
    seen = set()
    for path, region in product(vendor.paths, vendor.serves):
        for isp in vendor.edges.get(region, {"": None}):
            for key, number in configured(limit, vendor, path, region, isp):
                if key not in seen:
                    seen.add(key)
                    yield _unit(limit, key), number


def _unit(limit: Limit, key: str) -> str:
    """Of the row's key that became this one."""
    last = key.rpartition(".")[2]
    return next(unit for k, unit in limit.spec.keys.items() if k.rpartition(".")[2] == last)


def caps_of(
    limit: Limit, vendor: Vendor, sample: float, path: str = "", region: str = "", isp: str = ""
) -> Iterator[tuple[str, float]]:
    """The same, as it holds for a sample of the viewers."""
    share = sample if limit.spec.sampled else 1.0
    for key, number in configured(limit, vendor, path, region, isp):
        yield key, number.value * share


def _at(node: Any, keys: list[str]) -> Any:
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else getattr(node, key, None)
        if node is None:
            return None
    return node
