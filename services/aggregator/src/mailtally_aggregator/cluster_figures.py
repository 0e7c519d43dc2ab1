"""The figures of the whole cluster as metrics, made of one moment's ledgers and days. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mailtally_aggregator.clocks import host_clocks
from mailtally_shared.process.metrics.catalogue import cluster as of
from mailtally_shared.process.metrics.metric import OTHER, bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailtally_aggregator.books import Books, Ledger
    from mailtally_aggregator.live_day import LiveDay
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.process.metrics import Sample

#: So many hosts have series of their own; more than that are one, called ``other``.
MOST_HOSTS = 500
#: There are fewer reasons for a line to be malformed; a collector could make some up.
MOST_REASONS = 40
DAY_STATES = ("open", "awaited", "incomplete", "changed", "final")


def watermarks(books: Books, expected: Iterable[str]) -> dict[str, int]:
    """Up to when each host is read, Unix seconds; 0 for one that has not said so yet."""
    of_id = {ledger.collector_id: ledger.watermark for ledger in books.ledgers}
    seen = {host: of_id.get(owner, 0) for host, owner in books.owners.items()}
    return dict.fromkeys(expected, 0) | seen


def host_samples(books: Books, expected: Iterable[str], now: float) -> Iterator[Sample]:
    """How far each host is read; where there are too many, those that are most behind."""
    read = watermarks(books, expected)
    yield of.HOSTS.at(len(read))
    for host in sorted(read, key=lambda host: read[host])[:MOST_HOSTS]:
        yield of.WATERMARK.at(read[host], host)
        if read[host]:
            yield of.LAG.at(max(0.0, now - read[host]), host)


def clock_samples(books: Books, *, agree: bool) -> Iterator[Sample]:
    """Whether days are closed, and how far each host's clock is off."""
    yield of.CLOCKS.at(agree)
    reports = sorted(host_clocks(books), key=lambda each: -abs(each.ahead))
    for report in reports[:MOST_HOSTS]:
        yield of.CLOCK_AHEAD.at(report.ahead, report.host)


def line_samples(ledgers: Iterable[Ledger]) -> Iterator[Sample]:
    """What the hosts' lines were, over all collectors that a host ever had."""
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
    """The sums that must be equal (RULES section 6), by how much they are not."""
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
    """How many days are in which state, and how long the oldest lacks complete files."""
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
    """One of ``DAY_STATES``; ``end`` is the first second after the day."""
    if day.written_changes is None:
        return "open" if now < end else "awaited"
    if not day.complete:
        return "incomplete"
    return "changed" if day.is_dirty else "final"


def aside_samples(books: Books) -> Iterator[Sample]:
    """What was kept aside instead of being counted in a day."""
    yield of.HELD.at(sum(ledger.held for ledger in books.ledgers))
    yield of.LATE.at(sum(day.messages for day in books.late if day.is_dirty))
    yield of.STOPPED.at(len(books.stopped))
    yield of.QUARANTINE.at(books.quarantine.batches)
    yield of.QUARANTINE_RECORDS.at(books.quarantine.records)
    yield of.FOREIGN.at(books.foreign)


def _only(counts: Mapping[str, int], kept: set[str]) -> dict[str, int]:
    """The counts by the labels that are kept; the others are one."""
    sums = Counter[str]()
    for name, count in counts.items():
        sums[name if name in kept else OTHER] += count
    return sums
