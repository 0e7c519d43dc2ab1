"""The commands ``mailtally held list``, ``apply``, ``drop``."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from mailtally.local.state_found import open_state
from mailtally.options import of_a_site
from mailtally.settings import console_settings, site_settings
from mailtally_shared.calendar import Calendar
from mailtally_shared.runtime.errors_shown import FAILED, plain_errors
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.books_read import read_books
from mailtally_shared.state.uncounted.held import drop_held, read_held
from mailtally_shared.state.uncounted.held import held as held_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from mailtally_shared.site_settings import SiteSettings
    from mailtally_shared.state.client import State
    from mailtally_shared.state.uncounted.held import Held, HeldDay

_KEYS = StateKeys()
_WHY_NOT = {
    "changed": "More records of it were held meanwhile: run the same command again.",
    "overflow": "It would raise a day's sum beyond 63 bits.",
    "days": "It would open more days than max_days allows.",
}
_host = click.option("--host", metavar="HOST", help="Only records of this mail host.")
_day = click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Only records of this traffic day (YYYY-MM-DD).",
)
_all = click.option("--all", "everything", is_flag=True, help="All held records.")


@click.group("held")
def held() -> None:
    """Show, count or drop held records, whose times are too far in the future."""


@held.command("list")
@_host
@_day
@of_a_site
@plain_errors
def list_(host: str | None, day: datetime | None, data: Path | None, config: Path | None) -> None:
    """List held records, a line for each mail host and day."""
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
    """Count held records now, on the days of their times.

    Each day is added to the totals and removed from the held records in one step, so that it is
    counted exactly once whatever happens meanwhile.
    """
    with _site(data, config) as (state, settings):
        committer = Committer(
            state, _KEYS, Calendar(settings.zone), caps=settings.caps, hours=settings.hours
        )

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
    """Delete held records without counting them; their number stays on record."""
    with _site(data, config) as (state, _):

        def remove(found: HeldDay) -> str | None:
            return None if drop_held(state, _KEYS, found) else _WHY_NOT["changed"]

        _do("Dropped", remove, state, _chosen(state, host, day, everything=everything))


@contextmanager
def _site(data: Path | None, config: Path | None) -> Iterator[tuple[State, SiteSettings]]:
    settings = console_settings(config, data)
    with open_state(settings, wake=True) as state:
        yield state, site_settings(settings, config)


def _found(state: State, host: str | None, day: datetime | None) -> Iterator[tuple[str, Held]]:
    """Yield held records, each with the name of their mail host."""
    hosts = {ledger.collector_id: ledger.host for ledger in read_books(state, _KEYS).ledgers}
    for each in held_days(state, _KEYS):
        name = hosts.get(each.collector_id, "-")
        if host in (None, name) and (day is None or day.date() == each.day):
            yield name, each


def _chosen(
    state: State, host: str | None, day: datetime | None, *, everything: bool
) -> list[tuple[str, Held]]:
    if everything == bool(host or day):
        raise click.UsageError("Give --host or --day, as 'held list' shows them, or --all.")
    return list(_found(state, host, day))


def _do(
    word: str,
    action: Callable[[HeldDay], str | None],
    state: State,
    chosen: list[tuple[str, Held]],
) -> None:
    """Apply an action to each day, print the result, and exit with 1 if any failed."""
    all_done = True
    for host, each in chosen:
        found = read_held(state, _KEYS, each.collector_id, each.day)
        if found is None:
            continue  # counted or dropped meanwhile
        trouble = action(found)
        all_done = all_done and trouble is None
        click.echo(f"{host} {each.day}: {trouble or f'{word} ({found.messages:,} records).'}")
    if not chosen:
        click.echo("No such records are held.")
    if not all_done:
        sys.exit(FAILED)
