"""The page: one file that loads nothing, says the answer, and copes with little and odd data."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from sim.catalogue.language import SPACE
from sim.catalogue.message import Message
from sim.report import charts, write
from sim.report.charts import CHARTS, ready_charts
from sim.report.page import page as page_of
from sim.report.pictures import Picture, inline
from sim.report.sections import SECTIONS, Section, assumed
from sim.report.sections.how_it_was_run import LIBRARIES, command
from sim.report.style import NARROW_IN, image
from sim.report.terminal import text as in_terminal
from sim.report.view import View, view
from sim.scenario.model import Incident
from tests.report.made_up import Shouted, frames, moved, scenario


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.words.append(" " if tag in ("td", "th", "dt", "dd", "li", "p", "h1", "h2") else "")

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words).replace(SPACE, " "))


def read(made_up, loaded, *names):
    """The text of the page, with these of its charts."""
    drawn = narrow(made_up, loaded, *names)
    return Reader(page_of(view(made_up, loaded), drawn)).text


def chart_names(made_up, loaded):
    return [chart.name for chart in ready_charts(view(made_up, loaded))]


def narrow(made_up, loaded, *names):
    seen, drawn = view(made_up, loaded), []
    for chart in ready_charts(seen):
        if chart.name in names:
            svg = image(chart.draw(seen, NARROW_IN), "svg")
            inlined = inline(svg, f"{chart.name}-n", chart.name)
            drawn.append(Picture(chart.name, chart.section, "", inlined))
    return drawn


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All files of the default night, written once."""
    loaded, folder = scenario(), tmp_path_factory.mktemp("run")
    assert write(frames(loaded), loaded, folder) == {}
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_anywhere(page):
    reader = Reader(page)
    assert "nan" not in reader.text
    assert reader.open == []
    assert not {tag for tag, _ in reader.tags} & {
        "script", "link", "img", "iframe", "object", "embed", "video", "audio", "image",
    }  # fmt: skip
    for tag, attributes in reader.tags:
        for key, value in attributes.items():
            if key in ("src", "href", "xlink:href", "srcset", "data", "poster") and tag != "a":
                assert value.startswith("#"), (tag, key, value)
            assert not key.startswith("on")
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_every_reference_inside_the_page_has_its_one_target(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', page))
    assert used
    assert used <= set(ids)


def test_the_answer_is_a_sentence_with_its_interval(page):
    text = Reader(page).text
    assert re.search(
        r"Agora costs you least: CNY [\d,]+ in lost margin and bill together "
        r"\(95 % interval [\d,]+ to [\d,]+\): 1\.\d % of a perfect night's sales lost, "
        r"a bill of CNY 4,\d+\. "
        r"Sales lost with the other: Budget 4\d\.\d %\.",
        text,
    )
    assert "With the assumed numbers anywhere in their ranges Agora loses 1.5 to 2.5 %" in text


def test_what_comes_first_is_the_answer_then_what_to_ask_for(page):
    text = Reader(page).text
    places = [
        text.index(said)
        for said in (
            "costs you least", "What to tell the vendor", "The vendors side by side",
            "How much of the viewing stalls", "How much of the sales is lost",
            "Where do the sales of a perfect night go", "Who stalls?", "Where are the viewers",
            "By the bill of the night", "What is the bill for the night",
            "What is assumed", "How it was run",
        )
    ]  # fmt: skip
    assert places == sorted(places)


def test_the_numbers_to_ask_for_are_named(page):
    text = Reader(page).text
    assert "Ask Agora for 30,000 viewers at once, 120 joins a second and 63.0 Gbps." in text
    assert "30,000* P50 20,000" in text
    assert "* Beyond the audiences that were simulated" in text
    assert "63.0* P50 42.0 limit 17.0" in text  # the egress Budget has bought


def test_where_nobody_asked_the_page_says_how_to():
    loaded = scenario("replications=1")
    text = read(frames(loaded, full=False), loaded)
    assert "This run did not work out the numbers to ask for; study=night does." in text
    assert "is not in any interval here" in text


def test_nights_that_do_not_tell_vendors_apart_say_so():
    loaded = scenario(names={"agora": "A", "budget": "B"})
    made_up = frames(loaded)
    results = (
        made_up.results
    )  # both lose the same on the mean, and one more than the other by turns
    for vendor, nights in (("agora", (100, 200, 300)), ("budget", (250, 100, 280))):
        for replication, value in enumerate(nights):
            row = (results["vendor"] == vendor) & (results["replication"] == replication)
            results.loc[row & (results["metric"] == "cost_and_lost_margin_cny"), "value"] = value
    assert "3 nights do not tell A apart from B." in read(made_up, loaded)


def test_difference_seen_every_night_counts_despite_overlap():
    """The vendors' intervals overlap; night by night one costs less."""
    loaded = scenario(names={"agora": "A", "budget": "B"})
    made_up = frames(loaded)
    results = made_up.results
    for vendor, more in (("agora", 0), ("budget", 50)):
        for replication, value in enumerate((100, 500, 900)):
            row = (results["vendor"] == vendor) & (results["replication"] == replication)
            both = results["metric"] == "cost_and_lost_margin_cny"
            results.loc[row & both, "value"] = value + more + replication
    text = read(made_up, loaded)
    assert "A costs you least" in text
    assert "do not tell" not in text


def test_just_enough_plan_stands_beside_the_story_of_the_trade():
    loaded = scenario()
    made_up = frames(loaded)
    held = made_up.summary[made_up.summary["metric"] == "stall_ratio"].assign(
        metric="held_peak_lost_ratio", mean=0.25
    )
    made_up.summary = pd.concat([made_up.summary, held])
    text = read(made_up, loaded)
    assert re.search(
        r"Budget loses 4\d\.\d % of its sales \([\d.]+ to [\d.]+ %\) at 20,000 viewers "
        r"and 1\.\d % at 5,000\. That is about the trade's 'almost half'",
        text,
    )
    # 0.985 - 0.9 x 0.45 of the watching got through.
    assert "Of the watching, 42.0 % is lost." in text
    assert "= 25.0 % would be lost by arithmetic alone" in text
    assert "C = 17,045 Mbps is bought, R = 2.12 Mbps is a viewer's" in text
    assert "The other 17.0 points are collapse" in text
    assert "python -m sim experiment=just_enough" in text


def test_without_that_plan_there_is_no_such_box():
    loaded = scenario("vendors=[agora]", "replications=1")
    assert "almost half" not in read(frames(loaded), loaded)


def test_ranges_are_quoted_the_widest_first():
    loaded = scenario("replications=1")
    made_up = frames(loaded)
    made_up.ranges = pd.concat(
        [
            moved("budget", "paths.rtc.fec", {20000: (0.45, 0.47), 5000: (0.02, 0.02)}),
            moved("budget", "limits.egress_mbps", {20000: (0.7, 0.2), 5000: (0.1, 0.01)}),
        ]
    )
    text = read(made_up, loaded)
    assert "Of its assumed numbers limits.egress_mbps matters most" in text
    assert "limits.egress_mbps 1 to 3 70.0 to 20.0 % 10.0 to 1.0 %" in text
    assert text.index("limits.egress_mbps 1 to 3") < text.index("paths.rtc.fec 1 to 3")
    folded = text[text.index("18 claimed or assumed numbers of 18") :]
    assert folded.index("limits.egress_mbps") < folded.index("paths.rtc.fec")
    assert folded.index("paths.rtc.fec") < folded.index("paths.rtc.bitrate_mbps")
    assert "experiment=just_enough" not in text


def test_limits_assumptions_and_the_run_are_there(page):
    text = Reader(page).text
    assert "egress of the whole vendor 17,045 Mbps begins between 10,000 and 15,000 viewers" in text
    assert re.search(
        r"Budget \(archetype\) egress of the whole vendor 17,045 Mbps "
        r"between 10,000 and 15,000 viewers 18 min",
        text,
    )
    assert "first limit reached" in text
    loaded = scenario()
    for key, vendor in loaded.vendors.items():
        figures = list(vendor.figures())
        unsure = [f for f in figures if f.confidence in ("claimed", "assumed")]
        claim = f"{len(unsure)} claimed or assumed numbers of {len(figures)}"
        assert f"{view(frames(loaded), loaded).marked(key)}: {claim}" in text
        assert all(f.key in text for f in figures)
    for said in (
        "This answer rests on", "claimed numbers", "seed 1", "nights each 3",
        "incidents none simulated", "numpy 2.4.6",
        f"all at 20,000, a sample of {loaded.study.curve_sample:g} away from the peak",
    ):  # fmt: skip
        assert said in text
    assert "engine.check=true recomputes them" in text


def test_a_bill_is_the_sum_of_the_lines_of_the_first_tariff():
    loaded = scenario("vendors=[agora]", "replications=1")
    made_up = frames(loaded)
    first = made_up.invoice.iloc[:1].assign(quantity=1000.0)
    made_up.invoice = pd.concat(
        [
            first.assign(amount_cny=100.0),
            first.assign(line="peak bandwidth", amount_cny=20.5),
            first.assign(line="full HD minutes", amount_cny=0.0),
            first.assign(tariff="by the day", line="peak", amount_cny=400.0),
        ]
    )
    text = read(made_up, loaded)
    assert "the bill 120.50" in text
    assert "The same night under by the day: CNY 400.00" in text
    assert "full HD minutes" not in text


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["python", "-m", "sim", "seed=7"], "python -m sim seed=7"),
        (["/venv/bin/peakcast", "vendors=[a,b]"], "python -m sim 'vendors=[a,b]'"),
        (["python", "-m", "sim", "output_dir=x", "engine.threads=4"], "python -m sim"),
        (["python", "-m", "pytest"], ""),
    ],
)
def test_command_is_what_one_would_type_on_any_machine(argv, said):
    assert command(argv) == said


