"""Functions over bytes as machine code: numba, with the types that it does not give itself."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

#: To a signed number: compiled, a byte or a word is unsigned, and mixed with others makes a float.
signed: Final = cast("Callable[[object], int]", np.int64)

_njit: Final[Any] = njit  # its stubs do not know all of its options

#: The chunk, or a table over all bytes: shape ``(length,)``.
Bytes = NDArray[np.uint8]

# numba counts references to each array at each call, with locked instructions: nine tenths of the
# time, measured. The kernel allocates nothing and its caller holds all arrays, so the counting
# ("nrt", numba's run time) is off. Inlined by force, arrays are not copied to be handed on.
_OPTIONS: Final[dict[str, Any]] = {"nogil": True, "_nrt": False, "forceinline": True}


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part of the kernel."""
    return cast("Callable[P, R]", _njit(**_OPTIONS)(function))


def compiled_and_kept(function: Callable[P, R]) -> Callable[P, R]:
    """Compile an outermost function and keep the machine code on disk.

    It is kept in ``__pycache__`` beside the source; where that is not writable, in the user's
    cache directory, or where ``NUMBA_CACHE_DIR`` says. Nothing of that happens before the first
    call: until then a process may say where (``kept_code``).
    """

    @cache
    def made() -> Callable[P, R]:
        return cast("Callable[P, R]", _njit(cache=True, **_OPTIONS)(function))

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return made()(*args, **kwargs)

    return run
