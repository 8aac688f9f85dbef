"""Write the tables of the pages that are read: defaults from conf/, the rest from sim/.

python -m tests.docs

A default's source is what `conf/` says of it: the comment at the end of its line, else the comment
above it, else the comment of the mapping it stands in; for a class of links what `sources` holds
under the name its `*_source` key gives.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from sim.metrics import TABLES, MetricSpec
from sim.scenario.files import CONF
from sim.scenario.limits import Limit, Rule
from sim.study.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BEGIN = "<!-- {}: read by python -m tests.docs -->"
END = "<!-- end of {} -->"

GROUPS = ("promotion", "audience", "network", "commerce", "rates", "engine", "study", "")
"""Folders of conf/; the last is conf/config.yaml."""

HOW = ("engine", "study", "")
"""Their numbers say how an answer is computed, not how the world is."""

ASKED = ("starts_at", "duration_s", "peak_viewers", "grid_s", "sample", "file", "traces")
"""Neither are these: they are the question."""

SKIPPED = ("name", "kind", "defaults", "sources", "hydra", "output_dir", "overwrite", "report")

SOURCE_OF = {
    "mean_mbps": "mean_source", "round_trip_ms": "round_trip_source", "loss": "loss_source",
    "multiplier": "dynamics_source", "hold_s": "dynamics_source", "jumps": "dynamics_source",
}  # fmt: skip
"""Number of a class of links -> the key that names its source."""

CONSTANTS = (
    "sim.viewer.viewer.SAFETY", "sim.record.HD_LINES", "sim.record.BIN_S",
    "sim.engine.drive.fast.FEW_FLOWS", "sim.engine.run.MOST_EXACT", "sim.study.size.MOST_WORK_S",
    "sim.study.plan.FEWEST", "sim.study.uncertainty.ENOUGH", "sim.billing.usage.SAMPLE_S",
    "sim.engine.collect.usage.FEWEST_REQUESTS",
)  # fmt: skip

LONG = 60
"""Characters from which a list is counted instead of shown."""


@dataclass(frozen=True)
class Default:
    """A number that `conf/` sets."""

    group: str
    option: str
    """The file, without its suffix."""
    key: str
    value: Any
    confidence: str
    source: str

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """key, value, low..high, confidence, source."""
        value, between = self.value, ""
        if isinstance(value, dict) and "value" in value:
            between = f"{value['low']}..{value['high']}" if "low" in value else ""
            value = value["value"]
        return f"`{self.key}`", _shown(value), between, self.confidence, self.source


def defaults(group: str) -> Iterator[Default]:
    """What the files of a group set, in their order."""
    files = sorted((CONF / group).glob("*.yaml")) if group else [CONF / "config.yaml"]
    for file in files:
        text = file.read_text(encoding="utf-8")
        reader = _Reader(group, file.stem, text.splitlines())
        root = yaml.compose(text, yaml.SafeLoader)
        assert isinstance(root, yaml.MappingNode)
        yield from reader.read(root, "", "")


class _Reader:
    """One file's lines and what `sources` says in it."""

    def __init__(self, group: str, option: str, lines: list[str]) -> None:
        self.group, self.option, self.lines = group, option, lines
        self.sources = yaml.safe_load("\n".join(lines)).get("sources", {})
        self.before = ""

    def read(self, node: yaml.MappingNode, key: str, above: str) -> Iterator[Default]:
        told = {k.value: v.value for k, v in node.value}
        for name, child in node.value:
            if name.value in SKIPPED or name.value.endswith("_source"):
                continue
            here = f"{key}.{name.value}" if key else name.value
            said = self._said(name.start_mark.line) or above
            block = not getattr(child, "flow_style", True)
            if block and isinstance(child, yaml.MappingNode):
                yield from self.read(child, here, said)
            elif block and child.value and isinstance(child.value[0], yaml.MappingNode):
                for item in child.value:  # a list of records, each with a name or nothing
                    value = _plain(item)
                    yield self._default(
                        f"{here}.{value.pop('name', '')}".rstrip("."),
                        value, self._said(item.start_mark.line) or said,
                    )  # fmt: skip
            elif _plain(child) not in (None, []):
                source = told.get(SOURCE_OF.get(name.value, ""), "")
                yield self._default(here, _plain(child), said, source)

    def _said(self, line: int) -> str:
        """The comment of this line, else the lines of comment above it."""
        if (own := _comment(self.lines[line])) is not None:
            self.before = self.before if own == "the same" else own
            return self.before
        above: list[str] = []
        while line and self.lines[line - 1].lstrip().startswith("#"):
            line -= 1
            above.insert(0, _comment(self.lines[line]) or "")
        return " ".join(above) if line else ""  # from the first line on it speaks of the file

    def _default(self, key: str, value: Any, said: str, source: str = "") -> Default:
        confidence = _confidence(said, self.group in HOW or key in ASKED)
        if source:
            confidence, url = (self.sources[source].get(k, "") for k in ("confidence", "url"))
            said = f"[{source}]({url})" if url else source
        return Default(self.group, self.option, key, value, confidence, said)


def _comment(line: str) -> str | None:
    found = re.search(r"(?:^|\s)#(?:\s(.*))?$", line)
    return (found[1] or "").strip() if found else None


