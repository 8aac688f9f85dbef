"""Chinese on a command line: Hydra's grammar wants quotes, people don't."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from sim.scenario.compose import quoted


def value(argument):
    return OverridesParser.create().parse_override(quoted([argument])[0]).value()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("promotion.file=曲线.csv", "曲线.csv"),
        ("promotion.file=路径/a b.csv", "路径/a b.csv"),
        ("promotion.file='曲线.csv'", "曲线.csv"),
        ('promotion.file="曲线, 二.csv"', "曲线, 二.csv"),
        ("a=曲线(1).csv", "曲线(1).csv"),
        ("a=D:\\数据\\曲线.csv", "D:\\数据\\曲线.csv"),
        ("a=数据\\", "数据\\"),
        ("a=数\\,据", "数,据"),
        ("a=it's数", "it's数"),
        ("a=${seed}数", "${seed}数"),
        ("a=[曲线,'b,路',c]", ["曲线", "b,路", "c"]),
        ("a=[[一,1],[二,2]]", [["一", 1], ["二", 2]]),
        ("a={x: 路, y: [数, z], w: '好'}", {"x": "路", "y": ["数", "z"], "w": "好"}),
        ("a={url: http://例.cn/a}", {"url": "http://例.cn/a"}),
        ("a=café", "café"),
    ],
)
def test_a_value_arrives_as_it_was_typed(typed, meant):
    assert value(typed) == meant


def test_each_value_of_a_sweep_is_quoted():
    assert quoted(["a=一.csv,b.csv,二 三.csv"]) == ["a='一.csv',b.csv,'二 三.csv'"]


def test_what_needs_no_quotes_stays_as_it_is():
    plain = ["-m", "--config-dir=配置", "seed=1", "a=[b,'c d']", "~a", "数=1", "a={数: 1}"]
    assert quoted(plain) == plain


def test_quoting_twice_is_quoting_once():
    once = quoted(["a=[曲线,it's数]", "b=路\\"])
    assert quoted(once) == once
