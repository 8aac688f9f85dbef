"""The tables of one night of one vendor: what was measured, sold, billed and demanded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from sim.billing import Bill, night_in_month
from sim.commerce import Money, money, sell
from sim.metrics import with_units
from sim.record import Run
from sim.scenario.model import Scenario
from sim.scenario.tariff import Tariff
from sim.scenario.vendor import Vendor
from sim.study.costs import Plan, grown_tenfold, of_plans, with_servers
from sim.study.measure import by_group, figures, held_peak, lost, lost_as_it_goes, over_time
from sim.study.plan import Job
from sim.study.requirements import demanded
from sim.study.variants import Variant

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Outcome:
    """One vendor's night in its worlds, and the money of it."""

    job: Job
    scenario: Scenario
    runs: dict[str, Run]
    """World -> its run."""
    granted: Run | None
    """The night with its incidents, but none of the vendor's limits."""

    @property
    def vendor(self) -> Vendor:
        """The vendor as this job has it."""
        return self.scenario.vendors[self.job.vendor]

    @property
    def last(self) -> Run:
        """In the world that comes true."""
        return self.runs["incidents"]

    @property
    def configured(self) -> bool:
        """Whether it is the night as configured, and no side run."""
        return self.job.variant is Variant.CONFIGURED

    @cached_property
    def sales(self) -> Money:
        """Of every world that was run."""
        shop, drops = self.scenario.commerce, self.scenario.promotion.drops
        return money(self.runs, shop, drops, self.vendor.own)

    @cached_property
    def asked_for(self) -> pd.DataFrame:
        """Usage without limits: what a limit kept from this night it would not keep from an
        ordinary, smaller one."""
        return with_servers(self.runs.get("vendor", self.last).usage, self.last.usage)

    @cached_property
    def plans(self) -> list[Plan]:
        """The bill under each list, with what is bought beside it."""
        whole = self.asked_for if self.configured else None  # side runs: all nights alike
        beside = self.billed(self.last.usage, whole, self.vendor.add_ons)
        lists = self.billed(self.last.usage, whole, self.vendor.lists)
        return [Plan(bill, beside) for bill in lists]

    def billed(
        self, usage: pd.DataFrame, whole: pd.DataFrame | None, lists: list[Tariff]
    ) -> list[Bill]:
        """A bill for each list."""
        shop, starts_at = self.scenario.commerce, self.scenario.promotion.starts_at
        rates, month = shop.cny_per, shop.month
        return [night_in_month(usage, t, rates, starts_at, month, whole) for t in lists]

    @property
    def hours(self) -> float:
        """Watched by all viewers."""
        return float(self.last.sessions["play_s"].sum() / 3600 * self.last.weight)


def tables_of(
    job: Job, scenario: Scenario, runs: dict[str, Run], granted: Run | None, keep: bool
) -> Tables:
    """Name of a table -> its rows. `keep`: viewers and orders too."""
    it = Outcome(job, scenario, runs, granted)
    last, night = it.last, job.night
    few = {
        "vendor": job.vendor,
        "peak_viewers": last.peak_viewers,
        "replication": night.replication,
    }
    keys = {
        "promotion": scenario.promotion.name,
        "audience": scenario.audience.name,
        "network": scenario.network.name,
        "seed": scenario.seed,
        **few,
    }
    measured = with_units(pd.DataFrame(_figures(it), columns=["metric", "value"]))
    results = _keyed(pd.concat([measured, it.sales.results()]), keys)
    wanted = list(_demands(it))
    to_ask = {"asks": _keyed(pd.concat(wanted), few)} if wanted else {}
    if not it.configured:
        side_run = results.assign(variant=str(job.variant), variant_key=str(job.variant_key))
        return {"side_runs": side_run, **to_ask}
    over = pd.concat([over_time(last, runs["perfect"]), lost_as_it_goes(it.sales)])
    bills = [*(plan.bill for plan in it.plans), *it.plans[0].beside]
    invoice = pd.concat([bill.frame(job.vendor, night.replication) for bill in bills])
    tables = {
        "results": results,
        "costs": _keyed(_costs(it, results.set_index("metric")["value"]), few),
        "breakdown": _keyed(_breakdown(it), keys),
        "timeseries": _keyed(over, few),
        "usage": _keyed(last.usage, few),
        "invoice": invoice.assign(peak_viewers=last.peak_viewers),
        **to_ask,
    }
    if keep:
        tables["sessions"] = _keyed(pd.DataFrame(last.sessions).assign(weight=last.weight), few)
        tables["orders"] = _keyed(pd.DataFrame(last.orders).assign(weight=last.order_weight), few)
    return tables


