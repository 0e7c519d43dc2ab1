"""A day of many domains, each charged for one message, as a log and as the day's rows."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mailtally.samples.sample_logs import date_of
from mailtally_shared.days import Sums

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DAY = 86_400
_BLOCK = 10_000  # lines written at once


def domain(number: int) -> str:
    """Return the unique name of a domain."""
    return f"customer{number}.example.com"


def _order(domains: int, seed: int) -> list[int]:
    numbers = list(range(domains))
    random.Random(seed).shuffle(numbers)
    return numbers


def write_large_log(path: Path, *, host: str, domains: int, now: float, seed: int = 1) -> None:
    """Write a log of yesterday (UTC): a line per domain, in random order."""
    second = int(now) // _DAY * _DAY - _DAY // 2
    head = f"{date_of(second)} {host} in[1]: {second}|a@example.org|b@"
    numbers = _order(domains, seed)
    with path.open("w", encoding="ascii") as log:
        for first in range(0, domains, _BLOCK):
            block = numbers[first : first + _BLOCK]
            log.write("".join(f"{head}{domain(n)}|{1000 + n}|success\n" for n in block))


def large_rows(domains: int, host: str, seed: int = 1) -> Iterator[Sums]:
    """Return the same as the rows of a day, in random order."""
    for number in _order(domains, seed):
        size = 1000 + number
        yield Sums(domain(number), host, host, "smtp-in", "success", 1, size, size)
