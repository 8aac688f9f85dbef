"""Any night the vocabulary allows, small enough to be played in a blink.

`scenarios()` draws plain data, as a file of `conf/` would give it. Every key of the model is drawn
somewhere; what the models ask for together (a lag limit above the delay, shares that sum to 1) is
built, not filtered.
"""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from sim.scenario.model import FEWEST
from sim.scenario.tariff import (
    BY_DAY,
    CLASSED,
    CLASSES,
    OF_DAYS,
    UNREPORTED,
    Amount,
    Fixed,
    Level,
    Reduction,
)

Data = dict[str, Any]
Draw = st.DrawFn
flags = st.booleans()


def number(low: float, high: float) -> st.SearchStrategy[float]:
    """From low to high, both ends too, nearer to low more often than not."""
    return st.integers(0, 100).map(lambda k: low + (high - low) * (k / 100) ** 2)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def seldom(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One in four: of many limits that all bind one hides the others."""
    return st.integers(0, 3).flatmap(lambda k: strategy if k == 3 else st.none())


@st.composite
def shares(draw: Draw, *names: str) -> Data:
    """Each name's share; they sum to 1, and some may be 0."""
    parts = draw(st.lists(st.integers(0, 9), min_size=len(names), max_size=len(names)))
    parts[draw(st.integers(0, len(names) - 1))] += 1
    return {name: part / sum(parts) for name, part in zip(names, parts, strict=True)}


@st.composite
def quantity(draw: Draw, low: float, high: float) -> Any:
    """A bare number, or one with a range and a source."""
    value = draw(number(low, high))
    if draw(flags):
        return value
    ends = {"low": draw(number(low, value)), "high": draw(number(value, high))}
    return {"value": value, **ends, "source": "guess"}


@st.composite
def counts(draw: Draw, low: int, high: int) -> Any:
    """The same, of what is counted."""
    value = draw(st.integers(low, high))
    if draw(flags):
        return value
    ends = {"low": draw(st.integers(low, value)), "high": draw(st.integers(value, high))}
    return {"value": value, **ends, "source": "guess"}


# --- promotion ------------------------------------------------------------------------------------


@st.composite
def curves(draw: Draw, duration_s: float) -> list[list[float]]:
    """Points whose times rise, some beyond the end; at the last somebody is there, or coming."""
    times = sorted(draw(st.sets(number(0.1, 1.3 * duration_s), min_size=1, max_size=4)))
    points = [[t, draw(number(0, 5))] for t in times]
    points[-1][1] += 0.1
    return [[draw(st.sampled_from((0.0, 0.05))), draw(number(0, 1))], *points]


SOLD = {"expected_gmv_cny": (1, 1e5), "orders_per_view": (0.001, 1)}


@st.composite
def promotions(draw: Draw, most: int) -> Data:
    duration_s = draw(number(20, 300))
    kind = draw(st.sampled_from(("concurrency", "concurrency", "arrivals", "file")))

    def late(at: Any) -> bool:
        return bool(at >= duration_s)

    drop = st.fixed_dictionaries(
        {
            "name": st.sampled_from(("bag", "礼盒", "bag")),
            "time_s": number(0, 400),
            "price_cny": number(0.01, 5000),
            "intent": number(0.01, 50),
            "decay_s": number(0.1, 1000),
            "extra_arrivals": number(0, 8) if kind == "arrivals" else st.just(0),
        },
        optional={
            "stock": maybe(st.integers(1, 50)),
            "extra_decay_s": number(1, 1000),
            "pay_within_s": maybe(number(1, 1000)),
        },
    ).map(lambda drop: {**drop, "optional": late(drop["time_s"])})
    starts = draw(st.lists(number(0, 300), max_size=2))
    pitches = []
    for at in starts:
        to_s = at + draw(number(0.1, 200))
        # Nobody may be kept from ordering for the whole of the show.
        intent = draw(number(0.1 * (at == 0), 5))
        pitches.append({"from_s": at, "to_s": to_s, "intent": intent, "optional": late(at)})
    when = number(0, 0.99 * duration_s)
    leave = st.fixed_dictionaries(
        {"time_s": when, "duration_s": number(0.1, 200), "share": number(0, 1)}
    )
    sold = draw(st.sampled_from(("expected_gmv_cny", "orders_per_view", None)))
    return {
        "name": "drawn",
        "starts_at": draw(st.sampled_from(("2026-11-11T20:00:00", "2026-11-10T23:58:30"))),
        "peak_viewers": draw(st.integers(1, most)),
        "duration_s": duration_s,
        "peak_sigma": draw(number(0, 1)),
        kind: "made_up" if kind == "file" else draw(curves(duration_s)),
        "grid_s": draw(number(2, 90)),
        "mass_exit": draw(maybe(leave | st.lists(leave, max_size=2))),
        "drops": draw(st.lists(drop, max_size=2)),
        "pitches": pitches,
        "recordings": draw(st.integers(0, 3)),
        "host_adapts": draw(flags),
        "host_lowest_mbps": draw(quantity(0.01, 3)),
        **({} if sold is None else {sold: draw(number(*SOLD[sold]))}),
    }


# --- audience and links ---------------------------------------------------------------------------


@st.composite
def patiences(draw: Draw) -> Data:
    times = draw(st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True))
    gone = draw(st.lists(st.integers(1, 99), min_size=len(times), max_size=len(times), unique=True))
    left_by = [[t + 2.0, g / 100] for t, g in zip(sorted(times), sorted(gone), strict=True)]
    return {"free_s": draw(number(0, 2)), "left_by": left_by}


