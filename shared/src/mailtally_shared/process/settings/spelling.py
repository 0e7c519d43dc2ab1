"""A hint at what a misspelt name was meant to be."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


#: How alike two names must be; a name that shares only a prefix misleads.
_ALIKE = 0.75


def with_suggestion(sentence: str, name: str, known: Collection[str]) -> str:
    """The sentence, and the known name nearest to ``name`` where one is near."""
    near = get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)
    return f"{sentence}; did you mean {near[0]}?" if near else sentence
