"""Charts as they stand on the page and on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import escape

from sim.report.charts import Chart
from sim.report.style import NARROW_IN, WIDE_IN, image
from sim.report.view import View


@dataclass(frozen=True)
class Picture:
    """A chart inline, drawn for a wide and for a narrow screen."""

    name: str
    section: str
    wide: str = ""
    narrow: str = ""
    failed: str = ""
    """Why it could not be drawn."""


def drawn(chart: Chart, view: View) -> tuple[Picture, dict[str, bytes]]:
    """A chart for the page, and as files by their suffix."""
    figure = chart.draw(view, WIDE_IN)
    svg, png = image(figure, "svg"), image(figure, "png")
    narrow = image(chart.draw(view, NARROW_IN), "svg")
    name, label = chart.name, str(figure.get_label())
    wide = inline(svg, f"{name}-w", label)
    return (
        Picture(name, chart.section, wide, inline(narrow, f"{name}-n", label)),
        {"svg": svg, "png": png},
    )


def inline(svg: bytes, prefix: str, label: str) -> str:
    """An SVG file as an element of a page: names made its own, size left to the page."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", text))
    text = re.sub(
        r' id="([^"]+)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", text
    )
    text = re.sub(r"(url\(|href=\")#", rf"\g<1>#{prefix}-", text)
    text = re.sub(r'(?<= d=")[^"]+', lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m[0]), text)
    head, body = text.split(">", 1)
    head = re.sub(r' (?:width|height|xmlns(?::\w+)?|version)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{escape(label)}">{body}'
