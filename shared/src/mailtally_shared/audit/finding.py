"""The result of one check of the audit. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Number of problems of one check that are named; the others are counted.
_NAMED = 3


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"  # to be looked at
    FAILED = "FAILED"  # figures are wrong, or cannot be known


class Finding(NamedTuple):
    """The result of one check.

    ``sentence`` gives the details and, unless all is well, what to do.
    """

    check: str
    level: Level
    sentence: str


def verdict(
    check: str, problems: Sequence[str], fine: str, advice: str, level: Level = Level.FAILED
) -> Finding:
    """Return ``fine`` without problems; otherwise the first problems, at ``level``, and advice."""
    if not problems:
        return Finding(check, Level.OK, fine)
    more = len(problems) - _NAMED
    rest = f" And {more} more." if more > 0 else ""
    return Finding(check, level, f"{' '.join(problems[:_NAMED])}{rest} {advice}".rstrip())
