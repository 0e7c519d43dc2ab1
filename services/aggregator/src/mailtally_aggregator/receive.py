"""Receive announcements from the queue, as many at once as a group may hold."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailtally_shared.errors import Unavailable
from mailtally_shared.header import MAX_MESSAGE
from mailtally_shared.queue import batch_queue, broker_errors, connect_broker

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds of one look into an empty queue.
LOOK = 0.25
#: Seconds to wait for one more message once there is one.
_NEXT = 0.002
#: Bytes in hand from which no more is taken, whatever the number of messages.
MAX_IN_HAND = 2 * MAX_MESSAGE


@dataclass(slots=True)
class Received:
    """Messages taken from the queue and not yet acknowledged."""

    messages: list[Any] = field(default_factory=list)

    def bodies(self) -> list[bytes]:
        """What the messages hold, as bytes."""
        return [_body(message) for message in self.messages]


class Receiver:
    """A competing consumer of the queue. Reconnects at the next ``collect`` after a failure."""

    def __init__(self, url: str, prefetch: int) -> None:
        self._connection = connect_broker(url)
        self._prefetch = prefetch
        self._waiting: list[Any] = []
        self._consumer: Any = None

    def collect(self, is_full: Callable[[int], bool], linger: float = 0.0) -> Received:
        """Wait up to ``LOOK`` for a message, then take those that are there already.

        Args:
            is_full: told how many messages are in hand; true ends the collecting.
            linger: seconds after the first message in which others are waited for.

        Raises:
            Unavailable: the broker does not answer. What was in hand is handed
                out again, by the broker or by its collector.
        """
        with broker_errors(self._connection):
            self._connect()
            patience, end = LOOK, math.inf
            while self._has_room(is_full) and self._drain(patience):
                end = min(end, time.monotonic() + linger)
                patience = max(_NEXT, end - time.monotonic())
        received, self._waiting = Received(self._waiting), []
        return received

    def acknowledge(self, received: Received) -> None:
        """Tell the broker to forget these messages. Failing to costs only a duplicate."""
        with broker_errors(self._connection):
            for message in received.messages:
                if not message.acknowledged:
                    message.ack()

    def close(self) -> None:
        """Disconnect. What is unacknowledged comes again, from the broker or its collector."""
        with broker_errors(self._connection):
            if self._consumer is not None:
                self._consumer.cancel()
            self._connection.release()

    def reset(self) -> None:
        """After a failure: forget the connection and what came through it.

        Closing it may still hand out a message, which could not be acknowledged any more.
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
