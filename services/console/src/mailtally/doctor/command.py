"""The command ``mailtally doctor``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from mailtally.doctor.examination import Examination
from mailtally.doctor.finding import Finding, Level
from mailtally.doctor.view import print_table, worst, write_json
from mailtally.options import of_a_site
from mailtally.settings import aggregator_settings, console_settings
from mailtally_shared.process.clock import Clock
from mailtally_shared.process.errors_shown import FAILED, plain_errors
from mailtally_shared.process.urls import mask_url
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from pathlib import Path


@click.command("doctor")
@click.option(
    "--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option("--deep", is_flag=True, help="Read every archived file, row by row.")
@of_a_site
@plain_errors
def doctor(shape: str, data: Path | None, config: Path | None, *, deep: bool) -> None:
    """Is the site healthy, and do the conservation sums hold?

    Exits with 1 if anything FAILED. It changes nothing; a Redis that sleeps in the
    data directory is woken for the look.
    """
    settings = console_settings(config, data)
    examination = Examination(settings, aggregator_settings(settings, config), deep=deep)
    findings = [
        Finding(printable(check), level, printable(mask_url(sentence)))
        for check, level, sentence in examination.findings(Clock().wall())
    ]
    if shape == "json":
        write_json(findings, sys.stdout)
    else:
        print_table(findings, Console())
    if worst(findings) is Level.FAILED:
        sys.exit(FAILED)
