"""The commands ``mailtally held list``, ``apply``, ``drop``."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from mailtally.options import of_a_site
from mailtally.settings import aggregator_settings, console_settings
from mailtally.state_found import open_state
from mailtally_aggregator.books_read import read_books
from mailtally_aggregator.commit import Committer
from mailtally_aggregator.held import drop_held, read_held
from mailtally_aggregator.held import held as held_days
from mailtally_shared.calendar import Calendar
from mailtally_shared.process.errors_shown import FAILED, plain_errors
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from mailtally_aggregator.held import Held, HeldDay
    from mailtally_aggregator.settings import AggregatorSettings
    from mailtally_shared.state.client import State

_KEYS = StateKeys()
_WHY_NOT = {
    "changed": "More was held of it meanwhile: run the same command again.",
    "overflow": "It lifts a day's sum beyond 63 bits.",
    "days": "It opens more days than max_days allows.",
}
_host = click.option("--host", metavar="HOST", help="Only those of this mail host.")
_day = click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Only those of this traffic day (YYYY-MM-DD).",
)
_all = click.option("--all", "everything", is_flag=True, help="All that is held.")


@click.group("held")
def held() -> None:
    """Records too far ahead of time to be counted: show them, count them now, or drop them."""


@held.command("list")
@_host
@_day
@of_a_site
@plain_errors
def list_(host: str | None, day: datetime | None, data: Path | None, config: Path | None) -> None:
    """Show what is held: a line for each mail host and day."""
    with _site(data, config) as (state, _):
        for name, each in _found(state, host, day):
            click.echo(
                f"{name}  {each.day}  {each.messages:,} records  {each.bytes:,} bytes"
                f"  collector {each.collector_id}"
            )


@held.command("apply")
@_host
@_day
@_all
@of_a_site
@plain_errors
def apply(
    host: str | None,
    day: datetime | None,
    data: Path | None,
    config: Path | None,
    *,
    everything: bool,
) -> None:
    """Count held records now, under the days that they name.

    Each day is added to the totals and is held no longer in one step, so that it is counted once
    whatever happens meanwhile.
    """
    with _site(data, config) as (state, settings):
        committer = Committer(state, _KEYS, Calendar(settings.zone), caps=settings.caps)

        def count(found: HeldDay) -> str | None:
            return _WHY_NOT.get(committer.count_held(found, time.time()))

        _do("Counted", count, state, _chosen(state, host, day, everything=everything))


@held.command("drop")
@_host
@_day
@_all
@of_a_site
@plain_errors
def drop(
    host: str | None,
    day: datetime | None,
    data: Path | None,
    config: Path | None,
    *,
    everything: bool,
) -> None:
    """Remove held records for good, uncounted; how many stays known."""
    with _site(data, config) as (state, _):

        def remove(found: HeldDay) -> str | None:
            return None if drop_held(state, _KEYS, found) else _WHY_NOT["changed"]

        _do("Dropped", remove, state, _chosen(state, host, day, everything=everything))


@contextmanager
def _site(data: Path | None, config: Path | None) -> Iterator[tuple[State, AggregatorSettings]]:
    settings = console_settings(config, data)
    with open_state(settings, wake=True) as state:
        yield state, aggregator_settings(settings, config)


def _found(state: State, host: str | None, day: datetime | None) -> Iterator[tuple[str, Held]]:
    """Yield what is held, each with the name of its mail host."""
    hosts = {ledger.collector_id: ledger.host for ledger in read_books(state, _KEYS).ledgers}
    for each in held_days(state, _KEYS):
        name = hosts.get(each.collector_id, "-")
        if host in (None, name) and (day is None or day.date() == each.day):
            yield name, each


def _chosen(
    state: State, host: str | None, day: datetime | None, *, everything: bool
) -> list[tuple[str, Held]]:
    if everything == bool(host or day):
        raise click.UsageError("Say --host or --day, as 'held list' shows them, or --all.")
    return list(_found(state, host, day))


def _do(
    word: str,
    action: Callable[[HeldDay], str | None],
    state: State,
    chosen: list[tuple[str, Held]],
) -> None:
    """Do it to each day; say what became of it, and fail if any was not done."""
    all_done = True
    for host, each in chosen:
        found = read_held(state, _KEYS, each.collector_id, each.day)
        if found is None:
            continue  # counted or dropped meanwhile
        trouble = action(found)
        all_done = all_done and trouble is None
        click.echo(f"{host} {each.day}: {trouble or f'{word} ({found.messages:,} records).'}")
    if not chosen:
        click.echo("Nothing of that is held.")
    if not all_done:
        sys.exit(FAILED)
