"""The command ``mailtally report``: its options, as a question to the reports."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from mailtally.commands.report_view import print_plain, print_table, write_csv, write_json
from mailtally.local.state_found import open_state
from mailtally.options import of_a_site
from mailtally.settings import ConsoleSettings, console_settings, site_settings
from mailtally_shared.billing.queries import open_loaded
from mailtally_shared.calendar import Calendar
from mailtally_shared.reports.answer import answer
from mailtally_shared.reports.question import (
    DOMAIN,
    GROUPS,
    Choice,
    Order,
    Question,
    parse_day,
    refusal,
)
from mailtally_shared.reports.summary import ranges, shortfalls, without_data
from mailtally_shared.runtime.errors_shown import plain_errors
from mailtally_shared.runtime.urls import mask_url
from mailtally_shared.schema import KEY, Service
from mailtally_shared.shown import listed, printable
from mailtally_shared.spelling import with_suggestion
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import LiveTotals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo
    from pathlib import Path

    from mailtally_shared.reports.summary import Report


_HELP = {
    "domain": "Only these domains (comma-separated).",
    "collector": "Only what the collectors of these mail hosts reported (comma-separated).",
    "host": "Only these hosts, as log lines name them (comma-separated).",
    "service": "Only these services (comma-separated).",
    "status": "Only these statuses (comma-separated).",
}


def parse_dimensions(
    _context: click.Context, _parameter: click.Parameter, text: str
) -> tuple[str, ...]:
    """Parse the value of ``--by``."""
    by = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in by if name not in GROUPS]:
        sentence = f"{unknown[0]!r} is not one of {', '.join(GROUPS)}"
        raise click.BadParameter(with_suggestion(sentence, unknown[0], GROUPS))
    if len(set(by)) < len(by):
        raise click.BadParameter("a name is given twice")
    return by


def parse_names(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    """Convert names to the form in which they are counted: lower case, no trailing dot."""
    names = (name.strip() for value in values for name in value.split(","))
    return frozenset(name.lower().removesuffix(".") for name in names if name)


def parse_services(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    """Parse a list of services."""
    known = [service.label for service in Service]
    names = parse_names(context, parameter, values)
    if unknown := sorted(names.difference(known)):
        sentence = f"{unknown[0]!r} is not one of {', '.join(known)}"
        raise click.BadParameter(with_suggestion(sentence, unknown[0], known))
    return names


def only_some(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each dimension, which restricts a report to some of its names."""
    for dimension in reversed(KEY):
        command = click.option(
            f"--{dimension}",
            dimension,
            multiple=True,
            metavar="NAMES",
            callback=parse_services if dimension == "service" else parse_names,
            help=_HELP.get(dimension, f"Only these names of {dimension} (comma-separated)."),
        )(command)
    return command


def question_of(terms: dict[str, Any], today: date, zone: tzinfo = UTC) -> Question:
    """Return the question for the command's options.

    Args:
        terms: the options' values by name.
        today: the present day in the accounting zone.
        zone: that zone.

    Raises:
        click.UsageError: they contradict each other, or a day is invalid.
    """
    first, last = _span(terms, today)
    question = Question(
        by=terms["by"],
        first=first,
        last=last,
        only={dimension: terms[dimension] for dimension in KEY if terms[dimension]},
        order=_order(terms),
        top=terms["top"],
        choice=_choice(terms["live"]),
        zone=zone,
    )
    if why := refusal(question):
        raise click.UsageError(why)
    return question


def _span(terms: dict[str, Any], today: date) -> tuple[date | None, date | None]:
    day, first, last = (_day(terms[name], today) for name in ("day", "first", "last"))
    month = _month(terms["month"], today)
    is_span = first is not None or last is not None
    if [day is not None, month is not None, is_span].count(True) > 1:
        raise click.UsageError("Give either --day, or --month, or --from and --to.")
    if month is not None:
        return month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}.")
    return day or first, day or last


