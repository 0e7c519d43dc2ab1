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

    def marks(self) -> list[Mark]:
        """All fingerprints of it, ascending."""
        known = (*self.trail, self.copy) if self.copy else self.trail
        return sorted(known, key=lambda mark: mark.at)

    def at_beginning(self) -> Position:
        """The same file before anything of it was read; what is known of it still proves it."""
        return replace(self, offset=self.begin, seal=None)

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