def test_jargon_stays_out(page):
    text = Reader(page).text
    for word in ("bound for", "p95", "own links", "links mixed", "offered"):
        assert word not in text


def test_a_number_given_by_the_user_says_so():
    loaded = scenario("vendors=[agora]", "vendors.agora.limits.sessions=20000", "replications=1")
    text = read(frames(loaded), loaded)
    assert re.search(r"limits\.sessions 20,000 +assumed given by the user", text)


def test_same_input_same_bytes(folder, tmp_path):
    loaded = scenario()
    write(frames(loaded), loaded, tmp_path)
    one, two = (sorted(n.rglob("*.*")) for n in (folder, tmp_path))
    assert [p.name for p in one] == [p.name for p in two]
    assert len(one) == 2 * 9 + 2
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


def test_one_night_one_vendor_no_ladder():
    loaded = scenario("vendors=[budget]", "study.peaks=[]", "replications=1")
    made_up = frames(loaded, ladder=False)
    text = read(made_up, loaded, *chart_names(made_up, loaded))
    assert text.count("One night: how far another would differ is not known") == 1
    assert "nan" not in text
    assert "The ladder of worlds was not run" in text
    assert "95 %" not in text
    assert "apart from" not in text


def test_little_data():
    """An old folder: no series, no invoice, no groups, hardly a figure: a page all the same."""
    loaded = scenario("replications=1")
    made_up = frames(loaded, full=False)
    for name in ("timeseries", "invoice", "breakdown"):
        setattr(made_up, name, getattr(made_up, name).iloc[:0])
    for name in ("summary", "results"):
        rows = getattr(made_up, name)
        setattr(made_up, name, rows[rows["metric"] == "stall_ratio"])
    made_up.facts = {"peak_viewers": made_up.facts["peak_viewers"]}
    del made_up.asks, made_up.ranges
    text = read(made_up, loaded, *chart_names(made_up, loaded))
    assert "nan" not in text
    assert "No invoice was made." in text
    assert "Sales and bill were not counted" in text
    assert "stalled" in text


