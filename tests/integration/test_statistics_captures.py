"""The page about statistics shows what the command prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.statistics_captures import BLOCK, PAGE, printed, shown, write_sample

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = BLOCK.findall(PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("captures")
    write_sample(made)
    return made


@pytest.mark.parametrize(("command", "block"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_a_capture_on_the_page_is_what_is_printed(
    command: str, block: str, directory: Path
) -> None:
    text = printed(command, directory)
    assert shown(text, block) == block, (
        "run `python -m tests.support.statistics_captures` and look at what changed"
    )
    is_plain = "NO_COLOR" in command or command.endswith("| cat")
    assert ("\x1b" in text) != is_plain


def test_terminals_of_both_widths_a_pipe_and_one_without_colour_are_shown() -> None:
    commands = " ; ".join(command for command, _ in BLOCKS)
    assert all(kind in commands for kind in ("COLUMNS=200", "| cat", "NO_COLOR=1", "--follow"))
