"""What the day writer tells of the whole cluster, read from the state when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mailtally_aggregator.books_read import read_books
from mailtally_aggregator.cluster_figures import (
    aside_samples,
    clock_samples,
    conservation_samples,
    day_samples,
    host_samples,
    line_samples,
)
from mailtally_aggregator.opening import SNAPSHOTS
from mailtally_aggregator.snapshot import snapshots
from mailtally_shared.process.metrics.catalogue import cluster
from mailtally_shared.queue import batch_queue, broker_errors, connect_broker
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mailtally_aggregator.live_day import LiveDay
    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.process.clock import Clock
    from mailtally_shared.process.metrics import Sample, Source
    from mailtally_shared.state.keys import StateKeys


@dataclass(frozen=True, slots=True)
class ClusterMetrics:
    """Sources of the cluster's figures. ``state`` is a connection of their own.

    ``calendar`` is kept for its memory: there may be thousands of days.
    """

    settings: AggregatorSettings
    state: State
    keys: StateKeys
    calendar: Calendar
    clock: Clock

    def sources(self) -> tuple[Source, ...]:
        """Several, so that one that fails leaves the others be."""
        return self.books, self.redis, self.queue, self.snapshot

    def books(self) -> Iterator[Sample]:
        """Hosts, lines, days, and whether they add up, all of one moment."""
        now = self.clock.wall()
        books = read_books(self.state, self.keys)
        yield from host_samples(books, self.settings.expected_hosts, now)
        with unavailable_errors():
            yield from clock_samples(books, agree=not self.state.exists(self.keys.writer_clocks))
        yield from line_samples(books.ledgers)
        yield from conservation_samples(books)
        yield from day_samples(books.days, self.calendar, now)
        yield from aside_samples(books)
        yield cluster.QUARANTINE_LIMIT.at(self.settings.quarantine_batches)
        yield cluster.DAYS_LIMIT.at(self.settings.max_days)
        yield cluster.NAMES.at(self._most_names(books.days))
        yield cluster.NAMES_LIMIT.at(self.settings.max_names)

    def redis(self) -> Iterator[Sample]:
        """How full the state's server is."""
        with unavailable_errors():
            memory = self.state.info("memory")
        yield cluster.REDIS_MEMORY.at(memory["used_memory"])
        if memory.get("maxmemory"):
            yield cluster.REDIS_LIMIT.at(memory["maxmemory"])

    def queue(self) -> Iterator[Sample]:
        """How many announcements wait."""
        connection = connect_broker(self.settings.broker_url)
        with broker_errors(connection), connection:
            declared = batch_queue()(connection.channel()).queue_declare()
        yield cluster.QUEUE.at(declared.message_count)

    def snapshot(self) -> Iterator[Sample]:
        """How old what an emptied Redis would be refilled from is."""
        yield from snapshot_samples(self.settings.statistic_dir / SNAPSHOTS, self.clock.wall())

    def _most_names(self, days: Sequence[LiveDay]) -> int:
        with unavailable_errors():
            pipeline = self.state.pipeline(transaction=False)
            for day in days:
                pipeline.scard(self.keys.totals.names(day.day))
            return max(cast("list[int]", pipeline.execute()), default=0)


def only_while(condition: Callable[[], bool], source: Source) -> Source:
    """A source that tells nothing while a condition does not hold."""
    return lambda: source() if condition() else ()


def snapshot_samples(directory: Path, now: float) -> Iterator[Sample]:
    """Age and size of the newest snapshot of a directory; nothing without one."""
    for path in snapshots(directory)[:1]:
        status = path.stat()
        yield cluster.SNAPSHOT_AGE.at(max(0.0, now - status.st_mtime))
        yield cluster.SNAPSHOT_BYTES.at(status.st_size)
