"""Gather parsed lines until they make a batch worth sending. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_shared.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Span


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """A batch is ready with so many lines, or when its first one waited so many seconds."""

    records: int = 65_536
    linger: float = 0.2


@dataclass(frozen=True, slots=True)
class Gathered:
    """The content of one batch."""

    columns: Columns
    lines: int
    malformed: dict[str, int]  # by reason's label
    spans: tuple[Span, ...]


@dataclass(slots=True)
class Batcher:
    """Lines on their way into a batch."""

    limits: BatchLimits
    _parts: list[Columns] = field(default_factory=list)
    _spans: list[Span] = field(default_factory=list)
    _malformed: Counter[str] = field(default_factory=Counter)
    _records: int = 0
    _since: float | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing was gathered."""
        return self._since is None

    @property
    def is_full(self) -> bool:
        """It is large enough, whatever its age."""
        return self._records + self._malformed.total() >= self.limits.records

    def is_ready(self, now: float) -> bool:
        """It is worth sending."""
        return self.is_full or self.waits(now) == 0.0

    def waits(self, now: float) -> float | None:
        """Seconds until it is old enough to be sent; ``None`` while it is empty."""
        if self._since is None:
            return None
        # A clock that was set back must not hold lines up.
        age = max(0.0, now - self._since) if now >= self._since else self.limits.linger
        return max(0.0, self.limits.linger - age)

    def append(self, span: Span, columns: Columns, malformed: Iterable[str], now: float) -> None:
        """Take the records and malformed lines of a stretch of a file."""
        if self._since is None:
            self._since = now
        if len(columns):
            self._parts.append(columns)
            self._records += len(columns)
        self._malformed.update(malformed)
        self._join(span)

    def take(self) -> Gathered:
        """Everything gathered; it is empty again then."""
        gathered = Gathered(
            columns=Columns.concatenate(self._parts),
            lines=self._records + self._malformed.total(),
            malformed=dict(sorted(self._malformed.items())),
            spans=tuple(self._spans),
        )
        self._parts, self._spans, self._malformed = [], [], Counter()
        self._records, self._since = 0, None
        return gathered

    def _join(self, span: Span) -> None:
        if self._spans and self._spans[-1].meets(span):
            span = self._spans.pop().joined(span)
        self._spans.append(span)
