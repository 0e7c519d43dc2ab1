"""The machine that a collector runs on, as an operator knows it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

#: A clone may have the same id, and a container none.
_MACHINE_ID = Path("/etc/machine-id")
_DIGITS, _LONGEST = 8, 64


def machine_name() -> str:
    """Return host name, machine id and process: ``mail1 (machine 3f2a9c01, process 7)``."""
    name = socket.gethostname().encode("ascii", "replace").decode("ascii")[:_LONGEST]
    parts = [f"process {os.getpid()}"]
    with suppress(OSError, UnicodeDecodeError):
        machine = _MACHINE_ID.read_text("ascii").strip()[:_DIGITS]
        parts = [f"machine {machine}", *parts] if machine else parts
    return f"{name} ({', '.join(parts)})"
