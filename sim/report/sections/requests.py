"""What to tell the vendor: the numbers to order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from sim.catalogue.language import NOISE, Writer
from sim.report.view import View
from sim.scenario.quantity import Quantity
from sim.scenario.vendor import Vendor

ASKED = (
    "peak_concurrency", "joins_per_s", "egress_gbps", "token_calls_per_s", "minutes", "egress_gb",
)  # fmt: skip
"""What a vendor is told, in the order of the page."""

PEOPLE = ("peak_concurrency", "joins_per_s", "token_calls_per_s")
AMOUNTS = ("minutes", "egress_gb")


@dataclass(frozen=True)
class Ask:
    """One number to tell the vendor, rounded up: a limit of what is shown is enough."""

    what: str
    p50: str
    p95: str
    beyond: bool
    """Further out than any audience that was simulated."""
    limit: str = ""
    """What the vendor's limit stands at, where it is below the P95."""
    calm: str = ""
    """The P95 without the incidents, where that is less."""
    tens: str = ""
    """The P95 of a second of the busiest ten, where this one is of the busiest second."""


@dataclass(frozen=True)
class Asked:
    """What to tell one vendor."""

    vendor: str
    name: str
    asks: list[Ask]
    parts: list[tuple[str, Ask]]
    """Of each vendor region or path, where there are several: each may be ordered by itself."""


@dataclass(frozen=True)
class Requests:
    """What the section says."""

    ask_for: str
    told: list[Asked]
    peak: int
    one_in_20: str
    """The peak that one night in twenty exceeds."""
    beyond: bool
    has_incidents: bool


def content(view: View) -> Requests:
    """For the template; without a table of what to ask `told` is empty."""
    told, say = asked(view), view.words
    return Requests(
        ask_for=ask_for(view, told),
        told=told,
        peak=view.peak,
        one_in_20=say.number(view.rare_peak),
        beyond=any(a.beyond for one in told for a in one.asks),
        has_incidents=bool(view.scenario.incidents),
    )


def asked(view: View) -> list[Asked]:
    """What to tell each vendor; empty where the study did not ask."""
    found = view.table("asks")
    if found.empty:
        return []
    found = found.fillna({"of": ""})
    told = [_asked(view, vendor, found[found["vendor"] == vendor]) for vendor in view.ranked]
    return [one for one in told if one.asks]


def ask_for(view: View, told: list[Asked]) -> str:
    """`Ask Agora for 30,000 viewers at once, ...`: what the best vendor, and the best that can be
    bought from, are to reserve."""
    say = view.words
    sentences: list[str] = []
    for one in told:
        like = view.is_archetype(one.vendor)
        wanted = [_in_words(view, a) for a in one.asks[:3]]
        if wanted and not (like and sentences):
            sentences.append(
                say(
                    "request-like" if like else "request",
                    vendor=view.names[one.vendor],
                    wanted=say.listed(wanted),
                )
            )
        if not like:
            break
    return say.paragraph(sentences)


def _in_words(view: View, ask: Ask) -> str:
    """`1,560 joins a second (26 without incidents)`."""
    number = view.words(f"request-{ask.what}", number=ask.p95)
    return view.words("request-calm", number=number, calm=ask.calm) if ask.calm else number


def _asked(view: View, vendor: str, rows: pd.DataFrame) -> Asked:
    profile = view.profile(vendor)
    whole = rows[rows["of"] == ""]
    alone = list(profile.serves) if profile is not None and len(profile.serves) == 1 else []
    apart = rows[(rows["of"] != "") & ~rows["of"].isin(alone)].sort_values("of", kind="stable")
    parts = [
        (view.words("request-part", part=str(row["of"]), what=view.words(f"ask-{row['what']}")),
         _ask(view, row))
        for _, row in apart.iterrows()
    ]  # fmt: skip
    return Asked(vendor, view.marked(vendor), list(_of_the_whole(view, whole, profile)), parts)


def _of_the_whole(view: View, whole: pd.DataFrame, profile: Vendor | None) -> Iterator[Ask]:
    for what in ASKED:
        tens = whole.loc[whole["what"] == f"{what}_10s", "p95"]
        for _, row in whole[whole["what"] == what].iterrows():
            over_tens = float(tens.iloc[0]) if len(tens) else None
            yield _ask(view, row, _ceiling(what, profile), over_tens)


def _ask(
    view: View, row: pd.Series, ceiling: float | None = None, tens: float | None = None
) -> Ask:
    say, what = view.words, str(row["what"])
    how: Writer = say.people if what in PEOPLE else say.money if what in AMOUNTS else say.number
    p95 = float(row["p95"])
    shown, calm = say.up(p95, how), say.up(float(row.get("calm_p95", p95)), how)
    low = ceiling is not None and ceiling < p95 * (1 - NOISE)
    return Ask(
        what=what,
        p50=say.up(float(row["p50"]), how),
        p95=shown,
        beyond=bool(row["beyond"]),
        limit=say.down(ceiling, how) if ceiling is not None and low else "",
        calm=calm if calm != shown else "",
        tens=say.up(tens, how) if tens is not None else "",
    )


def _ceiling(what: str, profile: Vendor | None) -> float | None:
    """The vendor's lowest limit on what is asked, where one number holds for all of it.

    A fleet counts with the nodes it has when the show begins; how it grows is not a number.
    """
    if profile is None or len(profile.paths) > 1 or len(profile.serves) > 1:
        return None
    limits, fleet = profile.limits, profile.path.fleet
    nodes = 0 if fleet is None or fleet.scaling else fleet.nodes if fleet.cascades else 1
    caps: dict[str, list[tuple[Quantity | None, float]]] = {
        "peak_concurrency": [
            (limits.sessions, 1), (limits.room_viewers, 1), (limits.node_viewers, nodes)
        ],
        "joins_per_s": [(limits.joins_per_s, 1)],
        "token_calls_per_s": [(limits.token_calls_per_s, 1)],
        "egress_gbps": [
            (limits.egress_mbps, 1e-3), (limits.account_mbps, 1e-3),
            (fleet.node_mbps if fleet else None, nodes * 1e-3),
        ],
    }  # fmt: skip
    found = caps.get(what, [])
    return min((q.value * size for q, size in found if q is not None and size > 0), default=None)
