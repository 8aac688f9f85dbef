"""How every chart looks: type, colours, headings, and labels that stand beside their lines.

Figures are laid out in inches, so that a chart can be drawn anew for a narrow screen instead of
being shrunk until nobody can read it.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, Literal
from warnings import catch_warnings, filterwarnings

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

INK = "#222222"
GREY = "#6b6b6b"
PALE = "#d9d9d9"
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SERIES = (BLUE, VERMILLION, GREEN, "#CC79A7", ORANGE, "#56B4E9", "#000000", "#8a8a8a")
"""Okabe and Ito's colours, told apart by colour-blind people too; grey for their yellow, which is
lost on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[str, ...] = ("-", "--", ":", "-.")

WIDE_IN = 9.4
NARROW_IN = 4.1
TEXT_PT = 9.5
HEADING_PT = 13.0
LINE = 1.3
"""Height of a line of text, times its size."""

_CHINESE = (
    "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Arial Unicode MS",
)  # fmt: skip


@cache
def _fonts() -> tuple[str, ...]:
    installed = set(font_manager.get_font_names())
    return ("DejaVu Sans", *(f for f in _CHINESE if f in installed))


@contextmanager
def drawing() -> Iterator[None]:
    """The settings charts are drawn and saved under; whatever the caller has set is left alone."""
    settings: dict[Any, Any] = {
        "font.family": list(_fonts()),
        "font.size": TEXT_PT,
        "text.color": INK,
        "text.parse_math": False,  # a name may hold a dollar sign
        "axes.labelcolor": GREY,
        "axes.labelsize": TEXT_PT,
        "axes.edgecolor": PALE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "xtick.color": PALE,
        "ytick.color": PALE,
        "xtick.labelcolor": GREY,
        "ytick.labelcolor": GREY,
        "lines.solid_capstyle": "round",
        "svg.fonttype": "none",  # text stays text: it can be searched, and takes the reader's fonts
        "svg.hashsalt": "peakcast",
        "path.simplify": True,
        "savefig.dpi": 160,
    }
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    with matplotlib.rc_context(), catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        # A machine without a Chinese font: the picture has boxes, the page has the reader's fonts.
        filterwarnings("ignore", message="Glyph .* missing from font")
        fonts.setLevel(logging.ERROR)  # a Chinese font without a bold face is good enough
        try:
            yield
        finally:
            fonts.setLevel(level)


