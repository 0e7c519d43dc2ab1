"""The command ``mailtally report``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from mailtally.billing import open_billing
from mailtally.options import of_a_site
from mailtally.report.answer import LiveTotals, answer
from mailtally.report.question import Choice, Order
from mailtally.report.terms import parse_dimensions, parse_names, question_of
from mailtally.report.view import print_table, write_csv, write_json
from mailtally.settings import ConsoleSettings, aggregator_settings, console_settings
from mailtally.state_found import open_state
from mailtally_shared.calendar import Calendar
from mailtally_shared.columns import Service
from mailtally_shared.process.errors_shown import plain_errors
from mailtally_shared.process.urls import mask_url
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.report.summary import Report


class Format(StrEnum):
    """How a report is shown."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@click.command("report")
@click.option(
    "--by",
    default="domain",
    show_default=True,
    callback=parse_dimensions,
    help="What a row is about: some of domain,day,host,service,status.",
)
@click.option("--from", "first", metavar="DAY", help="The first day: 2026-02-16, yesterday …")
@click.option("--to", "last", metavar="DAY", help="The last day.")
@click.option("--day", metavar="DAY", help="This day alone.")
@click.option("--domain", "domains", multiple=True, callback=parse_names, help="Only this domain.")
@click.option("--host", "hosts", multiple=True, callback=parse_names, help="Only this mail host.")
@click.option(
    "--service",
    "services",
    multiple=True,
    type=click.Choice([service.label for service in Service]),
    help="Only this service.",
)
@click.option("--status", "statuses", multiple=True, help="Only this status.")
@click.option(
    "--format",
    "shape",
    type=click.Choice([shape.value for shape in Format]),
    default=Format.TABLE.value,
    show_default=True,
)
@click.option(
    "--live/--no-live",
    default=None,
    help="Every day as counted so far / only what is loaded. "
    "Neither: live only for days not loaded yet.",
)
@click.option("--top", type=click.IntRange(1), help="Only so many rows; the total is of all.")
@click.option(
    "--sort",
    "order",
    type=click.Choice([order.value for order in Order]),
    help="Largest figure first, or by key. Default: key; with --top, bytes.",
)
@of_a_site
@plain_errors
def report(
    shape: str,
    data: Path | None,
    config: Path | None,
    **terms: Any,  # noqa: ANN401 - options
) -> None:
    """Totals of the mail traffic, by domain, day, host, service or status.

    Days that were loaded come from the database, as they are billed; the others,
    today above all, are shown live, as far as they are counted.
    """
    settings = console_settings(config, data)
    question = question_of(terms, datetime.now(settings.zone).date())
    found = answer(
        question,
        billing=open_billing(settings.database_url),
        counted=None if question.choice is Choice.LOADED_ONLY else _open_counted(settings),
        policy=aggregator_settings(settings, config).charging,
    )
    for warning in found.away.warnings:
        click.echo(f"Warning: {mask_url(warning)}", err=True)
    _show(found, Format(shape))


@contextmanager
def _open_counted(settings: ConsoleSettings) -> Iterator[LiveTotals]:
    with open_state(settings) as state:
        yield LiveTotals(state, StateKeys(), Calendar(settings.zone))


def _show(found: Report, shape: Format) -> None:
    if shape is Format.TABLE:
        print_table(found, Console())
    elif shape is Format.JSON:
        write_json(found, sys.stdout)
    else:
        write_csv(found, sys.stdout)
