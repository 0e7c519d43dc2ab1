"""Clients that count their bytes: SMTP, IMAP and POP3 of the standard library, on counting sockets.

What they count is the truth that logs are held against.
"""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PATIENCE = 30.0  # seconds that a server may take for an answer


class CountingSocket(socket.socket):
    """A TCP socket that counts the bytes it sent and received."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.sent = self.received = 0
        self.settimeout(_PATIENCE)

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401 - any buffer
        """Send and count."""
        super().sendall(data, flags)
        self.sent += len(data)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401 - any buffer
        """Receive and count; what ``makefile`` returned reads with it."""
        count = super().recv_into(buffer, nbytes, flags)
        self.received += count
        return count


def connected(source: str, host: str, port: int) -> CountingSocket:
    """Connect from an address to a server."""
    made = CountingSocket()
    made.bind((source, 0))
    made.connect((host, port))
    return made


@dataclass(frozen=True)
class Sent:
    """A message that a server took: what the client wrote, and the server's word for it."""

    wire: int  # bytes of the message with CRLF, without dot-stuffing and the closing dot
    reply: str

    @property
    def queue_id(self) -> str:
        """The last word of a reply such as ``2.0.0 Ok: queued as 4F2D``."""
        return self.reply.split()[-1].removeprefix("id=")


class SmtpClient(smtplib.SMTP):
    """An SMTP client at an address of the laboratory's network."""

    def __init__(self, source: str, server: tuple[str, int]) -> None:
        self._at = source
        super().__init__(*server, local_hostname="client.example.org", timeout=_PATIENCE)

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        del timeout
        return connected(self._at, host, port)

    def give(
        self, sender: str, recipients: Sequence[str], message: bytes, options: Sequence[str] = ()
    ) -> Sent:
        """Send a message with CRLF line ends to recipients that are all to be accepted."""
        self.ehlo_or_helo_if_needed()
        for code, reply in (
            self.mail(sender, options),
            *(self.rcpt(recipient) for recipient in recipients),
        ):
            assert code == 250, reply
        code, reply = self.data(message)
        assert code == 250, reply
        return Sent(len(message), reply.decode())


@dataclass(frozen=True)
class Session:
    """What went over a connection once the login's command was sent."""

    to_server: int
    to_client: int  # the login's reply included


class ImapClient(imaplib.IMAP4):
    """An IMAP client that is logged in."""

    def __init__(self, source: str, server: tuple[str, int], user: str, password: str) -> None:
        self._at = source
        super().__init__(*server)
        before = self._counted.received
        self.login(user, password)
        self._start = self._counted.sent, before

    def _create_socket(self, timeout: float | None) -> socket.socket:
        del timeout
        self._counted = connected(self._at, self.host, self.port)
        return self._counted

    def end(self) -> Session:
        """Log out and return what the session moved."""
        self.logout()
        return self._session()

    def cut(self) -> Session:
        """Close the connection without a word and return what the session moved."""
        self.shutdown()
        return self._session()

    def _session(self) -> Session:
        sent, received = self._start
        return Session(self._counted.sent - sent, self._counted.received - received)


class Pop3Client(poplib.POP3):
    """A POP3 client that is logged in."""

    def __init__(self, source: str, server: tuple[str, int], user: str, password: str) -> None:
        self._at = source
        super().__init__(*server)
        self.user(user)
        before = self._counted.received
        self.pass_(password)
        self._start = self._counted.sent, before

    def _create_socket(self, timeout: float | None) -> socket.socket:
        del timeout
        self._counted = connected(self._at, self.host, self.port)
        return self._counted

    def counted(self, asked: Callable[[], object]) -> int:
        """Return how many bytes the answer has that ``asked`` asks for."""
        before = self._counted.received
        asked()
        return self._counted.received - before

    def end(self) -> Session:
        """Quit, and return what the session moved."""
        self.quit()
        sent, received = self._start
        return Session(self._counted.sent - sent, self._counted.received - received)


def message(size: int, *, sender: str, recipient: str, subject: str = "Figures") -> bytes:
    """A message of ``size`` bytes, in lines of at most 72 with CRLF, none with a dot first."""
    headers = (
        f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\n"
        "Date: Sun, 08 Nov 2026 09:01:02 +0000\r\nMessage-ID: <figures@client.example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    ).encode()
    left = size - len(headers)
    assert left >= 3, f"a message with these headers has {len(headers) + 3} bytes or more"
    line = b"x" * 70 + b"\r\n"
    count, last = divmod(left, len(line))
    if 0 < last < 3:  # too short for a line: the line before gives some of its own
        count, last = count - 1, last + len(line)
        ends = b"x" * (last - 10) + b"\r\n" + b"x" * 6 + b"\r\n"
    else:
        ends = b"x" * (last - 2) + b"\r\n" if last else b""
    whole = headers + line * count + ends
    assert len(whole) == size, (len(whole), size)
    return whole
