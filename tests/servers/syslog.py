"""A syslog daemon in a thread: what a host's servers say, in one file with one form of lines."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.servers.framing import iso_line
from tests.servers.host_log import HostLog

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_LONGEST = 65536  # bytes; a datagram
_LOOK = 0.1  # seconds between looks whether to stop


class SyslogReader(HostLog):
    """Read the socket at ``device`` and append each line to ``log``, with ISO stamps.

    ``device`` is ``dev/log`` of a sandbox. Lines are written one by one, and the file is opened
    anew for each, so that it may be renamed at any time.
    """

    def __init__(self, device: Path, log: Path, host: str) -> None:
        super().__init__(log)
        self._host = host
        self._stopping = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # A path of a temporary directory may be too long for an address: 108 bytes.
        folder = os.open(device.parent, os.O_DIRECTORY)
        try:
            self._socket.bind(f"/proc/self/fd/{folder}/{device.name}")
        finally:
            os.close(folder)
        device.chmod(0o666)
        self._socket.settimeout(_LOOK)
        self._thread = threading.Thread(target=self._read, name="syslog")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram = self._socket.recv(_LONGEST)
            except TimeoutError:
                continue
            line = iso_line(datagram, datetime.now(UTC), self._host)
            with self.log.open("ab") as file:
                file.write(line)
