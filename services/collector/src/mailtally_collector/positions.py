"""Where reading stands in each log file, in a form that outlives the process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of whole lines in a file: bytes ``start`` to ``end`` (exclusive)."""

    file_key: str
    start: int
    end: int

    def meets(self, other: Span) -> bool:
        """``other`` begins where this one ends."""
        return self.file_key == other.file_key and self.end == other.start

    def joined(self, other: Span) -> Span:
        """Both as one; they must meet."""
        return replace(self, end=other.end)

    def to_json(self) -> list[Any]:
        """As a part of a JSON text."""
        return [self.file_key, self.start, self.end]

    @classmethod
    def from_json(cls, value: object) -> Span:
        """Back from JSON.

        Raises:
            ValueError: it is not what ``to_json`` gives.
        """
        return cls(*_SPAN.validate_python(value))


@dataclass(frozen=True, slots=True)
class Mark:
    """The fingerprint of the up to 256 bytes before ``at``; tells nothing of their text."""

    at: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Seal:
    """Size in bytes and time of change of a file as it lies on disk."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class LastLines:
    """Fingerprints of the last lines that were read of a file that is written to.

    Attributes:
        prints: 8 hex digits for each line.
        lengths: of each line, in bytes.
    """

    prints: str
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Reading a file was stopped, until a person says where to go on.

    Attributes:
        reason: a word for it; ``tail.stopped`` has the sentences.
        since: when, Unix seconds.
        offset: how far the file was read before.
    """

    reason: str
    since: float
    offset: int


@dataclass(frozen=True, slots=True)
class Position:
    """A log file and how far it is read. Offsets count decompressed bytes.

    Attributes:
        file_key: names the file for good, whatever becomes of its path and inode.
        path: where it was last seen.
        device: the file system it was on.
        inode: its number there.
        begin: where reading of it began: 0, or its end at that time.
        offset: where to read on.
        trail: fingerprints of what was read, ascending; they prove that it is the same file.
        seal: how it looked when it was read to its end for good; ``None`` before.
        gone: since when it can be found nowhere, Unix seconds.
        unread: bytes that were unread in it when it went.
        copy: a further fingerprint of it, where a copy that was seen of it ended.
        lines: fingerprints of the last lines before ``offset``, where it is written to.
        own: where the state directory had read it to, if that is an old copy and others have read
            on since; until it is known whether the log went back as well.
        stopped: why it is not read on; what lies before ``offset`` is then the content that
            it was stopped with, whether or not it was read.
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
    stopped: Stopped | None = None

    def marks(self) -> list[Mark]:
        """All fingerprints of it, ascending."""
        known = (*self.trail, self.copy) if self.copy else self.trail
        return sorted(known, key=lambda mark: mark.at)

    def at_beginning(self) -> Position:
        """Return the same file before anything of it was read."""
        return self.back_at(self.begin)

    def back_at(self, offset: int) -> Position:
        """Return the same file as it is read on at an earlier offset; its trail still proves it."""
        if offset >= self.offset:
            return self
        return replace(self, offset=offset, seal=None, lines=None)

    def to_json(self) -> dict[str, Any]:
        """As a part of a JSON text. Defaults are left out: it travels with every batch."""
        value: dict[str, Any] = _POSITION.dump_python(self, mode="json", exclude_defaults=True)
        return value

    @classmethod
    def from_json(cls, value: object) -> Position:
        """Back from JSON.

        Raises:
            ValueError: it is not what ``to_json`` gives.
        """
        return _POSITION.validate_python(value)


_POSITION = TypeAdapter(Position)
_SPAN = TypeAdapter(tuple[str, int, int])
