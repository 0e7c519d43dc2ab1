"""Memory of a process that reads logs and ends: what it got once it keeps, and looks at once.

Measured on 200 MB: a quarter less processor time in all, see docs/performance.md.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

#: Parameters of glibc's ``mallopt``, and what they are set to.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_KEPT: Final = 32 * 2**20  # bytes; glibc takes no more
_ALL: Final = 2**30


def keep_freed_memory() -> None:
    """Let arrays of a piece lie where those of the piece before did.

    Otherwise each is handed back to the kernel, which hands it out again page by page, cleared.
    Where there is no glibc, nothing changes.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, _ALL)
        mallopt(_ARENA_MAX, 1)


def keep_what_is_loaded() -> None:
    """Have no garbage collection look through what is loaded by now: modules and machine code."""
    gc.freeze()
