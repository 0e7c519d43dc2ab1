"""What a processor does in one step and Python has no word for: four instructions.

Here they are said in Python, which is what runs where nothing is compiled. To the compiler they
are said in LLVM's language (``instructions``); a test holds the two against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes

#: Bytes that are looked at together, a bit of a word for each.
BLOCK: Final = 64

_WRAP: Final = 2**64


def first_bit(word: np.uint64) -> int:
    """Which bit of a word is the lowest that is set, 0 … 63; 64 where none is."""
    bits = int(word)
    return (bits & -bits).bit_length() - 1 if bits else BLOCK


def bit_count(word: np.uint64) -> int:
    """How many bits of a word are set."""
    return int(word).bit_count()


def folded(one: np.uint64, other: np.uint64) -> np.uint64:
    """Both halves of the product of two words, one laid over the other."""
    product = int(one) * int(other)
    return np.uint64(product // _WRAP ^ product % _WRAP)


def bits(data: Bytes, start: int, byte: int) -> np.uint64:
    """A bit for each of the 64 bytes from ``start`` on: set where it is ``byte``."""
    seen = data[int(start) : int(start) + BLOCK].tolist()
    return np.uint64(sum((other == byte) << k for k, other in enumerate(seen)))
