"""What queueing and fluid theory know exactly, beside what the program says.

Each form is reached by an ordinary scenario, `conf/experiment/theory_*.yaml`: `_nights` runs it as
the command would, night after night, and every row names the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from math import exp, expm1, factorial, floor

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

from sim.demand import draw_audience
from sim.engine import run
from sim.record import Reason, Run, State
from sim.scenario.compose import load_scenario
from sim.scenario.model import Scenario
from tests.delivery.test_max_min import lexicographic
from tests.delivery.trees import INF, Tree
from tests.trust.row import Row

WITHIN = 0.01
"""Of what is expected: how far off a row may lie beyond its interval. Of sixty intervals at 95 %
three miss by chance."""

STAY_S, WARM_S = 60.0, 1800.0
"""Mean stay of theory_room; what a lognormal room of such stays is given to forget its start."""

EXPONENTIAL = ("exponential stays",)
LOGNORMAL = ("lognormal stays, sigma 1.4", "audience.stay.bouncer_share=0")
ALIKE = ("stays all alike", "audience.stay.bouncer_share=0", "audience.stay.stayer_sigma_ln=0.001")


def rows() -> Iterator[Row]:
    """Every closed form, one after another."""
    return chain(
        room(), erlang_loss(), erlang_delay(), waiting_room(), join_gate(),
        token_bucket(), on_off_buffer(), resume_level(), start_up_patience(), saturated(),
        shared_tree(), orders(),
    )  # fmt: skip


# --- nights and what is estimated from them -------------------------------------------------------


def _overrides(name: str, *more: str) -> tuple[str, ...]:
    return f"experiment=theory_{name}", *more


def _command(overrides: Sequence[str]) -> str:
    return " ".join(["python -m sim", *(f"'{o}'" if "[" in o else o for o in overrides)])


def _nights(*overrides: str) -> tuple[Scenario, list[Run]]:
    """The scenario and the nights the command would run."""
    scenario = load_scenario(*overrides)
    ((name, vendor),) = scenario.vendors.items()
    return scenario, [
        run(scenario, vendor, r, draw_audience(scenario, r), "incidents", name)
        for r in range(scenario.replications)
    ]


def _row(
    of: str,
    where: str,
    unit: str,
    expected: float,
    parts: Sequence[float] | NDArray[np.float64],
    source: str,
    overrides: Sequence[str],
    wholes: Sequence[float] | NDArray[np.float64] | None = None,
    within: float = WITHIN,
) -> Row:
    """The ratio of sums `parts` over `wholes` (none given: the mean of `parts`) as a row.

    One pair for each independent night or viewer; the interval is Student's t of the residuals
    (the ratio estimator of survey sampling, Cochran 1977, section 6.3). `within` is of `expected`.
    """
    x = np.asarray(parts, float)
    y = np.ones(len(x)) if wholes is None else np.asarray(wholes, float)
    ours = float(x.sum() / y.sum())
    half = 0.0
    if len(x) > 1:
        spread = float(np.std(x - ours * y, ddof=1) / y.mean())
        half = float(stats.t.ppf(0.975, len(x) - 1)) * spread / np.sqrt(len(x))
    return Row(
        of, where, unit, expected, ours, ours - half, ours + half, "verified", source,
        _command(overrides), within * abs(expected),
    )  # fmt: skip


def _came(r: Run, from_s: float, to_s: float) -> NDArray[np.void]:
    """Who joined in this time."""
    s = r.sessions
    return s[~s["initial"] & (s["arrival_s"] >= from_s) & (s["arrival_s"] < to_s)]


def _mean_number(r: Run, from_s: float, *states: str) -> float:
    """Viewers in these states by the meters, on average over the show after `from_s`."""
    late = r.series[r.series["time_s"] >= from_s]
    return float(late[list(states)].sum(axis=1).mean())


# --- the room -------------------------------------------------------------------------------------


def room() -> Iterator[Row]:
    """Poisson joins, no limits: what is known whatever the law of the stay.

    Little: number present = joins a second x mean stay, so the meters' mean number over the joins
    is the mean stay. M/G/infinity: the number present is Poisson, its variance its mean a; as a is
    known, (n - a)^2 / a is 1 on average (looked at every five stays).
    """
    a = 10.0
    for where, *law in (EXPONENTIAL, LOGNORMAL, ALIKE):
        how = _overrides("room", *law)
        scenario, nights = _nights(*how)
        show_s = scenario.promotion.duration_s
        assert show_s is not None
        yield _row(
            "Little's law: number present over joins a second", where, "s", STAY_S,
            [_mean_number(r, 0.0, "starting", "watching", "stalled") for r in nights],
            "Little, Operations Research 9 (1961)", how,
            [len(_came(r, 0.0, show_s)) / show_s for r in nights],
        )  # fmt: skip
        at = np.arange(1.0, show_s, 5 * STAY_S)
        n = np.array([_present(r, at) for r in nights])
        source = "Palm, Ericsson Technics 44 (1943)"
        yield _row(
            "M/G/infinity: viewers present", where, "viewers", a, n.mean(axis=1), source, how
        )
        yield _row(
            "M/G/infinity: variance over mean", where, "1", 1.0,
            ((n - a) ** 2 / a).mean(axis=1), source, how, within=0.02,
        )  # fmt: skip


def _present(r: Run, at: NDArray[np.float64]) -> NDArray[np.int64]:
    s = r.sessions
    come = np.searchsorted(np.sort(s["arrival_s"]), at, side="right")
    return np.asarray(come - np.searchsorted(np.sort(s["left_s"]), at, side="right"))


# --- places ---------------------------------------------------------------------------------------


def erlang_b(places: int, erlang: float) -> float:
    """Share refused, by the recursion B(c) = a B(c-1) / (c + a B(c-1)), B(0) = 1."""
    b = 1.0
    for c in range(1, places + 1):
        b = erlang * b / (c + erlang * b)
    return b


def erlang_c(places: int, erlang: float) -> float:
    """Share that waits where everybody waits as long as it takes."""
    b = erlang_b(places, erlang)
    return b / (1 - erlang / places * (1 - b))


def erlang_loss() -> Iterator[Row]:
    """A quota that refuses; it begins nearly in equilibrium, with at most `c` residual stays."""
    for where, *law in (EXPONENTIAL, LOGNORMAL):
        for a in (10, 7):
            how = _overrides(
                "erlang_b", *law, *([] if a == 10 else [f"promotion.peak_viewers={a}"])
            )
            _, nights = _nights(*how)
            late = [_came(r, WARM_S, np.inf) for r in nights]
            yield _row(
                "Erlang B: share refused", f"10 places, {a} erlang, {where}", "share",
                erlang_b(10, a), [(s["reason"] == Reason.REFUSED).sum() for s in late],
                "Erlang 1917; insensitive: Sevastyanov 1957", how, [len(s) for s in late],
                within=0.02,
            )  # fmt: skip


def erlang_delay() -> Iterator[Row]:
    """A waiting room before a quota, and sessions whose length begins when they are let in."""
    places, a, stay_s, per_s = 5, 3.0, 5.0, 0.6
    how = _overrides("erlang_c")
    _, nights = _nights(*how)
    late = [_came(r, 600.0, 14000.0) for r in nights]
    many, waits = [len(s) for s in late], erlang_c(places, a)
    where, source = "5 places, 3 erlang, exponential sessions", "Erlang 1917"
    mean_s = waits * stay_s / (places - a)
    yield _row(
        "Erlang C: share that waits", where, "share", waits,
        [(s["waiting_s"] > 0).sum() for s in late], source, how, many, within=0.02,
    )  # fmt: skip
    yield _row(
        "Erlang C: mean wait", where, "s", mean_s, [s["waiting_s"].sum() for s in late], source,
        how, many, within=0.02,
    )  # fmt: skip
    yield _row(
        "Little's law in the waiting room: number waiting", where, "viewers", per_s * mean_s,
        [_mean_number(r, 600.0, "waiting") for r in nights], source, how, within=0.02,
    )  # fmt: skip


def waiting_room() -> Iterator[Row]:
    """A waiting room in which watch intention runs down as it does before the picture.

    Who waits is gone at the same rate 1/m as who watches, so the number present is M/M/infinity's,
    Poisson with mean a, whatever the c places: P(N >= c) wait (PASTA), and (N - c)+ are waiting.
    """
    places, a, stay_s = 5, 3.0, 10.0
    how = _overrides("erlang_a")
    _, nights = _nights(*how)
    late = [_came(r, 600.0, 28000.0) for r in nights]
    many = [len(s) for s in late]
    n = np.arange(places, 100)
    waiting = float(((n - places) * stats.poisson.pmf(n, a)).sum())
    where, source = "5 places, 3 erlang, exponential stays", "Palm 1957 (Erlang-A, theta = mu)"
    yield _row(
        "Waiting room: share that waits", where, "share", float(stats.poisson.sf(places - 1, a)),
        [(s["waiting_s"] > 0).sum() for s in late], source, how, many, within=0.02,
    )  # fmt: skip
    yield _row(
        "Waiting room: mean wait", where, "s", waiting * stay_s / a,
        [s["waiting_s"].sum() for s in late], source, how, many, within=0.02,
    )  # fmt: skip
    yield _row(
        "Waiting room: share gone before they got in", where, "share", waiting / a,
        [(s["reason"] == Reason.GAVE_UP_WAITING).sum() for s in late], source, how, many,
        within=0.02,
    )  # fmt: skip


# --- joins a second -------------------------------------------------------------------------------


def md1_longer(t: float, per_s: float, rate: float) -> float:
    """P(wait > t seconds) in M/D/1, joins `per_s`, services of 1/rate.

    Erlang 1909: P(wait <= t) = (1 - rho) sum over k <= t/D of (-x)^k e^x / k!, x = per_s (t - k D).
    """
    k = np.arange(floor(t * rate) + 1)
    x = per_s * (t - k / rate)
    terms = (-x) ** k * np.exp(x) / [factorial(int(i)) for i in k]
    return float(1 - (1 - per_s / rate) * terms.sum())


def gate_wait_s(per_s: float, rate: float, burst: float) -> float:
    """Mean wait before a gate that queues: a token bucket of `rate` a second and `burst`.

    What is missing from a full bucket, people in line included, is the work found in M/D/1: each
    join adds one, `rate` a second are worked off, never below nothing. Who finds v must wait until
    v + 1 <= burst, so they wait (W - (burst - 1)/rate)+, W being the wait in M/D/1; for burst 1 the
    mean is rho / (2 rate (1 - rho)).
    """
    rho = per_s / rate
    free_s = (burst - 1) / rate
    cuts = np.append(np.arange(0.0, free_s, 1 / rate), free_s)
    saved = sum(integrate.quad(md1_longer, a, b, args=(per_s, rate))[0] for a, b in pairwise(cuts))
    return rho / (2 * rate * (1 - rho)) - float(saved)


def join_gate() -> Iterator[Row]:
    """Joins that queue before the gate."""
    for per_s, burst in ((5, 1), (8, 1), (8, 3)):
        more = [] if per_s == 8 else [f"promotion.peak_viewers={60 * per_s}"]
        more += [] if burst == 1 else [f"vendors.big_name.policy.joins_burst={burst}"]
        how = _overrides("join_gate", *more)
        _, nights = _nights(*how)
        late = [_came(r, 60.0, 1190.0) for r in nights]
        name = "M/D/1" if burst == 1 else "Token bucket"
        yield _row(
            f"{name} at the join gate: mean wait", f"{per_s} joins/s, gate 10/s, burst {burst}",
            "s", gate_wait_s(per_s, 10, burst), [s["waiting_s"].sum() for s in late],
            "Khinchin 1932; Erlang 1909", how, [len(s) for s in late], within=0.02,
        )  # fmt: skip


def overloaded_bucket(per_s: float, rate: float, burst: float, t: float) -> float:
    """Joins let in within t seconds by a token bucket, full at first, joins `per_s` > `rate`.

    b + r t, less what ran over and what stands in the bucket at the end. Let th be the positive
    root of r th = lambda (1 - e^-th). What runs over is the greatest lead r s - N(s) of the tokens
    over the joins, exponential with rate th (N(s) - r s falls continuously: Asmussen, Applied
    Probability and Queues, IX.2). Far from full, the content x has a density with
    r f' = lambda (f(x + 1) - f(x) [x >= 1]), solved by f ~ 1 - e^(-th x) below 1 and ~ e^(-th x)
    above: its mean is 1/2 + 1/th.
    """
    th = optimize.brentq(lambda x: rate * x + per_s * expm1(-x), 1e-6, per_s / rate)
    return burst + rate * t - 0.5 - 2 / float(th)


def token_bucket() -> Iterator[Row]:
    """A gate that refuses, and nobody tries again.

    With burst 1 every join shuts the gate for 1/r: one place, held for 1/r.
    """
    refuse = "vendors.big_name.policy.joins_per_s=refuse"
    how = _overrides(
        "join_gate", refuse, "vendors.big_name.policy.joins_burst=50", "promotion.peak_viewers=1200"
    )
    _, nights = _nights(*how)
    passed = [(_came(r, 0.0, 60.0)["reason"] != Reason.REFUSED).sum() for r in nights]
    yield _row(
        "Token bucket: let in within the first minute", "20 joins/s, gate 10/s, burst 50", "joins",
        overloaded_bucket(20, 10, 50, 60), passed,
        "Cruz, IEEE Trans. Inf. Theory 37 (1991): b + r t; Asmussen 2003", how, within=0.001,
    )  # fmt: skip
    how = _overrides("join_gate", refuse)
    _, nights = _nights(*how)
    late = [_came(r, 60.0, np.inf) for r in nights]
    yield _row(
        "Token bucket: share refused", "8 joins/s, gate 10/s, burst 1", "share", 0.8 / 1.8,
        [(s["reason"] == Reason.REFUSED).sum() for s in late],
        "Erlang B of one place, 0.8 erlang", how, [len(s) for s in late],
    )  # fmt: skip


# --- the buffer -----------------------------------------------------------------------------------


def on_off(
    fill: float, drain: float, on_s: float, off_s: float, buffer_s: float
) -> tuple[float, float]:
    """(share of time frozen, freezes an hour) of a buffer on a link of two exponential states.

    While the link is on the buffer gains `fill` seconds of media a second up to `buffer_s`, while
    off it loses `drain`; empty and off is frozen. With densities f1 (on), f0 (off) over 0 < x < B,
    rates u = 1/on_s, v = 1/off_s:

        fill f1' = -u f1 + v f0,   -drain f0' = u f1 - v f0   (Anick, Mitra, Sondhi 1982, n = 1).

    Their sum says fill f1 - drain f0 is constant, and it is 0 (no net flow), so f1 = A e^(-z x)
    with z = u/fill - v/drain. At the ends probability gathers (finite buffer: Tucker 1988): frozen
    p0 v = drain f0(0), full p1 u = fill f1(B). All sums to 1, and a freeze begins at rate p0 v.
    """
    u, v = 1 / on_s, 1 / off_s
    z = u / fill - v / drain
    inside = buffer_s if z == 0 else -expm1(-z * buffer_s) / z
    frozen, full = fill / v, fill * exp(-z * buffer_s) / u
    share = frozen / (frozen + full + (1 + fill / drain) * inside)
    return share, 3600 * share * v


def on_off_buffer() -> Iterator[Row]:
    """An RTC player: it holds at most its jitter buffer and goes on with the next keyframe."""
    link, path = "network.classes.home", "vendors.big_name.paths.cdn"
    cases: list[tuple[str, tuple[float, ...], list[str]]] = [
        ("on 20 s, off 5 s, fills at 0.5, 4 s", (0.5, 1, 20, 5, 4), []),
        ("the same, 1 s", (0.5, 1, 20, 5, 1), [f"{path}.jitter_buffer_s=1"]),
        ("the same, 10 s", (0.5, 1, 20, 5, 10), [f"{path}.jitter_buffer_s=10"]),
        ("fetches at 1.2 x bitrate at most, 4 s", (0.2, 1, 20, 5, 4), [f"{path}.catch_up=1.2"]),
        ("three eighths of the bitrate while off, 4 s", (0.5, 0.625, 20, 5, 4),
         [f"{link}.multiplier=[0.25,1]"]),
        ("off as long as on, 10 s each, 8 s", (0.5, 1, 10, 10, 8),
         [f"{link}.hold_s=[10,10]", f"{path}.jitter_buffer_s=8"]),
    ]  # fmt: skip
    for where, law, more in cases:
        share, an_hour = on_off(*law)
        yield from _freezing(
            "On-off buffer", where, share, an_hour, _overrides("on_off", *more),
            "Anick, Mitra, Sondhi, BSTJ 61 (1982); Tucker, IEEE Trans. Comm. 36 (1988)",
        )  # fmt: skip


def resume(rate: float, on_s: float, off_s: float, level_s: float) -> tuple[float, float]:
    """The same with nothing arriving while off, `rate` bitrates while on, too few on average.

    The buffer is never full, and a freeze lasts until `level_s` is there. All that arrives is
    played: rho = rate on_s / (on_s + off_s) of the time. A freeze begins while off, so it takes
    what is left of that (off_s on average), level_s / rate of being on, and as many more times off
    as begin meanwhile, one in on_s. Each cycle has one freeze, 1 - rho of it (renewal reward).
    """
    rho = rate * on_s / (on_s + off_s)
    freeze_s = off_s + level_s / rate * (1 + off_s / on_s)
    return 1 - rho, 3600 * (1 - rho) / freeze_s


def resume_level() -> Iterator[Row]:
    """An FLV player far behind live that keeps all it missed."""
    path = "vendors.big_name.paths.cdn"
    for rate, level in ((1.5, 1), (1.5, 4), (1.5, 16), (1.2, 4)):
        more = [f"{path}.{key}_buffer_s={level}" for key in ("start", "resume") if level != 4]
        more += [] if rate == 1.5 else [f"{path}.catch_up={rate}"]
        share, an_hour = resume(rate, 10, 10, level)
        yield from _freezing(
            "On-off buffer without end", f"rho {rate / 2:g}, resumes with {level} s", share,
            an_hour, _overrides("resume", *more), "renewal reward (Ross 1996, 3.6)",
        )  # fmt: skip


def _freezing(
    of: str, where: str, share: float, an_hour: float, how: tuple[str, ...], source: str
) -> Iterator[Row]:
    """Viewers' links are independent of one another: each is an observation of ten hours."""
    _, (night,) = _nights(*how)
    s = night.sessions
    seen_s = s["play_s"] + s["frozen_s"]
    yield _row(f"{of}: time frozen", where, "share", share, s["frozen_s"], source, how, seen_s)
    yield _row(f"{of}: freezes", where, "1/h", an_hour, s["stalls"] * 3600.0, source, how, seen_s)


