"""Send batches: first the payload to Redis, then its announcement to the queue."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mailtally_collector.crash_at import CrashAt
from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.wire.queue import (
    CONTENT_TYPE,
    QUEUE,
    batch_queue,
    broker_errors,
    connect_broker,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.wire.announcement import Heartbeat

#: Seconds after which an unapplied payload expires in Redis; its collector still has it, and
#: stores it again when it sends the batch again.
PAYLOAD_LIFE = 86_400


class Publisher:
    """A sender to one broker and one state. After ``Unavailable``, call ``reset``."""

    def __init__(self, broker_url: str, state: State) -> None:
        self._connection = connect_broker(broker_url)
        self._state = state
        self._producer: Any = None

    def batches(self, batches: Sequence[tuple[bytes, str, bytes]]) -> None:
        """Send batches, each as its announcement, its payload's key and its payload."""
        with unavailable_errors():
            pipeline = self._state.pipeline(transaction=False)
            for _, key, payload in batches:
                pipeline.set(key, payload, ex=PAYLOAD_LIFE)
            pipeline.execute()
        crash_point(CrashAt.PAYLOAD_STORED)
        for announcement, _, _ in batches:
            self._publish(announcement)
        crash_point(CrashAt.ANNOUNCED)

    def heartbeat(self, heartbeat: Heartbeat) -> None:
        """Send a heartbeat, which says up to when everything is read."""
        self._publish(heartbeat.to_bytes())

    def waiting(self) -> int:
        """Return the number of messages in the queue that are not yet received."""
        with broker_errors(self._connection):
            channel = self._connected().channel
            return int(batch_queue()(channel).queue_declare().message_count)

    def reset(self) -> None:
        """Close the connections; the next sending opens new ones."""
        self._state.connection_pool.disconnect()
        former, self._connection = self._connection, self._connection.clone()
        self._producer = None
        with suppress(Unavailable), broker_errors(former):
            former.release()

    def _publish(self, body: bytes) -> None:
        with broker_errors(self._connection):
            self._connected().publish(
                body,
                exchange="",
                routing_key=QUEUE,
                content_type=CONTENT_TYPE,
                content_encoding="binary",
            )

    def _connected(self) -> Any:  # noqa: ANN401 - kombu's producer is untyped
        if self._producer is None:
            self._producer = self._connection.Producer()
            batch_queue()(self._producer.channel).declare()
        return self._producer
