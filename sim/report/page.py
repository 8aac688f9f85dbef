"""The page: the answer in a sentence, then what it rests on. One file that loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sim.report.charts import ready_charts
from sim.report.pictures import Picture, drawn
from sim.report.sections import SECTIONS
from sim.report.terminal import text
from sim.report.view import Frames, View, view
from sim.scenario import Scenario

PAGE = "report.html"

M = TypeVar("M")


def write(frames: Frames, scenario: Scenario, folder: Path) -> dict[str, str]:
    """Writes `charts/*.svg`, `charts/*.png`, `report.html` and `report.txt` into the folder.

    One that can't be made costs nothing but itself: its file -> why.
    """
    (folder / "charts").mkdir(parents=True, exist_ok=True)
    seen, failed, pictures = view(frames, scenario), {}, []

    def made(file: str, make: Callable[[], M]) -> M | None:
        try:
            return make()
        except Exception as error:
            failed[file] = f"{type(error).__name__}: {error}"
            return None

    for chart in made(PAGE, lambda: ready_charts(seen)) or []:
        file = f"charts/{chart.name}.svg"
        both = made(file, partial(drawn, chart, seen))
        if both is None:
            pictures.append(Picture(chart.name, chart.section, failed=failed[file]))
            continue
        pictures.append(both[0])
        for kind, content in both[1].items():
            (folder / "charts" / f"{chart.name}.{kind}").write_bytes(content)
    html = made(PAGE, lambda: page(seen, pictures))
    plain = made("report.txt", lambda: text(seen))
    for file, written in ((PAGE, html), ("report.txt", plain)):
        if written is not None:
            (folder / file).write_bytes(written.encode(errors="backslashreplace"))
    return failed


def page(view: View, pictures: Sequence[Picture] = ()) -> str:
    """The page as text: the sections the study asks for, each with its charts."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    contents = [(name, SECTIONS[name].content(view)) for name in view.sections]
    return environment.get_template("page.html.j2").render(
        language=view.words.language.replace("_", "-"),
        say=view.words.html,
        plain=view.words,
        gap=view.words("sentence-space"),
        title=_title(view),
        subtitle=_subtitle(view),
        sections=[(name, content) for name, content in contents if content is not None],
        drawn=pictures,
    )


def _title(view: View) -> str:
    name = view.scenario.promotion.name
    promotion = name[:1].upper() + name[1:].replace("_", " ")
    return view.words("page-title", promotion=promotion, peak=view.peak)


def _subtitle(view: View) -> str:
    scenario, say = view.scenario, view.words
    happen = [i.name for i in scenario.incidents if i.chance is None]
    starts_at = scenario.promotion.starts_at
    return say(
        "page-subtitle",
        date=f"{starts_at:%Y-%m-%d}",
        time=f"{starts_at:%H:%M}",
        audience=scenario.audience.name,
        network=scenario.network.name,
        n=len(happen),
        incidents=say.listed(happen) if happen else "",
    )
