"""The command ``mailtally-statistics``, also available as ``mailtally statistics``."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from mailtally_collector.formats import warm
from mailtally_collector.statistics.documents import document, write_csv
from mailtally_collector.statistics.figures import Figures
from mailtally_collector.statistics.following import GrowingFiles, GrowingInput, Screen, follow
from mailtally_collector.statistics.naming import NothingMatchesError, files_named
from mailtally_collector.statistics.page import table
from mailtally_collector.statistics.part import Wanted
from mailtally_collector.statistics.reading import keep_memory, read_whole
from mailtally_collector.statistics.selection import selection_of, zone_named
from mailtally_collector.statistics.source import STANDARD_INPUT
from mailtally_collector.statistics.summary import Question, Summary, summarised
from mailtally_collector.statistics.terminal import ProgressBar, look_of
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE, _CSV, _JSON = "table", "csv", "json"
_DEFAULT_TOP: Final = 10


@click.command("statistics")
@click.argument("files", nargs=-1)
@click.option("-f", "--file", "more_files", multiple=True, metavar="FILE", help="Log file to read.")
@click.option(
    "-v",
    "--verbose",
    "details",
    is_flag=True,
    help="Also show names, sizes, hours and malformed lines.",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAMES",
    help="Only records of these services (comma-separated), such as imap,pop3.",
)
@click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="NAMES",
    help="Only records charged to these domains (comma-separated).",
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    metavar="NAMES",
    help="Only records with these statuses (comma-separated).",
)
@click.option("--from", "since", metavar="TIME", help="Only records from this day or time on.")
@click.option(
    "--to",
    "until",
    metavar="TIME",
    help="Only records up to the end of this day, or before this time.",
)
@click.option(
    "--follow", "live", is_flag=True, help="Continue to read as the logs grow, until Ctrl-C."
)
@click.option(
    "--format",
    "shape",
    type=click.Choice([_TABLE, _CSV, _JSON]),
    default=_TABLE,
    show_default=True,
    help="Output format.",
)
@click.option(
    "--top",
    type=click.IntRange(0),
    default=_DEFAULT_TOP,
    show_default=True,
    help="Number of names of each kind, and of largest messages, shown with -v; 0: all names.",
)
@click.option(
    "--by",
    type=click.Choice(["messages", "bytes", "wasted"]),
    default="messages",
    show_default=True,
    help="Figure by which names are ranked with -v.",
)
@click.option(
    "--timezone",
    envvar="MAILTALLY_TIMEZONE",
    default="UTC",
    show_default=True,
    help="Time zone of the hours shown, and of --from and --to.",
)
@plain_errors
def statistics(
    *,
    files: tuple[str, ...],
    more_files: tuple[str, ...],
    details: bool,
    live: bool,
    shape: str,
    top: int,
    by: str,
    timezone: str,
    **filters: Any,  # noqa: ANN401 - options
) -> None:
    """Show statistics of traffic logs, as the original mailstatistics did.

    FILES are paths or globs of logs, plain or compressed, or - for standard input.
    """
    named = more_files + files
    if not named:
        raise click.UsageError("Name a log with -f, or - for standard input.")
    zone = zone_named(timezone)
    question = Question(
        files=named,
        selection=selection_of(**filters, zone=zone, now=time.time()),
        zone=zone,
        by=by,
        top=top or None,
        details=details,
    )
    _never_fail_to_print()
    if live:
        _follow(question, shape)
    else:
        _read(question, shape)


def _read(question: Question, shape: str) -> None:
    paths = _paths(question.files)
    question = replace(question, files=tuple(paths))
    warnings: list[str] = []
    progress = ProgressBar(sys.stderr, os.environ, _total(paths), time.monotonic)
    figures, wanted = _prepared(question)
    try:
        read_whole(paths, figures, wanted, tell=progress.tell, warn=warnings.append)
    finally:
        progress.clear()
    _print(summarised(figures, question), shape)
    for warning in warnings:
        click.echo(f"Warning: {printable(warning)}", err=True)
    if warnings:
        sys.exit(FAILED)


def _follow(question: Question, shape: str) -> None:
    if shape == _CSV:
        raise click.UsageError("--follow shows a table, or JSON: a document a line.")
    is_input = STANDARD_INPUT in question.files
    if is_input and len(question.files) > 1:
        raise click.UsageError("--follow reads standard input alone, or files alone.")
    if not is_input:
        _paths(question.files)
    source = GrowingInput() if is_input else GrowingFiles(question.files)
    figures, wanted = _prepared(question)
    screen = Screen(sys.stdout, os.environ, as_json=shape == _JSON)

    def current() -> Summary:
        return summarised(figures, replace(question, files=source.names()))

    with suppress(KeyboardInterrupt):  # the way to end it
        follow(source, figures, wanted, lambda: screen.show(current()))
    screen.end(current())


def _paths(named: Sequence[str]) -> list[str]:
    """Return the inputs by name; standard input last."""
    patterns = [name for name in named if name != STANDARD_INPUT]
    try:
        paths = [str(path) for path in files_named(patterns)]
    except NothingMatchesError as error:
        raise click.BadParameter(
            f"No file matches {printable(str(error))}.", param_hint="FILES"
        ) from error
    return paths + [STANDARD_INPUT] * (STANDARD_INPUT in named)


def _total(paths: Sequence[str]) -> int | None:
    """Bytes there are to read, where that is known."""
    if STANDARD_INPUT in paths:
        return None
    return sum(os.stat(path).st_size for path in paths)  # noqa: PTH116 - names, not paths


def _prepared(question: Question) -> tuple[Figures, Wanted]:
    warm()
    keep_memory()
    largest = question.top or _DEFAULT_TOP
    wanted = Wanted(question.selection, question.details, largest)
    return Figures(by=question.by, largest=largest), wanted


def _print(summary: Summary, shape: str) -> None:
    if shape == _JSON:
        json.dump(document(summary), sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif shape == _CSV:
        write_csv(summary, sys.stdout)
    else:
        sys.stdout.writelines(
            f"{line}\n" for line in table(summary, look_of(sys.stdout, os.environ))
        )


def _never_fail_to_print() -> None:
    """Escape what the terminal's encoding lacks: an address may hold anything."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
