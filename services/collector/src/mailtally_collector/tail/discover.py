"""Discover the logs: find the files, the log that each belongs to, and their order.

A *log* is the file that a program writes to under one path, its *primary*, together with the files
that were rotated away from there:

    stats   stats.1   stats.2.gz   stats-20261122   stats-2026112213.bz2   stats-1795348800
    current   @4000000038c3eeb027f6b0a4.s

The name shows which log a file belongs to and how old it is; the first bytes show whether it is
compressed.

A glob that matches a primary also covers its rotated files, even while there is no primary: without
them, a rotation during a stop would lose lines, and a writer that never reopens its log would no
longer be followed.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from glob import escape, has_magic, iglob
from typing import TYPE_CHECKING

from mailtally_collector.tail.identity.heads import Heads
from mailtally_collector.tail.paths import text_of
from mailtally_collector.tail.positions import Seal
from mailtally_collector.tail.regular_file import kind_of_file
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_log = logging.getLogger(__name__)

# A number of up to five digits counts back; a date, or seconds since 1970, counts forward.
_ROTATED = re.compile(
    r"(?P<stem>.+?)(?:\.(?P<number>\d{1,5})|[.-](?P<date>\d{4}-?\d\d-?\d\d\d*(?:[-_.T:]\d+)*))"
)
# The suffixes of compressed files; what precedes them names the log.
_SUFFIX = re.compile(r"(?P<bare>.+)\.(?:gz|bz2?|xz|zstd?|lz4|lzo|lz|lzma|Z|zip|7z)")

# A file that multilog has rotated: its label is the time. multilog writes to ``current``.
_MULTILOG = re.compile(r"@(?P<label>[0-9a-f]{24})\.[su]")
_MULTILOG_PRIMARY = "current"

Age = tuple[int, str]
_PRIMARY: Age = (2, "")


@dataclass(frozen=True, slots=True)
class LogName:
    """A parsed file name.

    Attributes:
        stem: name of the primary.
        age: sorts a log's files, oldest first.
        compressed: whether the content is. The name is only a guess; the first bytes decide.
    """

    stem: str
    age: Age
    compressed: bool

    @property
    def is_primary(self) -> bool:
        """Return whether this is the file that the log is written to."""
        return self.age == _PRIMARY


@dataclass(frozen=True, slots=True)
class Found:
    """A file as a scan of its directory found it. ``log`` is its primary's path."""

    path: str
    log: str
    name: LogName
    device: int
    inode: int
    seal: Seal


def parse_name(name: str, *, compressed: bool | None = None) -> LogName:
    """Parse a file name.

    Args:
        name: the name without its directory.
        compressed: whether the content is compressed, if known; such a file is never a primary.
    """
    bare = bare_name(name)
    if compressed is None:
        compressed = bare != name
    if (found := _MULTILOG.fullmatch(bare)) is not None:
        return LogName(_MULTILOG_PRIMARY, (1, found["label"]), compressed)
    found = _ROTATED.fullmatch(bare)
    if found is None:
        is_primary = bare == name and not compressed
        return LogName(bare, _PRIMARY if is_primary else (1, "99999"), compressed)
    if found["date"] is not None:
        return LogName(found["stem"], (0, re.sub(r"\D", "", found["date"])), compressed)
    return LogName(found["stem"], (1, f"{99_999 - int(found['number']):05d}"), compressed)


def bare_name(name: str) -> str:
    """Return the name that a file had before it was compressed, judging by its present name."""
    found = _SUFFIX.fullmatch(name)
    return found["bare"] if found else name


def log_of(path: str) -> str:
    """Return the primary's path of the log that a file belongs to."""
    directory, _, name = path.rpartition("/")
    return f"{directory}/{parse_name(name).stem}"


