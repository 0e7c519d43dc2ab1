"""The examination of a site: gather facts and have ``audit`` judge them, in the order shown.

Asked by ``mailtally doctor``, by ``mailtally up`` at its end, and by whatever else shows findings.

State and database are read between two listings of the directory, so that files in transit are not
taken for lost ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.audit.clocks import check_clocks
from mailtally_shared.audit.collectors import LEAST_PATIENCE, check_collectors, check_foreign_names
from mailtally_shared.audit.conservation import (
    check_archive,
    check_billed,
    check_files,
    check_lines,
    check_records,
    check_rows,
)
from mailtally_shared.audit.due_days import check_days
from mailtally_shared.audit.finding import Finding, Level
from mailtally_shared.audit.histories import check_history, check_newest
from mailtally_shared.audit.host_logs import check_host_logs
from mailtally_shared.audit.identities import check_identities
from mailtally_shared.audit.server import check_server
from mailtally_shared.audit.settings import check_charged, check_hosted, check_settings
from mailtally_shared.audit.uncounted import check_aside, check_kept_in_state
from mailtally_shared.billing.database_look import (
    check_archived_rows,
    check_schema,
    problems_of,
    read_billed,
)
from mailtally_shared.billing.queries import open_billing
from mailtally_shared.days.directory import look_at_archive, look_at_directory
from mailtally_shared.days.names import LOADED
from mailtally_shared.errors import MailtallyError, NothingLoaded
from mailtally_shared.state.history import read_standing
from mailtally_shared.state.hosted_lists import hosted_known
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.known_gaps import KnownGaps
from mailtally_shared.state.last_seen import remembered_state
from mailtally_shared.state.policy import check_format, check_policy
from mailtally_shared.state.read.audited import read_clocks, read_names, read_rows, read_server
from mailtally_shared.state.read.books import Books
from mailtally_shared.state.read.books_read import read_books
from mailtally_shared.state.read.went_back import days_touched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from pathlib import Path

    from mailtally_shared.audit.gathered import BilledDay
    from mailtally_shared.audit.settings import Names
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days.directory import Directory
    from mailtally_shared.days.watermark import Gap
    from mailtally_shared.site_settings import SiteSettings
    from mailtally_shared.state.client import State


class Examination:
    """One examination of a site.

    Args:
        site: the settings of its aggregators.
        calendar: its accounting calendar.
        open_state: opens a client of its state that has answered.
        database_url: where its days are billed.
        directory: its statistic directory.
        deep: whether to read the archived files, too.
    """

    def __init__(
        self,
        site: SiteSettings,
        calendar: Calendar,
        *,
        open_state: Callable[[], AbstractContextManager[State]],
        database_url: str,
        directory: Path,
        deep: bool = False,
    ) -> None:
        self._site = site
        self._calendar = calendar
        self._open_state = open_state
        self._database_url = database_url
        self._directory = directory
        self._deep = deep

    def findings(self, now: float, unknown_settings: Sequence[str] = ()) -> Iterator[Finding]:
        """Yield one finding per check.

        Args:
            now: Unix seconds.
            unknown_settings: a sentence for each variable that is not a setting.
        """
        before = look_at_archive(self._directory)
        books, state_findings = self._state(now)
        billed, database_findings = self._database()
        days = books.days if books else ()
        written = [day.day for day in days if day.written_changes is not None]
        directory = look_at_directory(self._directory, before, [day.day for day in days])
        yield check_settings(unknown_settings)
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
        """Return the contents of the state, or ``None`` if unknown, and the findings."""
        keys, found = StateKeys(), list[Finding]()
        try:
            with self._open_state() as state:
                found.append(check_server(read_server(state)))
                if not check_format(state, keys):
                    sentence = "Empty: no aggregator has been started on it yet."
                    return Books(), [*found, Finding("state", Level.WARNING, sentence)]
                site = self._site
                check_policy(state, keys, site.timezone, site.charging, hours=site.hours)
                books = read_books(state, keys)
                redis, stopped = read_clocks(state, keys)
                found.append(check_clocks(books, here=now, redis=redis, stopped=stopped))
                seen = remembered_state(self._directory)
                is_older = not read_standing(state, keys, seen).covers_memory
                gaps = KnownGaps(state, keys, self._calendar).now()
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
        site, calendar = self._site, self._calendar
        expected, policy = site.expected_hosts, site.days
        patience = max(site.grace, LEAST_PATIENCE)
        yield from check_collectors(books, expected, patience, now)
        yield from check_identities(books, now)
        yield from check_host_logs(books)
        yield check_foreign_names(books)
        yield check_days(books, expected, calendar, policy, now, gaps=gaps)
        lost = ((ledger.host, ledger.lost_hours) for ledger in books.ledgers)
        yield check_history(books, days_touched(lost, calendar), is_older=is_older)
        yield check_lines(books.ledgers)
        yield check_records(books)

    def _check_charged(self, names: Names) -> Finding:
        site = self._site
        return check_charged(site.charging, names, hosted=site.hosted_domains is not None)

    def _database(self) -> tuple[dict[date, BilledDay] | None, list[Finding]]:
        try:
            with open_billing(self._database_url) as connection:
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
            return Finding(check, Level.OK, f"{self._directory} exists.")
        sentence = f"{self._directory} does not exist"
        if written:
            advice = (
                ", but days were written: run this on its machine, or set MAILTALLY_STATISTIC_DIR."
            )
            return Finding(check, Level.FAILED, sentence + advice)
        return Finding(check, Level.WARNING, f"{sentence} yet; the first written day creates it.")

    def _archived_rows(self, directory: Directory) -> Finding:
        still = {
            day: found for day, found in directory.archived.items() if day not in directory.moving
        }
        with open_billing(self._database_url) as connection:
            problems = problems_of(connection, self._directory / LOADED, still)
        after = look_at_archive(self._directory)
        # A day that moved meanwhile was compared with the rows of another revision.
        return check_archived_rows(
            {
                day: of_day
                for day, of_day in problems.items()
                if after.archived.get(day) == still[day] and day not in after.loading
            }
        )
