"""The command ``mailtally up``: run the whole system on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailtally.local.progress_shown import Progressing
from mailtally.local.site import HASTE, Site
from mailtally.options import number_option
from mailtally.terminal import open_console
from mailtally_shared.audit.finding import Finding, Level
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.runtime.lifecycle import Stop
from mailtally_shared.runtime.logs import configure_logging
from mailtally_shared.runtime.urls import mask_url
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from rich.console import Console

#: Checks that only warn but concern lines that are in no bill.
_OF_LINES = ("logs of", "globs of", "lines of", "changes of")


@click.command("up")
@click.option(
    "--logs",
    multiple=True,
    metavar="GLOB",
    help="Traffic logs to follow; may be given more than once. Quote it. "
    "Default: the setting 'logs', which is /var/hsphere/mail/logs/stats* unless it is set.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("mailtally-data"),
    show_default=True,
    envvar="MAILTALLY_DATA_DIR",
    help="Directory for all data: Redis, spool, day files, database.",
)
@number_option("--aggregators", click.IntRange(1, 64), 1, "Number of aggregators.")
@click.option(
    "--accept-empty-state",
    is_flag=True,
    help="Start from zero although Redis is empty and day files exist.",
)
@click.option(
    "--once",
    is_flag=True,
    help="Process the logs to their end, close every day seen, and exit.",
)
@plain_errors
def up(
    logs: tuple[str, ...], data: Path, aggregators: int, *, accept_empty_state: bool, once: bool
) -> None:
    """Follow mail logs and account for them, on this machine alone.

    Includes its own Redis and SQLite. Ctrl-C stops it cleanly; restart it and it resumes where it
    left off. With --once it prints at the end what 'mailtally doctor' finds wrong, and exits with 1
    if a check FAILED, if a log could not be read or was not understood, or if no file matched a
    glob.
    Other settings come from the environment, and from the file that MAILTALLY_CONFIG names.
    """
    if not all(logs):
        raise click.UsageError("--logs is empty: name a log or a glob.")
    console = open_console(stderr=True)
    configure_logging("warning")
    with Stop().install() as stop, Site(data.absolute(), _haste() if once else {}) as site:
        site.start_aggregators(aggregators, accept_empty_state=accept_empty_state)
        site.start_loader()
        collector = site.start_collector([_absolute(glob) for glob in logs], once=once)
        # Imported once the services are starting, because it imports the settings of all.
        from mailtally.settings import unknown_settings  # noqa: PLC0415 - see above

        for sentence in unknown_settings():
            _say(console, "Warning", Finding("settings", Level.WARNING, sentence))
        with Progressing(console) as progressing:
            globs = ", ".join(logs) or "the logs that the settings name"
            progressing.step(f"Following {globs}. Data directory: {data}.")
            if not once:
                site.wait_until(lambda: False, stop, progressing.tell)
                progressing.step("Stopping. The next start resumes from here.")
                return
            done = site.wait_until(
                lambda: collector.is_done and site.progress().is_settled, stop, progressing.tell
            )
        if done:
            site.children.request_stop()  # they end while the findings are gathered
            _say_where(console, site)
            findings = site.findings()
            for finding in findings:
                _say(console, "Incomplete" if _is_incomplete(finding) else "Warning", finding)
            if any(map(_is_incomplete, findings)):
                sys.exit(FAILED)


def _haste() -> dict[str, str]:
    return {name: value for name, value in HASTE.items() if name not in os.environ}


def _is_incomplete(finding: Finding) -> bool:
    """Return whether lines of the logs may be missing from the bill."""
    return finding.level is Level.FAILED or finding.check.startswith(_OF_LINES)


def _say(console: Console, label: str, finding: Finding) -> None:
    line = printable(mask_url(f"{label}: {finding.sentence}"))
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _absolute(glob: str) -> str:
    return str(Path(glob).absolute())


def _say_where(console: Console, site: Site) -> None:
    progress = site.progress()
    quarantined = f", {progress.quarantined:,} in quarantine" if progress.quarantined else ""
    kept = ", kept in the reject file" if progress.malformed else ""
    console.print(
        f"Counted {progress.lines:,} lines: {progress.records:,} records{quarantined} and "
        f"{progress.malformed:,} malformed lines{kept}.\n"
        f"Day files and archive: {printable(str(site.statistic_dir))}\n"
        f"Database: {printable(str(site.database))}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
