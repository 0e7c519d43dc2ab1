"""The note on file positions that travels with each batch, and what a newcomer makes of it.

Only collectors read it; to the cluster it is text. It holds hashes and
offsets, never a byte of a log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.positions import Position, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.ledger import Inherited


@dataclass(frozen=True, slots=True)
class Progress:
    """Where reading stands.

    Attributes:
        positions: of all known files, after the batch.
        spans: what the batch itself took from them.
        skip: what is to be jumped over when reading gets there: it was counted
            out of order before a state directory was lost.
    """

    positions: tuple[Position, ...] = ()
    spans: tuple[Span, ...] = ()
    skip: tuple[Span, ...] = ()

    def to_json(self) -> str:
        """The note as it travels."""
        return json.dumps(
            {
                "positions": [position.to_json() for position in self.positions],
                "spans": [span.to_json() for span in self.spans],
                "skip": [span.to_json() for span in self.skip],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """The note read back; an empty one where the text is empty."""
        note = json.loads(text) if text else {}
        return cls(
            positions=tuple(map(Position.from_json, note.get("positions", ()))),
            spans=tuple(map(Span.from_json, note.get("spans", ()))),
            skip=tuple(map(Span.from_json, note.get("skip", ()))),
        )


def resume(inherited: Inherited) -> Progress:
    """Where a collector begins that took over a host name without its state directory.

    The positions are those of the last batch that left no gap. Batches beyond
    the gap were counted as well: their spans are skipped.
    """
    base = Progress.from_json(inherited.at_hwm)
    ahead = [Progress.from_json(note) for note in inherited.ahead]
    known = {position.file_key: position for position in base.positions}
    for progress in ahead:
        for position in progress.positions:
            known.setdefault(position.file_key, position.at_beginning())
    counted = [span for progress in ahead for span in progress.spans]
    return Progress(positions=tuple(known.values()), skip=_merged([*base.skip, *counted]))


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in order, those that touch made one."""
    merged: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.file_key, span.start)):
        if merged and merged[-1].meets(span):
            span = merged.pop().joined(span)  # noqa: PLW2901 - it grows while its neighbours touch
        merged.append(span)
    return tuple(merged)