# --- patience -------------------------------------------------------------------------------------


def start_up_patience() -> Iterator[Row]:
    """Who has left by when, of viewers who never see a frame and of viewers who see one in the end.

    Between its points the scripted curve has a constant hazard, so 1 - F is geometric there. Seven
    seconds of joining and one of media fetched at three times the bitrate: a frame at 7 1/3 s.
    """
    source = "the scenario's own curve (Krishnan, Sitaraman, IMC 2012)"
    how = _overrides("patience")
    _, nights = _nights(*how)
    came = [_came(r, 0.0, 570.0) for r in nights]
    for t, gone in (
        (1, 0.0),
        (2, 0.05),
        (5, 0.25),
        (10, 0.48),
        (20, 1 - 0.52 * (0.52 / 0.75) ** 2),
    ):
        yield _row(
            f"Start-up patience: gone by {t} s", "no frame ever", "share", gone,
            [(s["left_s"] - s["arrival_s"] <= t).sum() for s in came], source, how,
            [len(s) for s in came],
        )  # fmt: skip
    how = _overrides(
        "patience", "vendors.big_name.paths.cdn.join_server_s=7",
        "network.classes.home.mean_mbps.median=1000",
    )  # fmt: skip
    _, nights = _nights(*how)
    came = [_came(r, 0.0, 570.0) for r in nights]
    yield _row(
        "Start-up patience: gone before the frame", "first frame after 7 1/3 s", "share",
        1 - 0.75 * (0.52 / 0.75) ** (7 / 15), [np.isnan(s["startup_s"]).sum() for s in came],
        source, how, [len(s) for s in came],
    )  # fmt: skip


