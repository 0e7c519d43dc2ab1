"""Waiting files: copies, and files that a later scan decides about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.identity.fingerprints import (
    first_of,
    head_marks,
    mark_of,
    trail_at,
)
from mailtally_collector.tail.identity.kinship import Kin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.identity.fingerprints import Trail
    from mailtally_collector.tail.identity.kinship import Kinship
    from mailtally_collector.tail.positions import Seal

Inode = tuple[int, int]

#: Relations of which a later scan decides.
UNDECIDED = (Kin.UNSURE, Kin.AFTER, Kin.ALIKE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that is not followed for now.

    Attributes:
        seal: its size and time.
        since: since when it has them.
        kin: its relation to ``original``; ``None`` if it cannot be read.
        original: the file that it seems to be a copy of.
        is_settled: whether enough of the original was read to notice when it is emptied.
        end: the end of the copy.
        is_read: whether the original was read beyond that while it still held the same.
        head: the marks of its first bytes.
    """

    seal: Seal
    since: float
    kin: Kin | None = None
    original: Followed | None = None
    is_settled: bool = True
    end: int = 0
    is_read: bool = False
    head: Trail = ()

    @property
    def is_decided(self) -> bool:
        """Return whether nothing has happened that could change the decision."""
        if self.kin is Kin.COPY:
            return self.is_settled and self._is_of_the_same()
        return self.kin is None

    def is_begun_by(self, first: bytes) -> bool:
        """Return whether it has a cause to wait, and begins as a file with these first bytes."""
        has_cause = self.kin in (Kin.UNSURE, Kin.AFTER)
        return has_cause and any(
            mark.at <= len(first) and mark_of(first[: mark.at], mark.at) == mark
            for mark in self.head
        )

    def _is_of_the_same(self) -> bool:
        """Return whether the original exists and was not edited since, which renews its marks."""
        if self.original is None or self.original.is_lost:
            return False
        return not self.end or self.original.position.copy is not None


def as_read(waiting: Waiting) -> Waiting:
    """Note whether all of a copy was read in its original, while that is unchanged."""
    original = waiting.original
    is_read = (
        waiting.kin is Kin.COPY and original is not None and original.position.offset >= waiting.end
    )
    return replace(waiting, is_read=True) if is_read and waiting.is_settled else waiting


def note_copy(original: Followed, copy: Content) -> bool:
    """Note the end of a copy, which may be all that is left of the original.

    Returns:
        Whether enough was read of the original to notice when it is emptied.
    """
    for end in trail_at(copy, copy.size())[-1:]:
        original.position = replace(original.position, copy=end)
    return bool(original.position.trail)


class WaitingFiles:
    """The files that wait, by their inodes, as of the last scan.

    Args:
        rotate_wait: seconds after which a log that waits for a removed file is reported.
    """

    def __init__(self, rotate_wait: float) -> None:
        self._rotate_wait = rotate_wait
        self._waiting: dict[Inode, Waiting] = {}
        #: The log in which a file, or that of which it is a copy, began to wait.
        self._first_log: dict[Inode, str] = {}
        self._there: dict[str, Inode] = {}
        self._primaries: frozenset[str] = frozenset()

    @property
    def is_undecided(self) -> bool:
        """Return whether a later scan has to decide about some files."""
        return any(waiting.kin in UNDECIDED for waiting in self._waiting.values())

    def note_read(self) -> None:
        """Note, before a scan, which copies hold nothing unread."""
        self._waiting = {inode: as_read(waiting) for inode, waiting in self._waiting.items()}

    def begin_look(self, found: Iterable[Found]) -> None:
        """Drop the files that no longer exist."""
        found = list(found)
        self._there = {f.path: inode_of(f) for f in found}
        self._primaries = frozenset(f.path for f in found if f.name.is_primary)
        present = set(self._there.values())
        self._waiting = {i: w for i, w in self._waiting.items() if i in present}
        self._first_log = {i: log for i, log in self._first_log.items() if i in present}

    def held_up(self, now: float) -> Iterator[tuple[str, str]]:
        """Yield the logs that have waited long for a removed file, with the path of that."""
        for path in sorted(self._primaries):
            waiting = self._waiting.get(self._there[path])
            if waiting is None or waiting.kin is not Kin.AFTER or waiting.original is None:
                continue
            if waiting.original.is_detached and now - waiting.since >= self._rotate_wait:
                yield path, waiting.original.position.path

    def of(self, found: Found) -> Waiting | None:
        """Return how a file waits."""
        return self._waiting.get(inode_of(found))

    def take(self, found: Found) -> None:
        """Have a file wait no longer."""
        self._waiting.pop(inode_of(found), None)

    def put(self, found: Found, waiting: Waiting) -> None:
        """Have a file wait."""
        self._waiting[inode_of(found)] = waiting

    def put_related(self, found: Found, content: Content, kinship: Kinship, since: float) -> None:
        """Have a file wait for its relation, and close it."""
        copied = None if kinship.kin is Kin.AFTER else kinship.other
        is_settled = copied is not None and note_copy(copied, content)
        end, head = content.size(), head_marks(first_of(content))
        content.close()
        waiting = Waiting(found.seal, since, kinship.kin, kinship.other, is_settled, end, head=head)
        self.put(found, waiting)
        self._first_log.setdefault(inode_of(found), found.log)

    def replace_original(self, copy: Followed, original: Followed) -> None:
        """Have the copies of a file wait as copies of a longer one."""
        for inode, waiting in self._waiting.items():
            if waiting.original is copy:
                self._waiting[inode] = replace(waiting, original=original)

    def is_like_one(self, found: Found, first: bytes) -> bool:
        """Return whether a file with these first bytes begins like one that waits."""
        for inode, waiting in self._waiting.items():
            if waiting.is_begun_by(first):
                self._first_log[inode_of(found)] = self._first_log[inode]
                return True
        return False

    def logs_of(self, found: Found) -> set[str]:
        """Return the log of a file, and the one in which it began to wait."""
        return {found.log, self._first_log.get(inode_of(found), found.log)}

    def plain_twin(self, found: Found) -> Inode | None:
        """Return the file with the name that this one had before it was compressed."""
        return self._there.get(found.path.rpartition(".")[0]) if found.name.compressed else None

    def original_of(self, inode: Inode, files: Iterable[Followed]) -> Followed | None:
        """Return the followed file that another one is, or is a copy of."""
        if (waiting := self._waiting.get(inode)) is not None:
            return waiting.original
        known = (f for f in files if f.found is not None)
        return next((f for f in known if (f.position.device, f.position.inode) == inode), None)


def inode_of(found: Found) -> Inode:
    """Return the device and inode of a file."""
    return found.device, found.inode
