"""One pass over the statistic directory: claim the ready days, load the claimed ones."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, IntegrityError

from mailtally_loader.adopt import Adopter
from mailtally_loader.archive import archive
from mailtally_loader.claim import claim, claimed, loading_place, reject, release, tidy
from mailtally_loader.crash_at import CrashAt, Step
from mailtally_loader.retention import HoursRetention
from mailtally_loader.upsert import load
from mailtally_shared.days.directory import strays
from mailtally_shared.days.durable import directory_lock
from mailtally_shared.days.names import LOADED, LOADING, REJECTED, DayNames
from mailtally_shared.days.reading import check_version, read_day
from mailtally_shared.errors import BadFile, NewerFile
from mailtally_shared.runtime.logs import event
from mailtally_shared.shown import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from mailtally_loader.inbox import Inbox
    from mailtally_loader.judge import Verdict
    from mailtally_shared.days import DaySet

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """The results of all passes since the start."""

    archived: int = 0
    rejected: int = 0


class Loader:
    """Loads the days of one statistic directory. It must be the only one there: see ``run``.

    Args:
        engine: the database, with an up-to-date schema.
        directory: the statistic directory.
        inbox: the source of the ready days.
        max_file_bytes: a larger file is rejected.
        keep_hours: seconds for which the rows by hour of a day are kept; 0 keeps all.
        step: called at each crash point.
    """

    def __init__(
        self,
        engine: Engine,
        directory: Path,
        inbox: Inbox,
        *,
        max_file_bytes: int,
        keep_hours: float = 0.0,
        step: Step,
    ) -> None:
        self.engine = engine
        self._directory = directory
        self._inbox = inbox
        self._max_file_bytes = max_file_bytes
        self._step = step
        self._adopter = Adopter(directory, inbox.settle, max_file_bytes)
        self._retention = HoursRetention(engine, keep_hours)
        self._strays: set[str] = set()
        self._left: set[str] = set()
        self.tally = Tally()

    def make_directories(self) -> None:
        """Create the statistic directory and its subdirectories."""
        for name in (LOADING, LOADED, REJECTED):
            (self._directory / name).mkdir(parents=True, exist_ok=True)

    def work(self, *, now: float, monotonic: float) -> None:
        """Load all days that are ready, after those that an earlier run claimed.

        Args:
            now: Unix seconds.
            monotonic: seconds that never decrease, by which files settle.

        Raises:
            Unavailable: the database cannot be used; claimed days stay claimed.
            OSError: a file cannot be moved or written; likewise.
        """
        with directory_lock(self._directory):
            tidy(self._directory)
            for error in self._adopter.adopt(monotonic):
                self.tally.rejected += 1
                _report_rejected(error, self._directory / REJECTED)
            for names in self._inbox.ready(monotonic):
                self._claim(names)
        for names in claimed(self._directory):
            self._work_off(names, now)
        self._retention.apply(now, self.tally.archived)
        self._report_strays(now)

    def _claim(self, names: DayNames) -> None:
        """Claim a day, unless it is left for a loader that can read it."""
        try:
            check_version(self._directory, names)
        except NewerFile as error:
            self._leave(names, error)
        else:
            claim(self._directory, names, self._step)

    def _leave(self, names: DayNames, error: NewerFile) -> None:
        """Leave a day's files where they are, and log so once."""
        if names.stem not in self._left:
            self._left.add(names.stem)
            sentence = f"A day's files wait: {error}."
            event(_logger, logging.WARNING, "newer-day-files", sentence, day=names.stem)

    def _report_strays(self, now: float) -> None:
        """Log each file that will not be loaded, once."""
        found = set(strays(self._directory, now))
        for name in sorted(found - self._strays):
            event(
                _logger,
                logging.WARNING,
                "stray-file",
                "A file in the statistic directory belongs to no day and will not be loaded.",
                file=one_line(name),
            )
        self._strays = found

    def _work_off(self, names: DayNames, now: float) -> None:
        try:
            place = loading_place(self._directory, names)
            day_set = read_day(place, names, max_bytes=self._max_file_bytes)
            verdict = load(self.engine, day_set, now=now, step=self._step)
        except NewerFile as error:
            self._leave(names, error)
        except BadFile as error:
            self._reject(names, error)
        except (DataError, IntegrityError) as error:
            reason = str(error.orig).strip()
            self._reject(names, BadFile("refused-by-database", names.qml, reason))
        else:
            self._step(CrashAt.COMMITTED)
            self._archive(day_set, verdict)

    def _archive(self, day_set: DaySet, verdict: Verdict) -> None:
        archive(day_set, self._directory / LOADED, self._step)
        release(self._directory, day_set.names, self._step)
        self.tally.archived += 1
        event(
            _logger,
            logging.INFO,
            "day-loaded",
            "A day is loaded and archived.",
            day=day_set.day,
            revision=day_set.manifest and day_set.manifest.revision,
            verdict=verdict.value,
            domains=day_set.totals.rows,
            bytes=day_set.totals.bytes,
        )

    def _reject(self, names: DayNames, error: BadFile) -> None:
        place = reject(self._directory, names, error, self._step)
        self.tally.rejected += 1
        _report_rejected(error, place, names.stem)


def _report_rejected(error: BadFile, place: Path, day: str | None = None) -> None:
    event(
        _logger,
        logging.WARNING,
        "file-rejected",
        f"A day's files are rejected: {error}",
        day=day,
        reason=error.reason,
        place=place,
    )
