"""The function in front of the machine code, in LLVM's language.

It takes a number for each argument: itself, or an array object's address. What numba's code wants
to know of an array it reads where NumPy has it, in the object (``PyArrayObject`` of its C API).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from llvmlite import ir

from mailtally_collector.machine.loading import ENTRY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_collector.machine.kinds import Kind

#: llvmlite tells nothing of its types.
Module = Any
Function = Any
Builder = Any
Value = Any

_NUMBER, _WORD = ir.IntType(32), ir.IntType(64)
#: Where the object has the address of its items, of its shape and of its strides, in bytes.
_ITEMS: Final = object.__basicsize__
_SHAPE: Final = _ITEMS + 16
_STRIDES: Final = _ITEMS + 24
#: numba would have its owners counted; nobody owns it, as our caller holds it.
_NO_OWNER: Final = ir.Constant(_WORD, 0)


def write_entry(module: Module, inner: Function, kinds: Sequence[Kind]) -> None:
    """``entry(numbers, results)`` calls ``inner(results, failure, …)``, and gives what it gives."""
    words = _WORD.as_pointer()
    entry = ir.Function(module, ir.FunctionType(_NUMBER, [words, words]), ENTRY)
    builder = ir.IRBuilder(entry.append_basic_block())
    numbers, results = (builder.ptrtoint(argument, _WORD) for argument in entry.args)
    failure = builder.alloca(inner.args[1].type.pointee)
    given = [results, builder.ptrtoint(failure, _WORD)]
    for place, kind in enumerate(_flat(kinds)):
        number = _word_at(builder, numbers, place)
        given += [number] if isinstance(kind, str) else _of_array(builder, number, kind)
    typed = (_as(wanted.type, one, builder) for wanted, one in zip(inner.args, given, strict=True))
    builder.ret(builder.call(inner, list(typed)))


def _flat(kinds: Sequence[Kind]) -> Iterator[Kind]:
    """The kinds of arrays and numbers, in and out of tuples."""
    for kind in kinds:
        if kind[0] == "tuple":
            yield from _flat(kind[2:])
        else:
            yield kind


def _of_array(builder: Builder, address: Value, kind: Kind) -> list[Value]:
    """An array as numba describes it: owners, items, the size of one, where, shape, strides."""
    _, dtype, dimensions, *_ = kind
    shape, strides = (
        [_word_at(builder, _word_at(builder, address, 0, place), k) for k in range(dimensions)]
        for place in (_SHAPE, _STRIDES)
    )
    size = ir.Constant(_WORD, np.dtype(dtype).itemsize)
    items = _word_at(builder, address, 0, _ITEMS)
    return [_NO_OWNER, _NO_OWNER, reduce(builder.mul, shape), size, items, *shape, *strides]


def _word_at(builder: Builder, address: Value, place: int, offset: int = 0) -> Value:
    """The word at a place in a row of words that begins ``offset`` bytes behind an address."""
    there = builder.add(address, ir.Constant(_WORD, 8 * place + offset))
    return builder.load(builder.inttoptr(there, _WORD.as_pointer()))


def _as(wanted: Any, word: Value, builder: Builder) -> Value:  # noqa: ANN401 - a type of LLVM's
    if isinstance(wanted, ir.PointerType):
        return builder.inttoptr(word, wanted)
    return word if wanted == _WORD else builder.trunc(word, wanted)
