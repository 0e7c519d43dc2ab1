"""``mailtally``: wires the operator's commands together."""

from __future__ import annotations

from importlib import import_module

import click

#: Each command and where it is. One is imported when it is asked for: they need very
#: different things, and an operator waits for all that is imported.
COMMANDS = {
    "analyze": "mailtally.analyze.command",
    "demo": "mailtally.demo",
    "doctor": "mailtally.doctor.command",
    "held": "mailtally.held",
    "plan": "mailtally.plan.command",
    "policy": "mailtally.policy",
    "quarantine": "mailtally.quarantine.command",
    "rebuild": "mailtally.rebuild.command",
    "report": "mailtally.report.command",
    "retire-host": "mailtally.retire",
    "statistics": "mailtally_collector.statistics.command",
    "up": "mailtally.up",
}


class _Commands(click.Group):
    """The commands, imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(
            import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_")
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each with the whole of its first sentence, which click would cut."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, _first_sentence(command)) for name, command in commands.items() if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _first_sentence(command: click.Command) -> str:
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")


@click.command(cls=_Commands)
@click.version_option(package_name="mailtally")
def main() -> None:
    """Mail traffic accounting for clusters of mail servers."""


if __name__ == "__main__":
    main()
