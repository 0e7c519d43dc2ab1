"""The open files, so many at most."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from mailtally_collector.tail.content import open_content
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.followed import Followed

_log = logging.getLogger(__name__)

#: Compressed files held open, at most: each has a dictionary or window in memory.
_MOST_PACKED: Final = 8


class Handles:
    """Opens files when they are wanted, and closes the ones that were not for longest.

    One that has no name any more is closed last: it could not be opened again.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[str, Followed] = {}  # the one wanted last is last
        self._told: set[tuple[str, int | None]] = set()
        #: Why the files that cannot be read cannot, by path.
        self.failed: dict[str, str] = {}

    def of(self, file: Followed) -> Content | None:
        """The open file; ``None`` while it cannot be read."""
        self._open.pop(file.key, None)
        if file.content is None and file.found is not None:
            file.content = self.open(file.found)
        if file.content is not None:
            self._open[file.key] = file
            self._keep_to_the_limit()
        return file.content

    def open(self, found: Found) -> Content | None:
        """Open what a look found; ``None`` if it is not there any more or not readable."""
        try:
            content = open_content(found.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.tell(found.path, error)
            return None
        self.failed.pop(found.path, None)
        if content.identity() != (found.device, found.inode):
            content.close()
            return None
        return content

    def give(self, file: Followed, content: Content) -> None:
        """Let ``file`` be read through ``content``."""
        file.content = content
        self.of(file)

    def close(self, file: Followed) -> None:
        """Close its open file, if there is one."""
        self._open.pop(file.key, None)
        if file.content is not None:
            file.content.close()
            file.content = None

    def close_all(self) -> None:
        """Close all of them."""
        for file in list(self._open.values()):
            self.close(file)

    def tell(self, path: str, error: Exception) -> None:
        """Say that a file cannot be read; once for each kind of reason."""
        self.failed[path] = _reason(error)
        case = (path, getattr(error, "errno", None))
        if case not in self._told:
            self._told.add(case)
            sentence = f"{path} cannot be read on: {error}. It is tried again when it changes."
            event(_log, logging.ERROR, "log-unreadable", sentence, file=path)

    def _keep_to_the_limit(self) -> None:
        named = [file for file in self._open.values() if not file.is_detached]
        packed = [file for file in named if file.found and file.found.name.compressed]
        surplus = named[: max(0, len(self._open) - self._most)]
        for file in surplus + packed[: max(0, len(packed) - _MOST_PACKED)]:
            if file is not next(reversed(self._open.values())):
                self.close(file)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
