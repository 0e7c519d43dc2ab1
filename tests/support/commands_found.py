"""The commands that the distributions install, found as a person's shell finds them."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


def programs() -> dict[str, str]:
    """Where each program of the product begins, by its name."""
    found: dict[str, str] = {}
    for file in (ROOT / "services").glob("*/pyproject.toml"):
        found |= tomllib.loads(file.read_text("utf-8"))["project"].get("scripts", {})
    return found


def commands(program: str) -> Iterator[tuple[str, click.Command]]:
    """A program and every command below it, by what one types."""
    module, _, name = programs()[program].partition(":")
    yield from _walk(program, getattr(import_module(module), name))


def options(command: click.Command) -> set[str]:
    """The options of a command by their names, and its arguments as usage shows them."""
    names: set[str] = set()
    for parameter in command.params:
        is_option = isinstance(parameter, click.Option)
        names |= (
            {*parameter.opts, *parameter.secondary_opts}
            if is_option
            else {parameter.human_readable_name}
        )
    return names


def _walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for part in command.list_commands(context):
            inner = command.get_command(context, part)
            assert inner is not None, f"{name} lists {part} and does not have it"
            yield from _walk(f"{name} {part}", inner)