@pytest.mark.parametrize("study", ["compare", "curve", "night"])
@pytest.mark.parametrize("vendors", ["[agora]", "[agora,budget]"])
@pytest.mark.parametrize("replications", [1, 2])
def test_every_study_has_a_page_and_a_table(study, vendors, replications):
    """The charts of one vendor stand in it; those of two are drawn for the whole default night."""
    loaded = scenario(f"study={study}", f"vendors={vendors}", f"replications={replications}")
    made_up = frames(loaded, ladder=loaded.study.ladder)
    drawn = chart_names(made_up, loaded) if vendors == "[agora]" else ()
    assert "nan" not in read(made_up, loaded, *drawn)
    table = in_terminal(view(made_up, loaded))
    assert "nan" not in table
    assert "Agora" in table


def test_names_are_text_not_markup():
    loaded = scenario("replications=1", names={"agora": "声网直播", "budget": "<b>x</b> & 'co'"})
    made_up = frames(loaded)
    drawn = narrow(made_up, loaded, "stall_against_concurrency", "night_over_time")
    page = page_of(view(made_up, loaded), drawn)
    assert "<b>x</b>" not in page
    text = Reader(page).text
    assert "声网直播" in text
    assert "<b>x</b> & 'co'" in text


def test_a_chart_that_fails_costs_itself_and_the_page_says_so(tmp_path, monkeypatch):
    def ladder(*_):
        raise ValueError("'width' must be ≥ 0")

    broken = [replace(one, draw=ladder) if one.name == "ladder" else one for one in CHARTS]
    monkeypatch.setattr(charts, "CHARTS", broken)
    loaded = scenario("vendors=[agora]", "study.peaks=[]", "replications=1")
    made_up = frames(loaded)
    made_up.risk = made_up.costs = pd.DataFrame()  # nor their charts
    failed = write(made_up, loaded, tmp_path)
    assert failed == {"charts/ladder.svg": "ValueError: 'width' must be ≥ 0"}
    names = {p.stem for p in (tmp_path / "charts").glob("*.svg")}
    assert {"who_stalls", "night_over_time"} <= names
    assert "ladder" not in names
    text = Reader((tmp_path / "report.html").read_text("utf-8")).text
    assert "chart ladder is missing, it could not be drawn: ValueError: 'width' must be" in text
    assert "ladder of worlds was not run" not in text
    monkeypatch.setitem(SECTIONS, "answer", Section("answer", ladder))
    made_up.timeseries = pd.DataFrame()
    assert set(write(made_up, loaded, tmp_path / "other")) == {*failed, "report.html"}
    assert (tmp_path / "other" / "report.txt").is_file()


