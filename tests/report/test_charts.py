"""Charts: what is drawn, that labels keep apart, and that the same figures give the same bytes."""

import dataclasses
import xml.etree.ElementTree as ET
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.report.charts import charts, plot
from sim.report.style import NARROW_IN, SERIES, WIDE_IN, apart, drawing, image, legible, wrapped
from tests.report.made_up import frames, many, scenario


@pytest.fixture(scope="module")
def night():
    loaded = scenario()
    return frames(loaded), loaded


def words_of(svg: bytes) -> str:
    return " ".join("".join(t.itertext()) for t in ET.fromstring(svg).iterfind(".//{*}text"))


def drawn(made_up, loaded, width=WIDE_IN):
    return {k: image(c(made_up, loaded, width), "svg") for k, c in charts(made_up, loaded).items()}


def test_each_title_is_a_question_and_axes_have_units(night):
    texts = {name: words_of(svg) for name, svg in drawn(*night).items()}
    assert set(texts) == {
        "stall_against_concurrency",
        "delivered_against_concurrency",
        "night_over_time",
        "ladder",
    }
    assert all("?" in text for text in texts.values())
    assert "viewers offered at the peak" in texts["stall_against_concurrency"]
    assert "% of viewing time" in texts["stall_against_concurrency"]
    assert "minutes from the start at 20:00" in texts["night_over_time"]
    assert "thousand CNY" in texts["ladder"]


def test_lines_are_labelled_directly_and_drops_by_name(night):
    _, loaded = night
    texts = {name: words_of(svg) for name, svg in drawn(*night).items()}
    for vendor in loaded.vendors.values():
        assert all(vendor.name in text for text in texts.values())
    for drop in loaded.promotion.drops:
        assert drop.name in texts["night_over_time"]
    for label in ("offered", "in the room", "watching", "frozen"):
        assert label in texts["night_over_time"]


def test_the_band_is_the_interval(night):
    made_up, loaded = night
    axes = charts(made_up, loaded)["stall_against_concurrency"](made_up, loaded, WIDE_IN).axes[0]
    summary = made_up.summary
    rows = summary[(summary["metric"] == "stall_ratio") & (summary["vendor"] == "budget")]
    line = next(x for x in axes.lines if np.allclose(x.get_ydata(), 100 * rows["mean"]))
    assert list(line.get_xdata()) == list(rows["peak_viewers"])
    band = next(c for c in axes.collections if np.allclose(c.get_facecolor()[0][:3], _rgb(line)))
    y = {round(v, 9) for v in band.get_paths()[0].vertices[:, 1]}
    assert {round(v, 9) for v in 100 * rows["ci_low"]} <= y
    assert {round(v, 9) for v in 100 * rows["ci_high"]} <= y


def _rgb(line):
    return matplotlib.colors.to_rgb(line.get_color())


def test_the_waterfall_adds_up(night):
    made_up, loaded = night
    axes = charts(made_up, loaded)["ladder"](made_up, loaded, WIDE_IN).axes[0]
    perfect, *rungs, remains = axes.patches[:1] + axes.patches[2:] + axes.patches[1:2]
    assert perfect.get_width() + sum(r.get_width() for r in rungs) == pytest.approx(
        remains.get_width(), rel=1e-12
    )
    left = perfect.get_width()
    for rung in rungs:  # each begins where the one before ended
        assert rung.get_x() + max(0.0, -rung.get_width()) >= 0
        edges = (rung.get_x(), rung.get_x() + rung.get_width())
        assert min(abs(left - e) for e in edges) < 1e-9
        left += rung.get_width()


def test_same_figures_same_bytes(night):
    made_up, loaded = night
    for chart in charts(made_up, loaded).values():
        for kind in ("svg", "png"):
            one = image(chart(made_up, loaded, WIDE_IN), kind)
            assert one == image(chart(made_up, loaded, WIDE_IN), kind)


def test_settings_of_the_caller_neither_matter_nor_change(night):
    made_up, loaded = night
    before = drawn(made_up, loaded)
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True}):
        mine = dict(matplotlib.rcParams)
        assert drawn(made_up, loaded) == before
        assert dict(matplotlib.rcParams) == mine


