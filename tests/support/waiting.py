"""Waiting for what a test expects to happen, instead of sleeping and hoping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_POLL = 0.005  # seconds


def wait_until(condition: Callable[[], T], timeout: float = 20.0, what: str = "it") -> T:
    """The first true value of ``condition``; fails the test after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {timeout:g} s")
        time.sleep(_POLL)
    return value
