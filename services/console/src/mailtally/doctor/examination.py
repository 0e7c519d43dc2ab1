"""The whole examination: gather, judge, in the order in which it is shown.

State and database are looked at between two looks at the directory, so that files
on their way are known and not taken for lost ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.billing import NothingLoaded, open_billing
from mailtally.doctor.archived_rows import check_archived_rows, problems_of
from mailtally.doctor.aside import check_aside, check_kept_in_state
from mailtally.doctor.charged import check_charged
from mailtally.doctor.clocks import check_clocks
from mailtally.doctor.collectors import LEAST_PATIENCE, check_collectors, check_foreign_names
from mailtally.doctor.conservation import (
    check_archive,
    check_billed,
    check_files,
    check_lines,
    check_records,
    check_rows,
)
from mailtally.doctor.database_look import check_schema, read_billed
from mailtally.doctor.days import check_days
from mailtally.doctor.directory_look import look_at_archive, look_at_directory
from mailtally.doctor.finding import Finding, Level
from mailtally.doctor.host_logs import check_host_logs
from mailtally.doctor.hosted import check_hosted
from mailtally.doctor.identities import check_identities
from mailtally.doctor.server import check_server
from mailtally.doctor.settings_known import check_settings
from mailtally.doctor.state_look import read_clocks, read_names, read_rows, read_server
from mailtally.doctor.went_back import check_history, check_newest
from mailtally.state_found import check_format, open_state
from mailtally.unknown_settings import unknown_settings
from mailtally_aggregator.books import Books
from mailtally_aggregator.books_read import read_books
from mailtally_aggregator.hosted_known import hosted_known
from mailtally_aggregator.known_gaps import KnownGaps
from mailtally_aggregator.memory import remembered_state
from mailtally_aggregator.went_back import days_of_hours
from mailtally_shared.calendar import Calendar
from mailtally_shared.day_files.names import LOADED
from mailtally_shared.errors import MailtallyError
from mailtally_shared.state.history import read_standing
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.policy import check_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mailtally.doctor.charged import Names
    from mailtally.doctor.figures import BilledDay, Directory
    from mailtally.settings import ConsoleSettings
    from mailtally_aggregator.gaps import Gap
    from mailtally_aggregator.settings import AggregatorSettings


class Examination:
    """One look at a site.

    Args:
        settings: where it is.
        aggregator: what its aggregators go by.
        deep: read the archived files too.
    """

    def __init__(
        self, settings: ConsoleSettings, aggregator: AggregatorSettings, *, deep: bool = False
    ) -> None:
        self._settings = settings
        self._aggregator = aggregator
        self._deep = deep
        self._directory = settings.statistic_dir

    def findings(self, now: float) -> Iterator[Finding]:
        """One finding a check; ``now`` is Unix seconds."""
        before = look_at_archive(self._directory)
        books, state_findings = self._state(now)
        billed, database_findings = self._database()
        days = books.days if books else ()
        written = [day.day for day in days if day.written_changes is not None]
        directory = look_at_directory(self._directory, before, [day.day for day in days])
        yield check_settings(unknown_settings())
        yield from state_findings
        yield from database_findings
        yield self._check_there(written)
        if books is not None:
            yield from check_kept_in_state(books)
        if self._directory.is_dir():
            yield from check_aside(directory, now)
            if books is not None:
                yield check_files(books.days, directory.written)
                yield check_newest(books, directory.written)
            if billed is not None:
                yield check_archive(directory, billed)
                if self._deep:
                    yield self._archived_rows(directory)

    def _state(self, now: float) -> tuple[Books | None, list[Finding]]:
        """Return what the state holds, ``None`` where it cannot be known, and what that shows."""
        keys, found = StateKeys(), list[Finding]()
        try:
            with open_state(self._settings, wake=True) as state:
                found.append(check_server(read_server(state)))
                if not check_format(state, keys):
                    sentence = "It is empty: no aggregator was started on it yet."
                    return Books(), [*found, Finding("state", Level.WARNING, sentence)]
                check_policy(state, keys, self._aggregator.timezone, self._aggregator.charging)
                books = read_books(state, keys)
                redis, stopped = read_clocks(state, keys)
                found.append(check_clocks(books, here=now, redis=redis, stopped=stopped))
                seen = remembered_state(self._directory)
                is_older = not read_standing(state, keys, seen).covers_memory
                gaps = KnownGaps(state, keys, Calendar(self._settings.zone)).now()
                found += self._judged(books, now, gaps, is_older=is_older)
                found.append(self._check_charged(read_names(state, keys)))
                found.append(check_hosted(hosted_known(state, keys), now))
                found.append(check_rows(list(read_rows(state, keys))))
        except MailtallyError as error:
            return None, [*found, Finding("state", Level.FAILED, str(error))]
        return books, found

    def _judged(
        self, books: Books, now: float, gaps: tuple[Gap, ...], *, is_older: bool
    ) -> Iterator[Finding]:
        aggregator, calendar = self._aggregator, Calendar(self._settings.zone)
        expected, policy = aggregator.expected_hosts, aggregator.writer.days
        patience = max(aggregator.grace, LEAST_PATIENCE)
        yield from check_collectors(books, expected, patience, now)
        yield from check_identities(books, now)
        yield from check_host_logs(books)
        yield check_foreign_names(books)
        yield check_days(books, expected, calendar, policy, now, gaps=gaps)
        yield check_history(books, _lost(books, calendar), is_older=is_older)
        yield check_lines(books.ledgers)
        yield check_records(books)

    def _check_charged(self, names: Names) -> Finding:
        aggregator = self._aggregator
        return check_charged(
            aggregator.charging, names, hosted=aggregator.hosted_domains is not None
        )

    def _database(self) -> tuple[dict[date, BilledDay] | None, list[Finding]]:
        try:
            with open_billing(self._settings.database_url) as connection:
                schema = check_schema(connection)
                if schema.level is not Level.OK:
                    return None, [schema]
                billed = read_billed(connection)
        except NothingLoaded as error:
            return {}, [Finding("database", Level.WARNING, str(error))]
        except MailtallyError as error:
            return None, [Finding("database", Level.FAILED, str(error))]
        return billed, [schema, check_billed(list(billed.values()))]

    def _check_there(self, written: list[date]) -> Finding:
        check = "statistic directory"
        if self._directory.is_dir():
            return Finding(check, Level.OK, f"{self._directory} is there.")
        sentence = f"{self._directory} is not there"
        if written:
            advice = (
                ", but days were written: run this where it is, or set MAILTALLY_STATISTIC_DIR."
            )
            return Finding(check, Level.FAILED, sentence + advice)
        return Finding(check, Level.WARNING, f"{sentence} yet; the first written day makes it.")

    def _archived_rows(self, directory: Directory) -> Finding:
        still = {
            day: found for day, found in directory.archived.items() if day not in directory.moving
        }
        with open_billing(self._settings.database_url) as connection:
            problems = problems_of(connection, self._directory / LOADED, still)
        after = look_at_archive(self._directory)
        # A day that moved meanwhile was compared with rows of another revision.
        return check_archived_rows(
            {
                day: of_day
                for day, of_day in problems.items()
                if after.archived.get(day) == still[day] and day not in after.loading
            }
        )


def _lost(books: Books, calendar: Calendar) -> dict[date, set[str]]:
    """Return the days that lost batches touched, with the hosts of those."""
    found: dict[date, set[str]] = {}
    for ledger in books.ledgers:
        for day in days_of_hours(ledger.lost_hours, calendar):
            found.setdefault(day, set()).add(ledger.host)
    return found
