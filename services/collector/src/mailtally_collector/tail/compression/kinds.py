"""Detection of a file's compression by its first bytes, never by its name."""

from __future__ import annotations

import os
import re
from enum import Enum
from typing import Final

#: Bytes at the beginning of a file that ``compression_of`` needs, if there are that many.
HEAD: Final = 264


class Compression(Enum):
    """A kind of compression; the value is its name in messages."""

    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"
    COMPRESS = "compress"
    LZIP = "lzip"
    LZOP = "lzop"
    ZIP = "zip"
    SEVEN_ZIP = "7z"
    TAR = "tar"

    @property
    def is_read(self) -> bool:
        """Return whether logs with this compression are read."""
        return self in _READ


_READ: Final = (Compression.GZIP, Compression.BZIP2, Compression.XZ, Compression.ZSTD)

# A text that begins with BZh is a text, unless a bzip2 block follows. zstd's second form is a
# skippable frame, with which pzstd begins. A tar archive begins with a file name; the logs in it
# are copies, so it is refused, compressed or not.
_MAGIC: Final = {
    Compression.GZIP: rb"\x1f\x8b(?:\x08|\Z)",
    Compression.BZIP2: rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90|.{0,5}\Z)",
    Compression.XZ: rb"\xfd7zXZ\x00",
    Compression.ZSTD: rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18",
    Compression.LZ4: rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18",
    Compression.COMPRESS: rb"\x1f\x9d",
    Compression.LZIP: rb"LZIP\x01",
    Compression.LZOP: rb"\x89LZO\x00\r\n\x1a\n",
    Compression.ZIP: rb"PK\x03\x04",
    Compression.SEVEN_ZIP: rb"7z\xbc\xaf\x27\x1c",
    Compression.TAR: rb"(?=.{257}ustar[\0 ])[^\0\n]{1,107}\0",
}
_KINDS: Final = {kind: re.compile(magic, re.DOTALL) for kind, magic in _MAGIC.items()}


def compression_of(head: bytes) -> Compression | None:
    """Return the compression of a file that begins with ``head``, or ``None`` for a plain one."""
    return next((kind for kind, magic in _KINDS.items() if magic.match(head)), None)


def compression_in(descriptor: int) -> Compression | None:
    """Return the compression of an open file."""
    return compression_of(os.pread(descriptor, HEAD, 0))
