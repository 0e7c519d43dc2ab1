"""The source of the loader's metrics."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from datetime import time as clock_time
from typing import TYPE_CHECKING

from sqlalchemy import distinct, func, select

from mailtally_loader import catalogue as of
from mailtally_shared.billing.engine import reading
from mailtally_shared.billing.tables import LOAD
from mailtally_shared.days.directory import strays
from mailtally_shared.days.names import LOADING, REJECTED, DayNames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from mailtally_loader.loader import Loader
    from mailtally_shared.runtime.metrics.metric import Sample


class LoaderMetrics:
    """A source. The directory is read on request, the database after each load."""

    def __init__(self, loader: Loader, directory: Path) -> None:
        self._loader = loader
        self._directory = directory
        self._loaded: tuple[int, date | None] | None = None
        self._counted = -1

    def look(self) -> None:
        """Count the days in the database, if something was loaded since the last count.

        Raises:
            Unavailable: the database does not answer.
        """
        archived = self._loader.tally.archived
        if archived == self._counted:
            return
        with reading(self._loader.engine) as connection:
            row = connection.execute(
                select(func.count(distinct(LOAD.c.day)), func.max(LOAD.c.day))
            ).one()
        self._loaded = (row[0], row[1])
        self._counted = archived

    def __call__(self) -> Iterator[Sample]:
        """Yield all samples.

        Raises:
            OSError: the statistic directory cannot be read.
        """
        yield of.ARCHIVED.at(self._loader.tally.archived)
        yield of.REJECTED.at(self._loader.tally.rejected)
        yield from directory_samples(self._directory, time.time())
        if self._loaded is not None:
            days, newest = self._loaded
            yield of.LOADED.at(days)
            if newest is not None:
                midnight = datetime.combine(newest, clock_time(), UTC)
                yield of.NEWEST.at(midnight.timestamp())


def directory_samples(directory: Path, now: float) -> Iterator[Sample]:
    """Yield what waits in a statistic directory: for the loader, and for an operator."""
    waiting = [*directory.glob("*.qml.txt"), *(directory / LOADING).glob("*/*.qml.txt")]
    named = [path for path in waiting if DayNames.of_qml(path.name)]
    yield of.WAITING.at(len(named))
    yield of.OLDEST_WAITING.at(max((_age(path, now) for path in named), default=0.0))
    yield of.STRAYS.at(len(strays(directory, now)))
    yield of.REJECTED_KEPT.at(sum(path.is_dir() for path in (directory / REJECTED).glob("*")))


def _age(path: Path, now: float) -> float:
    with suppress(FileNotFoundError):  # the loader was faster
        return max(0.0, now - path.stat().st_mtime)
    return 0.0
