"""The queue of announcements: one name, written here only, and how one reaches it.

A direct queue, published to by its name through the default exchange: there is
no binding that could be lost and swallow messages. Nothing of the promises
rests on the broker (DESIGN section 4): a lost announcement is sent again, a
repeated one is dropped by the ledger.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import kombu
from kombu.exceptions import OperationalError
from kombu.transport import pyamqp
from redis.backoff import NoBackoff
from redis.retry import Retry

from mailtally_shared.errors import Refused, SettingsError, Unavailable
from mailtally_shared.process.refusals import passing_refusal, refused_by_broker
from mailtally_shared.process.sentinel import is_sentinel, parse_sentinels, plainly
from mailtally_shared.process.tls import amqp_tls
from mailtally_shared.queue_guards.amqp_frames import guarded_frames
from mailtally_shared.queue_guards.redis_transport import (
    GuardedSentinelTransport,
    GuardedTransport,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = "mailtally.batches"
CONTENT_TYPE = "application/vnd.mailtally+json"
#: Seconds to wait for a connection or an answer; after a network was cut without a word, work goes
#: on this long, and one pause of the caller's, after it is back.
_TIMEOUT = 5.0
#: Seconds between looks whether a waiting consumer's connection still lives.
_HEALTH_CHECK = 3


#: The transports that may be used, by kombu's names for them.
_GUARDED = {
    "redis": GuardedTransport,
    "rediss": GuardedTransport,
    "sentinel": GuardedSentinelTransport,
    "amqp": pyamqp.Transport,
    "pyamqp": pyamqp.Transport,
    "amqps": pyamqp.SSLTransport,
}


class _Connection(kombu.Connection):  # type: ignore[misc]  # kombu is untyped
    """A connection by a transport that obeys nothing in a message."""

    def get_transport_cls(self) -> Any:  # noqa: ANN401 - kombu is untyped
        """Return the guarded form of the transport that the URL names."""
        return _GUARDED[self.transport_cls]


def connect_broker(url: str) -> kombu.Connection:
    """A connection to the broker; it connects at its first use.

    Args:
        url: kombu URL (``redis://``, ``redis+socket://``, ``amqp://`` …); of several Sentinels
            the last one's names the master: ``?master_name=…``.

    Raises:
        SettingsError: the URL names a transport that is not guarded.
    """
    if url.partition("://")[0].partition("+")[0] not in _GUARDED:
        raise SettingsError(
            "MAILTALLY_BROKER_URL: the queue is a Redis (redis://, rediss://, redis+socket://, "
            "sentinel://) or a RabbitMQ (amqp://, amqps://); no other transport is guarded."
        )
    options: dict[str, object] = {}
    if url.startswith("redis"):
        options = _of_redis()
    elif is_sentinel(url):
        sentinels = parse_sentinels(url)
        options = _of_redis() | {
            "master_name": sentinels.master,
            "sentinel_kwargs": {
                **sentinels.sentinel_login,
                "socket_timeout": _TIMEOUT,
                "socket_connect_timeout": _TIMEOUT,
                "retry": Retry(NoBackoff(), 0),
            },
        }
        url = sentinels.broker_url
    elif url.startswith("amqp"):
        # A server that is short of memory stops reading, and would hold the sender for ever.
        options = {"write_timeout": _TIMEOUT, "frame_handler": guarded_frames}
    url, tls = amqp_tls(url)
    return _Connection(
        url, connect_timeout=_TIMEOUT, transport_options=options, **({"ssl": tls} if tls else {})
    )


def _of_redis() -> dict[str, object]:
    return {
        "socket_timeout": _TIMEOUT,
        "socket_connect_timeout": _TIMEOUT,
        "health_check_interval": _HEALTH_CHECK,
    }


def batch_queue() -> kombu.Queue:
    """The queue, durable where the broker has such a thing."""
    return kombu.Queue(QUEUE, exchange=kombu.Exchange(""), routing_key=QUEUE)


@contextmanager
def broker_errors(connection: kombu.Connection) -> Iterator[None]:
    """Turn the broker's failures into what is to be done.

    Raises:
        Unavailable: it is away, or cannot work at the moment.
        Refused: the URL names a broker that cannot be used.
    """
    failures = (*connection.connection_errors, *connection.channel_errors, OperationalError)
    try:
        yield
    except failures as error:
        if why := refused_by_broker(error):
            raise Refused(f"The broker cannot be used: {why}.") from error
        if said := passing_refusal(error):
            raise Unavailable(f"The broker cannot work now: {said}.") from error
        raise Unavailable(f"The broker does not answer: {plainly(error)}.") from error
