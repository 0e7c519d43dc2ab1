"""Count log files on all cores: one thread reads, the others parse and merge.

Of a log whose lines belong together, such as qmail's, the reading thread parses
the chunks, in order. The parser's kernel and most of the merge hold no interpreter lock, so threads
are enough. A bounded number of chunks is under way at once.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from glob import escape
from typing import TYPE_CHECKING

from mailtally.analyze.accounts import Accounts
from mailtally_aggregator.merge import Increments, merge
from mailtally_collector.parse import ByLog, Setting, made, warm
from mailtally_collector.tail import Tailer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from mailtally_aggregator.request import Caps
    from mailtally_collector.parse import Format, Parsed
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
    passed: int = 0  # lines beside those, which are no record themselves


@dataclass(frozen=True, slots=True)
class _Part:
    increments: Increments
    lines: int
    records: int
    malformed: Counter[str]
    passed: int


def count_logs(
    paths: Iterable[Path],
    *,
    calendar: Calendar,
    caps: Caps,
    charged_name: Callable[[str], str],
    host: str = "localhost",
    tell: Callable[[int], None] = lambda _: None,
) -> Counted:
    """Count whole logs, plain or compressed, as a collector and an aggregator would.

    Args:
        paths: the files; a compressed one beside its plain twin is not counted.
        calendar: decides the day.
        caps: of distinct names.
        charged_name: from a domain to the name charged.
        host: of lines that name none.
        tell: hears of each chunk's size in bytes of content.
    """
    warm()
    counter = _Counter(calendar, charged_name)
    logs = ByLog(made(Setting(host)))
    counted = Counted(Accounts(caps))
    workers = os.cpu_count() or 1
    pending: deque[Future[_Part]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for chunk in _chunks(paths):
            tell(chunk.span.end - chunk.span.start)
            counted.malformed.update(reject.reason for reject in chunk.rejects)
            counted.lines += len(chunk.rejects)
            pending.append(_begun(pool, counter, logs, chunk))
            if len(pending) >= workers * _DEPTH:
                _add(counted, pending.popleft().result())
        while pending:
            _add(counted, pending.popleft().result())
    return counted


class _Counter:
    """Parses and merges, in any thread."""

    def __init__(self, calendar: Calendar, charged_name: Callable[[str], str]) -> None:
        self._calendar = calendar
        self._charged_name = charged_name

    def parsed_and_merged(self, log_format: Format, data: bytes) -> _Part:
        return self.merged(log_format.parse(data)[0])

    def merged(self, parsed: Parsed) -> _Part:
        return _Part(
            increments=merge([parsed.columns], self._calendar, self._charged_name),
            lines=parsed.lines,
            records=len(parsed.columns),
            malformed=Counter(parsed.rejects.labels()),
            passed=parsed.passed,
        )


def _begun(pool: ThreadPoolExecutor, counter: _Counter, logs: ByLog, chunk: Chunk) -> Future[_Part]:
    """Have a chunk counted."""
    log_format = logs.stateless(chunk.log, chunk.data)
    if log_format is not None:
        return pool.submit(counter.parsed_and_merged, log_format, bytes(chunk.data))
    parsed, known = logs.parse(chunk.log, chunk.data)
    logs.keep(known)
    return pool.submit(counter.merged, parsed)


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
    counted.passed += part.passed
