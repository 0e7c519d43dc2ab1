"""The reject file ``rejects.jsonl``: malformed lines, kept on the mail host.

Each line of the file is a JSON object: ``number`` (1, 2, 3 …), ``file``,
``offset``, ``length``, ``reason``, ``line`` (its bytes, read as Latin-1).

A line is on disk before the checkpoint has it as read, and lines that the checkpoint does not have
are cut off at the start: so each rejected line is in the file once.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailtally_collector.tail.cut import LineReject
from mailtally_shared.days.durable import sync_directory
from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Self

    from mailtally_collector.formats import Rejects
    from mailtally_collector.tail import Chunk

_NAME = "rejects.jsonl"
_OLDER = "rejects.1.jsonl"
_KEPT = 65_536  # bytes of a line, at most


class RejectFile:
    """An open reject file, to which rejected lines are appended.

    A file over ``max_bytes`` is renamed to ``rejects.1.jsonl``, replacing the former one.
    """

    def __init__(self, directory: Path, committed: int, max_bytes: int = 64 * 2**20) -> None:
        """Open the file, and cut off the lines after number ``committed``."""
        self._path = directory / _NAME
        self._older = directory / _OLDER
        self._max_bytes = max_bytes
        self._count = committed
        self._is_synced = True
        for path in (self._older, self._path):
            _cut_after(path, committed)
        self._descriptor = _open(self._path)

    def add(self, rejects: Iterable[LineReject]) -> None:
        """Append lines; they are durable after the next ``sync``.

        Raises:
            Unavailable: the disk is full or fails; none of the lines was appended.
        """
        lines = [r.to_json(number) for number, r in enumerate(rejects, start=self._count + 1)]
        if not lines:
            return
        with self._plain_errors():
            self._make_room()
            self._write("".join(lines).encode("ascii"))
        self._count += len(lines)
        self._is_synced = False

    def add_parsed(self, chunk: Chunk, rejects: Rejects) -> None:
        """Append the lines of a chunk that the parser rejected."""
        lines = zip(rejects.start.tolist(), rejects.end.tolist(), rejects.labels(), strict=True)
        self.add(
            LineReject(
                path=chunk.path,
                offset=chunk.span.start + chunk.nuls + start,
                length=end - start,
                reason=reason,
                kept=bytes(chunk.data[start : min(end, start + _KEPT)]),
            )
            for start, end, reason in lines
        )

    def sync(self) -> int:
        """Write all lines to disk durably.

        Returns:
            The number of the last one, for the checkpoint.

        Raises:
            Unavailable: the disk fails.
        """
        if not self._is_synced:
            with self._plain_errors():
                os.fsync(self._descriptor)
            self._is_synced = True
        return self._count

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _make_room(self) -> None:
        if os.fstat(self._descriptor).st_size < self._max_bytes:
            return
        os.fsync(self._descriptor)
        if self._path.exists():  # not after a failure between the two steps
            self._path.rename(self._older)
        former, self._descriptor = self._descriptor, _open(self._path)
        os.close(former)

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._descriptor).st_size
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, memoryview(data)[written:])
        except OSError:
            os.ftruncate(self._descriptor, before)
            raise

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(f"{self._path} cannot be written: {error.strerror}.") from error


def last_number(directory: Path) -> int:
    """Return the number of the last whole line in the directory's reject file, or 0."""
    for path in (directory / _NAME, directory / _OLDER):
        data = path.read_bytes() if path.exists() else b""
        if number := _number_before(data, data.rfind(b"\n") + 1):
            return number
    return 0


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    sync_directory(path.parent)
    return descriptor


def _cut_after(path: Path, committed: int) -> None:
    """Cut off an incomplete last line, and lines with a number above ``committed``."""
    if not path.exists():
        return
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    while _number_before(data, end) > committed:
        end = data.rfind(b"\n", 0, end - 1) + 1
    if end < len(data):
        os.truncate(path, end)


def _number_before(data: bytes, end: int) -> int:
    """Return the number of the line that ends at ``end``, or 0 if it has none."""
    start = data.rfind(b"\n", 0, max(0, end - 1)) + 1
    try:
        return int(json.loads(data[start:end])["number"])
    except (ValueError, KeyError, TypeError):
        return 0
