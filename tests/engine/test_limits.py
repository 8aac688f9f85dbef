"""Each limit alone: what it does to whom, under each of its policies, and nothing when lifted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.commerce import worlds
from sim.engine import run
from sim.record import Reason, Run, State
from sim.scenario import ScenarioError
from sim.scenario.limits import LIMIT_NAMES, Limit
from sim.scenario.model import Device
from tests.engine.nights import CDN, FLV, LAYERED, RAW, STEADY, night, run_once, same

B = "++vendors.budget."
VIEWERS = 300
MBPS = 2.0 * 1.06
"""What one viewer of the small night takes on the wire."""

PEAK = f"promotion.peak_viewers={VIEWERS}"
FLASH = (PEAK, "promotion.concurrency=[[0,0.1],[60,0.1],[90,1],[300,1]]")
STAYING = (
    "audience.stay={bouncer_share: 0, bouncer_mean_s: 1, stayer_mean_s: 1e8, stayer_sigma_ln: 0.1}",
    "promotion.concurrency=[[0,0.1],[200,1],[300,1]]",
    PEAK,
)
"""A steady ramp of people who stay to the end."""

PATIENT = (
    "audience.patience={free_s: 100, left_by: [[200, 0.5]]}",
    "audience.retry.backoff_s=[5,5,5,5,5,5,5,5,5,5,5,5]",
)
CUT_OFF = (f"{B}policy.account_mbps=cut_off", f"{B}policy.package=cut_off", f"{B}policy.ghost_s=0")

ALONE: dict[str, tuple[Limit, tuple[str, ...]]] = {
    "token calls": (Limit.TOKENS, (f"{B}limits.token_calls_per_s=3",)),
    "the room": (Limit.ROOM, (f"{B}limits.room_viewers=200",)),
    "the buyer's own joins": (Limit.OWN_JOINS, (f"{B}own.joins_per_s=3",)),
    "the account": (Limit.ACCOUNT, (f"{B}limits.account_mbps=300", f"{B}policy.scan_s=10")),
    "the account, cut off": (
        Limit.ACCOUNT,
        (f"{B}limits.account_mbps=300", f"{B}policy.scan_s=10", *CUT_OFF),
    ),
    "a package of minutes": (Limit.PACKAGE, (f"{B}limits.package_minutes=300",)),
    "a package of GB": (Limit.PACKAGE, (f"{B}limits.package_gb=4",)),
    "a package of GB, cut off": (Limit.PACKAGE, (f"{B}limits.package_gb=4", *CUT_OFF)),
}


def bound(run: Run) -> set[str]:
    """Names of the limits that bound."""
    head = "binding_limit_s."
    return {key.removeprefix(head) for key in run.facts if key.startswith(head)}


def other_lives(a: Run, b: Run, *but: str) -> list[str]:
    """Columns of the sessions in which two runs differ by more than rounding."""
    names = [k for k in a.sessions.dtype.names or () if k not in but]
    return [k for k in names if not np.allclose(a.sessions[k], b.sessions[k], equal_nan=True)]


def joins(run: Run) -> NDArray[np.float64]:
    """Joins in each ten seconds."""
    return run.series["joins"].to_numpy()


def usage(run: Run, meter: str) -> float:
    return float(run.usage.loc[run.usage["meter"] == meter, "value"].sum())


@pytest.mark.parametrize(("code", "limit"), ALONE.values(), ids=ALONE.keys())
def test_each_limit_alone_binds_and_harms_viewers_it_keeps_out(
    code: Limit, limit: tuple[str, ...]
) -> None:
    """Lifted, it harms nobody."""
    scenario = night(*FLASH, "promotion.orders_per_view=5", *limit)
    bad = run_once(scenario)
    assert bound(bad) == {LIMIT_NAMES[code]}
    s = bad.sessions
    out = np.isin(s["reason"], (Reason.REFUSED, Reason.CUT_OFF))
    assert out.sum() > 20
    assert (s["harm"][out] == code).mean() > 0.95, "a bad link may have cost some of them more"
    lost = bad.orders[out[bad.orders["viewer"]] & (bad.orders["state"] == State.GONE)]
    assert len(lost) > 20 and (lost["limit"] == code).all()

    name, vendor = next(iter(scenario.vendors.items()))
    free = run(scenario, worlds(vendor)["vendor"], 0, world="vendor", name=name)
    assert bound(free) == set() and not np.isin(free.sessions["harm"], code).any()
    assert free.sessions["failed"].sum() == 0 == free.sessions["cuts"].sum()


SHARED = {name: limit for name, (_, limit) in ALONE.items() if "cut off" not in name}


@pytest.mark.parametrize("limit", SHARED.values(), ids=SHARED.keys())
def test_a_sample_meets_a_limit_of_its_own_size(limit: tuple[str, ...]) -> None:
    def times_ten(key: str) -> str:
        name, _, value = key.partition("=")
        return key if "policy" in name else f"{name}={float(value) * 10}"

    def refused(sample: float) -> float:
        keys = (*FLASH, *map(times_ten, limit), f"promotion.peak_viewers={10 * VIEWERS}")
        r = run_once(night(*keys, f"audience.sample={sample}"))
        return float((r.sessions["reason"] == Reason.REFUSED).sum() * r.weight)

    assert refused(0.25) == pytest.approx(refused(1.0), rel=0.15)


# --- token calls, and the buyer's own backend -----------------------------------------------------


@pytest.mark.parametrize("key", ["limits.token_calls_per_s", "own.joins_per_s"])
def test_no_more_get_in_than_calls_are_answered(key: str) -> None:
    r = run_once(night(*FLASH, f"{B}{key}=3"))
    assert r.series["attempts"].max() > 100
    assert joins(r).max() == pytest.approx(30 + 3, abs=3)


@pytest.mark.parametrize(
    "gate", [("limits.token_calls_per_s", "policy.token_calls_per_s"),
             ("own.joins_per_s", "own.policy")], ids=["tokens", "own"],
)  # fmt: skip
def test_waiting_room_refuses_nobody_and_uses_its_full_rate(
    gate: tuple[str, str],
) -> None:
    r = run_once(night(*FLASH, f"{B}{gate[0]}=3", f"{B}{gate[1]}=queue"))
    assert (r.sessions["failed"] == 0).all()
    assert joins(r)[7:9].tolist() == [30, 30]


def test_every_attempt_takes_a_token_even_if_then_refused() -> None:
    """The gate behind it lets one in a second; of three calls a second two or more are wasted."""
    keys = (f"{B}limits.token_calls_per_s=3", f"{B}limits.joins_per_s=1")
    r = run_once(night(*FLASH, *keys, f"{B}policy.token_calls_per_s=queue"))
    assert 5 < joins(r)[8] <= 10
    calls = r.series["joins"] + r.series["refusals"]
    assert calls[7] == pytest.approx(30, abs=1)


def test_attempt_asks_the_own_backend_once_even_if_it_overflows() -> None:
    """Everybody goes on to the second path: three a second get there, not one and a half."""
    keys = ("vendors.hybrid.paths.rtc.takes=everyone", "vendors.hybrid.limits.sessions=0.5")
    own = ("++vendors.hybrid.own.joins_per_s=3", "++vendors.hybrid.own.policy=queue")
    r = run_once(night("vendors=[hybrid]", *FLASH, *keys, *own))
    assert joins(r)[7:9].tolist() == [30, 30]
    assert (r.sessions["failed"] == 0).all()


def test_more_of_the_vendor_does_not_relieve_the_own_backend() -> None:
    own = f"{B}own.joins_per_s=3"
    little = run_once(night(*FLASH, own, f"{B}limits.sessions=280"))
    plenty = run_once(night(*FLASH, own))
    assert little.sessions.tobytes() == plenty.sessions.tobytes()


# --- the audience of a room -----------------------------------------------------------------------

TWO_REGIONS = (
    "~vendors.budget.serves.cn",
    "+vendors.budget.serves.a=[east,south]",
    "+vendors.budget.serves.b=[north,west]",
)


def test_a_room_is_full_whatever_the_region() -> None:
    room = run_once(night(PEAK, f"{B}limits.room_viewers=200", *TWO_REGIONS))
    assert usage(room, "peak_connections") >= 200  # the regions' own maxima
    series = room.series
    inside = series["starting"] + series["watching"] + series["stalled"]
    assert 190 < inside.max() <= 200
    each = run_once(night(PEAK, f"{B}limits.sessions=200", *TWO_REGIONS))
    assert bound(each) == set(), "a quota of a region is shared with no other"


def test_what_overflows_a_room_is_on_the_second_path() -> None:
    keys = ("vendors=[hybrid]", "vendors.hybrid.paths.rtc.takes=everyone")
    full = ("++vendors.hybrid.limits.room_viewers=100",
            "++vendors.hybrid.policy.room_viewers=overflow")  # fmt: skip
    r = run_once(night(*STEADY, *keys, *full))
    on = r.usage[r.usage["meter"] == "peak_connections"].set_index("path")["value"]
    assert on.to_dict() == {"rtc": 100, "cdn": len(r.sessions) - 100}
    assert (r.sessions["failed"] == 0).all()


def test_each_path_has_a_room_of_its_own() -> None:
    keys = ("vendors=[hybrid]", "vendors.hybrid.paths.rtc.takes=everyone")
    full = ("++vendors.hybrid.limits.room_viewers=60",
            "++vendors.hybrid.policy.room_viewers=overflow", f"{CDN}limits.room_viewers=70",
            f"{CDN}policy.room_viewers=queue")  # fmt: skip
    r = run_once(night(*STEADY, *keys, *full))
    on = r.usage[r.usage["meter"] == "peak_connections"].set_index("path")["value"]
    assert on.to_dict() == {"rtc": 60, "cdn": 70}


# --- the account ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scan_s", [1, 30])
def test_account_read_over_its_cap_takes_no_new_viewer(
    scan_s: int,
) -> None:
    """It keeps the viewers it has."""
    cap = 300.0
    r = run_once(
        night(*STAYING, f"{B}limits.account_mbps={cap}", f"{B}policy.scan_s={scan_s}",
              "audience.stall_patience_mean_s=null")
    )  # fmt: skip
    s = r.sessions
    wire = r.series["wire_mbps"].to_numpy()
    refused = s["reason"] == Reason.REFUSED
    over_s = np.ceil(s["arrival_s"][refused].min() / scan_s - 1) * scan_s
    assert (s["cuts"] == 0).all()
    assert ((s["arrival_s"] < over_s) != refused)[s["reason"] != Reason.GAVE_UP_WAITING].all()
    came_per_s = len(s) * 0.9 / 200
    late = came_per_s * MBPS * (scan_s + 1)  # the reading is a mean of what has passed
    assert cap < wire[-1] < cap + 2 * late


def test_who_leaves_makes_room_in_the_account_again() -> None:
    r = run_once(night(PEAK, f"{B}limits.account_mbps=400"))
    wire = r.series["wire_mbps"].to_numpy()
    assert (joins(r)[15:].reshape(5, 3).sum(axis=1) > 0).all()
    assert wire[15:].mean() == pytest.approx(400, rel=0.03)


def test_all_paths_count_together_in_the_account() -> None:
    keys = ("vendors=[hybrid]", "vendors.hybrid.paths.rtc.takes=everyone",
            "vendors.hybrid.limits.sessions=100")  # fmt: skip
    free = run_once(night("promotion.peak_viewers=300", *keys))
    on = free.usage[free.usage["meter"] == "wire_mbps"].groupby(["path", "time_s"])["value"].sum()
    most = float(on.groupby("path").max().max())
    r = run_once(night("promotion.peak_viewers=300", *keys,
                       f"++vendors.hybrid.limits.account_mbps={most * 1.05}"))  # fmt: skip
    assert bound(r) >= {"account_mbps"}, "either path alone stays below it"


def test_cut_off_at_the_scan_hits_everybody_and_ends_as_stated() -> None:
    cut = (f"{B}policy.scan_s=20", f"{B}policy.cut_off_s=45", *CUT_OFF)
    r = run_once(night(*STEADY, f"{B}limits.account_mbps=100", *cut,
                       *PATIENT))  # fmt: skip
    n = len(r.sessions)
    # Read at 20, 80, 140, 200 and 260: back at 65, 125, 185 and 245, and over again.
    assert (r.sessions["cuts"] == 5).all()
    wire = r.series["wire_mbps"].to_numpy()
    assert wire[:2] == pytest.approx([n * MBPS, n * MBPS]) and (wire[2:6] == 0).all()
    assert wire[7] > 0.9 * n * MBPS and (wire[8:12] == 0).all()
    assert r.facts["binding_limit_s.account_mbps"] == 4 * 45 + 40


def test_without_an_end_a_cut_off_lasts_to_the_end_of_the_show() -> None:
    r = run_once(night(*STEADY, f"{B}limits.account_mbps=100", f"{B}policy.scan_s=60", *CUT_OFF))
    assert (r.sessions["cuts"] == 1).all()
    assert (r.sessions["reason"] == Reason.CUT_OFF).all()
    assert (r.series["wire_mbps"][6:] == 0).all()
    assert r.facts["binding_limit_s.account_mbps"] == 240


def test_those_cut_off_leave_ghosts_that_keep_their_places() -> None:
    def back(ghost_s: float) -> float:
        keys = (f"{B}limits.account_mbps=100", f"{B}policy.scan_s=150", *CUT_OFF[:2],
                f"{B}policy.ghost_s={ghost_s}", f"{B}policy.cut_off_s=1",
                f"{B}limits.sessions=220")  # fmt: skip
        r = run_once(night(*STEADY, *keys))
        return float((r.sessions["reason"] != Reason.CUT_OFF).mean())

    assert back(0) > 0.9 and back(100) < 0.2


# --- a package ------------------------------------------------------------------------------------

PACKAGES = {
    "minutes": ("package_minutes", 1 / 60, "viewer_minutes"),
    "GB": ("package_gb", MBPS / 8e3, "egress_gb"),
}


@pytest.mark.parametrize(("key", "a_second", "meter"), PACKAGES.values(), ids=PACKAGES.keys())
@pytest.mark.parametrize("second", [90, 150])
def test_a_package_ends_in_the_second_in_which_it_is_used_up(
    key: str, a_second: float, meter: str, second: int
) -> None:
    n = len(run_once(night(*STEADY)).sessions)
    package = n * a_second * (second - 0.5)
    r = run_once(night(*STEADY, f"{B}limits.{key}={package}", *CUT_OFF))
    assert (r.sessions["cuts"] == 1).all()
    assert r.sessions["play_s"] == pytest.approx(np.full(n, second))
    assert usage(r, meter) == pytest.approx(n * a_second * second)
    kept = run_once(night(*STEADY, f"{B}limits.{key}={package}"))
    assert (kept.sessions["cuts"] == 0).all(), "refused are new ones only, and nobody comes"
    assert usage(kept, meter) == pytest.approx(n * a_second * 300)


@pytest.mark.parametrize("path", [(), FLV, LAYERED], ids=["udp", "tcp", "layers"])
def test_package_counts_what_is_billed_even_on_a_short_node(
    path: tuple[str, ...],
) -> None:
    """It is looked at each second: the bill is the package and no more than a second's traffic."""
    mbps = VIEWERS * MBPS * 0.6
    keys = (PEAK, *path, f"vendors.budget.limits.egress_mbps={mbps}", *CUT_OFF)
    r = run_once(night(*keys, f"{B}limits.package_gb=3"))
    assert bound(r) >= {"egress_vendor", "package"}
    assert 3 < usage(r, "egress_gb") < 3 + mbps / 8e3


