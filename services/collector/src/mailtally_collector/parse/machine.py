"""Functions over bytes as machine code: numba, with the types that it does not give itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")

#: The chunk: shape ``(length,)``.
Bytes = NDArray[np.uint8]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part of the kernel; it is inlined where it is called, and holds no GIL."""
    return cast("Callable[P, R]", njit(nogil=True, _nrt=False)(function))


def compiled_and_kept(function: Callable[P, R]) -> Callable[P, R]:
    """Compile the kernel's outermost function and keep the machine code on disk.

    It is kept in ``__pycache__`` beside the source; where that is not writable, in the user's
    cache directory, or where ``NUMBA_CACHE_DIR`` says.
    """
    return cast("Callable[P, R]", njit(nogil=True, _nrt=False)(function))
