"""The command ``mailtally policy``: show or change the settings shared by a whole site."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from mailtally.local.state_found import open_state
from mailtally.options import of_a_site
from mailtally.settings import console_settings
from mailtally_shared.days import ChargingPolicy
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.errors_shown import plain_errors
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.policy import SitePolicy, read_policy, statuses_text, switched
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.uncounted.held import held

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@click.command("policy")
@click.option("--timezone", metavar="ZONE", help="Set the accounting time zone.")
@click.option(
    "--charged-statuses",
    metavar="STATUSES",
    help="Set the statuses whose records are charged (comma-separated, or all).",
)
@click.option(
    "--charged-quantity",
    type=click.Choice(["bytes", "transferred"]),
    help="Set the quantity that is charged.",
)
@click.option(
    "--hits",
    type=click.Choice(["all", "in-out"]),
    help="Set what Hits_All and Hits_HTML hold.",
)
@click.option("--hours", type=click.Choice(["on", "off"]), help="Set whether hours are counted.")
@of_a_site
@plain_errors
def policy(
    *,
    timezone: str | None,
    charged_statuses: str | None,
    charged_quantity: str | None,
    hits: str | None,
    hours: str | None,
    data: Path | None,
    config: Path | None,
) -> None:
    """Show the policy of a site, or change its accounting zone or its charging.

    All services of a site must agree on the policy. Stop all aggregators before a change; to change
    the zone, every batch sent so far must also be applied. Open days keep what was counted in them
    by the former zone. Charging applies to the revisions written from then on. Days that are open
    when hours are switched have them in part.
    """
    asked = {"charged_statuses": charged_statuses, "quantity": charged_quantity, "hits": hits}
    keys = StateKeys()
    with open_state(console_settings(config, data), wake=True) as state:
        found = read_policy(state, keys)
        if found is None:
            raise Refused("The state has no site policy yet: the first aggregator writes it.")
        if timezone is not None and timezone != found.timezone:
            found = _changed(state, keys, found, timezone)
        found = _charged(state, keys, found, {name: to for name, to in asked.items() if to})
        found = _by_hour(state, keys, found, hours)
    click.echo(f"Accounting zone: {found.timezone} (site policy {found.version}).")
    click.echo(
        f"Charged statuses: {statuses_text(found.charging)}; charged quantity: "
        f"{found.charging.quantity}; hits: {found.charging.hits}."
    )
    click.echo(f"Hours: {switched(found.hours)}.")


def _charged(
    state: State, keys: StateKeys, found: SitePolicy, asked: Mapping[str, str]
) -> SitePolicy:
    """Change the charging as requested, if it differs."""
    changes: dict[str, object] = dict(asked)
    if statuses := asked.get("charged_statuses"):
        names = tuple(name.strip() for name in statuses.split(",") if name.strip())
        changes["charged_statuses"] = "all" if names == ("all",) else names
    charging = ChargingPolicy.model_validate(found.charging.model_dump() | changes)
    if charging == found.charging:
        return found
    return _replaced(state, keys, found, charging=charging)


def _by_hour(state: State, keys: StateKeys, found: SitePolicy, asked: str | None) -> SitePolicy:
    """Change whether hours are counted as requested, if it differs."""
    if asked in {None, switched(found.hours)}:
        return found
    return _replaced(state, keys, found, hours=asked == "on")


def _replaced(
    state: State, keys: StateKeys, found: SitePolicy, **changes: ChargingPolicy | bool
) -> SitePolicy:
    _refuse_at_work(state, keys)
    new = found.model_copy(update={"version": found.version + 1, **changes})
    with unavailable_errors():
        state.set(keys.policy, new.model_dump_json())
    click.echo("Set the same in the settings of each aggregator, then start them.")
    return new


def _changed(state: State, keys: StateKeys, found: SitePolicy, timezone: str) -> SitePolicy:
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise click.UsageError(f"{timezone!r} is not a time zone such as Europe/Berlin.") from None
    _refuse_at_work(state, keys)
    _refuse_under_way(state, keys)
    new = found.model_copy(update={"version": found.version + 1, "timezone": timezone})
    with unavailable_errors():
        state.set(keys.policy, new.model_dump_json())
    if days := [day.day.isoformat() for day in Totals(state, keys).days()]:
        click.echo(
            f"{len(days):,} days in the state ({days[0]} to {days[-1]}) keep what was counted in "
            f"them by {found.timezone}; lines counted from now on go to days of {timezone}."
        )
    if waiting := sum(each.messages for each in held(state, keys)):
        click.echo(f"{waiting:,} held records keep the days that they had in {found.timezone}.")
    click.echo("Set MAILTALLY_TIMEZONE everywhere, then start the aggregators.")
    return new


def _refuse_at_work(state: State, keys: StateKeys) -> None:
    with unavailable_errors():
        if state.exists(keys.writer_lease):
            raise Refused("An aggregator is running: stop all of them first, then wait a minute.")


def _refuse_under_way(state: State, keys: StateKeys) -> None:
    with unavailable_errors():
        waiting = sum(1 for _ in state.scan_iter(keys.everything_lasting[1], count=1000))
    if waiting:
        raise Refused(
            f"{waiting:,} batches are sent and not yet applied. Start an aggregator with the "
            "former zone until they are, with the collectors stopped."
        )
