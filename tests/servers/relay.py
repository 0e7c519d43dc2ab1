"""A content filter that changes nothing: it hands bytes on to where the server takes mail back."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_CHUNK = 65536


class Filter:
    """Listen at ``here`` and connect each client to ``there``."""

    def __init__(self, here: tuple[str, int], there: tuple[str, int]) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(there) as other:
                    back = threading.Thread(target=_pump, args=(other, self.request))
                    back.start()
                    _pump(self.request, other)
                    back.join()

        self._server = _Server(here, Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="filter")

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
    daemon_threads = True


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # the other side is gone: so is this one
        while data := source.recv(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
