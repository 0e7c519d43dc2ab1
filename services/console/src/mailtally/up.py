"""``mailtally up``: the whole system on this machine, for real, on the embedded default."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from mailtally.show import Progressing
from mailtally.site import Site
from mailtally_shared.process.errors_shown import plain_errors
from mailtally_shared.process.lifecycle import Stop
from mailtally_shared.process.logs import configure_logging

#: Where the logs of an H-Sphere mail server are.
DEFAULT_LOGS = "/var/hsphere/mail/logs/stats*"


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
    "--once",
    is_flag=True,
    help="Process what is there, end every day seen, and exit.",
)
@plain_errors
def up(logs: tuple[str, ...], data: Path, aggregators: int, *, once: bool) -> None:
    """Follow mail logs and account for them, all on this machine.

    Brings its own Redis and SQLite. Ctrl-C stops it cleanly, and the next start
    goes on where this one stopped. Other settings come from the environment.
    """
    console = Console(stderr=True)
    configure_logging("warning")
    with Stop().install() as stop, Site(data.absolute()) as site:
        site.start_aggregators(aggregators)
        site.start_loader()
        collector = site.start_collector([_absolute(glob) for glob in logs], once=once)
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


def _absolute(glob: str) -> str:
    return str(Path(glob).absolute())


def _say_where(console: Console, site: Site) -> None:
    progress = site.progress()
    console.print(
        f"Counted {progress.lines:,} lines: {progress.records:,} records and "
        f"{progress.malformed:,} malformed ones, which are kept aside.\n"
        f"Day files and archive: {site.statistic_dir}\nDatabase: {site.database}",
        highlight=False,
        soft_wrap=True,
    )
