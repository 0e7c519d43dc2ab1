"""The command ``mailtally analyze``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import Progress

from mailtally.commands.analyze_counting import Counted, count_logs
from mailtally.options import LogReading, collector_option, of_given_logs, of_unnamed_logs
from mailtally.settings import console_settings, site_settings
from mailtally.terminal import open_console
from mailtally_collector.tail import bare_name
from mailtally_shared.calendar import Calendar
from mailtally_shared.days import DayFacts, newest_revision, write_day
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.state.hosted_lists import HostedFile
from mailtally_shared.wire.status import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from mailtally_shared.site_settings import SiteSettings


@click.command("analyze")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the day files.",
)
@of_unnamed_logs
@of_given_logs
@collector_option(
    "Mail host whose collector counts as the one that reported all lines. "
    "By default each line counts under the host that it names."
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MAILTALLY_CONFIG",
    help="TOML file with settings: time zone, hosted domains, charging.",
)
@plain_errors
def analyze(
    *,
    files: tuple[Path, ...],
    out: Path,
    host: str,
    reading: LogReading,
    collector: str | None,
    config: Path | None,
) -> None:
    """Count log files into day files, on this machine and without a queue.

    The files are identical, byte for byte, to those that the services write.
    """
    files = _of_directories(files)
    settings = site_settings(console_settings(config, None), config)
    hosted = HostedFile(settings.hosted_domains).current()
    console = open_console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("counting", total=_size(files))
        counted = count_logs(
            files,
            calendar=Calendar(settings.zone),
            caps=settings.caps,
            charged_name=hosted.charged_name if hosted else str,
            host=host,
            collector=collector,
            hours=settings.hours,
            reading=reading,
            tell=lambda size: progress.advance(task, size),
        )
    for day in counted.accounts.days():
        _write(day, counted, settings, out, host)
    click.echo(_summary(counted, out), err=True)
    for name, lines in sorted(counted.programs.items()):
        click.echo(f"  {name}: {lines.described}", err=True)
    if problems := list(_problems(counted)):
        click.echo("\n".join(problems), err=True)
        sys.exit(FAILED)


def _of_directories(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files, with those of a directory in its place; an empty one stays, and fails."""
    found: dict[Path, None] = {}
    for path in paths:
        files = sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else []
        found |= dict.fromkeys(files or [path])
    return tuple(found)


def _size(files: Sequence[Path]) -> int | None:
    """Return the bytes to be counted, or ``None`` if that is unknown in advance."""
    if any(bare_name(file.name) != file.name for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _write(day: date, counted: Counted, settings: SiteSettings, out: Path, host: str) -> None:
    facts = DayFacts(
        day=day,
        timezone=settings.timezone,
        revision=newest_revision(out, day) + 1,
        complete=not counted.troubles,
        incomplete=counted.incomplete(host),
        policy=settings.charging,
    )
    now = time.time() if settings.written_at is None else settings.written_at
    accounts = counted.accounts
    write_day(out, facts, accounts.rows(day), accounts.hours(day), now=now)


def _problems(counted: Counted) -> Iterator[str]:
    """Yield a sentence for each reason why the figures are too low."""
    for trouble in counted.troubles:
        yield f"Incomplete: {printable(trouble.sentence)}"
    if not counted.is_understood:
        yield (
            f"All {counted.lines} lines are malformed, so nothing was counted: "
            "see docs/reference/formats.md for the supported formats."
        )


def _summary(counted: Counted, out: Path) -> str:
    malformed = ", ".join(f"{reason} {n}" for reason, n in sorted(counted.malformed.items()))
    rest = f" Skipped {counted.passed} other lines." if counted.passed else ""
    rest += f" Skipped {counted.nuls} NUL bytes before lines." if counted.nuls else ""
    return (
        f"{counted.lines} lines: {counted.records} records of {len(counted.accounts.days())} days, "
        f"{counted.malformed.total()} malformed{f' ({malformed})' if malformed else ''}.{rest} "
        f"Day files: {printable(str(out))}"
    )
