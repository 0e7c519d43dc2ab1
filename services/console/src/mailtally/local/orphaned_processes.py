"""Orphaned processes of an earlier run in a data directory: a server, services still stopping."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import time
from typing import TYPE_CHECKING

from mailtally_shared.errors import Refused
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from pathlib import Path

_logger = logging.getLogger(__name__)

_PATIENCE = 30.0  # seconds for a server to end after SIGTERM, and again after SIGKILL
_POLL = 0.02  # seconds


def try_lock(path: Path) -> int | None:
    """Lock a file, creating it if needed, while the descriptor or a copy of it is open.

    Returns:
        The descriptor, or ``None`` if another process holds the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def await_services(lock: Path, pid_file: Path) -> int:
    """Take the services' lock, after waiting for services of an earlier run to end.

    Returns:
        The locked descriptor, to be inherited by the next services.

    Raises:
        Refused: they do not end; the error names their process ids.
    """
    deadline = time.monotonic() + _PATIENCE
    is_logged = False
    while (descriptor := try_lock(lock)) is None:
        living = _living(pid_file)
        if time.monotonic() > deadline:
            raise Refused(
                f"Services of an earlier run still use {lock.parent.parent} and do not end: "
                f"end the processes {', '.join(map(str, living)) or '(unknown)'}, then start again."
            )
        if not is_logged:
            sentence = "Services of an earlier run are still ending; waiting for them."
            event(_logger, logging.WARNING, "left-over-services", sentence, pids=living)
            is_logged = True
        time.sleep(_POLL)
    pid_file.unlink(missing_ok=True)
    return descriptor


def note_process(pid_file: Path, pid: int) -> None:
    """Add a process id to the list of this run."""
    with pid_file.open("a") as file:
        file.write(f"{pid}\n")


def _living(pid_file: Path) -> list[int]:
    try:
        return [pid for pid in map(int, pid_file.read_text().split()) if _is_living(pid)]
    except (FileNotFoundError, ValueError):
        return []


def _is_living(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def settle_left_over(lock: Path, pid_file: Path) -> int:
    """Take the server's lock, after stopping a server that still holds it.

    The process id in ``pid_file`` is valid only while the lock is held: the file is removed, under
    the lock, before each start of a server.

    Returns:
        The locked descriptor, to be inherited by the next server.

    Raises:
        Refused: the orphaned server does not stop.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        descriptor = _wait_for_lock(lock, pid_file, number)
        if descriptor is not None:
            pid_file.unlink(missing_ok=True)
            return descriptor
    raise Refused(
        f"A Redis server of an earlier run still uses {lock.parent} and does not stop: stop it, "
        f"its process id is in {pid_file.name} there."
    )


def _wait_for_lock(lock: Path, pid_file: Path, number: signal.Signals) -> int | None:
    deadline = time.monotonic() + _PATIENCE
    signalled = False
    while (descriptor := try_lock(lock)) is None and time.monotonic() < deadline:
        signalled = signalled or _signal(pid_file, number)
        time.sleep(_POLL)
    return descriptor


def _signal(pid_file: Path, number: signal.Signals) -> bool:
    """Send the signal; return ``False`` while the process id is unknown."""
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return False
    sentence = "A Redis server of an earlier run still uses the data directory; stopping it."
    event(_logger, logging.WARNING, "left-over-redis", sentence, pid=pid, signal=number.name)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    return True
