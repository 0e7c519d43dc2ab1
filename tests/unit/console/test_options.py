"""Options that several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mailtally.commands.analyze import analyze
from mailtally.commands.rebuild import rebuild

if TYPE_CHECKING:
    from pathlib import Path

    from click import Command


@pytest.mark.parametrize(
    "name", ["", "Mail1", "mail 1", "mail1|x", "mail1\n", 'a"b', "m\u00e4il", "x" * 256]
)
@pytest.mark.parametrize("option", ["--collector", "--host"])
@pytest.mark.parametrize("command", [analyze, rebuild])
def test_a_name_that_no_collector_can_register_gets_into_no_day_file(
    tmp_path: Path, command: Command, option: str, name: str
) -> None:
    (tmp_path / "log").write_text("")
    logs = [str(tmp_path / "log"), "--out", str(tmp_path / "out")]
    given = {analyze: logs, rebuild: ["--day", "2026-02-16", "--logs", logs[0]]}[command]
    done = CliRunner().invoke(command, [*given, option, name])
    assert done.exit_code == 2
    assert f"Invalid value for '{option}'" in done.output
    assert "expected the name of a mail host" in " ".join(done.output.split())
    assert sorted(tmp_path.iterdir()) == [tmp_path / "log"]