def _figures(it: Outcome) -> Iterator[tuple[str, float]]:
    """metric, value of the night."""
    bill, hours = it.plans[0], it.hours
    yield from figures(it.last, it.runs["perfect"])
    yield "cost_cny", bill.cost_cny
    yield "cost_month_cny", bill.month_cny
    yield "cost_fixed_cny", bill.fixed_cny
    yield "cost_per_viewer_hour_cny", bill.cost_cny / hours if hours else float("nan")
    yield from held_peak(it.vendor, it.last.peak_viewers)
    yield from lost(it.sales, it.scenario.commerce, bill.cost_cny)
    if it.job.night.ladder and it.configured:
        yield from _if_granted(it)


def _if_granted(it: Outcome) -> Iterator[tuple[str, float]]:
    """What becomes of the night if the vendor grants all that is asked for; where nothing breaks,
    the rungs of `lost_gmv_cny` have what is lost."""
    granted = it.granted
    used = it.asked_for if granted is None else with_servers(granted.usage, it.last.usage)
    first, *added = it.billed(used, None, [it.vendor.lists[0], *it.vendor.add_ons])
    yield "granted_cost_cny", Plan(first, added).cost_cny
    if granted is not None:
        sells = sell(granted, it.scenario.commerce, it.scenario.promotion.drops)
        perfect_cny = float(it.sales.worlds.set_index("world")["gmv_cny"]["perfect"])
        yield "granted_lost_gmv_cny", perfect_cny - sells.gmv_fen * sells.weight / 100


def _demands(it: Outcome) -> Iterator[pd.DataFrame]:
    """What the night demands before any limit: the calm one, and the one with incidents."""
    calm = it.runs["vendor"] if it.configured else None
    for run, struck in ((calm, False), (it.granted, True)):
        if run is not None:
            rows = pd.DataFrame(demanded(run), columns=["what", "of", "value"])
            yield with_units(rows, "what", "asks").assign(struck=struck)


def _breakdown(it: Outcome) -> pd.DataFrame:
    bill = it.plans[0].by_line_cny
    rows = [*by_group(it.last, it.runs["perfect"])]
    rows += [("line", line, "cost_cny", cny) for line, cny in bill.items()]
    breakdown = with_units(pd.DataFrame(rows, columns=["by", "of", "metric", "value"]))
    if not it.job.night.ladder:
        return breakdown
    return pd.concat([breakdown, it.sales.breakdown()[breakdown.columns]])


def _costs(it: Outcome, figure: pd.Series[float]) -> pd.DataFrame:
    """Of every list. `figure`: by metric."""
    shop, starts_at = it.scenario.commerce, it.scenario.promotion.starts_at
    tenfold = [
        grown_tenfold(it.asked_for, [t, *it.vendor.add_ons], shop, starts_at)
        for t in it.vendor.lists
    ]
    sold, lost_margin = float(figure["orders"]), float(figure["lost_margin_cny"])
    each = of_plans(it.plans, tenfold, it.hours, sold, lost_margin)
    return with_units(pd.DataFrame(each, columns=["tariff", "metric", "value"]))


def _keyed(table: pd.DataFrame, keys: dict[str, Any]) -> pd.DataFrame:
    table = table.reset_index(drop=True)
    for at, (key, value) in enumerate(keys.items()):
        table.insert(at, key, value)
    return table
