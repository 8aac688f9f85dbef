"""How functions are compiled: once, cached on disk, without the interpreter's lock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., object])

ROOMS = (
    "compiled.py",
    "tables.py",
    "draws.py",
    "record.py",
    "network",
    "delivery",
    "viewer",
    "engine",
)
"""Where compiled functions and the records they work on are written."""


def _cache_folder() -> Path:
    """A folder for the machine code of exactly these sources.

    Numba renews a cached function when its own file changes, not when a function it calls does:
    code of an older engine would go on running. A folder named by all sources can't be stale.
    """
    here = Path(__file__).parent
    files = sorted(f for room in ROOMS for f in [here / room, *(here / room).glob("*.py")])
    digest = blake2b(digest_size=6)
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    home = here / "__pycache__"
    if not os.access(here, os.W_OK):
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "peakcast"
    folder = home / f"numba-{digest.hexdigest()}"
    if not folder.exists():
        for old in sorted(home.glob("numba-*"), key=lambda p: p.stat().st_mtime)[:-2]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


if not config.CACHE_DIR:  # type: ignore[attr-defined]
    config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]


def compiled(function: F) -> F:
    """Compile an entry point to machine code; no fast-math: the same input gives the same bits."""
    return _jit(function)


def step(function: F) -> F:
    """Compile a part of entry points, which only compiled functions call.

    References are not counted, so a step makes no array. (The engine hands a dozen arrays through
    every step; counting each at every hand-over took nine tenths of a run.)
    """
    return _for_compiled(_jit(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True))


def inlined(function: F) -> F:
    """A step that is compiled into its callers: for the hot path."""
    return _for_compiled(
        _jit(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)
    )


def _for_compiled(step: F) -> F:
    """A step has no way in from Python: numba would jump to address 0, and the process be gone."""
    dispatcher = cast(Any, step)

    def refuse(*_: object, **__: object) -> None:
        raise TypeError(
            f"{dispatcher.__module__}.{dispatcher.__name__} is a part of compiled functions: it "
            "can't be called from Python"
        )

    def add(made: Any) -> None:  # where compiled functions look, not where Python does
        dispatcher.overloads[tuple(made.signature.args)] = made

    dispatcher.add_overload, dispatcher._compile_for_args = add, refuse
    return step


def _fetch_ahead(_: Any, rows: Any, i: Any) -> Any:
    """Ask for rows[i] (records) to be brought near, for a loop that will want it soon.

    Changes no result. (A large crowd's rows don't fit the cache; waiting for them took a third of
    a run.)
    """
    lib: Any = cgutils

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        of, _ = signature.args
        array = context.make_array(of)(context, builder, args[0])
        row = lib.get_item_pointer(context, builder, of, array, [args[1]])
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        ask = lib.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, word, word, word]),
            "llvm.prefetch.p0",
        )
        start = builder.bitcast(row, byte)
        for at in range(0, of.dtype.size, 64):
            line = builder.gep(start, [word(at)])
            builder.call(ask, [line, word(0), word(3), word(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(rows, types.intp), code


fetch_ahead: Any = intrinsic(_fetch_ahead)


def code(value: int) -> int:
    """A constant as numpy's integer: for Python's a function is compiled anew for every value."""
    return cast(int, np.int64(value))


def _jit(function: F, **options: bool) -> F:
    jit: Any = numba.njit  # its stubs don't know the options of `step`
    result: F = jit(cache=True, nogil=True, error_model="numpy", **options)(function)
    return result
