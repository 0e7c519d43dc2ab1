"""Compare the batches that the ledger has with those that the spool made under their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.state.keys import CHECKSUMS_KEPT

if TYPE_CHECKING:
    from mailtally_collector.ledger import Applied, Ledger
    from mailtally_collector.spool import Spool


def other_batches(spool: Spool, ledger: Ledger, collector_id: str, applied: Applied) -> list[int]:
    """Return the numbers under which the ledger has another batch than the spool.

    Looked at are those that are newly applied. A batch that has no checksum any more was applied
    so long ago that it cannot be under way: a window is never as large.
    """
    own = spool.newly_applied(applied.hwm, applied.ahead)
    if not own:
        return []
    found = ledger.checksums(collector_id, own)
    compared = ((seq, own[seq], theirs) for seq, theirs in zip(own, found, strict=True))
    oldest = applied.hwm - CHECKSUMS_KEPT
    return [seq for seq, ours, theirs in compared if theirs != ours and (theirs or seq > oldest)]
