"""Buffers that go round: as many as pieces are under way, and memory that is warm."""

from __future__ import annotations

from typing import Final

#: Bytes of a log that one thread works on at a time.
BUFFER_SIZE: Final = 8 * 2**20


class Buffers:
    """Hands out buffers, used ones first. For one thread."""

    def __init__(self, size: int = BUFFER_SIZE) -> None:
        self._size = size
        self._free: list[bytearray] = []

    def take(self) -> bytearray:
        """A buffer that nobody else has; what is in it means nothing."""
        return self._free.pop() if self._free else bytearray(self._size)

    def give(self, buffer: bytearray) -> None:
        """Take one back; nobody looks into it any more."""
        self._free.append(buffer)
