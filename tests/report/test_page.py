"""The page: one file that loads nothing, says the answer, and copes with little and odd data."""

import re
from html.parser import HTMLParser

import pytest

from sim.report import write
from sim.report.words import SPACE
from tests.report.made_up import frames, scenario


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


def written(folder, made_up, loaded):
    write(made_up, loaded, folder)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    loaded = scenario()
    return written(tmp_path_factory.mktemp("run"), frames(loaded), loaded)


def test_nothing_is_loaded_from_anywhere(page):
    reader = Reader(page)
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


def test_the_answer_of_each_vendor_is_a_sentence(page):
    text = Reader(page).text
    assert re.search(
        r"Budget Sales of CNY 7\d\d,\d00 are lost \(95 % interval [\d,]+ to [\d,]+\), "
        r"4\d\.\d % of what a perfect night sells\. 18\.0 % of those who come never get in\. "
        r"3\d\.\d % of the viewing time is frozen \([\d.]+ to [\d.]+ %\)\. "
        r"The bill for the night is CNY 4,\d\d0\.",
        text,
    )


def test_limits_assumptions_and_the_run_are_there(page):
    text = Reader(page).text
    assert "egress of the whole vendor 17,045 Mbps 18 min" in text
    assert "Agora: none at this peak." in text
    for vendor in scenario().vendors.values():
        figures = list(vendor.figures())
        unsure = [f for f in figures if f.confidence in ("claimed", "assumed")]
        claim = f"rests on {len(unsure)} claimed or assumed numbers of {len(figures)}"
        assert f"{vendor.name}: this answer {claim}" in text
        assert all(f.key in text for f in figures)
    for said in ("seed 1", "nights each 3", "100 % at 20,000, 50 % at the others", "numpy 2.4.6"):
        assert said in text
    assert "engine.check=true recomputes them" in text
    assert "HD minutes (list price)" in text


def test_a_number_given_by_the_user_says_so(tmp_path):
    loaded = scenario("vendors=[agora]", "vendors.agora.limits.sessions=20000", "replications=1")
    text = Reader(written(tmp_path, frames(loaded), loaded)).text
    assert re.search(r"limits\.sessions 20,000 +assumed given by the user", text)


def test_same_input_same_bytes(tmp_path):
    loaded = scenario("replications=2")
    made_up = frames(loaded)
    for name in ("one", "two"):
        write(made_up, loaded, tmp_path / name)
    one, two = (sorted((tmp_path / n).rglob("*.*")) for n in ("one", "two"))
    assert [p.name for p in one] == [p.name for p in two]
    assert len(one) == 9
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


def test_one_night_one_vendor_no_ladder(tmp_path):
    loaded = scenario("vendors=[budget]", "study.peaks=[]", "replications=1")
    page = written(tmp_path, frames(loaded, ladder=False), loaded)
    text = Reader(page).text
    assert "One night: no interval." in text
    assert "nan" not in text
    assert "The ladder of worlds was not run" in text
    assert "interval)" not in text


def test_little_data(tmp_path):
    """No series, no invoice, hardly a figure: a page all the same."""
    loaded = scenario("replications=1")
    made_up = frames(loaded)
    made_up.timeseries = made_up.timeseries.iloc[:0]
    made_up.invoice = made_up.invoice.iloc[:0]
    made_up.summary = made_up.summary[made_up.summary["metric"] == "stall_ratio"]
    made_up.facts = {}
    text = Reader(written(tmp_path, made_up, loaded)).text
    assert "nan" not in text
    assert "No invoice was made." in text
    assert "of the viewing time is frozen." in text


def test_names_are_text_not_markup(tmp_path):
    loaded = scenario("replications=1", names={"agora": "声网直播", "budget": "<b>x</b> & 'co'"})
    page = written(tmp_path, frames(loaded), loaded)
    assert "<b>x</b>" not in page
    text = Reader(page).text
    assert "声网直播" in text
    assert "<b>x</b> & 'co'" in text


def test_two_vendors_of_one_name_are_told_apart(tmp_path):
    loaded = scenario("replications=1", names={"agora": "Ours", "budget": "Ours"})
    text = Reader(written(tmp_path, frames(loaded), loaded)).text
    assert "Ours (agora)" in text
    assert "Ours (budget)" in text


def test_a_recorded_curve_that_keeps_its_own_peak(tmp_path):
    loaded = scenario("promotion=replay", "promotion.peak_viewers=null", "replications=1")
    text = Reader(written(tmp_path, frames(loaded), loaded)).text
    assert "Replay, 16,471 viewers" in text
