"""What the lines of each log were: since the start, among the latest, and some samples."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_shared.columns import KNOWN_STATUSES
from mailtally_shared.status import MOST_SAMPLES, LineCounts, LogStatus, Sample, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

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

    def told(self) -> LineCounts:
        return LineCounts(lines=self.lines, records=self.records, malformed=dict(self.malformed))


@dataclass(slots=True)
class _Log:
    format: str | None = None
    all: _Counts = field(default_factory=_Counts)
    latest: _Counts = field(default_factory=_Counts)
    before: _Counts = field(default_factory=_Counts)

    def add(self, seen: _Counts) -> None:
        self.all.add(seen)
        self.latest.add(seen)
        if self.latest.lines >= _LATEST:
            self.before, self.latest = self.latest, _Counts()

    def told(self, path: str) -> LogStatus:
        latest = _Counts()
        latest.add(self.before)
        latest.add(self.latest)
        return LogStatus(
            path=printable(path),
            format=self.format,
            counted=self.all.told(),
            latest=latest.told(),
        )


class LinesSeen:
    """Counts of lines by log; one thread adds, another may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: dict[str, _Log] = {}
        self._samples: dict[str, list[Sample]] = {}

    def add(
        self, log: str, log_format: str | None, lines: int, records: int, reasons: Iterable[str]
    ) -> None:
        """Count a stretch of a log."""
        with self._lock:
            found = self._logs.setdefault(log, _Log())
            found.format = log_format or found.format
            found.add(_Counts(lines, records, Counter(reasons)))

    def wants_sample(self, reason: str) -> bool:
        """Return whether fewer than ``MOST_SAMPLES`` lines were kept for a reason."""
        return len(self._samples.get(reason, ())) < MOST_SAMPLES

    def keep_sample(self, log: str, reason: str, line: bytes) -> None:
        """Keep a malformed line to show, its addresses masked."""
        with self._lock:
            sample = Sample(reason=reason, path=printable(log), line=masked(line))
            self._samples.setdefault(reason, []).append(sample)

    def logs(self, existing: Collection[str]) -> tuple[LogStatus, ...]:
        """Return the logs that still exist, those of which most is malformed first."""
        with self._lock:
            self._logs = {log: seen for log, seen in self._logs.items() if log in existing}
            found = [seen.told(log) for log, seen in self._logs.items()]
        return tuple(sorted(found, key=lambda log: (-log.latest.share_malformed, log.path)))

    def samples(self) -> tuple[Sample, ...]:
        """Return the malformed lines kept to show."""
        with self._lock:
            return tuple(self._all_samples())

    def _all_samples(self) -> Iterator[Sample]:
        for reason in sorted(self._samples):
            yield from self._samples[reason]


def masked(line: bytes) -> str:
    """Return a line fit to be shown: no address, printable, not too long.

    Between bars only numbers and known statuses stay: what is there may be a mailbox without
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