def test_after_each_cut_off_there_is_another_package_as_large() -> None:
    n = len(run_once(night(*STEADY)).sessions)
    r = run_once(
        night(*STEADY, f"{B}limits.package_minutes={n * 79.5 / 60}", f"{B}policy.cut_off_s=0.5",
              *CUT_OFF, *PATIENT)
    )  # fmt: skip
    # Away for some five seconds, so cut off at 80, 165 and 250.
    assert (r.sessions["cuts"] == 3).all()
    assert 3 * n * 79.5 < usage(r, "viewer_minutes") * 60 < 4 * n * 79.5


def test_used_up_package_refuses_all_new_viewers_from_then_on() -> None:
    r = run_once(night(*FLASH, f"{B}limits.package_minutes=200"))
    after = int(np.flatnonzero(r.series["refusals"].to_numpy() > 0)[0])
    assert (joins(r)[after + 1 :] == 0).all() and joins(r)[after - 1] > 0
    assert r.series["watching"].iloc[-1] > 0


# --- transcodes -----------------------------------------------------------------------------------

TRANSCODES = f"{B}limits.transcodes="


def links(mbps: float) -> str:
    """Every link of the steady night carries so much."""
    return f"network.classes.home.mean_mbps={{median: {mbps}, sigma_ln: 0}}"