def test_one_night_says_so():
    loaded = scenario("replications=1")
    texts = {k: words_of(svg) for k, svg in drawn(frames(loaded), loaded).items()}
    assert "One night: no interval" in texts["stall_against_concurrency"]
    assert "One night: no band" in texts["night_over_time"]
    assert not any("Band" in text for text in texts.values())


def test_one_vendor_one_peak():
    loaded = scenario("vendors=[budget]", "study.peaks=[]", "replications=1")
    texts = {k: words_of(svg) for k, svg in drawn(frames(loaded), loaded).items()}
    assert "How much of the night is frozen?" in texts["stall_against_concurrency"]
    assert "Budget" in texts["stall_against_concurrency"]


def test_no_ladder_no_waterfall():
    loaded = scenario()
    assert "ladder" not in charts(frames(loaded, ladder=False), loaded)


def test_figures_that_are_missing_are_left_out(night):
    made_up, loaded = night
    gone = (made_up.summary["vendor"] == "agora") & (made_up.summary["metric"] == "stall_ratio")
    holed = dataclasses.replace(made_up, summary=made_up.summary[~gone])
    text = words_of(
        image(charts(holed, loaded)["stall_against_concurrency"](holed, loaded, WIDE_IN), "svg")
    )
    assert "Budget" in text
    assert "Agora" not in text


@pytest.mark.parametrize("width", [WIDE_IN, NARROW_IN])
def test_twelve_vendors_stay_apart_and_inside(width):
    loaded = many(scenario("replications=2"), [f"Vendor with a long name {n}" for n in range(12)])
    made_up = frames(loaded)
    figure = charts(made_up, loaded)["stall_against_concurrency"](made_up, loaded, width)
    with drawing():
        figure.canvas.draw()
        boxes = [
            t.get_window_extent() for t in figure.axes[0].texts if t.get_text().startswith("Vendor")
        ]
    assert len(boxes) == 12
    assert all(b.x1 <= figure.bbox.x1 + 1 for b in boxes)
    boxes.sort(key=lambda b: b.y0)
    assert all(a.y0 + 0.7 * a.height <= b.y0 for a, b in pairwise(boxes))


def test_names_in_chinese_and_with_dollars_are_written_as_they_are():
    loaded = scenario("replications=1", names={"agora": "声网直播", "budget": "$5 & <cheap> $"})
    text = words_of(drawn(frames(loaded), loaded)["stall_against_concurrency"])
    assert "声网直播" in text
    assert "$5 & <cheap> $" in text


def test_plot_answers_with_one_figure(night):
    made_up, loaded = night
    assert "frozen" in words_of(image(plot(made_up, loaded), "svg"))
    single = scenario("study.peaks=[]", "replications=1")
    assert "through the night" in words_of(image(plot(frames(single), single), "svg"))


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.floats(0.001, 0.2),
)
def test_labels_keep_their_order_and_their_distance(wanted, gap):
    places = apart(wanted, gap, 0.0, 1.0)
    gap = min(gap, 1.0 / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    placed = [places[i] for i in order]
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(placed))
    assert min(placed) >= -1e-6
    assert max(placed) <= 1 + 1e-6


def test_labels_with_room_stay_where_they_are():
    assert apart([0.9, 0.1, 0.5], 0.05, 0.0, 1.0) == [0.9, 0.1, 0.5]


def test_text_in_a_series_colour_can_be_read_on_white():
    for hue in SERIES:
        r, g, b = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in matplotlib.colors.to_rgb(legible(hue))
        )
        assert 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.45


def test_lines_break_at_spaces_and_between_chinese_characters():
    assert wrapped("one two three", 0.6, 10.0) == ["one two", "three"]
    assert "".join(wrapped("双十一当晚两万人同时在线", 0.8, 10.0)) == "双十一当晚两万人同时在线"
    assert len(wrapped("双十一当晚两万人同时在线", 0.8, 10.0)) > 1
