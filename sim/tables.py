"""Many arrays that compiled functions are handed by one address."""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)
from numba.np import arrayobj


@dataclass(eq=False, frozen=True)
class Tables:
    """Base of dataclasses of arrays (or of Tables) that compiled functions are handed by address.

    Handed on as a tuple, thirty arrays are two hundred and fifty arguments of every step, which
    cost a third of a run and a fifth of the compilation. Compiled code reads fields by name; arrays
    are C-contiguous and live as long as the object; none of them may be returned from there. A copy
    has addresses of its own.
    """

    def __post_init__(self) -> None:
        words: list[int] = []
        kinds: list[tuple[str, Any]] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tables):
                words.append(value.__dict__["address"])
                kinds.append((field.name, value.__dict__["_numba_type_"]))
            else:
                if not value.flags.c_contiguous:
                    raise ValueError(f"{type(self).__name__}.{field.name} is not C-contiguous")
                words += [value.ctypes.data, *value.shape]
                kinds.append((field.name, numba.typeof(value)))
        table = np.array(words, np.int64)
        kept: dict[str, Any] = {
            "_words": table,
            "address": int(table.ctypes.data),
            "_numba_type_": TablesType(type(self).__name__, tuple(kinds)),
        }
        self.__dict__.update(kept)  # the fields are frozen: an address would outlive its array

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), tuple(self.arrays())

    def arrays(self) -> list[Any]:
        """The fields, in order."""
        return [getattr(self, field.name) for field in fields(self)]


_Template: Any = AttributeTemplate


class TablesType(types.Type):
    """The address of a Tables: for each array where it is and its shape, 64 bits each."""

    def __init__(self, name: str, kinds: tuple[tuple[str, Any], ...]) -> None:
        self.kinds = dict(kinds)
        # The name becomes part of every symbol: spelt out it is thousands of letters.
        super().__init__(name + blake2b(repr(kinds).encode(), digest_size=6).hexdigest())


register_model(TablesType)(models.OpaqueModel)


@unbox(TablesType)
def _address_of(_: Any, tables: Any, c: Any) -> Any:
    address = c.pyapi.object_getattr_string(tables, "address")
    number = c.pyapi.long_as_longlong(address)
    c.pyapi.decref(address)
    return NativeValue(c.builder.inttoptr(number, ir.IntType(8).as_pointer()))


@infer_getattr
class _Fields(_Template):  # type: ignore[misc]
    key = TablesType

    def generic_resolve(self, tables: Any, name: str) -> Any:
        return tables.kinds.get(name)


@lower_getattr_generic(TablesType)
def _field(context: Any, builder: Any, tables: Any, address: Any, name: str) -> Any:
    word = ir.IntType(64)
    at = 0
    for field, kind in tables.kinds.items():
        if field == name:
            break
        at += 1 if isinstance(kind, TablesType) else 1 + kind.ndim
    base = builder.bitcast(address, word.as_pointer())
    first = builder.load(builder.gep(base, [word(at)]))
    if isinstance(kind, TablesType):
        return builder.inttoptr(first, ir.IntType(8).as_pointer())
    shape = [builder.load(builder.gep(base, [word(at + 1 + k)])) for k in range(kind.ndim)]
    size = context.get_constant(
        types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype))
    )
    strides = [size]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    array = context.make_array(kind)(context, builder)
    data = builder.inttoptr(first, array.data.type)
    arrayobj.populate_array(array, data, shape, strides, size, None)
    return array._getvalue()
