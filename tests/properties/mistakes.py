"""A valid scenario with one thing wrong in it, and the words that its refusal must hold."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Le
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from sim.scenario.model import Scenario
from sim.scenario.quantity import Frozen, Quantity, Share
from tests.properties.files import GROUPS
from tests.properties.scenarios import Data, Draw, scenarios

Place = tuple[str | int, ...]
Mistake = tuple[Data, str]
"""(scenario, what the refusal must name)."""


def nodes(node: Any, at: Place = (), field: FieldInfo | None = None) -> Iterator[tuple[Any, ...]]:
    """(place, value, field) of everything in a scenario; `field` where the value is one's own."""
    yield at, node, field
    if isinstance(node, Frozen) and not isinstance(node, Quantity):
        for name, inside in type(node).model_fields.items():
            yield from nodes(getattr(node, name), (*at, name), inside)
    elif isinstance(node, (dict, list, tuple)):
        inner: Any = node.items() if isinstance(node, dict) else enumerate(node)
        for name, child in inner:
            yield from nodes(child, (*at, name))


def wrong_here(value: Any, field: FieldInfo | None) -> Iterator[Any]:
    """Values no key of this type can mean; no number of the vocabulary may be negative."""
    if isinstance(value, bool):
        yield from ("perhaps", 7)
    elif isinstance(value, (int, float, Quantity)):
        yield from (-1, float("nan"), float("inf"), "many", [1], True)
        if field is not None and _is_share(field):
            yield 1.5
    elif field is not None and get_origin(field.annotation) is Literal:
        yield "nonsense"
    elif isinstance(value, (list, dict)):
        yield 5


def _is_share(field: FieldInfo) -> bool:
    """At most 1, by itself or as one of `X | None`."""
    kinds = [m for a in get_args(field.annotation) for m in getattr(a, "__metadata__", ())]
    marks = [*field.metadata, *kinds]
    return any(m in SHARE or (isinstance(m, Le) and m.le == 1) for m in marks)


SHARE = getattr(Share, "__metadata__")  # noqa: B009 (its type is said to be Quantity's)


@st.composite
def wrong_values(draw: Draw) -> Mistake:
    """Of another type, not finite, negative, a share above 1, none of the words allowed."""
    data, scenario = draw(complete())
    here = [(at, wrong) for at, v, field in nodes(scenario) for wrong in wrong_here(v, field)]
    at, wrong = draw(st.sampled_from(here))
    return put(data, at, wrong), ".".join(map(str, at))


@st.composite
def wrong_keys(draw: Draw) -> Mistake:
    """A key that its group doesn't have."""
    data, scenario = draw(complete())
    groups = [at for at, node, _ in nodes(scenario) if isinstance(node, Frozen)]
    at = (*draw(st.sampled_from(groups)), draw(st.sampled_from(("sesions", "_target_", "ü"))))
    return put(data, at, 1), ".".join(map(str, at))


@st.composite
def missing_keys(draw: Draw, of_files: bool = False) -> Mistake:
    """A key without a default is left out; `of_files`: one that config.yaml doesn't give either."""
    data, scenario = draw(complete())
    needed = [
        (*at, name)
        for at, node, _ in nodes(scenario)
        if isinstance(node, Frozen) and not isinstance(node, Quantity)
        for name, field in type(node).model_fields.items()
        if field.is_required() and (*at, name) != ("vendors",)
        if not of_files
        or (at and at[0] in (*GROUPS, "vendors") and (*at, name) != ("commerce", "cny_per"))
    ]
    at = draw(st.sampled_from(needed))
    without = copy.deepcopy(data)
    del inside(without, at[:-1])[at[-1]]
    if at[0] == "vendors" and at[2:] == ("name",):  # what has no name isn't taken for a vendor
        return without, f"vendors.{at[1]} is half a vendor"
    return without, ".".join(map(str, at))


