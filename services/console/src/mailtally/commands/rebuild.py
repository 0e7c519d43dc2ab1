"""The command ``mailtally rebuild``."""

from __future__ import annotations

import getpass
import socket
import sys
import time
from datetime import UTC, date, datetime
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailtally.commands.analyze_counting import Counted, count_logs
from mailtally.commands.rebuild_books import DayBooks
from mailtally.commands.rebuild_joining import as_reported, compare, join
from mailtally.options import (
    LogReading,
    collector_option,
    of_a_site,
    of_given_logs,
    of_unnamed_logs,
)
from mailtally.settings import ConsoleSettings, console_settings, site_settings
from mailtally_shared.calendar import Calendar
from mailtally_shared.days import DayFacts, DayNames, DayRows, newest_revision, write_day
from mailtally_shared.days.filed import Filed, lowered_collectors, newest_filed
from mailtally_shared.days.hour_rows import Hours
from mailtally_shared.days.manifest import Lowered, utc
from mailtally_shared.days.names import LOADING
from mailtally_shared.errors import Refused
from mailtally_shared.reports.question import parse_day
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.shown import listed, printable
from mailtally_shared.state.hosted_lists import HostedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally.commands.analyze_accounts import Accounts
    from mailtally_shared.days import Sums
    from mailtally_shared.days.manifest import Incomplete, Manifest
    from mailtally_shared.site_settings import SiteSettings


def _day(_context: click.Context, _parameter: click.Parameter, text: str) -> date:
    try:
        return parse_day(text, datetime.now(UTC).date())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("rebuild")
@click.option(
    "--day", required=True, callback=_day, metavar="DAY", help="Day to rebuild, such as 2026-02-16."
)
@click.option(
    "--logs",
    "globs",
    required=True,
    multiple=True,
    metavar="GLOB",
    help="Logs of all mail hosts with lines of the day; may be given more than once.",
)
@of_unnamed_logs
@of_given_logs
@collector_option(
    "Mail host whose collector counts as the one that reported all lines. "
    "By default those that the day's files or Redis know of each host."
)
@click.option(
    "--archive", is_flag=True, help="Keep the filed figures of hosts whose logs hold less."
)
@click.option("--lower", is_flag=True, help="Allow the rebuild to lower the day's figures.")
@click.option("--even-if-live", is_flag=True, help="Rebuild even if Redis holds the day.")
@of_a_site
@plain_errors
def rebuild(
    *,
    day: date,
    globs: tuple[str, ...],
    host: str,
    reading: LogReading,
    collector: str | None,
    data: Path | None,
    config: Path | None,
    archive: bool,
    lower: bool,
    even_if_live: bool,
) -> None:
    """Count a day again from its logs and write it as a new revision for the loader.

    For a day whose totals were lost. The figures of the logs are compared with the day's newest
    files, for each host and collector that reported it.
    """
    settings = console_settings(config, data)
    aggregator = site_settings(settings, config)
    books = None if even_if_live else DayBooks.of(settings, aggregator, day)
    if books:
        books.refuse_live()
    found = _counted(_found(globs), host, reading, day, aggregator)
    filed = _filed(settings.statistic_dir, day)
    before = list(filed.rows) if filed else []
    known = [*before, *(books.counted if books else ())]
    registered = _registered(filed, books)
    counted = as_reported(found.accounts.rows(day), known, collector, registered)
    _show_differences(before, counted)
    rows = join(before, counted, keep_filed=archive, lower=lower)
    incomplete = found.incomplete(host)
    hours = _hours(found.accounts, day, rows, counted)
    if filed and rows == before and not _says_more(incomplete, hours, filed.manifest):
        click.echo(f"Revision {filed.manifest.revision} of {day} holds the same: nothing to do.")
    else:
        revision = _write(
            day, rows, filed, settings, aggregator, hours=hours, incomplete=incomplete
        )
        click.echo(printable(f"Wrote {day} as revision {revision} into {settings.statistic_dir}."))
    for part in incomplete:
        click.echo(f"Incomplete: {printable(part.reason)}", err=True)
    if incomplete or not _settle(books, rows, lower=lower):
        sys.exit(FAILED)


def _hours(accounts: Accounts, day: date, rows: list[Sums], counted: list[Sums]) -> Hours | None:
    """Return the hours of the logs: all of the day's, unless filed figures of a host are kept."""
    found = accounts.hours(day)
    return found and Hours(found.rows, whole=rows == counted)


