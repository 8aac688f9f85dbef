"""Charts: what is drawn, that labels keep apart, and that the same figures give the same bytes."""

import dataclasses
import importlib
import pkgutil
import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from typing import get_args

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from scipy import stats

from sim.catalogue.language import SPACE, words
from sim.report import charts as package
from sim.report.charts import CHARTS, Chart, SectionName, plot, ready_charts
from sim.report.charts.which_limit_binds import strips
from sim.report.style import NARROW_IN, SERIES, WIDE_IN, apart, drawing, image, legible, wrapped
from sim.report.view import View, view
from sim.study.costs import crossings
from tests.report.made_up import Shouted, charts, frames, many, scenario


@pytest.fixture(scope="module")
def night():
    loaded = scenario()
    return frames(loaded), loaded


@pytest.fixture(scope="module")
def svgs(night):
    """Its charts, drawn once for the tests that read them."""
    return drawn(*night)


@pytest.fixture(scope="module")
def texts(svgs):
    return {name: words_of(svg) for name, svg in svgs.items()}


def words_of(svg: bytes) -> str:
    texts = ("".join(t.itertext()) for t in ET.fromstring(svg).iterfind(".//{*}text"))
    return " ".join(texts).replace(SPACE, " ")


def box(text):
    """Where a text stands, without the line that leads to it."""
    text.get_window_extent()  # puts annotations in their place
    return Text.get_window_extent(text)


def drawn(made_up, loaded, *names):
    """These charts, or all."""
    there = charts(made_up, loaded)
    return {n: image(there[n](WIDE_IN), "svg") for n in names or there}


