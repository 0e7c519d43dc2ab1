"""The metrics of the whole cluster, from the ledgers and days of one moment. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mailtally_aggregator import cluster_catalogue as of
from mailtally_shared.audit.clocks import host_clocks
from mailtally_shared.runtime.metrics.metric import OTHER, bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.runtime.metrics.metric import Sample
    from mailtally_shared.state.read.books import Books, Ledger
    from mailtally_shared.state.read.live_day import LiveDay

#: Number of hosts with series of their own; the others are one, called ``other``.
MOST_HOSTS = 500
#: Malformed lines have fewer reasons than this; a collector could make some up.
MOST_REASONS = 40
DAY_STATES = ("open", "awaited", "incomplete", "changed", "final")


def watermarks(books: Books, expected: Iterable[str]) -> dict[str, int]:
    """Return the watermark of each host, Unix seconds; 0 for one without any yet."""
    of_id = {ledger.collector_id: ledger.watermark for ledger in books.ledgers}
    seen = {host: of_id.get(owner, 0) for host, owner in books.owners.items()}
    return dict.fromkeys(expected, 0) | seen


def host_samples(books: Books, expected: Iterable[str], now: float) -> Iterator[Sample]:
    """Yield the watermarks of the hosts; where there are too many, those furthest behind."""
    read = watermarks(books, expected)
    yield of.HOSTS.at(len(read))
    for host in sorted(read, key=lambda host: read[host])[:MOST_HOSTS]:
        yield of.WATERMARK.at(read[host], host)
        if read[host]:
            yield of.LAG.at(max(0.0, now - read[host]), host)


def clock_samples(books: Books, *, agree: bool) -> Iterator[Sample]:
    """Yield whether the clocks agree, and the offset of each host's clock."""
    yield of.CLOCKS.at(agree)
    reports = sorted(host_clocks(books), key=lambda each: -abs(each.ahead))
    for report in reports[:MOST_HOSTS]:
        yield of.CLOCK_AHEAD.at(report.ahead, report.host)


def line_samples(ledgers: Iterable[Ledger]) -> Iterator[Sample]:
    """Yield the kinds of the hosts' lines, over all collectors that a host ever had."""
    lines, records = Counter[str](), Counter[str]()
    malformed: dict[str, Counter[str]] = {}
    for ledger in ledgers:
        lines[ledger.host] += ledger.lines
        records[ledger.host] += ledger.records
        malformed.setdefault(ledger.host, Counter()).update(ledger.malformed)
    kept = set(bounded(lines, MOST_HOSTS))
    for host, count in bounded(lines, MOST_HOSTS).items():
        yield of.LINES.at(count, host)
    for host, count in _only(records, kept).items():
        yield of.RECORDS.at(count, host)
    for host in sorted(malformed.keys() & kept):
        for reason, count in bounded(malformed[host], MOST_REASONS).items():
            yield of.MALFORMED.at(count, host, reason)


def conservation_samples(books: Books) -> Iterator[Sample]:
    """Yield the differences of the sums that must be equal."""
    lines = sum(
        abs(each.lines - each.records - sum(each.malformed.values()) - each.quarantined)
        for each in books.ledgers
    )
    records = sum(ledger.records for ledger in books.ledgers)
    counted = sum(day.messages for day in (*books.days, *books.late)) + books.retired_messages
    held = sum(ledger.held + ledger.dropped for ledger in books.ledgers)
    yield of.DIFFERENCE.at(lines, "lines")
    yield of.DIFFERENCE.at(abs(records - counted - held), "records")


def day_samples(days: Iterable[LiveDay], calendar: Calendar, now: float) -> Iterator[Sample]:
    """Yield the number of days by state, and how long the oldest lacks complete files."""
    states = Counter(dict.fromkeys(DAY_STATES, 0))
    overdue = 0.0
    size = 0
    for day in days:
        end = calendar.end_of(day.day)
        state = day_state(day, end, now)
        states[state] += 1
        size += day.bytes
        if state in {"awaited", "incomplete"}:
            overdue = max(overdue, now - max(end, day.since))
    for state, count in states.items():
        yield of.DAYS.at(count, state)
    yield of.OVERDUE.at(overdue)
    yield of.MAIL_BYTES.at(size)


def day_state(day: LiveDay, end: float, now: float) -> str:
    """Return one of ``DAY_STATES``; ``end`` is the first second after the day."""
    if day.written_changes is None:
        return "open" if now < end else "awaited"
    if not day.complete:
        return "incomplete"
    return "changed" if day.is_dirty else "final"


def uncounted_samples(books: Books) -> Iterator[Sample]:
    """Yield the records that are not counted in a day: held, late, in quarantine."""
    yield of.HELD.at(sum(ledger.held for ledger in books.ledgers))
    yield of.LATE.at(sum(day.messages for day in books.late if day.is_dirty))
    yield of.STOPPED.at(len(books.stopped))
    yield of.QUARANTINE.at(books.quarantine.batches)
    yield of.QUARANTINE_RECORDS.at(books.quarantine.records)
    yield of.FOREIGN.at(books.foreign)


def _only(counts: Mapping[str, int], kept: set[str]) -> dict[str, int]:
    """Return the counts by the labels in ``kept``; the others are added up."""
    sums = Counter[str]()
    for name, count in counts.items():
        sums[name if name in kept else OTHER] += count
    return sums
