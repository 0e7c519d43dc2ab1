"""kombu's Redis transport, guarded against what a sender could do to its consumers.

Unchanged, kombu reads an element of any size, parses it as JSON, obeys its encoding
and compression, records it under the sender's delivery tag, and, when its consumer is
lost, restores it to whatever key the message names. Here:

- an element that is too large is skipped on the socket, unread;
- kombu sees only an envelope made by ``clean_envelope``;
- no message that was taken is recorded anywhere, so none is ever restored. A
  collector sends again what the ledger does not show as applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu.transport import redis as kombu_redis
from redis._parsers import _RESP2Parser
from redis._parsers.socket import SERVER_CLOSED_CONNECTION_ERROR, SocketBuffer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.utils import SENTINEL

from mailtally_shared.wire.announcement import TOO_LARGE
from mailtally_shared.wire.envelope import MAX_ENVELOPE, clean_envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE_END = 2
_CHUNK = 65_536


class _BoundedBuffer(SocketBuffer):
    """A buffer that skips an element larger than an envelope may be."""

    def read(self, length: int, timeout: Any = SENTINEL) -> bytes:  # noqa: ANN401 - as redis-py has it
        if length <= MAX_ENVELOPE:
            return super().read(length, timeout)
        missing = length + _LINE_END
        missing -= len(self._buffer.read(missing))
        while missing:
            passed = self._sock.recv(min(missing, _CHUNK))
            if not passed:
                raise RedisConnectionError(SERVER_CLOSED_CONNECTION_ERROR)
            missing -= len(passed)
        return TOO_LARGE


class BoundedParser(_RESP2Parser):
    """redis-py's own parser of answers, on a bounded buffer."""

    def on_connect(self, connection: Any) -> None:  # noqa: ANN401 - as redis-py has it
        """Replace the usual buffer by the bounded one."""
        super().on_connect(connection)  # type: ignore[no-untyped-call]  # its stub has no types
        socket: Any = self._sock  # set, as it was just connected
        self._buffer = _BoundedBuffer(socket, self.socket_read_size, connection.socket_timeout)


class _NothingNoted(kombu_redis.QoS):  # type: ignore[misc]  # kombu is untyped
    """A QoS that records no message and restores none."""

    restore_at_shutdown = False

    def append(self, message: object, delivery_tag: str) -> None:
        """Skip kombu's record of the message under the sender's tag."""

    def ack(self, delivery_tag: str) -> None:
        """Skip the removal of that record."""

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's
        """Skip the removal or the restoring."""

    def restore_visible(self, *_: object, **__: object) -> None:
        """Restore nothing that other consumers recorded long ago."""

    def restore_unacked(self, client: object = None) -> None:
        """Restore nothing that this consumer is working on."""


class _Guarded:
    """The changes to both of kombu's channels to a Redis."""

    QoS = _NothingNoted
    do_restore = False

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]  # of kombu's channel
        if asynchronous:  # the connection on which messages arrive
            parameters |= {"parser_class": BoundedParser, "protocol": 2}
        return parameters

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's
        client = super()._create_client(asynchronous)  # type: ignore[misc]  # of kombu's channel
        client.set_response_callback("BRPOP", _cleaned)
        return client


class _Channel(_Guarded, kombu_redis.Channel):  # type: ignore[misc]  # kombu is untyped
    pass


class _SentinelChannel(_Guarded, kombu_redis.SentinelChannel):  # type: ignore[misc]  # kombu is untyped
    pass


class GuardedTransport(kombu_redis.Transport):  # type: ignore[misc]  # kombu is untyped
    """The transport to one Redis server."""

    Channel = _Channel


class GuardedSentinelTransport(kombu_redis.SentinelTransport):  # type: ignore[misc]  # kombu is untyped
    """The transport to the master that Sentinels name."""

    Channel = _SentinelChannel


def _cleaned(answer: Sequence[bytes] | None, **_: object) -> tuple[bytes, bytes] | None:
    if not answer:
        return None
    key, sent = answer
    return key, clean_envelope(sent, key.decode("ascii", "replace"))
