"""The parser alone on one core: whole lines in chunks of 8 MiB to columns, without sums.

With ``--fold`` to folded rows, batch by batch, as in the collector.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.formats import Setting, StatsParser, warm
from mailtally_collector.formats.stats.format import StatsFormat
from mailtally_collector.spool.batcher import BatchLimits
from mailtally_collector.tail.content import open_content
from mailtally_shared.rows import STEPS
from tools.benchmarks.peers.answer import Clock, tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK = 8 * 2**20


def chunks(paths: Iterable[Path], size: int = CHUNK) -> Iterator[memoryview]:
    """Yield the logs in chunks of whole lines, up to ``size`` bytes.

    As in the collector, they are read into one buffer: each is valid until the next.
    """
    buffer = bytearray(size)
    view = memoryview(buffer)
    for path in paths:
        with closing(open_content(str(path))) as log:
            at = 0
            while got := log.read_into(view, at):
                end = buffer.rfind(b"\n", 0, got) + 1 or got
                yield view[:end]
                at += end


def parsed(paths: Iterable[Path]) -> int:
    """Parse logs; return the number of records."""
    parser = StatsParser()
    return sum(len(parser.parse(chunk).columns) for chunk in chunks(paths))


def folded(paths: Iterable[Path]) -> int:
    """Parse and fold logs; return the number of records."""
    folder, full, records = StatsFormat(Setting()).folder(STEPS[0]), BatchLimits().keys, 0
    for chunk in chunks(paths):
        records += folder.fold(chunk).records
        if len(folder) >= full:
            folder.take()
    folder.take()
    return records


if __name__ == "__main__":
    warm()
    folds = sys.argv[1] == "--fold"
    clock = Clock()
    records = (folded if folds else parsed)(map(Path, sys.argv[1 + folds :]))
    tell(figures={**clock.figures(), "records": records})
