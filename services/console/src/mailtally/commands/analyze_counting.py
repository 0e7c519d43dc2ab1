"""Count log files on all cores: one thread reads, the others parse and merge.

If a log's lines belong together, as qmail's do, the reading thread parses its chunks in order. The
parser's kernel and most of the merge release the interpreter lock, so threads suffice. The number
of chunks in flight is bounded.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from glob import escape
from typing import TYPE_CHECKING

from mailtally.commands.analyze_accounts import Accounts
from mailtally.options import LogReading
from mailtally_collector.formats import ByLog, Origin, ProgramLines, Setting, made, warm
from mailtally_collector.tail import Tailer
from mailtally_shared.adding import SumOverflowError
from mailtally_shared.days.manifest import Incomplete
from mailtally_shared.errors import Refused
from mailtally_shared.rows import Rows
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.runtime.zones import offsets_of
from mailtally_shared.state.commit.merge import Reported, merge
from mailtally_shared.state.commit.request import Additions
from mailtally_shared.state.hours.counted import count_hours
from mailtally_shared.wire.status import LONGEST_SENTENCE, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from mailtally_collector.formats import Format, Parsed
    from mailtally_collector.tail import Chunk, LogTrouble
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.columns import Columns
    from mailtally_shared.state.commit.request import Caps

CHUNK = 8 * 2**20
#: Most unread logs that a manifest names.
_MOST_TROUBLES = 100
_DEFAULT_READING = LogReading()
#: Chunks in flight for each worker.
_DEPTH = 2
#: Records merged together: the more there are, the fewer keys each of them costs.
_TOGETHER = 1_000_000


@dataclass(slots=True)
class Counted:
    """The result of counting some logs."""

    accounts: Accounts
    lines: int = 0
    records: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    passed: int = 0  # further lines, which are neither record nor malformed
    nuls: int = 0  # bytes skipped before lines
    programs: dict[str, ProgramLines] = field(default_factory=dict)
    troubles: tuple[LogTrouble, ...] = ()

    def note(self, chunk: Chunk) -> None:
        """Count the lines of a chunk that are not to be parsed."""
        self.malformed.update(reject.reason for reject in chunk.rejects)
        self.lines += len(chunk.rejects)
        self.nuls += chunk.nuls

    def incomplete(self, host: str) -> tuple[Incomplete, ...]:
        """Return the manifest's entries for logs that could not be read to their end."""
        troubles = self.troubles[:_MOST_TROUBLES]
        return tuple(
            Incomplete(host=host, reason=printable(t.sentence, LONGEST_SENTENCE)) for t in troubles
        )

    @property
    def is_understood(self) -> bool:
        """Return whether there were no lines, or not all of them were malformed."""
        return not self.lines or self.malformed.total() < self.lines + self.passed


