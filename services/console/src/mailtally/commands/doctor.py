"""The command ``mailtally doctor``; its JSON output is in ``docs/reference/report.md``."""

from __future__ import annotations

import json
import sys
from typing import IO, TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mailtally import examined
from mailtally.commands.report_cells import shortened
from mailtally.options import of_a_site
from mailtally.settings import console_settings, site_settings
from mailtally.terminal import open_console
from mailtally_shared.audit.finding import Finding, Level
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.runtime.urls import mask_url
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console


#: Version of the JSON document.
FORMAT = 1
_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILED: "bold red"}
_WIDEST = max(map(len, Level))
#: Longest name of a check in a table, such as one with the name of a host.
_WIDEST_CHECK = 30


def print_table(findings: Sequence[Finding], console: Console) -> None:
    """Print a table on a terminal, otherwise a line per check."""
    if console.is_terminal:
        console.print(_table(findings))
        return
    width = max(len(finding.check) for finding in findings)
    for check, level, sentence in findings:
        line = f"{level.value:{_WIDEST}}  {check:{width}}  {sentence}"
        console.print(Text(line), soft_wrap=True)


def write_json(findings: Sequence[Finding], file: IO[str]) -> None:
    """Write one JSON document."""
    document = {
        "format": FORMAT,
        "worst": worst(findings).value,
        "findings": [finding._asdict() for finding in findings],
    }
    json.dump(document, file, indent=2)
    file.write("\n")


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level, which is that of the whole site."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for title in ("check", ""):
        table.add_column(title, no_wrap=True)
    table.add_column("details", overflow="fold")
    for check, level, sentence in findings:
        name = shortened(check, _WIDEST_CHECK)
        table.add_row(Text(name), Text(level.value, _STYLES[level]), Text(sentence))
    return table


@click.command("doctor")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.option(
    "--deep", is_flag=True, help="Also compare every archived file with the database, row by row."
)
@of_a_site
@plain_errors
def doctor(shape: str, data: Path | None, config: Path | None, *, deep: bool) -> None:
    """Check that the site is healthy and that all sums agree.

    Exits with 1 if any check FAILED. Changes nothing. A stopped Redis in the data directory is
    started for the duration of the command.
    """
    settings = console_settings(config, data)
    site = site_settings(settings, config)
    findings = [
        Finding(printable(check), level, printable(mask_url(sentence)))
        for check, level, sentence in examined.findings(settings, site, Clock().wall(), deep=deep)
    ]
    if shape == "json":
        write_json(findings, sys.stdout)
    else:
        print_table(findings, open_console())
    if worst(findings) is Level.FAILED:
        sys.exit(FAILED)
