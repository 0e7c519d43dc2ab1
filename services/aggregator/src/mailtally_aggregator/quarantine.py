"""Keep unusable batches aside, whole and counted by reason, and never let one block the rest.

A batch that proves unusable is first left to its collector to send again: a
damaged payload heals that way. At the third failure it goes into quarantine and
the ledger passes it. The quarantine is capped: when too much ends there, the
aggregator waits for room, because then something is wrong with the release and
not with a batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgpack

from mailtally_aggregator.request import ledger_entry
from mailtally_aggregator.scripts import declared_keys, source
from mailtally_shared.errors import BadInput, Unavailable
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.header import BatchHeader
    from mailtally_shared.state.keys import StateKeys

#: The part of the quarantine that batches may take which are sound, but cannot be counted now. What
#: is beyond it is left to its collector, so that one collector's times stop no other one.
SOUND_SHARE = 0.25
#: Failures after which a batch is kept aside rather than waited for.
FAILURES = 3


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """How much may be kept aside before the aggregator waits for room."""

    batches: int = 1000
    bytes: int = 256 * 2**20


class Quarantine:
    """The batches kept aside in one state."""

    def __init__(self, state: State, keys: StateKeys, limits: QuarantineLimits) -> None:
        self._keys = keys
        self._limits = limits
        self._script = state.register_script(source("ledger.lua", "quarantine.lua"))

    @property
    def largest(self) -> int:
        """The bytes beyond which there is never room."""
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
        """Count a failure of a batch; at the limit, or ``at_once``, keep it aside.

        With a ``share`` of the room, a batch beyond it is left to be sent again.

        Returns:
            ``again``, ``kept`` or ``refused``; see quarantine.lua.

        Raises:
            Unavailable: the quarantine is full; there may be room again later.
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
        """Keep a message aside that no ledger knows of; its batch, if any, is sent again.

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
        keys = declared_keys(request, self._keys.tag)
        with unavailable_errors():
            answer: bytes = self._script(
                keys=keys, args=[msgpack.packb(request), msgpack.packb(kept | about)]
            )
        if answer == b"full":
            raise Unavailable(
                f"The quarantine is full ({self._limits.batches} batches or "
                f"{self._limits.bytes} bytes), last by {why.reason}: {why} Counting waits: "
                "see 'mailtally quarantine list', then replay, export or drop."
            )
        return answer.decode("ascii")