def image(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    """The chart as a file: the same figure gives the same bytes, on any day."""
    undated = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    file = BytesIO()
    with drawing():
        figure.savefig(file, format=kind, metadata=undated[kind])
    return file.getvalue()


def colour(n: int) -> str:
    """Of line n, from 0; the ninth has that of the first."""
    return SERIES[n % len(SERIES)]


def marker(n: int) -> str:
    """Of line n, from 0; the ninth has that of the first."""
    return MARKERS[n % len(MARKERS)]


def dashes(n: int, other: int = 0) -> str:
    """Solid for the first colours; once they come round again a reader still tells lines apart.

    `other`: so many lines of the same colour come before.
    """
    return DASHES[(n // len(SERIES) + other) % len(DASHES)]


def legible(hue: str) -> str:
    """The colour, darkened until text in it can be read on white (contrast 4.5 to 1)."""
    rgb = to_rgb(hue)
    while 1.05 / (_luminance(rgb) + 0.05) < 4.5:
        rgb = (rgb[0] * 0.95, rgb[1] * 0.95, rgb[2] * 0.95)
    return str(to_hex(rgb))


def _luminance(rgb: tuple[float, float, float]) -> float:
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def text_in(text: str, size_pt: float = TEXT_PT) -> float:
    """About how wide a text is, in inches."""
    return max(0.56 * len(text), sum(map(_wide, text))) * size_pt / 72


@cache
def _wide(character: str) -> float:
    """How wide a character is, times the size of the type."""
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    font.set_size(1000, 72)
    if font.get_char_index(ord(character)):
        return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / 1000
    return 1.0 if len(_fonts()) > 1 else 1.2  # a Chinese character, or the box in its place


def wrapped(text: str, width_in: float, size_pt: float) -> list[str]:
    """Lines no wider than `width_in`, broken at spaces or after Chinese characters."""
    return broken(text, lambda line: text_in(line, size_pt) <= width_in)


def broken(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Lines that fit, broken at spaces or after Chinese characters; a longer word anywhere."""
    lines, line = [], ""
    for piece in _pieces(text):
        if line and not fits((line + piece).rstrip()):
            lines.append(line.rstrip())
            line = ""
        for c in piece:
            if line and not fits((line + c).rstrip()):
                lines.append(line)
                line = ""
            line += c
    return [*lines, line.rstrip()]


def shortened(text: str, width_in: float, size_pt: float = TEXT_PT) -> str:
    """The text, cut with an ellipsis where it would be wider than `width_in`."""
    if text_in(text, size_pt) <= width_in:
        return text
    while text and text_in(text + "…", size_pt) > width_in:
        text = text[:-1]
    return text.rstrip() + "…"


def _pieces(text: str) -> Iterator[str]:
    word = ""
    for c in text:
        word += c
        if c == " " or unicodedata.east_asian_width(c) in "WF":
            yield word
            word = ""
    if word:
        yield word


@dataclass(frozen=True)
class Margins:
    """Room around each panel, in inches."""

    left: float
    right: float
    top: float
    bottom: float


def panels(
    width_in: float,
    title: str,
    subtitle: str,
    number: int,
    panel_height_in: float,
    margins: Margins,
    columns: int = 1,
    key: Sequence[tuple[str, str, bool]] = (),
) -> tuple[Figure, list[Axes]]:
    """A figure with its question above and so many panels below, row by row.

    `key`: (words, colour, dashed line instead of an area), said once for all panels.
    """
    bold = 1.15  # bold type is that much wider
    head = [(s, HEADING_PT, INK) for s in wrapped(title, width_in / bold, HEADING_PT)]
    head += [(s, TEXT_PT, GREY) for s in wrapped(subtitle, width_in, TEXT_PT)]
    keys = _in_rows(key, width_in - 0.1)
    head_in = 0.14 + sum(size * LINE / 72 for _, size, _ in head)
    head_in += (KEY_IN * len(keys) + 0.06) if keys else 0.0
    columns = min(columns, number)
    rows = -(-number // columns)
    cell_w = width_in / columns
    cell_h = margins.top + panel_height_in + margins.bottom
    height_in = head_in + rows * cell_h
    figure = Figure(figsize=(width_in, height_in), facecolor="white")
    figure.set_label(title)
    y = height_in - 0.08
    for text, size, ink in head:
        weight = "bold" if size == HEADING_PT else "normal"
        figure.text(
            0.05 / width_in, y / height_in, text,
            size=size, color=ink, weight=weight, va="top", ha="left",
        )  # fmt: skip
        y -= size * LINE / 72
    for entries in keys:
        y -= KEY_IN
        for x, text, hue, dashed in entries:
            _key_entry(figure, x + 0.05, y + KEY_IN / 2 - 0.04, text, hue, dashed)
    axes = []
    for n in range(number):
        row, column = divmod(n, columns)
        left = column * cell_w + margins.left
        bottom = height_in - head_in - (row + 1) * cell_h + margins.bottom
        axes.append(
            figure.add_axes(
                (
                    left / width_in,
                    bottom / height_in,
                    (cell_w - margins.left - margins.right) / width_in,
                    panel_height_in / height_in,
                )
            )
        )
    return figure, axes


KEY_IN = 0.23
"""Height of a row of the key."""

SWATCH_IN = 0.3


def _in_rows(
    key: Sequence[tuple[str, str, bool]], width_in: float
) -> list[list[tuple[float, str, str, bool]]]:
    """Entries of a key with their places, in as many rows as they need."""
    rows: list[list[tuple[float, str, str, bool]]] = []
    x = 0.0
    for text, hue, dashed in key:
        wide = SWATCH_IN + 0.08 + text_in(text) + 0.25
        if not rows or x + wide > width_in + 0.25:
            rows.append([])
            x = 0.0
        rows[-1].append((x, text, hue, dashed))
        x += wide
    return rows


def _key_entry(figure: Figure, x_in: float, y_in: float, text: str, hue: str, dashed: bool) -> None:
    width_in, height_in = figure.get_size_inches()
    x, y = x_in / width_in, y_in / height_in
    swatch = Line2D(
        [x, x + SWATCH_IN / width_in], [y, y], color=hue, transform=figure.transFigure,
        linewidth=1.4 if dashed else 8, linestyle=(0, (4, 2)) if dashed else "-",
        solid_capstyle="butt",
    )  # fmt: skip
    figure.add_artist(swatch)
    figure.text(
        x + (SWATCH_IN + 0.08) / width_in, y, text,
        size=TEXT_PT, color=INK, va="center_baseline", ha="left",
    )  # fmt: skip


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near as can be to those wanted, at least `gap` apart, within low..high."""
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    gap = min(gap, (high - low) / max(1, len(order) - 1))
    # Neighbours that touch move as one block around their mean.
    blocks: list[tuple[float, list[int]]] = []
    for i in order:
        blocks.append((_within(wanted[i], low, high), [i]))
        while len(blocks) > 1 and _touch(blocks[-2], blocks[-1], gap):
            _, last = blocks.pop()
            _, before = blocks.pop()
            both = before + last
            reach = gap * (len(both) - 1) / 2
            middle = sum(wanted[k] for k in both) / len(both)
            blocks.append((_within(middle, low + reach, high - reach), both))
    places = [0.0] * len(wanted)
    for middle, members in blocks:
        for n, i in enumerate(members):
            places[i] = middle + gap * (n - (len(members) - 1) / 2)
    return places


def _within(x: float, low: float, high: float) -> float:
    return min(max(x, low), max(low, high))


def _touch(a: tuple[float, list[int]], b: tuple[float, list[int]], gap: float) -> bool:
    half = gap * (len(a[1]) + len(b[1])) / 2
    return b[0] - a[0] < half - 1e-9


def end_labels(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Names in the right margin beside the ends of their lines: (y in data, text, colour)."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    height_in = axes.get_position().height * figure.get_figheight()
    to_axes = axes.transData + axes.transAxes.inverted()
    at = [float(to_axes.transform((axes.get_xlim()[1], y))[1]) for y, _, _ in labels]
    gap = TEXT_PT * 1.15 / 72 / height_in
    for y, place, (_, text, hue) in zip(at, apart(at, gap, 0.0, 1.0), labels, strict=True):
        axes.annotate(
            text, xy=(1.0, y), xytext=(9, (place - y) * height_in * 72),
            xycoords="axes fraction", textcoords="offset points",
            color=legible(hue), va="center", ha="left", annotation_clip=False,
            arrowprops={
                "arrowstyle": "-", "color": hue, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 1,
                "relpos": (0, 0.5),
            },
        )  # fmt: skip
