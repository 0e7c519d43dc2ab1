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

from mailtally.analyze.counting import Counted, count_logs
from mailtally.options import of_a_site
from mailtally.rebuild.day_books import DayBooks
from mailtally.rebuild.joining import compare, join
from mailtally.report.question import parse_day
from mailtally.settings import ConsoleSettings, aggregator_settings, console_settings
from mailtally_aggregator.hosted_file import HostedFile
from mailtally_shared.calendar import Calendar
from mailtally_shared.day_files import DayFacts, DayNames, DayRows, newest_revision, write_day
from mailtally_shared.day_files.filed import Filed, newest_filed
from mailtally_shared.day_files.manifest import Lowered, utc
from mailtally_shared.day_files.names import LOADING
from mailtally_shared.day_files.side_by_side import lowered_hosts
from mailtally_shared.errors import Refused
from mailtally_shared.process.errors_shown import FAILED, plain_errors
from mailtally_shared.shown import listed, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.day_files import Sums
    from mailtally_shared.day_files.manifest import Incomplete


def _day(_context: click.Context, _parameter: click.Parameter, text: str) -> date:
    try:
        return parse_day(text, datetime.now(UTC).date())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("rebuild")
@click.option("--day", required=True, callback=_day, metavar="DAY", help="The day, 2026-02-16.")
@click.option(
    "--logs",
    "globs",
    required=True,
    multiple=True,
    metavar="GLOB",
    help="The logs of all mail hosts that hold lines of the day; may be given more than once.",
)
@click.option(
    "--host",
    default=lambda: socket.gethostname().lower(),
    show_default="this machine's name",
    help="The host of logs that name none, as multilog's.",
)
@click.option(
    "--archive", is_flag=True, help="Hosts of which the logs hold less keep their filed figures."
)
@click.option("--lower", is_flag=True, help="The day's figures may become lower.")
@click.option("--even-if-live", is_flag=True, help="Do not ask Redis whether it holds the day.")
@of_a_site
@plain_errors
def rebuild(
    day: date,
    globs: tuple[str, ...],
    host: str,
    data: Path | None,
    config: Path | None,
    *,
    archive: bool,
    lower: bool,
    even_if_live: bool,
) -> None:
    """Count a day anew from its logs and write it as a new revision for the loader.

    For a day whose totals were lost. What the logs hold is compared, host by host, with
    the day's newest files.
    """
    settings = console_settings(config, data)
    aggregator = aggregator_settings(settings, config)
    books = None if even_if_live else DayBooks.of(settings, aggregator, day)
    if books:
        books.refuse_live()
    found = _counted(_found(globs), host, day, aggregator)
    counted = sorted(found.accounts.rows(day))
    filed = _filed(settings.statistic_dir, day)
    before = list(filed.rows) if filed else []
    for one in compare(before, counted):
        click.echo(
            f"{printable(one.host)}: {one.counted.messages} messages of {one.counted.bytes} bytes "
            f"in the logs, {one.filed.messages} of {one.filed.bytes} in the files",
            err=True,
        )
    rows = join(before, counted, keep_filed=archive, lower=lower)
    incomplete = found.incomplete(host)
    if filed and rows == before and filed.manifest.complete >= (not incomplete):
        click.echo(f"Revision {filed.manifest.revision} of {day} holds the same: nothing to do.")
    else:
        revision = _write(day, rows, filed, settings, aggregator, incomplete=incomplete)
        click.echo(printable(f"Wrote {day} as revision {revision} into {settings.statistic_dir}."))
    for part in incomplete:
        click.echo(f"Incomplete: {printable(part.reason)}", err=True)
    if incomplete or not _settle(books, rows, lower=lower):
        sys.exit(FAILED)


def _settle(books: DayBooks | None, rows: Sequence[Sums], *, lower: bool) -> bool:
    """Let the files stand for what Redis had of the day; false if they lack some of it."""
    if books is None:
        return True
    if not lower and (lacking := books.lacking(DayRows.of(rows))):
        click.echo(
            f"Not settled: Redis has counted lines of {listed(lacking)} for {books.day} that are "
            "neither in the logs named nor in the day's files. Name all logs of that day; where "
            "they are gone, --lower drops those lines.",
            err=True,
        )
        return False
    if books.settle():
        click.echo(f"What Redis had of {books.day} is settled: its files stand for it now.")
    return True


def _filed(directory: Path, day: date) -> Filed | None:
    if (directory / LOADING / DayNames.of(day).stem).exists():
        raise Refused(f"The loader has the files of {day} in hand: try again when it is done.")
    return newest_filed(directory, day)


def _found(globs: Sequence[str]) -> list[Path]:
    paths: dict[Path, None] = {}
    for pattern in globs:
        matching = [Path(name) for name in sorted(glob(pattern, recursive=True))]  # noqa: PTH207 - a pattern may be absolute
        if not matching:
            raise click.UsageError(f"No file matches {pattern}.")
        paths |= dict.fromkeys(path for path in matching if path.is_file())
    return list(paths)


def _counted(paths: Sequence[Path], host: str, day: date, settings: AggregatorSettings) -> Counted:
    hosted = HostedFile(settings.hosted_domains).current()
    counted = count_logs(
        paths,
        calendar=Calendar(settings.zone),
        caps=settings.caps,
        charged_name=hosted.charged_name if hosted else str,
        host=host,
    )
    if day not in counted.accounts.days():
        raise Refused(f"The logs named hold no line of {day}: name those that were written then.")
    return counted


def _write(
    day: date,
    rows: list[Sums],
    filed: Filed | None,
    settings: ConsoleSettings,
    aggregator: AggregatorSettings,
    *,
    incomplete: tuple[Incomplete, ...],
) -> int:
    missing = set(filed.manifest.missing_hosts) if filed else set()
    still_missing = tuple(sorted(missing - {row.host for row in rows}))
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
    if not write_day(settings.statistic_dir, facts, columns, now=now):
        raise Refused(f"Another revision of {day} was written meanwhile: look at it first.")
    return revision


def _lowered_by(filed: Filed | None, rows: DayRows, now: float) -> Lowered | None:
    """Return who allowed figures to become lower, where they do; ``join`` refused it otherwise."""
    if filed is None or not lowered_hosts(filed.rows, rows):
        return None
    return Lowered(who=f"{getpass.getuser()}@{socket.gethostname()}", at=utc(now))
