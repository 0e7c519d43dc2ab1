"""The command ``mailtally plan``."""

from __future__ import annotations

import math

import click

from mailtally.plan.capacity import capacity
from mailtally.plan.costs import KINDS, MEASURED
from mailtally.plan.load import DAY, Question
from mailtally.plan.view import as_json, as_lines
from mailtally.plan.walls import walls
from mailtally_shared.process.errors_shown import plain_errors

#: Beyond these, somebody has mistyped.
_MOST_MAILS, _MOST_DOMAINS, _MOST_HOSTS = 1e15, 10**9, 10**6


class _Quantity(click.FloatRange):
    """A range that ``nan`` is not in, though it is neither below nor above."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


@click.command("plan")
@click.option(
    "--hosts",
    type=click.IntRange(1, _MOST_HOSTS),
    default=3,
    show_default=True,
    help="Mail hosts, each with a collector.",
)
@click.option(
    "--spread",
    type=click.IntRange(1, _MOST_HOSTS),
    default=3,
    show_default=True,
    help="Hosts that share the mail of a domain.",
)
@click.option(
    "--mails-per-day",
    type=_Quantity(1, _MOST_MAILS),
    help="Log lines of all hosts a day.",
)
@click.option(
    "--records-per-second",
    type=_Quantity(0, _MOST_MAILS / DAY, min_open=True),
    help="The same, a second.",
)
@click.option(
    "--peak",
    type=_Quantity(1, 1000),
    default=1.0,
    show_default=True,
    help="How often the mean the busiest hour has.",
)
@click.option(
    "--domains",
    type=click.IntRange(1, _MOST_DOMAINS),
    default=1000,
    show_default=True,
    help="Domains with mail on a day.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=35,
    show_default=True,
    help="Days that Redis keeps.",
)
@click.option("--aggregators", type=click.IntRange(1, 10_000), default=2, show_default=True)
@click.option(
    "--linger",
    type=_Quantity(0.01, 3600),
    default=0.2,
    show_default=True,
    help="Seconds after which a collector sends what it has.",
)
@click.option(
    "--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@plain_errors
def plan(
    mails_per_day: float | None,
    records_per_second: float | None,
    peak: float,
    linger: float,
    shape: str,
    **cluster: int,
) -> None:
    """Tell what a cluster will take: cores, Redis, memory, network, disk, and what gives way first.

    By a model of measured costs; docs/scaling.md says how far to trust it.
    """
    if (mails_per_day is None) == (records_per_second is None):
        raise click.UsageError("Give one of --mails-per-day and --records-per-second.")
    mean = records_per_second if mails_per_day is None else mails_per_day / DAY
    assert mean is not None  # noqa: S101 - one of them is given
    question = Question(rate=mean * peak, daily=mean * DAY, linger=linger, **cluster)
    found = capacity(question, MEASURED, KINDS)
    show = as_json if shape == "json" else as_lines
    click.echo(show(question, found, walls(question, MEASURED, KINDS)))