# --- shared capacity ------------------------------------------------------------------------------


def saturated() -> Iterator[Row]:
    """More than fits, shared alike by people who never give up (exponential stays of mean m).

    Of N present C play and N - C are frozen, so stays are spent at C + kappa (N - C) seconds a
    second, and joins bring N0 = lambda m of them: N* = (N0 + (kappa - 1) C) / kappa. It is linear
    in N, so the mean of a fluctuating N obeys it too. What stands in the buffer of who leaves (half
    of the resume level) has used capacity for nothing: 0.1 % here.
    """
    c = 400.0
    for offered, kappa in ((600, 3.3), (800, 3.3), (600, 5.0)):
        more = [] if offered == 600 else [f"promotion.peak_viewers={offered}"]
        more += [] if kappa == 3.3 else [f"audience.kappa={kappa:g}"]
        how = _overrides("saturated", *more)
        _, nights = _nights(*how)
        settled = (offered + (kappa - 1) * c) / kappa
        present = [_mean_number(r, 900.0, "watching", "stalled") for r in nights]
        where = f"{offered / c:g} x C offered, kappa {kappa:g}"
        source = "balance of joins and departures"
        yield _row(
            "Saturated room: viewers present", where, "viewers", settled, present, source, how
        )
        yield _row(
            "Saturated room: time frozen", where, "share", 1 - c / settled,
            [_mean_number(r, 900.0, "stalled") for r in nights], source, how, present,
        )  # fmt: skip