@pytest.mark.parametrize("path", [LAYERED, (*FLV, LAYERED[0])], ids=["rtc", "flv"])
def test_where_none_may_run_layers_are_as_good_as_none(path: tuple[str, ...]) -> None:
    keys = (PEAK, "network=mobile")
    none = run_once(night(*keys, *path, f"{TRANSCODES}0"))
    one = run_once(night(*keys, *(path[:1] if path[0] == FLV[0] else ())))
    whole = run_once(night(*keys, *path))
    forced = none.sessions["harm"] == Limit.TRANSCODES
    assert forced.sum() > 0 and (one.sessions["harm"][forced] == Limit.LINK).all()
    assert other_lives(none, one, "harm") == []
    assert bound(none) == {"transcodes"} and bound(whole) == set()


def test_missing_transcode_is_to_blame_for_a_weak_links_freeze() -> None:
    """Links of 1 Mbps, of which FLV gets 0.92: 0.8 would fit, the host's 2.0 don't."""
    keys = (*STEADY, *FLV, LAYERED[0], links(1.0), "promotion.orders_per_view=20")
    bad, good = (run_once(night(*keys, f"{TRANSCODES}{k}")) for k in (0, 1))
    s = bad.sessions
    assert (s["frozen_s"] / (s["frozen_s"] + s["play_s"])).mean() == pytest.approx(
        1 - 0.92 / 2.0, abs=0.01
    )
    assert (s["harm"] == Limit.TRANSCODES).all()
    frozen = bad.orders[bad.orders["state"] == State.STALLED]
    assert len(frozen) > 100 and (frozen["limit"] == Limit.TRANSCODES).all()
    assert good.sessions["frozen_s"].sum() == 0 and bound(good) == set()


