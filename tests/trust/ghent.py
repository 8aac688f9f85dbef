"""The fixed-bitrate player over the 40 recorded 4G links of Ghent, against a table made elsewhere.

The reference player was written apart from this program: one bitrate, B seconds of media at the
start, resumes at 0.5 s from where it stopped, never catches up; each log on a grid of whole seconds
(sample and hold), cut into sessions of 120 s end to end, 130 in all.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from sim.api import simulate
from sim.draws import Cause, pairs
from sim.network.traces import sabre_trace
from sim.scenario.compose import load_scenario
from tests.trust.row import Row

SESSION_S = 120
BUFFERS_S = (0.4, 1.0, 2.0, 4.0)
PUBLISHED = {
    1.0: ((49, 1.01), (78, 0.74), (85, 0.56), (95, 0.37)),
    2.0: ((45, 1.14), (76, 0.84), (85, 0.64), (92, 0.43)),
    2.5: ((44, 1.20), (73, 0.90), (84, 0.69), (92, 0.47)),
    4.0: ((42, 1.43), (68, 1.13), (81, 0.87), (89, 0.58)),
}
"""Mbps -> for each buffer the share of sessions without a freeze and of the time frozen, in %."""

SOURCE = "a fluid player written apart from this program, on the logs of van der Hooft et al. 2016"
COMMAND = "python -m tests.trust --data FOLDER"
ARCHIVE = Path("net") / "sabre_norway3g_ghent4g.tar.gz"

VIEWERS = 2200
"""So many choose among the sessions by their keys that each is met at least once."""


def rows(data: Path, bitrates: Sequence[float] = tuple(PUBLISHED)) -> Iterator[Row]:
    """Both figures of each bitrate's four cells; `data` is the folder of recorded inputs. No logs:
    nan."""
    found = figures(data / ARCHIVE, bitrates) if (data / ARCHIVE).is_file() else {}
    for k, (of, within) in enumerate((("sessions without a freeze", 1.0), ("time frozen", 0.05))):
        for mbps in bitrates:
            for buffer_s, cell in zip(BUFFERS_S, PUBLISHED[mbps], strict=True):
                ours = found[mbps, buffer_s][k] if found else float("nan")
                yield Row(of=of, where=f"{mbps:g} Mbps, {buffer_s:g} s of buffer", unit="%",
                          expected=cell[k], ours=ours, low=ours, high=ours, kind="verified",
                          source=SOURCE, command=COMMAND, within=within)  # fmt: skip


def figures(
    archive: Path, bitrates: Sequence[float]
) -> dict[tuple[float, float], tuple[float, float]]:
    """(Mbps, buffer in s) -> sessions without a freeze and time frozen, in %."""
    found = {}
    with TemporaryDirectory() as folder:
        viewers = write_traces(sessions(archive), Path(folder))
        for mbps in bitrates:
            for buffer_s in BUFFERS_S:
                each_s = frozen_s(Path(folder), viewers, mbps, buffer_s)
                shares = (each_s == 0).mean(), each_s.mean() / SESSION_S
                found[mbps, buffer_s] = 100 * float(shares[0]), 100 * float(shares[1])
    return found


def sessions(archive: Path) -> NDArray[np.float64]:
    """Mbps (session, second) of the logs in the order of their names."""
    held = []
    with tarfile.open(archive) as tar:
        names = sorted(n for n in tar.getnames() if n.startswith("4Glogs/") and n.endswith(".json"))
        for name in names:
            log = tar.extractfile(name)
            assert log is not None
            duration_s, mbps = sabre_trace(json.load(log), name)
            end_s = np.cumsum(duration_s)
            second = mbps[np.searchsorted(end_s, np.arange(int(end_s[-1])), side="right")]
            whole = len(second) // SESSION_S * SESSION_S
            held.append(second[:whole].reshape(-1, SESSION_S))
    return np.concatenate(held)


def write_traces(links: NDArray[np.float64], folder: Path) -> NDArray[np.int64]:
    """One trace a session; returns the number (j) of the viewer who lives through each.

    A viewer meets a trace by their keys and enters it at an offset of their own, and a trace starts
    over: so each session is turned until its beginning stands at the offset of one who meets it.
    """
    which, offset = pairs(1, 0, Cause.LINK, -1, np.arange(VIEWERS)).T
    meets, viewer = np.unique((which * len(links)).astype(int), return_index=True)
    assert len(meets) == len(links), "a session that nobody meets: VIEWERS must be larger"
    for k, turn_s in zip(meets, offset[viewer] * SESSION_S, strict=True):
        whole, part = divmod(float(turn_s), 1.0)
        mbps = np.roll(links[k], int(whole)).tolist()
        lines = [f"0,{mbps[-1]!r}", *(f"{s + part!r},{rate!r}" for s, rate in enumerate(mbps))]
        text = "\n".join(["time_s,mbps", *lines, f"{SESSION_S},0"])
        (folder / f"{k:03}.csv").write_text(text + "\n", encoding="utf-8")
    return np.asarray(viewer)


def frozen_s(
    traces: Path, viewers: NDArray[np.int64], mbps: float, buffer_s: float
) -> NDArray[np.float64]:
    """Seconds frozen of each session with this bitrate and buffer."""
    night = simulate(
        load_scenario(
            "experiment=lagging_player",
            "seed=1",
            "replications=1",
            "network=replay",
            f"network.traces={traces}",
            f"promotion.peak_viewers={VIEWERS + 300}",  # a Poisson count: at least VIEWERS come
            f"vendors.big_name.paths.cdn.bitrate_mbps={mbps}",
            f"vendors.big_name.paths.cdn.delay_s={buffer_s}",
        )
    )
    there = night.sessions[night.sessions["bin"] == -1].set_index("j").loc[viewers]
    whole_s = (there["play_s"] + there["frozen_s"]).to_numpy()
    assert np.allclose(whole_s, SESSION_S), "somebody did not stay"
    return there["frozen_s"].to_numpy()
