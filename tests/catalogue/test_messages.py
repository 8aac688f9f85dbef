"""The catalogues: every message whole, used, and in each language with the same parameters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from sim.catalogue.language import SPACE, Words, languages, words

SIM = Path(__file__).parents[2] / "sim"


class Parameters(Visitor):
    """Names of the parameters of a message."""

    def __init__(self, entry: ast.Message) -> None:
        self.found: set[str] = set()
        self.visit(entry)

    def visit_VariableReference(self, node: ast.VariableReference) -> None:
        self.found.add(node.id.name)


def catalogue(language: str) -> dict[str, set[str]]:
    """Message -> its parameters; what isn't Fluent fails."""
    text = (SIM / "catalogue" / f"{language}.ftl").read_text("utf-8")
    body = FluentParser().parse(text).body
    junk = [entry.content for entry in body if isinstance(entry, ast.Junk)]
    assert not junk
    messages = [entry for entry in body if isinstance(entry, ast.Message)]
    names = [entry.id.name for entry in messages]
    assert len(names) == len(set(names)), "two messages of one name"
    return {entry.id.name: Parameters(entry).found for entry in messages}


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_messages_of_english(language):
    english, here = catalogue("en"), catalogue(language)
    assert set(here) == set(english)
    assert {
        name: found - english[name] for name, found in here.items() if found - english[name]
    } == {}


def named_in_the_program() -> set[str]:
    """What may be a message's name in code and templates; `{...}` in it may be anything."""
    found: set[str] = set()
    for file in [*SIM.rglob("*.py"), *SIM.rglob("*.j2")]:
        text = re.sub(r'"([\w-]+-)" ~ ', r'"\1{}"', file.read_text("utf-8"))
        found |= set(re.findall(r'"((?:[a-z-][\w-]*|\{[^"{}]*\})+)"', text))
    return {re.sub(r"\{[^{}]*\}", "{}", name) for name in found}


def test_every_message_is_used_and_every_name_is_one():
    known, named = set(catalogue("en")), named_in_the_program()
    patterns = [name.replace("{}", r"[\w-]+") for name in named if "-{}" in name or "{}-" in name]
    patterns += [f"{kind}-.+" for kind in ("limit", "happened", "unit")]  # `Words.named`
    made = re.compile("|".join(patterns))
    assert {m for m in known - named - {"locale"} if not made.fullmatch(m)} == set()
    asked: set[str] = set()
    for file in [*SIM.rglob("report/**/*.py"), *SIM.rglob("*.j2")]:
        text = file.read_text("utf-8")
        asked |= set(re.findall(r"\b(?:say|words)(?:\.html)?\(\s*\"([\w-]+)\"[,)]", text))
    assert asked - known == set()


def test_a_parameter_that_is_not_given_is_an_error():
    with pytest.raises(LookupError, match="'minutes'"):
        words("en")("minutes")
    with pytest.raises(LookupError, match="no message is called 'nothing'"):
        words("en")("nothing")
    with pytest.raises(LookupError, match="'xx'"):
        words("xx")


def test_a_parameter_of_a_marked_message_is_text():
    say = Words("en", "locale = en\nit = <b>{ $name }</b>")
    assert say.html("it", name="<i>&") == "<b>&lt;i&gt;&amp;</b>"


def test_another_language_writes_numbers_its_own_way():
    zh = (
        "locale = zh_Hans_CN\nbetween = { $low } 至 { $high }\npercent = { $percent }%\n"
        "seconds = { $seconds } 秒\nminutes = { $minutes } 分钟\ncny = ¥{ $amount }\n"
        "cny-unit-of = { $size }元\ncny-unit = 元\nnumber-below = 不到 { $number }"
    )
    say = Words("zh", zh)
    assert say.money(20_000) == "2.00万" and say.money(123_456_789) == "1.23亿"
    assert say.money(4_300) == "4,300"
    assert say.cny(1_234_567) == "¥123万"
    assert say.between(0.011, 0.014, say.percent) == "1.1% 至 1.4%"
    assert say.listed(["声网", "腾讯", "即构"]) == "声网、腾讯和即构"
    assert say.scale(3e6) == (1e4, "万元") and say.scale(3_000) == (1.0, "元")
    assert say.percent(0.00001) == "不到 0.01%"


@pytest.mark.parametrize(
    ("locale", "one", "many"),
    [("fr_FR", "1,00 million", "2,50 millions"), ("sw", "milioni 1.00", "milioni 2.50")],
)
def test_a_large_amount_follows_the_plural_of_its_language(locale, one, many):
    say = Words("xx", f"locale = {locale}")
    assert [say.money(x).replace(SPACE, " ") for x in (1e6, 2.5e6)] == [one, many]


def test_whole_numbers_in_a_message_follow_the_locale():
    say = Words("de", "locale = de_CH\nit = { $n }")
    assert say("it", n=20_000) == say.count(20_000)
