"""A kind of study says what to run next and what is told: the pipeline does the rest."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
import yaml

from sim.folder import GATHERED, write_tables
from sim.scenario.compose import CONF, load_scenario
from sim.scenario.model import Scenario, Study
from sim.study import Frames, run_study
from sim.study.kind import Gathered, Kind, Point, Table
from sim.study.kinds import KINDS
from sim.study.kinds.night import NIGHT
from tests.docs.__main__ import ROOT

# --- a search -------------------------------------------------------------------------------------

SESSIONS = 600


def full(so_far: Gathered) -> pd.Series[bool]:
    """By peak, rising: whether the quota of sessions was ever full."""
    rows = so_far.rows("results")
    rows = rows[rows["metric"] == "limit_use.sessions"].set_index("peak_viewers")
    return rows["value"].sort_index() == 1


def bisected(so_far: Gathered) -> list[Point]:
    """Once and four times the scripted peak, then whole times between, until there are none."""
    if not so_far.points:
        return [so_far.scripted, so_far.at(4)]
    ((held, not_held),) = so_far.made(largest).to_numpy()
    between = (held + not_held) // 2 // so_far.scripted_peak
    return [so_far.at(between)]


def largest(so_far: Gathered) -> pd.DataFrame:
    """The largest peak that the quota holds, and the next one that was tried."""
    over = full(so_far)
    return pd.DataFrame(
        {"peak_viewers": [over[~over].index.max()], "next_tried": [over[over].index.min()]}
    )


SEARCH = Kind(
    next_points=bisected,
    tables=(
        *NIGHT.tables,
        Table("largest", "the largest peak that the quota holds", largest, "largest.csv"),
    ),
    sections=("answer",),
)


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Of the largest audience for 600 sessions, from 250 viewers to 1,000."""
    monkeypatch.setitem(KINDS, "search", SEARCH)
    scenario = load_scenario(
        "study=compare", "study.ladder=false", "bands.draws=0", "replications=1",
        "vendors=[budget]", f"vendors.budget.limits.sessions={SESSIONS}",
        "promotion.peak_viewers=250", "promotion.concurrency=[[0,0.5],[60,1],[400,1]]",
        "promotion.duration_s=300", "promotion.drops=[]",
    )  # fmt: skip
    study = scenario.study.model_copy(update={"kind": "search"})
    return scenario.model_copy(update={"study": study})


def test_a_search_asks_in_rounds_and_has_a_file_of_its_own(search: Scenario, tmp_path: Path):
    """Viewers in the room are Poisson: of 500 at most 600, 4.5 standard deviations more; of 750
    there are 150 too many. So of 250, 500, 750 and 1,000 viewers 500 are the most that fit. The
    first round finds that 250 fit and 1,000 don't, the second that 500 do, the third that 750
    don't."""
    said: list[tuple[int, int]] = []
    frames = run_study(search, lambda done, total: said.append((done, total)))
    assert said == [(0, 2), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4)]
    assert frames.largest.to_dict("records") == [{"peak_viewers": 500, "next_tried": 750}]
    assert set(frames.results["peak_viewers"]) == {250, 500, 750, 1000}
    write_tables(frames, tmp_path)
    assert (tmp_path / "largest.csv").read_text() == "peak_viewers,next_tried\n500,750\n"
    assert len(pd.read_parquet(tmp_path / "results.parquet")) == len(frames.results)


# --- the shipped kinds ----------------------------------------------------------------------------


def test_every_kind_that_can_be_asked_for_is_there():
    assert get_args(Study.model_fields["kind"].annotation) == tuple(KINDS)
    shipped = {file.stem: yaml.safe_load(file.read_text("utf-8"))["kind"]
               for file in (CONF / "study").glob("*.yaml")}  # fmt: skip
    assert shipped == {name: name for name in KINDS}


@pytest.mark.parametrize("name", KINDS)
def test_names_and_files_of_a_kinds_tables_are_its_own(name: str):
    """And what a sweep puts together is among them; the README tells each file."""
    tables = KINDS[name].tables
    files = [table.file for table in tables if table.file]
    assert len({table.name for table in tables}) == len(tables)
    assert len(set(files)) == len(files)
    assert set(GATHERED) <= set(files)
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [file for file in files if f"`{file}`" not in readme] == []


def test_the_same_peak_is_run_once_however_often_it_is_asked():
    """Shares so near that they are the same viewers too, and in a later round."""
    scenario = load_scenario("vendors=[budget]", "study.peaks=[1.0,0.5,0.5001,2]")
    first = Gathered(scenario, scripted_peak=1000)
    points = NIGHT.new_points(first)
    assert [point.peak for point in points] == [1000, 500, 2000]
    assert [point.scripted for point in points] == [True, False, False]
    assert NIGHT.new_points(replace(first, points=tuple(points[:2]))) == points[2:]
    assert NIGHT.new_points(replace(first, points=tuple(points))) == []


# --- what a study hands on ------------------------------------------------------------------------

FRAMES = Frames({"results": pd.DataFrame({"value": [1.5]})}, {"nights": 1}, {"results": "r.csv"})


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))]
)
def test_a_copy_of_frames_has_the_same_tables(copied: Any):
    same = copied(FRAMES)
    assert same.results.equals(FRAMES.results)
    assert (same.facts, same.files) == (FRAMES.facts, FRAMES.files)


def test_a_table_is_an_attribute_and_another_name_an_error():
    assert "results" in dir(FRAMES) and FRAMES.results is FRAMES.tables["results"]
    assert getattr(FRAMES, "ranges", None) is None
    with pytest.raises(AttributeError, match="no table 'resuls'; it has results"):
        _ = FRAMES.resuls
