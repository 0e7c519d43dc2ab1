"""Receiving announcements from the queue, as many at once as a group may hold."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailtally_shared.errors import Unavailable
from mailtally_shared.wire.announcement import MAX_MESSAGE
from mailtally_shared.wire.queue import batch_queue, broker_errors, connect_broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Seconds to wait for a message while the queue is empty.
LOOK = 0.25
#: Seconds to wait for one more message after the first.
_NEXT = 0.002
#: Size of the messages taken, in bytes, from which no more are taken.
MAX_IN_HAND = 2 * MAX_MESSAGE


@dataclass(slots=True)
class Received:
    """Messages taken from the queue and not yet acknowledged."""

    messages: list[Any] = field(default_factory=list)

    def bodies(self) -> list[bytes]:
        """Return the contents of the messages, as bytes."""
        return [_body(message) for message in self.messages]


class Receiver:
    """A competing consumer of the queue. It reconnects at the next ``collect`` after a failure."""

    def __init__(self, url: str, prefetch: int) -> None:
        self._connection = connect_broker(url)
        self._prefetch = prefetch
        self._waiting: list[Any] = []
        self._consumer: Any = None

    def collect(self, is_full: Callable[[int], bool], patience: float | None = None) -> Received:
        """Wait for a message, then take those already there.

        Args:
            is_full: receives the number of messages taken; true ends the collecting.
            patience: seconds to wait for the first message; ``LOOK`` by default.

        Raises:
            Unavailable: the broker does not answer. The messages taken come again, from
                the broker or from their collector.
        """
        with broker_errors(self._connection):
            self._connect()
            patience = max(_NEXT, LOOK if patience is None else patience)
            while self._has_room(is_full) and self._drain(patience):
                patience = _NEXT
        received, self._waiting = Received(self._waiting), []
        return received

    def acknowledge(self, messages: Iterable[Any]) -> None:
        """Acknowledge messages to the broker. A failure costs only a duplicate.

        Those of a connection that was lost are not acknowledged: they come again.
        """
        channel = self._consumer.channel if self._consumer is not None else None
        with broker_errors(self._connection):
            for message in messages:
                if message.channel is channel and not message.acknowledged:
                    message.ack()

    def close(self) -> None:
        """Disconnect. Unacknowledged messages come again, from the broker or their collector."""
        with broker_errors(self._connection):
            if self._consumer is not None:
                self._consumer.cancel()
            self._connection.release()

    def reset(self) -> None:
        """Drop the connection and the messages taken through it, after a failure.

        Closing it may still deliver a message, which could no longer be acknowledged.
        """
        former, self._connection = self._connection, self._connection.clone()
        with suppress(Unavailable), broker_errors(former):
            former.release()
        self._waiting, self._consumer = [], None

    def _connect(self) -> None:
        if self._consumer is None:
            channel = self._connection.channel()
            self._consumer = self._connection.Consumer(
                batch_queue(), channel=channel, on_message=self._take, accept=[]
            )
            self._consumer.qos(prefetch_count=self._prefetch)
            self._consumer.consume()

    def _has_room(self, is_full: Callable[[int], bool]) -> bool:
        size = sum(len(message.body) for message in self._waiting)
        return size < MAX_IN_HAND and not is_full(len(self._waiting))

    def _take(self, message: Any) -> None:  # noqa: ANN401 - kombu's messages are untyped
        self._waiting.append(message)

    def _drain(self, patience: float) -> bool:
        try:
            self._connection.drain_events(timeout=patience)
        except TimeoutError:
            return False
        return True


def _body(message: Any) -> bytes:  # noqa: ANN401 - kombu's messages are untyped
    body = message.body
    return body.encode() if isinstance(body, str) else bytes(body)