@st.composite
def devices(draw: Draw) -> Data:
    heights = draw(st.lists(st.sampled_from((180, 480, 720, 1080)), min_size=1, unique=True))
    owners = draw(shares(*map(str, heights)))
    return {h: {"share": owners[h], "top_mbps": draw(number(0.2, 8))} for h in owners}


@st.composite
def stays(draw: Draw) -> Data:
    return {
        "bouncer_share": draw(number(0, 0.9)),
        "bouncer_mean_s": draw(number(5, 100)),
        "stayer_mean_s": draw(number(60, 5000)),
        "stayer_sigma_ln": draw(number(0.05, 2)),
        "fit_to_views": draw(flags),
    }


@st.composite
def cohorts(draw: Draw, regions: list[str], isps: list[str], duration_s: float) -> list[Data]:
    """None, one or two, each with anything of its own; their shares sum to 1."""
    parts = draw(st.sampled_from(([], [], [1.0], [0.3, 0.7])))
    own = {
        "concurrency": curves(duration_s),
        "stay": stays(),
        "devices": devices(),
        "regions": shares(*regions),
        "isps": shares(*isps),
    }
    return [
        {"name": name, "share": share, **{k: draw(v) for k, v in own.items() if draw(flags)}}
        for name, share in zip(("fans", "路人"), parts, strict=False)
    ]


@st.composite
def audiences(draw: Draw, regions: list[str], isps: list[str], duration_s: float) -> Data:
    return {
        "name": "drawn",
        "sample": draw(st.just(1.0) | number(0.05, 1)),
        "regions": draw(shares(*regions)),
        "isps": draw(shares(*isps)),
        "devices": draw(devices()),
        "cohorts": draw(cohorts(regions, isps, duration_s)),
        "interactive_share": draw(number(0, 1)),
        "orders_per_view": draw(number(0.001, 1)),
        "intent_sigma_ln": draw(number(0, 2)),
        "stay": draw(stays()),
        "patience": draw(patiences()),
        "waiting_room_patience": draw(maybe(patiences())),
        "stall_patience_free_s": draw(quantity(0, 20)),
        "stall_patience_mean_s": draw(maybe(quantity(0.5, 60))),
        "kappa": draw(quantity(0.5, 6)),
        "sd_rundown": draw(quantity(0.5, 2)),
        "messages_per_viewer_s": draw(quantity(0, 0.1)),
        "chat": {
            "shown_per_s": draw(maybe(quantity(0.01, 5))),
            "batch_s": draw(quantity(0, 10)),
            "message_bytes": draw(quantity(1, 3000)),
        },
        "retry": {
            "backoff_s": draw(st.lists(number(0, 20), max_size=6)),
            "jitter_s": draw(number(0, 2)),
            "rejoin_share": draw(number(0, 1)),
        },
        "reference": {
            "link_share": draw(quantity(0.1, 1)),
            "frozen_below_mbps": draw(number(0.05, 2)),
            "hd_from_mbps": draw(number(0.05, 4)),
        },
    }


