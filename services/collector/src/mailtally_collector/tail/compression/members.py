"""Decompressors for one member: a gzip member, a bzip2 or xz stream, a zstd frame.

All have one interface, and none returns much more at once than was requested, whatever a few bytes
of input expand to.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Final, Protocol

import zstandard

from mailtally_collector.tail.compression.kinds import Compression

if TYPE_CHECKING:
    from collections.abc import Callable

#: The errors of the decompressors for damaged input.
MEMBER_ERRORS: Final = (zlib.error, lzma.LZMAError, OSError, ValueError, zstandard.ZstdError)

#: Most bytes of memory that a member may need: the largest windows of xz -9 and zstd --long.
_MOST_MEMORY: Final = 2**27 + 2**20
_MOST_WINDOW: Final = 2**27

_GZIP: Final = 31  # zlib's largest window, in a gzip wrapper


class Member(Protocol):
    """A decompressor with the interface of the standard library's."""

    @property
    def eof(self) -> bool:
        """Return whether the member's end was reached and its checksum is right."""

    @property
    def needs_input(self) -> bool:
        """Return whether more input is needed before there is more output."""

    @property
    def unused_data(self) -> bytes:
        """Return the input after the end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take input, and return at most about ``max_length`` bytes of output."""


class _Gzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)


_MAGIC_SIZE: Final = 4
_SKIPPED: Final = b"\x2a\x4d\x18"  # after the first byte of a skippable frame
_BLOCK_HEADER: Final = 3
_RUN: Final = 1  # type of a block that is one byte, repeated
_CHECKSUM: Final = 4


class _Zstd:
    """A zstd frame, decompressed block by block, each at most 128 KiB.

    The library's decompressor has no limit on its output, and does not report a truncated frame.
    """

    def __init__(self) -> None:
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
        self._frame = decompressor.decompressobj()
        self._input = b""
        self._skip = 0  # bytes left of a skippable frame
        self._has_checksum = False
        self._next: Callable[[], int | None] | None = self._header
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._next is None and not self._skip

    @property
    def unused_data(self) -> bytes:
        return self._input

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002 - a block has its own limit
        self._input += data
        while not self.eof:
            unit = self._take()
            if unit is None:
                self.needs_input = True
                return b""
            if given := self._frame.decompress(unit):
                self.needs_input = False
                return given
        return b""

    def _take(self) -> bytes | None:
        """Return the next part to decompress, or ``None`` until it is complete."""
        if self._skip:
            gone = min(self._skip, len(self._input))
            self._input, self._skip = self._input[gone:], self._skip - gone
            return None if self._skip else b""
        before = self._next
        length = before() if before else None
        if length is None:
            return None
        unit, self._input = self._input[:length], self._input[length:]
        return unit

    def _header(self) -> int | None:
        if len(self._input) < 2 * _MAGIC_SIZE:
            return None
        if self._input[1:_MAGIC_SIZE] == _SKIPPED:
            self._skip = 8 + int.from_bytes(self._input[_MAGIC_SIZE:8], "little")
            self._next = None
            return 0
        flags = self._input[_MAGIC_SIZE]
        is_single = flags >> 5 & 1
        dictionary, content = (0, 1, 2, 4)[flags & 3], (is_single, 2, 4, 8)[flags >> 6]
        length = 5 + (not is_single) + dictionary + content
        if len(self._input) < length:
            return None
        self._has_checksum = bool(flags >> 2 & 1)
        self._next = self._block
        return length

    def _block(self) -> int | None:
        header = int.from_bytes(self._input[:_BLOCK_HEADER], "little")
        is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
        length = _BLOCK_HEADER + (1 if kind == _RUN else size)
        if is_last and self._has_checksum:
            length += _CHECKSUM
        if len(self._input) < max(length, _BLOCK_HEADER):
            return None
        if is_last:
            self._next = None
        return length


def member(kind: Compression) -> Member:
    """Return a new decompressor for a member of this kind."""
    if kind is Compression.GZIP:
        return _Gzip()
    if kind is Compression.BZIP2:
        return bz2.BZ2Decompressor()
    if kind is Compression.XZ:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
    return _Zstd()