def shared_tree() -> Iterator[Row]:
    """Each viewer's rate beside the max-min fair one, found by linear programs."""
    how = _overrides("tree")
    scenario, nights = _nights(*how)
    vendor, bitrate = scenario.vendors["big_name"], 2.0
    links = np.array([1000.0, 1.0])  # by class: home, lte
    isps = list(scenario.audience.isps)
    region_of = [
        next(k for k, served in enumerate(vendor.serves.values()) if audience in served)
        for audience in scenario.audience.regions
    ]
    tree = Tree([4, INF, INF, INF, 3, INF], [17, INF], 30.0, [0, 0, 0, 1, 1, 1])
    assert isps == ["mobile", "telecom", "unicom"]
    worst = 0.0
    for r in nights:
        s = r.sessions[r.sessions["initial"]]
        edge = [3 * region_of[v["region"]] + int(v["isp"]) for v in s]
        fair = lexicographic(tree, edge, np.minimum(links[s["access"]], bitrate).tolist())
        worst = max(worst, float(np.abs(s["media_mb"] / s["left_s"] - fair).max()))
    yield Row(
        "Max-min on a tree: largest difference from the linear programs",
        "30 viewers, 6 edges, 2 regions", "Mbps", 0.0, worst, worst, worst, "verified",
        "Radunovic, Le Boudec, IEEE/ACM ToN 15 (2007)", _command(how), within=0.01,
    )  # fmt: skip


