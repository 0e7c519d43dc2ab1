"""The functions that become machine code are marked; run as they are, they are plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

#: To a signed number: compiled, a byte or a word is unsigned, and mixed with others makes a float.
signed: Final = cast("Callable[[object], int]", np.int64)

#: The chunk, or a table over all bytes: shape ``(length,)``.
Bytes = NDArray[np.uint8]

#: All that is marked in the modules loaded so far.
MARKED: Final[list[Callable[..., object]]] = []


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a part of a kernel: whatever marked function calls it, the compiler takes it in."""
    MARKED.append(function)
    return function
