"""What ``mailtally --help`` tells of the commands."""

from __future__ import annotations

import re
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner

from mailtally.__main__ import COMMANDS, main
from mailtally_aggregator.__main__ import main as aggregator
from mailtally_collector.__main__ import main as collector
from mailtally_loader.__main__ import main as loader


def test_every_command_is_listed_with_a_whole_sentence() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output.partition("Commands:")[2]
    assert "..." not in shown
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +[A-Z]", shown, re.MULTILINE), name


def test_the_sentence_of_the_list_is_the_first_of_the_commands_own_help() -> None:
    context = click.Context(main)
    for name, (_, sentence) in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        first = " ".join((command.help or "").partition("\n\n")[0].split()).partition(". ")[0]
        assert sentence == first.rstrip("."), name


def test_a_mistyped_command_gets_a_suggestion() -> None:
    for group, name, meant in (
        (main, "reprot", "report"),
        (main, "doktor", "doctor"),
        (collector, "chekc", "check"),
    ):
        result = CliRunner().invoke(group, [name])
        assert result.exit_code == 2
        assert f"No such command '{name}'; did you mean {meant}?" in result.output


@pytest.mark.parametrize("group", [main, collector, aggregator, loader])
def test_every_program_says_its_version(group: click.Command) -> None:
    result = CliRunner().invoke(group, ["--version"])
    assert result.exit_code == 0
    assert version("mailtally-shared") in result.output


def test_a_command_there_is_not_is_told_with_code_2() -> None:
    result = CliRunner().invoke(main, ["no-such-command"])
    assert result.exit_code == 2
    assert "No such command" in result.output
