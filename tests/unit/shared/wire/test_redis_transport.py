"""What kombu's Redis transport is given of a server's answers."""

from __future__ import annotations

import socket
import threading

import pytest
from redis._parsers.encoders import Encoder

from mailtally_shared.wire.announcement import TOO_LARGE
from mailtally_shared.wire.envelope import MAX_ENVELOPE
from mailtally_shared.wire.redis_transport import BoundedParser


@pytest.mark.parametrize(
    ("size", "expected"),
    [(MAX_ENVELOPE, None), (MAX_ENVELOPE + 1, TOO_LARGE), (2 * MAX_ENVELOPE, TOO_LARGE)],
)
def test_an_element_beyond_the_size_of_an_envelope_is_skipped(
    size: int, expected: bytes | None
) -> None:
    ours, servers = socket.socketpair()
    with ours, servers:
        content = b"x" * size
        answer = b"$%d\r\n%b\r\n+OK\r\n" % (size, content)
        sender = threading.Thread(target=servers.sendall, args=(answer,))
        sender.start()
        parser = BoundedParser(socket_read_size=65_536)  # type: ignore[no-untyped-call]  # redis-py is not typed
        parser.on_connect(Connection(ours))
        assert parser.read_response() == (content if expected is None else expected)
        assert parser.read_response() == b"OK"
        sender.join()


class Connection:
    """As much of redis-py's connection as its parser asks for."""

    socket_timeout = None

    def __init__(self, connected: socket.socket) -> None:
        self._sock = connected
        self.encoder = Encoder("utf-8", "strict", decode_responses=False)  # type: ignore[no-untyped-call]  # same