def test_two_vendors_of_one_name_are_told_apart():
    loaded = scenario("replications=1", names={"agora": "Ours", "budget": "Ours"})
    text = read(frames(loaded), loaded)
    assert "Ours (agora)" in text
    assert "Ours (budget)" in text


def test_a_recorded_curve_that_keeps_its_own_peak():
    loaded = scenario("promotion=replay", "promotion.peak_viewers=null", "replications=1")
    text = read(frames(loaded), loaded)
    assert "Replay, 16,471 viewers" in text


def reaching(made_up, loaded, limit, at):
    """The vendor named first is held back by a limit at these audiences alone."""
    first = next(iter(loaded.vendors))
    rows = made_up.summary
    mine = (rows["vendor"] == first) & (rows["metric"] == f"binding_limit_s.{limit}")
    rows.loc[mine, "mean"] = [60.0 * (p in at) for p in rows.loc[mine, "peak_viewers"]]


@pytest.mark.parametrize(
    ("limit", "at", "said"),
    [
        ("sessions", (5000, 20000), "concurrent sessions 10,000 begins at 5,000 viewers or fewer"),
        (
            "sessions",
            (10000, 20000),
            "concurrent sessions 10,000 begins between 5,000 and 10,000 viewers",
        ),
        ("sessions", (32000,), "none egress of the whole vendor"),
        ("sessions", (5000,), "none egress of the whole vendor"),
        ("outage", (5000, 20000), "none egress of the whole vendor"),
    ],
)
def test_the_first_limit_is_one_of_the_vendor_on_the_night(limit, at, said):
    loaded = scenario("vendors=[agora]", "replications=1")
    made_up = frames(loaded)
    unlike = made_up.summary["metric"] == "binding_limit_s.sessions"
    more = made_up.summary[unlike].assign(metric="binding_limit_s.outage")
    made_up.summary = pd.concat([made_up.summary, more], ignore_index=True)
    reaching(made_up, loaded, limit, at)
    text = read(made_up, loaded)
    assert said in text
    terminal = in_terminal(view(made_up, loaded)).splitlines()[-1]
    assert terminal.endswith(said.split(" ")[0] if "none" in said else "concurrent sessions")


def test_what_a_raised_limit_would_bring():
    loaded = scenario("replications=1")
    made_up = frames(loaded)
    text = read(made_up, loaded)
    assert re.search(r"Budget \(archetype\) .* [12]\.\d % lost", text)  # links, protocol
    assert "may cost more than the list price" in text
    cost = made_up.summary[made_up.summary["metric"] == "cost_cny"]
    granted = cost.assign(metric="granted_cost_cny", mean=7000.0)
    made_up.summary = pd.concat([made_up.summary, granted])
    text = read(made_up, loaded)
    assert len(re.findall(r"% lost bill 7,000 both 1\d,", text)) == 1  # Agora reaches none


def test_story_of_the_trade_needs_a_short_plan_and_large_night():
    loaded = scenario("replications=1", "promotion.peak_viewers=10000")
    made_up = frames(loaded)
    assert "Just barely enough" not in read(made_up, loaded)
    rows = made_up.summary["metric"] == "binding_limit_s.egress_vendor"
    made_up.summary.loc[rows, "mean"] = 60.0
    text = read(made_up, loaded)
    assert "Just barely enough: Budget" in text
    assert "almost half" not in text