@st.composite
def link_classes(draw: Draw) -> Data:
    n = draw(st.integers(1, 4))
    states = range(n)
    jumps = [
        list(draw(shares(*(str(k) for k in states if k != i))).values()) if n > 1 else []
        for i in states
    ]
    return {
        "mean_mbps": {"median": draw(number(0.1, 100)), "sigma_ln": draw(number(0, 1))},
        "multiplier": [draw(number(0, 3)) for _ in states],
        "hold_s": [draw(number(0.5, 200)) for _ in states],
        "jumps": [[*row[:i], 0.0, *row[i:]] for i, row in enumerate(jumps)],
        "round_trip_ms": draw(number(0, 500)),
        "loss": draw(number(0, 0.5)),
        **dict.fromkeys(
            ("mean_source", "dynamics_source", "loss_source", "round_trip_source"), "guess"
        ),
    }


@st.composite
def networks(draw: Draw) -> Data:
    if draw(st.integers(0, 4)) == 0:
        replay = {"kind": "replay", "traces": "made_up", "trace_loss": draw(number(0, 0.5))}
        return {"name": "drawn", "trace_round_trip_ms": draw(number(0, 300)), **replay}
    names = draw(st.sampled_from((["home"], ["home", "lte"], ["home", "lte", "地铁"])))
    return {
        "name": "drawn",
        "kind": "markov",
        "mix": draw(shares(*names)),
        "classes": {name: draw(link_classes()) for name in names},
        "sources": {"guess": {"confidence": "assumed"}},
    }


# --- vendors --------------------------------------------------------------------------------------


@st.composite
def ladders(draw: Draw) -> tuple[list[Data], int, Any]:
    """(lower pictures, height and bitrate of the best): heights and bitrates fall."""
    steps = draw(st.lists(number(1.1, 3), max_size=3))
    heights = sorted(draw(st.sets(st.sampled_from((180, 360, 480, 720, 1080)),
                                  min_size=len(steps) + 1, max_size=len(steps) + 1)))  # fmt: skip
    rate = draw(number(0.06, 1))
    layers: list[Data] = []
    for step in steps:
        layers.insert(0, {"height": heights.pop(0), "bitrate_mbps": rate})
        rate *= step
    return layers, heights[0], {"value": rate, "source": "guess"} if draw(flags) else rate


def without_idle_rules(policy: Data, caps: Data) -> Data:
    """A policy has no number about a limit that isn't there."""
    kinds = {"account_mbps": "account_mbps", "package_minutes": "package", "package_gb": "package"}
    rules = [policy[how] for key, how in kinds.items() if caps.get(key) is not None]
    idle = {"scan_s": not rules, "cut_off_s": "cut_off" not in rules}
    return {key: None if idle.get(key) else value for key, value in policy.items()}


@st.composite
def policies(draw: Draw, last: bool, egress: tuple[str, ...]) -> Data:
    how = st.sampled_from(("refuse", "queue") if last else ("refuse", "queue", "overflow"))
    cuts = draw(flags)
    cut = st.sampled_from(("refuse", "cut_off") if cuts else ("refuse",))
    return {
        **{k: draw(how) for k in ("sessions", "joins_per_s", "token_calls_per_s", "room_viewers")},
        "account_mbps": draw(cut),
        "package": draw(cut),
        "scan_s": draw(maybe(quantity(1, 60))),
        "cut_off_s": draw(maybe(quantity(0.1, 100))),
        "egress_mbps": draw(st.sampled_from([e for e in egress if not last or e != "overflow"])),
        "node_viewers": draw(how),
        "joins_burst": draw(maybe(number(1, 30))),
        "refusal_s": draw(quantity(0, 3)),
        "ghost_s": draw(quantity(0, 100) if cuts else maybe(quantity(0, 100))),
    }


