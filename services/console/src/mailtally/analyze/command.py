"""The command ``mailtally analyze``."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress

from mailtally.analyze.counting import Counted, count_logs
from mailtally.settings import aggregator_settings, console_settings
from mailtally_aggregator.hosted_file import HostedFile
from mailtally_collector.tail import bare_name
from mailtally_shared.calendar import Calendar
from mailtally_shared.day_files import DayFacts, newest_revision, write_day
from mailtally_shared.process.errors_shown import FAILED, plain_errors
from mailtally_shared.status import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from mailtally_aggregator.settings import AggregatorSettings


@click.command("analyze")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the day files are written.",
)
@click.option(
    "--host",
    default=lambda: socket.gethostname().lower(),
    show_default="this machine's name",
    help="The host of logs that name none, as multilog's.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MAILTALLY_CONFIG",
    help="A TOML file with settings: time zone, hosted domains, what is charged.",
)
@plain_errors
def analyze(files: tuple[Path, ...], out: Path, host: str, config: Path | None) -> None:
    """Count log files into day files, on this machine alone and with no queue.

    The files are the same to the byte as those that the services write.
    """
    settings = aggregator_settings(console_settings(config, None), config)
    hosted = HostedFile(settings.hosted_domains).current()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("counting", total=_size(files))
        counted = count_logs(
            files,
            calendar=Calendar(settings.zone),
            caps=settings.caps,
            charged_name=hosted.charged_name if hosted else str,
            host=host,
            tell=lambda size: progress.advance(task, size),
        )
    for day in counted.accounts.days():
        _write(day, counted, settings, out, host)
    click.echo(_summary(counted, out), err=True)
    if problems := list(_problems(counted)):
        click.echo("\n".join(problems), err=True)
        sys.exit(FAILED)


def _size(files: Sequence[Path]) -> int | None:
    """Bytes to be counted, where that can be known before."""
    if any(bare_name(file.name) != file.name for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _write(day: date, counted: Counted, settings: AggregatorSettings, out: Path, host: str) -> None:
    facts = DayFacts(
        day=day,
        timezone=settings.timezone,
        revision=newest_revision(out, day) + 1,
        complete=not counted.troubles,
        incomplete=counted.incomplete(host),
        policy=settings.charging,
    )
    now = time.time() if settings.written_at is None else settings.written_at
    write_day(out, facts, counted.accounts.rows(day), now=now)


def _problems(counted: Counted) -> Iterator[str]:
    """Yield what makes the figures too low."""
    for trouble in counted.troubles:
        yield f"Incomplete: {printable(trouble.sentence)}"
    if not counted.is_understood:
        yield (
            f"All {counted.lines} lines are malformed, so nothing was counted: "
            "see docs/formats.md for the formats that are read."
        )


def _summary(counted: Counted, out: Path) -> str:
    malformed = ", ".join(f"{reason} {n}" for reason, n in sorted(counted.malformed.items()))
    rest = f" Passed over {counted.passed} lines between." if counted.passed else ""
    rest += f" Skipped {counted.nuls} NUL bytes in front of lines." if counted.nuls else ""
    return (
        f"{counted.lines} lines: {counted.records} records of {len(counted.accounts.days())} days, "
        f"{counted.malformed.total()} malformed{f' ({malformed})' if malformed else ''}.{rest} "
        f"Day files: {printable(str(out))}"
    )
