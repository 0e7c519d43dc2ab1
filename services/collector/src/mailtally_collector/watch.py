"""Wait until something happens to the logs, without polling them.

On Linux the kernel reports changes (inotify). Elsewhere, and where it cannot (a directory that does
not exist yet, no watches left), a wait ends after a short time, and the logs are read.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from contextlib import suppress
from enum import IntFlag
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mailtally_shared.runtime.logs import event

if sys.platform == "linux":
    from inotify_simple import INotify, flags

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

_log = logging.getLogger(__name__)

#: Seconds of a wait where changes are not reported.
POLL = 0.5
#: Seconds between two searches for new directories.
_REFRESH = 2.0


class Change(IntFlag):
    """The kind of a change."""

    NOTHING = 0
    CONTENT = 1  # a file was written to: read
    NAMES = 2  # a file came, went or was renamed: scan, then read


class HasFileno(Protocol):
    """A descriptor that ends a wait by becoming readable; it is never read here."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Watcher:
    """A watcher of the directories of some globs. For one thread, except ``wake``."""

    def __init__(self, globs: Iterable[str], stop: HasFileno | None = None) -> None:
        self._patterns = tuple({os.path.dirname(pattern) or os.curdir for pattern in globs})  # noqa: PTH120 - a pattern is no path
        self._notes = _DirectoryNotes() if sys.platform == "linux" else None
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        self._poll = select.poll()
        for descriptor in (self._readable, stop, self._notes):
            if descriptor is not None:
                self._poll.register(descriptor, select.POLLIN)
        self._complete = False
        self._refreshed_at = float("-inf")
        self._refresh()

    def wait(self, timeout: float) -> Change:
        """Wait for a change, for ``wake`` or for a stop request, at most ``timeout`` seconds.

        Returns:
            The kind of change; ``NOTHING`` after ``wake``, a stop request or the time.
        """
        self._refresh()
        patience = timeout if self._complete else min(timeout, POLL)
        ready = {fd for fd, _ in self._poll.poll(max(0, round(patience * 1000)))}
        if self._readable in ready:
            os.read(self._readable, 4096)
        if self._notes is not None and self._notes.fileno() in ready:
            change = self._notes.take()
            if change & Change.NAMES:
                self._refreshed_at = float("-inf")
            return change
        return Change.NOTHING if ready or self._complete else Change.CONTENT | Change.NAMES

    def wake(self) -> None:
        """End the wait. Safe in any thread and in a signal handler."""
        with suppress(BlockingIOError):  # the pipe is full of wake-ups
            os.write(self._writable, b".")

    def close(self) -> None:
        """Stop watching."""
        os.close(self._readable)
        os.close(self._writable)
        if self._notes is not None:
            self._notes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _refresh(self) -> None:
        """Watch new directories."""
        if self._notes is None or time.monotonic() - self._refreshed_at < _REFRESH:
            return
        self._refreshed_at = time.monotonic()
        found = {p: glob(p, recursive=True) for p in self._patterns}  # noqa: PTH207 - Path.glob takes no absolute pattern
        watched = self._notes.watch({d for directories in found.values() for d in directories})
        self._complete = watched and all(found.values())


class _DirectoryNotes:
    """The kernel's reports on some directories."""

    def __init__(self) -> None:
        self._kernel = INotify(nonblocking=True)
        self._watched: dict[str, int] = {}
        self._logged = False

    def fileno(self) -> int:
        return int(self._kernel.fileno())

    def watch(self, directories: set[str]) -> bool:
        """Watch further directories; return ``False`` if the kernel refuses one."""
        refused = [d for d in sorted(directories) if not (d in self._watched or self._add(d))]
        return not refused

    def take(self) -> Change:
        """Return the changes since the last call."""
        change = Change.NOTHING
        for note in self._kernel.read(timeout=0):
            change |= Change.CONTENT if note.mask & flags.MODIFY else Change.NAMES
            if note.mask & (flags.IGNORED | flags.MOVE_SELF):
                self._drop(note.wd)
        return change

    def close(self) -> None:
        self._kernel.close()

    def _drop(self, watch: int) -> None:
        """Drop the watch of a directory that was moved, so that its path is watched again."""
        self._watched = {d: w for d, w in self._watched.items() if w != watch}
        with suppress(OSError):  # the kernel has dropped it already
            self._kernel.rm_watch(watch)

    def _add(self, directory: str) -> bool:
        wanted = (
            flags.MODIFY
            | flags.CREATE
            | flags.DELETE
            | flags.MOVED_FROM
            | flags.MOVED_TO
            | flags.MOVE_SELF
            | flags.ONLYDIR
        )
        try:
            self._watched[directory] = self._kernel.add_watch(Path(directory), wanted)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            if not self._logged:
                self._logged = True
                sentence = f"{directory} cannot be watched ({error.strerror}); polling it."
                event(_log, logging.WARNING, "watch-refused", sentence, directory=directory)
            return False
        return True
