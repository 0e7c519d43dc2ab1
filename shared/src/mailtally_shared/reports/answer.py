"""Answering a question from the available sources; each day comes from one of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from mailtally_shared.errors import Asleep, NothingLoaded, Refused, Unavailable
from mailtally_shared.reports.grouping import NO_ROWS, Rows, grouped, hour_parts, live_parts
from mailtally_shared.reports.question import Choice
from mailtally_shared.reports.summary import (
    PARTIAL,
    WHOLE,
    Away,
    Report,
    ReportedDay,
    Source,
    summarize,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from contextlib import AbstractContextManager
    from datetime import date

    from mailtally_shared.days import ChargingPolicy, DayRows
    from mailtally_shared.days.hour_rows import Hours
    from mailtally_shared.reports.question import Question
    from mailtally_shared.state.read.live_day import LiveDay


class Loaded(Protocol):
    """The billing database, as a source."""

    def days(self, question: Question) -> list[ReportedDay]:
        """Return the loaded days in question, oldest first."""
        ...

    def parts(self, question: Question, without: Collection[date]) -> Iterable[Rows]:
        """Yield the loaded days' share of the answer, except for the days ``without``."""
        ...


class Counted(Protocol):
    """The state as a source: counted, and perhaps not loaded yet."""

    def days(self) -> list[LiveDay]:
        """Return every day in the state, oldest first."""
        ...

    def rows(self, day: date) -> DayRows:
        """Return the breakdown of a day."""
        ...

    def hours(self, day: date) -> Hours | None:
        """Return what is known of a day by hour; ``None`` where nothing is."""
        ...

    def gaps(self, day: date) -> tuple[tuple[str, str], ...]:
        """Return the hosts of which lines of a day may be missing, and why."""
        ...


def answer(
    question: Question,
    *,
    billing: AbstractContextManager[Loaded],
    counted: AbstractContextManager[Counted] | None,
    policy: ChargingPolicy,
) -> Report:
    """Answer a question.

    Args:
        question: the question.
        billing: the database, not yet entered.
        counted: the state, not yet entered; ``None`` if it is not wanted.
        policy: the charging policy for days that are not loaded.

    Returns:
        The report; its warnings name a source that is away.

    Raises:
        Unavailable: no source can be read.
    """
    away = Away()
    with ExitStack() as held:
        database, loaded = _enter_billing(held, billing, question, away)
        live = _Live(question, policy, {day.day: day for day in loaded})
        if counted is not None:
            live.read(counted, away)
        if database is None and not live.is_read:
            raise Unavailable(" ".join(away.warnings))
        groups = live.groups
        if database is not None:
            groups = grouped(chain([groups], database.parts(question, live.taken)))
    return summarize(question, groups, live.days(), away)


def _enter_billing(
    held: ExitStack,
    billing: AbstractContextManager[Loaded],
    question: Question,
    away: Away,
) -> tuple[Loaded | None, list[ReportedDay]]:
    try:
        database = held.enter_context(billing)
        return database, database.days(question)
    except NothingLoaded as error:
        away.warnings.append(str(error))
        return None, []
    except Unavailable as error:
        away.lost(error)
        return None, []


class _Live:
    """The live share of an answer, in addition to the loaded days."""

    def __init__(
        self, question: Question, policy: ChargingPolicy, loaded: dict[date, ReportedDay]
    ) -> None:
        self._question = question
        self._policy = policy
        self._loaded = loaded
        self._known: dict[date, LiveDay] = {}
        self._gaps: dict[date, tuple[tuple[str, str], ...]] = {}
        self._extents: dict[date, str | None] = {}
        self.groups = NO_ROWS
        self.taken: set[date] = set()
        self.is_read = False

    def read(self, counted: AbstractContextManager[Counted], away: Away) -> None:
        """Read the days that are not loaded, or all, as asked; on failure only warn."""
        try:
            with counted as totals:
                known = {day.day: day for day in totals.days() if self._question.covers(day.day)}
                taken = {day for day in known if self._is_wanted(day)}
                hours = self._hours(totals, taken)
                taken -= {day for day in taken & self._loaded.keys() if hours.get(day, 1) is None}
                gaps = {day: totals.gaps(day) for day in taken}
                groups = grouped(
                    part for day in sorted(taken) for part in self._parts(totals, day, hours)
                )
        except Asleep as error:
            away.warnings.append(str(error))
        except (Unavailable, Refused) as error:
            away.lost(error)
        else:
            self._known, self._gaps = known, gaps
            self._extents = {day: _extent(found) for day, found in hours.items()}
            self.taken, self.groups, self.is_read = taken, groups, True

    def _hours(self, totals: Counted, days: Iterable[date]) -> dict[date, Hours | None]:
        """Return the hours of some days, if the question is about hours."""
        return {day: totals.hours(day) for day in days if self._question.is_by_hour}

    def _parts(self, totals: Counted, day: date, hours: dict[date, Hours | None]) -> Iterable[Rows]:
        if not self._question.is_by_hour:
            return live_parts(self._question, day, totals.rows(day), self._policy)
        found = hours[day]
        return hour_parts(self._question, day, found.rows) if found else ()

    def _is_wanted(self, day: date) -> bool:
        return day not in self._loaded or self._question.choice is Choice.LIVE

    def days(self) -> list[ReportedDay]:
        """Return all days of the answer, each from one source."""
        loaded = [self._beside(day) for day in self._loaded.values() if day.day not in self.taken]
        return loaded + [self._reported(day) for day in self.taken]

    def _reported(self, day: date) -> ReportedDay:
        found = _reported(self._known[day], self._gaps[day])
        return replace(found, hours=self._extents.get(day))

    def _beside(self, loaded: ReportedDay) -> ReportedDay:
        """Return a loaded day, marked if the state has more of it."""
        live = self._known.get(loaded.day)
        if live is None:
            return loaded
        newer = (live.written_revision or 0) > (loaded.revision or 0)
        return replace(loaded, has_more=live.is_dirty or newer, incomplete=live.incomplete)


def _extent(hours: Hours | None) -> str | None:
    if hours is None:
        return None
    return WHOLE if hours.whole else PARTIAL


def _reported(live: LiveDay, gaps: tuple[tuple[str, str], ...]) -> ReportedDay:
    return ReportedDay(
        day=live.day,
        source=Source.LIVE,
        revision=live.written_revision,
        complete=live.complete and not live.is_dirty and not gaps,
        missing_hosts=live.missing_hosts,
        incomplete=gaps,
    )
