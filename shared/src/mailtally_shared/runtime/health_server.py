"""The HTTP server that answers whether a process is alive and ready."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from mailtally_shared.errors import MailtallyError
from mailtally_shared.runtime.urls import mask_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from mailtally_shared.runtime.health import Health, Verdict

_logger = logging.getLogger(__name__)

#: Seconds after which a client that has not completed its request is dropped.
_REQUEST_TIMEOUT = 5.0
#: The version is that of Prometheus's text format; browsers ignore it.
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Answer = tuple[int, str]


class HealthServer:
    """Server of ``/healthz`` and ``/readyz`` (200 or 503, the reason as text) and ``/metrics``.

    It runs in threads of its own between ``__enter__`` and ``__exit__``.

    Args:
        address: host and port to listen on; port 0 takes a free one.
        health: the source of the answers.
        metrics: returns the text of ``/metrics``; without it that page does not exist.
    """

    def __init__(
        self,
        address: tuple[str, int],
        health: Health,
        metrics: Callable[[], str] | None = None,
    ) -> None:
        self._address = address
        pages: dict[str, Callable[[], Answer]] = {
            "/healthz": lambda: _answer(health.alive()),
            "/readyz": lambda: _answer(health.ready()),
        }
        if metrics is not None:
            pages["/metrics"] = lambda: (200, metrics())
        self._handler = type("_Handler", (_Handler,), {"pages": pages})
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; only while the server runs."""
        if self._server is None:
            raise RuntimeError("the health server is not running")
        return self._server.server_port

    def __enter__(self) -> Self:
        host, port = self._address
        try:
            self._server = _Server(self._address, self._handler)
        except OSError as error:
            raise MailtallyError(
                f"Cannot listen on {host}:{port} for health checks: {error.strerror}. "
                "Set another health_address, or none."
            ) from error
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, *_request_and_client: object) -> None:
        """Log at debug level: most failures are clients that hung up."""
        _logger.debug("a health request failed", exc_info=sys.exc_info())


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, Callable[[], Answer]]
    timeout = _REQUEST_TIMEOUT
    server_version = "mailtally"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        code, text = page() if page else (404, "no such page")
        body = mask_url(text).rstrip("\n").encode() + b"\n"
        self.send_response(code)
        self.send_header("Content-Type", _CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Log nothing: probes come every few seconds."""


def _answer(verdict: Verdict) -> Answer:
    return (200 if verdict.ok else 503), verdict.reason