class Discovery:
    """A scanner of the directories; it logs each file that is not read once."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = tuple(globs)
        self._logged: set[tuple[str, str]] = set()
        self._heads = Heads()
        #: Number of files that each glob matched at the last scan; empty before the first one.
        self.patterns: dict[str, int] = {}
        #: The reasons why directories and possible logs of the last scan are not read, by path.
        self.refused: dict[str, str] = {}

    def look(self) -> list[Found]:
        """Return the present files, each inode once; those of a log oldest first."""
        self.refused = dict(self._closed_directories())
        self._heads.begin_look()
        paths = self._paths()
        seen = [found for path in paths if (found := self._look(path))]
        for path in filter(os.path.islink, sorted(paths)):
            seen += self._beside_target(path)
        seen.sort(key=lambda f: (f.name.age, f.path))
        # Of several names (links) of one file the last is kept: that of a primary, if there is one.
        once = {(f.device, f.inode): f for f in seen}
        return sorted(once.values(), key=lambda f: (f.log, f.name.age, f.path))

    def _paths(self) -> set[str]:
        found = {g: {*iglob(g, recursive=True), *_rotated(g)} for g in self._globs}  # noqa: PTH207 - Path.glob takes no absolute pattern
        self.patterns = {pattern: len(paths) for pattern, paths in found.items()}
        return {os.path.abspath(p) for paths in found.values() for p in paths}  # noqa: PTH100 - a name may be no UTF-8

    def _beside_target(self, link: str) -> Iterator[Found]:
        """Yield the rotated files of a log that is a link: they are next to the link's target."""
        target = os.path.realpath(link)
        directory, stem = os.path.split(target)
        for name in _names_in(directory):
            parsed = parse_name(name)
            if parsed.stem == stem and not parsed.is_primary:
                found = self._look(os.path.join(directory, name))  # noqa: PTH118 - see above
                if found is not None:
                    yield replace(found, log=log_of(text_of(link)))

    def _look(self, path: str) -> Found | None:
        try:
            seen = os.stat(path)  # noqa: PTH116 - see above
        except FileNotFoundError:
            return None  # removed since it was listed, or a dangling link
        except OSError as error:
            self._refuse(path, error.strerror or str(error))
            return None
        kind = kind_of_file(seen.st_mode)
        if kind is not None:
            self._skip(path, f"it is {kind}")
            return None
        name = self._name(path, seen)
        if name is None:
            return None
        text = text_of(path)
        seal = Seal(seen.st_size, seen.st_mtime_ns)
        return Found(text, log_of(text), name, seen.st_dev, seen.st_ino, seal)

    def _name(self, path: str, seen: os.stat_result) -> LogName | None:
        """Parse the name, corrected by the first bytes; ``None``: an unsupported compression."""
        name = os.path.basename(path)  # noqa: PTH119 - see above
        try:
            compression = self._heads.compression(path, seen) if seen.st_size else None
        except OSError:
            return parse_name(name)  # reading it will report the error
        if compression is not None and not compression.is_read:
            self._refuse(path, f"logs compressed with {compression.value} are not read")
            return None
        return parse_name(name, compressed=compression is not None)

    def _closed_directories(self) -> Iterator[tuple[str, str]]:
        """Yield the directories of the globs that cannot be listed, with the reason."""
        for place in {os.path.dirname(pattern) or os.curdir for pattern in self._globs}:  # noqa: PTH120 - patterns are no paths
            for directory in {place} if not has_magic(place) else iglob(place, recursive=True):  # noqa: PTH207 - see above
                try:
                    os.scandir(directory).close()
                except PermissionError as error:
                    yield text_of(directory), str(error.strerror)
                except OSError:
                    continue

    def _skip(self, path: str, reason: str) -> None:
        """Skip what is not a log; log a warning if a setting names exactly that path."""
        if path in self._globs or escape(path) in self._globs:
            self._refuse(path, reason)
        elif self._is_news(path, reason):
            shown = text_of(path)
            event(_log, logging.INFO, "not-a-log", f"{shown} is not a log: {reason}.", file=shown)

    def _refuse(self, path: str, reason: str) -> None:
        shown = text_of(path)
        self.refused[shown] = reason
        if self._is_news(path, reason):
            sentence = f"{shown} is not read: {reason}."
            event(_log, logging.WARNING, "log-not-read", sentence, file=shown)

    def _is_news(self, path: str, reason: str) -> bool:
        is_news = (path, reason) not in self._logged
        self._logged.add((path, reason))
        return is_news


def _rotated(pattern: str) -> Iterator[str]:
    """Yield the rotated files of all primaries that a glob covers."""
    place, name_pattern = os.path.split(pattern)
    for directory in iglob(place, recursive=True) if place else (os.curdir,):  # noqa: PTH207 - see above
        for name in _names_in(directory):
            parsed = parse_name(name)
            if not parsed.is_primary and _stands_for(name_pattern, parsed.stem):
                yield os.path.join(directory, name)  # noqa: PTH118 - see above


def _stands_for(name_pattern: str, name: str) -> bool:
    """Return whether a glob matches; names with a leading dot need a pattern with one."""
    is_hidden = name.startswith(".") and not name_pattern.startswith(".")
    return fnmatchcase(name, name_pattern) and not is_hidden


def _names_in(directory: str) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - the names are parsed as text
    except OSError:
        return []
