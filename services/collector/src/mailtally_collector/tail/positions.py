"""The position in each log file, in a form that is stored across restarts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file that holds whole lines: bytes ``start`` to ``end`` (exclusive)."""

    file_key: str
    start: int
    end: int

    def meets(self, other: Span) -> bool:
        """Return whether ``other`` begins where this span ends."""
        return self.file_key == other.file_key and self.end == other.start

    def joined(self, other: Span) -> Span:
        """Return both spans as one; they must meet."""
        return replace(self, end=other.end)

    def to_json(self) -> list[Any]:
        """Return the span as a JSON value."""
        return [self.file_key, self.start, self.end]

    @classmethod
    def from_json(cls, value: object) -> Span:
        """Parse a JSON value.

        Raises:
            ValueError: it was not written by ``to_json``.
        """
        return cls(*_SPAN.validate_python(value))


@dataclass(frozen=True, slots=True)
class Mark:
    """The fingerprint of up to 256 bytes before ``at``; it reveals nothing of their text."""

    at: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Seal:
    """Size in bytes and modification time of a file on disk."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class LastLines:
    """Fingerprints of the last lines that were read of a growing file.

    Attributes:
        prints: 8 hex digits for each line.
        lengths: of each line, in bytes.
    """

    prints: str
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stop of a file, until an operator settles where to resume.

    Attributes:
        reason: a ``StopReason``; ``tail.stopped`` has the sentences.
        since: the time of the stop in Unix seconds.
        offset: how far the file was read before.
    """

    reason: str
    since: float
    offset: int


@dataclass(frozen=True, slots=True)
class Position:
    """The position in a log file. Offsets count decompressed bytes.

    Attributes:
        file_key: the lasting key of the file, whatever happens to its path and inode.
        path: its last known path.
        device: its last known file system.
        inode: its last known inode.
        begin: the offset at which reading of it began: 0, or its end at that time.
        offset: the offset to resume at.
        trail: fingerprints of what was read, ascending; they prove that it is the same file.
        seal: its size and time when it was complete and read to its end; ``None`` before.
        gone: since when it has not been found, in Unix seconds.
        unread: bytes unread in it when it vanished.
        copy: a further fingerprint of it, at the end of a known copy.
        lines: fingerprints of the last lines before ``offset``, while it is growing.
        own: the position of a state directory that is an old copy, if others have read further
            since; until it is known whether the log was restored as well.
        ends: fingerprints of it at the ends of spans that a predecessor counted; while there are
            any after ``offset``, they prove that it is the file of those spans.
        stopped: why its reading is stopped; everything before ``offset`` is then its content at
            that time, whether or not it was read.
        left: its path before it was last renamed, dropped once another primary is followed
            there.
    """

    file_key: str
    path: str
    device: int
    inode: int
    begin: int = 0
    offset: int = 0
    trail: tuple[Mark, ...] = ()
    seal: Seal | None = None
    gone: float | None = None
    unread: int = 0
    copy: Mark | None = None
    lines: LastLines | None = None
    own: Mark | None = None
    ends: tuple[Mark, ...] = ()
    stopped: Stopped | None = None
    left: str = ""

    def marks(self) -> list[Mark]:
        """Return all fingerprints, ascending."""
        known = (*self.trail, self.copy) if self.copy else self.trail
        return sorted(known, key=lambda mark: mark.at)

    def at_beginning(self) -> Position:
        """Return the position before anything was read."""
        return self.back_at(self.begin)

    def back_at(self, offset: int) -> Position:
        """Return the position at an earlier offset; the trail still proves the file."""
        if offset >= self.offset:
            return self
        return replace(self, offset=offset, seal=None, lines=None)

    def to_json(self) -> dict[str, Any]:
        """Return the position as a JSON value without defaults: it is sent with every batch."""
        value: dict[str, Any] = _POSITION.dump_python(self, mode="json", exclude_defaults=True)
        return value

    @classmethod
    def from_json(cls, value: object) -> Position:
        """Parse a JSON value.

        Raises:
            ValueError: it was not written by ``to_json``.
        """
        return _POSITION.validate_python(value)


_POSITION = TypeAdapter(Position)
_SPAN = TypeAdapter(tuple[str, int, int])