def _says_more(incomplete: Sequence[Incomplete], hours: Hours | None, filed: Manifest) -> bool:
    """Return whether the same figures would now be complete, or have whole hours."""
    has_whole = filed.hours is not None and filed.hours.is_whole
    is_whole = hours is not None and hours.whole
    return is_whole > has_whole or (not incomplete) > filed.complete


def _show_differences(before: list[Sums], counted: list[Sums]) -> None:
    for one in compare(before, counted):
        click.echo(
            f"{printable(one.name)}: {one.counted.messages} messages of {one.counted.bytes} bytes "
            f"in the logs, {one.filed.messages} of {one.filed.bytes} in the files",
            err=True,
        )


def _settle(books: DayBooks | None, rows: Sequence[Sums], *, lower: bool) -> bool:
    """Replace what Redis had of the day by its files; return false if they lack some of it."""
    if books is None:
        return True
    if not lower and (lacking := books.lacking(rows)):
        click.echo(
            f"Not settled: Redis has counted lines of {listed(lacking)} for {books.day} that are "
            "neither in the given logs nor in the day's files. Name all logs of that day; if "
            "they are gone, --lower drops those lines.",
            err=True,
        )
        return False
    if books.settle():
        click.echo(f"What Redis had of {books.day} is settled: its files now replace it.")
    return True


def _filed(directory: Path, day: date) -> Filed | None:
    if (directory / LOADING / DayNames.of(day).stem).exists():
        raise Refused(f"The loader is loading the files of {day}: try again when it is done.")
    return newest_filed(directory, day)


def _registered(filed: Filed | None, books: DayBooks | None) -> set[str]:
    """Return the mail hosts that the day waited for, or whose collectors Redis knows."""
    missing = filed.manifest.missing_hosts if filed else ()
    return {*missing, *(books.registered if books else ())}


def _found(globs: Sequence[str]) -> list[Path]:
    paths: dict[Path, None] = {}
    for pattern in globs:
        matching = [Path(name) for name in sorted(glob(pattern, recursive=True))]  # noqa: PTH207 - a pattern may be absolute
        if not matching:
            raise click.UsageError(f"No file matches {pattern}.")
        paths |= dict.fromkeys(path for path in matching if path.is_file())
    return list(paths)


def _counted(
    paths: Sequence[Path], host: str, reading: LogReading, day: date, settings: SiteSettings
) -> Counted:
    hosted = HostedFile(settings.hosted_domains).current()
    counted = count_logs(
        paths,
        calendar=Calendar(settings.zone),
        caps=settings.caps,
        charged_name=hosted.charged_name if hosted else str,
        host=host,
        hours=settings.hours,
        reading=reading,
    )
    if day not in counted.accounts.days():
        raise Refused(f"The given logs have no line of {day}: name those that were written then.")
    return counted


def _write(
    day: date,
    rows: list[Sums],
    filed: Filed | None,
    settings: ConsoleSettings,
    aggregator: SiteSettings,
    *,
    hours: Hours | None,
    incomplete: tuple[Incomplete, ...],
) -> int:
    missing = set(filed.manifest.missing_hosts) if filed else set()
    still_missing = tuple(sorted(missing - {row.collector for row in rows}))
    revision = newest_revision(settings.statistic_dir, day) + 1
    columns, now = DayRows.of(rows), time.time()
    facts = DayFacts(
        day=day,
        timezone=aggregator.timezone,
        revision=revision,
        complete=not (still_missing or incomplete),
        missing_hosts=still_missing,
        incomplete=incomplete,
        policy=aggregator.charging,
        lowered_by=_lowered_by(filed, columns, now),
    )
    if not write_day(settings.statistic_dir, facts, columns, hours, now=now):
        raise Refused(f"Another revision of {day} was written meanwhile: check it first.")
    return revision


def _lowered_by(filed: Filed | None, rows: DayRows, now: float) -> Lowered | None:
    """Return who allowed lower figures, if there are any.

    ``join`` refused lower figures of a place without a person's word; the row of a single name may
    still be lower.
    """
    if filed is None or not lowered_collectors(filed.rows, rows):
        return None
    return Lowered(who=f"{getpass.getuser()}@{socket.gethostname()}", at=utc(now))
