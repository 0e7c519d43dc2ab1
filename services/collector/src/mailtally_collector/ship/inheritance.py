"""Inheritance: where a collector with a new state directory resumes for its predecessors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgpack

if TYPE_CHECKING:
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

#: Longest chain of state directories that were lost before any of them applied a batch.
_MOST_PREDECESSORS = 1000


@dataclass(frozen=True, slots=True)
class Inherited:
    """The progress notes of earlier collectors under this host name.

    ``at_hwm`` is that of the last batch without a gap before it (empty if there is none); ``ahead``
    are those of batches applied beyond it, by the same collector and by its successors.
    """

    at_hwm: str
    ahead: tuple[str, ...]

    def before(self, later: Inherited | None) -> Inherited:
        """Return these notes with those of a successor that resumed where they end."""
        return Inherited(self.at_hwm, (*self.ahead, *later.ahead)) if later else self


def inherited(state: State, keys: StateKeys, collector_id: str) -> Inherited | None:
    """Return what a collector's predecessors had read; ``None`` if nothing was applied.

    A collector that applied only batches beyond a gap began where its own predecessor ended. Call
    this inside ``unavailable_errors``.
    """
    found: Inherited | None = None
    for _ in range(_MOST_PREDECESSORS):
        predecessor = _said(state, keys, collector_id, "predecessor")
        if predecessor is None:
            break
        collector_id = predecessor.decode("ascii")
        if notes := _notes(state, keys, collector_id):
            found = notes.before(found)
            if notes.at_hwm:
                break
    return found


def _notes(state: State, keys: StateKeys, collector_id: str) -> Inherited | None:
    """Return the notes of a collector, or ``None`` if none of its batches was applied."""
    found = cast("bytes | None", state.hget(keys.ledger(collector_id), "progress"))
    packed = cast("dict[bytes, bytes]", state.hgetall(keys.ahead(collector_id)))
    if found is None and not packed:
        return None
    passed = int(_said(state, keys, collector_id, "passed") or 0)
    notes = {seq: msgpack.unpackb(packed[b"%d" % seq])[1] for seq in sorted(map(int, packed))}
    behind = [seq for seq in notes if seq <= passed]
    at_hwm = notes[max(behind)] if behind else (found or b"").decode()
    return Inherited(at_hwm, tuple(note for seq, note in notes.items() if seq not in behind))


def _said(state: State, keys: StateKeys, collector_id: str, name: str) -> bytes | None:
    return cast("bytes | None", state.hget(keys.said(collector_id), name))
