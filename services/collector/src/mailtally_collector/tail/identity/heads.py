"""A cache of the first bytes of files, read again only when a file has changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mailtally_collector.tail.compression import compression_in
from mailtally_collector.tail.regular_file import open_file

if TYPE_CHECKING:
    from mailtally_collector.tail.compression import Compression

_Looks = tuple[int, int, int]


class Heads:
    """The compression of files, by inode. ``begin_look`` drops those not used since."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[_Looks, Compression | None]] = {}
        self._former = self._known

    def begin_look(self) -> None:
        """Keep only the entries that the last scan used."""
        self._former, self._known = self._known, {}

    def compression(self, path: str, seen: os.stat_result) -> Compression | None:
        """Return the compression of a file, by its first bytes.

        Raises:
            OSError: it cannot be opened or read.
        """
        inode, looks = (
            (seen.st_dev, seen.st_ino),
            (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns),
        )
        former = self._former.get(inode)
        known = former if former and former[0] == looks else (looks, _look(path))
        self._known[inode] = known
        return known[1]


def _look(path: str) -> Compression | None:
    descriptor = open_file(path)
    try:
        return compression_in(descriptor)
    finally:
        os.close(descriptor)
