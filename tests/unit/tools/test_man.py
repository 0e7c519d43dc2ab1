"""Every program has a man page that names all of its commands and options."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import click
import pytest

from tests.support.commands_found import commands, options
from tests.support.commands_found import programs as of_the_tree
from tools.docs.man import man_page, programs, write_pages

if TYPE_CHECKING:
    from pathlib import Path


def plain(page: str) -> str:
    return page.replace("\\-", "-").replace("\\&", "")


@pytest.mark.parametrize("program", sorted(of_the_tree()))
def test_a_page_names_every_command_and_option(program: str) -> None:
    page = plain(man_page(program, programs()[program], []))
    for name, command in commands(program):
        assert isinstance(command, click.Group) or name in page
        assert all(option in page for option in options(command) if option.startswith("--"))


@pytest.mark.skipif(not shutil.which("groff"), reason="there is no groff on this machine")
def test_groff_has_no_complaint(tmp_path: Path) -> None:
    pages = write_pages(tmp_path)
    assert {page.name for page in pages} == {f"{name}.1" for name in of_the_tree()}
    for page in pages:
        done = subprocess.run(
            ["groff", "-man", "-ww", "-z", page], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""


def test_a_line_of_text_is_no_macro() -> None:
    command = click.Command("x", help=".SH is no heading here, and \\fB is no font.")
    page = man_page("mailtally-x", command, ["mailtally", "mailtally-x"])
    assert "\\&.SH is no heading here, and \\efB is no font." in page
    assert ".BR mailtally (1)" in page
