"""What the doctor found: one sentence a check. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

#: So many problems of one check are named; the others are counted.
_NAMED = 3


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # somebody should look at it
    FAILED = "FAILED"  # figures are wrong, or cannot be known


class Finding(NamedTuple):
    """The result of one check.

    ``sentence`` says what is the case and, unless that is fine, what to do.
    """

    check: str
    level: Level
    sentence: str


def verdict(
    check: str, problems: Sequence[str], fine: str, advice: str, level: Level = Level.FAILED
) -> Finding:
    """``fine`` without problems; otherwise the first of them, at ``level``, and the advice."""
    if not problems:
        return Finding(check, Level.OK, fine)
    more = len(problems) - _NAMED
    rest = f" And {more} more." if more > 0 else ""
    return Finding(check, level, f"{' '.join(problems[:_NAMED])}{rest} {advice}".rstrip())