# Each is allowed by itself: (keys to set, what the refusal names). A path of the vendor `ours` is
# given whole where it matters what else it holds.
FLAT = [[0, 1], [60, 1]]
OURS = "vendors.ours"
RTC = f"{OURS}.paths.rtc"
ONE = {f"{RTC}.layers": [], f"{RTC}.audio_rung": False, f"{OURS}.limits.transcodes": None}
LAYERS = [{"height": 2, "bitrate_mbps": 0.002}, {"height": 1, "bitrate_mbps": 0.001}]
FLV = {
    **ONE,
    f"{RTC}.player": "flv",
    f"{RTC}.gop_s": 1,
    f"{RTC}.start_buffer_s": 1,
    f"{RTC}.resume_buffer_s": 1,
    f"{RTC}.delay_s": 3,
    f"{RTC}.lag_limit_s": None,
    f"{RTC}.speed_up": 0,
}
JITTER = {**ONE, f"{RTC}.player": "rtc", f"{RTC}.start_buffer_s": 2, f"{RTC}.jitter_buffer_s": 1}
UDP = {
    f"{RTC}.transport": "udp",
    f"{RTC}.rtx_max": 0,
    f"{RTC}.rtx_delay_s": 1,
    f"{RTC}.loss_tolerance": 0,
}
STEPS = {
    "detect_s": 15, "target_share": 0.7, "step_nodes": 1, "most_nodes": 8, "boot_s": 90,
    "fail_share": 0, "warm_nodes": 0,
}  # fmt: skip
FLEET = {"nodes": 2, "node_mbps": 10, "cascades": True, "scaling": STEPS}
LINE = f"{OURS}.tariffs.first.lines.0"
BARE: dict[str, Any] = {
    f"{LINE}.meter": "egress_gb", f"{LINE}.where": {}, f"{LINE}.convert": {},
    f"{LINE}.reduction": "sum", f"{LINE}.level": None, f"{LINE}.days": None,
    f"{LINE}.prorate": None, f"{LINE}.charged_if": [], f"{LINE}.either": "",
    f"{OURS}.tariffs.first.also": [],
}  # fmt: skip
LIST = {"name": "list", "currency": "CNY", "lines": [
    {"name": "fee", "meter": "months", "reduction": "sum", "semantics": "flat",
     "tiers": [{"price": 1}]}]}  # fmt: skip
