"""The program ``mailtally``: the group of the operator's commands."""

from __future__ import annotations

import gc
from importlib import import_module

import click

from mailtally_shared.suggesting import SuggestingGroup

#: Each command: its module, and what it does. A module is imported when its command is used: they
#: need very different things, and an operator waits for all that is imported.
COMMANDS = {
    "analyze": (
        "mailtally.commands.analyze",
        "Count log files into day files, on this machine and without a queue",
    ),
    "demo": (
        "mailtally.commands.demo",
        "Count the logs of three simulated mail hosts, and check every total",
    ),
    "doctor": (
        "mailtally.commands.doctor",
        "Check that the site is healthy and that all sums agree",
    ),
    "held": (
        "mailtally.commands.held",
        "Show, count or drop held records, whose times are too far in the future",
    ),
    "plan": (
        "mailtally.commands.plan.command",
        "Estimate the capacity of a cluster: cores, Redis, memory, network, disk, first bottleneck",
    ),
    "policy": (
        "mailtally.commands.policy",
        "Show the policy of a site, or change its accounting zone or its charging",
    ),
    "quarantine": (
        "mailtally.commands.quarantine",
        "List quarantined batches, or replay, export, import or drop them",
    ),
    "rebuild": (
        "mailtally.commands.rebuild",
        "Count a day again from its logs and write it as a new revision for the loader",
    ),
    "report": (
        "mailtally.commands.report",
        "Show totals of the mail traffic by domain, time, collector, host, service or status",
    ),
    "retire-host": (
        "mailtally.commands.retire",
        "Stop days from waiting for a mail host that is gone for good",
    ),
    "statistics": (
        "mailtally_collector.statistics.command",
        "Show statistics of traffic logs, as the original mailstatistics did",
    ),
    "up": (
        "mailtally.commands.up",
        "Follow mail logs and account for them, on this machine alone",
    ),
}


class _Commands(SuggestingGroup):
    """A group that imports each command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        # What is imported is never freed: a garbage collection during the import finds nothing, and
        # one at the exit examines all of it. Each took a tenth of the time.
        gc.disable()
        command: click.Command = getattr(
            import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_")
        )
        gc.freeze()
        gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


@click.command(cls=_Commands)
@click.version_option(package_name="mailtally")
def main() -> None:
    """Mail traffic accounting for clusters of mail servers."""


if __name__ == "__main__":
    main()
