"""Compare applied batches with those in the spool under the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.state.keys import CHECKSUMS_KEPT

if TYPE_CHECKING:
    from mailtally_collector.ship.ledger import Applied, Ledger
    from mailtally_collector.spool.spool import Spool


def other_batches(spool: Spool, ledger: Ledger, collector_id: str, applied: Applied) -> list[int]:
    """Return the numbers under which the ledger has a different batch than the spool.

    Only newly applied batches are compared. A batch whose checksum has expired was applied so long
    ago that it cannot be in flight: a window is never that large.
    """
    own = spool.newly_applied(applied.hwm, applied.ahead)
    if not own:
        return []
    found = ledger.checksums(collector_id, own)
    compared = ((seq, own[seq], theirs) for seq, theirs in zip(own, found, strict=True))
    oldest = applied.hwm - CHECKSUMS_KEPT
    return [seq for seq, ours, theirs in compared if theirs != ours and (theirs or seq > oldest)]
