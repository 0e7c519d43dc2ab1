"""Man pages, one for each program, made from the options that its parser knows.

``python -m tools.docs.man DIRECTORY`` writes them. They are not tracked, but made
when they are needed, so that they say what the installed version does.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION = 1
_EXIT_CODES = {
    "0": "Done, or stopped when asked to.",
    "1": "Failed; one sentence on standard error says what to do.",
    "2": "Wrong usage or wrong settings.",
    "130": "Interrupted.",
}
_SETTINGS = (
    "Settings come from the command line, from variables MAILTALLY_..., and from the TOML file "
    "that MAILTALLY_CONFIG names, in this order. NO_COLOR leaves out all styles."
)


def programs() -> dict[str, click.Command]:
    """Return the installed programs by name."""
    found = entry_points(group="console_scripts")
    return {
        point.name: point.load()
        for point in sorted(found, key=lambda point: point.name)
        if point.value.startswith("mailtally")
    }


def man_page(name: str, program: click.Command, others: list[str]) -> str:
    """Return the page of a program in the macros of man."""
    lines = [
        f'.TH "{name.upper()}" "{_SECTION}" "" "mailtally {version("mailtally-shared")}"',
        ".SH NAME",
        f"{_text(name)} \\- {_text(program.get_short_help_str(limit=200).rstrip('.'))}",
    ]
    context = click.Context(program, info_name=name)
    lines += [".SH SYNOPSIS", *_usage(program, context), ".SH DESCRIPTION", *_described(program)]
    lines += _options(program, context, ".SH OPTIONS")
    inner = list(_commands(program, context))
    if inner:
        lines.append(".SH COMMANDS")
    for command, its_context in inner:
        lines += [f'.SS "{_text(its_context.command_path.removeprefix(name).strip())}"']
        lines += [*_usage(command, its_context), ".PP", *_described(command)]
        lines += _options(command, its_context, None)
    lines += [".SH ENVIRONMENT", _text(_SETTINGS), ".SH EXIT STATUS"]
    for code, meaning in _EXIT_CODES.items():
        lines += [".TP", f".B {code}", _text(meaning)]
    see = ",\n".join(f".BR {_text(other)} ({_SECTION})" for other in others if other != name)
    return "\n".join([*lines, ".SH SEE ALSO", see.replace(",\n", " ,\n")]) + "\n"


def write_pages(directory: Path) -> list[Path]:
    """Write all pages into a directory; return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    found, paths = programs(), []
    for name, program in found.items():
        paths.append(directory / f"{name}.{_SECTION}")
        paths[-1].write_text(man_page(name, program, list(found)), "ascii", "backslashreplace")
    return paths


def _commands(
    group: click.Command, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield each command below a group that does something itself."""
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)
        else:
            yield command, inner


def _usage(command: click.Command, context: click.Context) -> list[str]:
    words = " ".join(command.collect_usage_pieces(context))
    return [f".B {_text(context.command_path)}", _text(words)]


def _described(command: click.Command) -> Iterator[str]:
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.replace("\b", "").split()))


def _options(command: click.Command, context: click.Context, heading: str | None) -> list[str]:
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    lines = [heading] if heading else []
    for record in filter(None, records):
        lines += [".TP", f".B {_text(record[0])}", _text(record[1])]
    return lines


def _text(words: str) -> str:
    """Return words as a line of text, in which nothing is a macro or an escape."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    for path in write_pages(Path(sys.argv[1])):
        print(path)
