"""The progress note that is sent with each batch, and how a new state directory resumes from it.

Only collectors read it; to the cluster it is opaque text. It holds hashes and offsets, never a byte
of a log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally_collector.tail.positions import Mark, Position, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.ship.inheritance import Inherited


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of reading.

    Attributes:
        positions: the positions in all known files, after the batch.
        spans: the parts of the files that the batch covers.
        skip: the parts to skip when reading reaches them: they were counted out of order before a
            state directory was lost.
    """

    positions: tuple[Position, ...] = ()
    spans: tuple[Span, ...] = ()
    skip: tuple[Span, ...] = ()

    def to_json(self) -> str:
        """Return the note in the form in which it is sent."""
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
        """Parse a note; an empty text is an empty note."""
        note = json.loads(text) if text else {}
        return cls(
            positions=tuple(map(Position.from_json, note.get("positions", ()))),
            spans=tuple(map(Span.from_json, note.get("spans", ()))),
            skip=tuple(map(Span.from_json, note.get("skip", ()))),
        )


#: The progress of a state directory that is not an old copy.
_NOTHING = Progress()


def resume(inherited: Inherited | None, own: Progress = _NOTHING) -> Progress:
    """Return where a collector resumes that took over a host name without its state directory.

    The positions are those of the last batch before a gap. Batches beyond the gap were counted as
    well: their spans are skipped, in files that what those batches knew of them identifies and
    proves unchanged in between. For a file that they took nothing from, the position shows where
    to resume, even if it was changed since.

    Args:
        inherited: the predecessors' notes in the ledger; ``None`` if nothing was applied.
        own: the positions of a state directory that is an old copy, and the spans of its dropped
            batches. The logs may have been set back with it; the positions then show how far they
            were read at that time.
    """
    if inherited is None:
        return Progress(positions=tuple(map(Position.at_beginning, own.positions)))
    base = Progress.from_json(inherited.at_hwm)
    ahead = [Progress.from_json(note) for note in inherited.ahead]
    known = {position.file_key: position for position in base.positions}
    counted = [span for progress in ahead for span in progress.spans]
    partly = {span.file_key for span in counted}
    for key, latest in _latest(ahead).items():
        is_known = key in known and bool(known[key].trail)
        if not is_known or key in partly:
            later = latest.back_at(known[key].offset if key in known else latest.begin)
            known[key] = replace(later, ends=_ends(key, [base, *ahead]), seal=None)
    for position in (position for position in own.positions if position.trail):
        there = known.get(position.file_key)
        if there is None and not _is_counted(position, own.spans):
            continue  # read, but not counted: it is read again as a new file
        if there is None or there.offset > position.offset:
            known[position.file_key] = replace(there or position, own=position.trail[-1])
    return Progress(positions=tuple(known.values()), skip=_merged([*base.skip, *counted]))


def _latest(ahead: Iterable[Progress]) -> dict[str, Position]:
    """Return each file's position in the last batch that knew something of its text.

    The tailer identifies a file by its text alone: without it, the spans to skip would be counted
    as those of a new file.
    """
    latest: dict[str, Position] = {}
    for position in (position for progress in ahead for position in progress.positions):
        if position.trail or position.file_key not in latest:
            latest[position.file_key] = position
    return latest


def _ends(file_key: str, notes: Iterable[Progress]) -> tuple[Mark, ...]:
    """Return the end of each batch in a file, ascending; in a changed file not all of them fit."""
    positions = (p for note in notes for p in note.positions if p.file_key == file_key)
    marks = {mark for p in positions if p.stopped is None for mark in (*p.ends, *p.trail[-1:])}
    return tuple(sorted(marks, key=lambda mark: (mark.at, mark.fingerprint)))


def _is_counted(position: Position, dropped: Iterable[Span]) -> bool:
    """Return whether what an old copy read of a file was counted, at least from its beginning.

    The ledger knows nothing of a file that begins in the dropped batches. A file that the ledger
    knew and has since dropped was counted to its end by others.
    """
    starts = [span.start for span in dropped if span.file_key == position.file_key]
    return position.begin < min(starts, default=position.begin + 1)


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans in order, adjacent ones joined."""
    merged: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.file_key, span.start)):
        if merged and merged[-1].meets(span):
            span = merged.pop().joined(span)  # noqa: PLW2901 - it grows while the next span is adjacent
        merged.append(span)
    return tuple(merged)
