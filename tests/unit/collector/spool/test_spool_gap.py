"""What is applied beyond a gap stays in the spool: when the gap is filled it may be needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.spool.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

LATER = 1e9  # seconds


def test_batches_applied_beyond_a_gap_are_kept_however_old_and_large(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        for _ in range(4):
            spool.commit("header", b"payload", [], rejects=0, counters={}, now=0.0)
        spool.mark_applied(1, {3, 4}, now=0.0)
        assert spool.prune(1, LATER, keep_applied=1.0, keep_bytes=0) == 1
        assert [pending.seq for pending in spool.pending(0, 9)] == [2]
        assert spool.revive(1) == (2, ())
