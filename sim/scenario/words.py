"""Sentences for people: what pydantic, Hydra and OmegaConf complain about, said in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sim.scenario.model import Scenario
from sim.scenario.quantity import Quantity

_MUST_BE = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text",
    "datetime": "a local date and time such as 2026-11-11T20:00:00",
    "date": "a date such as 2026-11-11",
    "list": "a list",
    "tuple": "a list",
    "dict": "a group of keys",
    "model": "a group of keys",
    "too": "a list of another length",
}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def key_of(loc: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in loc)


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


def unknown(key: str, allowed: Iterable[str]) -> str:
    """A key that isn't one, with what is allowed beside it and the nearest of them."""
    allowed = list(allowed)
    near = get_close_matches(key.rpartition(".")[2], allowed, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return f"{key} is not a key{meant}: allowed here are {', '.join(allowed) or 'none'}"


def of_validation(error: ValidationError) -> str:
    """The first complaint of pydantic in one sentence, and how many more there are."""
    errors = error.errors(include_url=False)
    errors.sort(key=lambda e: e["type"] != "extra_forbidden")  # a typo explains what is missing
    more = len(errors) - 1
    also = f" (and {more} more mistake{'s' if more > 1 else ''})" if more else ""
    return _complaint(errors[0]) + also


def _complaint(error: ErrorDetails) -> str:
    kind, key, ctx = error["type"], key_of(error["loc"]), error.get("ctx", {})
    if kind == "extra_forbidden":
        beside = model_at(error["loc"][:-1])
        return unknown(key, beside.model_fields)
    if kind == "missing":
        return f"{key} is missing: it must be given"
    if kind in ("value_error", "assertion_error"):
        said = str(ctx.get("error", error["msg"]))
        return f"{key}: {said}" if key else said
    if kind == "literal_error":
        must = f"one of {ctx['expected']}"
    elif ctx.get("class_name") == Quantity.__name__:
        must = "a number or {value, low, high, source}"
    elif bound := next((b for b in _BOUNDS if b in ctx), None):
        must = f"{_BOUNDS[bound]} {ctx[bound]}"
    else:
        must = _MUST_BE.get(kind.partition("_")[0], error["msg"])
    return f"{key} is {shown(error['input'])}: it must be {must}"


def shown(value: Any) -> str:
    """A value as one would write it in a configuration file, cut short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def of_hydra(error: BaseException, options: Mapping[str, Iterable[str]]) -> str:
    """What Hydra, OmegaConf or YAML raised in one sentence; `options`: group -> its options."""
    said = _lines(error)
    if mark := getattr(error, "problem_mark", None):
        problem = getattr(error, "problem", "this is not YAML")
        return f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}: {problem}"
    if text := getattr(error, "override", None):
        if "=" not in text:
            return f"'{text}' is not understood: an argument is key=value"
        return f"'{text.lstrip('+')}' is not understood: quote a value with special characters"
    found = re.search(r"Could not (?:find|load) '([^/']+)/([^']+)'", said)
    if found and found[1] in options:
        there = ", ".join(options[found[1]])
        return f"{found[1]} is '{found[2]}', which is not there: allowed are {there}"
    if found := re.search(r"Ambiguous value for argument '([^']+)'", said):
        key, _, value = found[1].lstrip("+").partition("=")
        return f"{key} is '{value}': write '{key}=[{value}]' for a list, or -m to sweep over them"
    if found := re.search(r"Could not (?:override|delete from config\.) '([^']+)'", said):
        key = found[1].partition("@")[0]
        where = key.rpartition(".")[0]
        beside = model_at(where.split(".")) if where else Scenario
        allowed = getattr(beside, "model_fields", {})
        return unknown(key, allowed if where else {**allowed, **options})
    if full_key := getattr(error, "full_key", None):
        return f"{full_key}: {str(error).splitlines()[0]}"
    return said


def _lines(error: BaseException) -> str:
    """The message and that of its cause, on one line."""
    said = str(error)
    if error.__cause__ is not None and str(error.__cause__) not in said:
        said += f": {error.__cause__}"
    return " ".join(said.split())
