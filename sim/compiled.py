"""How functions are compiled: once, cached on disk, without the interpreter's lock."""

from __future__ import annotations

import inspect
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from glob import escape
from hashlib import blake2b, sha256
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    UserProvidedCacheLocator,
)
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


# --- where machine code is kept -------------------------------------------------------------------


def _cache_folder() -> str:
    """A folder for the machine code of exactly these sources; "" where none can be written.

    Numba renews a cached function when its own file changes, not when a function it calls does:
    code of an older engine would go on running. A folder named by all sources can't be stale.
    """
    here = Path(__file__).parent
    files = sorted(f for room in ROOMS for f in [here / room, *(here / room).glob("*.py")])
    digest = blake2b(digest_size=6)
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    for home in _homes(here):
        folder = home / f"numba-{digest.hexdigest()}"
        with suppress(OSError):
            new = not folder.is_dir()
            if new:
                folder.unlink(missing_ok=True)  # a file in its place is none of ours
                folder.mkdir(parents=True)
            tempfile.TemporaryFile(dir=folder).close()
            for old in _by_age(home)[:-3] if new else ():
                shutil.rmtree(old, ignore_errors=True)
            return str(folder)
    return ""


def _homes(here: Path) -> Iterator[Path]:
    """Folders that may hold it, the best first."""
    if config.CACHE_DIR:  # type: ignore[attr-defined]  # the user's own word
        yield Path(config.CACHE_DIR)  # type: ignore[attr-defined]
        return
    yield here / "__pycache__"
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = given if os.path.isabs(given) else os.path.expanduser("~/.cache")
    if os.path.isabs(base):  # else: a user without a home
        yield Path(base) / "peakcast"
    mine = Path(tempfile.gettempdir()) / f"peakcast-{getattr(os, 'getuid', int)()}"
    with suppress(OSError):
        mine.mkdir(mode=0o700, exist_ok=True)
        known = mine.lstat()
        # Code that others could write there would run as ours.
        if os.name == "nt" or (known.st_uid, stat.filemode(known.st_mode)) == (
            os.getuid(),
            "drwx------",
        ):
            _say(f"compiled code is kept in {mine}: no other folder for it can be written")
            yield mine


def _by_age(home: Path) -> list[Path]:
    ages = []
    for folder in home.glob("numba-*"):
        with suppress(OSError):  # another process may remove it meanwhile
            ages.append((folder.stat().st_mtime, folder))
    return [folder for _, folder in sorted(ages)]


@cache
def _say(text: str) -> None:
    """Once, on standard error, if there is one."""
    with suppress(OSError):
        if sys.stderr is not None:
            print(f"peakcast: {text}", file=sys.stderr, flush=True)


config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]


class _Sealed(IndexDataCacheFile):
    """Files that end with their digest: machine code with a bit turned would run, and be wrong."""

    SEAL = 32

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BytesIO]:
        with super()._open_for_write(filepath) as file:
            content = BytesIO()
            yield content
            file.write(content.getvalue() + sha256(content.getvalue()).digest())

    def _load_index(self) -> Any:
        self._check(self._index_path)
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        self._check(self._data_path(name))
        return super()._load_data(name)

    def _check(self, path: str) -> None:
        try:
            content = Path(path).read_bytes()
        except FileNotFoundError:  # not compiled yet
            return
        except OSError as error:  # a folder of that name: numba would take it for no file
            raise ValueError(f"{path} is damaged") from error
        if sha256(content[: -self.SEAL]).digest() != content[-self.SEAL :]:
            raise ValueError(f"{path} is damaged")


class _Here(CompileResultCacheImpl):
    _locator_classes = [UserProvidedCacheLocator]  # noqa: RUF012  # as numba's own has it
    """Numba's other places could hold code of older sources."""


class _Kept(FunctionCache):
    """What is damaged is compiled anew; what can't be kept serves this process alone."""

    _impl_class = _Here

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = _Sealed(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    def _load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super()._load_overload(signature, target)
        except Exception:  # a pickle that is damaged may raise anything
            self._remove()
            return None

    def _save_overload(self, signature: Any, code: Any) -> None:
        try:
            super()._save_overload(signature, code)
        except OSError as error:
            _say(f"compiled code can't be kept in {self._cache_path}: {error.strerror}")

    def _remove(self) -> None:
        for path in Path(self._cache_path).glob(f"{escape(self._impl.filename_base)}.*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()


def _cache_of(function: Any) -> Any:
    """A cache for one function, or nothing where there is no place for it."""
    with suppress(OSError):  # a file where its folder belongs
        named = UserProvidedCacheLocator.get_suitable_cache_subpath(inspect.getfile(function))
        place = Path(config.CACHE_DIR, named)  # type: ignore[attr-defined]
        if config.CACHE_DIR and place.is_file():  # type: ignore[attr-defined]
            place.unlink()
    try:
        return _Kept(function)
    except RuntimeError:
        _say("compiled code can't be kept: no folder for it can be written (NUMBA_CACHE_DIR)")
        return None


# --- how functions are compiled -------------------------------------------------------------------


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


def _fetch_ahead(_: Any, rows: Any, i: Any) -> Any:  # noqa: ARG001  # numba passes its type
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
    result = jit(nogil=True, error_model="numpy", **options)(function)
    if kept := _cache_of(function):
        result._cache = kept  # what `cache=True` does, with numba's own cache
    return cast(F, result)
