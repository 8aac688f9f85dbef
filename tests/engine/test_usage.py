"""What a night leaves for the bill beside minutes and traffic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine.meters import BOOK, together, totals
from sim.record import Reason, Run
from tests.engine.nights import FLV, LAYERED, RAW, STEADY, breaks, night, run_once

GHOST = "++vendors.budget.policy.ghost_s="
ON_FLV = tuple(layer.replace("react_s=0.3", "react_s=null") for layer in LAYERED)


def of(run: Run, meter: str) -> pd.DataFrame:
    return run.usage[run.usage["meter"] == meter]


def value(run: Run, meter: str) -> float:
    return float(of(run, meter)["value"].sum())


def test_every_connections_last_minute_is_a_whole_one() -> None:
    whole = run_once(night(*STEADY))  # all of them from the first second to the last, 300 s
    assert (
        value(whole, "connection_minutes") == 5 * value(whole, "users") == 5 * len(whole.sessions)
    )
    longer = run_once(night(*STEADY, "promotion.duration_s=301"))
    assert value(longer, "connection_minutes") == 6 * value(longer, "users")
    assert value(longer, "viewer_minutes") == pytest.approx(301 / 60 * value(longer, "users"))


def test_rounding_adds_half_a_minute_to_an_average_connection() -> None:
    """Minutes of users lie between those of viewers and of connections."""
    r = run_once(night("promotion.peak_viewers=400"))
    added = value(r, "connection_minutes") - value(r, "viewer_minutes")
    assert 0.4 * value(r, "joins") < added < 0.6 * value(r, "joins")
    s = r.sessions
    inside_s = s["play_s"] + s["frozen_s"] + s["starting_s"]
    assert value(r, "users") == (inside_s > 0).sum()
    assert value(r, "user_minutes") == np.ceil(np.round(inside_s, 6) / 60).sum()
    assert value(r, "viewer_minutes") < value(r, "user_minutes") <= value(r, "connection_minutes")


def test_who_was_cut_off_has_two_connections_and_is_one_user() -> None:
    cut = run_once(night(*STEADY, breaks("region cn 100 100.1 0")))
    gone = (cut.sessions["reason"] == Reason.CUT_OFF).sum()  # after one connection of 100 s
    back = len(cut.sessions) - gone
    assert back > 10 * gone > 0
    # two connections of half the night each, less the way back: 3 + 3 minutes, or 5 as one user
    assert value(cut, "connection_minutes") == 6 * back + 2 * gone
    assert value(cut, "user_minutes") == 5 * back + 2 * gone


def test_connection_has_its_paths_class_if_it_has_one_picture() -> None:
    assert list(of(run_once(night(*STEADY)), "connection_minutes")["class"]) == ["hd"]
    assert list(of(run_once(night(*STEADY, *LAYERED)), "connection_minutes")["class"]) == [""]


def test_a_ghost_lasts_as_long_as_the_vendor_takes_to_notice() -> None:
    cut = run_once(night(*STEADY, breaks("region cn 100 100.1 0"), f"{GHOST}90"))
    assert value(cut, "ghost_minutes") == 1.5 * len(cut.sessions)
    assert value(run_once(night(*STEADY)), "ghost_minutes") == 0


def test_the_show_itself_is_metered_once_whatever_its_audience() -> None:
    few, many = (run_once(night(f"promotion.peak_viewers={n}")) for n in (20, 200))
    for meter in ("ingest_minutes", "ingest_gb", "ingest_mbps", "channels", "events"):
        pd.testing.assert_frame_equal(
            of(few, meter).reset_index(drop=True), of(many, meter).reset_index(drop=True)
        )
    assert value(few, "ingest_minutes") == 5
    assert value(few, "events") == 1
    # what one viewer on a perfect link is sent is what the host sends
    path = night().vendors["budget"].path
    mbps = path.bitrate_mbps.value * (1 + path.overhead.value)
    assert value(few, "ingest_gb") * 8e3 == pytest.approx(300 * mbps)
    assert of(few, "ingest_mbps")["value"].to_numpy() == pytest.approx(np.full(30, mbps))


def test_host_sends_rtc_all_pictures_and_a_cdn_only_the_best() -> None:
    """The CDN makes the rest, as far as they are watched."""
    rtc = run_once(night(*STEADY, *LAYERED))
    path = night(*STEADY, *LAYERED).vendors["budget"].path
    assert value(rtc, "ingest_gb") * 8e3 / 300 == pytest.approx(
        (path.bitrate_mbps.value + 0.8 + 0.3) * (1 + path.overhead.value)
    )
    assert of(rtc, "transcode_minutes").empty
    slow = ("network.classes.home.mean_mbps={median: 1, sigma_ln: 0}",)
    cdn = run_once(night(*STEADY, *FLV, *ON_FLV, *slow))
    assert value(cdn, "ingest_gb") * 8e3 / 300 == pytest.approx(2.0 * 1.06)
    made = of(cdn, "transcode_minutes").set_index("class")["value"]
    assert made.to_dict() == {"sd": 5.0}  # 360 lines watched by all, 180 by nobody


def test_the_host_is_billed_for_what_gets_through() -> None:
    """A fifth for 95 s of 300; the last bin is 5 s long."""
    short = night("promotion.peak_viewers=20", "promotion.duration_s=295",
                  breaks("host_uplink - 205 300 0.2"))  # fmt: skip
    r = run_once(short)
    assert value(r, "ingest_gb") * 8e3 == pytest.approx((295 - 0.8 * 90) * 2.0 * 1.06)
    mbps = of(r, "ingest_mbps")["value"].to_numpy() / (2.0 * 1.06)
    assert mbps[19:22] == pytest.approx([1, 0.6, 0.2])
    assert mbps[-1] == pytest.approx(0.2 / 2)


def test_a_show_across_midnight_sends_on_two_days() -> None:
    r = run_once(night("promotion.peak_viewers=20", "promotion.starts_at=2026-11-10T23:58:00"))
    assert list(of(r, "ingest_minutes")["value"]) == [2, 3]
    assert list(of(r, "ingest_gb")["time_s"]) == [0, 120]


def test_enough_refused_attempts_fail_their_period() -> None:
    closed = ("vendors.budget.limits.sessions=1", "audience.retry.backoff_s=[0,1,1,1,1,1,1]")
    crowd = run_once(night("promotion.peak_viewers=400", *closed))
    assert 0.9 < value(crowd, "failed_periods") <= 1  # one period of five minutes, nearly all
    few = run_once(night("promotion.peak_viewers=4", *closed))
    assert (few.sessions["failed"].sum() > 0) and value(few, "failed_periods") == 0


def test_line_of_chat_is_sent_once_and_delivered_to_all_inside() -> None:
    r = run_once(night(*STEADY, RAW))
    n = len(r.sessions)  # each writes a line every 200 s
    assert value(r, "messages") == pytest.approx(n * 300 / 200 * (1 + n))


def test_only_delivered_messages_grow_with_the_room() -> None:
    """What the app sends, in batches of the lines shown, doesn't."""
    chat = "audience.chat={shown_per_s: 0.5, batch_s: 10, message_bytes: 500}"
    r = run_once(night("promotion.peak_viewers=400", chat))
    # more is written than is shown; five lines of 500 bytes in ten seconds are 3 KB
    minutes = value(r, "viewer_minutes")
    assert value(r, "messages") == pytest.approx(3 * 30 + 3 / 10 * 60 * minutes)


