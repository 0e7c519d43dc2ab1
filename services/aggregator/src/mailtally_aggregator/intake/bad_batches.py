"""Batches and messages that cannot be counted: they are reported, and quarantined if need be."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch, BadInput
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.uncounted.quarantine import SOUND_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_aggregator.intake.tally import Tally
    from mailtally_shared.state.commit.batch import Batch
    from mailtally_shared.state.uncounted.quarantine import Quarantine
    from mailtally_shared.wire.announcement import BatchHeader

_log = logging.getLogger(__name__)
#: The outcome of a batch that its collector is left to send again.
_AGAIN = "again"


class BadBatches:
    """What becomes of bad batches and messages."""

    def __init__(self, state: State, quarantine: Quarantine, tally: Tally) -> None:
        self._state = state
        self._quarantine = quarantine
        self._tally = tally

    def message(self, body: bytes, error: BadBatch, now: float) -> None:
        """Quarantine a message, unless a release that knows its version will take it later."""
        if error.reason == UNKNOWN_VERSION:
            self._report(error, _AGAIN)
            return
        self._report(error, "message")
        self._quarantine.message(body, error, now)

    def unreadable(self, header: BatchHeader, payload: bytes, error: BadBatch, now: float) -> None:
        """Leave a batch to be sent again, or quarantine it once that has not helped."""
        became = _AGAIN
        if error.reason != UNKNOWN_VERSION:
            whole = self._whole(header, payload)
            became = self._quarantine.batch(header, whole, error, now, at_once=False)
        self._report(error, became, host=header.host, seq=header.seq)

    def uncountable(self, batches: Iterable[Batch], error: BadBatch, now: float) -> None:
        """Quarantine sound batches that cannot be counted, at once: sending again does not help."""
        for batch in batches:
            header = batch.header
            with unavailable_errors():
                payload = cast("bytes", self._state.get(header.payload_key) or b"")
            if not payload:  # lost in the meantime: nothing to quarantine, and it is sent again
                self._report(error, _AGAIN, host=header.host, seq=header.seq)
                continue
            became = self._quarantine.batch(
                header, payload, error, now, at_once=True, share=SOUND_SHARE
            )
            self._report(error, became, host=header.host, seq=header.seq)

    def _whole(self, header: BatchHeader, payload: bytes) -> bytes:
        """Return the announced payload; one too large to be decoded was fetched only in part."""
        announced = min(header.payload_bytes, self._quarantine.largest)
        if len(payload) >= announced:
            return payload
        with unavailable_errors():
            return cast("bytes", self._state.getrange(header.payload_key, 0, announced - 1))

    def _report(self, error: BadInput, became: str, **fields: object) -> None:
        self._tally.note_bad(error.reason, became)
        event(
            _log,
            logging.WARNING,
            "bad-batch",
            str(error),
            reason=error.reason,
            became=became,
            **fields,
        )
