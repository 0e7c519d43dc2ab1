"""The command ``mailtally rebuild``."""

from __future__ import annotations

import socket
import time
from datetime import UTC, date, datetime
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailtally.analyze.counting import count_logs
from mailtally.options import of_a_site
from mailtally.rebuild.filed import Filed, newest_filed
from mailtally.rebuild.joining import compare, join
from mailtally.report.question import parse_day
from mailtally.settings import ConsoleSettings, aggregator_settings, console_settings
from mailtally.state_found import open_state
from mailtally_aggregator.hosted_file import HostedFile
from mailtally_shared.calendar import Calendar
from mailtally_shared.day_files import DayFacts, newest_revision, write_day
from mailtally_shared.errors import Refused
from mailtally_shared.process.errors_shown import plain_errors
from mailtally_shared.state.client import unavailable_errors
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.day_files import Sums


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
    if not even_if_live:
        _refuse_live(settings, day)
    aggregator = aggregator_settings(settings, config)
    counted = _counted(_found(globs), host, day, aggregator)
    filed = newest_filed(settings.statistic_dir, day)
    before = filed.rows if filed else []
    for one in compare(before, counted):
        click.echo(
            f"{one.host}: {one.counted.messages} messages of {one.counted.bytes} bytes in the "
            f"logs, {one.filed.messages} of {one.filed.bytes} in the files",
            err=True,
        )
    rows = join(before, counted, keep_filed=archive, lower=lower)
    if filed and rows == before:
        click.echo(f"Revision {filed.manifest.revision} of {day} holds the same: nothing to do.")
        return
    revision = _write(day, rows, filed, settings, aggregator)
    click.echo(f"Wrote {day} as revision {revision} into {settings.statistic_dir}.")


def _refuse_live(settings: ConsoleSettings, day: date) -> None:
    """The day writer would put the state's own totals over what is rebuilt."""
    keys = StateKeys()
    with open_state(settings, wake=True) as state, unavailable_errors():
        if state.exists(keys.totals.day(day)):
            raise Refused(
                f"Redis holds live totals of {day}, and its files are made from those: nothing "
                "is to be rebuilt. If they are known to be wrong, say --even-if-live."
            )


def _found(globs: Sequence[str]) -> list[Path]:
    paths: dict[Path, None] = {}
    for pattern in globs:
        matching = [Path(name) for name in sorted(glob(pattern, recursive=True))]  # noqa: PTH207 - a pattern may be absolute
        if not matching:
            raise click.UsageError(f"No file matches {pattern}.")
        paths |= dict.fromkeys(path for path in matching if path.is_file())
    return list(paths)


def _counted(
    paths: Sequence[Path], host: str, day: date, settings: AggregatorSettings
) -> list[Sums]:
    hosted = HostedFile(settings.hosted_domains).current()
    accounts = count_logs(
        paths,
        calendar=Calendar(settings.zone),
        caps=settings.caps,
        charged_name=hosted.charged_name if hosted else str,
        host=host,
    ).accounts
    if day not in accounts.days():
        raise Refused(f"The logs named hold no line of {day}: name those that were written then.")
    return sorted(accounts.rows(day))


def _write(
    day: date,
    rows: list[Sums],
    filed: Filed | None,
    settings: ConsoleSettings,
    aggregator: AggregatorSettings,
) -> int:
    missing = set(filed.manifest.missing_hosts) if filed else set()
    still_missing = tuple(sorted(missing - {row.host for row in rows}))
    revision = newest_revision(settings.statistic_dir, day) + 1
    facts = DayFacts(
        day=day,
        timezone=aggregator.timezone,
        revision=revision,
        complete=not still_missing,
        missing_hosts=still_missing,
        policy=aggregator.charging,
    )
    if not write_day(settings.statistic_dir, facts, rows, now=time.time()):
        raise Refused(f"Another revision of {day} was written meanwhile: look at it first.")
    return revision
