"""How a contender tells what it found: a line a sum, and a line of figures, on its output.

::

    20500|example.com|2|138       day since 1970, charged domain, messages, bytes
    # {"seconds": 0.31}           what it says of itself, JSON

A contender that says nothing of itself is measured from outside. One that does leaves out what
comes before its work (interpreter, imports, compiled code loaded): that is shown apart.
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
    """What a contender told."""

    sums: frozenset[str]
    figures: dict[str, Any]


class Clock:
    """Wall and processor time from its making on."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def figures(self) -> dict[str, float]:
        """``seconds`` and ``cpu`` seconds, of this process."""
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu": time.process_time() - self._cpu,
        }


def spelled(sums: Iterable[tuple[int, str, int, int]]) -> str:
    """Sums as lines: day since 1970, charged domain, messages, bytes."""
    return "".join(f"{day}|{domain}|{messages}|{size}\n" for day, domain, messages, size in sums)


def tell(
    sums: Iterable[tuple[int, str, int, int]] = (), figures: Mapping[str, object] | None = None
) -> None:
    """Say what was found, and what the contender knows of itself."""
    print(spelled(sums), end="")
    print("#", json.dumps(figures or {}))


def heard(output: str) -> Answer:
    """The answer in a contender's output."""
    figures: dict[str, Any] = {}
    sums = set()
    for line in output.splitlines():
        if line.startswith("# "):
            figures |= json.loads(line[2:])
        else:
            sums.add(line)
    return Answer(frozenset(sums), figures)