def test_where_no_picture_would_fit_it_is_the_links_own_fault() -> None:
    r = run_once(night(*STEADY, *FLV, LAYERED[0], links(0.25), f"{TRANSCODES}0"))
    assert (r.sessions["harm"] == Limit.LINK).all()


def test_good_link_gets_a_better_picture_and_the_vendor_bills_it() -> None:
    """Half the devices show 360 lines, half 180; one picture is made, the better of the two."""
    half = Device(share=0.5, top_mbps=2)

    def on_small_screens(*keys: str) -> Run:
        scenario = night(*STEADY, *LAYERED, *keys)
        who = scenario.audience.model_copy(update={"devices": {"360": half, "180": half}})
        return run_once(scenario.model_copy(update={"audience": who}))

    one, whole = on_small_screens(f"{TRANSCODES}1"), on_small_screens()
    hd = one.sessions["hd_s"] > 0
    assert 0.3 < hd.mean() < 0.7 and (whole.sessions["hd_s"] == 0).all()
    assert one.sessions["frozen_s"].sum() == 0
    n, n_hd = len(hd), hd.sum()
    gb = 300 * 1.06 / 8e3
    assert usage(whole, "egress_gb") == pytest.approx(((n - n_hd) * 0.8 + n_hd * 0.3) * gb)
    assert usage(one, "egress_gb") == pytest.approx(((n - n_hd) * 0.8 + n_hd * 2.0) * gb)
    assert one.facts["binding_limit_s.transcodes"] == 300


