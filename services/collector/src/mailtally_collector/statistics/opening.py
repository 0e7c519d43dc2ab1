"""Open a log for reading, whatever it is compressed with; what tells is its first bytes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, Protocol, cast

from mailtally_collector.compression import HEAD, Compression, Damage, Decoder, compression_of
from mailtally_collector.regular_file import open_file

if TYPE_CHECKING:
    from io import BufferedReader

#: Stands for standard input.
STANDARD_INPUT: Final = "-"
#: What reading may fail with: a disk's fault, or a compressed file cut short or damaged.
READ_ERRORS: Final = (OSError, Damage)


class Content(Protocol):
    """A log's content from here on."""

    def readinto1(self, view: memoryview, /) -> int:
        """Fill some of ``view``; 0 at the end. What was read is there before an error is raised."""


def open_raw(path: str) -> BufferedReader:
    """The file as it lies there, or standard input.

    Raises:
        OSError: it is not there, not readable, or neither a file nor a pipe.
    """
    if path == STANDARD_INPUT:
        return cast("BufferedReader", sys.stdin.buffer)
    return open(open_file(path, or_pipe=True), "rb")  # noqa: PTH123 - Path.open takes no descriptor


def content_of(raw: BufferedReader) -> Content:
    """Return what is in a file, decompressed where it is compressed.

    Raises:
        Damage: it is compressed in a way that is not read.
    """
    head = raw.peek(HEAD)
    compression = compression_of(head[:HEAD])
    if compression is None:
        return _Plain(raw, len(head))
    if not compression.is_read:
        raise Damage(f"logs compressed with {compression.value} are not read")
    return _Packed(raw, compression)


class _Packed:
    """What is in a compressed file."""

    def __init__(self, raw: BufferedReader, compression: Compression) -> None:
        self._decoder = Decoder(raw.read1, compression)

    def readinto1(self, view: memoryview, /) -> int:
        data = self._decoder.read(len(view))
        view[: len(data)] = data
        return len(data)


class _Plain:
    """A file whose content is itself. Reading never waits for more than there is."""

    def __init__(self, raw: BufferedReader, held: int) -> None:
        self._raw = raw
        self._held = held

    def readinto1(self, view: memoryview, /) -> int:
        # Asked for more than it holds, the reader would go to the file again, and wait.
        held, self._held = self._held, 0
        return self._raw.readinto1(view[:held] if held else view)
