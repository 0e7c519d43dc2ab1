"""The sources of the cluster's metrics, read from the state on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mailtally_aggregator import cluster_catalogue as cluster
from mailtally_aggregator.cluster_figures import (
    clock_samples,
    conservation_samples,
    day_samples,
    host_samples,
    line_samples,
    uncounted_samples,
)
from mailtally_aggregator.opening import SNAPSHOTS
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.read.books_read import read_books
from mailtally_shared.state.snapshot import snapshots
from mailtally_shared.wire.queue import batch_queue, broker_errors, connect_broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.runtime.clock import Clock
    from mailtally_shared.runtime.metrics.metric import Sample, Source
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.read.live_day import LiveDay


@dataclass(frozen=True, slots=True)
class ClusterMetrics:
    """The sources of the cluster's metrics. ``state`` is a connection of their own.

    ``calendar`` is kept for its cache: there may be thousands of days.
    """

    settings: AggregatorSettings
    state: State
    keys: StateKeys
    calendar: Calendar
    clock: Clock

    def sources(self) -> tuple[Source, ...]:
        """Return several sources, so that the failure of one leaves out no other."""
        return self.books, self.redis, self.queue, self.snapshot

    def books(self) -> Iterator[Sample]:
        """Yield hosts, lines, days, and whether they add up, all of one moment."""
        now = self.clock.wall()
        books = read_books(self.state, self.keys)
        yield from host_samples(books, self.settings.expected_hosts, now)
        with unavailable_errors():
            yield from clock_samples(books, agree=not self.state.exists(self.keys.writer_clocks))
        yield from line_samples(books.ledgers)
        yield from conservation_samples(books)
        yield from day_samples(books.days, self.calendar, now)
        yield from uncounted_samples(books)
        yield cluster.QUARANTINE_LIMIT.at(self.settings.quarantine_batches)
        yield cluster.DAYS_LIMIT.at(self.settings.max_days)
        yield cluster.NAMES.at(self._most_names(books.days))
        yield cluster.NAMES_LIMIT.at(self.settings.max_names)

    def redis(self) -> Iterator[Sample]:
        """Yield the memory use of the state's server."""
        with unavailable_errors():
            memory = self.state.info("memory")
        yield cluster.REDIS_MEMORY.at(memory["used_memory"])
        if memory.get("maxmemory"):
            yield cluster.REDIS_LIMIT.at(memory["maxmemory"])

    def queue(self) -> Iterator[Sample]:
        """Yield the number of waiting announcements."""
        connection = connect_broker(self.settings.broker_url)
        with broker_errors(connection), connection:
            declared = batch_queue()(connection.channel()).queue_declare()
        yield cluster.QUEUE.at(declared.message_count)

    def snapshot(self) -> Iterator[Sample]:
        """Yield the age and size of the newest snapshot."""
        yield from snapshot_samples(self.settings.statistic_dir / SNAPSHOTS, self.clock.wall())

    def _most_names(self, days: Sequence[LiveDay]) -> int:
        with unavailable_errors():
            pipeline = self.state.pipeline(transaction=False)
            for day in days:
                pipeline.scard(self.keys.totals.names(day.day))
            return max(cast("list[int]", pipeline.execute()), default=0)


def only_while(condition: Callable[[], bool], source: Source) -> Source:
    """Return a source without samples while a condition does not hold."""
    return lambda: source() if condition() else ()


def snapshot_samples(directory: Path, now: float) -> Iterator[Sample]:
    """Yield the age and size of the newest snapshot of a directory; nothing without one."""
    for path in snapshots(directory)[:1]:
        status = path.stat()
        yield cluster.SNAPSHOT_AGE.at(max(0.0, now - status.st_mtime))
        yield cluster.SNAPSHOT_BYTES.at(status.st_size)
