"""A column that grows piece by piece, and is given away without ever being there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from mailtally_shared.columns import Array

#: Values of a block: so many that the allocator maps it, and the system gets it back when it goes.
#: What is freed in small pieces stays with the process.
_BLOCK = 65_536


class Growing:
    """Values of one kind, one after another; names may become wider as they come."""

    def __init__(self, kind: DTypeLike) -> None:
        self._kind = np.dtype(kind)
        self._blocks: list[Array] = []
        self._filled: list[int] = []

    def __len__(self) -> int:
        return sum(self._filled)

    def add(self, values: Array) -> None:
        """Put values behind the others."""
        if not self._has_room(values):
            self._blocks.append(np.empty(max(_BLOCK, len(values)), values.dtype))
            self._filled.append(0)
        begin = self._filled[-1]
        self._filled[-1] += len(values)
        self._blocks[-1][begin : self._filled[-1]] = values

    def given(self) -> Array:
        """All of them as one array; each block is let go when it is in it, and none is left."""
        kind = max((self._kind, *(block.dtype for block in self._blocks)), key=_width)
        whole = np.empty(len(self), kind)
        end = len(whole)
        while self._blocks:
            block, filled = self._blocks.pop(), self._filled.pop()
            whole[end - filled : end] = block[:filled]
            end -= filled
        return whole

    def _has_room(self, values: Array) -> bool:
        if not self._blocks:
            return False
        block = self._blocks[-1]
        fits = values.dtype.itemsize <= block.dtype.itemsize
        return fits and self._filled[-1] + len(values) <= len(block)


def _width(kind: np.dtype[np.generic]) -> int:
    return kind.itemsize
