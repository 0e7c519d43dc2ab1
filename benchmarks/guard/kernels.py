"""What is guarded, and the yardstick of each."""

from __future__ import annotations

import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo

import numba
import numpy as np

from mailtally.sample_logs import write_log
from mailtally_aggregator.merge import merge
from mailtally_collector.parse import StatsParser
from mailtally_collector.statistics.measures import WIDTH
from mailtally_collector.statistics.ranking import Ranking, found_texts
from mailtally_shared.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_shared.columns import Array

_LINES, _BATCHES, _NAMES, _DISTINCT = 100_000, 4, 20_000, 3000
#: Lines of a chunk to be parsed: what fits into the cache of a core feels less of its neighbours.
_CHUNK, _AGAIN = 10_000, range(10)
#: The same bytes on every machine and day.
_START = 1_771_200_000
_UTC = Calendar(ZoneInfo("UTC"))
_PRIME, _BASIS = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)


P = ParamSpec("P")
R = TypeVar("R")


def _compiled(function: Callable[P, R]) -> Callable[P, R]:
    return cast("Callable[P, R]", numba.njit(function))


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel with all that it needs in memory, and fixed work of the same kind.

    Attributes:
        name: short.
        work: one run of it.
        yardstick: one run of the fixed work, which takes about as long.
    """

    name: str
    work: Callable[[], object]
    yardstick: Callable[[], object]


def kernels() -> list[Kernel]:
    """All that are guarded; what is compiled is compiled when they first run."""
    log = _log()
    parser = StatsParser()
    columns = parser.parse(log).columns
    chunk = b"".join(log.splitlines(keepends=True)[:_CHUNK])
    text = np.frombuffer(chunk, np.uint8)
    numbers = np.random.default_rng(1).integers(0, 2**40, _LINES * _BATCHES)
    found = found_texts(_names(), np.ones((_NAMES, WIDTH), np.int64))
    ranking = Ranking("messages")
    return [
        Kernel(
            "parse",
            lambda: [parser.parse(chunk) for _ in _AGAIN],
            lambda: [hash_of(text) for _ in _AGAIN for _ in range(2)],
        ),
        Kernel("merge", lambda: merge([columns] * _BATCHES, _UTC), lambda: summed(numbers)),
        # The same ranking each time: finding names is guarded, not the making of room for them.
        Kernel(
            "statistics",
            lambda: deque(map(ranking.add, [found] * len(_AGAIN)), maxlen=0),
            lambda: [hash_of(found.text) for _ in _AGAIN for _ in range(2)],
        ),
    ]


@_compiled
def hash_of(text: Array) -> np.uint64:
    """FNV-1a of four quarters of a text at once, and its lines counted.

    Four chains of multiplications keep a core as busy as the kernels do. One would leave half of it
    to a neighbour that shares the core, and would not feel it.
    """
    one, two, three, four = _BASIS, _BASIS, _BASIS, _BASIS
    quarter, lines = len(text) // 4, np.uint64(0)
    for k in range(quarter):
        one = (one ^ np.uint64(text[k])) * _PRIME
        two = (two ^ np.uint64(text[k + quarter])) * _PRIME
        three = (three ^ np.uint64(text[k + 2 * quarter])) * _PRIME
        four = (four ^ np.uint64(text[k + 3 * quarter])) * _PRIME
        if text[k] == 10:  # noqa: PLR2004 - a line feed; numba knows no ord
            lines += np.uint64(1)
    return one ^ two ^ three ^ four ^ lines


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
