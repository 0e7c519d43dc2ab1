"""The guarded kernels, and the yardstick of each."""

from __future__ import annotations

import hashlib
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from mailtally.samples.sample_logs import write_log
from mailtally_collector.formats import StatsParser
from mailtally_collector.statistics.ranking import Ranking, found_texts
from mailtally_kernel import FIGURES
from mailtally_shared.calendar import Calendar
from mailtally_shared.rows import Rows
from mailtally_shared.state.commit.merge import Reported, merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_shared.columns import Array

_LINES, _BATCHES, _NAMES, _DISTINCT = 100_000, 4, 20_000, 3000
#: Lines of a chunk: one that fits into a core's cache is less disturbed by other cores.
_CHUNK, _AGAIN = 10_000, range(10)
#: Seed for the same bytes on every machine and day.
_START = 1_771_200_000
_UTC = Calendar(ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel with its input in memory, and fixed work of the same kind.

    Attributes:
        name: a short name.
        work: runs the kernel once.
        yardstick: runs the fixed work once, which takes about as long.
    """

    name: str
    work: Callable[[], object]
    yardstick: Callable[[], object]


def kernels() -> list[Kernel]:
    """Return all guarded kernels."""
    log = _log()
    parser = StatsParser()
    rows = Rows.of(parser.parse(log).columns)
    chunk = b"".join(log.splitlines(keepends=True)[:_CHUNK])
    text = np.frombuffer(chunk, np.uint8)
    numbers = np.random.default_rng(1).integers(0, 2**40, _LINES * _BATCHES)
    found = found_texts(_names(), np.ones((_NAMES, FIGURES), np.int64))
    ranking = Ranking("messages")
    return [
        Kernel(
            "parse",
            lambda: [parser.parse(chunk) for _ in _AGAIN],
            lambda: [hash_of(text) for _ in _AGAIN],
        ),
        Kernel("merge", lambda: merge([Reported(rows)] * _BATCHES, _UTC), lambda: summed(numbers)),
        # The same ranking each time: the guard is for finding names, not for making room for them.
        Kernel(
            "statistics",
            lambda: deque(map(ranking.add, [found] * len(_AGAIN)), maxlen=0),
            lambda: [hash_of(found.text) for _ in _AGAIN],
        ),
    ]


def hash_of(text: Array) -> bytes:
    """Return a text's hash: compiled work that keeps a core as busy as the kernels do."""
    return hashlib.blake2b(text.data).digest()


def summed(numbers: Array) -> Array:
    """Sum numbers by group, as arrays: memory moved, sorted and scattered."""
    groups, which = np.unique(numbers & 0xFFFF, return_inverse=True)
    return np.bincount(which, weights=numbers, minlength=len(groups))


def _log() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log"
        end = _START + 86_400
        write_log(path, host="mail.example.com", lines=_LINES, start=_START, end=end, seed=1)
        return path.read_bytes()


def _names() -> list[str]:
    numbers = np.random.default_rng(1).integers(0, _DISTINCT, _NAMES)
    return [f"user{number}@customer{number % 997}.example.com" for number in numbers.tolist()]