BREAK = {"name": "b", "what": "region", "where": "", "time_s": 1, "duration_s": 1, "left": 0}
UNLIMITED: dict[str, Any] = {
    f"{OURS}.limits.{key}": None
    for key in ("account_mbps", "package_minutes", "package_gb")
} | {f"{OURS}.policy.{key}": None for key in ("scan_s", "cut_off_s")} | {
    f"{OURS}.policy.package": "refuse", f"{OURS}.policy.account_mbps": "refuse"
}  # fmt: skip
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"promotion.concurrency": FLAT, "promotion.arrivals": FLAT}, "concurrency, arrivals"),
    ({"promotion.concurrency": None, "promotion.arrivals": None, "promotion.file": None}, "none"),
    ({"promotion.file": None, "promotion.arrivals": None,
      "promotion.concurrency": [[5, 1], [5, 1]]}, "promotion.concurrency"),
    ({"promotion.file": None, "promotion.arrivals": None, "promotion.concurrency": [[0, 0], [9, 0]],
      "promotion.drops": []}, "no viewer"),
    ({"promotion.file": None, "promotion.arrivals": None, "promotion.concurrency": FLAT,
      "promotion.peak_viewers": None}, "peak_viewers"),
    ({"promotion.file": "nowhere", "promotion.arrivals": None, "promotion.concurrency": None,
      "promotion.drops": []}, "promotion.file is 'nowhere'"),
    ({"promotion.expected_gmv_cny": 1, "promotion.orders_per_view": 1}, "expected_gmv_cny"),
    ({"promotion.expected_gmv_cny": None, "promotion.orders_per_view": None,
      "audience.orders_per_view": None}, "audience.orders_per_view"),
    ({f"{OURS}.own": {"orders_per_s": None, "order_wait_s": 1}}, "own.order_wait_s"),
    ({"promotion.pitches": [{"from_s": 9, "to_s": 9, "intent": 1}]}, "promotion.pitches.0"),
    ({"audience.regions": {}}, "audience.regions"),
    ({"audience.isps": {"mobile": 0.5}}, "audience.isps"),
    ({"audience.devices": {"tall": {"share": 1, "top_mbps": 1}}}, "'tall'"),
    ({"audience.devices": {"720": {"share": 0.5, "top_mbps": 1}}}, "audience.devices"),
    ({"audience.patience.left_by": [[5, 0.5], [6, 0.4]]}, "audience.patience"),
    ({"audience.regions": {"mars": 1.0}}, "'mars'"),
    ({f"{OURS}.not_billed": ["servers"]}, f"{OURS}.not_billed"),
    ({"incidents": [{**BREAK, "what": "isp", "where": "pigeon"}]}, "incidents.0.where"),
    ({"network.kind": "markov", "network.mix": {"satellite": 1.0}}, "'satellite'"),
    ({"network.kind": "markov", "network.mix": None}, "mix"),
    ({"network.kind": "replay", "network.traces": None}, "traces"),
    ({"network.kind": "replay", "network.traces": "nowhere"}, "network.traces is 'nowhere'"),
    ({"audience.kappa": {"value": 3, "low": 4, "high": 5}}, "audience.kappa"),
    ({"audience.kappa": {"value": 3, "low": 2}}, "audience.kappa"),
    ({f"{RTC}.overhead": {"value": 0.1, "source": "hearsay"}}, "'hearsay'"),
    ({**FLV, f"{RTC}.delay_s": 1.5}, "delay_s"),
    ({**FLV, f"{RTC}.lag_limit_s": 5}, "lag_limit_s"),
    ({**FLV, f"{RTC}.speed_up": None}, "speed_up"),
    (JITTER, "jitter_buffer_s"),
    ({**UDP, f"{RTC}.fec": None}, "fec"),
    ({**FLV, f"{RTC}.catch_up": 0.9}, "catch_up"),
    ({**FLV, f"{RTC}.link_share": 0}, "link_share"),
    ({f"{RTC}.layers": LAYERS[::-1]}, "layers"),
    ({f"{RTC}.layers": LAYERS, f"{RTC}.udp_shortage": "pause_some", f"{RTC}.audio_rung": False,
      f"{RTC}.react_s": 1}, "udp_shortage"),
    ({f"{RTC}.layers": LAYERS, f"{RTC}.player": "rtc", f"{RTC}.react_s": None,
      f"{RTC}.audio_rung": False}, "react_s"),
    ({f"{RTC}.audio_rung": True, f"{RTC}.audio_mbps": 0}, "audio_mbps"),
    ({f"{RTC}.limits": {}}, "paths.rtc"),
    ({f"{OURS}.policy.account_mbps": "cut_off", f"{OURS}.policy.ghost_s": None}, "ghost_s"),
    ({f"{OURS}.policy.package": "cut_off", f"{OURS}.policy.ghost_s": None}, "package"),
    ({f"{OURS}.policy.scan_s": 0.5}, "scan_s"),
    *[({**UNLIMITED, f"{OURS}.policy.{key}": 5}, f"policy.{key} is 5")
      for key in ("scan_s", "cut_off_s")],
    ({**UNLIMITED, f"{OURS}.limits.package_gb": 5, f"{OURS}.policy.cut_off_s": 5},
     "policy.cut_off_s is 5"),
    ({f"{RTC}.layers": LAYERS, f"{OURS}.limits.transcodes": 1.5}, "limits.transcodes: value 1.5"),
    ({"incidents": [{**BREAK, "what": "host_uplink", "time_s": 3e5}]}, "incidents.0.time_s"),
    ({"audience.sample": 0.5, "promotion.peak_viewers": 9}, "audience.sample 0.5 leaves"),
    ({"promotion.duration_s": 7e5, "promotion.grid_s": 100}, "promotion.duration_s"),
    ({"promotion.duration_s": 300, "promotion.grid_s": 0.01}, "grid_s 0.01"),
    ({"promotion.starts_at": "2026-11-11"}, "promotion.starts_at"),
    ({"promotion.starts_at": "2026-11-11T20:00:00+08:00"}, "without a time zone"),
    ({"commerce.cny_per": {"CNY": 1, "USD": 7, "eur": 8}}, "commerce.cny_per.eur"),
    ({"output_dir": ""}, "output_dir"),
    ({f"{RTC}.background_load": [[9, 0.5], [9, 0.6]]}, "background_load: time 9 s follows 9 s"),
    ({f"{RTC}.background_load": [[9, 1.2]]}, f"{RTC}.background_load.0.1"),
    ({f"{RTC}.fleet": None, f"{OURS}.limits.node_viewers": 9}, "limits.node_viewers 9 needs"),
    ({f"{RTC}.fleet": {**FLEET, "node_mbps": None}, f"{OURS}.limits.node_viewers": None},
     "nodes have no size"),
    ({f"{RTC}.fleet": {**FLEET, "nodes": 0}}, f"{RTC}.fleet.nodes"),
    ({f"{RTC}.fleet": {**FLEET, "nodes": 9}}, "most_nodes 8 must be at least nodes 9"),
    ({f"{RTC}.fleet": {**FLEET, "scheduled": [[5, 9]]}}, "most_nodes 8 must be at least nodes 9"),
    ({f"{RTC}.fleet": {**FLEET, "scheduled": [[5, 3], [5, 4]]}}, "scheduled: time 5 s"),
    ({f"{RTC}.fleet": {**FLEET, "cascades": False}}, "scaling needs cascades"),
    ({f"{RTC}.fleet": {**FLEET, "scaling": None, "cascades": False, "scheduled": [[5, 3]]}},
     "scheduled needs cascades"),
    *[({f"{RTC}.fleet": {**FLEET, "scaling": {**STEPS, "step_nodes": k}}},
       f"{RTC}.fleet.scaling.step_nodes") for k in (0, -2)],
    ({f"{RTC}.fleet": {**FLEET, "scaling": {**STEPS, "target_share": 0}}}, "target_share"),
    ({f"{RTC}.fleet": {**FLEET, "scaling": {**STEPS, "detect_s": 0}}}, "detect_s"),
    ({f"{RTC}.origin": {"egress_mbps": 0, "fetch_s": 1, "coalesced": True, "leak_share": 0}},
     f"{RTC}.origin.egress_mbps"),
    ({**ONE, f"{OURS}.limits.transcodes": 1}, "transcodes"),
    ({f"{OURS}.paths": {}}, f"{OURS}.paths"),
    ({f"{OURS}.serves.mars": ["east"]}, "'east' twice"),
    ({f"{OURS}.regions.mars": {}}, "regions.mars"),
    ({f"{OURS}.edges.mars": {}}, "edges.mars"),
    ({f"{LINE}.tiers": [{"up_to": 1, "price": 1}]}, "leave a gap: nothing is priced above 1"),
    ({f"{LINE}.tiers": [{"up_to": 2, "price": 1}, {"up_to": 1, "price": 1}, {"price": 1}]},
     "overlap: tiers.1.up_to 1 must be above tiers.0.up_to 2"),
    ({f"{LINE}.tiers": [{"price": 1}, {"up_to": 1, "price": 1}, {"price": 1}]},
     "overlap: tiers.0 has no end"),
    ({f"{OURS}.tariffs.first.lines": []}, "lines has 0 entries"),
    ({f"{OURS}.tariffs": {"chat": {**LIST, "beside": True}}}, "tariffs chat: bought only beside"),
    ({f"{OURS}.tariffs": {"one": LIST, "two": LIST}}, "'list' is also that of tariffs.one"),
    ({f"{LINE}.meter": "peak_mbps", f"{LINE}.reduction": "sum"}, "reduction sum"),
    ({**BARE, f"{LINE}.meter": "peak_mbps", f"{LINE}.reduction": "p95"},
     "reduction p95 needs days: all (of the month) or valid"),
    ({**BARE, f"{LINE}.meter": "peak_mbps", f"{LINE}.reduction": "fourth_peak"}, "level"),
    ({**BARE, f"{LINE}.convert": {"hd": 2}}, "convert"),
    ({**BARE, f"{LINE}.reduction": "daily_sum", f"{LINE}.prorate": "amount"}, "prorate"),
    ({**BARE, f"{LINE}.either": "alone"}, "either 'alone'"),
    ({**BARE, f"{LINE}.charged_if": [{"meter": "joins", "reduction": "daily_sum", "above": 1}]},
     "charged_if.0"),
    ({**BARE, f"{LINE}.meter": "storage_gb", f"{OURS}.tariffs.first.also": []}, "storage_gb"),
    ({f"{OURS}.tariffs.first.also": [{"meter": "joins", "times": 1, "of": "storage_gb"}]},
     "no night reports it"),
    ({f"{OURS}.tariffs.first.also": [{"meter": "joins", "times": 1, "of": "joins",
                                      "of_class": "hd"}]}, "of_class"),
    ({f"{LINE}.where": {"colour": "red"}}, "where.colour"),
    ({f"{OURS}.tariffs.first.currency": "XAU"}, "XAU"),
    ({"commerce.month.ordinary_nights": 30, "commerce.month.days": 28}, "ordinary_nights"),
    ({"commerce.month.promotions": [{"day": 31, "share": 1}], "commerce.month.days": 28},
     "promotions.0.day"),
    ({"commerce.month.promotions": [{"day": 11, "share": 1}],
      "promotion.starts_at": "2026-11-11T20:00:00"}, "promotions.0.day"),
    ({"study.reference_vendor": "zoom"}, "study.reference_vendor"),
    ({"incidents": [{**BREAK, "what": "host_uplink", "chance": 0.1}] * 5}, "at most 4"),
    ({"incidents": [{**BREAK, "where": "mars"}]}, "incidents.0.where"),
    ({"incidents": [{**BREAK, "what": "edge", "where": "cn"}]}, "incidents.0.where"),
    ({"incidents": [{**BREAK, "what": "host_uplink", "where": "cn"}]}, "incidents.0"),
    ({"incidents": [{**BREAK, "what": "isp", "where": "mobile", "vendor": "zoom"}]},
     "incidents.0.vendor"),
]  # fmt: skip


@st.composite
def contradictions(draw: Draw) -> Mistake:
    """Keys that are each allowed and not together; names nobody has."""
    data, _ = draw(complete())
    keys, words = draw(st.sampled_from(CONTRADICTIONS))
    for key, value in keys.items():
        at = [int(part) if part.isdigit() else part for part in key.split(".")]
        data = put(data, (*at,), value)
    return data, words


# --- on plain data --------------------------------------------------------------------------------


@st.composite
def complete(draw: Draw) -> tuple[Data, Scenario]:
    """A drawn scenario with every key of the model."""
    scenario = Scenario.model_validate(draw(scenarios()))
    return scenario.model_dump(mode="json"), scenario


def inside(data: Data, at: Place) -> Any:
    node: Any = data
    for part in at:
        node = node[part]
    return node


def put(data: Data, at: Place, value: Any) -> Data:
    """A copy of `data` with another value at one place."""
    changed = copy.deepcopy(data)
    inside(changed, at[:-1])[at[-1]] = value
    return changed
