"""``mailtally-collector``: wires the collector to the command line."""

import click

from mailtally_collector import preflight, service
from mailtally_collector.settings import CollectorSettings
from mailtally_collector.settle_command import settle
from mailtally_shared.process.entry import service_cli

main = service_cli(
    "mailtally-collector",
    CollectorSettings,
    service.run,
    preflight.check,
    [
        click.Option(
            ["--once"],
            is_flag=True,
            help="Read what is there, wait until it is counted, end every day seen, and exit.",
        )
    ],
)


@main.command("warm")
def warm() -> None:
    """Compile the parsers, or find them compiled; the first start is quick then."""
    # Imported here: the other commands do without the compiler until they need it.
    from mailtally_collector.parse import warm_all  # noqa: PLC0415 - see above

    warm_all()


main.add_command(settle)


if __name__ == "__main__":
    main()
