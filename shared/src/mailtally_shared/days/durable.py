"""Files that are complete or absent, whenever the power fails."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from typing import TYPE_CHECKING

from mailtally_shared.days.grammar.text_columns import bare
from mailtally_shared.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

    from mailtally_shared.columns import Array


FILE_MODE = 0o640


@dataclass(frozen=True, slots=True)
class Staged:
    """A file whose bytes are on disk under a temporary name, to be renamed to its own."""

    temporary: Path
    path: Path
    sha256: str

    def commit(self) -> None:
        """Replace whatever has the final name; the directory is not yet synced."""
        self.temporary.replace(self.path)


def stage(path: Path, chunks: Iterable[bytes]) -> Staged:
    """Write and sync ``chunks`` next to ``path``, under a name that one writer at a time may use.

    A file of that name, left by an earlier crash, is overwritten.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    digest = hashlib.sha256()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - Path.open takes no descriptor
        os.fchmod(descriptor, FILE_MODE)
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(descriptor)
    return Staged(temporary, path, digest.hexdigest())


def place(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a complete file; it is durable when this returns."""
    stage(path, chunks).commit()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in ``directory`` durable: renames, new files and removals."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def directory_lock(directory: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold ``directory``'s lock, which the system releases when the process ends.

    Raises:
        BlockingIOError: another process holds it and ``wait`` is false.
    """
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


#: Texts in the queue of the writing thread: memory stays bounded where the disk is slow.
_WAITING = 8


def stage_behind(disk: ThreadPoolExecutor, path: Path, texts: Iterable[Array]) -> Future[Staged]:
    """Call ``stage`` in a thread; return once the last text is handed over to it.

    Args:
        disk: one thread for each file; a file for which none is free waits, and so does the caller.
        path: as for ``stage``.
        texts: padded texts. They are generated here, and an error in that is raised here;
            the staged file is then of no use.
    """
    waiting: Queue[Array | None] = Queue(_WAITING)
    staged = disk.submit(_stage, path, _taken(waiting))
    try:
        for text in texts:
            waiting.put(text)
    finally:
        waiting.put(None)
    return staged


def _taken(waiting: Queue[Array | None]) -> Iterator[Array]:
    while (text := waiting.get()) is not None:
        yield text


def _stage(path: Path, texts: Iterator[Array]) -> Staged:
    try:
        return stage(path, map(bare, texts))
    finally:
        # After a failure, such as a full disk, the producer of the texts must not block for ever.
        for _ in texts:
            pass
