"""Find the logs: which files there are, to which log each belongs, and in which order.

A *log* is what a program writes to under one path, its *primary* file, together
with the files that were rotated away from there:

    stats   stats.1   stats.2.gz   stats-20261122   stats-2026112213.gz   stats-1795348800
    current   @4000000038c3eeb027f6b0a4.s

A glob that matches a primary stands for its rotated files too, also while there is no primary:
without them a rotation during a stop would lose lines, and a writer that never opens its log
anew would not be heard any more.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import iglob
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.positions import Seal
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_log = logging.getLogger(__name__)

# A number of up to five digits counts back; a date, or seconds since 1970, counts forward.
_ROTATED = re.compile(
    r"(?P<stem>.+?)(?:\.(?P<number>\d{1,5})|[.-](?P<date>\d{4}-?\d\d-?\d\d\d*(?:[-_.T:]\d+)*))"
)
_UNREADABLE = (".bz2", ".xz", ".zst", ".lz4", ".Z", ".zip")

# What multilog has put away: its label is the time. It writes to ``current``.
_MULTILOG = re.compile(r"@(?P<label>[0-9a-f]{24})\.[su]")
_MULTILOG_PRIMARY = "current"

Age = tuple[int, str]
_PRIMARY: Age = (2, "")


@dataclass(frozen=True, slots=True)
class LogName:
    """What a file's name says.

    Attributes:
        stem: name of the primary.
        age: sorts a log's files, oldest first.
        compressed: its content is gzip.
    """

    stem: str
    age: Age
    compressed: bool

    @property
    def is_primary(self) -> bool:
        """It is the file that the log is written to."""
        return self.age == _PRIMARY


@dataclass(frozen=True, slots=True)
class Found:
    """A file as a look at its directory showed it. ``log`` is its primary's path."""

    path: str
    log: str
    name: LogName
    device: int
    inode: int
    seal: Seal


def parse_name(name: str) -> LogName:
    """Take a file's name apart."""
    compressed = name.endswith(".gz")
    bare = name.removesuffix(".gz")
    if (found := _MULTILOG.fullmatch(bare)) is not None:
        return LogName(_MULTILOG_PRIMARY, (1, found["label"]), compressed)
    found = _ROTATED.fullmatch(bare)
    if found is None:
        return LogName(bare, (1, "99999") if compressed else _PRIMARY, compressed)
    if found["date"] is not None:
        return LogName(found["stem"], (0, re.sub(r"\D", "", found["date"])), compressed)
    return LogName(found["stem"], (1, f"{99_999 - int(found['number']):05d}"), compressed)


def log_of(path: str) -> str:
    """The primary's path of the log that a file belongs to."""
    directory, _, name = path.rpartition("/")
    return f"{directory}/{parse_name(name).stem}"


class Discovery:
    """Looks at the directories; says once what it leaves aside."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = tuple(globs)
        self._told: set[Path] = set()

    def look(self) -> list[Found]:
        """The files that are there now, each inode once; a log's are oldest first."""
        seen = [f for path in self._paths() if self._is_readable(path) and (f := _look(path))]
        seen.sort(key=lambda f: (f.name.age, f.path))
        # Of several names (links) of one file the last stays: a primary's, if there is one.
        once = {(f.device, f.inode): f for f in seen}
        return sorted(once.values(), key=lambda f: (f.log, f.name.age, f.path))

    def _paths(self) -> set[Path]:
        matched = {p for g in self._globs for p in iglob(g, recursive=True)}  # noqa: PTH207 - Path.glob takes no absolute pattern
        rotated = {p for g in self._globs for p in _rotated(g)}
        return {Path(p).absolute() for p in matched | rotated}

    def _is_readable(self, path: Path) -> bool:
        if path.suffix in _UNREADABLE:
            self._tell(path)
            return False
        # While gzip is at work both are there, and the plain one is whole.
        return path.suffix != ".gz" or not path.with_suffix("").exists()

    def _tell(self, path: Path) -> None:
        if path not in self._told:
            self._told.add(path)
            sentence = f"{path} is not read: of compressed logs only gzip's are."
            event(_log, logging.WARNING, "log-left-aside", sentence, file=path)


def _rotated(pattern: str) -> Iterator[str]:
    """The rotated files of all primaries that a glob stands for."""
    place, name_pattern = os.path.split(pattern)
    for directory in iglob(place, recursive=True) if place else (os.curdir,):  # noqa: PTH207 - see above
        for name in _names_in(directory):
            parsed = parse_name(name)
            if not parsed.is_primary and _stands_for(name_pattern, parsed.stem):
                yield os.path.join(directory, name)  # noqa: PTH118 - it is text until it is sure


def _stands_for(name_pattern: str, name: str) -> bool:
    """As a glob does: what begins with a dot is hidden from patterns that do not."""
    is_hidden = name.startswith(".") and not name_pattern.startswith(".")
    return fnmatchcase(name, name_pattern) and not is_hidden


def _names_in(directory: str) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - the names are taken apart as text
    except OSError:
        return []


def _look(path: Path) -> Found | None:
    try:
        seen = path.stat()
    except OSError:
        return None  # gone since it was listed
    if not stat.S_ISREG(seen.st_mode):
        return None
    name = parse_name(path.name)
    return Found(
        path=str(path),
        log=log_of(str(path)),
        name=name,
        device=seen.st_dev,
        inode=seen.st_ino,
        seal=Seal(seen.st_size, seen.st_mtime_ns),
    )