def laid_out(figure):
    """Everything in its place, and no picture painted; within `drawing()`."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()


def test_every_chart_that_is_written_is_shown():
    written = set()
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        values = vars(importlib.import_module(module.name)).values()
        written |= {value for value in values if isinstance(value, Chart)}
    assert written == set(CHARTS)
    assert len({chart.name for chart in CHARTS}) == len(CHARTS)
    assert {chart.section for chart in CHARTS} == set(get_args(SectionName))


def test_every_word_is_from_the_catalogue_or_the_scenario():
    outage = "{name: DARK,what: region,where: cn,vendor: budget,time_s: 9,duration_s: 9,left: 0}"
    vendors = {"livekit_selfhosted": "L", "tencent_leb": "T", "budget": "B"}
    several = scenario(
        f"vendors=[{','.join(vendors)}]", f"incidents=[{outage}]", "replications=2", names=vendors
    )
    one = scenario("vendors=[budget]", "study.peaks=[]", "replications=1", names=vendors)
    for loaded in (several, one):
        made_up = frames(loaded)
        names = [*made_up.breakdown["of"], *made_up.costs["tariff"]]
        names += [d.name for d in loaded.promotion.drops]
        names += [v.not_billed for v in loaded.vendors.values()]
        seen = View(made_up, loaded, Shouted())
        for chart in ready_charts(seen):
            small = re.findall("[a-z]+", words_of(image(chart.draw(seen, WIDE_IN), "svg")))
            assert set(small) <= set(re.findall("[a-z]+", " ".join(names))), chart.name


def test_each_title_is_a_question_and_axes_have_units(texts):
    assert list(texts) == [chart.name for chart in CHARTS], "each is drawn here"
    assert list(texts)[:9] == [
        "revenue_at_risk", "stall_against_concurrency", "lost_sales_against_concurrency",
        "which_limit_binds", "ladder", "who_stalls", "night_over_time",
        "cost_against_concurrency", "cost_and_lost_margin_against_concurrency",
    ]  # fmt: skip
    assert all("?" in text for text in texts.values())
    for name, unit in {
        "stall_against_concurrency": "stalled, % of viewing time",
        "lost_sales_against_concurrency": "sales lost, % of a perfect night",
        "cost_against_concurrency": "bill, CNY",
        "cost_and_lost_margin_against_concurrency": "bill and lost margin, ",
        "ladder": "thousand CNY",
        "revenue_at_risk": "sales lost, ",
        "who_stalls": "% of the viewing time",
        "night_over_time": "minutes from the start at 20:00",
        "which_limit_binds": "sales lost, CNY",
    }.items():
        assert unit in texts[name]
        assert ("viewers at the peak, if nothing" in texts[name]) == name.endswith("concurrency")


def test_lines_are_labelled_directly_and_drops_by_name(night, texts):
    _, loaded = night
    for vendor in loaded.vendors.values():
        assert all(vendor.name in text for text in texts.values())
    for drop in loaded.promotion.drops:
        assert drop.name in texts["night_over_time"]
    for label in ("playing", "stalled", "getting in", "would be there on a perfect night"):
        assert texts["night_over_time"].count(label) == 1  # once for all panels


def test_beside_each_name_stands_the_end_of_its_line(night, texts):
    summary = night[0].summary
    at = (summary["peak_viewers"] == 32000) & (summary["metric"] == "stall_ratio")
    mean = summary[at & (summary["vendor"] == "budget")]["mean"].item()
    text = texts["stall_against_concurrency"]
    assert f"Budget  {100 * mean:.1f}" in text
    assert "Beside each name: at 32,000." in text


def test_the_band_of_the_inputs_stands_at_the_night_alone(night):
    made_up, loaded = night
    axes = charts(made_up, loaded)["stall_against_concurrency"](WIDE_IN).axes[0]
    bars = [line for line in axes.lines if line.get_label() == "inputs"]
    assert len(bars) == len(loaded.vendors)
    summary = made_up.summary
    at = (summary["peak_viewers"] == 20000) & (summary["metric"] == "stall_ratio")
    for bar, (_, row) in zip(bars, summary[at].set_index("vendor").iterrows(), strict=True):
        assert set(bar.get_xdata()) == {20000}
        assert list(bar.get_ydata()) == pytest.approx([100 * row.input_low, 100 * row.input_high])


def test_bars_of_inputs_stand_side_by_side_where_bands_exist():
    """Without a band there is no bar."""
    loaded = many(scenario("replications=1"), [f"V{n}" for n in range(8)])
    for full in (True, False):
        made_up = frames(loaded, full=full)
        figure = charts(made_up, loaded)["cost_against_concurrency"](NARROW_IN)
        with drawing():
            laid_out(figure)
            bars = [x for x in figure.axes[0].lines if x.get_label() == "inputs"]
            places = sorted(x.get_transform().transform(x.get_xydata())[0][0] for x in bars)
        assert len(places) == (8 if full else 0)
        assert all(b - a >= bars[0].get_linewidth() for a, b in pairwise(places))


def lines_of(axes):
    """Lines of the vendors and plans, by colour and dashes: x and y of each."""
    marked = [x for x in axes.lines if x.get_marker() not in ("None", None, "")]
    return [x for x in marked if x.get_label() != "crossings"]


def test_plans_line_has_its_vendors_colour_and_its_own_dashes():
    loaded = scenario("vendors=[tencent_leb,budget]", "replications=2")
    made_up = frames(loaded)
    for name in ("cost", "cost_and_lost_margin"):
        chart = charts(made_up, loaded)[f"{name}_against_concurrency"]
        axes = chart(WIDE_IN).axes[0]
        first, other, budget = lines_of(axes)
        assert first.get_color() == other.get_color() != budget.get_color()
        assert first.get_linestyle() != other.get_linestyle()
        text = words_of(image(chart(WIDE_IN), "svg"))
        for said in ("Tencent LEB: traffic by the day", "daily peak bandwidth", "Budget"):
            assert said in text
        costs = made_up.costs[made_up.costs["metric"] == f"{name}_cny"]
        peak = costs[(costs["vendor"] == "tencent_leb") & (costs["peak_viewers"] == 32000)]
        ends = sorted(float(line.get_ydata()[-1]) for line in (first, other))
        size = peak["mean"].max() / max(ends)
        assert ends == pytest.approx(sorted(peak["mean"] / size))


def test_a_crossing_is_ringed_where_the_lines_cross_and_numbered():
    loaded = many(scenario("replications=1", "study.peaks=[0.25,0.5]"), ["A", "B"])
    made_up = frames(loaded)
    bills = {"v0": (1.0, 10.0, 40.0), "v1": (2.0, 5.0, 8.0)}
    made_up.costs = pd.DataFrame(
        [(v, "list", p, "cost_cny", 100 * x, np.nan, np.nan) for v, several in bills.items()
         for p, x in zip((5000, 10000, 20000), several, strict=True)],
        columns=["vendor", "tariff", "peak_viewers", "metric", "mean", "ci_low", "ci_high"],
    )  # fmt: skip
    made_up.crossings = crossings(made_up.costs)
    chart = charts(made_up, loaded)["cost_against_concurrency"]
    axes = chart(WIDE_IN).axes[0]
    (ring,) = (x for x in axes.lines if x.get_label() == "crossings")
    # 2 - 1 = 1 apart at 5,000, -5 at 10,000: a sixth of the way, 150 % of the first bill.
    assert list(ring.get_xdata()) == pytest.approx([5000 + 5000 / 6])
    assert list(ring.get_ydata()) == pytest.approx([250])
    text = words_of(image(chart(WIDE_IN), "svg"))
    assert "5,800" in text and "5,833" not in text and "Rings: from about" in text
    # The label stands where no line is.
    (label,) = (t for t in axes.texts if t.get_text() == "5,800")
    figure = axes.get_figure()
    head = axes.transAxes.inverted().transform(axes.transData.transform((0, 4000)))[1]
    room_in = (1 - head) * axes.get_position().height * figure.get_figheight()
    assert (label.xyann[1], label.get_va()) == (1.0, "top")
    assert room_in >= label.get_size() / 72
    made_up.costs.loc[made_up.costs["vendor"] == "v1", "mean"] *= 100
    made_up.crossings = crossings(made_up.costs)
    assert "The same plan is cheapest throughout." in words_of(image(chart(WIDE_IN), "svg"))
    # Now one costs a hundred times the other: each step up the axis is a factor.
    axes = chart(WIDE_IN).axes[0]
    assert axes.get_yscale() == "symlog"
    for line, straight in zip(lines_of(axes), ((1.0, 10.0), (200.0, 500.0)), strict=True):
        middle = np.interp(7500, line.get_xdata(), line.get_ydata())
        assert middle == pytest.approx(100 * sum(straight) / 2, rel=0.01)  # straight in CNY


def test_the_axis_ends_at_or_above_all_that_is_drawn(night):
    for name in ("revenue_at_risk", "cost_against_concurrency", "stall_against_concurrency"):
        axes = charts(*night)[name](WIDE_IN).axes[0]
        highest = max(float(np.max(x.get_ydata())) for x in axes.lines if len(x.get_ydata()) > 2)
        assert axes.get_yticks()[-1] >= highest
        assert axes.get_ylim()[1] >= axes.get_yticks()[-1]


def test_bars_at_risk_stand_on_the_curve_they_belong_to(night):
    made_up, loaded = night
    axes = charts(made_up, loaded)["revenue_at_risk"](WIDE_IN).axes[0]
    curves = [x for x in axes.lines if x.get_label() != "inputs"]
    bars = [x for x in axes.lines if x.get_label() == "inputs"]
    assert len(curves) == len(bars) == 2
    for curve, bar in zip(curves, bars, strict=True):
        at = bar.get_transform().transform(bar.get_xydata())[0][0]
        assert at == pytest.approx(axes.transData.transform(bar.get_xydata())[0][0])
        here = np.interp(bar.get_xdata()[0], curve.get_xdata(), curve.get_ydata())
        assert list(bar.get_ydata()) == pytest.approx([0.5 * here, 2 * here])
        assert bar.get_color() == curve.get_color()
    assert len({bar.get_xdata()[0] for bar in bars}) == 2


def test_a_step_at_the_chance_of_an_incident_is_upright():
    broken = "incidents=[{name: cut,what: host_uplink,time_s: 9,duration_s: 9,left: 0,chance: 0.3}]"
    loaded = scenario(broken, "vendors=[agora]", "replications=1")
    made_up = frames(loaded)
    for k in range(1, 100):  # 100 on nights without it, 5,000 and a little more on those with it
        row = (made_up.risk["metric"] == "revenue_at_risk_cny") & (
            made_up.risk["statistic"] == f"p{k}"
        )
        made_up.risk.loc[row, "value"] = 100.0 + k if k <= 70 else 5000.0 + k
    axes = charts(made_up, loaded)["revenue_at_risk"](WIDE_IN).axes[0]
    (curve,) = (x for x in axes.lines if x.get_label() != "inputs")
    x, y = np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())
    jump = int(np.argmax(np.diff(y)))
    assert x[jump] == x[jump + 1] == pytest.approx(-stats.norm.ppf(0.3))
    assert np.isclose(y[jump], 170.0) and np.isclose(y[jump + 1], 5071.0)
    assert (np.diff(y)[np.arange(len(y) - 1) != jump] <= 1.0 + 1e-9).all()  # the rest is a slope


def test_the_band_is_the_interval(night):
    made_up, loaded = night
    axes = charts(made_up, loaded)["stall_against_concurrency"](WIDE_IN).axes[0]
    summary = made_up.summary
    rows = summary[(summary["metric"] == "stall_ratio") & (summary["vendor"] == "budget")]
    mean = 100 * rows["mean"]
    lines = [x for x in axes.lines if len(x.get_ydata()) == len(mean)]
    line = next(x for x in lines if np.allclose(x.get_ydata(), mean))
    assert list(line.get_xdata()) == list(rows["peak_viewers"])
    band = next(c for c in axes.collections if np.allclose(c.get_facecolor()[0][:3], _rgb(line)))
    y = {round(v, 9) for v in band.get_paths()[0].vertices[:, 1]}
    assert {round(v, 9) for v in 100 * rows["ci_low"]} <= y
    assert {round(v, 9) for v in 100 * rows["ci_high"]} <= y


def _rgb(line):
    return matplotlib.colors.to_rgb(line.get_color())


def test_the_waterfall_adds_up(night):
    made_up, loaded = night
    axes = charts(made_up, loaded)["ladder"](WIDE_IN).axes[0]
    perfect, *rungs, remains = axes.patches[:1] + axes.patches[2:] + axes.patches[1:2]
    assert perfect.get_width() + sum(r.get_width() for r in rungs) == pytest.approx(
        remains.get_width(), rel=1e-12
    )
    left = perfect.get_width()
    assert len(rungs) == 4
    for rung in rungs:  # each begins where the one before ended
        assert rung.get_x() + max(0.0, -rung.get_width()) >= 0
        edges = (rung.get_x(), rung.get_x() + rung.get_width())
        assert min(abs(left - e) for e in edges) < 1e-9
        left += rung.get_width()


def test_settings_of_the_caller_neither_matter_nor_change(night, svgs):
    """And so the same figures give the same bytes; of all files test_page says it."""
    made_up, loaded = night
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True}):
        mine = dict(matplotlib.rcParams)
        assert drawn(made_up, loaded) == svgs
        assert dict(matplotlib.rcParams) == mine


def test_one_night_says_so():
    loaded = scenario("replications=1")
    texts = {k: words_of(svg) for k, svg in drawn(frames(loaded), loaded).items()}
    assert "One night: no interval" in texts["stall_against_concurrency"]
    assert "one night" in texts["night_over_time"]
    assert not any("95 %" in text or "nan" in text for text in texts.values())


def test_one_vendor_one_peak():
    loaded = scenario("vendors=[budget]", "study.peaks=[]", "replications=1")
    (svg,) = drawn(frames(loaded), loaded, "stall_against_concurrency").values()
    assert "How much of the viewing stalls?" in words_of(svg)
    assert "Budget" in words_of(svg)


def test_no_ladder_no_waterfall():
    loaded = scenario()
    assert "ladder" not in charts(frames(loaded, ladder=False), loaded)


def test_the_stack_of_the_night_is_everybody_who_is_there(night):
    made_up, loaded = night
    axes = charts(made_up, loaded)["night_over_time"](WIDE_IN).axes[0]
    series = made_up.timeseries
    mine = series[series["vendor"] == next(iter(loaded.vendors))]
    there = mine[mine["metric"].isin(["watching", "stalled", "waiting"])]
    top = there.groupby(["replication", "time_s"])["value"].sum().groupby("time_s").mean().max()
    drawn_top = max(c.get_paths()[0].vertices[:, 1].max() for c in axes.collections)
    assert drawn_top == pytest.approx(top)


def test_incidents_are_marked_where_they_are_met():
    broken = "incidents=[{name: host drops,what: host_uplink,time_s: 900,duration_s: 300,left: 0}]"
    only = broken.replace("what: host_uplink", "what: region,where: cn,vendor: budget")
    for override, marked in ((broken, 2), (only, 1)):
        loaded = scenario(override, "replications=1")
        made_up = frames(loaded)
        figure = charts(made_up, loaded)["night_over_time"](WIDE_IN)
        spans = [p for a in figure.axes for p in a.patches if p.get_label() == "incident"]
        assert len(spans) == marked
        assert (spans[0].get_x(), spans[0].get_width()) == (15, 5)
        texts = {"night_over_time": words_of(image(figure, "svg"))}
        texts["ladder"] = words_of(drawn(made_up, loaded, "ladder")["ladder"])
        assert texts["night_over_time"].count("host drops") == marked
        assert texts["ladder"].count("none simulated") == len(loaded.vendors) - marked


def test_without_an_incident_the_ladder_says_so(night, texts):
    _, loaded = night
    assert texts["ladder"].count("none simulated") == len(loaded.vendors)


def test_chart_of_who_stalls_names_the_largest_groups_first(texts):
    """Each with its share."""
    text = texts["who_stalls"]
    assert re.search(r"home.*70\.0 %.*4G.*29\.5 %.*3G.*< 1 %", text)
    assert text.index("east") < text.index("west")


def test_limits_strip_says_how_near_it_was_and_whom_it_harmed(night, texts):
    text = texts["which_limit_binds"]
    assert "concurrent sessions 40.0 % – " in text  # never bound, harmed nobody
    strip = next(s for s in strips(view(*night))["budget"] if s.limit == "egress_vendor")
    assert 0 < strip.bound.mean() < 1
    lost = view(*night).figure("budget", "lost_gmv_cny.limits").mean
    assert strip.use == 1 and strip.harmed > 0 and strip.lost_cny == pytest.approx(0.4 * lost)
    said = f"{words().money(strip.harmed)} {words().money(strip.lost_cny)}"
    assert f"egress of the whole vendor 100 % {said}" in text


def test_what_a_study_did_not_ask_is_not_drawn(night):
    made_up, loaded = night
    nothing = pd.DataFrame()
    bare = dataclasses.replace(
        made_up, breakdown=nothing, timeseries=nothing, risk=nothing, costs=nothing
    )
    assert not {"who_stalls", "night_over_time"} & set(charts(bare, loaded))
    few = made_up.summary[made_up.summary["metric"] == "stall_ratio"]
    assert set(charts(dataclasses.replace(bare, summary=few), loaded)) == {
        "stall_against_concurrency"
    }


def test_figures_that_are_missing_are_left_out(night):
    made_up, loaded = night
    gone = (made_up.summary["vendor"] == "agora") & (made_up.summary["metric"] == "stall_ratio")
    holed = dataclasses.replace(made_up, summary=made_up.summary[~gone])
    text = words_of(image(charts(holed, loaded)["stall_against_concurrency"](WIDE_IN), "svg"))
    assert "Budget" in text
    assert "Agora" not in text


@pytest.mark.parametrize("width", [WIDE_IN, NARROW_IN])
@pytest.mark.parametrize("number", [8, 12])
def test_labels_of_many_vendors_stay_apart_and_inside(width, number):
    names = [f"Vendor with a long name {n}" for n in range(number)]
    loaded = many(scenario("replications=2"), names)
    made_up = frames(loaded)
    made_up.timeseries = pd.DataFrame()  # other charts are not looked at
    there = charts(made_up, loaded)
    for name in ("stall", "lost_sales", "cost"):
        figure = there[f"{name}_against_concurrency"](width)
        with drawing():
            laid_out(figure)
            texts = [t for t in figure.axes[0].texts if t.get_text().startswith("Vendor")]
            boxes = [box(t) for t in texts]
        assert len(boxes) == number
        assert all(b.x1 <= figure.bbox.x1 + 1 for b in boxes)
        boxes.sort(key=lambda b: b.y0)
        assert all(a.y0 + 0.7 * a.height <= b.y0 for a, b in pairwise(boxes))


@pytest.mark.parametrize("width", [WIDE_IN, NARROW_IN])
def test_no_two_words_of_a_chart_overlap(width):
    loaded = many(scenario("replications=2"), ["声网直播", *(f"Vendor {n}" for n in range(7))])
    made_up = frames(loaded)
    series = made_up.timeseries
    made_up.timeseries = series[series["time_s"] % 60 == 0]  # a sixth of what there is to fill
    for name, chart in charts(made_up, loaded).items():
        figure = chart(width)
        with drawing():
            laid_out(figure)
            texts = [*figure.texts]
            for axes in figure.axes:
                low, high = sorted(axes.get_ylim())
                ticks = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
                texts += [t for y, t in ticks if low <= y <= high]
                texts += [*axes.texts, *axes.get_xticklabels(), axes.xaxis.label, axes.title]
                texts += [t for t in axes.get_children() if isinstance(t, Text)]
            shown = {id(t): t for t in texts if t.get_visible() and t.get_text()}.values()
            boxes = [(t.get_text(), box(t)) for t in shown]
        for (a, one), (b, other) in combinations(boxes, 2):
            assert not _overlap(one, other), (name, a, b)


def _overlap(a, b):
    """Whether letters touch: boxes of text have some room above and below."""
    inside_x = min(a.x1, b.x1) - max(a.x0, b.x0)
    inside_y = min(a.y1, b.y1) - max(a.y0, b.y0)
    return inside_x > 1 and inside_y > 0.35 * min(a.height, b.height)


def test_names_in_chinese_or_with_dollars_are_written_as_given():
    loaded = scenario("replications=1", names={"agora": "声网直播", "budget": "$5 & <cheap> $"})
    (svg,) = drawn(frames(loaded), loaded, "stall_against_concurrency").values()
    text = words_of(svg)
    assert "声网直播" in text
    assert "$5 & <cheap> $" in text


LONG = ("W" * 60, "直播云服务😀" * 10)


@pytest.mark.parametrize("peaks", ["[]", "[0.5,1.6]"])
def test_long_names_leave_every_word_inside_its_picture(peaks):
    """Of vendors, price lists, products, and of what a bill leaves out."""
    loaded = scenario("replications=1", f"study.peaks={peaks}")
    vendors = {}
    for (key, vendor), name in zip(loaded.vendors.items(), LONG, strict=True):
        tariffs = {
            k: t.model_copy(update={"name": f"{name} {k}"}) for k, t in vendor.tariffs.items()
        }
        given = {"name": name, "not_billed": name[::-1], "tariffs": tariffs}
        vendors[key] = vendor.model_copy(update=given)
    drops = [d.model_copy(update={"name": LONG[1]}) for d in loaded.promotion.drops]
    script = loaded.promotion.model_copy(update={"name": LONG[0], "drops": drops})
    loaded = loaded.model_copy(update={"vendors": vendors, "promotion": script})
    made_up = frames(loaded)
    for width in (WIDE_IN, NARROW_IN):
        for name, chart in charts(made_up, loaded).items():
            figure = chart(width)
            with drawing():
                laid_out(figure)
                texts = [*figure.texts, *(t for axes in figure.axes for t in axes.texts)]
                for text in texts:
                    b = box(text)
                    assert b.x0 >= -3 and b.x1 <= figure.bbox.x1 + 3, (name, text.get_text())
            assert all(axes.get_position().width > 0.1 for axes in figure.axes), name


def test_plot_answers_with_one_figure(night):
    made_up, loaded = night
    assert "stalled" in words_of(image(plot(made_up, loaded), "svg"))
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
