"""MySQL 8's default login (caching_sha2_password) without TLS: the password comes encrypted."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mailtally_shared.billing.engine import open_engine, probe
from mailtally_shared.errors import Unavailable
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "Kw7v/Qz@2m"  # noqa: S105 - made up
SALT = b"abcdefghijklmnopqrst"
_SHA1 = hashes.SHA1()  # noqa: S303 - the protocol's
_CAPABILITIES = 0x000EA209
_FULL_LOGIN, _KEY = b"\x01\x04", b"\x01"


class Server:
    """MySQL 8's side of a login up to the password."""

    def __init__(self) -> None:
        self.port = free_port()
        self.passwords: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with connection, suppress(OSError):
                    self._log_in(connection)

    def _log_in(self, connection: socket.socket) -> None:
        connection.sendall(_packet(0, _greeting()))
        answer = connection.recv(65536)
        connection.sendall(_packet(answer[3] + 1, _FULL_LOGIN))
        wanted = connection.recv(65536)
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        connection.sendall(_packet(wanted[3] + 1, _KEY + public))
        secret = connection.recv(65536)[4:]
        oaep = padding.OAEP(padding.MGF1(_SHA1), _SHA1, None)
        plain = self._key.decrypt(secret, oaep)
        salted = zip(plain, SALT * (len(plain) // len(SALT) + 1), strict=False)
        self.passwords.append(bytes(one ^ other for one, other in salted).rstrip(b"\0").decode())


def _packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def _greeting() -> bytes:
    low, high = struct.pack("<H", _CAPABILITIES & 0xFFFF), struct.pack("<H", _CAPABILITIES >> 16)
    head = b"\x0a8.0.36\0" + struct.pack("<I", 1) + SALT[:8] + b"\0"
    middle = low + bytes([45]) + struct.pack("<H", 2) + high + bytes([21]) + bytes(10)
    return head + middle + SALT[8:] + b"\0caching_sha2_password\0"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_mysql_8_is_told_the_password_and_a_lost_connection_is_waited_for(server: Server) -> None:
    engine = open_engine(f"mysql://mailtally:Kw7v%2FQz%402m@127.0.0.1:{server.port}/mailtally")
    with pytest.raises(Unavailable, match="cannot be used") as caught:
        probe(engine)
    assert server.passwords == [PASSWORD]
    assert PASSWORD not in str(caught.value)