def _confidence(said: str, how: bool) -> str:
    """What a comment says of itself; one that names somebody cites what they published."""
    for word, means in (("assumed", "assumed"), ("claimed", "claimed"), ("trade", "claimed")):
        if word in said.lower():
            return means
    if re.search(r"by definition|\bsolves\b", said):
        return "follows"
    if re.search(r"[A-Z][a-z]{2,}|\bAWS\b|\.com", said):
        return "published"
    return "setting" if how else "assumed: no source"


def _plain(node: yaml.Node) -> Any:
    return yaml.SafeLoader("").construct_document(node)


def _shown(value: Any) -> str:
    if isinstance(value, list) and len(str(value)) > LONG:
        return f"{len(value)} entries, in the file"
    if isinstance(value, dict):
        pairs = (f"{k} {_shown(v)}" for k, v in value.items() if v is not None)
        return ", ".join(pairs)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


# --- the page -------------------------------------------------------------------------------------


def table_of_defaults() -> str:
    """A table for each group; what several of its files say alike is said once."""
    parts = []
    for group in GROUPS:
        files: dict[tuple[str, ...], list[str]] = {}
        for default in defaults(group):
            files.setdefault(default.cells, []).append(default.option)
        every = {option for options in files.values() for option in options}
        columns = ("key", "value", "low..high", "confidence", "source or comment")
        keys = [cells[0] for cells in files]
        rows = [
            (*cells, "" if set(options) == every else ", ".join(options))
            for cells, options in sorted(files.items(), key=lambda row: keys.index(row[0][0]))
        ]
        several = len(every) > 1
        parts.append(f"### {f'`conf/{group}/`' if group else '`conf/config.yaml`'}\n")
        parts.append(_table((*columns, "only in"), rows) if several else
                     _table(columns, [row[:-1] for row in rows]))  # fmt: skip
    return "\n".join(parts)


def table_of_constants() -> str:
    """Numbers that stand in the program, with what is said of them there."""
    rows = []
    for name in CONSTANTS:
        module, _, constant = name.rpartition(".")
        value = getattr(import_module(module), constant)
        file = f"{module.replace('.', '/')}.py"
        said = _docstring(ROOT / file, constant)
        rows.append((f"`{constant}`", f"{value:,}", said, f"`{file}`"))
    return _table(("constant", "value", "what it is", "file"), rows)


def _docstring(file: Path, constant: str) -> str:
    """The string that follows the constant's assignment."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    for here, after in pairwise(body):
        named = isinstance(here, ast.Assign) and constant in map(ast.unparse, here.targets)
        if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return " ".join(str(after.value.value).split())
    raise LookupError(f"{file}: {constant} has no docstring")


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in r)} |\n" for r in lines)


def table_of_limits() -> str:
    """What can be configured, in the order in which the door asks."""
    columns = ("limit", "key", "counts", "at the limit", "documents it mirrors")
    rows = []
    for spec in (limit.spec for limit in Limit if limit.spec.keys):
        keys = "<br>".join(
            f"`{key}`{f' ({unit})' if unit else ''}" for key, unit in spec.keys.items()
        )
        at = (
            f"`{spec.policy_key}`: {', '.join(spec.policies)}"
            if spec.policies
            else HELD_BY[spec.rule]
        )
        rows.append(
            (f"`{spec.name}`", keys.replace("<limits>", "limits"), spec.counts, at, spec.documents)
        )
    return _table(columns, rows)


HELD_BY = {
    Rule.PICTURES: "viewers get the best picture instead",
    Rule.MESSAGES: "messages wait, and with them product cards and orders",
    Rule.SHOP: "orders wait, and are lost after `own.order_wait_s`",
}
"""What happens where nothing can be chosen."""


def table_of_metrics(table: str) -> str:
    """The rows of one table of `sim.metrics`."""
    rows = [(f"`{m.name}`", m.unit, _between(m), m.definition) for m in TABLES[table]]
    return _table(("figure", "unit", "between", "what it is"), rows)


def _between(metric: MetricSpec) -> str:
    low = "" if metric.lowest == -math.inf else f"{metric.lowest:g}"
    high = metric.highest if isinstance(metric.highest, str) else f"{metric.highest:g}"
    return f"{low}..{'' if high == 'inf' else high}"


def table_of_tables() -> str:
    """Every table of any kind of study, those with a file as a run leaves them."""
    studies: dict[tuple[str, str, str], list[str]] = {}
    for study, kind in KINDS.items():
        for table in kind.tables:
            cells = (f"`{table.name}`", table.file and f"`{table.file}`", table.definition)
            studies.setdefault(cells, []).append(study)
    rows = [
        (*cells, "all" if len(of) == len(KINDS) else ", ".join(of)) for cells, of in studies.items()
    ]
    return _table(("table", "file", "what it is", "studies"), rows)


Made = Callable[[], str]
PAGES: dict[str, dict[str, Made]] = {
    "model.md": {"defaults": table_of_defaults, "constants": table_of_constants},
    "limits.md": {"limits": table_of_limits},
    "tables.md": {"tables": table_of_tables},
    "metrics.md": {table: partial(table_of_metrics, table) for table in TABLES},
}
"""Page -> name of the place in it -> what is written there."""


def written(name: str, page: str) -> str:
    """The page with its tables made anew."""
    for place, make in PAGES[name].items():
        begin, end = BEGIN.format(place), END.format(place)
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        if not after:
            raise LookupError(f"{name}: '{begin}' and '{end}' are not both there")
        page = f"{before}{begin}\n\n{make()}\n{end}{after}"
    return page


def main() -> None:
    for name in PAGES:
        page = DOCS / name
        page.write_text(written(name, page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
