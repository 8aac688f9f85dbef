"""Sentences for people: what pydantic, Hydra and OmegaConf complain about, said in one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from hydra.errors import HydraException
from omegaconf.errors import GrammarParseError, OmegaConfBaseException
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml import YAMLError

from sim.scenario.errors import ScenarioError
from sim.scenario.files import CONF
from sim.scenario.model import Scenario
from sim.scenario.quantity import Quantity
from sim.scenario.quoting import typed

MOST_TOLD = 5
"""Mistakes that are told at once."""

NEAR = 0.61
"""How alike words are that may stand for each other: 'star' and 'star_room', not 'sample' and
'name'."""

SLIP = 0.9
"""How alike they are where nothing else was meant: 'vendor' and 'vendors'."""

Options = Mapping[str, Iterable[str]]
"""Each group of `conf/` with its files."""

_MUST_BE = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text",
    "string_too_short": "text, and not empty",
    "string_pattern_mismatch": "three capital letters such as CNY",  # of currencies
    "datetime": "a local date and time such as 2026-11-11T20:00:00",
    "timezone": "a local date and time, without a time zone",
    "date": "a date such as 2026-11-11",
    "list": "a list",
    "tuple": "a list",
    "dict": "a group of keys",
    "model": "a group of keys",
}
_NUMBER = "a number or {value, low, high, source}"
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
_LENGTHS = {"min_length": "at least", "max_length": "at most"}
_DIGITS = re.compile(r"(-?(?:\d+|\d{1,3}(?:[ ,_]\d{3})+)(?:\.\d+)?) ?(\D*)")
_TIMES = {"": 1.0, "%": 0.01, "k": 1e3, "w": 1e4, "千": 1e3, "万": 1e4, "亿": 1e8}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_OF_A_UNION = re.compile(r"str|list\[.*\]|\[key\]")
"""What pydantic adds to a key: which of several types was tried; that it is the name."""


def key_of(loc: Iterable[int | str]) -> str:
    """Where pydantic found a mistake, as a user writes it: `vendors.agora.limits`."""
    return ".".join(part for part in map(str, loc) if not _OF_A_UNION.fullmatch(part))


def model_at(loc: Iterable[int | str], model: Any = Scenario) -> Any:
    """The type that stands at a key of the scenario; None where there is no such key."""
    for part in loc:
        model = _inner(model)
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field else None
        else:  # dict[str, X], list[X]
            model = get_args(model)[-1] if get_args(model) else None
    return _inner(model)


def _inner(annotation: Any) -> Any:
    """X of `X | None` and of `Annotated[X, ...]`."""
    while get_args(annotation):
        if hasattr(annotation, "__metadata__"):
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(a for a in get_args(annotation) if a is not type(None))
        else:
            break
    return annotation


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The one that was meant, '' where none comes near."""
    known = {word.lower(): word for word in allowed}
    return known.get("".join(get_close_matches(name.lower(), known, 1, NEAR)), "")


def places(name: str, model: Any = Scenario) -> Iterator[str]:
    """Where below a model a key of this name stands, the nearest first: 'vendors.<name>.own'."""
    below = [("", model)]
    while below:
        at, model = below.pop(0)
        model = _inner(model)
        if isinstance(model, type) and issubclass(model, BaseModel):
            if name in model.model_fields:
                yield at + name
            below += [(f"{at}{k}.", f.annotation) for k, f in model.model_fields.items()]
        elif get_args(model):  # dict[str, X], list[X]
            each = "<name>" if get_origin(model) is dict else "<n>"
            below.append((f"{at}{each}.", get_args(model)[-1]))


def _in_groups(name: str) -> str:
    """Where in the scenario a key of this name stands: in one group, or in either of two."""
    first: dict[str, str] = {}
    for at in places(name):
        first.setdefault(at.partition(".")[0], at)
    return " or ".join(list(first.values())[:2])


