"""A chunk of a log, as C reads it: bytes one after the other, from an address on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mailtally_kernel.malformed import Array


def need_bytes(chunk: Array) -> None:
    """Check that an array is bytes one after the other; C sees its address and length only.

    Raises:
        ValueError: It has gaps, more than one dimension, or elements that are not bytes.
    """
    if chunk.dtype != np.uint8 or chunk.ndim != 1 or not chunk.flags.c_contiguous:
        raise ValueError("A chunk has to be an array of bytes without gaps.")
