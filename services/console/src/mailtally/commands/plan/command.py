"""The command ``mailtally plan``."""

from __future__ import annotations

import math

import click

from mailtally.commands.plan.capacity import capacity
from mailtally.commands.plan.costs import KINDS, MEASURED
from mailtally.commands.plan.load import DAY, Question
from mailtally.commands.plan.view import as_json, as_lines
from mailtally.commands.plan.walls import walls
from mailtally.options import number_option
from mailtally_shared.runtime.errors_shown import plain_errors

#: Larger values are typing errors.
_MOST_MAILS, _MOST_DOMAINS, _MOST_HOSTS = 1e15, 10**9, 10**6


class _Quantity(click.FloatRange):
    """A range of numbers that excludes ``nan``."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number.", param, ctx)
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


@click.command("plan")
@number_option(
    "--hosts", click.IntRange(1, _MOST_HOSTS), 3, "Number of mail hosts, each with a collector."
)
@number_option(
    "--spread",
    click.IntRange(1, _MOST_HOSTS),
    3,
    "Number of hosts that share the mail of a domain.",
)
@click.option(
    "--mails-per-day",
    type=_Quantity(1, _MOST_MAILS),
    help="Log lines of all hosts per day.",
)
@click.option(
    "--records-per-second",
    type=_Quantity(0, _MOST_MAILS / DAY, min_open=True),
    help="Log lines of all hosts per second.",
)
@number_option("--peak", _Quantity(1, 1000), 1.0, "Ratio of the busiest hour to the mean.")
@number_option(
    "--domains", click.IntRange(1, _MOST_DOMAINS), 1000, "Number of domains with mail on a day."
)
@number_option("--days", click.IntRange(1, 3660), 35, "Number of days kept in Redis.")
@number_option("--aggregators", click.IntRange(1, 10_000), 2, "Number of aggregators.")
@number_option(
    "--linger",
    _Quantity(0.01, 3600),
    0.2,
    "Seconds after which a collector sends an incomplete batch.",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
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
    """Estimate the capacity of a cluster: cores, Redis, memory, network, disk, first bottleneck.

    The model rests on measured costs; docs/explanation/scaling.md says how reliable it is.
    """
    if (mails_per_day is None) == (records_per_second is None):
        raise click.UsageError("Give one of --mails-per-day and --records-per-second.")
    mean = records_per_second if mails_per_day is None else mails_per_day / DAY
    assert mean is not None  # noqa: S101 - one of them is given
    question = Question(rate=mean * peak, daily=mean * DAY, linger=linger, **cluster)
    found = capacity(question, MEASURED, KINDS)
    show = as_json if shape == "json" else as_lines
    click.echo(show(question, found, walls(question, MEASURED, KINDS)))
