"""Which records are looked at, and how that is typed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

import click
import numpy as np

from mailtally_collector.formats.engine.domain import normalised
from mailtally_shared.schema import END_OF_TIME, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from mailtally_shared.columns import Array, Columns

T = TypeVar("T")

_DAYS_BACK: Final = {"today": 0, "yesterday": 1}
_DAY_FORMS: Final = ("%Y-%m-%d", "%d.%m.%Y")


@dataclass(frozen=True, slots=True)
class Selection:
    """A record is selected when it passes all of these; an empty one lets all pass.

    ``domains`` are those charged, in their one spelling. ``since`` and ``until`` are Unix
    seconds, the latter exclusive.
    """

    services: frozenset[Service] = frozenset()
    domains: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None

    def rows(self, columns: Columns) -> Array | None:
        """Return the indices of the selected records, int64; ``None`` for all of them."""
        passed = list(self._passed(columns))
        return np.flatnonzero(np.logical_and.reduce(passed)) if passed else None

    def _passed(self, columns: Columns) -> Iterable[Array]:
        """Yield the answer of each condition for each record."""
        if self.services:
            yield np.isin(columns.service, sorted(self.services))
        if self.domains:
            yield _named(columns.domain, columns.domains, self.domains)
        if self.statuses:
            yield _named(columns.status, columns.statuses, self.statuses)
        if self.since is not None:
            yield columns.time >= self.since
        if self.until is not None:
            yield columns.time < self.until


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
    """Return the selection made by some options; a name may be a comma-separated list.

    Raises:
        click.BadParameter: one of them means nothing.
    """
    return Selection(
        services=_each(services, "--service", Service.from_label),
        domains=_each(domains, "--domain", _domain),
        statuses=_each(statuses, "--status", str),
        since=_typed(since, "--from", lambda text: beginning(text, zone, now)),
        until=_typed(until, "--to", lambda text: ending(text, zone, now)),
    )


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        click.BadParameter: there is none.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise click.BadParameter(f"{name} is no time zone.", param_hint="--timezone") from error


def beginning(text: str, zone: ZoneInfo, now: float) -> int:
    """Return the time meant by ``--from`` in Unix seconds: for a day, its first second.

    Raises:
        ValueError: it is no moment.
    """
    day = _day(text, zone, now)
    return _moment(text, zone) if day is None else _midnight(day, zone)


def ending(text: str, zone: ZoneInfo, now: float) -> int:
    """Return the time meant by ``--to``, exclusive: for a day, the first second of the next.

    Raises:
        ValueError: it is no moment.
    """
    day = _day(text, zone, now)
    return _moment(text, zone) if day is None else _midnight(day + timedelta(days=1), zone)


def _named(column: Array, names: tuple[str, ...], wanted: frozenset[str]) -> Array:
    is_wanted = np.array([name in wanted for name in names], bool)
    return is_wanted[column] if len(column) else np.zeros(0, bool)


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


def _typed(text: str | None, option: str, meaning: Callable[[str], int]) -> int | None:
    if text is None:
        return None
    try:
        return meaning(text)
    except (ValueError, OverflowError) as error:
        sentence = f"{text!r} is no day and no time: try 2026-02-16, 2026-02-16T08:30, yesterday."
        raise click.BadParameter(sentence, param_hint=option) from error


def _day(text: str, zone: ZoneInfo, now: float) -> date | None:
    if text in _DAYS_BACK:
        return datetime.fromtimestamp(now, zone).date() - timedelta(days=_DAYS_BACK[text])
    for form in _DAY_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def _moment(text: str, zone: ZoneInfo) -> int:
    if text.isdecimal():
        return min(int(text), END_OF_TIME)
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
