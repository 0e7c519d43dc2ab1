"""The options of ``mailtally report``, made a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mailtally.report.question import Choice, Dimension, Order, Question, parse_day

if TYPE_CHECKING:
    from datetime import date


def parse_dimensions(
    _context: click.Context, _parameter: click.Parameter, text: str
) -> tuple[Dimension, ...]:
    """The value of ``--by``."""
    known = ", ".join(Dimension)
    try:
        by = tuple(Dimension(name.strip()) for name in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of {known}") from None
    if len(set(by)) < len(by):
        raise click.BadParameter("a name stands there twice")
    return by


def parse_names(
    _context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]
) -> frozenset[str]:
    """Names as they were counted: in lower case, without a trailing dot."""
    return frozenset(name.lower().removesuffix(".") for name in names)


def question_of(terms: dict[str, Any], today: date) -> Question:
    """The question that the command's options ask.

    Args:
        terms: the options' values by name.
        today: in the accounting zone.

    Raises:
        click.UsageError: they contradict each other, or a day is none.
    """
    first, last = _span(terms, today)
    question = Question(
        by=terms["by"],
        first=first,
        last=last,
        domains=terms["domains"],
        hosts=terms["hosts"],
        services=frozenset(terms["services"]),
        statuses=frozenset(terms["statuses"]),
        order=_order(terms),
        top=terms["top"],
        choice=_choice(terms["live"]),
    )
    if question.order is Order.CHARGED and not question.shows_charged:
        raise click.UsageError("The charge is known by domain and day only: sort by bytes.")
    return question


def _span(terms: dict[str, Any], today: date) -> tuple[date | None, date | None]:
    day, first, last = (_day(terms[name], today) for name in ("day", "first", "last"))
    if day is not None and (first is not None or last is not None):
        raise click.UsageError("Give either --day, or --from and --to.")
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}.")
    return day or first, day or last


def _day(text: str | None, today: date) -> date | None:
    try:
        return None if text is None else parse_day(text, today)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _order(terms: dict[str, Any]) -> Order:
    default = Order.KEY if terms["top"] is None else Order.BYTES
    return Order(terms["order"] or default)


def _choice(live: bool | None) -> Choice:  # noqa: FBT001 - a flag of the command line
    return {None: Choice.BILLED, True: Choice.LIVE, False: Choice.LOADED_ONLY}[live]
