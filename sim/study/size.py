"""What a study will take, reckoned before anything is drawn, and refused above what there is.

One sentence: what is too much, how much there is, and which number to change to what. Of a study
that decides on points by what came of others, the points it begins with are reckoned.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil, floor, inf, log10
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.demand import AUDIENCE, Demand, expected_demand
from sim.demand.audience import AT_ONCE
from sim.demand.orders import WISHES, base_rate, order_rates, wished
from sim.engine.run import MOST_EXACT
from sim.network.links import links_from_classes
from sim.network.traces import read_traces
from sim.record import BIN_S, ORDERS, SESSIONS
from sim.scenario.errors import ScenarioError
from sim.scenario.files import resolve_file
from sim.scenario.model import FEWEST as FEWEST_SAMPLED
from sim.scenario.model import MOST_PEOPLE, Network, Scenario
from sim.scenario.quantity import LEAST, LEAST_S
from sim.scenario.vendor import METERED, Vendor
from sim.study.kind import Gathered
from sim.study.kinds import kind_of
from sim.study.plan import FEWEST
from sim.study.variants import ends, other_strata
from sim.viewer.viewer import VIEWER

MOST_WORK_S = 7 * 86_400.0
"""Of one processor."""
MOST_GMV_CNY = 1e15
"""Of a night: sums of whole fen are counted in 63 bits."""
NEVER_REFUSED = 2**30
"""Bytes, and more than two seconds of work: an estimate decides nothing about small nights."""

# Measured with tencent_leb, one world, one thread; resident at most less the 0.35 GB of the program
# itself: 820,000 viewers of an hour 0.8 GB, 2,500,000 of ten minutes 2.5 GB, a 5 % sample of
# 8,200,000 0.45 GB, 2,800,000 orders 0.55 GB, the tables of 100 nights of an hour 0.08 GB. So rows
# by their own size, and what follows for all else.
PROGRAM_BYTES = 4.5e8
OPEN_BYTES = 250
"""Of a viewer while a night is computed: places at the door, the heap, what is drawn."""
DRAW_BYTES, ORDER_BYTES = 200, 50
ROW_BYTES = 100
"""Of a table of results, with the copies that gather it."""

# Measured on one core of a server of 2024; right within a factor of three.
DRAW_S, OPEN_S, CHANGE_S, EPOCH_S, FLOW_S = 1e-6, 4e-6, 1.5e-7, 5e-5, 3e-9
"""Seconds for a viewer drawn, computed, a change of their link, an epoch, and each viewer in it."""
TABLE_S, SMALL_S = 0.2, 0.05
"""Seconds for the tables of a night, and of one with drawn numbers."""


def refuse_what_does_not_fit(scenario: Scenario, keep: bool = False) -> None:
    """ScenarioError where the study needs more than there is; `keep`: as in `run_study`."""
    needed = _Reckoning(scenario, keep)
    have = max(memory_there(), NEVER_REFUSED)

    def excess(asked: Scenario) -> float:
        """How many times too much of anything it is."""
        return max(share for share, _ in needed.shares(asked, have))

    worst, what = max(needed.shares(scenario, have))
    if worst <= 1:
        return
    raise ScenarioError(f"{what}: {_remedy(scenario, excess)}")


def memory_there() -> float:
    """Bytes this process may still take: what is available, and what its control group leaves."""
    return min(_of_the_machine(), *_of_the_group(), inf)


def _of_the_machine() -> float:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        kb = next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return float(kb) * 1024
    except (OSError, StopIteration):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return inf


def _of_the_group() -> Iterator[float]:
    """Control groups, second version and first."""
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            most, now = (float(Path(folder, name).read_text("ascii")) for name in (limit, used))
        except (OSError, ValueError):  # not there; "max"
            continue
        yield most - now


@dataclass(frozen=True)
class _Alike:
    """Nights that are alike: so many jobs, each in so many worlds."""

    viewers: float
    whole: float
    """Viewers of the night that are drawn for it."""
    times: float
    """Of the scripted peak."""
    nights: float
    jobs: float
    worlds: int
    base_worlds: int
    configured: bool


class _Reckoning:
    """A scenario's numbers that cost something to find, found once; then only arithmetic."""

    def __init__(self, scenario: Scenario, keep: bool) -> None:
        self._keep = keep
        self._demand: Demand = expected_demand(scenario.promotion, scenario.audience)
        self.peak = max(1, round(self._demand.peak_viewers))
        rates = order_rates(scenario.promotion, scenario.commerce, self._demand.duration_s)
        self._wished = wished(self._demand, rates)
        self._per_s, self._scan = _link_changes(scenario.network)
        d = self._demand
        self._seconds = float(np.trapezoid(d.offered, d.times_s))
        self._largest = float(max(d.initial, (d.per_s * np.diff(d.edges_s)).max(initial=0.0)))
        self._ranged = {name: len(list(ends(v))) for name, v in scenario.vendors.items()}
        self._ghosts = max(_ghosts(v, d.duration_s) for v in scenario.vendors.values())

    def shares(self, scenario: Scenario, have: float) -> Iterator[tuple[float, str]]:
        """(how many times too much, in words) of each thing there is a limit to."""
        groups = list(self._alike(scenario))
        need, work = self._memory(scenario, groups), self._work(scenario, groups)
        viewers = max(group.viewers for group in groups)
        orders = max(self._orders(scenario) * group.times for group in groups)
        jobs, gmv = sum(group.jobs for group in groups), self._gmv(scenario)
        said = (
            f"this takes about {_two_digits(need / 1e9)} GB of memory ({_two_digits(viewers)} "
            f"viewers and {_two_digits(orders)} orders in the largest night, {_two_digits(jobs)} "
            f"nights of a vendor), and {_two_digits(have / 1e9)} GB are there"
        )
        yield need / have if need > NEVER_REFUSED else 0.0, said
        said = (
            f"this takes about {_two_digits(work / 86_400)} days of a processor, at most "
            f"{MOST_WORK_S / 86_400:.0f} are allowed"
        )
        yield work / MOST_WORK_S, said
        said = f"a perfect night sells CNY {_two_digits(gmv)}, at most {MOST_GMV_CNY:g}"
        yield gmv / MOST_GMV_CNY, said
        if scenario.engine.kind == "exact":
            said = (
                f"engine.kind is exact for {viewers:.0f} viewers: it takes at most {MOST_EXACT}, "
                "engine=fast any number"
            )
            yield (viewers + 5 * viewers**0.5) / MOST_EXACT, said

    def _scale(self, scenario: Scenario) -> float:
        """The night's size, in nights of the demand that was reckoned."""
        peak = scenario.promotion.peak_viewers
        return 1.0 if peak is None else peak / self._demand.peak_viewers

    def _alike(self, scenario: Scenario) -> Iterator[_Alike]:
        study, bands, whole = scenario.study, scenario.bands, scenario.audience.sample
        arrivals = self._demand.arrivals * self._scale(scenario)
        scripted = scenario.promotion.peak_viewers or self.peak
        nights, vendors = scenario.replications, len(scenario.vendors)
        struck = sum(len(other_strata(scenario, name)) for name in scenario.vendors)
        for point in kind_of(scenario).new_points(Gathered(scenario, scripted)):
            first, times, sample = point.scripted, point.times, point.sample
            ladder = study.ladder and first
            jobs = nights * (vendors + (struck if first else 0))
            worlds = 2 + (ladder and bool(scenario.incidents))
            yield _Alike(
                arrivals * times * sample, arrivals * times, times, nights, jobs, worlds,
                1 + ladder, True,
            )  # fmt: skip
            draws = bands.draws * vendors if first else 0
            asked = study.ranges == "all" and times <= 1
            ranged = sum(n for name, n in self._ranged.items() if name != study.reference_vendor)
            ranged *= nights if asked else 1 if first and study.ranges == "peak" else 0
            if small := draws + ranged:
                sample = min(whole, max(bands.sample / times, FEWEST / point.peak))
                n = min(nights, small)
                yield _Alike(
                    arrivals * times * sample, arrivals * times, times, n, small + n * vendors,
                    2, 1, False,
                )  # fmt: skip

    def _orders(self, scenario: Scenario) -> float:
        """Of a whole night, and of each sample of it."""
        return self._base(scenario) * float(self._wished.sum()) * self._scale(scenario)

    def _gmv(self, scenario: Scenario) -> float:
        rates = order_rates(scenario.promotion, scenario.commerce, self._demand.duration_s)
        sold = float(self._wished @ (rates.price_cny * rates.paid))
        return self._base(scenario) * sold * self._scale(scenario)

    def _base(self, scenario: Scenario) -> float:
        script, room = scenario.promotion, scenario.audience.orders_per_view
        rates = order_rates(script, scenario.commerce, self._demand.duration_s)
        rate = base_rate(script, self._demand, rates, room, self._wished)
        # Of money that is given the whole is fixed, whatever the size of the night.
        return rate / self._scale(scenario) if script.expected_gmv_cny is not None else rate

    def _memory(self, scenario: Scenario, groups: list[_Alike]) -> float:
        """Bytes at once: as many nights as threads, and the tables of all of them."""
        threads = min(scenario.engine.threads, sum(group.jobs for group in groups))
        products, bins = 1 + len(scenario.promotion.drops), len(self._demand.per_s)
        matrices = 64.0 * (2 * bins + 1) * (bins + 1) + 1280.0 * bins * products
        tables = sum(self._tables(scenario, group) for group in groups)
        most = max(self._night(scenario, group, products) for group in groups)
        return PROGRAM_BYTES + threads * max(most, matrices) + tables

    def _night(self, scenario: Scenario, group: _Alike, products: int) -> float:
        orders, draw = self._orders(scenario) * group.times, AUDIENCE.itemsize + DRAW_BYTES
        at_once = group.viewers
        if scenario.audience.sample < 1 or group.viewers < group.whole:
            largest = self._largest * self._scale(scenario) * group.times
            by_file = scenario.audience.file is not None  # whose rows are made all at once
            at_once += group.whole if by_file else min(group.whole, max(AT_ONCE, largest))
        drawn = at_once * (draw + 32 * products) + orders * (200 + 32 * products)
        runs = group.base_worlds + group.worlds
        viewer = AUDIENCE.itemsize + VIEWER.itemsize + OPEN_BYTES + 16 * self._ghosts
        viewer += SESSIONS.itemsize * runs
        order = WISHES.itemsize + ORDERS.itemsize * runs + ORDER_BYTES
        seconds, places = self._demand.duration_s, self._places(scenario)
        return max(drawn, group.viewers * viewer + orders * order) + seconds * (400 + 3 * places)

    def _places(self, scenario: Scenario) -> int:
        """Leaves of the sharing tree: ten seconds of each have a place in the meters."""
        isps = len(scenario.audience.every_isp)
        return max(len(v.paths) * len(v.serves) * isps for v in scenario.vendors.values())

    def _tables(self, scenario: Scenario, group: _Alike) -> float:
        if not group.configured:
            return group.jobs * 150 * ROW_BYTES
        each = max(len(v.paths) * len(v.serves) for v in scenario.vendors.values())
        rows = 600 + self._demand.duration_s / BIN_S * (25 + 2 * (each + 3))
        kept = group.viewers * (SESSIONS.itemsize + 60) * 2
        kept += self._orders(scenario) * (ORDERS.itemsize + 60) * 2
        return group.jobs * (rows * ROW_BYTES + (kept if self._keep and group.times == 1 else 0.0))

    def _work(self, scenario: Scenario, groups: list[_Alike]) -> float:
        """Seconds of one processor."""
        total, show_s = 0.0, self._demand.duration_s
        products = 1 + len(scenario.promotion.drops)
        for group in groups:
            orders = self._orders(scenario) * group.times
            share = group.viewers / self._demand.arrivals
            runs = group.jobs * group.worlds + group.nights * (group.base_worlds - 1)
            present_s = self._seconds * share
            step_s = min(scenario.engine.epoch_s, _round_s(scenario))
            epochs = show_s / step_s
            run = group.viewers * (OPEN_S + self._scan * 1e-9)
            run += present_s * self._per_s * CHANGE_S + orders * 1e-6
            run += epochs * EPOCH_S + present_s / step_s * FLOW_S
            total += runs * run + group.jobs * (TABLE_S if group.configured else SMALL_S)
            total += group.nights * DRAW_S * (group.whole * (1 + 0.2 * products) + 2 * orders)
        return total


