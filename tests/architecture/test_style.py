"""What a linter cannot say: files and functions stay short, and every exception has its reason."""

from __future__ import annotations

import ast
import re
import tokenize
from typing import TYPE_CHECKING

import pytest

from tests.architecture.source_tree import ROOT, Module, modules, tracked_files

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 45  # lines, with its docstring

#: A silenced rule by its name, then "- " or "# " and the reason.
NOQA = re.compile(r"# noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*( - |  # )\S")
TYPE_IGNORE = re.compile(r"# type: ignore\[[a-z, -]+\]( - |  # )\S")
NO_COVER = re.compile(r"# pragma: no cover( - |  # )\S")

each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)


def python_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py"]


def comments(path: Path) -> list[tuple[int, str]]:
    with path.open("rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def has_reason(comment: str) -> bool:
    """Whether each of the silencers in a comment, if any, says why."""
    for word, form in (("noqa", NOQA), ("type: ignore", TYPE_IGNORE), ("no cover", NO_COVER)):
        if re.search(rf"#\s*(pragma: )?{word}", comment) and not form.search(comment):
            return False
    return not re.search(r"\bnosec\b", comment) and "ruff: noqa" not in comment


@each_module
def test_a_file_holds_one_idea(module: Module) -> None:
    assert module.path.read_text("utf-8").count("\n") <= LONGEST_FILE


@each_module
def test_a_function_fits_on_a_screen(module: Module) -> None:
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    functions += module.nodes(ast.FunctionDef)
    functions += module.nodes(ast.AsyncFunctionDef)
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in functions
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_silenced_rule_has_its_reason_beside_it(path: Path) -> None:
    silent = [f"line {line}: {text}" for line, text in comments(path) if not has_reason(text)]
    assert not silent


@pytest.mark.parametrize(
    ("comment", "good"),
    [
        ("# noqa: S603  # our own program", True),
        ("# noqa: S603, S607  # our own program", True),
        ("# noqa: S603 - our own program", True),
        ("# noqa: S603", False),
        ("# noqa", False),
        ("# type: ignore[misc]  # a class found at run time", True),
        ("# type: ignore[misc]", False),
        ("# type: ignore", False),
        ("# pragma: no cover", False),
        ("# ruff: noqa", False),
        ("# an ordinary comment", True),
    ],
)
def test_the_check_itself_knows_a_reason(comment: str, *, good: bool) -> None:
    assert has_reason(comment) is good