@st.composite
def limits(
    draw: Draw, most: int, egress_mbps: st.SearchStrategy[Any], path: Data, first: bool
) -> Data:
    """Each absent, or anything from far too little to plenty; nodes of a fleet have a size."""
    viewers = quantity(1, 1.5 * most)
    sized = maybe(viewers) if (path["fleet"] or {}).get("node_mbps") else viewers
    of_the_vendor = {
        "account_mbps": egress_mbps,
        "package_minutes": quantity(0.1, 5 * most),
        "package_gb": quantity(0.001, 0.05 * most),
        "messages_per_s": quantity(0.01, 0.1 * most),
    }
    return {
        "egress_growth_mbps_per_min": draw(maybe(egress_mbps)),
        "node_viewers": draw(sized) if path["fleet"] else None,
        "sessions": draw(maybe(quantity(1, 1.5 * most))),
        "egress_mbps": draw(maybe(egress_mbps)),
        "joins_per_s": draw(maybe(quantity(0.05, 10))),
        "token_calls_per_s": draw(seldom(quantity(0.05, 10))),
        "room_viewers": draw(seldom(quantity(1, 1.5 * most))),
        "transcodes": draw(maybe(counts(0, 4))) if path["layers"] else None,
        **({k: draw(seldom(v)) for k, v in of_the_vendor.items()} if first else {}),
    }


@st.composite
def points(draw: Draw, ys: st.SearchStrategy[Any]) -> list[list[Any]]:
    """Up to three points whose times rise."""
    return [[t, draw(ys)] for t in sorted(draw(st.sets(number(0, 330), max_size=3)))]


@st.composite
def scalings(draw: Draw) -> Data:
    return {
        "detect_s": draw(quantity(0.3, 60)),
        "target_share": draw(quantity(0.1, 1)),
        "step_nodes": draw(st.integers(1, 4)),
        "most_nodes": draw(st.integers(6, 12)),
        "boot_s": draw(quantity(0, 120)),
        "fail_share": draw(quantity(0, 1)),
        "warm_nodes": draw(st.integers(0, 3)),
        "scale_in_after_s": draw(maybe(quantity(0, 60))),
    }


@st.composite
def fleets(draw: Draw, whole_mbps: float) -> Data:
    cascades = draw(flags)
    return {
        "nodes": draw(st.integers(1, 6)),
        "node_mbps": draw(maybe(quantity(0.05 * whole_mbps, whole_mbps))),
        "cascades": cascades,
        "scaling": draw(maybe(scalings())) if cascades else None,
        "scheduled": draw(points(st.integers(1, 6))) if cascades else [],
    }


@st.composite
def origins(draw: Draw, whole_mbps: float) -> Data:
    return {
        "egress_mbps": draw(quantity(0.01 * whole_mbps, whole_mbps)),
        "fetch_s": draw(quantity(0, 10)),
        "coalesced": draw(flags),
        "leak_share": draw(quantity(0, 0.3)),
    }


@st.composite
def paths(draw: Draw, most: int, last: bool, second: bool) -> Data:
    layers, height, bitrate = draw(ladders())
    transport = "tcp" if second else draw(st.sampled_from(("udp", "tcp")))
    player = draw(st.sampled_from(("rtc", "flv")))
    audio = draw(flags)
    whole_mbps = most * (bitrate["value"] if isinstance(bitrate, dict) else bitrate)
    gop_s, start_s = draw(number(0.1, 5)), draw(number(0, 3))
    path: Data = {
        "transport": transport,
        "player": player,
        "takes": "everyone" if last else draw(st.sampled_from(("everyone", "interactive"))),
        "bitrate_mbps": bitrate,
        "height": height,
        "layers": layers,
        "audio_rung": audio,
        "audio_mbps": draw(number(0.01, 0.05)),
        "react_s": draw(number(0, 3)),
        "overhead": draw(quantity(0, 0.3)),
        "link_share": draw(quantity(0.1, 1)),
        "catch_up": draw(quantity(1, 6)),
        "upstream_s": draw(quantity(0, 3)),
        "gop_s": gop_s,
        "start_buffer_s": start_s,
        "join_round_trips": draw(quantity(0, 8)),
        "join_server_s": draw(quantity(0, 1)),
        "background_load": draw(st.just([]) | points(number(0, 1))),
        "fleet": draw(maybe(fleets(whole_mbps))),
        "origin": draw(maybe(origins(whole_mbps))),
    }
    if player == "flv":
        resume_s, delay_s = draw(number(0.1, 5)), start_s + gop_s + draw(number(0.01, 5))
        path |= {"resume_buffer_s": resume_s, "delay_s": delay_s, "speed_up": draw(number(0, 0.3))}
        if draw(flags):
            room_s = delay_s + gop_s + max(start_s, resume_s)
            path["lag_limit_s"] = room_s + draw(number(0.01, 20))
    else:
        path["jitter_buffer_s"] = start_s + draw(number(0.01, 2))
        path["keyframe_cached"] = draw(flags)
    if transport == "udp":
        path["fec"] = draw(quantity(0, 0.5))
        path["rtx_max"] = draw(quantity(0, 1))
        path["rtx_delay_s"] = draw(quantity(0.05, 2))
        path["loss_tolerance"] = draw(quantity(0, 1))
        one = not layers and not audio
        path["udp_shortage"] = draw(st.sampled_from(("loss", "pause_some"))) if one else "loss"
    return path


