"""The command ``mailtally-loader``."""

import click

from mailtally_loader.migrate import migrate
from mailtally_loader.service import check, run
from mailtally_loader.settings import LoaderSettings
from mailtally_shared.process.entry import service_cli

_ONCE = click.Option(
    ["--once"], is_flag=True, help="Load what is there now, settled or not, and exit."
)

main = service_cli("mailtally-loader", LoaderSettings, run, check, [_ONCE])
main.add_command(migrate)

if __name__ == "__main__":
    main()
