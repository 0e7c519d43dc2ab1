"""When a log is to be rotated, under which name, and what becomes of its rotated files. Pure."""

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

#: How ``rotated_name`` ends, compressed or not. A file with another name is not ours.
_OURS = re.compile(r".*-\d{14}(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a log is due: daily ``at`` a time of the clock, or at ``size`` bytes, or at both."""

    at: time | None = None
    size: int | None = None

    def is_due(self, size: int, since: float, now: float, zone: tzinfo | None) -> bool:
        """Whether a log of ``size`` bytes, last rotated at ``since``, is to be rotated.

        Args:
            size: bytes; an empty log never is.
            since: Unix seconds.
            now: Unix seconds.
            zone: where the time of the clock is meant; ``None``: the host's.
        """
        if size == 0:
            return False
        is_large = self.size is not None and size >= self.size
        return is_large or self.has_come(since, now, zone)

    def has_come(self, since: float, now: float, zone: tzinfo | None) -> bool:
        """Whether the time of the clock has come after ``since``."""
        return self.at is not None and since < last_moment(self.at, now, zone)


def last_moment(at: time, now: float, zone: tzinfo | None) -> float:
    """When a clock in ``zone`` last showed ``at``, in Unix seconds.

    A time that a day lacks comes as much later as the clock is put forward; of one
    that it has twice the first counts.
    """
    today = datetime.fromtimestamp(now, zone).date()
    days = (today, today - timedelta(days=1))
    moments = (datetime.combine(day, at, zone).timestamp() for day in days)
    return next(moment for moment in moments if moment <= now)


def moment_of_name(now: float, last: int) -> int:
    """The second that a rotated file is named after: later than the ``last`` one's.

    So names sort as they came, even where the clock was put back since.
    """
    return max(int(now), last + 1)


def rotated_name(log: str, moment: int) -> str:
    """What a log is renamed to: its path, a dash, and the time as YYYYmmddHHMMSS in UTC."""
    return f"{log}-{datetime.fromtimestamp(moment, UTC):%Y%m%d%H%M%S}"


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log.

    Attributes:
        path: where it is.
        size: bytes on disk.
        is_packed: it is compressed.
        is_read: the checkpoint has it as read to its end, and it looks as it did then.
    """

    path: str
    size: int
    is_packed: bool
    is_read: bool


class Chore(Enum):
    """What to do with a rotated file."""

    PACK = "compress it"
    REMOVE = "delete it"


def chores(
    files: Sequence[LogFile], *, keep: int, compress: bool
) -> Iterator[tuple[Chore, LogFile]]:
    """What to do with the files of a log, in order.

    Nothing is done to a file that is not ours by its name, that is not read to its end, or behind
    which there is none that is written to: its writer may not have opened another yet.

    Args:
        files: all of the log's, oldest first, the one that is written to last.
        keep: so many rotated ones of ours stay.
        compress: whether those that stay are compressed.
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
