"""The note on file positions that travels with each batch, and what a newcomer makes of it.

Only collectors read it; to the cluster it is text. It holds hashes and
offsets, never a byte of a log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.positions import Position, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.inheritance import Inherited


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


#: Of a state directory that is no old copy.
_NOTHING = Progress()


def resume(inherited: Inherited | None, own: Progress = _NOTHING) -> Progress:
    """Return where a collector begins that took over a host name without its state directory.

    The positions are those of the last batch that left no gap. Batches beyond
    the gap were counted as well: their spans are skipped, and what they knew of
    a file proves it.

    Args:
        inherited: what the ledger has of the predecessors; ``None`` if nothing was applied.
        own: the positions of the state directory, where it is an old copy, and the spans of its
            batches that were dropped. The logs may have been set back with it; then the
            positions tell how far the logs were read at that time.
    """
    if inherited is None:
        return Progress(positions=tuple(map(Position.at_beginning, own.positions)))
    base = Progress.from_json(inherited.at_hwm)
    ahead = [Progress.from_json(note) for note in inherited.ahead]
    known = {position.file_key: position for position in base.positions}
    for key, latest in _latest(ahead).items():
        known[key] = latest.back_at(known[key].offset if key in known else latest.begin)
    for position in (position for position in own.positions if position.trail):
        there = known.get(position.file_key)
        if there is None and not _is_counted(position, own.spans):
            continue  # read, but not counted: it is read again as a file that is new
        if there is None or there.offset > position.offset:
            known[position.file_key] = replace(there or position, own=position.trail[-1])
    counted = [span for progress in ahead for span in progress.spans]
    return Progress(positions=tuple(known.values()), skip=_merged([*base.skip, *counted]))


def _latest(ahead: Iterable[Progress]) -> dict[str, Position]:
    """Return each file as the last batch had it that knew something of its text.

    The tailer knows a file by its text alone: without it, what is skipped of it would be counted
    as a new file's.
    """
    latest: dict[str, Position] = {}
    for position in (position for progress in ahead for position in progress.positions):
        if position.trail or position.file_key not in latest:
            latest[position.file_key] = position
    return latest


def _is_counted(position: Position, dropped: Iterable[Span]) -> bool:
    """Return whether what an old copy read of a file was counted, at least its beginning.

    Of a file that its dropped batches begin the ledger knows nothing. One that the ledger knew,
    and forgot since, was counted to its end by others.
    """
    starts = [span.start for span in dropped if span.file_key == position.file_key]
    return position.begin < min(starts, default=position.begin + 1)


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in order, those that touch made one."""
    merged: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.file_key, span.start)):
        if merged and merged[-1].meets(span):
            span = merged.pop().joined(span)  # noqa: PLW2901 - it grows while its neighbours touch
        merged.append(span)
    return tuple(merged)
