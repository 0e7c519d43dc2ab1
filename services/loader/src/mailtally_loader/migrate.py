"""``mailtally-loader migrate``: the tables alone, as a user that the loader itself need not be."""

from __future__ import annotations

from pathlib import Path

import click

from mailtally_loader.settings import LoaderSettings
from mailtally_shared.database.engine import open_engine
from mailtally_shared.database.upgrade import upgrade
from mailtally_shared.process.errors_shown import plain_errors
from mailtally_shared.process.settings import load_settings


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MAILTALLY_CONFIG",
    help="A TOML file with settings. The environment wins over it.",
)
@plain_errors
def migrate(config: Path | None) -> None:
    """Make or change the database's tables, and exit."""
    settings = load_settings(LoaderSettings, config)
    upgrade(open_engine(settings.database_url))
    click.echo("The tables are those of this version.")
