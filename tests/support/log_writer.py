"""Writes a traffic log as a mail server does: ``python -m tests.support.log_writer LOG HUP``.

With ``reopen`` for HUP it opens the log anew on SIGHUP, with ``ignore`` never. Its process id is in
``LOG.pid`` from when it heeds signals on. On SIGTERM it ends, and says how many lines
it has written.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from tests.support.cluster import log_line

#: Seconds between two lines.
_PAUSE = 0.003


class Writer:
    """One line after another into one open file."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = self._open()
        self._hung_up = False

    def hang_up(self, *_: object) -> None:
        """A signal's handler: the log is opened anew before the next line."""
        self._hung_up = True

    def write(self, line: bytes) -> None:
        """Append a line."""
        if self._hung_up:
            self._hung_up = False
            os.close(self._file)
            self._file = self._open()
        os.write(self._file, line)

    def _open(self) -> int:
        return os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)


def main(log: Path, *, reopen: bool) -> int:
    """Write lines of one byte of traffic each, of today; returns how many."""
    writer, ended = Writer(log), threading.Event()
    signal.signal(signal.SIGHUP, writer.hang_up if reopen else signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    log.with_name(f"{log.name}.pid").write_text(str(os.getpid()))
    written = 0
    while not ended.wait(_PAUSE):
        writer.write(log_line(int(time.time()), "a@example.com", 1))
        written += 1
    return written


if __name__ == "__main__":
    sys.stdout.write(str(main(Path(sys.argv[1]), reopen=sys.argv[2] == "reopen")))