# --- orders ---------------------------------------------------------------------------------------


def orders() -> Iterator[Row]:
    """As many as the integral of the scripted rate over a room of 500, drop and pitch included."""
    viewers, show_s = 500.0, 3600.0
    views = viewers + viewers / STAY_S * show_s
    drop = 8 * 300 * -expm1(-(show_s - 1800) / 300)
    base = views / (viewers * (show_s + 300 + drop))
    how = _overrides("orders")
    _, nights = _nights(*how)
    windows = (
        ("ordinary basket, host selling twice as hard", 0, 900, 1200, 2 * 300.0),
        ("ordinary basket, rest of the evening", 0, 1200, show_s, show_s - 1200),
        ("drop, first five minutes", 1, 1800, 2100, 8 * 300 * -expm1(-1)),
        ("drop, after that", 1, 2100, show_s, drop + 8 * 300 * expm1(-1)),
    )
    for where, product, from_s, to_s, multiples_s in windows:
        yield _row(
            "Orders: integral of the rate", where, "orders", base * viewers * multiples_s,
            [_bought(r, product, from_s, to_s) for r in nights], "Poisson process, Campbell 1909",
            how,
        )  # fmt: skip


def _bought(r: Run, product: int, from_s: float, to_s: float) -> int:
    o = r.orders
    here = (o["product"] == product) & (o["time_s"] >= from_s) & (o["time_s"] < to_s)
    return int((here & (o["state"] == State.PLAYING)).sum())