REPORTED = sorted(set(get_args(Amount)) - {*UNREPORTED, "node_hours"})
"""By the night of any vendor; node hours by one with a fleet only."""


@st.composite
def also(draw: Draw) -> Data:
    meter = draw(st.sampled_from(get_args(Amount)))
    of = draw(st.sampled_from((*REPORTED, "months")))
    return {
        "meter": meter,
        "of_class": draw(st.sampled_from(CLASSES)) if meter in CLASSED else "",
        "times": draw(quantity(0, 10)),
        "of": of,
        "where": {} if of == "months" or draw(flags) else {"path": "rtc"},
    }


@st.composite
def conditions(draw: Draw, by_day: bool) -> Data:
    adds = draw(flags)
    meters = st.sampled_from(REPORTED if adds else get_args(Level))
    kinds = ("daily_sum" if by_day else "sum") if adds else "daily_peak" if by_day else "month_peak"
    return {
        "meter": draw(meters),
        "where": draw(st.sampled_from(({}, {"path": ["rtc", "cdn"]}))),
        "reduction": kinds,
        "per": draw(maybe(meters)),
        "above": draw(quantity(0, 100)),
    }


@st.composite
def lines(draw: Draw, billable: list[str]) -> Data:
    """One line whose reduction fits its meter, with all that fits the reduction."""
    meter = draw(st.sampled_from(billable))
    if meter in get_args(Fixed):
        fits = ["sum"]
    elif meter in get_args(Amount):
        fits = ["sum", "daily_sum"]
    elif meter == "peak_connections":
        fits = ["daily_peak", "month_peak", "sum_of_daily_peaks", "mean_of_daily_peaks"]
    else:
        fits = [r for r in get_args(Reduction) if r not in ("sum", "daily_sum")]
    reduction = draw(st.sampled_from(fits))
    classes = draw(st.sampled_from((("sd", "hd"), ("audio",))))
    ends = sorted(draw(st.sets(number(0.01, 1e4), max_size=2)))
    month = reduction not in BY_DAY and meter not in get_args(Fixed)
    return {
        "name": "line",
        "meter": meter,
        "where": {"class": list(classes)} if meter in CLASSED and draw(flags) else {},
        "convert": {},
        "reduction": reduction,
        "level": draw(st.sampled_from(("day", "sample", "sample_within_day")))
        if reduction == "fourth_peak" else None,
        "days": draw(st.sampled_from(("all", "valid"))) if reduction in OF_DAYS else None,
        "prorate": draw(maybe(st.sampled_from(("quantity", "amount")))) if month else None,
        "rounding": draw(st.sampled_from(("none", "ceil", "hundredth"))),
        "unit": draw(st.sampled_from((1, 1000))),
        "commitment": draw(maybe(quantity(0, 1000))),
        "included": draw(maybe(quantity(0, 1000))),
        "semantics": draw(st.sampled_from(("graduated", "all_units", "flat"))),
        "tiers": [{"up_to": end, "price": draw(number(0, 10))} for end in (*ends, None)],
        "charged_if": draw(st.lists(conditions(reduction in BY_DAY), max_size=2)),
        "credit": draw(st.sampled_from((False, False, False, True))),
    }  # fmt: skip


