"""Odd configurations and odd files, each from a seed and its number alone."""

from __future__ import annotations

import functools
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from sim.scenario.compose import CONF

Random = random.Random

SMALL = (
    "study=compare", "study.ladder=false", "bands.draws=0", "replications=1",
    "promotion.peak_viewers=40", "promotion.duration_s=300", "report.enabled=false",
)  # fmt: skip
"""A night played in a blink."""

VENDORS = ("budget", "agora", "hybrid", "livekit_selfhosted", "tencent_leb")


@dataclass
class Case:
    """A command line in an empty folder with these files."""

    argv: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    special: dict[str, str] = field(default_factory=dict)
    """Path -> what stands there: a folder, a pipe, a link to nothing, a link to itself."""

    def lay(self, folder: Path) -> None:
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, what in self.special.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if what == "folder":
                path.mkdir()
            elif what == "pipe":
                os.mkfifo(path)
            else:
                path.symlink_to("nowhere" if what == "broken link" else path.name)


def rng(seed: int, kind: str, n: int) -> Random:
    return Random(f"{seed} {kind} {n}")


# --- values ---------------------------------------------------------------------------------------

TEXTS = (
    "", " ", "x", "none", "null", "yes", "off", "nan", "inf", "-inf", "1e999", "20,000", "20k",
    "2万", "双11,12.csv", "it's", 'say "x"', "a b", "a,b", "a\\", "\\", "a:b", "a=b", "#", "~",
    "~/x", "~nosuchuser/x", "../x", "/proc", "/dev/null", "/dev/zero", ".", "=1+1", "+1", "@x",
    "%s", "{}", "${seed}", "${nowhere}", "${promotion.peak_viewers}", "${", "}", "${oc.env:HOME}",
    "${hydra:job}", "${oc.decode:'{a: 1}'}", "<b>", "&amp;", "👍🏻", "ﷺ", "\u202egnp", "e\u0301",
    "\u0661\u0662", "²", "2026-11-11", "2026-13-45T99:99:99", "20:30", "0x10", "1_000", "010",
    "east", "cn", "agora", "refuse", "cut_off", "CNY", "XAU", "_target_", "builtins.open",
    "x" * 300, "长" * 100, "y" * 5000,
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 5, 100, 0.5, -0.5, 1e-9, 5e-324, 1e9, 1e15, 1e300, 1e308, 2**31, 2**32, 2**63,
    2**64, 10**400, 10**4200, float("inf"), float("-inf"), float("nan"), -0.0, 1.0, 0.1 + 0.2,
)  # fmt: skip


def value(r: Random, deep: int = 0) -> Any:
    """Anything a file may hold."""
    kind = r.randrange(10 if deep < 3 else 7)
    if kind < 3:
        return r.choice(TEXTS)
    if kind < 6:
        return r.choice(NUMBERS)
    if kind == 6:
        return r.choice((None, True, False))
    if kind == 7:
        return [value(r, deep + 1) for _ in range(r.randrange(4))]
    if kind == 8:
        names = ("a", "value", "low", "high", "source", "name", 480, 1.5, None, True, "路", "")
        return {r.choice(names): value(r, deep + 1) for _ in range(r.randrange(4))}
    return functools.reduce(lambda inner, _: [inner], range(r.choice((5, 30, 60))), value(r, 3))


# --- configurations -------------------------------------------------------------------------------


