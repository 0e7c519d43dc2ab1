"""Known logs of the three hosts, written part by part, and what they must come to."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from mailtally.samples.sample_logs import Truth, write_log
from tests.compose.stack import HOSTS

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.columns import Array

_DAY = 86_400
PARTS = 5


class Traffic:
    """The lines of the day before today, on every host; ``write`` adds the next part of them."""

    def __init__(self, sources: Path, logs: Path, lines: int) -> None:
        """Write the whole logs of ``lines`` lines in all into ``sources``."""
        sources.mkdir()
        self._logs = logs
        self._each = lines // len(HOSTS) // PARTS
        today = int(time.time()) // _DAY * _DAY
        self.day = datetime.fromtimestamp(today - _DAY, UTC).date()
        self.truths = [
            write_log(
                sources / host,
                host=host,
                lines=self._each * PARTS,
                start=today - _DAY,
                end=today,
                seed=seed,
                hostile=0.001,
            )
            for seed, host in enumerate(HOSTS)
        ]
        self._sources = [(sources / host).open("rb") for host in HOSTS]
        self.written = 0  # lines

    def write(self) -> None:
        """Append the next part to every host's log."""
        for host, source in zip(HOSTS, self._sources, strict=True):
            with (self._logs / host / "stats").open("ab") as log:
                log.writelines(islice(source, self._each))
        self.written += self._each * len(HOSTS)

    def rotate(self) -> None:
        """What every host does at night."""
        for host in HOSTS:
            (self._logs / host / "stats").rename(self._logs / host / "stats.1")

    def sums(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Bytes and hits by day and domain, from the generator's own memory."""
        sums: dict[tuple[str, str], tuple[int, int]] = {}
        for truth in self.truths:
            for domain, size, hits in _sums(truth):
                before = sums.get((str(self.day), domain), (0, 0))
                sums[str(self.day), domain] = (before[0] + size, before[1] + hits)
        return sums


def _sums(truth: Truth) -> list[tuple[str, int, int]]:
    hits = np.bincount(truth.domain)
    sizes: Array = np.zeros(len(hits), np.int64)
    np.add.at(sizes, truth.domain, truth.size)
    return [(truth.domains[k], int(sizes[k]), int(hits[k])) for k in np.flatnonzero(hits)]
