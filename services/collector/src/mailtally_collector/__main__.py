"""The program ``mailtally-collector``: connect the collector to the command line."""

import click

from mailtally_collector import preflight, service
from mailtally_collector.log_preview import previews
from mailtally_collector.settings import CollectorSettings
from mailtally_collector.settle_command import settle
from mailtally_shared.runtime.entry import service_cli

main = service_cli(
    "mailtally-collector",
    CollectorSettings,
    service.run,
    preflight.check,
    [
        click.Option(
            ["--once"],
            is_flag=True,
            help="Read the logs to their end, wait until they are counted, end every day, exit.",
        )
    ],
    show=previews,
)


main.add_command(settle)


if __name__ == "__main__":
    main()