@functools.cache
def keys(vendor: str) -> tuple[tuple[str, Any], ...]:
    """Every key of a composed configuration with its value."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", [f"vendors=[{vendor}]"])
    return tuple(_flat(OmegaConf.to_container(cfg), ""))


def _flat(node: Any, at: str) -> Iterator[tuple[str, Any]]:
    if at:
        yield at, node
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _flat(child, f"{at}.{name}".lstrip("."))


def near(r: Random, was: Any) -> Any:
    """A value like the one that stands there, or not at all like it."""
    if r.random() < 0.45 and isinstance(was, int | float) and not isinstance(was, bool):
        return r.choice((was * 2, was / 2, -was, was * 1e3, was * 1e-3, was + 1, str(was), [was]))
    if r.random() < 0.3 and isinstance(was, dict) and "value" in was:
        return was["value"] * r.choice((0, 0.5, 1, 2, 1e6))
    if r.random() < 0.2 and isinstance(was, list):
        return r.choice((was[:-1], was + was, was[::-1], [was], was[:1]))
    return value(r)


def key(r: Random, at: str) -> str:
    """The key, now and then misspelt or out of place."""
    odd = r.random()
    if odd < 0.85:
        return at
    parts = at.split(".")
    if odd < 0.89:
        return at + r.choice(("x", ".x", "_target_", "._target_", "..", ".0", "路"))
    if odd < 0.93:
        return parts[-1]
    if odd < 0.96:
        return ".".join(reversed(parts))
    return r.choice(("hydra.job.env_copy", "hydra.launcher.x", "hydra.sweeper.params",
                     "hydra", "+hydra.callbacks.x._target_", "1", "", "é", "vendors",
                     "defaults"))  # fmt: skip


def typed(r: Random, written: Any) -> str:
    """A value on a command line: sometimes as Hydra wants it, sometimes as it comes."""
    if isinstance(written, str) and r.random() < 0.7:
        return written
    try:
        text = json.dumps(written, ensure_ascii=False)
    except ValueError:  # a number of 4,300 digits is no text to Python
        return "9" * 4301
    return text if r.random() < 0.5 else text.replace('"', "")


def argument(r: Random, vendor: str) -> str:
    if r.random() < 0.06:
        return r.choice((
            "[" * r.choice((30, 3000)), "~" + r.choice(keys(vendor))[0], "seed", "=", "a=", "-x",
            "vendors=[" + ",".join([vendor] * 3) + "]", "promotion=nowhere", "~vendors", "seed=1,2",
            "tariff=agora_list", "promotion=[flash_join]", "experiment=[quick,none]", "seed==1",
            "hydra/launcher=nowhere", "vendors@a.b=[agora]", "x" * 300 + "=1", "a b=1",
            "seed=\ud800", "promotion.name='", "vendors.x={a: [}", "vendors=[\udcff]",
        ))  # fmt: skip
    at, was = r.choice(keys(vendor))
    return f"{key(r, at)}={typed(r, near(r, was))}"


def nested(at: str, inner: Any) -> Any:
    return functools.reduce(lambda body, part: {part: body}, reversed(at.split(".")), inner)


def together(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {k: together(one[k], v) if k in one else v for k, v in other.items()}
    return other


def body(r: Random, vendor: str, under: str = "") -> dict[str, Any]:
    """Some keys below one place, each with something odd."""
    here = [(at, was) for at, was in keys(vendor) if at.startswith(under) and at != under]
    made: dict[str, Any] = {}
    for at, was in r.sample(here, r.choice((1, 1, 2, 3))):
        made = together(made, nested(key(r, at.removeprefix(under).lstrip(".")), near(r, was)))
    return made


def text(r: Random, header: str, content: Any) -> bytes:
    try:
        written = header + yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    except ValueError:
        written = header + "a: " + "9" * 5000 + "\n"
    return damaged(r, written.encode("utf-8", "surrogatepass")) if r.random() < 0.15 else (
        written.encode("utf-8", "surrogatepass")
    )  # fmt: skip


def configuration(seed: int, n: int) -> Case:
    """A valid configuration with one to three odd things in it, on the command line or in files."""
    r = rng(seed, "configuration", n)
    vendor = r.choice(VENDORS)
    how = r.choice(("argv", "argv", "experiment", "experiment", "vendor", "promotion", "tariff"))
    chosen, files = [f"vendors=[{vendor}]"], {}
    more: list[str] = []
    if how == "argv":
        more = [argument(r, vendor) for _ in range(r.choice((1, 1, 2, 3)))]
    elif how == "experiment":
        files["c/experiment/odd.yaml"] = text(r, "# @package _global_\n", body(r, vendor))
        more = ["experiment=odd"]
    elif how == "vendor":
        own = r.choice((vendor, vendor, "ours", "nowhere"))
        inherits = {"defaults": [f"{own}@_here_", "_self_"], "name": "Ours"}
        made = inherits | body(r, vendor, f"vendors.{vendor}")
        files["c/vendors/ours.yaml"] = text(r, "# @package vendors.ours\n", made)
        chosen = ["vendors=[ours]"]
    elif how == "promotion":
        script = r.choice(("flash_join", "replay", "midnight_drop", "steady_ramp"))
        made = {"defaults": [script, "_self_"]} | body(r, vendor, "promotion")
        files["c/promotion/odd.yaml"] = text(r, "", made)
        more = ["promotion=odd"]
    else:
        lists = f"vendors.{vendor}.tariffs"
        names = [at for at, _ in keys(vendor) if at.startswith(lists + ".") and at.count(".") == 3]
        made = together(dict(keys(vendor))[names[0]], body(r, vendor, names[0]))
        files["c/tariff/odd.yaml"] = text(r, "", {"odd": made})
        more = [f"tariff@{lists}=[odd]"]
    folder = ["--config-dir", "c"] if files else []
    small = [a for a in SMALL if not any(a.partition("=")[0] == m.partition("=")[0] for m in more)]
    return Case([*folder, *chosen, *small, *more], files)


# --- files ----------------------------------------------------------------------------------------

CURVE = b"time_s,viewers,views\n0,5,0\n60,20,40\n120,60,200\n180,30,300\n300,10,320\n"
ROWS = b"arrival_s,stay_s,region,interactive,path\n" + b"".join(
    b"%d,%d,%s,%s,rtc\n"
    % (7 * k - 30, 40 + k, (b"east", b"west", b"")[k % 3], (b"0", b"yes")[k % 2])
    for k in range(60)
)
TRACE = b"time_s,mbps\n0,4\n1,8\n2,0\n5,6\n20,3\n"
SABRE = json.dumps(
    [{"duration_ms": 1000, "bandwidth_kbps": k, "latency_ms": 20} for k in (500, 4000, 0, 9000)]
).encode()
MAHIMAHI = "\n".join(str(k) for k in range(1, 3000, 3)).encode()
OURS = (
    b"# @package vendors.ours\ndefaults: [budget@_here_, _self_]\nname: Ours\n"
    b"limits: {sessions: 500}\n"
)
SCRIPT = b"defaults: [flash_join, _self_]\nname: odd\npeak_viewers: 40\n"
NIGHT = b"# @package _global_\nseed: 5\naudience: {sample: 1.0}\n"
BUDGET = (CONF / "tariff" / "budget_list.yaml").read_bytes().replace(b"budget_list:", b"odd:")

REPLAY = ["promotion=replay", "promotion.peak_viewers=40"]
TARGETS: dict[str, tuple[str, bytes, list[str]]] = {
    "curve": ("curve.csv", CURVE, [*REPLAY, "promotion.file=curve.csv"]),
    "viewers": ("night.csv", ROWS, ["audience.file=night.csv", "promotion.peak_viewers=null"]),
    "trace": ("trace.csv", TRACE, ["network=replay", "network.traces=trace.csv"]),
    "sabre": ("trace.json", SABRE, ["network=replay", "network.traces=trace.json"]),
    "mahimahi": ("trace.up", MAHIMAHI, ["network=replay", "network.traces=trace.up"]),
    "traces": ("traces/a.csv", TRACE, ["network=replay", "network.traces=traces"]),
    "vendor": ("c/vendors/ours.yaml", OURS, ["--config-dir", "c", "vendors=[ours]"]),
    "promotion": ("c/promotion/odd.yaml", SCRIPT, ["--config-dir", "c", "promotion=odd"]),
    "experiment": ("c/experiment/odd.yaml", NIGHT, ["--config-dir", "c", "experiment=odd"]),
    "tariff": ("c/tariff/odd.yaml", BUDGET,
               ["--config-dir", "c", "tariff@vendors.budget.tariffs=[odd]"]),
    "unchosen": ("c/promotion/other.yaml", SCRIPT, ["--config-dir", "c"]),
}  # fmt: skip

LAUGHS = b"a0: &a0 [x, x]\n" + b"".join(
    f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n".encode() for k in range(1, 12)
)

DAMAGE: tuple[Callable[[Random, bytes], bytes], ...] = (
    lambda *_: b"",
    lambda r, b: b[: r.randrange(len(b))],
    lambda r, b: b[r.randrange(len(b)) :],
    lambda r, _: r.randbytes(300),
    lambda _, b: b"\xef\xbb\xbf" + b,
    lambda _, b: b.decode("utf-8", "replace").encode("utf-16"),
    lambda _, b: b.decode("utf-8", "replace").encode("utf-32-le"),
    lambda _, b: "名称: 我们\n".encode("gbk") + b,
    lambda r, b: _put(r, b, b"\0"),
    lambda r, b: _put(r, b, b"\x1b[31m"),
    lambda r, b: _put(r, b, b"\xff"),
    lambda r, b: _put(r, b, "\u2028".encode()),
    lambda r, b: _put(r, b, b'"'),
    lambda r, b: _put(r, b, b"'"),
    lambda r, b: _put(r, b, b"\t"),
    lambda r, b: _put(r, b, b"[" * r.choice((1, 100, 3000))),
    lambda r, b: _put(r, b, b"{" * r.choice((1, 100))),
    lambda r, b: _put(r, b, b"9" * r.choice((20, 400, 5000))),
    lambda r, b: _put(r, b, b"1e308"),
    lambda r, b: _put(r, b, b"-"),
    lambda r, b: _put(r, b, b"nan"),
    lambda r, b: _put(r, b, b"\n---\n"),
    lambda r, b: _put(r, b, b" &a [*a] "),
    lambda r, b: _put(r, b, b" !!int '' "),
    lambda r, b: _put(r, b, b" !!python/object/apply:os.system ['true'] "),
    lambda r, b: _put(r, b, b"${oc.env:HOME}"),
    lambda _, b: b.replace(b"\n", b"\r\n"),
    lambda _, b: b.replace(b"\n", b"\r"),
    lambda _, b: b.replace(b",", b";"),
    lambda _, b: b.replace(b",", b"\t"),
    lambda _, b: b.replace(b",", b", "),
    lambda _, b: b.rstrip(b"\n"),
    lambda _, b: b + b,
    lambda _, b: b"\n" * 50 + b,
    lambda _, b: b + b"\n" * 5000,
    lambda _, b: b"\n".join(reversed(b.split(b"\n"))),
    lambda _, b: b + LAUGHS,
    lambda r, b: b + b"".join(b"k%d: 1\n" % k for k in range(r.choice((300, 30_000)))),
    lambda _, b: b + b"hydra: {callbacks: {x: {_target_: builtins.open, file: made, mode: w}}}\n",
    lambda _, b: b + b"x" * 2_000_000,
)


def _put(r: Random, content: bytes, more: bytes) -> bytes:
    at = r.randrange(len(content) + 1)
    return content[:at] + more + content[at:]


def damaged(r: Random, content: bytes) -> bytes:
    return r.choice(DAMAGE)(r, content or b" ")


def odd_file(seed: int, n: int) -> Case:
    """One file of a night that would be fine without it; every kind of damage has its turn."""
    r = rng(seed, "file", n)
    target = list(TARGETS)[n % len(TARGETS)]
    name, content, argv = TARGETS[target]
    if argv[0] != "--config-dir" or "vendors=[ours]" not in argv:
        argv = [*argv, "vendors=[budget]"]
    small = [a for a in SMALL if not any(a.partition("=")[0] == m.partition("=")[0] for m in argv)]
    if argv[: len(REPLAY)] == REPLAY:
        small = [a for a in small if not a.startswith("promotion.duration_s")]
    kind = n // len(TARGETS) % (len(DAMAGE) + 4)
    if kind < len(DAMAGE):
        return Case([*argv, *small], {name: DAMAGE[kind](r, content)})
    what = ("folder", "pipe", "broken link", "link to itself")[kind - len(DAMAGE)]
    return Case([*argv, *small], special={name: what})


MANIFESTS = (
    b"", b"[]", b"null", b"5", b'"x"', b"{}", b'{"files": null}', b'{"files": []}', b'{"files": 5}',
    b'{"files": [null]}', b'{"files": ["../../x"]}', b'{"files": {"a": 1}}', b"\xff\xfe",
    b"{" * 5000, b'{"files": ["' + b"x" * 5000 + b'"]}', b'{"files": ["a\\u0000b"]}',
    b"\xef\xbb\xbf{}", b'{"files": ["manifest.json"], "hash": 5}', b'{"files": ["\\ud800"]}',
    b"9" * 5000,
)  # fmt: skip
