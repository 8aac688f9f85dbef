"""Every figure that is written, a row each: its unit, what bounds it, and what it is.

The tables carry the names; intervals take their upper bounds from here, the bands of the assumed
numbers both; docs/metrics.md is made of it. A name in `<...>` stands for one of several:
`limit_use.<limit>` for `limit_use.sessions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any, Literal

import pandas as pd

Kind = Literal["count", "rate", "time", "level", "ratio", "share", "money", "identity"]
"""`ratio` lies between 0 and 1, a `share` may pass 1; an `identity` has no chance in it."""

EITHER_SIGN = -inf
"""A bill may fall by a night (a cheaper tier of the month), and where all is well nothing is lost,
or a little gained."""


SOLD = "perfect_gmv_cny"
"""What the sales lost are at most: of the night that has most of it."""


@dataclass(frozen=True)
class MetricSpec:
    """A row of the table."""

    name: str
    unit: str
    kind: Kind
    definition: str
    lowest: float = 0.0
    highest: float | str = inf
    """Of any night, or SOLD."""


def _ratio(name: str, definition: str) -> MetricSpec:
    return MetricSpec(name, "share", "ratio", definition, highest=1.0)


def _money(name: str, definition: str, signed: bool = True, **more: Any) -> MetricSpec:
    lowest = EITHER_SIGN if signed else 0.0
    return MetricSpec(name, "CNY", "money", definition, lowest, **more)


def _latency(share: str) -> MetricSpec:
    return _ratio(f"latency_within_{share}s_ratio".replace(".", "_"),
                  f"play that is at most {share} s late")  # fmt: skip


def _quantiles(name: str, unit: str, quantiles: Iterable[int], of: str) -> list[MetricSpec]:
    return [MetricSpec(f"{name}_p{q}_{unit}", unit, "time", f"P{q} of {of}") for q in quantiles]


RESULTS = (
    MetricSpec("expected_peak", "viewers", "level", "the highest number of viewers to be "
               "expected on a perfect night: what the promotion's curve comes to"),
    MetricSpec("offered_peak", "viewers", "level", "the highest number of viewers watching at "
               "once on the perfect night (mean of 10 s)"),
    MetricSpec("peak_concurrency", "viewers", "level", "the most viewers in the room: starting, "
               "watching or frozen (mean of 10 s)"),
    MetricSpec("watching_peak", "viewers", "level", "the most viewers with a moving picture "
               "(mean of 10 s)"),
    MetricSpec("connected_peak", "sessions", "level", "the most sessions a quota counts, those "
               "that join and those cut off and not yet removed among them; paths and regions "
               "added up"),
    MetricSpec("curve_error", "share", "share", "the largest gap between the expected audience "
               "and the promotion's curve, over its peak"),
    MetricSpec("dry_share", "share", "share", "share of the arrival bins in which a curve (that of "
               "any cohort) falls faster than viewers leave by themselves"),
    MetricSpec("mean_stay_s", "s", "time", "how long a viewer who comes during the show means to "
               "stay, in expectation"),
    MetricSpec("arrived", "viewers", "count", "viewers who come during the show"),
    _ratio("join_failure_ratio", "viewers who came and never saw a frame because they were "
           "refused, gave up waiting or were cut off, of all who came"),
    _ratio("start_abandon_ratio", "viewers who came and left while the first frame loaded, of "
           "all who came"),
    _ratio("return_failure_ratio", "viewers who had watched, were cut off or left a freeze, "
           "tried to come back and never saw a frame again, of all who came"),
    _ratio("attempt_failure_ratio", "refused attempts to join, of all attempts of viewers who came "
           "during the show"),
    MetricSpec("joins_per_s_peak", "joins/s", "rate", "joins a second in the busiest ten seconds"),
    _ratio("join_5s_ratio", "viewers who see a frame within 5 s of their tap, of all who came"),
    _ratio("fast_startup_ratio", "viewers who see a frame within 1 s of their tap, of all who "
           "see one"),
    *_quantiles("startup", "s", (50, 95), "the time from the tap to the first frame, of viewers "
                "who see one"),
    *_quantiles("sdk_startup", "s", (50, 95), "the time from the attempt that got in to the "
                "first frame: what a vendor's player reports"),
    _ratio("stall_ratio", "frozen time, of the time frozen or playing after the first frame"),
    _ratio("stall_free_ratio", "viewers without a stall, of all who saw a frame"),
    MetricSpec("stalls_per_100s", "1/100s", "rate", "stalls in 100 s of the time frozen or "
               "playing; a stall is a freeze above engine.freeze_threshold_s, close ones merged"),
    MetricSpec("stall_s_per_100s", "s/100s", "rate", "seconds in stalls in 100 s of the time "
               "frozen or playing"),
    _ratio("worst_5min_stall_ratio", "the stall ratio of the worst five minutes, one beginning "
           "every 10 s"),
    _ratio("watch_delivered_ratio", "time watched, of the time watched on the perfect night; "
           "above 1 where viewers of a worse picture stay longer"),
    MetricSpec("watch_s", "s", "time", "time watched by a viewer, on the mean"),
    MetricSpec("watch_hours", "h", "count", "time watched by all viewers"),
    _ratio("hd_ratio", "time watched in HD (720 lines or more), of the time watched"),
    MetricSpec("mean_bitrate_mbps", "Mbps", "rate", "media received, over the time starting, "
               "playing or frozen"),
    *_quantiles("latency", "s", (50, 95, 99), "the time from camera to screen, over the time "
                "watched"),
    *(_latency(share) for share in ("0.2", "0.3", "0.5", "0.6")),
    MetricSpec("edge_utilisation", "share", "share", "the largest share in use of any capped "
               "egress (path, region or edge): in the busiest 10 s, or reserved at any instant"),
    MetricSpec("limit_use.<limit>", "share", "share", "the largest share in use of a limit; of a "
               "rate, what was asked in the busiest 10 s over what it lets in: it may pass 1"),
    MetricSpec("harmed", "viewers", "count", "viewers who lost time to a limit"),
    MetricSpec("binding_limit_s.<limit>", "s", "time", "seconds in which the limit held somebody "
               "back"),
    MetricSpec("held_peak_lost_ratio", "share", "identity", "watching that would be lost were the "
               "peak held and capacity shared fairly: 1 - C / (R x peak), at least 0",
               highest=1.0),
    MetricSpec("perfect_orders", "count", "count", "orders on the perfect night"),
    _money(SOLD, "sales on the perfect night", signed=False),
    MetricSpec("orders", "count", "count", "orders placed, in stock and paid"),
    _money("gmv_cny", "sales: the value of the orders placed", signed=False),
    _money("gmv_net_cny", "sales less returns", signed=False),
    _ratio("order_weighted_stall_ratio", "orders whose buyer's picture is frozen when they wish "
           "to buy, of orders whose buyer is watching or frozen"),
    _money("lost_gmv_cny", "sales of the perfect night less those of this night",
           highest=SOLD),
    _money("lost_gmv_cny.<rung>", "what is lost on one rung of the ladder of worlds: links, "
           "vendor, limits, incidents"),
    _money("lost_gmv_cny.<rung>.<cause>.<limit>", "what is lost on a rung by what happened to "
           "the viewer and which limit held them back then"),
    MetricSpec("lost_gmv_ratio", "share", "ratio", "sales lost, of those of the perfect night",
               EITHER_SIGN, 1.0),
    _money("lost_gmv_net_cny", "sales lost less returns"),
    _money("lost_gmv_net_of_recapture_cny", "lost_gmv_net_cny less what is bought later all the "
           "same"),
    _money("lost_margin_cny", "the shop's margin on lost_gmv_net_of_recapture_cny"),
    _money("cost_cny", "what the night adds to the month's bill, with what is bought beside: under "
           "the vendor's first price list, and in costs.csv under each"),
    _money("cost_month_cny", "the month's bill with this night"),
    _money("cost_fixed_cny", "the bill of a month without any show"),
    MetricSpec("cost_per_viewer_hour_cny", "CNY/h", "money", "cost_cny over watch_hours",
               EITHER_SIGN),
    _money("cost_and_lost_margin_cny", "cost_cny and lost_margin_cny: what vendors are ranked by"),
    _money("revenue_at_risk_cny", "sales lost to limits and incidents; in risk.csv over all "
           "peaks and incidents that the night may bring"),
    _money("granted_cost_cny", "cost_cny if the vendor grants all that is asked for"),
    _money("granted_lost_gmv_cny", "lost_gmv_cny if the vendor grants all that is asked for, "
           "with the incidents"),
)  # fmt: skip
"""Of results.parquet and summary.csv; some of them also in breakdown.parquet, costs.csv and
risk.csv."""

TIMESERIES = (
    MetricSpec("waiting", "viewers", "level", "in a waiting room, or between two attempts"),
    MetricSpec("starting", "viewers", "level", "let in, without a first frame"),
    MetricSpec("watching", "viewers", "level", "with a moving picture"),
    MetricSpec("stalled", "viewers", "level", "with a frozen picture"),
    MetricSpec("in_room", "viewers", "level", "starting, watching or frozen: the host's counter"),
    MetricSpec("offered", "viewers", "level", "watching on the perfect night"),
    MetricSpec("arrivals", "viewers", "count", "came in these 10 s"),
    MetricSpec("attempts", "count", "count", "attempts to join in these 10 s"),
    MetricSpec("refusals", "count", "count", "of them refused"),
    MetricSpec("joins", "count", "count", "of them let in"),
    MetricSpec("wire_mbps", "Mbps", "rate", "sent by the vendor, overhead and retransmissions "
               "included"),
    MetricSpec("bound.<limit>", "share", "share", "share of the seconds of these 10 s in which the "
               "limit held somebody back", highest=1.0),
    _money("lost_gmv_cny.<limit>", "sales lost to the limit in these 10 s, by the time of the "
           "order"),
)  # fmt: skip
"""Of timeseries.parquet, every 10 s: the mean of levels, the sum of counts."""

COSTS = (
    MetricSpec("cost_per_order_cny", "CNY", "money", "cost_cny over orders", EITHER_SIGN),
    _money("cost_month_tenfold_cny", "the month's bill with ten times the audience every night"),
    MetricSpec("cost_growth_tenfold", "1", "money", "cost_month_tenfold_cny over the month's "
               "bill now", EITHER_SIGN),
)  # fmt: skip
"""Of costs.csv, for each price list, beside those of the results."""

RISK = (
    _money("vendor_attributable_cny", "sales lost to the protocol, limits and incidents, where "
           "no operator's network and no host's uplink breaks"),
    _money("incidents.<k>.cost_cny", "sales lost to the incident of that place in the scenario"),
    _money("fee_saved_cny", "the reference vendor's bill less this one's"),
    _money("lost_sales_more_cny", "sales lost beyond the reference vendor's"),
    _money("lost_margin_more_cny", "margin lost beyond the reference vendor's"),
    MetricSpec("lost_sales_per_fee_saved", "1", "money", "lost_sales_more_cny over fee_saved_cny",
               EITHER_SIGN),
    MetricSpec("lost_margin_per_fee_saved", "1", "money", "lost_margin_more_cny over "
               "fee_saved_cny", EITHER_SIGN),
    _ratio("before.<vendor>", "draws of the assumed numbers in which this vendor costs less, "
           "bill and lost margin together, than that one"),
)  # fmt: skip
"""Of risk.csv, beside revenue_at_risk_cny."""

ASKS = (
    MetricSpec("joins_per_s", "joins/s", "rate", "attempts to join in the busiest second in which "
               "anybody gets in"),
    MetricSpec("joins_per_s_10s", "joins/s", "rate", "the same a second, over the busiest 10 s"),
    MetricSpec("token_calls_per_s", "calls/s", "rate", "token calls in the busiest second, one "
               "an attempt"),
    MetricSpec("token_calls_per_s_10s", "calls/s", "rate", "token calls a second over the busiest "
               "10 s"),
    MetricSpec("peak_concurrency", "sessions", "level", "sessions at once, as a quota counts them"),
    MetricSpec("minutes", "min", "count", "viewer minutes of the night"),
    MetricSpec("egress_gb", "GB", "count", "traffic of the night, 1e9 bytes on the wire"),
    MetricSpec("egress_gbps", "Gbps", "rate", "on the wire in the busiest 10 s"),
)  # fmt: skip
"""Of asks.csv, column `what`: what the night demands before any limit."""

TABLES: Mapping[str, tuple[MetricSpec, ...]] = {
    "results": RESULTS, "timeseries": TIMESERIES, "costs": COSTS, "risk": RISK, "asks": ASKS,
}  # fmt: skip


@cache
def spec_of(name: str, table: str = "results") -> MetricSpec:
    """The row of a metric as it is written. ValueError: it has none."""
    rows = TABLES[table] if table in ("timeseries", "asks") else (*RESULTS, *COSTS, *RISK)
    for spec in rows:
        if _same(spec.name.split("."), name.split(".")):
            return spec
    raise ValueError(f"no row of sim.metrics defines '{name}' in {table}")


def _same(row: list[str], name: list[str]) -> bool:
    if row[-1] == "<vendor>":  # whose name may have dots
        name = [*name[: len(row) - 1], ".".join(name[len(row) - 1 :])]
    return len(row) == len(name) and all(
        a == b or a.startswith("<") for a, b in zip(row, name, strict=True)
    )


def with_units(rows: pd.DataFrame, column: str = "metric", table: str = "results") -> pd.DataFrame:
    """`rows` with the unit of each metric before its value."""
    units = [spec_of(name, table).unit for name in rows[column]]
    rows.insert(list(rows.columns).index("value"), "unit", units)
    return rows