def count_logs(
    paths: Iterable[Path],
    *,
    calendar: Calendar,
    caps: Caps,
    charged_name: Callable[[str], str],
    host: str = "localhost",
    collector: str | None = None,
    hours: bool = True,
    reading: LogReading = _DEFAULT_READING,
    tell: Callable[[int], None] = lambda _: None,
) -> Counted:
    """Count whole logs, plain or compressed, as a collector and an aggregator would.

    Args:
        paths: the files; a compressed file next to its plain twin is not counted.
        calendar: assigns times to days.
        caps: limits of distinct names.
        charged_name: returns the charged name for a domain.
        host: the host of lines that name none.
        collector: counts as the one that reported all lines; by default each line's host does.
        hours: whether hours are counted as well.
        reading: how the logs are read.
        tell: called with the size of each chunk in bytes of content.

    Raises:
        Refused: the sizes add up to more than 63 bits.
    """
    warm()
    logs, counted = _parser(host, reading), Counted(Accounts(caps))
    workers = os.cpu_count() or 1
    parsing: deque[Future[Parsed]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        merged = partial(_merged, calendar, charged_name, collector, hours)
        merging = _Merging(pool, merged, counted.accounts)
        for chunk in _chunks(paths, workers * _DEPTH, counted):
            tell(chunk.span.end - chunk.span.start)
            counted.note(chunk)
            parsing.append(_begun(pool, logs, chunk))
            if len(parsing) >= workers * _DEPTH:
                merging.take(_noted(counted, parsing.popleft().result()))
        while parsing:
            merging.take(_noted(counted, parsing.popleft().result()))
        merging.finish(workers)
    return counted


def _parser(host: str, reading: LogReading) -> ByLog:
    offset_at = offsets_of(reading.log_zone)
    setting = Setting(host, offset_at=offset_at, first_year=reading.first_year)
    return ByLog(made(setting), lambda _: reading.format)


@dataclass(slots=True)
class _Merging:
    """The merging of parsed chunks, many together, into the accounts."""

    pool: ThreadPoolExecutor
    merge: Callable[[list[Columns]], list[Additions]]
    accounts: Accounts
    gathered: list[Columns] = field(default_factory=list)
    under_way: deque[Future[list[Additions]]] = field(default_factory=deque)

    def take(self, columns: Columns) -> None:
        self.gathered.append(columns)
        if sum(map(len, self.gathered)) >= _TOGETHER:
            self._begin()
        while len(self.under_way) > _DEPTH:
            self._enter()

    def finish(self, workers: int) -> None:
        """Merge the last chunks on all workers."""
        last, self.gathered = self.gathered, []
        for worker in range(workers):
            self.gathered = last[worker::workers]
            self._begin()
        while self.under_way:
            self._enter()

    def _begin(self) -> None:
        self.under_way.append(self.pool.submit(self.merge, self.gathered))
        self.gathered = []

    def _enter(self) -> None:
        for added in self.under_way.popleft().result():
            self.accounts.add(added)


def _merged(
    calendar: Calendar,
    charged_name: Callable[[str], str],
    collector: str | None,
    by_hour: bool,  # noqa: FBT001 - a part of what is done in a worker
    batches: list[Columns],
) -> list[Additions]:
    labels = {} if collector is None else {"collector": collector}
    reported = [Reported(Rows.of(each), labels) for each in batches]
    try:
        increments = merge(reported, calendar, charged_name)
        hours = count_hours(reported, calendar, charged_name) if by_hour else {}
        return [Additions(increments, hours)]
    except SumOverflowError as error:
        if len(batches) <= 1:
            raise Refused("The sizes in the logs add up to more than 2^63 bytes.") from error
    one_by_one = partial(_merged, calendar, charged_name, collector, by_hour)
    return [part for batch in batches for part in one_by_one([batch])]


def _begun(pool: ThreadPoolExecutor, logs: ByLog, chunk: Chunk) -> Future[Parsed]:
    """Begin to parse a chunk."""
    log_format = logs.stateless(chunk.log, chunk.data)
    if log_format is not None:
        return pool.submit(_parsed, log_format, chunk.data)
    origin = Origin(chunk.modified, begins=chunk.span.start == 0)
    parsed, known = logs.parse(chunk.log, chunk.data, origin)
    logs.keep(known)
    done: Future[Parsed] = Future()
    done.set_result(parsed)
    return done


def _parsed(log_format: Format, data: memoryview) -> Parsed:
    return log_format.parse(data)[0]


def _noted(counted: Counted, parsed: Parsed) -> Columns:
    """Count the lines of a chunk, and return its records."""
    counted.lines += parsed.lines
    counted.records += len(parsed.columns)
    counted.malformed += Counter(parsed.rejects.labels())
    counted.passed += parsed.passed
    counted.nuls += parsed.nuls
    for name, lines in parsed.programs.items():
        counted.programs[name] = counted.programs.get(name, ProgramLines()) + lines
    return parsed.columns


def _chunks(paths: Iterable[Path], held: int, counted: Counted) -> Iterator[Chunk]:
    """Yield the chunks of whole logs; each is valid until ``held`` more are requested.

    After the last one, what could not be read is noted.
    """
    globs, clock = [escape(str(path.absolute())) for path in paths], Clock()
    tailer = Tailer(globs, start="beginning", chunk_size=CHUNK, held=held)
    try:
        tailer.scan(clock.steady())
        tailer.finish(clock.steady())
        while (chunk := tailer.read(clock.steady())) is not None:
            yield chunk
        tailer.take_note()
        counted.troubles = tailer.found().troubles
    finally:
        tailer.close()