@st.composite
def tariffs(draw: Draw) -> Data:
    given_too = draw(st.lists(also(), max_size=2))
    metered = sorted({*REPORTED, *(a["meter"] for a in given_too)})
    line = draw(lines([*metered, *get_args(Level), *get_args(Fixed)]))
    if line["where"] and draw(flags):
        line["convert"] = {kind: draw(quantity(0, 20)) for kind in line["where"]["class"]}
    if line["reduction"] in BY_DAY:
        given_too = [a for a in given_too if a["of"] != "months" or a["meter"] != line["meter"]]
    more = draw(st.sampled_from(("", "again", "either")))
    twice = {"name": "again", "either": more if more == "either" else ""}
    return {
        "name": "drawn",
        "currency": draw(st.sampled_from(("CNY", "USD"))),
        "gb_bytes": draw(st.sampled_from((1_000_000_000, 1_073_741_824))),
        "sample_stat": draw(st.sampled_from(("mean", "max_of_10s"))),
        "boundary": draw(st.sampled_from(("upper", "lower"))),
        "beside": False,
        "sources": {"guess": {"confidence": "assumed"}},
        "also": given_too,
        "lines": [line | {"either": twice["either"]}, *([line | twice] if more else [])],
    }


@st.composite
def vendors(draw: Draw, most: int, regions: list[str], isps: list[str]) -> Data:
    split = draw(st.integers(0, len(regions) - 1))
    serves = {"cn": regions} if split == 0 else {"a": regions[:split], "b": regions[split:]}
    two = draw(st.integers(0, 2)) == 0
    body = {"rtc": draw(paths(most, last=not two, second=False))}
    if two:
        body["cdn"] = draw(paths(most, last=True, second=True))
    best = body["rtc"]["bitrate_mbps"]
    each_mbps = best["value"] if isinstance(best, dict) else best
    whole_mbps = most * each_mbps
    shared, own = quantity(0.01 * whole_mbps, 1.5 * whole_mbps), quantity(each_mbps, whole_mbps)
    any_egress = ("degrade", "degrade", "refuse", "queue", "overflow")
    policy = draw(policies(last=not two, egress=any_egress))
    if two:
        own_limits = limits(most, shared, body["cdn"], first=False)
        body["cdn"]["limits"] = draw(own_limits if body["cdn"]["fleet"] else maybe(own_limits))
        # One of two paths may reserve what both share.
        both = ("degrade",) if policy["egress_mbps"] != "degrade" else any_egress
        second = draw(policies(last=True, egress=both))
        body["cdn"]["policy"] = without_idle_rules(second, body["cdn"]["limits"] or {})
    caps = draw(limits(most, shared, body["rtc"], first=True))
    some = st.sets(st.sampled_from(sorted(serves)), max_size=2).map(sorted)
    priced = {k: draw(tariffs()) | {"name": k} for k in ("first", "other")[: 1 + two]}
    for at in draw(st.sampled_from(((), (0,), (1,)))) if two else ():  # one is bought by itself
        list(priced.values())[at]["beside"] = True
    return {
        "name": "Drawn",
        "not_billed": draw(st.sampled_from(("", "servers"))),
        "sources": {"guess": {"confidence": "assumed"}},
        "serves": serves,
        "paths": body,
        "limits": caps,
        "regions": {
            r: {"sessions": draw(maybe(quantity(1, most))), "egress_mbps": draw(maybe(own))}
            for r in draw(some)
        },
        "edges": {
            r: {i: {"egress_mbps": draw(own)} for i in isps if draw(flags)} for r in draw(some)
        },
        "policy": without_idle_rules(policy, caps),
        "own": {
            "joins_per_s": draw(seldom(quantity(0.05, 10))),
            "policy": draw(st.sampled_from(("refuse", "queue"))),
        }
        | draw(
            st.sampled_from(({}, {"orders_per_s": 0.5}))
            | st.fixed_dictionaries(
                {"orders_per_s": quantity(0.01, 5), "order_wait_s": quantity(0, 20)}
            )
        ),
        "tariffs": priced,
    }


