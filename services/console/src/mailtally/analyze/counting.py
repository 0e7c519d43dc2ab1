"""Count log files on all cores: one thread reads, the others parse and merge.

The parser's kernel and most of the merge hold no interpreter lock, so threads
are enough. A bounded number of chunks is under way at once.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from glob import escape
from typing import TYPE_CHECKING

from mailtally.analyze.accounts import Accounts
from mailtally_aggregator.merge import Increments, merge
from mailtally_collector.parse import StatsParser, warm
from mailtally_collector.tail import Tailer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from mailtally_aggregator.request import Caps
    from mailtally_collector.tail import Chunk
    from mailtally_shared.calendar import Calendar

CHUNK = 8 * 2**20
#: Chunks under way for each worker.
_DEPTH = 2


@dataclass(slots=True)
class Counted:
    """What some logs hold."""

    accounts: Accounts
    lines: int = 0
    records: int = 0
    malformed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Part:
    increments: Increments
    lines: int
    records: int
    malformed: Counter[str]


def count_logs(
    paths: Iterable[Path],
    *,
    calendar: Calendar,
    caps: Caps,
    charged_name: Callable[[str], str],
    tell: Callable[[int], None] = lambda _: None,
) -> Counted:
    """Count whole logs, plain or compressed, as a collector and an aggregator would.

    Args:
        paths: the files; a compressed one beside its plain twin is not counted.
        calendar: decides the day.
        caps: of distinct names.
        charged_name: from a domain to the name charged.
        tell: hears of each chunk's size in bytes of content.
    """
    warm()
    counter = _Counter(calendar, charged_name)
    counted = Counted(Accounts(caps))
    workers = os.cpu_count() or 1
    pending: deque[Future[_Part]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for chunk in _chunks(paths):
            tell(chunk.span.end - chunk.span.start)
            counted.malformed.update(reject.reason for reject in chunk.rejects)
            counted.lines += len(chunk.rejects)
            pending.append(pool.submit(counter.count, bytes(chunk.data)))
            if len(pending) >= workers * _DEPTH:
                _add(counted, pending.popleft().result())
        while pending:
            _add(counted, pending.popleft().result())
    return counted


class _Counter:
    """Parses and merges; each thread with a parser of its own."""

    def __init__(self, calendar: Calendar, charged_name: Callable[[str], str]) -> None:
        self._calendar = calendar
        self._charged_name = charged_name
        self._local = threading.local()

    def count(self, data: bytes) -> _Part:
        parser = getattr(self._local, "parser", None)
        if parser is None:
            parser = self._local.parser = StatsParser()
        parsed = parser.parse(data)
        return _Part(
            increments=merge([parsed.columns], self._calendar, self._charged_name),
            lines=parsed.lines,
            records=len(parsed.columns),
            malformed=Counter(parsed.rejects.labels()),
        )


def _chunks(paths: Iterable[Path]) -> Iterator[Chunk]:
    tailer = Tailer([escape(str(path)) for path in paths], start="beginning", chunk_size=CHUNK)
    try:
        tailer.scan(time.time())
        tailer.finish(time.time())
        while (chunk := tailer.read(time.time())) is not None:
            yield chunk
    finally:
        tailer.close()


def _add(counted: Counted, part: _Part) -> None:
    counted.accounts.add(part.increments)
    counted.lines += part.lines
    counted.records += part.records
    counted.malformed += part.malformed
