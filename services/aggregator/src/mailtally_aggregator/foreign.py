"""Reading what a collector may have written into the state, which may be anything. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

HOST = re.compile(rb"[a-z0-9._:-]{1,255}")
COLLECTOR = re.compile(rb"[0-9a-f]{32}")
REASON = re.compile(rb"[a-z-]{1,40}")
#: Of the largest number that Redis counts to.
_DIGITS = 19


def text(name: bytes) -> str:
    """Return a name, ASCII and printable as it should be; other bytes escaped."""
    return printable(name.decode("ascii", "backslashreplace"))


def names(members: Iterable[bytes], pattern: re.Pattern[bytes]) -> list[str]:
    """Return those of some members that are names, in order; the others nobody can mean."""
    return sorted(name.decode("ascii") for name in members if pattern.fullmatch(name))


def whole(number: bytes | None) -> int:
    """Return a number of 0 or more, 0 for what is none."""
    return int(number) if number and number.isdigit() and len(number) <= _DIGITS else 0
