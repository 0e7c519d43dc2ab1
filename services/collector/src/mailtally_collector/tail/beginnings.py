"""Which of the followed files begin as an unknown one does, without reading them again."""

from __future__ import annotations

from bisect import insort
from contextlib import suppress
from typing import TYPE_CHECKING

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.identity import WINDOW, first_of, head_marks, mark_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Mark
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.handles import Handles
    from mailtally_collector.tail.identity import Trail


class Beginnings:
    """An index of files by the marks of their first bytes; good for one look."""

    def __init__(self, files: Iterable[Followed], handles: Handles) -> None:
        self._by_mark: dict[Mark, list[Followed]] = {}
        self._places: list[int] = []
        for file in files:
            self.add(file, _head_of(file, handles))

    def add(self, file: Followed, head: Trail) -> None:
        """Enter a file that begins so."""
        for mark in head:
            if mark not in self._by_mark and all(mark.at != at for at in self._places):
                insort(self._places, mark.at)
            self._by_mark.setdefault(mark, []).append(file)

    def alike(self, first: bytes) -> list[Followed]:
        """Return the files that share a mark with one that has these first bytes."""
        found: dict[str, Followed] = {}
        for at in self._places:
            if at > len(first):
                break
            for file in self._by_mark.get(mark_of(first[:at], at), ()):
                found[file.key] = file
        return list(found.values())


def _head_of(file: Followed, handles: Handles) -> Trail:
    if file.position.trail:
        return tuple(mark for mark in file.position.marks() if mark.at <= WINDOW)
    with suppress(*READ_ERRORS):
        content = None if file.is_lost else handles.of(file)
        if content is not None:
            return head_marks(first_of(content))
    return ()
