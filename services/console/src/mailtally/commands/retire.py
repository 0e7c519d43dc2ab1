"""The command ``mailtally retire-host``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mailtally.local.state_found import open_state
from mailtally.options import of_a_site
from mailtally.settings import console_settings, site_settings
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.errors_shown import plain_errors
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.shown import listed
from mailtally_shared.state.client import unavailable_errors
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Seconds since its last report for which a collector counts as running.
_SILENT = 900.0


@click.command("retire-host")
@click.argument("host")
@click.option(
    "--even-if-alive", is_flag=True, help="Retire the host even if its collector reported recently."
)
@of_a_site
@plain_errors
def retire_host(host: str, data: Path | None, config: Path | None, *, even_if_alive: bool) -> None:
    """Stop days from waiting for a mail host that is gone for good.

    What it sent stays counted. If its collector starts again, days wait for the host again.
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
    click.echo(
        f"Retired {host}; days no longer wait for it. It was read {_extent(read_up_to[host])}."
    )
    if host in site_settings(settings, config).expected_hosts:
        click.echo(f"The setting expected_hosts still names {host}: remove it there.", err=True)


def _refuse_unknown(host: str, known: Mapping[str, float]) -> None:
    if host not in known:
        raise Refused(f"Unknown host {host!r}. Days wait for: {listed(sorted(known))}.")


def _refuse_alive(host: str, read_up_to: float, now: float) -> None:
    if now - read_up_to < _SILENT and read_up_to < END_OF_TIME:
        raise Refused(
            f"The collector of {host} is running: it has read {_extent(read_up_to)}. Stop it "
            "first, once everything it read is applied, or give --even-if-alive."
        )


def _extent(read_up_to: float) -> str:
    if read_up_to >= END_OF_TIME:
        return "to its end"
    return f"up to {datetime.fromtimestamp(read_up_to, UTC):%Y-%m-%d %H:%M:%S} UTC"
