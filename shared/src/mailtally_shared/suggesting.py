"""A group of commands that suggests a known name for a mistyped one."""

from __future__ import annotations

import click

from mailtally_shared.spelling import with_suggestion


class SuggestingGroup(click.Group):
    """A click group; its error for an unknown command names the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; raise a usage error with a suggestion for an unknown one."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            sentence = f"No such command {args[0]!r}"
            found = with_suggestion(sentence, args[0], known)
            ctx.fail(found if found.endswith("?") else f"{sentence}; --help lists them.")
        return super().resolve_command(ctx, args)