def test_main_table_keeps_bands_of_money_and_folds_the_others(page):
    main = page[page.index("The vendors side by side") : page.index("More figures of the night")]
    folded = page[page.index("More figures of the night") :]
    bands = r'data-label="{}"><span>[^<]+((?: <small>[^<]+</small>)*)</span>'
    for heading in ("watched", "stalled"):
        assert set(re.findall(bands.format(heading), main)) == {""}
        assert all("nights" in under for under in re.findall(bands.format(heading), folded))
    for heading in ("sales lost", "bill of the night, CNY"):
        found = re.findall(bands.format(heading), main)
        assert len(found) == 2 and all("nights" in u and "inputs" in u for u in found)


def test_the_charts_say_of_whom_and_what_a_shade_means(page):
    text = Reader(page).text
    assert "Viewers harmed: of 140,000 who came." in text  # 7 a place at the peak, made up
    assert re.search(r"The darker, the more: darkest at [\d.]+ % and above", text)
    assert "by operator" in text or "by their own region" in text


def test_the_month_the_bill_is_of(page):
    text = Reader(page).text
    assert re.search(
        r"Month: \d+ ordinary nights at \d+ % of this night's use, and this night; "
        "ordinary nights are billed as if no limit held them",
        text,
    )


def test_an_incident_is_named_under_the_title():
    dark = Incident(
        name="east is dark", what="region", where="east", time_s=600, duration_s=60, left=0.0
    )
    loaded = scenario("replications=1").model_copy(update={"incidents": (dark,)})
    text = read(frames(loaded), loaded)
    assert "viewers' internet mixed · with 1 incident: east is dark" in text
    assert "with the incidents of the night" in text


def test_page_and_text_say_what_the_script_cannot_do():
    loaded = scenario("replications=1")
    given = frames(loaded)
    argument = "'promotion.mass_exit=[{time_s:9}]'"
    given.facts["warnings"] = [[Message("warning-falls", {"argument": argument})]]
    said = f"{argument} lets them leave together."
    assert said in read(given, loaded)
    assert said in " ".join(in_terminal(view(given, loaded)).split())


def test_nobody_is_told_to_ask_an_archetype():
    loaded = scenario("vendors=[budget]", "replications=1")
    made_up = frames(loaded)
    text = read(made_up, loaded)
    assert "Ask a vendor like Budget for 30,000 viewers at once" in text
    assert "Budget is an archetype, not a vendor you can buy from." in text
    said = in_terminal(view(made_up, loaded))
    assert "Budget (archetype) costs you" in said
    assert "Budget is an archetype" in said


def values(of):
    """Every text in plain data; names of keys where they are a user's own."""
    if isinstance(of, dict):
        return [word for value in of.values() for word in values(value)]
    if isinstance(of, list):
        return [word for one in of for word in values(one)]
    return [of] if isinstance(of, str) else []


def test_every_word_of_the_page_is_from_catalogue_or_scenario():
    """The catalogue in capitals: what is left small is a name, a key, a source or a command."""
    dark = (
        "incidents=[{name: dark,what: region,where: cn,time_s: 9,duration_s: 9,left: 0},"
        "{name: dim,what: host_uplink,time_s: 9,duration_s: 9,left: 0,chance: 0.1}]"
    )
    loaded = scenario("study.reference_vendor=agora", dark)
    made_up = frames(loaded)
    seen = View(made_up, loaded, Shouted())
    data = values(loaded.model_dump(mode="json")) + list(loaded.network.classes) + list(LIBRARIES)
    data += [number.key for group in assumed.content(seen).groups for number in group.numbers]
    data += [str(x) for c in ("line", "period", "tariff") for x in made_up.invoice[c]]
    data += [str(x) for x in (*made_up.asks["of"], *made_up.breakdown["of"])]
    page = page_of(seen, [in_words(chart, seen) for chart in ready_charts(seen)])
    labels = re.findall(r'(?:data-label|aria-label)="([^"]*)"', page)
    for text in (Reader(page).text, " ".join(labels), in_terminal(seen)):
        left = re.sub(r"&\w+;", "", text)
        for one in sorted({one for one in data if re.search("[a-z]", one)}, key=len, reverse=True):
            whole = re.escape(re.sub(r"\s+", " ", one))
            left = re.sub(rf"(?<![\w-]){whole}(?![\w-])", "", left)
        assert re.findall("[a-z]+", left) == []


def in_words(chart, seen):
    figure = chart.draw(seen, NARROW_IN)
    svg = inline(image(figure, "svg"), f"{chart.name}-n", str(figure.get_label()))
    return Picture(chart.name, chart.section, "", svg)
