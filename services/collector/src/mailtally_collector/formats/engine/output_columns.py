"""A chunk as the array that the kernel reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mailtally_shared.columns import Array


def bytes_of(chunk: bytes | bytearray | memoryview) -> Array:
    """Return the chunk as a read-only array, without copying it."""
    data = np.frombuffer(chunk, np.uint8)
    data.flags.writeable = False
    return data