def _two_digits(x: float) -> str:
    """1,234 as 1,200."""
    if not 0 < x < inf:
        return f"{x:g}"
    return f"{round(x, 1 - floor(log10(x))):,.12g}"


def _link_changes(net: Network) -> tuple[float, float]:
    """(changes a second of a viewer's link, steps of a trace that a viewer is placed among)."""
    if net.kind == "replay":
        assert net.traces is not None
        traces = read_traces(resolve_file("network.traces", net.traces))
        steps = np.array([len(duration_s) for duration_s, _ in traces], float)
        length_s = np.array([duration_s.sum() for duration_s, _ in traces])
        # A long trace is met as often as it is long.
        return float(steps.sum() / length_s.sum()), float(steps @ length_s / length_s.sum())
    assert net.mix is not None
    states = links_from_classes([net.classes[name] for name in net.mix]).states
    time = np.diff(np.minimum(states["time"], 1.0), axis=1, prepend=0.0).clip(0)
    hold = np.where(states["hold_s"] > 0, states["hold_s"], inf)
    rates: NDArray[np.float64] = (time / hold).sum(axis=1)
    return float(rates @ np.array(list(net.mix.values()))), 0.0


def _round_s(scenario: Scenario) -> float:
    """Where UDP is short the crowd is followed by rounds of retransmission."""
    paths = (path for vendor in scenario.vendors.values() for path in vendor.paths.values())
    return min((path.rtx_delay_s.lowest for path in paths if path.rtx_delay_s), default=inf)


