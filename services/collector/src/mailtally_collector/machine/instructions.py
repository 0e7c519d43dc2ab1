"""The steps of a processor (``steps``) in LLVM's language, for the process that compiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from mailtally_collector.machine import steps
from mailtally_collector.machine.steps import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

#: numba and llvmlite tell nothing of their own types.
Type = Any
Value = Any
Builder = Any
#: The signature of an instruction, and the function that writes it.
Written = tuple[Type, "Callable[[Any, Builder, Any, list[Value]], Value]"]

_BIT, _BYTE, _NUMBER, _WORD, _DOUBLE = map(ir.IntType, (1, 8, 32, 64, 128))
_BLOCK: Final = ir.VectorType(_BYTE, BLOCK)
_ALL_FROM_FIRST: Final = ir.Constant(ir.VectorType(_NUMBER, BLOCK), [0] * BLOCK)
_overload: Final[Any] = overload


def _instruction(written: Callable[..., Written]) -> Callable[..., Value]:
    return cast("Callable[..., Value]", intrinsic(written))


@_instruction
def _first_bit(_typing: Type, _word: Type) -> Written:
    def write(_context: object, builder: Builder, _types: object, given: list[Value]) -> Value:
        return builder.cttz(given[0], ir.Constant(_BIT, 0))

    return types.int64(types.uint64), write


@_instruction
def _bit_count(_typing: Type, _word: Type) -> Written:
    def write(_context: object, builder: Builder, _types: object, given: list[Value]) -> Value:
        return builder.ctpop(given[0])

    return types.int64(types.uint64), write


@_instruction
def _folded(_typing: Type, _one: Type, _other: Type) -> Written:
    def write(_context: object, builder: Builder, _types: object, given: list[Value]) -> Value:
        one, other = (builder.zext(word, _DOUBLE) for word in given)
        product = builder.mul(one, other)
        upper = builder.lshr(product, ir.Constant(_DOUBLE, 64))
        return builder.trunc(builder.xor(product, upper), _WORD)

    return types.uint64(types.uint64, types.uint64), write


@_instruction
def _bits(_typing: Type, data: Type, _start: Type, _byte: Type) -> Written:
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


#: Each step, and its instruction.
_SAID: Final = (
    (steps.first_bit, _first_bit),
    (steps.bit_count, _bit_count),
    (steps.folded, _folded),
    (steps.bits, _bits),
)


def teach_instructions() -> None:
    """Let the compiler put an instruction where a step is called."""
    for step, instruction in _SAID:
        _teach(step, instruction)


def _teach(step: Callable[..., object], instruction: Callable[..., Value]) -> None:
    # The compiler takes a function here, and no instruction.
    _overload(step)(lambda *given: lambda *given: instruction(*given))  # noqa: ARG005, PLW0108 - it asks the outer one for the inner one by types
