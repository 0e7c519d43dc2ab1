"""``python -m benchmarks``: wires the measurements together."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from benchmarks.comparing import compare, report, save
from benchmarks.contenders import CONTENDERS
from benchmarks.logs import Logs, make_logs
from benchmarks.machine import facts
from benchmarks.running import WrongAnswerError

NAMES = tuple(contender.name for contender in CONTENDERS)


@click.command()
@click.argument("what", type=click.Choice(["peers", "stages", "collector"]), default="peers")
@click.option("--lines", type=click.IntRange(3), default=1_000_000, show_default=True)
@click.option("--domains", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="May be given repeatedly.")
def main(what: str, lines: int, domains: int, repeat: int, only: tuple[str, ...]) -> None:
    """Compare mailtally with its peers, or its stages, or look at a collector alone."""
    if what == "collector":
        _collector(lines)
        return
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as directory:
        click.echo(f"Writing {lines:,} lines of {domains:,} domains …", err=True)
        logs = make_logs(Path(directory) / "logs", lines=lines, domains=domains)
        if what == "stages":
            _stages(logs, repeat)
        else:
            _peers(logs, domains, repeat, only)


def _peers(logs: Logs, domains: int, repeat: int, only: tuple[str, ...]) -> None:
    chosen = [one for one in CONTENDERS if not only or one.name in only]
    present = [one for one in chosen if not one.missing]
    machine = facts()  # before the runs: the load average is that of other work
    try:
        found = compare(present, logs, repeat, _progress)
    except WrongAnswerError as error:
        raise click.ClickException(str(error)) from error
    path = save(found, machine, logs, repeat, domains)
    click.echo(report(found, [one for one in chosen if one.missing]))
    click.echo(f"Kept in {path}.", err=True)


def _stages(logs: Logs, repeat: int) -> None:
    # Not above: it loads all of mailtally, and the parent of what is compared has to be small.
    from benchmarks.stages import measure  # noqa: PLC0415 - see above
    from benchmarks.stopwatch import costs_table  # noqa: PLC0415 - see above

    click.echo(costs_table(measure(logs, repeat), logs.lines))


def _collector(lines: int) -> None:
    from benchmarks.bare_collector import measure  # noqa: PLC0415 - see above

    click.echo(measure(lines))


def _progress(text: str) -> None:
    """One line that changes on a terminal, nothing elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}\r", nl=False, err=True)


if __name__ == "__main__":
    main()
