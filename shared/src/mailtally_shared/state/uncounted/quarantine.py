"""The quarantine of unusable batches: whole, counted by reason, and blocking no other batch.

A batch that proves unusable is first left to its collector to send again, which
replaces a damaged payload. At the third failure it goes into quarantine and the
ledger passes it. The quarantine is limited: when it is full, the aggregator waits
for room, because then a release is faulty rather than a batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgpack

from mailtally_shared.errors import BadInput, Unavailable
from mailtally_shared.state.commit.request import ledger_entry
from mailtally_shared.state.scripts import Script

if TYPE_CHECKING:
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.wire.announcement import BatchHeader

#: The share of the quarantine for batches that are sound, but cannot be counted now. Batches beyond
#: it are left to their collector, so that one collector's wrong times stop no other collector.
SOUND_SHARE = 0.25
#: Failures after which a batch is quarantined rather than waited for.
FAILURES = 3


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """The limits of the quarantine at which the aggregator waits for room."""

    batches: int = 1000
    bytes: int = 256 * 2**20


class Quarantine:
    """The quarantine of one state."""

    def __init__(self, state: State, keys: StateKeys, limits: QuarantineLimits) -> None:
        self._keys = keys
        self._limits = limits
        self._script = Script(state, keys, "ledger.lua", "quarantine.lua")

    @property
    def largest(self) -> int:
        """The size in bytes beyond which an entry never has room."""
        return self._limits.bytes

    def batch(
        self,
        header: BatchHeader,
        payload: bytes,
        why: BadInput,
        now: float,
        *,
        at_once: bool,
        share: float | None = None,
    ) -> str:
        """Count a failure of a batch; at the limit, or ``at_once``, quarantine it.

        With a ``share`` of the room, a batch beyond it is left to be sent again.

        Returns:
            ``again``, ``kept`` or ``refused``; see quarantine.lua.

        Raises:
            Unavailable: the quarantine is full; there may be room later.
        """
        entry = f"{header.collector_id}:{header.seq}"
        kept = {"header": header.to_bytes(), "payload": payload}
        request = {
            "batch": ledger_entry(self._keys, header, quarantined=True),
            "limit": 1 if at_once else FAILURES,
        }
        if share is not None:
            request["share"] = share
        return self._run(entry, kept, why, now, request)

    def message(self, body: bytes, why: BadInput, now: float) -> str:
        """Quarantine a message that no ledger knows; its batch, if any, is sent again.

        Returns:
            ``kept``, or ``dropped`` where half of the room is taken.
        """
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        return self._run(f"message:{digest}", {"body": body}, why, now, {"limit": 1})

    def _run(
        self,
        entry: str,
        kept: dict[str, bytes],
        why: BadInput,
        now: float,
        request: dict[str, object],
    ) -> str:
        about = {"reason": why.reason, "message": str(why), "time": int(now)}
        request |= {
            "entry": entry,
            "reason": why.reason,
            "poison_key": self._keys.poison,
            "keep_key": self._keys.quarantine,
            "sums_key": self._keys.quarantine_sums,
            "max_batches": self._limits.batches,
            "max_bytes": self._limits.bytes,
        }
        answer: bytes = self._script.run(request, msgpack.packb(kept | about))
        if answer == b"full":
            raise Unavailable(
                f"The quarantine is full ({self._limits.batches} batches or "
                f"{self._limits.bytes} bytes), last by {why.reason}: {why} Counting waits: "
                "see 'mailtally quarantine list', then replay, export or drop."
            )
        return answer.decode("ascii")
