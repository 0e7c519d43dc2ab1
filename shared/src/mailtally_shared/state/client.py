"""The connection to the state, configured alike for every process."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel as SentinelClient

from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.runtime.refusals import lasting_refusal, passing_refusal
from mailtally_shared.runtime.sentinel import Sentinels, is_sentinel, parse_sentinels, plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

State = redis.Redis
#: The server is away, or the answer is not a Redis's.
_SILENCE = (
    *(redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse),
    *(ConnectionError, TimeoutError, ssl.SSLError),
)
_Sentinel: Any = SentinelClient  # it has no types


def drop_idle(state: State) -> None:
    """Close the connections that no thread uses, after another connection has failed.

    A network that went silent may hold them as well, and each would cost a time-out of its own.
    """
    state.connection_pool.disconnect(inuse_connections=False)


def connect_state(url: str, timeout: float = 5.0) -> State:
    """Return a client of the state; it connects at its first command.

    Args:
        url: redis-py URL (``redis://``, ``rediss://``, ``unix://``), or ``sentinel://``.
        timeout: seconds to wait for a connection or an answer.

    Retries are left to the callers' own backoff loops (``unavailable_errors``):
    a command that the client repeats itself could hide a lost answer.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": 30,
        "retry": Retry(NoBackoff(), 0),
    }
    if is_sentinel(url):
        return _behind(parse_sentinels(url), options)
    return redis.Redis.from_url(url, **options)


def _behind(sentinels: Sentinels, options: dict[str, Any]) -> State:
    """Return a client that connects to whichever server is the master at that time."""
    own = {**sentinels.sentinel_login, **options}
    asking: Any = _Sentinel(sentinels.addresses, sentinel_kwargs=own)
    state: State = asking.master_for(
        sentinels.master,
        redis.Redis,
        db=sentinels.database,
        username=sentinels.username or None,
        password=sentinels.password or None,
        **options,
    )
    return state


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Translate redis-py's failures into errors that say what to do; pass bugs on.

    Raises:
        Unavailable: the server is away, or cannot work at the moment.
        Refused: the URL names a server that cannot be used.
    """
    try:
        yield
    except (redis.RedisError, *_SILENCE) as error:
        if why := lasting_refusal(error):
            raise Refused(f"Redis (the state) cannot be used: {why}.") from error
        if said := passing_refusal(error):
            raise Unavailable(f"Redis (the state) cannot work now: {said}.") from error
        # redis-py raises another error for a connection that is lost while it watches keys.
        cause = error.__context__ if isinstance(error, redis.WatchError) else error
        if isinstance(cause, _SILENCE):
            raise Unavailable(f"Redis (the state) does not answer: {plainly(cause)}.") from error
        raise
