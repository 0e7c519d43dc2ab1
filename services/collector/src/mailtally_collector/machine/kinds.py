"""The kinds of arguments that machine code is made for, and the numbers it gets for them. Pure.

A function is compiled for arguments of certain kinds: an array of so many dimensions whose items
are of such a type, in a row or not, writable or not; a named tuple of such; a number. A kind can be
said in JSON, as the process that compiles is told of it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: ``["array", dtype, dimensions, flags]``, ``["tuple", class, *kinds]``, ``"int64"`` or
#: ``"uint64"``; lists may be tuples.
Kind = Any

#: NumPy's flags of an array that the compiler asks for.
IN_A_ROW, ALIGNED, WRITABLE = 0x0001, 0x0100, 0x0400
_TOLD_APART: Final = IN_A_ROW | ALIGNED | WRITABLE

_WORD: Final = 2**64 - 1


def kind_of(argument: object) -> Kind:
    """What an argument is to the compiler.

    Raises:
        TypeError: There is no machine code for such arguments.
    """
    if isinstance(argument, np.ndarray):
        # One number for all flags: looking each up by its name would take longer than the rest.
        return "array", argument.dtype.str, argument.ndim, argument.flags.num & _TOLD_APART
    if isinstance(argument, tuple):
        return "tuple", _name_of(type(argument)), *map(kind_of, argument)
    if isinstance(argument, np.uint64):
        return "uint64"
    if isinstance(argument, int | np.integer):
        return "int64"
    raise TypeError(f"no machine code takes a {type(argument).__name__}")


def numbers_of(arguments: Iterable[object]) -> Iterator[int]:
    """Arguments as the compiled function gets them: numbers from 0 to 2^64 - 1, one after another.

    That of an array is its address as an object; the arguments have to live as long as it is used.
    """
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            yield id(argument)
        elif isinstance(argument, tuple):
            yield from numbers_of(argument)
        else:
            yield int(cast("int", argument)) & _WORD


def _name_of(made: type) -> str:
    return f"{made.__module__}:{made.__qualname__}"