@st.composite
def incidents(draw: Draw, vendors: Data, isps: list[str], show_s: float) -> Data:
    name = draw(st.sampled_from(sorted(vendors)))
    region = draw(st.sampled_from(sorted(vendors[name]["serves"])))
    isp = draw(st.sampled_from(isps))
    places = {"edge": f"{region}.{isp}", "region": region, "isp": isp, "host_uplink": ""}
    what = draw(st.sampled_from(sorted(places)))
    return {
        "name": "break",
        "what": what,
        "where": places[what],
        "vendor": None if what == "host_uplink" else draw(maybe(st.just(name))),
        "time_s": draw(number(0, 0.99 * show_s)),
        "duration_s": draw(number(0.1, 300)),
        "left": draw(st.just(0.0) | number(0, 1)),
        "chance": draw(maybe(number(0, 1))),
    }


# --- the whole ------------------------------------------------------------------------------------


@st.composite
def scenarios(draw: Draw, most: int = 400) -> Data:
    """A night of at most `most` viewers at once; engine.check is on."""
    regions = draw(st.sampled_from((["east"], ["east", "south"], ["east", "south", "海外"])))
    isps = draw(st.sampled_from((["mobile"], ["mobile", "telecom"])))
    exact = draw(st.integers(0, 5)) == 0
    most = min(most, 60) if exact else most
    compared = draw(st.sampled_from((["ours"], ["ours"], ["ours", "theirs"])))
    sellers = {name: draw(vendors(most, regions, isps)) for name in compared}
    script = draw(promotions(most))
    room = draw(audiences(regions, isps, script["duration_s"]))
    room["sample"] = min(1.0, max(room["sample"], FEWEST / script["peak_viewers"]))
    broken = incidents(sellers, isps, script["duration_s"])
    return {
        "study": {
            "kind": draw(st.sampled_from(("night", "compare", "curve"))),
            "peaks": draw(st.sampled_from(([], [], [0.5], [1.3]))),
            "curve_sample": draw(st.sampled_from((1.0, 0.5))),
            "ladder": draw(flags),
            "reference_vendor": draw(maybe(st.sampled_from(compared))),
            "ranges": False,
        },
        "promotion": script,
        "audience": room,
        "network": draw(networks()),
        "vendors": sellers,
        "commerce": {
            "name": "drawn",
            "basket_cny": {"median": draw(number(1, 500)), "sigma_ln": draw(number(0, 1.5))},
            "clarity_sd": draw(quantity(0, 1)),
            "clarity_audio": draw(quantity(0, 1)),
            "latency_free_s": draw(quantity(0, 3)),
            "latency_tau_s": draw(quantity(0.1, 60)),
            "buy_while_frozen": draw(quantity(0, 1)),
            "host_answers_per_min": draw(maybe(quantity(0.1, 60))),
            "payment": {
                "never_share": draw(number(0, 0.9)),
                "mean_s": draw(number(0.1, 300)),
                "within_s": draw(number(1, 2000)),
            },
            "return_share": draw(number(0, 1)),
            "recapture_share": draw(quantity(0, 1)),
            "margin": draw(number(0, 1)),
            "cny_per": {"CNY": 1.0, "USD": 7.1},
            "month": {
                "days": draw(st.integers(28, 31)),
                "ordinary_nights": draw(st.integers(0, 25)),
                "ordinary_share": draw(quantity(0, 1)),
                "promotions": [
                    {"day": day, "share": draw(number(0, 3))}
                    for day in draw(st.sets(st.sampled_from((1, 28)), max_size=2))
                ],
            },
        },
        "engine": {
            "name": "drawn",
            "kind": "exact" if exact else "fast",
            "epoch_s": draw(number(0.1, 10)),
            "threads": 1,
            "check": True,
            "freeze_threshold_s": draw(number(0, 2)),
            "stall_merge_s": draw(number(0, 3)),
        },
        "incidents": draw(st.lists(broken, max_size=2)),
        "bands": {"draws": draw(st.sampled_from((0, 0, 0, 1))), "sample": 0.5},
        "report": {"enabled": False},
        "replications": 1,
        "seed": draw(st.integers(0, 2**32 - 1)),
        "output_dir": "outputs",
        "overwrite": False,
    }
