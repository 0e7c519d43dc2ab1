"""Options as they are typed, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

import click

from mailtally_collector.parse.domain import normalised
from mailtally_collector.statistics.moments import beginning, ending
from mailtally_collector.statistics.selection import Selection
from mailtally_shared.columns import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def selection_of(
    *,
    services: Iterable[str],
    domains: Iterable[str],
    statuses: Iterable[str],
    since: str | None,
    until: str | None,
    zone: ZoneInfo,
    now: float,
) -> Selection:
    """The selection that some options make; a name may be a list, with commas between.

    Raises:
        click.BadParameter: one of them means nothing.
    """
    return Selection(
        services=_each(services, "--service", Service.from_label),
        domains=_each(domains, "--domain", _domain),
        statuses=_each(statuses, "--status", str),
        since=_moment(since, "--from", lambda text: beginning(text, zone, now)),
        until=_moment(until, "--to", lambda text: ending(text, zone, now)),
    )


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        click.BadParameter: there is none.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise click.BadParameter(f"{name} is no time zone.", param_hint="--timezone") from error


def _each(texts: Iterable[str], option: str, meaning: Callable[[str], T]) -> frozenset[T]:
    names = [name.strip() for text in texts for name in text.split(",")]
    try:
        return frozenset(meaning(name) for name in names if name)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=option) from error


def _domain(name: str) -> str:
    domain = normalised(name.encode())
    if domain is None:
        raise ValueError(f"{name!r} is no domain")
    return domain


def _moment(text: str | None, option: str, meaning: Callable[[str], int]) -> int | None:
    if text is None:
        return None
    try:
        return meaning(text)
    except (ValueError, OverflowError) as error:
        sentence = f"{text!r} is no day and no time: try 2026-02-16, 2026-02-16T08:30, yesterday."
        raise click.BadParameter(sentence, param_hint=option) from error
