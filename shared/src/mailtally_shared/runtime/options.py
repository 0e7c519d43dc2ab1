"""Options that the commands of all services have."""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MAILTALLY_CONFIG",
    help="TOML file with settings. The environment takes precedence.",
)
