"""The command ``mailtally-loader``."""

from pathlib import Path

import click

from mailtally_loader.service import check, run
from mailtally_loader.settings import LoaderSettings
from mailtally_shared.billing.engine import open_engine
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.runtime.entry import service_cli
from mailtally_shared.runtime.errors_shown import plain_errors
from mailtally_shared.runtime.options import config_option
from mailtally_shared.runtime.settings import load_settings

_ONCE = click.Option(
    ["--once"], is_flag=True, help="Load the present files, settled or not, and exit."
)

main = service_cli("mailtally-loader", LoaderSettings, run, check, [_ONCE])


@main.command()
@config_option
@plain_errors
def migrate(config: Path | None) -> None:
    """Create or change the database's tables, and exit."""
    settings = load_settings(LoaderSettings, config)
    upgrade(open_engine(settings.database_url))
    click.echo("Database schema is up to date.")


if __name__ == "__main__":
    main()
