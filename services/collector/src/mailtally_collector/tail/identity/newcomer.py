"""New files: where to begin reading, and whether a rotation explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.tail.identity.candidates import replaced_by
from mailtally_collector.tail.identity.fingerprints import WINDOW, last_line_end

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.doubts import Doubts
    from mailtally_collector.tail.followed import Followed


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A file unrelated to the known ones, pending until all files of a scan are placed.

    Attributes:
        found: the file.
        since: since when it has its present size and time.
        former: the file that had its name before and now has none.
        could_be_read: whether no error kept it from being read at an earlier scan.
    """

    found: Found
    since: float
    former: Followed | None
    could_be_read: bool


def end_of_lines(found: Found, content: Content) -> int:
    """Return the end of the last whole line; for a compressed file, which never grows, its end."""
    size = content.size()
    return size if found.name.compressed else last_line_end(content, size)


class Newcomers:
    """The judge of new files at the end of a scan, when it is known what became of the others."""

    def __init__(self, files: dict[str, Followed], doubts: Doubts, rotate_wait: float) -> None:
        self._files = files
        self._doubts = doubts
        self._rotate_wait = rotate_wait
        self._new: list[Newcomer] = []
        self._failed: frozenset[str] = frozenset()
        self._explained: set[str] = set()  # keys of files that were emptied or partly copied
        self._known: frozenset[str] = frozenset()  # keys of the files before the scan
        self._begun: dict[str, float] = {}  # when a log's primary became another file

    def begin_look(self, failed: Iterable[str]) -> None:
        """Note the known files, and those that could not be read so far."""
        self._known = frozenset(self._files)
        self._failed = frozenset(failed)

    def add(self, found: Found, since: float, *, is_judged: bool) -> None:
        """Add a new file; one with too little in it is judged at a later scan."""
        former = replaced_by(found, self._files.values())
        could_be_read = found.path not in self._failed
        if is_judged:
            self._new.append(Newcomer(found, since, former, could_be_read))
        elif former is not None:
            self._explained.add(former.key)  # it was emptied and grows again

    def went_on(self, former: Followed) -> None:
        """Note that a file was found to continue elsewhere."""
        self._explained.add(former.key)

    def end_look(self, now: float, reach: float, *, is_first: bool, is_undecided: bool) -> None:
        """Report the new files that no rotation explains; not yet while files are undecided."""
        # An unread file may be emptied without becoming another one.
        changed = (f for f in self._files.values() if f.key not in self._known or f.is_unproved)
        self._begun |= {file.log: now for file in changed if file.is_primary}
        if is_undecided:
            return
        for new in self._new:
            if new.found.name.is_primary:
                self._judge_primary(new, now, reach)
            else:
                self._judge_rotated(new, now, is_first=is_first)
        self._new.clear()
        self._explained &= self._files.keys()

    def _judge_primary(self, new: Newcomer, now: float, reach: float) -> None:
        log, size, read = new.found.log, new.found.seal.size, self._read_of_gone(new)
        if size >= read >= WINDOW:
            self._doubts.replaced(log, new.found.path, read, size, now)
        elif new.former is not None or self._was_renamed(new):
            self._doubts.begun(log, reach)

    def _judge_rotated(self, new: Newcomer, now: float, *, is_first: bool) -> None:
        """Judge a new rotated file: it is explained if its log was begun again with it."""
        log, read = new.found.log, self._read_of_gone(new)
        is_followed = any(f.is_primary and f.log == log for f in self._files.values())
        begun = self._begun.get(log, 0.0)
        if not is_followed or not new.could_be_read or begun >= new.since - self._rotate_wait:
            return
        if read:
            self._doubts.replaced(log, new.found.path, read, new.found.seal.size, now)
        elif not is_first:
            self._doubts.unexpected(new.found.path, new.found.seal.size, now)

    def _read_of_gone(self, new: Newcomer) -> int:
        """Return the bytes read of the file that had the name, if they are in no file now."""
        former = new.former
        if former is None or former.found is not None or former.key in self._explained:
            return 0
        return former.position.offset

    def _was_renamed(self, new: Newcomer) -> bool:
        return any(f.position.left == new.found.path for f in self._files.values())
