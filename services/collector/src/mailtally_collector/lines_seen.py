"""Counts of each log's lines, since the start and of late, and samples of malformed lines."""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_collector.formats import ProgramLines
from mailtally_shared.runtime.logs import event
from mailtally_shared.schema import KNOWN_STATUSES
from mailtally_shared.wire.status import (
    MOST_SAMPLES,
    LineCounts,
    LogStatus,
    ProgramCounts,
    Sample,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from mailtally_collector.tail import Chunk


#: The latest lines of a log are at least this many, and at most two chunks more.
_LATEST = 1000
_LONGEST_SAMPLE = 160
_ADDRESS = re.compile(r'(?:"[^"]*"|[^\s|<>()\[\]{},;:="\']+)(?:@|%40|=40)[^\s|<>()\[\]{},;:="\']*')
_BRACKETED = re.compile(r"<[^<>]*>")
_NAMED = re.compile(r"\b(user|username|sasl_username|login|from|to|orig_to|sender|rcpt)=[^\s,|<>]+")


@dataclass(slots=True)
class _Counts:
    lines: int = 0
    records: int = 0
    malformed: Counter[str] = field(default_factory=Counter)

    def add(self, other: _Counts) -> None:
        self.lines += other.lines
        self.records += other.records
        self.malformed.update(other.malformed)

    def status(self) -> LineCounts:
        return LineCounts(lines=self.lines, records=self.records, malformed=dict(self.malformed))


@dataclass(slots=True)
class _Log:
    format: str | None = None
    all: _Counts = field(default_factory=_Counts)
    latest: _Counts = field(default_factory=_Counts)
    before: _Counts = field(default_factory=_Counts)
    programs: dict[str, ProgramLines] = field(default_factory=dict)

    def add(self, seen: _Counts) -> None:
        self.all.add(seen)
        self.latest.add(seen)
        if self.latest.lines >= _LATEST:
            self.before, self.latest = self.latest, _Counts()

    def status(self, path: str) -> LogStatus:
        latest = _Counts()
        latest.add(self.before)
        latest.add(self.latest)
        return LogStatus(
            path=printable(path),
            format=self.format,
            counted=self.all.status(),
            latest=latest.status(),
            programs={name: _said(lines) for name, lines in sorted(self.programs.items())},
        )


class LinesSeen:
    """Counts of lines by log; one thread adds, another may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: dict[str, _Log] = {}
        self._samples: dict[str, list[Sample]] = {}

    def add(
        self, log: str, log_format: str | None, lines: int, records: int, reasons: Iterable[str]
    ) -> None:
        """Count the lines of a chunk."""
        with self._lock:
            found = self._logs.setdefault(log, _Log())
            found.format = log_format or found.format
            found.add(_Counts(lines, records, Counter(reasons)))

    def add_programs(self, log: str, programs: Mapping[str, ProgramLines]) -> None:
        """Count the lines of a chunk by their programs."""
        with self._lock:
            known = self._logs.setdefault(log, _Log()).programs
            for name, lines in programs.items():
                known[name] = known.get(name, ProgramLines()) + lines

    def wants_sample(self, reason: str) -> bool:
        """Return whether fewer than ``MOST_SAMPLES`` lines were kept for a reason."""
        return len(self._samples.get(reason, ())) < MOST_SAMPLES

    def keep_sample(self, log: str, reason: str, line: bytes) -> None:
        """Keep a malformed line as a sample, with its addresses masked."""
        with self._lock:
            sample = Sample(reason=reason, path=printable(log), line=masked(line))
            self._samples.setdefault(reason, []).append(sample)

    def logs(self, existing: Collection[str]) -> tuple[LogStatus, ...]:
        """Return the logs that still exist, those with the largest malformed share first."""
        with self._lock:
            self._logs = {log: seen for log, seen in self._logs.items() if log in existing}
            found = [seen.status(log) for log, seen in self._logs.items()]
        return tuple(sorted(found, key=lambda log: (-log.latest.share_malformed, log.path)))

    def samples(self) -> tuple[Sample, ...]:
        """Return the samples of malformed lines."""
        with self._lock:
            return tuple(self._all_samples())

    def _all_samples(self) -> Iterator[Sample]:
        for reason in sorted(self._samples):
            yield from self._samples[reason]


def _said(lines: ProgramLines) -> ProgramCounts:
    return ProgramCounts(counted=lines.counted, passed=lines.passed, malformed=lines.malformed)


def masked(line: bytes) -> str:
    """Return a line that is safe to show: without addresses, printable, of limited length.

    Between pipes only numbers and known statuses are kept: another field may be a mailbox without
    its domain.
    """
    text = line[: 4 * _LONGEST_SAMPLE].decode("ascii", "backslashreplace")
    text = _BRACKETED.sub("<*>", text)
    text = _NAMED.sub(r"\1=*", text)
    first, *fields = text.split("|")
    text = "|".join([first, *map(_masked_field, fields)])
    return printable(_ADDRESS.sub("*@*", text)[:_LONGEST_SAMPLE])


def _masked_field(text: str) -> str:
    return text if text.strip().isdigit() or text.strip() in KNOWN_STATUSES or not text else "*"


_log = logging.getLogger(__name__)


def log_forgotten(chunk: Chunk, forgotten: Mapping[str, int]) -> None:
    """Log that messages were dropped before their end, by reason."""
    event(
        _log,
        logging.WARNING,
        "messages-forgotten",
        f"Dropped {sum(forgotten.values())} unfinished messages of {chunk.path}.",
        file=str(chunk.path),
        **forgotten,
    )


def log_skipped(chunk: Chunk, nuls: int) -> None:
    """Log that a hole in a log was skipped."""
    event(
        _log,
        logging.WARNING,
        "nuls-skipped",
        f"Skipped {nuls} NUL bytes before lines of {chunk.path}: a hole in the file.",
        file=str(chunk.path),
        bytes=nuls,
    )


def log_malformed(chunk: Chunk, labels: list[str]) -> None:
    """Log how many lines were malformed, by reason."""
    counts = dict(sorted(Counter(labels).items()))
    event(
        _log,
        logging.WARNING,
        "malformed-lines",
        f"Kept {len(labels)} malformed lines of {chunk.path} in the reject file.",
        file=str(chunk.path),
        **{reason.replace("-", "_"): count for reason, count in counts.items()},
    )
