"""The sentences with which the product fails, read from its source."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.architecture.source_tree import modules

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Enough words of a sentence to find it by, and too few to stop after.
WORDS, FEW = 5, 3


@dataclass(frozen=True)
class Said:
    """One place that raises; ``opening`` is how its sentence begins, or the reason.

    ``…`` stands for what differs from case to case.
    """

    place: str
    opening: str


def sentences() -> Iterator[Said]:
    """How each sentence begins that has any fixed words."""
    for place, call in _raised(_kinds_of("MailtallyError") - _kinds_of("BadInput")):
        opening = _opening(_sentence(call.args[0]).split())
        if any(letter.isalpha() for letter in opening):
            yield Said(place, opening)


def reasons() -> Iterator[Said]:
    """The reasons by which bad input is counted."""
    for place, call in _raised(_kinds_of("BadInput")):
        if isinstance(call.args[0], ast.Constant):
            yield Said(place, str(call.args[0].value))


@functools.cache
def _kinds_of(base: str) -> frozenset[str]:
    """An error's name and those of all that derive from it, private ones left out."""
    found = {base}
    for module in modules():
        for node in module.nodes(ast.ClassDef):
            if found & set(map(_name, node.bases)):
                found |= {node.name} | _kinds_of(node.name)
    return frozenset(name for name in found if not name.startswith("_"))


def _raised(names: frozenset[str]) -> Iterator[tuple[str, ast.Call]]:
    for module in modules():
        for node in module.nodes(ast.Call):
            if node.args and _name(node.func) in names:
                yield f"{module.name}:{node.lineno}", node


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def _opening(words: list[str]) -> str:
    """The first words, and none behind a stop."""
    stops = (n for n, word in enumerate(words, start=1) if n >= FEW and word[-1] in ".:;")
    return " ".join(words[: min(WORDS, next(stops, WORDS))]).rstrip(".:;,")


def _sentence(text: ast.expr) -> str:
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
