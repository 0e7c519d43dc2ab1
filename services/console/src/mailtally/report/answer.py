"""Answers a question from the sources that are there; each day comes from one of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from mailtally.billing import NothingLoaded
from mailtally.report.figures import Groups, grouped, live_parts
from mailtally.report.live import live_days, live_rows
from mailtally.report.loaded import loaded_days, loaded_parts
from mailtally.report.question import Choice
from mailtally.report.summary import Away, Report, ReportedDay, Source, summarize
from mailtally.state_found import Asleep, check_format
from mailtally_aggregator.gaps import gaps_of, named
from mailtally_aggregator.totals import Totals
from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.state.policy import check_policy

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import date

    from sqlalchemy import Connection

    from mailtally.report.question import Question
    from mailtally_aggregator.gaps import Gap
    from mailtally_aggregator.live_day import LiveDay
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.day_files import ChargingPolicy, Sums
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys


class Counted(Protocol):
    """What was counted and may not be loaded yet."""

    def days(self) -> list[LiveDay]:
        """Every day there is, oldest first."""
        ...

    def rows(self, day: date) -> list[Sums]:
        """A day's breakdown."""
        ...

    def gaps(self, day: date) -> tuple[tuple[str, str], ...]:
        """Return the hosts of which lines of a day may be missing, and why."""
        ...


class LiveTotals:
    """What was counted, as the state has it."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self._state = state
        self._keys = keys
        self._calendar = calendar

    def days(self) -> list[LiveDay]:
        """Every day in the state, oldest first; none before the state was opened."""
        return live_days(self._state, self._keys) if self._is_open() else []

    def rows(self, day: date) -> list[Sums]:
        """A day's breakdown, all of one moment."""
        return live_rows(self._state, self._keys, day)

    def gaps(self, day: date) -> tuple[tuple[str, str], ...]:
        """Return the hosts of which lines of a day may be missing at the moment, and why."""
        start, end = (self._calendar.end_of(each) for each in (day - timedelta(days=1), day))
        return tuple(named(gap for gap in self._all_gaps if gap.touches(start, end)))

    @cached_property
    def _all_gaps(self) -> tuple[Gap, ...]:
        return gaps_of(Totals(self._state, self._keys).statuses()) if self._is_open() else ()

    def _is_open(self) -> bool:
        check_policy(self._state, self._keys, self._calendar.name)
        return check_format(self._state, self._keys)


def answer(
    question: Question,
    *,
    billing: AbstractContextManager[Connection],
    counted: AbstractContextManager[Counted] | None,
    policy: ChargingPolicy,
) -> Report:
    """Answer a question.

    Args:
        question: what is asked.
        billing: the database, not yet entered.
        counted: the state, not yet entered; ``None`` where it is not wanted.
        policy: what is charged of days that are not loaded.

    Returns:
        The report; its warnings name a source that is away.

    Raises:
        Unavailable: no source is there.
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
            grouped(loaded_parts(database, question, live.taken), groups)
    return summarize(question, groups, live.days(), away)


def _enter_billing(
    held: ExitStack,
    billing: AbstractContextManager[Connection],
    question: Question,
    away: Away,
) -> tuple[Connection | None, list[ReportedDay]]:
    try:
        connection = held.enter_context(billing)
        return connection, loaded_days(connection, question)
    except NothingLoaded as error:
        away.warnings.append(str(error))
        return None, []
    except Unavailable as error:
        away.lost(error)
        return None, []


class _Live:
    """The live share of an answer, beside the days that are loaded."""

    def __init__(
        self, question: Question, policy: ChargingPolicy, loaded: dict[date, ReportedDay]
    ) -> None:
        self._question = question
        self._policy = policy
        self._loaded = loaded
        self._known: dict[date, LiveDay] = {}
        self._gaps: dict[date, tuple[tuple[str, str], ...]] = {}
        self.groups: Groups = {}
        self.taken: set[date] = set()
        self.is_read = False

    def read(self, counted: AbstractContextManager[Counted], away: Away) -> None:
        """Take what is not loaded, or all, as it was asked; or nothing, with a warning."""
        groups: Groups = {}
        try:
            with counted as totals:
                known = {day.day: day for day in totals.days() if self._question.covers(day.day)}
                taken = {day for day in known if self._is_wanted(day)}
                gaps = {day: totals.gaps(day) for day in taken}
                for day in sorted(taken):
                    rows = totals.rows(day)
                    grouped(live_parts(self._question, day, rows, self._policy), groups)
        except Asleep as error:
            away.warnings.append(str(error))
        except (Unavailable, Refused) as error:
            away.lost(error)
        else:
            self._known, self._gaps = known, gaps
            self.taken, self.groups, self.is_read = taken, groups, True

    def _is_wanted(self, day: date) -> bool:
        return day not in self._loaded or self._question.choice is Choice.LIVE

    def days(self) -> list[ReportedDay]:
        """All days of the answer, each from one source."""
        loaded = [self._beside(day) for day in self._loaded.values() if day.day not in self.taken]
        return loaded + [_reported(self._known[day], self._gaps[day]) for day in self.taken]

    def _beside(self, loaded: ReportedDay) -> ReportedDay:
        """A loaded day, and whether the state knows of more."""
        live = self._known.get(loaded.day)
        if live is None:
            return loaded
        newer = (live.written_revision or 0) > (loaded.revision or 0)
        return replace(loaded, has_more=live.is_dirty or newer, incomplete=live.incomplete)


def _reported(live: LiveDay, gaps: tuple[tuple[str, str], ...]) -> ReportedDay:
    return ReportedDay(
        day=live.day,
        source=Source.LIVE,
        revision=live.written_revision,
        complete=live.complete and not live.is_dirty and not gaps,
        missing_hosts=live.missing_hosts,
        incomplete=gaps,
    )
