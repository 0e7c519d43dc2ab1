"""The prose of the project: its pages, and the docstrings of its modules."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
#: Pages that a person reads. Of the changelog only the newest entry: history is not rewritten.
PAGES: Final = ("*.md", "docs/**/*.md")
#: Folders of which the docstrings are checked.
DOCSTRINGS: Final = tuple(
    tomllib.loads((Path(__file__).parent / "docstrings.toml").read_text("utf-8"))["folders"]
)
#: What is no prose, to be blanked out with its lines kept.
_NO_PROSE: Final = (
    re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"``[^`]*``"),
    re.compile(r"`[^`\n]*`"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r'"[^"\n]*"'),
)
_OLDER_ENTRIES: Final = re.compile(r"(^## .*?)^## .*", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Text:
    """Prose of one place, with everything blanked out that is none.

    Attributes:
        path: The file, from the top of the tree.
        first_line: The number of its first line in that file.
        prose: The text; lines are those of the file.
    """

    path: str
    first_line: int
    prose: str


def texts() -> Iterator[Text]:
    """Yield every page, then every docstring."""
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            yield page(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    for folder in DOCSTRINGS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from docstrings(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


def page(path: str, markdown: str) -> Text:
    """Return the prose of a page."""
    if path == "CHANGELOG.md":
        markdown = _OLDER_ENTRIES.sub(r"\1", markdown)
    return Text(path, 1, prose_of(markdown))


def docstrings(path: str, source: str) -> Iterator[Text]:
    """Yield each docstring of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and (text := ast.get_docstring(node, clean=False)):
                yield Text(path, first.lineno, prose_of(text))


def prose_of(text: str) -> str:
    """Return a text with code, comments, addresses and quoted messages blanked out."""
    for pattern in _NO_PROSE:
        text = pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return text
