"""``mailtally up``: the whole system on this machine, for real, on the embedded default."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from mailtally.doctor.finding import Finding, Level
from mailtally.show import Progressing
from mailtally.site import Site
from mailtally.unknown_settings import unknown_settings
from mailtally_shared.process.errors_shown import FAILED, plain_errors
from mailtally_shared.process.lifecycle import Stop
from mailtally_shared.process.logs import configure_logging
from mailtally_shared.process.urls import mask_url
from mailtally_shared.shown import printable

#: Where the logs of an H-Sphere mail server are.
DEFAULT_LOGS = "/var/hsphere/mail/logs/stats*"
#: Checks that may only warn, and yet are of lines that are in no bill.
_OF_LINES = ("logs of", "globs of", "lines of", "changes of")


@click.command("up")
@click.option(
    "--logs",
    multiple=True,
    default=(DEFAULT_LOGS,),
    show_default=True,
    metavar="GLOB",
    help="Traffic logs to follow; may be given more than once. Quote it.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("mailtally-data"),
    show_default=True,
    help="Everything is kept here: Redis, spool, day files, database.",
)
@click.option("--aggregators", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option(
    "--accept-empty-state",
    is_flag=True,
    help="Begin at zero although Redis is empty and day files show earlier counting.",
)
@click.option(
    "--once",
    is_flag=True,
    help="Process what is there, end every day seen, and exit.",
)
@plain_errors
def up(
    logs: tuple[str, ...], data: Path, aggregators: int, *, accept_empty_state: bool, once: bool
) -> None:
    """Follow mail logs and account for them, all on this machine.

    Brings its own Redis and SQLite. Ctrl-C stops it cleanly, and the next start
    goes on where this one stopped. With --once it ends with what 'mailtally doctor'
    finds, and exits with 1 if that FAILED, if a log could not be read or was not
    understood, or if no file matched a glob. Other settings come from the environment.
    """
    console = Console(stderr=True)
    configure_logging("warning")
    with Stop().install() as stop, Site(data.absolute()) as site:
        site.start_aggregators(aggregators, accept_empty_state=accept_empty_state)
        site.start_loader()
        collector = site.start_collector([_absolute(glob) for glob in logs], once=once)
        for sentence in unknown_settings():
            _say(console, "Warning", Finding("settings", Level.WARNING, sentence))
        with Progressing(console) as progressing:
            progressing.step(f"Following {', '.join(logs)}; everything is kept in {data}.")
            if not once:
                site.wait_until(lambda: False, stop, progressing.tell)
                progressing.step("Stopping; the next start goes on from here.")
                return
            done = site.wait_until(
                lambda: collector.is_done and site.progress().is_settled, stop, progressing.tell
            )
        if done:
            _say_where(console, site)
            findings = site.findings()
            for finding in findings:
                _say(console, "Incomplete" if _is_incomplete(finding) else "Warning", finding)
            if any(map(_is_incomplete, findings)):
                sys.exit(FAILED)


def _is_incomplete(finding: Finding) -> bool:
    """Return whether something of the logs may not be billed."""
    return finding.level is Level.FAILED or finding.check.startswith(_OF_LINES)


def _say(console: Console, label: str, finding: Finding) -> None:
    line = printable(mask_url(f"{label}: {finding.sentence}"))
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _absolute(glob: str) -> str:
    return str(Path(glob).absolute())


def _say_where(console: Console, site: Site) -> None:
    progress = site.progress()
    console.print(
        f"Counted {progress.lines:,} lines: {progress.records:,} records and "
        f"{progress.malformed:,} malformed ones, which are kept aside.\n"
        f"Day files and archive: {printable(str(site.statistic_dir))}\n"
        f"Database: {printable(str(site.database))}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