def _ghosts(vendor: Vendor, show_s: float) -> int:
    """Of one viewer that cut-offs can leave at once: each has a place in the heap."""
    policy, limits = vendor.policy, vendor.limits
    cuts = [k for k in METERED if getattr(limits, k) is not None and policy.of(k) == "cut_off"]
    ghost_s = min(0.0 if policy.ghost_s is None else policy.ghost_s.highest, show_s)
    scan_s = 1.0 if policy.scan_s is None else policy.scan_s.lowest
    off_s = inf if policy.cut_off_s is None else policy.cut_off_s.lowest
    return len(cuts) * (int(ghost_s // max(scan_s, off_s)) + 1)


# --- which number to change -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Knob:
    """A number one may change: from what it is towards what takes least."""

    key: str
    now: float
    least: float
    whole: bool
    set: Callable[[Scenario, float], Scenario]

    def rounded(self, x: float) -> float:
        """Two digits, on the safe side."""
        x = floor(x) if self.whole else x
        if x <= 0:
            return self.least
        up, unit = self.least > self.now, 10.0 ** (floor(log10(x)) - 1)
        x = float(f"{(ceil if up else floor)(x / unit) * unit:.2g}")
        return min(x, self.least) if up else max(x, self.least)

    def said(self, x: float) -> str:
        return f"{self.key} to {int(x) if self.whole else f'{x:g}'}"


def _knobs(scenario: Scenario) -> Iterator[_Knob]:
    """Those first that change what is asked the least."""
    script, study = scenario.promotion, scenario.study
    peak = script.peak_viewers or MOST_PEOPLE
    fewest = min(1.0, ceil(1e6 * FEWEST_SAMPLED / peak) / 1e6)
    sample = scenario.audience.sample
    yield _Knob("audience.sample", sample, fewest, False, partial(_with, "audience", "sample"))
    threads = partial(_with, "engine", "threads")
    yield _Knob("engine.threads", scenario.engine.threads, 1, True, threads)
    epoch = partial(_with, "engine", "epoch_s")
    if scenario.engine.epoch_s < 1:
        yield _Knob("engine.epoch_s", scenario.engine.epoch_s, 1.0, False, epoch)
    yield _Knob("replications", scenario.replications, 1, True, partial(_with, "", "replications"))
    yield _Knob("bands.draws", scenario.bands.draws, 0, True, partial(_with, "bands", "draws"))
    if study.peaks:
        yield _Knob("the number of study.peaks", len(study.peaks), 0, True, _first_peaks)
    pay = scenario.commerce.payment
    if pay.paid_share() < 0.01:
        yield _Knob("commerce.payment.mean_s", pay.mean_s, LEAST_S, False, _pays_in)
    given = ("expected_gmv_cny", "orders_per_view")
    key = next((k for k in given if getattr(script, k) is not None), "")
    room = "promotion" if key else "audience"
    key = key or "orders_per_view"
    now = getattr(getattr(scenario, room), key)
    yield _Knob(f"{room}.{key}", now, LEAST, False, partial(_with, room, key))
    median = scenario.commerce.basket_cny.median
    yield _Knob("commerce.basket_cny.median", median, 0.01, False, _basket)
    if scenario.audience.file is None:  # whose peak is its own
        size = partial(_with, "promotion", "peak_viewers")
        yield _Knob("promotion.peak_viewers", peak, 1, True, size)


def _with(group: str, key: str, scenario: Scenario, x: float) -> Scenario:
    """The scenario with this number instead; nothing is judged anew, it is reckoned with only."""
    value: Any = int(x) if key in ("threads", "replications", "draws", "peak_viewers") else x
    if not group:
        return scenario.model_copy(update={key: value})
    return scenario.model_copy(
        update={group: getattr(scenario, group).model_copy(update={key: value})}
    )


def _first_peaks(scenario: Scenario, x: float) -> Scenario:
    study = scenario.study.model_copy(update={"peaks": scenario.study.peaks[: int(x)]})
    return scenario.model_copy(update={"study": study})


def _pays_in(scenario: Scenario, x: float) -> Scenario:
    payment = scenario.commerce.payment.model_copy(update={"mean_s": x})
    return _with("commerce", "payment", scenario, payment)  # type: ignore[arg-type]


def _basket(scenario: Scenario, x: float) -> Scenario:
    basket = scenario.commerce.basket_cny.model_copy(update={"median": x})
    return _with("commerce", "basket_cny", scenario, basket)  # type: ignore[arg-type]


def _remedy(scenario: Scenario, excess: Callable[[Scenario], float]) -> str:
    """'set KEY to VALUE'; where no single one is enough, those that together are."""
    alone = [
        knob.said(x)
        for knob in _knobs(scenario)
        if (x := _enough(knob, scenario, excess)) is not None
    ]
    if alone:
        return f"set {alone[0]}"
    together = []
    for knob in _knobs(scenario):
        x = _enough(knob, scenario, excess)
        less = knob.set(scenario, knob.least if x is None else x)
        if excess(less) < 0.9 * excess(scenario):
            scenario = less
            together.append(knob.said(knob.least if x is None else x))
        if x is not None:
            break
    if not together:  # what is large is the matrix in which the joins are solved
        return "a longer promotion.grid_s, or a shorter show, takes less"
    return f"set {' and '.join(together)}"


def _enough(knob: _Knob, scenario: Scenario, excess: Callable[[Scenario], float]) -> float | None:
    """The value nearest to the present one with which everything fits; None: there is none."""
    if knob.now == knob.least or excess(knob.set(scenario, knob.least)) > 1:
        return None
    fits, not_ = knob.least, knob.now
    for _ in range(60):
        middle = (fits * not_) ** 0.5 if min(fits, not_) > 0 else (fits + not_) / 2
        if excess(knob.set(scenario, middle)) > 1:
            not_ = middle
        else:
            fits = middle
    x = knob.rounded(fits)
    return x if excess(knob.set(scenario, x)) <= 1 else knob.least
