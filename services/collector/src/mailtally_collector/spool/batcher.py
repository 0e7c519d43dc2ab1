"""Gather parsed lines into batches. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_collector.formats import joined
from mailtally_shared.rows import UNFOLDED, Rows, fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.formats import FoldedChunk, Times
    from mailtally_collector.tail.positions import Span


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The sizes and the age at which a batch is ready.

    Attributes:
        keys: rows.
        bytes: bytes of log.
        linger: age of its first line in seconds.
    """

    keys: int = 65_536
    bytes: int = 64 * 2**20
    linger: float = 0.2


@dataclass(frozen=True, slots=True)
class Gathered:
    """The content of one batch."""

    rows: Rows
    records: int
    times: Times
    lines: int
    malformed: dict[str, int]  # by reason's label
    spans: tuple[Span, ...]


@dataclass(slots=True)
class Batcher:
    """A batch being gathered."""

    limits: BatchLimits
    _parts: list[Rows] = field(default_factory=list)
    _spans: list[Span] = field(default_factory=list)
    _malformed: Counter[str] = field(default_factory=Counter)
    _rows: int = 0
    _held: int = 0
    _records: int = 0
    _times: Times = None
    _bytes: int = 0
    _since: float | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is gathered."""
        return self._since is None

    @property
    def is_full(self) -> bool:
        """Return whether the batch is large enough, whatever its age."""
        return self._rows + self._held >= self.limits.keys or self._bytes >= self.limits.bytes

    def is_ready(self, now: float) -> bool:
        """Return whether the batch is large or old enough to be sent."""
        return self.is_full or self.waits(now) == 0.0

    def waits(self, now: float) -> float | None:
        """Return the seconds until the batch is old enough, or ``None`` while it is empty."""
        if self._since is None:
            return None
        # A clock that was set back must not delay lines.
        age = max(0.0, now - self._since) if now >= self._since else self.limits.linger
        return max(0.0, self.limits.linger - age)

    def append(self, span: Span, now: float) -> None:
        """Begin a batch, or continue it, with a chunk of which nothing is counted."""
        if self._since is None:
            self._since = now
        self._join(span)

    def add(
        self,
        span: Span,
        chunk: FoldedChunk,
        malformed: Iterable[str],
        now: float,
        *,
        held: int = 0,
    ) -> None:
        """Add the records and malformed lines of a chunk, whose step is the batch's.

        ``held`` is the number of the batch's rows that others hold, until they come to ``take``.
        """
        self.append(span, now)
        self._malformed.update(malformed)
        self._bytes += span.end - span.start
        self._held = held
        self._records += chunk.records
        self._times = joined(self._times, chunk.times)
        if len(chunk.rows):
            self._parts.append(chunk.rows)
            self._rows += len(chunk.rows)
            if self._rows >= self.limits.keys:
                self._fold()

    def take(self, held: Iterable[Rows] = ()) -> Gathered:
        """Return everything gathered, with the rows that others held; begin an empty batch."""
        self._parts.extend(held)
        self._fold()
        gathered = Gathered(
            rows=self._parts[0],
            records=self._records,
            times=self._times,
            lines=self._records + self._malformed.total(),
            malformed=dict(sorted(self._malformed.items())),
            spans=tuple(self._spans),
        )
        self._parts, self._spans, self._malformed = [], [], Counter()
        self._rows = self._held = self._records = self._bytes = 0
        self._times = self._since = None
        return gathered

    def _fold(self) -> None:
        """Make rows of one key one row: only then is it known how many keys there are."""
        rows = Rows.concatenate(self._parts)
        if len(self._parts) > 1 and rows.step != UNFOLDED:
            rows = fold(rows)
        self._parts, self._rows = [rows], len(rows)

    def _join(self, span: Span) -> None:
        if self._spans and self._spans[-1].meets(span):
            span = self._spans.pop().joined(span)
        self._spans.append(span)