def unknown(key: str, model: Any = Scenario, options: Options | None = None) -> str:
    """A key that `model` doesn't have: what was meant, and which there are.

    `options`: at the top of the scenario, where a group is a key too.
    """
    where, _, name = key.rpartition(".")
    options = {} if where or options is None else options
    allowed = dict.fromkeys([*getattr(model, "model_fields", {}), *options])
    meant = next(places(name, model), "") if where else _in_groups(name)
    if name in options.get("vendors", ()):
        meant = f"vendors.{name}"
    elif meant and where:
        meant = f"{where}.{meant}"
    if name in options and not (CONF / name).is_dir():  # of a folder of one's own
        option = next(iter(options[name]))
        return f"{key} is a group of files that is not chosen yet: +{key}={option} adds one"
    slip = "".join(get_close_matches(name, allowed, 1, SLIP))
    meant = slip or meant or nearest(name, allowed) or next(places(name), "")
    asked = f" (did you mean {meant}?)" if meant else ""
    return f"{key} is not a key{asked}: allowed here are {', '.join(allowed) or 'none'}"


def of_validation(error: ValidationError, data: Any = None, options: Options | None = None) -> str:
    """The complaints of pydantic in one sentence; `data`: what was judged."""
    errors = error.errors(include_url=False)
    errors.sort(key=lambda e: e["type"] != "extra_forbidden")  # a typo explains what is missing
    mistakes: dict[str, ErrorDetails] = {}
    for each in errors:
        lacks = each["type"] == "missing"
        key = key_of(each["loc"][:-1] if lacks else each["loc"])
        mistakes.setdefault(f"{key} lacks" if lacks else key, each)
    told = [
        _missing(each["loc"][:-1], errors, data)
        if each["type"] == "missing"
        else _complaint(each, options)
        for each in list(mistakes.values())[:MOST_TOLD]
    ]
    more = len(mistakes) - MOST_TOLD
    also = f"; {more} more will be told once these are mended" if more > 0 else ""
    return "; ".join(told) + also


def _missing(at: tuple[int | str, ...], errors: list[ErrorDetails], data: Any) -> str:
    """All that one group of keys lacks; a group that lacks much may be another one misspelt."""
    gone = [e["loc"] for e in errors if e["type"] == "missing" and e["loc"][:-1] == at]
    if len(gone) == 1:
        return f"{key_of(gone[0])} is missing: it must be given"
    for part in at[:-1]:
        data = data[part] if data is not None else None
    others = [name for name in data if name != at[-1]] if isinstance(data, Mapping) else []
    meant = f" (did you mean {near}?)" if at and (near := nearest(str(at[-1]), others)) else ""
    names = ", ".join(str(loc[-1]) for loc in gone)
    return f"{key_of(at) or 'the scenario'} is not complete{meant}: {names} must be given"


def _complaint(error: ErrorDetails, options: Options | None) -> str:
    kind, key, ctx = error["type"], key_of(error["loc"]), error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown(key, model_at(error["loc"][:-1]), options)
    if kind in ("value_error", "assertion_error"):
        said = str(ctx.get("error", error["msg"]))
        return f"{key}: {said}" if key else said
    given = error["input"]
    if kind in ("literal_error", "enum"):
        must = f"one of {ctx['expected']}"
    elif ctx.get("class_name") == Quantity.__name__:
        must = _NUMBER
    elif bound := next((b for b in _BOUNDS if b in ctx), None):
        must = f"{_BOUNDS[bound]} {_plain(ctx[bound])}"
    elif length := next((b for b in _LENGTHS if {b, "actual_length"} <= set(ctx)), None):
        has = len(given)  # ctx counts only as far as it had to
        entries = "entry" if has == 1 else "entries"
        return f"{key} has {has} {entries}: it must have {_LENGTHS[length]} {ctx[length]}"
    else:
        must = _MUST_BE.get(kind) or _MUST_BE.get(kind.partition("_")[0], error["msg"])
    return _must(key, given, must)


