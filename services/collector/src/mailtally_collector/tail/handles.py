"""The open files, up to a maximum."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from mailtally_collector.tail.content import open_content
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.followed import Followed

_log = logging.getLogger(__name__)

#: Most compressed files held open: each has a dictionary or window in memory.
_MOST_PACKED: Final = 8


class Handles:
    """A cache of open files, which closes the least recently used ones.

    Files without a name are closed last: they could not be opened again.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[str, Followed] = {}  # the most recently used is last
        self._logged: set[tuple[str, int | None]] = set()
        #: The reasons why files cannot be read, by path.
        self.failed: dict[str, str] = {}

    def of(self, file: Followed) -> Content | None:
        """Return the open file, or ``None`` while it cannot be read."""
        self._open.pop(file.key, None)
        if file.content is None and file.found is not None:
            file.content = self.open(file.found)
        if file.content is not None:
            self._open[file.key] = file
            self._keep_to_the_limit()
        return file.content

    def open(self, found: Found) -> Content | None:
        """Open a file that a scan found; return ``None`` if it is gone or not readable."""
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
        """Assign ``content`` as the open file of ``file``."""
        file.content = content
        self.of(file)

    def close(self, file: Followed) -> None:
        """Close the open file of ``file``, if there is one."""
        self._open.pop(file.key, None)
        if file.content is not None:
            file.content.close()
            file.content = None

    def close_all(self) -> None:
        """Close all files."""
        for file in list(self._open.values()):
            self.close(file)

    def tell(self, path: str, error: Exception) -> None:
        """Log that a file cannot be read, once for each kind of reason."""
        self.failed[path] = _reason(error)
        case = (path, getattr(error, "errno", None))
        if case not in self._logged:
            self._logged.add(case)
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
