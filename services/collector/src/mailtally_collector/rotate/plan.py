"""The rules of rotation: when, to which name, and what happens to rotated files. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import time, tzinfo

#: The pattern of ``rotated_name``, compressed or not. Files with other names are left alone.
_OURS = re.compile(r".*-\d{14}(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a log is due: daily ``at`` a time of day, or from ``size`` bytes on, or both."""

    at: time | None = None
    size: int | None = None

    def is_due(self, size: int, since: float, now: float, zone: tzinfo | None) -> bool:
        """Return whether a log of ``size`` bytes, last rotated at ``since``, is due.

        Args:
            size: bytes; an empty log is never due.
            since: Unix seconds.
            now: Unix seconds.
            zone: the zone of the time of day; ``None``: the host's.
        """
        if size == 0:
            return False
        is_large = self.size is not None and size >= self.size
        return is_large or self.has_come(since, now, zone)

    def has_come(self, since: float, now: float, zone: tzinfo | None) -> bool:
        """Return whether the time of day has passed since ``since``."""
        return self.at is not None and since < last_moment(self.at, now, zone)


def last_moment(at: time, now: float, zone: tzinfo | None) -> float:
    """Return when a clock in ``zone`` last showed ``at``, in Unix seconds.

    A time that a day lacks is later by as much as the clock is put forward; of a time that a day
    has twice, the first counts.
    """
    today = datetime.fromtimestamp(now, zone).date()
    days = (today, today - timedelta(days=1))
    moments = (datetime.combine(day, at, zone).timestamp() for day in days)
    return next(moment for moment in moments if moment <= now)


def moment_of_name(now: float, last: int) -> int:
    """Return the second for the name of a rotated file, later than the ``last`` one's.

    Names then sort in the order of rotation, even if the clock was set back.
    """
    return max(int(now), last + 1)


def rotated_name(log: str, moment: int) -> str:
    """Return a rotated log's name: its path, a dash, and YYYYmmddHHMMSS in UTC."""
    return f"{log}-{datetime.fromtimestamp(moment, UTC):%Y%m%d%H%M%S}"


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log.

    Attributes:
        path: where it is.
        size: bytes on disk.
        is_packed: whether it is compressed.
        is_read: whether the checkpoint has it as read to its end and it is unchanged since.
    """

    path: str
    size: int
    is_packed: bool
    is_read: bool


class Chore(Enum):
    """An action on a rotated file."""

    PACK = "compress it"
    REMOVE = "delete it"


def chores(
    files: Sequence[LogFile], *, keep: int, compress: bool
) -> Iterator[tuple[Chore, LogFile]]:
    """Yield the actions on the files of a log, in order.

    A file is left alone if its name is not one of ``rotated_name``, if it is not read to its end,
    or if the next file is empty: its writer may not have opened that yet.

    Args:
        files: all of the log's, oldest first, the one that is written to last.
        keep: number of rotated files to keep.
        compress: whether to compress those.
    """
    pairs = pairwise(files)
    ours = [(file, newer) for file, newer in pairs if _OURS.fullmatch(file.path)]
    for left, (file, newer) in zip(range(len(ours), 0, -1), ours, strict=True):
        if not file.is_read or newer.size == 0:
            continue
        if left > keep:
            yield Chore.REMOVE, file
        elif compress and not file.is_packed:
            yield Chore.PACK, file
