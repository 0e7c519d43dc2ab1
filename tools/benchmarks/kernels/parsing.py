"""The parser alone on one core: whole lines in chunks of 8 MiB to columns, without sums."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.formats import StatsParser, warm
from mailtally_collector.tail.content import open_content
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


if __name__ == "__main__":
    warm()
    parser = StatsParser()
    clock = Clock()
    records = sum(len(parser.parse(chunk).columns) for chunk in chunks(map(Path, sys.argv[1:])))
    tell(figures={**clock.figures(), "records": records})
