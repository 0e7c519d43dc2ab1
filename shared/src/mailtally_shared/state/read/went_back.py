"""The gaps of a state that went back: days of lost batches, hosts that must send again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.history import Pair, read_standing
from mailtally_shared.state.untrusted import (
    Place,
    collectors,
    hours,
    owners,
    said,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import Manifest
    from mailtally_shared.state.keys import StateKeys

_HOUR = 3600
#: Limit of hours that one collector may name; it could make any number up.
_MOST_HOURS = 100_000
_LAST_HOUR = 2**40 // _HOUR


def days_of_hours(hours: Iterable[int], calendar: Calendar) -> set[date]:
    """Return the days of some UTC hours since 1970; an hour may lie in two of them."""
    starts = [hour * _HOUR for hour in hours if 0 <= hour < _LAST_HOUR]
    return {calendar.day_of(time) for start in starts for time in (start, start + _HOUR - 1)}


def lost_hours(fields: Iterable[bytes]) -> tuple[int, ...]:
    """Return the hours that a collector names as touched by lost batches."""
    return tuple(sorted({whole(field) for field in list(fields)[:_MOST_HOURS]}))


def missing_days(state: State, keys: StateKeys, calendar: Calendar) -> dict[date, tuple[str, ...]]:
    """Return each day that lost batches touched, and the hosts of these."""
    found = days_touched(lost_of_hosts(state, keys), calendar)
    return {day: tuple(sorted(hosts)) for day, hosts in found.items()}


def days_touched(
    lost_of: Iterable[tuple[str, Iterable[int]]], calendar: Calendar
) -> dict[date, set[str]]:
    """Return each day that some hosts' lost hours touched, and these hosts."""
    found: dict[date, set[str]] = {}
    for host, lost in lost_of:
        for day in days_of_hours(lost, calendar):
            found.setdefault(day, set()).add(host)
    return found


def lost_of_hosts(state: State, keys: StateKeys) -> list[tuple[str, tuple[int, ...]]]:
    """Return the hours that lost batches touched, by the host of each collector."""
    named = hours(state, keys, collectors(state, keys))
    with unavailable_errors():
        pipeline = state.pipeline(transaction=False)
        for collector in named:
            pipeline.hget(keys.ledger(collector), "host")
        answers = pipeline.execute()
    return [
        (text(host or b"a former collector"), lost_hours(fields))
        for fields, host in zip(named.values(), answers, strict=True)
        if fields
    ]


def unheard_hosts(state: State, keys: StateKeys) -> tuple[str, ...]:
    """Return the hosts that have not yet sent all that they can to this copy of the state.

    A name that no collector registered sends nothing: each collector may add names to the set.
    """
    now = read_standing(state, keys, None).now
    if now is None:
        return ()
    owned = owners(state, keys)
    answers = said(state, [Place(keys.said(owner), "history") for owner in owned.values()])
    given = now.history.encode("ascii")
    return tuple(host for host, answer in zip(owned, answers, strict=True) if answer != given)


def obstacle(
    state: State, keys: StateKeys, lost_of: Sequence[str], newest: Manifest | None
) -> str | None:
    """Return why a day must not be written from this state, whatever its totals there.

    Args:
        state: the state.
        keys: its keys.
        lost_of: the hosts of lost batches that touched the day.
        newest: its newest manifest outside of the state.
    """
    if lost_of:
        return f"Redis lost batches of {', '.join(lost_of)} that touched it."
    if newest is None or newest.state is None:
        return None
    seen = Pair(newest.state.history, newest.state.commits)
    if read_standing(state, keys, seen).covers_memory:
        return None
    if unheard := unheard_hosts(state, keys):
        return (
            f"Redis is older than its revision {newest.revision}, and waits for batches that "
            f"{', '.join(unheard)} will send again."
        )
    return None