def test_hosts_bitrate_fills_a_node_past_the_transcode_cap() -> None:
    """Lower pictures would fit it far better."""
    short = f"vendors.budget.limits.egress_mbps={VIEWERS * MBPS * 0.5}"
    keys = (PEAK, *FLV, LAYERED[0], short)
    some, none = (run_once(night(*keys, *k)).sessions for k in ((), (f"{TRANSCODES}0",)))
    assert none["frozen_s"].sum() > 20 * some["frozen_s"].sum()


def test_enough_transcodes_are_as_good_as_no_limit() -> None:
    keys = (PEAK, *LAYERED, "network=mobile")
    assert same(run_once(night(*keys, f"{TRANSCODES}2")), run_once(night(*keys))) == []


def test_a_sample_meets_as_many_pictures_as_the_whole() -> None:
    """A quarter of one transcode would be none."""
    keys = (*STEADY, *FLV, LAYERED[0], links(1.0), f"{TRANSCODES}1")
    assert run_once(night(*keys, "audience.sample=0.25")).sessions["frozen_s"].sum() == 0


# --- messages -------------------------------------------------------------------------------------

MESSAGES = f"{B}limits.messages_per_s="
WISHES = "promotion.orders_per_view=10"
CHAT = "audience.chat={{shown_per_s: {}, batch_s: {}, message_bytes: 200}}"


