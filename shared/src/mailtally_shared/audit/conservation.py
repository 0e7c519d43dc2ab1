"""The conservation sums, which must hold exactly. Pure.

lines read = records + malformed + quarantined                 every ledger
records    = messages in the days + retired + late + held       the whole state
a day      = the sum of its rows, and of its hours              every day in the state
a day      = its files                                          every day written and unchanged
charge of the breakdown = qml file = rows of the database       every loaded day
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, verdict
from mailtally_shared.days.day_rows import SumsTotals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from mailtally_shared.audit.gathered import BilledDay, Counted, DaySums
    from mailtally_shared.days import Manifest
    from mailtally_shared.days.charged_rows import QmlTotals
    from mailtally_shared.days.directory import Directory
    from mailtally_shared.state.read.books import Books, Ledger
    from mailtally_shared.state.read.live_day import LiveDay

_STATE_ADVICE = (
    "Redis lost keys or was changed from outside. First stop the aggregators and make copies of "
    "Redis's files and statistic/snapshots/; an older snapshot refills an empty Redis."
)
_FILES_ADVICE = (
    "Files were changed or removed from outside: restore them from a backup, or write the day "
    "from its logs as a new revision: mailtally rebuild --day DAY --logs GLOB."
)
_ROWS_ADVICE = (
    "Rows or files were changed from outside: restore them from a backup. Where the database lacks "
    "days that loaded/ has, unpack their files into the statistic directory, the .qml.txt last."
)


def check_lines(ledgers: Collection[Ledger]) -> Finding:
    """Check that every line read is a record, malformed, or in quarantine."""
    problems = []
    for ledger in ledgers:
        malformed = sum(ledger.malformed.values())
        if ledger.lines != ledger.records + malformed + ledger.quarantined:
            problems.append(
                f"{ledger.host}: {ledger.lines:,} lines are not {ledger.records:,} records + "
                f"{malformed:,} malformed + {ledger.quarantined:,} quarantined."
            )
    malformed = sum(sum(ledger.malformed.values()) for ledger in ledgers)
    fine = (
        f"{sum(ledger.lines for ledger in ledgers):,} lines = "
        f"{sum(ledger.records for ledger in ledgers):,} records + {malformed:,} malformed + "
        f"{sum(ledger.quarantined for ledger in ledgers):,} quarantined."
    )
    return verdict("lines = records + malformed", problems, fine, _STATE_ADVICE)


def check_records(books: Books) -> Finding:
    """Check that every record is in a day of the state or a retired one, late, or held."""
    records = sum(ledger.records for ledger in books.ledgers)
    counted = sum(day.messages for day in books.days)
    late = sum(day.messages for day in books.late)
    held = sum(ledger.held for ledger in books.ledgers)
    dropped = sum(ledger.dropped for ledger in books.ledgers)
    parts = f"{counted:,} in days + {books.retired_messages:,} retired + {late:,} late"
    parts += f" + {held:,} held"
    if dropped:
        parts += f" + {dropped:,} held and dropped"
    problems = []
    if records != counted + books.retired_messages + late + held + dropped:
        problems.append(f"{records:,} records are not {parts}.")
    return verdict("records = messages", problems, f"{records:,} records = {parts}.", _STATE_ADVICE)


def check_rows(days: Collection[DaySums]) -> Finding:
    """Check that every day in the state is the sum of its rows, and of its hours."""
    problems = [
        f"{day.name}: its {what} add up to {_text(sums)}, its own sums are {_text(day.own)}."
        for day in days
        for what, sums in (("rows", day.rows), ("hours", day.hours))
        if sums not in {day.own, None}
    ]
    fine = f"The rows of {len(days):,} days in the state add up to the days' own sums."
    return verdict("day = sum of its rows", problems, fine, _STATE_ADVICE)


def check_files(days: Collection[LiveDay], written: Mapping[date, Manifest]) -> Finding:
    """Check that every day that is unchanged since it was written matches its manifest."""
    unchanged = [day for day in days if day.written_changes is not None and not day.is_dirty]
    problems = [
        problem for day in unchanged for problem in _against_manifest(day, written.get(day.day))
    ]
    fine = f"{len(unchanged):,} written days match their files."
    return verdict("day = its files", problems, fine, _FILES_ADVICE)


def _against_manifest(day: LiveDay, found: Manifest | None) -> Iterator[str]:
    revision = day.written_revision or 0
    if found is None or found.revision < revision:
        yield f"{day.day}: the files of revision {revision} are missing."
    elif found.revision == revision:
        _, messages, size = found.counted
        if (messages, size) != (day.messages, day.bytes):
            yield (
                f"{day.day}: the state has {day.messages:,} messages and {day.bytes:,} bytes, "
                f"its files {messages:,} and {size:,}."
            )
    # A newer revision than the state has recorded is being written at this moment.


def check_billed(days: Collection[BilledDay]) -> Finding:
    """Check that every loaded day's rows match its files: the charge, and its breakdown."""
    problems = [problem for day in days for problem in _billed_problems(day)]
    bytes_ = sum(day.daily.bytes for day in days)
    hits = sum(day.daily.hits_all + day.daily.hits_html for day in days)
    fine = f"{len(days):,} loaded days: {bytes_:,} bytes and {hits:,} hits, as their files said."
    return verdict("breakdown = qml = database", problems, fine, _ROWS_ADVICE)


def _billed_problems(day: BilledDay) -> Iterator[str]:
    if day.daily != day.stated:
        yield f"{day.day}: mail_traffic_daily has {_text(day.daily)}, its file {_text(day.stated)}."
    breakdown = day.stated_breakdown or SumsTotals()
    if day.detail != breakdown:
        yield (
            f"{day.day}: mail_traffic_detail has {_text(day.detail)}, its file {_text(breakdown)}."
        )
    if day.policy is not None and day.detail_charged[1:] != day.stated[1:]:
        yield (
            f"{day.day}: mail_traffic_detail charges {_text(day.detail_charged)}, "
            f"its file {_text(day.stated)}."
        )


def check_archive(directory: Directory, billed: Mapping[date, BilledDay]) -> Finding:
    """Check that every archived day is complete, and is the revision in the database."""
    still = {day: found for day, found in directory.archived.items() if day not in directory.moving}
    problems = [
        f"{day}: {', '.join(files)} is missing from the archive."
        for day, files in sorted(directory.lacking.items())
        if day in still
    ]
    for day, found in sorted(still.items()):
        problems += _archive_problems(day, found, billed.get(day))
    moving = f" {len(directory.moving)} more are being loaded." if directory.moving else ""
    fine = f"{len(still):,} archived days are those in the database.{moving}"
    return verdict("archive = database", problems, fine, _ROWS_ADVICE)


def _archive_problems(day: date, found: Manifest | None, billed: BilledDay | None) -> Iterator[str]:
    if billed is None:
        yield f"{day}: it is archived, but not in the database."
        return
    revision = None if found is None else found.revision
    if revision != billed.revision:
        yield f"{day}: {_revision(revision)} is archived, {_revision(billed.revision)} loaded."
    elif found is not None and found.charged != billed.daily:
        yield f"{day}: the archive says {_text(found.charged)}, the database {_text(billed.daily)}."


def _revision(number: int | None) -> str:
    return "a bare file" if number is None else f"revision {number}"


def _text(sums: Counted | QmlTotals | SumsTotals) -> str:
    named = zip(sums._fields, sums, strict=True)
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in named)
