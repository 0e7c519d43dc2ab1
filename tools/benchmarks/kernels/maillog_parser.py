"""The maillog parser on one core, chunks of 8 MiB, and the sums of its records."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mailtally_collector.formats import Setting
from mailtally_collector.formats.maillog.format import MaillogFormat
from tools.benchmarks.kernels.parsing import chunks
from tools.benchmarks.peers.answer import Clock, tell

if TYPE_CHECKING:
    from mailtally_shared.columns import Columns

_DAY = 86_400
Sums = dict[tuple[int, str], tuple[int, int]]


def add(columns: Columns, sums: Sums) -> None:
    """Add messages and transferred bytes by day (since 1970) and charged domain."""
    names = len(columns.domains)
    keys, where = np.unique(columns.time // _DAY * names + columns.domain, return_inverse=True)
    messages = np.bincount(where)
    transferred = np.zeros(len(keys), np.int64)
    np.add.at(transferred, where, columns.size * columns.attempts)
    for key, count, size in zip(
        keys.tolist(), messages.tolist(), transferred.tolist(), strict=True
    ):
        place = (key // names, columns.domains[key % names])
        sums[place] = (sums[place][0] + count, sums[place][1] + size)


if __name__ == "__main__":
    parser = MaillogFormat(Setting())
    parser.warm()
    clock = Clock()
    sums: Sums = defaultdict(lambda: (0, 0))
    state, largest = b"", 0
    for chunk in chunks(map(Path, sys.argv[1:])):
        parsed, state = parser.parse(chunk, state)
        add(parsed.columns, sums)
        largest = max(largest, len(state))
    figures = {**clock.figures(), "state": largest}
    tell(((day, name, *found) for (day, name), found in sums.items()), figures)