def _day(text: str | None, today: date) -> date | None:
    try:
        return None if text is None else parse_day(text, today)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _month(text: str | None, today: date) -> date | None:
    """Return the first day of a month: ``2026-02``, ``02.2026``, ``this`` or ``last``."""
    this = today.replace(day=1)
    named = {None: None, "this": this, "last": (this - timedelta(days=1)).replace(day=1)}
    if text in named:
        return named[text]
    month, point, year = str(text).partition(".")
    try:
        return date.fromisoformat(f"{year}-{month:0>2}-01" if point else f"{text}-01")
    except ValueError:
        sentence = f"{text!r} is not a month: write 2026-02, 02.2026, this or last."
        raise click.UsageError(sentence) from None


def _order(terms: dict[str, Any]) -> Order:
    default = Order.KEY if terms["top"] is None else Order.BYTES
    return Order(terms["order"] or default)


def _choice(live: bool | None) -> Choice:  # noqa: FBT001 - a flag of the command line
    return {None: Choice.BILLED, True: Choice.LIVE, False: Choice.LOADED_ONLY}[live]


class Format(StrEnum):
    """An output format."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@click.command("report")
@click.option(
    "--by",
    default=DOMAIN,
    show_default=True,
    callback=parse_dimensions,
    help=f"Grouping of the rows: any of {', '.join(GROUPS)}.",
)
@click.option("--from", "first", metavar="DAY", help="First day: 2026-02-16, yesterday …")
@click.option("--to", "last", metavar="DAY", help="Last day.")
@click.option("--day", metavar="DAY", help="Only this day.")
@click.option("--month", metavar="MONTH", help="Only this month: 2026-02, 02.2026, this, last.")
@only_some
@click.option(
    "--format",
    "shape",
    type=click.Choice([shape.value for shape in Format]),
    default=Format.TABLE.value,
    show_default=True,
    help="Output format.",
)
@click.option(
    "--live/--no-live",
    default=None,
    help="Show every day as counted so far / only loaded days. "
    "Default: live figures for days not loaded yet.",
)
@click.option(
    "--top", type=click.IntRange(1), help="Number of rows to show; the total covers all rows."
)
@click.option(
    "--sort",
    "order",
    type=click.Choice([order.value for order in Order]),
    help="Sort by key, or by a figure, largest first. Default: key; with --top, bytes.",
)
@of_a_site
@plain_errors
def report(
    shape: str,
    data: Path | None,
    config: Path | None,
    **terms: Any,  # noqa: ANN401 - options
) -> None:
    """Show totals of the mail traffic by domain, time, collector, host, service or status.

    Loaded days come from the database, as they are billed; the others, above all today, are shown
    live, as counted so far.
    """
    settings = console_settings(config, data)
    today = datetime.now(settings.zone).date()
    question = question_of(terms, today, settings.zone)
    found = answer(
        question,
        billing=open_loaded(settings.database_url),
        counted=None if question.choice is Choice.LOADED_ONLY else _open_counted(settings),
        policy=site_settings(settings, config).charging,
    )
    for warning in found.away.warnings:
        click.echo(f"Warning: {mask_url(warning)}", err=True)
    if absent := without_data(found, today):
        spans = listed(ranges(absent).split(", "))
        click.echo(f"Warning: No data for {spans}: nothing was counted or loaded.", err=True)
    _show(found, Format(shape))


@contextmanager
def _open_counted(settings: ConsoleSettings) -> Iterator[LiveTotals]:
    with open_state(settings) as state:
        yield LiveTotals(state, StateKeys(), Calendar(settings.zone))


def _show(found: Report, shape: Format) -> None:
    if shape is Format.TABLE and sys.stdout.isatty():
        from mailtally.terminal import open_console  # noqa: PLC0415 - a pipe does not need rich

        print_table(found, open_console())
    elif shape is Format.TABLE:
        print_plain(found, sys.stdout)
    elif shape is Format.JSON:
        write_json(found, sys.stdout)
    else:
        write_csv(found, sys.stdout)
        for sentence in shortfalls(found):  # a table has them below its rows, JSON in its fields
            click.echo(f"Warning: {printable(sentence)}", err=True)
