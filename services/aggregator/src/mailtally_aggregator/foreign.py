"""Reading what a collector may have written into the state, which may be anything. Pure."""

from __future__ import annotations

#: Of the largest number that Redis counts to.
_DIGITS = 19


def text(name: bytes) -> str:
    """A name, ASCII as it should be, other bytes escaped."""
    return name.decode("ascii", "backslashreplace")


def whole(number: bytes | None) -> int:
    """A number of 0 or more, 0 for what is none."""
    return int(number) if number and number.isdigit() and len(number) <= _DIGITS else 0
