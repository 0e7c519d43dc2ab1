"""The file of a snapshot: written in the course of copying, and read back only if it is intact.

Format: ``MTS2``, a zstd frame of commands (msgpack lists of a command's name and
arguments), and the SHA-256 of all that. It contains domains and sums, no addresses.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import msgpack
import zstandard

from mailtally_shared.errors import BadFile
from mailtally_shared.regular import is_regular, open_regular
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.state.snapshot.crashes import CrashAt

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

_MAGIC, _FAMILY = b"MTS2", b"MTS"
_DIGEST = 32
_BLOCK, _PACKED = 2**20, 2**16
_STAGED = ".tmp"


def snapshots(directory: Path) -> list[Path]:
    """Return the snapshot files of a directory, newest first."""
    return sorted(filter(is_regular, directory.glob("*.snapshot")), reverse=True)


def remove_staged(directory: Path) -> None:
    """Remove what interrupted processes left of unfinished snapshots."""
    for path in directory.glob(f"*{_STAGED}"):
        path.unlink(missing_ok=True)


class StagedSnapshot:
    """A snapshot file (mode 0600) under a temporary name, until ``place``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._staged = path.with_suffix(_STAGED)
        self._compressor = zstandard.ZstdCompressor(level=1).compressobj()
        self._digest = hashlib.sha256()
        self._file: io.BufferedWriter

    def __enter__(self) -> Self:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self._file = os.fdopen(os.open(self._staged, flags, 0o600), "wb")
        self._put(_MAGIC)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._staged.unlink(missing_ok=True)

    def add(self, packed: bytes) -> None:
        """Append a command, packed with msgpack."""
        self._put(self._compressor.compress(packed))

    def place(self) -> None:
        """Finish the file, and give it its name once it is on disk."""
        self._put(self._compressor.flush())
        self._file.write(self._digest.digest())
        self._file.flush()
        os.fsync(self._file.fileno())
        crash_point(CrashAt.SNAPSHOT_STAGED)
        self._staged.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _put(self, content: bytes) -> None:
        self._digest.update(content)
        self._file.write(content)


def read_commands(path: Path) -> Iterator[list[Any]]:
    """Yield the commands of a snapshot, after the whole of it was checked.

    Raises:
        BadFile: it is damaged, or another version of mailtally wrote it.
    """
    with open_regular(path) as file:
        _check(file, path)
        file.seek(len(_MAGIC))
        commands = msgpack.Unpacker(raw=True, strict_map_key=False)
        frame = zstandard.ZstdDecompressor().decompressobj()
        while not frame.eof and (block := file.read(_PACKED)):
            commands.feed(frame.decompress(block))
            yield from commands


def _check(file: io.BufferedReader, path: Path) -> None:
    left = os.fstat(file.fileno()).st_size - _DIGEST
    digest = hashlib.sha256()
    magic = file.peek(len(_MAGIC))[: len(_MAGIC)]
    if magic.startswith(_FAMILY) and magic != _MAGIC:
        raise BadFile(
            "bad-snapshot", str(path), "another version of mailtally wrote the snapshot; run that"
        )
    while left > 0 and (block := file.read(min(left, _BLOCK))):
        digest.update(block)
        left -= len(block)
    if magic != _MAGIC or file.read(_DIGEST) != digest.digest():
        raise BadFile("bad-snapshot", str(path), "the snapshot is damaged; an older one is tried")
