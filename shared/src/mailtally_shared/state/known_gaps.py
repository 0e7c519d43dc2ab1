"""Known gaps of the days, from every place in the state that records one.

These are a host's unreadable logs, batches in quarantine, held records, and batches that Redis
lost. Large items are read once: a status document when its digest changes, a quarantined batch
when it appears.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from mailtally_shared.days.watermark import Gap, gaps_of
from mailtally_shared.errors import BadBatch
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.read.went_back import lost_of_hosts
from mailtally_shared.state.uncounted.held import held
from mailtally_shared.state.uncounted.quarantined import read_kept
from mailtally_shared.state.untrusted import HOST, names, own_ledgers, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.uncounted.quarantined import KeptAside

_HOUR = 3600
#: Why a day is incomplete of which Redis lost batches.
LOST = "Redis lost batches that touched it: rebuild it from its logs (mailtally rebuild)."
_HELD = "Records of it are held: see mailtally held list."
_FORMER = "a former collector"


class KnownGaps:
    """Reads the gaps of one state, repeatedly."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self._state = state
        self._keys = keys
        self._calendar = calendar
        self._documents: dict[str, tuple[bytes | None, bytes]] = {}
        self._quarantined: dict[bytes, Gap | None] = {}

    def now(self) -> tuple[Gap, ...]:
        """Return all gaps that are known at this moment.

        Raises:
            Unavailable: Redis does not answer.
        """
        with unavailable_errors():
            return (*self._of_logs(), *self._of_quarantine(), *self._of_held(), *self._of_lost())

    def _of_logs(self) -> tuple[Gap, ...]:
        known = self._documents
        self._documents = {
            host: known[host]
            if host in known and known[host][0] == digest
            else (digest, self._hget(self._keys.ledger(owner), "status"))
            for host, owner, (digest,) in own_ledgers(self._state, self._keys, "status_digest")
        }
        return gaps_of({host: document for host, (_, document) in self._documents.items()})

    def _of_quarantine(self) -> Iterator[Gap]:
        entries = sorted(cast("list[bytes]", self._state.hkeys(self._keys.quarantine)))
        known = self._quarantined
        self._quarantined = {
            entry: known[entry] if entry in known else self._quarantined_gap(entry)
            for entry in entries
        }
        return filter(None, self._quarantined.values())

    def _quarantined_gap(self, entry: bytes) -> Gap | None:
        packed = cast("bytes | None", self._state.hget(self._keys.quarantine, entry))
        try:
            return _gap_of(read_kept(text(entry), packed)) if packed else None
        except BadBatch:  # of another version
            return None

    def _of_held(self) -> Iterator[Gap]:
        for each in held(self._state, self._keys):
            host = self._hget(self._keys.ledger(each.collector_id), "host")
            yield Gap((names([host], HOST) or [_FORMER])[0], _HELD, *self._span(each.day))

    def _of_lost(self) -> Iterator[Gap]:
        for host, hours in lost_of_hosts(self._state, self._keys):
            for hour in hours:
                yield Gap(host, LOST, float(hour * _HOUR), float((hour + 1) * _HOUR))

    def _hget(self, key: str, field: str) -> bytes:
        return cast("bytes | None", self._state.hget(key, field)) or b""

    def _span(self, day: date) -> tuple[float, float]:
        return (
            float(self._calendar.end_of(day - timedelta(days=1))),
            float(self._calendar.end_of(day)),
        )


def _gap_of(kept: KeptAside) -> Gap | None:
    header = kept.header
    if header is None or header.time_min is None or header.time_max is None or not header.records:
        return None
    reason = f"Batch {header.seq} is in quarantine ({kept.reason}): see mailtally quarantine list."
    return Gap(header.host, reason, float(header.time_min), float(header.time_max) + 1)
