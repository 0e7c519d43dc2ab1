"""The parser alone on one core: whole lines in chunks of 8 MiB, columns out, nothing added up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.answer import Clock, tell
from mailtally_collector.parse import StatsParser, warm

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 8 * 2**20


def chunks(path: Path, size: int = CHUNK) -> Iterator[bytes]:
    """A log's bytes in stretches of about ``size`` that end with whole lines."""
    with path.open("rb") as log:
        while data := log.read(size):
            yield data + log.readline()


if __name__ == "__main__":
    warm()
    parser = StatsParser()
    clock = Clock()
    records = sum(
        len(parser.parse(chunk).columns) for path in sys.argv[1:] for chunk in chunks(Path(path))
    )
    tell(figures={**clock.figures(), "records": records})
