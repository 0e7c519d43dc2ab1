"""A foreign mail server that counts what it gets, and defers or rejects where a test wants it."""

from __future__ import annotations

import socketserver
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_ACCEPTED = "250 2.0.0 Ok: taken by the sink"


@dataclass(frozen=True)
class Taken:
    """A message that came whole."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes  # with CRLF, dot-stuffing undone
    reply: str

    @property
    def accepted(self) -> bool:
        """Whether the client was told that it is delivered."""
        return self.reply.startswith("2")


class Sink:
    """Listen at an address; ``at_rcpt`` and ``after_data`` hold the next replies by recipient.

    A reply that is not 2xx is used once and then dropped; with none left, all is accepted.
    """

    def __init__(self, address: str, port: int = 25, final_reply: str = _ACCEPTED) -> None:
        self.taken: list[Taken] = []
        self.at_rcpt: dict[str, list[str]] = defaultdict(list)
        self.after_data: dict[str, list[str]] = defaultdict(list)
        self.final_reply = final_reply
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(ConnectionError):  # the client is gone
                    _Conversation(sink, self).hold()

        self._server = _Server((address, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="sink")

    def bytes_for(self, recipient: str) -> list[int]:
        """Sizes of the messages that were accepted for a recipient."""
        found = (taken for taken in self.taken if taken.accepted)
        return [len(taken.data) for taken in found if recipient in taken.recipients]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True  # a client may keep its connection open longer than the test goes on


class _Conversation:
    """One SMTP connection, as far as a well-behaved client needs it."""

    def __init__(self, sink: Sink, handler: socketserver.StreamRequestHandler) -> None:
        self._sink = sink
        self._in, self._out = handler.rfile, handler.wfile
        self._sender, self._recipients = "", list[str]()

    def hold(self) -> None:
        self._say("220 sink.example.org ESMTP")
        for raw in self._in:
            line = raw.decode("utf-8").rstrip("\r\n")
            if not self._obey(line.partition(" ")[0].upper(), line):
                return

    def _obey(self, verb: str, line: str) -> bool:
        if verb in ("EHLO", "LHLO"):
            self._say("250-sink.example.org\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN")
        elif verb == "MAIL":
            self._sender, self._recipients = _path(line), []
            self._say("250 2.1.0 Ok")
        elif verb == "RCPT":
            self._rcpt(_path(line))
        elif verb == "DATA":
            self._data()
        elif verb == "QUIT":
            self._say("221 2.0.0 Bye")
            return False
        else:
            self._say("250 2.0.0 Ok")
        return True

    def _rcpt(self, recipient: str) -> None:
        waiting = self._sink.at_rcpt[recipient]
        if waiting:
            self._say(waiting.pop(0))
            return
        self._recipients.append(recipient)
        self._say("250 2.1.5 Ok")

    def _data(self) -> None:
        if not self._recipients:
            self._say("554 5.5.1 No valid recipients")
            return
        self._say("354 End data with <CR><LF>.<CR><LF>")
        lines = []
        for raw in self._in:
            if raw == b".\r\n":
                break
            lines.append(raw.removeprefix(b"."))
        replies = (self._sink.after_data[recipient] for recipient in self._recipients)
        reply = next((waiting.pop(0) for waiting in replies if waiting), self._sink.final_reply)
        taken = Taken(self._sender, tuple(self._recipients), b"".join(lines), reply)
        self._sink.taken.append(taken)
        self._say(reply)

    def _say(self, reply: str) -> None:
        self._out.write(f"{reply}\r\n".encode())


def _path(line: str) -> str:
    """What is between the first ``<`` and its ``>``; a quoted local part may hold either."""
    path = line[line.index("<") + 1 :]
    end, quoted, escaped = 0, False, False
    for end, char in enumerate(path):  # noqa: B007 - the position of the end is the result
        if char == ">" and not quoted:
            break
        quoted ^= char == '"' and not escaped
        escaped = char == "\\" and not escaped
    return path[:end]
