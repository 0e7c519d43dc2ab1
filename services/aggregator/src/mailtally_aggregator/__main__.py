"""``mailtally-aggregator``: the command line of the aggregator."""

import click

from mailtally_aggregator import service
from mailtally_aggregator.settings import AggregatorSettings
from mailtally_shared.runtime.entry import service_cli

main = service_cli(
    "mailtally-aggregator",
    AggregatorSettings,
    service.run,
    service.check,
    [
        click.Option(
            ["--accept-empty-state"],
            is_flag=True,
            help="Begin at zero although Redis is empty and day files show earlier counting.",
        )
    ],
)

if __name__ == "__main__":
    main()
