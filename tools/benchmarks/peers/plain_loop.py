"""The bare sums in plain Python, line by line."""

from __future__ import annotations

import sys
from collections import defaultdict

from tools.benchmarks.peers.answer import Clock, tell

_DAY = 86_400
Key = tuple[int, str]


def sums(paths: list[str]) -> dict[Key, tuple[int, int]]:
    """Return messages and bytes by day (since 1970) and charged domain."""
    messages: dict[Key, int] = defaultdict(int)
    sizes: dict[Key, int] = defaultdict(int)
    for path in paths:
        with open(path, encoding="ascii") as log:  # noqa: PTH123 - typical for such a script
            for line in log:
                head, sender, recipient, size, _ = line.split("|", 4)
                address = recipient if " in[" in head else sender
                key = (int(head[-10:]) // _DAY, address.rpartition("@")[2])
                messages[key] += 1
                sizes[key] += int(size)
    return {key: (messages[key], sizes[key]) for key in messages}


if __name__ == "__main__":
    clock = Clock()
    found = sums(sys.argv[1:])
    tell(((*key, *quantities) for key, quantities in found.items()), clock.figures())
