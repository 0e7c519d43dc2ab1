"""The queue of announcements: one name, written here only, and how one reaches it.

A direct queue, published to by its name through the default exchange: there is
no binding that could be lost and swallow messages. Nothing of the promises
rests on the broker (DESIGN section 4): a lost announcement is sent again, a
repeated one is dropped by the ledger.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import kombu
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from mailtally_shared.errors import Unavailable
from mailtally_shared.process.refusals import passing_refusal
from mailtally_shared.process.sentinel import is_sentinel, parse_sentinels, plainly
from mailtally_shared.process.tls import amqp_tls

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = "mailtally.batches"
CONTENT_TYPE = "application/vnd.mailtally+json"
#: Seconds after which kombu's Redis transport hands out an unacknowledged message again.
VISIBILITY_TIMEOUT = 300
#: It looks for such messages at its first empty look into the queue, then at one in so many: each
#: time takes and gives back a lock, which Redis writes to its disk. At four looks a second that is
#: every five minutes; the collectors send again what is missing long before.
_RESTORE_THROTTLE = 1200
#: Seconds to wait for a connection or an answer; after a network was cut without a word, work goes
#: on this long, and one pause of the caller's, after it is back.
_TIMEOUT = 5.0
#: Seconds between looks whether a waiting consumer's connection still lives.
_HEALTH_CHECK = 3


def connect_broker(url: str) -> kombu.Connection:
    """A connection to the broker; it connects at its first use.

    Args:
        url: kombu URL (``redis://``, ``redis+socket://``, ``amqp://`` …); of several Sentinels
            the last one's names the master: ``?master_name=…``.
    """
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
        options = {"write_timeout": _TIMEOUT}
    url, tls = amqp_tls(url)
    return kombu.Connection(
        url, connect_timeout=_TIMEOUT, transport_options=options, **({"ssl": tls} if tls else {})
    )


def _of_redis() -> dict[str, object]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "unacked_restore_throttle": _RESTORE_THROTTLE,
        "socket_timeout": _TIMEOUT,
        "socket_connect_timeout": _TIMEOUT,
        "health_check_interval": _HEALTH_CHECK,
        # These are shared by everything in one Redis database unless renamed.
        "unacked_key": f"{QUEUE}.unacked",
        "unacked_index_key": f"{QUEUE}.unacked-index",
        "unacked_mutex_key": f"{QUEUE}.unacked-mutex",
    }


def batch_queue() -> kombu.Queue:
    """The queue, durable where the broker has such a thing."""
    return kombu.Queue(QUEUE, exchange=kombu.Exchange(""), routing_key=QUEUE)


@contextmanager
def broker_errors(connection: kombu.Connection) -> Iterator[None]:
    """Turn the broker's failures into ``Unavailable``; whoever catches it backs off."""
    failures = (*connection.connection_errors, *connection.channel_errors, OperationalError)
    try:
        yield
    except failures as error:
        if said := passing_refusal(error):
            raise Unavailable(f"The broker cannot work now: {said}.") from error
        raise Unavailable(f"The broker does not answer: {plainly(error)}.") from error
