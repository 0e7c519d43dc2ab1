"""Ports on the loopback address for servers that cannot do without."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that nobody listened on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
