"""Files that are there whole or not at all, whenever the power fails."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE_MODE = 0o640


@dataclass(frozen=True, slots=True)
class Staged:
    """A file whose bytes are on disk under a temporary name, to be put in place."""

    temporary: Path
    path: Path
    sha256: str

    def commit(self) -> None:
        """Put it in place of whatever bears its name; the directory is not yet synced."""
        self.temporary.replace(self.path)


def stage(path: Path, chunks: Iterable[bytes]) -> Staged:
    """Write and sync ``chunks`` beside ``path``, under a name that one writer at a time may use.

    What an earlier crash left under that name is overwritten.
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
    """Put a whole file in place, for good when this returns."""
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
    """The SHA-256 of a file's bytes, in hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def directory_lock(directory: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold ``directory``'s lock; it goes with the process that dies.

    Raises:
        BlockingIOError: another holds it and ``wait`` is false.
    """
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
