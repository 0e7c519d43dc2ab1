"""What ``mailtally --help`` tells of the commands."""

from __future__ import annotations

import re

from click.testing import CliRunner

from mailtally.__main__ import COMMANDS, main


def test_every_command_is_listed_with_a_whole_sentence() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output.partition("Commands:")[2]
    assert "..." not in shown
    for name in COMMANDS:
        assert re.search(rf"^  {name}  +[A-Z]", shown, re.MULTILINE), name


def test_a_command_there_is_not_is_told_with_code_2() -> None:
    result = CliRunner().invoke(main, ["no-such-command"])
    assert result.exit_code == 2
    assert "No such command" in result.output
