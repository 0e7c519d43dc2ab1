"""The note on file positions that travels with each batch, and what a newcomer makes of it.

Only collectors read it; to the cluster it is text. It holds fingerprints and
offsets, never a byte of a log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from mailtally_collector.positions import Position, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.ledger import Inherited


@dataclass(frozen=True, slots=True)
class Progress:
    """Where reading stood after a batch, of all known files, and what the batch took from them."""

    positions: tuple[Position, ...] = ()
    spans: tuple[Span, ...] = ()

    def to_json(self) -> str:
        """The note as it travels; defaults are left out."""
        return _NOTE.dump_json(self, exclude_defaults=True).decode()

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """The note read back; an empty one where the text is empty.

        Raises:
            ValueError: it is no such note.
        """
        return _NOTE.validate_json(text) if text else cls()


_NOTE: TypeAdapter[Progress] = TypeAdapter(Progress)


def resume(inherited: Inherited) -> tuple[Position, ...]:
    """Where a collector begins that took over a host name without its state directory.

    The positions are those of the last batch that left no gap. Batches beyond
    the gap were counted as well: their spans are passed over.
    """
    known = {p.file_key: p for p in Progress.from_json(inherited.at_hwm).positions}
    ahead = [Progress.from_json(note) for note in inherited.ahead]
    for position in (position for progress in ahead for position in progress.positions):
        known.setdefault(position.file_key, replace(position, offset=position.begin, counted=()))
    spans = [span for progress in ahead for span in progress.spans]
    return tuple(_passing_over(position, spans) for position in known.values())


def _passing_over(position: Position, spans: Iterable[Span]) -> Position:
    """The position with those spans counted that lie in its file and beyond its offset."""
    counted = [Span(position.file_key, start, end) for start, end in position.counted]
    counted += [span for span in spans if span.file_key == position.file_key]
    merged: list[Span] = []
    for span in sorted(counted, key=lambda span: span.start):
        if merged and merged[-1].meets(span):
            merged[-1] = merged[-1].joined(span)
        elif span.end > position.offset:
            merged.append(span)
    return replace(position, counted=tuple((span.start, span.end) for span in merged))
