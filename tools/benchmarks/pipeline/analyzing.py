"""``mailtally analyze``: the logs to day files, on all cores, without a queue."""

from __future__ import annotations

import sys
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally.commands.analyze import analyze
from mailtally_collector.formats import warm
from tools.benchmarks.peers.answer import Clock, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPOCH = date(1970, 1, 1)
_KB = 1024


def billed(directory: Path) -> Iterator[tuple[int, str, int, int]]:
    """Read the day files without mailtally code: day, domain, messages, bytes."""
    for path in directory.glob("*.qml.txt"):
        day = datetime.strptime(path.name[:10], "%d.%m.%Y").date()  # noqa: DTZ007 - a calendar day
        for line in path.read_text("ascii").splitlines():
            _, domain, kilobytes, messages, _, _ = line.split("|")
            yield (day - _EPOCH).days, domain, int(messages), int(Decimal(kilobytes) * _KB)


if __name__ == "__main__":
    warm()
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as out:
        clock = Clock()
        analyze.main([*sys.argv[1:], "--out", out], standalone_mode=False)
        tell(billed(Path(out)), clock.figures())
