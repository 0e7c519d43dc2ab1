"""Open a log for reading, whatever it is compressed with; what tells is its first bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast

import zstandard

from mailtally_collector.statistics.naming import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader

#: What reading may fail with: a disk's fault, or a compressed file cut short or damaged.
READ_ERRORS: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


class Content(Protocol):
    """A log's content from here on."""

    def readinto1(self, view: memoryview, /) -> int:
        """Fill some of ``view``; 0 at the end. What was read is there before an error is raised."""


def _zstd(raw: BinaryIO) -> Content:
    reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    return cast("Content", reader)


_DECOMPRESSORS: Final[dict[bytes, Callable[[BinaryIO], Content]]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def open_raw(path: str) -> BufferedReader:
    """The file as it lies there, or standard input.

    Raises:
        OSError: it is not there or not readable.
    """
    if path == STANDARD_INPUT:
        return cast("BufferedReader", sys.stdin.buffer)
    return open(path, "rb")  # noqa: PTH123 - it may name no path


def content_of(raw: BufferedReader) -> Content:
    """What is in a file, decompressed where it is compressed."""
    head = raw.peek(8)
    for magic, decompressor in _DECOMPRESSORS.items():
        if head.startswith(magic):
            return decompressor(raw)
    return _Plain(raw, len(head))


class _Plain:
    """A file whose content is itself. Reading never waits for more than there is."""

    def __init__(self, raw: BufferedReader, held: int) -> None:
        self._raw = raw
        self._held = held

    def readinto1(self, view: memoryview, /) -> int:
        # Asked for more than it holds, the reader would go to the file again, and wait.
        held, self._held = self._held, 0
        return self._raw.readinto1(view[:held] if held else view)
