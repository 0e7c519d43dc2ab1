"""Suggestions for misspelt names."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


#: Least similarity of two names; a name that shares only a prefix would mislead.
_ALIKE = 0.75


def with_suggestion(sentence: str, name: str, known: Collection[str]) -> str:
    """Return the sentence, with the known name closest to ``name`` where one is close."""
    near = get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)
    return f"{sentence}; did you mean {near[0]}?" if near else sentence