def _must(key: str, given: Any, must: str) -> str:
    meant = _in_digits(key, given) if "number" in must and isinstance(given, str) else ""
    return f"{key} is {shown(given)}: it must be {must}{meant}"


def _must_be(kind: Any) -> str:
    """What a value of this type is; '' where nothing is known of it."""
    kind = get_origin(kind) or kind
    if kind is Quantity:
        return _NUMBER
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _MUST_BE["model"]
    known = {int: "int", float: "float", bool: "bool", list: "list", dict: "dict",
             datetime: "datetime"}  # fmt: skip
    return _MUST_BE[known[kind]] if kind in known else ""


def _in_digits(key: str, text: str) -> str:
    """What 20,000, 20k, 2万, 2% and, of seconds, 2h mean."""
    seconds = key.endswith("_s") and not key.endswith("_per_s")
    times = {**_TIMES, **_SECONDS} if seconds else _TIMES
    found = _DIGITS.fullmatch(text.strip())
    if not found or found[2].lower() not in times:
        return ""
    number = float(re.sub("[ ,_]", "", found[1])) * times[found[2].lower()]
    return f" (did you mean {_plain(number)}?)"


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:.12g}"


def shown(value: Any) -> str:
    """A value as one would write it in a configuration file, cut short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    try:
        text = f"'{cut(value)}'" if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # a number of 5,000 digits
        return f"a {type(value).__name__} without end"
    return text if isinstance(value, str) else cut(text)


def cut(text: str, most: int = 60) -> str:
    """The text, its end replaced by ... where it has more than `most` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def of_hydra(error: BaseException, options: Options) -> str:
    """What Hydra, OmegaConf, YAML or the disk raised in one sentence."""
    for cause in _causes(error):
        if isinstance(cause, ScenarioError):
            return str(cause)
        if isinstance(cause, RecursionError):
            return "the configuration refers to itself, or is nested too deeply to be read"
        if isinstance(cause, GrammarParseError):
            at = getattr(cause, "full_key", None) or "a value"
            what = "an argument" if at.startswith("hydra.") else at  # a list of all of them
            reference = "a reference is ${promotion.name}"
            return f"{what} has a ${{...}} that is not understood: {reference}"
        if isinstance(cause, OSError) and not isinstance(cause, HydraException):
            where = f"'{cause.filename}'" if cause.filename else "a file"
            return f"{where} can't be read or made: {(cause.strerror or str(cause)).lower()}"
    said = _lines(error)
    if mark := getattr(error, "problem_mark", None):
        problem = getattr(error, "problem", "this is not YAML")
        return f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}: {problem}"
    found = re.search(r"Could not (?:find|load) '([^/']+)/([^']*)'", said)
    if found and found[1] in options:
        return no_such_choice(found[1], found[2], options)
    if found := re.search(r"Could not (?:override|delete(?: from config\.)?) '([^']+)'", said):
        return _not_there(found[1], options)
    if found := re.match(r"Error merging override \+*([^=]+)=(.*)", str(error), re.DOTALL):
        must = _must_be(model_at(found[1].split("."))) or "of another type"
        return f"{found[1]} is {cut(found[2])}: it must be {must}"
    if found := re.search(r"In '([^']+)': .*Cannot merge (?:DictConfig|ListConfig) with", said):
        return f"{found[1]}: a list stands where there are keys, or keys where there is a list"
    key = getattr(error, "full_key", None) or "a value"
    if "Recursive interpolation" in said:
        return f"{key} refers to itself, by ${{...}}"
    if full_key := getattr(error, "full_key", None):
        return f"{full_key}: {str(error).splitlines()[0]}"
    if isinstance(error, HydraException | OmegaConfBaseException | YAMLError):
        return said
    return f"the configuration can't be read ({type(error).__name__}: {said})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def no_such_choice(group: str, name: str, options: Options) -> str:
    """The sentence on a choice that its group lacks: the nearest one, and all there are."""
    near = nearest(name, options[group])
    meant = f" (did you mean {near}?)" if near else ""
    there = ", ".join(options[group])
    return f"{group} is '{cut(name)}', which is not there{meant}: allowed are {there}"