@pytest.mark.parametrize("over", [1.1, 1.5, 4.0])
def test_orders_are_as_late_as_cards_and_lost_after_the_show(over: float) -> None:
    """All stay: of x times the limit x - 1 wait longer each second, from the first on."""
    n = len(run_once(night(*STEADY)).sessions)
    r = run_once(night(*STEADY, RAW, WISHES, f"{MESSAGES}{0.005 * n / over}"))
    sent_s = r.orders["time_s"]
    late_s = (over - 1) * np.maximum(sent_s - 1, 0)
    bought = sent_s + late_s <= 300
    assert 100 < bought.sum() < len(bought) - 100
    assert ((r.orders["state"] == State.PLAYING) == bought).all()
    assert (r.orders["limit"][~bought] == Limit.MESSAGES).all()
    assert bound(r) == {"messages_per_s"}


def test_leaving_before_late_card_loses_order() -> None:
    """What anybody watches stays the same."""
    keys = (PEAK, RAW, WISHES)
    free, late = run_once(night(*keys)), run_once(night(*keys, f"{MESSAGES}1"))
    assert other_lives(free, late) == []
    lost = (free.orders["state"] == State.PLAYING) & (late.orders["state"] == State.GONE)
    assert lost.mean() > 0.1
    assert (late.orders["limit"][lost] == Limit.MESSAGES).all()
    kept = late.orders["state"] == State.PLAYING
    assert kept.any() and (free.orders["state"][kept] != State.GONE).all()


def test_a_room_that_carries_its_chat_delays_nothing() -> None:
    keys = (PEAK, WISHES)
    assert same(run_once(night(*keys, f"{MESSAGES}3")), run_once(night(*keys))) == []


def test_those_on_both_paths_chat_in_one_room() -> None:
    keys = ("vendors=[hybrid]", *STEADY, RAW, "vendors.hybrid.paths.rtc.takes=everyone",
            "vendors.hybrid.limits.sessions=100")  # fmt: skip
    n = len(run_once(night(*keys)).sessions)
    for share, binds in ((1.01, set()), (0.99, {"messages_per_s"})):
        r = run_once(night(*keys, f"++vendors.hybrid.limits.messages_per_s={0.005 * n * share}"))
        assert bound(r) - {"sessions"} == binds


@pytest.mark.parametrize(
    ("chat", "limit_per_s", "binds"),
    [
        (RAW, 1.2, True),  # 400 viewers write 2 lines a second
        (CHAT.format(1, 0), 1.01, False),  # of which the app shows one
        (CHAT.format(1, 0), 0.99, True),
        (CHAT.format("null", 4), 0.26, False),  # or sends all of them every four seconds
        (CHAT.format("null", 4), 0.24, True),
        (CHAT.format(1, 0.5), 1.01, False),  # what is sampled away needs no batch
    ],
)
@pytest.mark.parametrize("sample", [1.0, 0.5])
def test_what_the_app_samples_and_batches_is_no_load(
    chat: str, limit_per_s: float, binds: bool, sample: float
) -> None:
    keys = (
        "promotion.peak_viewers=400",
        "promotion.orders_per_view=1",
        f"audience.sample={sample}",
    )
    assert (bound(run_once(night(*keys, chat, f"{MESSAGES}{limit_per_s}"))) != set()) == binds


def test_a_sample_chats_in_a_room_of_its_own_size() -> None:
    def lost(sample: float) -> float:
        keys = ("promotion.peak_viewers=2000", "promotion.orders_per_view=1", RAW, f"{MESSAGES}8")
        r = run_once(night(*keys, f"audience.sample={sample}"))
        return float((r.orders["limit"] == Limit.MESSAGES).mean())

    assert lost(0.25) == pytest.approx(lost(1.0), rel=0.1) and lost(1.0) > 0.1


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["account_mbps", "package_minutes", "package_gb", "messages_per_s"])
def test_what_holds_for_all_paths_is_refused_under_one_of_them(key: str) -> None:
    with pytest.raises(ScenarioError, match=rf"paths\.cdn\.limits\.{key} holds for all paths"):
        night("vendors=[hybrid]", f"{CDN}limits.{key}=5")


@pytest.mark.parametrize("key", ["token_calls_per_s", "room_viewers"])
def test_there_is_nowhere_to_overflow_to_from_the_last_path(key: str) -> None:
    with pytest.raises(ScenarioError, match=rf"policy\.{key} is overflow, and there is no path"):
        night(f"{B}policy.{key}=overflow")


def test_a_path_of_one_bitrate_has_nothing_to_transcode() -> None:
    with pytest.raises(ScenarioError, match=r"limits\.transcodes is 3, and path rtc has no layers"):
        night(f"{TRANSCODES}3")