def test_a_sample_is_billed_the_chat_of_the_whole_room() -> None:
    for chat in ((), (RAW,)):
        of = [
            value(run_once(night(*STEADY, *chat, f"audience.sample={s}")), "messages")
            for s in (1, 0.25)
        ]
        assert of[0] == pytest.approx(of[1], rel=0.2)  # of 50 sampled viewers


def test_a_chat_across_midnight_is_of_two_days() -> None:
    r = run_once(night(*STEADY, "promotion.starts_at=2026-11-10T23:58:00"))
    day, next_day = of(r, "messages")["value"]
    assert day / next_day == pytest.approx(2 / 3)


def test_what_is_recorded_is_the_show_in_so_many_files() -> None:
    late = "promotion.starts_at=2026-11-10T23:58:00"
    r = run_once(night("promotion.peak_viewers=20", "promotion.recordings=2", late))
    minutes = of(r, "recording_minutes")
    assert list(minutes["value"]) == [4, 6] and set(minutes["class"]) == {"hd"}
    at_once = of(r, "recordings")
    assert list(at_once["time_s"]) == list(of(r, "channels")["time_s"])
    assert set(at_once["value"]) == {2}


def test_what_is_not_recorded_is_not_metered() -> None:
    r = run_once(night("promotion.peak_viewers=20"))
    assert of(r, "recording_minutes").empty and of(r, "recordings").empty


TERABITS = (
    *STEADY, "network.classes.home.mean_mbps={median: 1e6, sigma_ln: 0}", "engine.check=true",
    "vendors.budget.limits.egress_mbps=null",
)  # fmt: skip


@pytest.mark.parametrize("path", [FLV, ()], ids=["tcp", "udp"])
def test_the_wire_is_counted_past_900_gbps(path: tuple[str, ...]) -> None:
    """200 viewers of 100 Gbps each; the invariants compare the meters with the rows."""
    rate = "vendors.budget.paths.rtc.bitrate_mbps="
    few, many = (run_once(night(*path, *TERABITS, f"{rate}{mbps}")) for mbps in (2, 100_000))
    assert many.series["wire_mbps"].max() > 2e7
    assert value(many, "egress_gb") == pytest.approx(50_000 * value(few, "egress_gb"), rel=1e-6)
    spread = (of(run, "wire_mbps")["value"].to_numpy() for run in (many, few))
    assert next(spread) == pytest.approx(50_000 * next(spread), rel=1e-6)


@given(
    cells=st.lists(
        st.tuples(*[st.integers(-(2**40), 2**50)] * 2, st.integers(0, 2**40)), min_size=1
    )
)
def test_a_sum_of_two_words_is_rounded_once(cells: list[tuple[int, int, int]]) -> None:
    """As exact whole numbers would be, in each bin and over rows in any order; beyond 3,600 Gbps
    in ten seconds (2^65) twice."""
    rows = np.array([cells, cells[::-1]], BOOK)
    exact, full = [], 0
    for part, coarse, step in (np.array(cells, object) + np.array(cells[::-1], object)).tolist():
        full += step
        exact.append(float(part + coarse * 4096 + full * 10_000_000))
    both = totals(together(rows))[0].tolist()
    assert totals(together(rows[::-1])).tolist() == [both]
    assert both == pytest.approx(exact, rel=2**-51, abs=0)
    once = [k for k, whole in enumerate(exact) if whole < 2**65]
    assert [both[k] for k in once] == [exact[k] for k in once]
