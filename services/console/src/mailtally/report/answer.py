"""Answers a question from the sources that are there; each day comes from one of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from mailtally.report.figures import Groups, grouped, live_parts
from mailtally.report.live import live_days, live_rows
from mailtally.report.loaded import loaded_days, loaded_parts
from mailtally.report.question import Choice
from mailtally.report.summary import Report, ReportedDay, Source, summarize
from mailtally.state_found import check_format
from mailtally_shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import date

    from sqlalchemy import Connection

    from mailtally.report.question import Question
    from mailtally_aggregator.live_day import LiveDay
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


class LiveTotals:
    """What was counted, as the state has it."""

    def __init__(self, state: State, keys: StateKeys) -> None:
        self._state = state
        self._keys = keys

    def days(self) -> list[LiveDay]:
        """Every day in the state, oldest first; none before the state was opened."""
        return live_days(self._state, self._keys) if self._is_open() else []

    def rows(self, day: date) -> list[Sums]:
        """A day's breakdown, all of one moment."""
        return live_rows(self._state, self._keys, day)

    def _is_open(self) -> bool:
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
    warnings: list[str] = []
    with ExitStack() as held:
        database, loaded = _enter_billing(held, billing, question, warnings)
        live = _Live(question, policy, {day.day: day for day in loaded})
        if counted is not None:
            live.read(counted, warnings)
        if database is None and not live.is_read:
            raise Unavailable(" ".join(warnings))
        groups = live.groups
        if database is not None:
            grouped(loaded_parts(database, question, live.taken), groups)
    return summarize(question, groups, live.days(), warnings)


def _enter_billing(
    held: ExitStack,
    billing: AbstractContextManager[Connection],
    question: Question,
    warnings: list[str],
) -> tuple[Connection | None, list[ReportedDay]]:
    try:
        connection = held.enter_context(billing)
        return connection, loaded_days(connection, question)
    except Unavailable as error:
        warnings.append(str(error))
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
        self.groups: Groups = {}
        self.taken: set[date] = set()
        self.is_read = False

    def read(self, counted: AbstractContextManager[Counted], warnings: list[str]) -> None:
        """Take what is not loaded, or all, as it was asked; or nothing, with a warning."""
        groups: Groups = {}
        try:
            with counted as totals:
                known = {day.day: day for day in totals.days() if self._question.covers(day.day)}
                taken = {day for day in known if self._is_wanted(day)}
                for day in sorted(taken):
                    rows = totals.rows(day)
                    grouped(live_parts(self._question, day, rows, self._policy), groups)
        except (Unavailable, Refused) as error:
            warnings.append(str(error))
        else:
            self._known, self.taken, self.groups, self.is_read = known, taken, groups, True

    def _is_wanted(self, day: date) -> bool:
        return day not in self._loaded or self._question.choice is Choice.LIVE

    def days(self) -> list[ReportedDay]:
        """All days of the answer, each from one source."""
        loaded = [self._beside(day) for day in self._loaded.values() if day.day not in self.taken]
        return loaded + [_reported(self._known[day]) for day in self.taken]

    def _beside(self, loaded: ReportedDay) -> ReportedDay:
        """A loaded day, and whether the state knows of more."""
        live = self._known.get(loaded.day)
        if live is None:
            return loaded
        newer = (live.written_revision or 0) > (loaded.revision or 0)
        return replace(loaded, has_more=live.is_dirty or newer)


def _reported(live: LiveDay) -> ReportedDay:
    return ReportedDay(
        day=live.day,
        source=Source.LIVE,
        revision=live.written_revision,
        complete=live.complete and not live.is_dirty,
        missing_hosts=live.missing_hosts,
    )
