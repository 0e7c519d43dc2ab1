"""A collector says that a state has all that it can give it, once that is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_collector.ship.ledger import Applied, Registration
from mailtally_collector.ship.reconcile import Reconciliation
from mailtally_collector.spool.spool import Spool
from mailtally_shared.state.history import Pair
from tests.support.records import NONCE

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_collector.ship.ledger import Ledger

HISTORY = "a" * 32


class Told:
    """A ledger that only notes what is said to it."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []

    def holds(self, _: Pair | None) -> bool:
        return True

    def acknowledge(self, _: Registration, history: str) -> None:
        self.acknowledged.append(history)


def test_a_history_is_acknowledged_once_all_that_was_spooled_is_applied(tmp_path: Path) -> None:
    told = Told()
    with Spool.open(tmp_path) as spool:
        for _ in range(2):
            spool.commit("{}", b"1", (), rejects=0, counters={}, now=1.0)
        who = Registration("mail1", spool.collector_id, 1, NONCE)
        reconciliation = Reconciliation(spool, cast("Ledger", told), who)
        for hwm in (0, 1):
            reconciliation.note(Applied(hwm, frozenset(), state=Pair(HISTORY, hwm)))
            assert told.acknowledged == []
        spool.commit("{}", b"1", (), rejects=0, counters={}, now=2.0)
        reconciliation.note(Applied(2, frozenset(), state=Pair(HISTORY, 2)))
        assert told.acknowledged == [HISTORY]
