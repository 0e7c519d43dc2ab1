"""The queue of announcements: its name, and the connection to it.

It is a direct queue, published to by its name through the default exchange: no
binding can be lost and swallow messages. Exact counting does not depend on the
broker: a lost announcement is sent again, a repeated one is dropped by the ledger.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import kombu
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from mailtally_shared.errors import Refused, SettingsError, Unavailable
from mailtally_shared.runtime.refusals import passing_refusal, refused_by_broker
from mailtally_shared.runtime.sentinel import is_sentinel, parse_sentinels, plainly
from mailtally_shared.runtime.tls import amqp_tls
from mailtally_shared.wire.redis_transport import (
    GuardedSentinelTransport,
    GuardedTransport,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = "mailtally.batches"
CONTENT_TYPE = "application/vnd.mailtally+json"
#: Seconds to wait for a connection or an answer. When a network that was cut comes back, work
#: resumes within this time and one pause of the caller's.
_TIMEOUT = 5.0
#: Seconds between checks that a waiting consumer's connection is still alive.
_HEALTH_CHECK = 3


#: The transports that may be used, by kombu's names: guarded ones …
_GUARDED = {
    "redis": GuardedTransport,
    "rediss": GuardedTransport,
    "sentinel": GuardedSentinelTransport,
}
#: … and kombu's own, imported only where they are used. Their frames are guarded.
_AMQP = ("amqp", "pyamqp", "amqps")


class _Connection(kombu.Connection):  # type: ignore[misc]  # kombu is untyped
    """A connection with a transport that obeys nothing in a message."""

    def get_transport_cls(self) -> Any:  # noqa: ANN401 - kombu is untyped
        """Return the guarded form of the transport that the URL names."""
        return _GUARDED.get(self.transport_cls) or super().get_transport_cls()


def connect_broker(url: str) -> kombu.Connection:
    """Return a connection to the broker; it connects at its first use.

    Args:
        url: kombu URL (``redis://``, ``redis+socket://``, ``amqp://`` …); of several Sentinels,
            the last one's names the master: ``?master_name=…``.

    Raises:
        SettingsError: the URL names a transport that is not guarded.
    """
    if url.partition("://")[0].partition("+")[0] not in (*_GUARDED, *_AMQP):
        raise SettingsError(
            "MAILTALLY_BROKER_URL: the queue must be a Redis (redis://, rediss://, "
            "redis+socket://, sentinel://) or a RabbitMQ (amqp://, amqps://)."
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
        from mailtally_shared.wire.amqp_frames import guarded_frames  # noqa: PLC0415 - see _AMQP

        # A server that is short of memory stops reading, and would block the sender for ever.
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
    """Return the queue, durable where the broker supports that."""
    return kombu.Queue(QUEUE, exchange=kombu.Exchange(""), routing_key=QUEUE)


@contextmanager
def broker_errors(connection: kombu.Connection) -> Iterator[None]:
    """Translate the broker's failures into errors that say what to do.

    Raises:
        Unavailable: the broker is away, or cannot work at the moment.
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
