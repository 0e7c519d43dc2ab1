"""What a processor does in one step and Python has no word for: four instructions.

Compiled, each is said in LLVM's language, which knows them. Where nothing is compiled, the same is
said in Python; a test holds the two against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.parse.machine import Bytes

P = ParamSpec("P")
R = TypeVar("R")

#: Bytes that are looked at together, a bit of a word for each.
BLOCK: Final = 64

#: numba and llvmlite tell nothing of their own types.
Type = Any
Value = Any
Builder = Any
#: The signature of an instruction, and the function that writes it.
Written = tuple[Type, "Callable[[Any, Builder, Any, list[Value]], Value]"]

_BIT, _BYTE, _NUMBER, _WORD, _DOUBLE = map(ir.IntType, (1, 8, 32, 64, 128))
_BLOCK: Final = ir.VectorType(_BYTE, BLOCK)
_ALL_FROM_FIRST: Final = ir.Constant(ir.VectorType(_NUMBER, BLOCK), [0] * BLOCK)
_WRAP: Final = 2**64
_NOT_COMPILED: Final[bool] = cast("Any", config).DISABLE_JIT


def _instruction(
    in_python: Callable[P, R],
) -> Callable[[Callable[..., Written]], Callable[P, R]]:
    """Where nothing is compiled, take the Python that says the same."""

    def chosen(in_llvm: Callable[..., Written]) -> Callable[P, R]:
        if _NOT_COMPILED:
            return in_python
        return cast("Callable[P, R]", intrinsic(in_llvm))

    return chosen


def first_bit_in_python(word: np.uint64) -> int:
    """As ``first_bit``."""
    bits = int(word)
    return (bits & -bits).bit_length() - 1 if bits else BLOCK


@_instruction(first_bit_in_python)
def first_bit(_typing: Type, _word: Type) -> Written:
    """Which bit of a word is the lowest that is set, 0 … 63; 64 where none is."""

    def write(_context: object, builder: Builder, _types: object, given: list[Value]) -> Value:
        return builder.cttz(given[0], ir.Constant(_BIT, 0))

    return types.int64(types.uint64), write


def bit_count_in_python(word: np.uint64) -> int:
    """As ``bit_count``."""
    return int(word).bit_count()


@_instruction(bit_count_in_python)
def bit_count(_typing: Type, _word: Type) -> Written:
    """How many bits of a word are set."""

    def write(_context: object, builder: Builder, _types: object, given: list[Value]) -> Value:
        return builder.ctpop(given[0])

    return types.int64(types.uint64), write


def folded_in_python(one: np.uint64, other: np.uint64) -> np.uint64:
    """As ``folded``."""
    product = int(one) * int(other)
    return np.uint64(product // _WRAP ^ product % _WRAP)


@_instruction(folded_in_python)
def folded(_typing: Type, _one: Type, _other: Type) -> Written:
    """Both halves of the product of two words, one laid over the other."""

    def write(_context: object, builder: Builder, _types: object, given: list[Value]) -> Value:
        one, other = (builder.zext(word, _DOUBLE) for word in given)
        product = builder.mul(one, other)
        upper = builder.lshr(product, ir.Constant(_DOUBLE, 64))
        return builder.trunc(builder.xor(product, upper), _WORD)

    return types.uint64(types.uint64, types.uint64), write


def bits_in_python(data: Bytes, start: int, byte: int) -> np.uint64:
    """As ``bits``."""
    seen = data[int(start) : int(start) + BLOCK].tolist()
    return np.uint64(sum((other == byte) << k for k, other in enumerate(seen)))


@_instruction(bits_in_python)
def bits(_typing: Type, data: Type, _start: Type, _byte: Type) -> Written:
    """A bit for each of the 64 bytes from ``start`` on: set where it is ``byte``."""

    def write(context: Any, builder: Builder, given_types: Any, given: list[Value]) -> Value:  # noqa: ANN401 - as above
        first = context.make_array(given_types.args[0])(context, builder, given[0]).data
        place = builder.bitcast(builder.gep(first, [given[1]]), _BLOCK.as_pointer())
        seen = builder.load(place, align=1)
        found = builder.icmp_unsigned("==", seen, _repeated(builder, given[2]))
        return builder.bitcast(found, _WORD)

    return types.uint64(data, types.int64, types.int64), write


def _repeated(builder: Builder, number: Value) -> Value:
    """A block that is one byte throughout."""
    empty = ir.Constant(_BLOCK, ir.Undefined)
    byte = builder.trunc(number, _BYTE)
    alone = builder.insert_element(empty, byte, ir.Constant(_NUMBER, 0))
    return builder.shuffle_vector(alone, empty, _ALL_FROM_FIRST)
