"""The output format of a contender: a line per sum, and a line of figures.

::

    20500|example.com|2|138       day since 1970, charged domain, messages, bytes
    # {"seconds": 0.31}           its own figures, JSON

A contender without own figures is measured from outside. Own figures exclude what precedes the
work (interpreter, imports, loading compiled code), which is shown separately.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a contender."""

    sums: frozenset[str]
    figures: dict[str, Any]


class Clock:
    """A stopwatch for wall and processor time since its creation."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def figures(self) -> dict[str, float]:
        """Return ``seconds`` and ``cpu`` seconds of this process."""
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu": time.process_time() - self._cpu,
        }


def spelled(sums: Iterable[tuple[int, str, int, int]]) -> str:
    """Format sums as lines: day since 1970, charged domain, messages, bytes."""
    return "".join(f"{day}|{domain}|{messages}|{size}\n" for day, domain, messages, size in sums)


def tell(
    sums: Iterable[tuple[int, str, int, int]] = (), figures: Mapping[str, object] | None = None
) -> None:
    """Print the sums, and the contender's own figures."""
    print(spelled(sums), end="")
    print("#", json.dumps(figures or {}))


def heard(output: str) -> Answer:
    """Parse a contender's output."""
    figures: dict[str, Any] = {}
    sums = set()
    for line in output.splitlines():
        if line.startswith("# "):
            figures |= json.loads(line[2:])
        else:
            sums.add(line)
    return Answer(frozenset(sums), figures)
