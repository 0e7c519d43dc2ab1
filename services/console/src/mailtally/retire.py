"""The command ``mailtally retire-host``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mailtally.options import of_a_site
from mailtally.settings import aggregator_settings, console_settings
from mailtally.state_found import open_state
from mailtally_aggregator.totals import Totals
from mailtally_shared.columns import END_OF_TIME
from mailtally_shared.errors import Refused
from mailtally_shared.process.errors_shown import plain_errors
from mailtally_shared.shown import listed
from mailtally_shared.state.client import unavailable_errors
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Seconds since it was last heard of, within which a collector counts as working.
_SILENT = 900.0


@click.command("retire-host")
@click.argument("host")
@click.option("--even-if-alive", is_flag=True, help="Although its collector was heard of just now.")
@of_a_site
@plain_errors
def retire_host(host: str, data: Path | None, config: Path | None, *, even_if_alive: bool) -> None:
    """Let days wait for a mail host no more, because it is gone for good.

    What it sent stays counted. If its collector ever starts again, days wait for the
    host again.
    """
    settings = console_settings(config, data)
    keys = StateKeys()
    with open_state(settings, wake=True) as state:
        read_up_to = Totals(state, keys).watermarks()
        _refuse_unknown(host, read_up_to)
        if not even_if_alive:
            _refuse_alive(host, read_up_to[host], time.time())
        with unavailable_errors():
            state.srem(keys.hosts, host)
    click.echo(f"Days wait for {host} no more. It was read {_told(read_up_to[host])}.")
    if host in aggregator_settings(settings, config).expected_hosts:
        click.echo(f"The setting expected_hosts still names {host}: take it out there.", err=True)


def _refuse_unknown(host: str, known: Mapping[str, float]) -> None:
    if host not in known:
        raise Refused(f"Days wait for no host {host!r}, but for these: {listed(sorted(known))}.")


def _refuse_alive(host: str, read_up_to: float, now: float) -> None:
    if now - read_up_to < _SILENT and read_up_to < END_OF_TIME:
        raise Refused(
            f"The collector of {host} works: it has read {_told(read_up_to)}. Stop it first, "
            "when all that it read is applied, or say --even-if-alive."
        )


def _told(read_up_to: float) -> str:
    if read_up_to >= END_OF_TIME:
        return "to its end"
    return f"up to {datetime.fromtimestamp(read_up_to, UTC):%Y-%m-%d %H:%M:%S} UTC"
