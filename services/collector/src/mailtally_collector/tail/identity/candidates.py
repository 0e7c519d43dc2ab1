"""The followed files that an unknown file may be, or may be a copy of."""

from __future__ import annotations

from bisect import insort
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from mailtally_collector.tail.content import READ_ERRORS
from mailtally_collector.tail.followed import read_to_its_end
from mailtally_collector.tail.identity.fingerprints import WINDOW, first_of, head_marks, mark_of
from mailtally_collector.tail.identity.kinship import Kin, Kinship, kin_to_lost
from mailtally_collector.tail.identity.rejoin import last_windows, newest_window

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.handles import Handles
    from mailtally_collector.tail.identity.fingerprints import Trail
    from mailtally_collector.tail.positions import Mark, Position


def replaced_by(found: Found, files: Iterable[Followed]) -> Followed | None:
    """Return the file that last had this path and no longer has a name."""
    gone = [
        f for f in files if f.found is None and f.position.trail and f.position.path == found.path
    ]
    return max(gone, key=lambda f: f.position.gone or inf, default=None)


def removed_from(log: str, files: Iterable[Followed]) -> list[Followed]:
    """Return the nameless files of a log that are still open, and those lost last."""
    removed = [f for f in files if f.found is None and log in (f.position.path, f.position.left)]
    lost = [f for f in removed if f.is_lost and f.position.trail]
    last = max((f.position.gone or inf for f in lost), default=inf)
    return [f for f in removed if f.is_detached or (f.position.gone or inf) == last]


def took_place(logs: Container[str], file: Followed) -> bool:
    """Return whether a file of these logs may be the first at the path that another one left."""
    return file.found is not None and file.position.left in logs


def continues(logs: Container[str], file: Followed) -> bool:
    """Return whether a file of these logs continues one that had other content."""
    return file.found is not None and file.former is not None and file.log in logs


def is_read_first(kinship: Kinship, found: Found, content: Content, file: Followed) -> bool:
    """Return whether a removed file is to be read to its end before its possible successor."""
    if not file.position.trail and kinship.kin is not Kin.STRANGER:
        return kinship.kin is Kin.DIVERGED  # a file that holds all of it is read instead
    whole = read_to_its_end(file)
    states = [each for each in ([file] if whole is file else [whole, file]) if each.position.trail]
    return kinship.kin is not Kin.STRANGER or any(
        kin_to_lost(found, content, each).kin is not Kin.STRANGER for each in states
    )


def holds_window_of(file: Followed, original: Content, content: Content) -> bool:
    """Return whether a content holds a whole window of a file, from any of its last lines."""
    marks = (*file.position.trail, *last_windows(original))
    return newest_window(marks, content) is not None


def note_window(content: Content, file: Followed) -> None:
    """Note a window of a removed file that another file holds, even while it grows."""
    if file.position.copy is None:
        marks = (*file.position.trail, *read_to_its_end(file).position.trail)
        window = newest_window(marks, content)
        file.position = replace(file.position, copy=window and window[0])


def lost_among(files: Iterable[Followed]) -> list[Followed]:
    """Return the lost files that may continue elsewhere, the strongest proof first."""
    lost = [f for f in files if f.is_lost and f.position.trail]
    return sorted(lost, key=lambda f: -f.position.offset)


def present_among(files: Iterable[Followed]) -> list[Followed]:
    """Return the files that exist or are still open, primaries first."""
    return sorted((f for f in files if not f.is_lost), key=lambda f: not f.is_primary)


class Beginnings:
    """An index of files by the marks of their first bytes, valid for one scan."""

    def __init__(self, files: Iterable[Followed], handles: Handles) -> None:
        self._by_mark: dict[Mark, list[Followed]] = {}
        self._places: list[int] = []
        for file in files:
            self.add(file, _head_of(file, handles))
            if file.former is not None:
                self.add(file, _head_in(file.former))

    def add(self, file: Followed, head: Trail) -> None:
        """Add a file with its first marks."""
        for mark in head:
            if mark not in self._by_mark and all(mark.at != at for at in self._places):
                insort(self._places, mark.at)
            self._by_mark.setdefault(mark, []).append(file)

    def alike(self, first: bytes) -> list[Followed]:
        """Return the files that share a mark with a file with these first bytes."""
        found: dict[str, Followed] = {}
        for at in self._places:
            if at > len(first):
                break
            for file in self._by_mark.get(mark_of(first[:at], at), ()):
                found[file.key] = file
        return list(found.values())


def _head_of(file: Followed, handles: Handles) -> Trail:
    if file.position.trail:
        return _head_in(file.position)
    with suppress(*READ_ERRORS):
        content = None if file.is_lost else handles.of(file)
        if content is not None:
            return head_marks(first_of(content))
    return ()


def _head_in(position: Position) -> Trail:
    return tuple(mark for mark in position.marks() if mark.at <= WINDOW)