def not_understood(argument: str, options: Options) -> str:
    """An argument that isn't Hydra's grammar: its key, or else its value, is told."""
    argument = argument.lstrip("+~")
    text = cut(argument)
    key, equals, value = argument.partition("=")
    if not equals or not key:
        return f"'{text}' is not understood: an argument is key=value"
    odd = f"'{text}' is not understood: a key is a-z, 0-9 and _ with single dots, then ="
    if not all(part and part == part.strip() for part in key.split(".")):
        return odd
    model: Any = Scenario
    for k, part in enumerate(parts := key.partition("@")[0].split(".")):
        fields = getattr(model, "model_fields", None)
        if fields is not None and part not in (fields if k else {**fields, **options}):
            return unknown(".".join(parts[: k + 1]), model, options)
        model = model_at([part], model)
    if not re.fullmatch(r"[\w@.]+", key, re.ASCII):
        return odd
    if key == "vendors":
        return f"'{text}' is not understood: a list of files is 'vendors=[agora,budget]'"
    if key in options:
        return f"'{text}' is not understood: {key} must be one of {', '.join(options[key])}"
    if must := _must_be(model):
        how = {"a list": " such as [a,b]", "a group of keys": " such as {a: 1}"}.get(must, "")
        return f"'{text}' is not understood: {key} must be {must}{how}"
    return f"'{text}' is not understood: {_write(key, value)}, with all its quotes"


def _write(key: str, text: str) -> str:
    """How a value that is text is typed; one without end or with a line break stands in a file."""
    if len(text) > 200 or not text.isprintable():
        return f"write {key} in a file, such as one of experiments"
    return f"write {typed(key, text)}"


def several(argument: str, options: Options) -> str:
    """Values with commas between them, where no sweep was asked for."""
    key, _, value = argument.lstrip("+").partition("=")
    sweep = "-m to sweep over them"
    kind = model_at(key.split("."))
    must = _must_be(kind)
    if key in options and key not in ("vendors", "experiment"):
        return f"{key} is '{cut(value)}': it must be one of {', '.join(options[key])}, or {sweep}"
    if key in options or must in ("a list", "a group of keys"):
        listed = f"{key}=[{value}]"
        how = f"write {shlex.quote(listed)}" if len(listed) <= 200 else "put it in brackets, [...]"
        return f"{key} is '{cut(value)}': {how} for a list, or {sweep}"
    if must:
        return f"{_must(key, value, must)}, or {sweep}"
    return f"{key} is '{cut(value)}': {_write(key, value)} for text with a comma, or {sweep}"


def _not_there(key: str, options: Options) -> str:
    """A key, or a group with the place where its choice goes, that Hydra can't find."""
    name, at, package = key.partition("@")
    if at:
        vendor = package.rpartition(".")[0]
        if not vendor:
            return f"{key} chooses nothing: vendors are chosen as 'vendors=[agora,budget]'"
        return f"{key} chooses nothing: {vendor} must be a vendor that is chosen"
    if name == "tariff":
        return "tariff is chosen for a vendor: 'tariff@vendors.<name>.tariffs=[...]'"
    where = name.rpartition(".")[0]
    beside = model_at(where.split(".")) if where else Scenario
    if name in getattr(beside, "model_fields", {}):
        return f"{name} can't be left out: it must be given"
    return unknown(name, beside, options)


def _lines(error: BaseException) -> str:
    """The message and that of its cause, on one line, without where Hydra looked."""
    said = str(error)
    if error.__cause__ is not None and str(error.__cause__) not in said:
        said += f": {error.__cause__}"
    said = " ".join(said.split()).partition(" Config search path:")[0]
    return re.sub(r" (?:full_key|reference_type|object_type)[:=].*", "", said)
