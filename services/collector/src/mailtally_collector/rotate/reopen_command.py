"""Run the operator's shell command that makes the writer of a log reopen it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_shared.runtime.backoff import Waiter

#: Seconds between two checks whether the command has ended.
_PATIENCE = 0.05
#: Bytes at the end of its output that an error repeats.
_LAST_WORDS = 200


def run_command(
    command: str, variables: Mapping[str, str], *, longest: float, stop: Waiter
) -> str | None:
    """Run a command to its end, for at most ``longest`` seconds, or until a stop request.

    Args:
        command: for ``sh -c``.
        variables: environment variables in addition to those of this process.
        longest: seconds after which it is killed, with all processes that it started.
        stop: the stop request.

    Returns:
        ``None`` if it succeeded, otherwise the reason why not.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - the operator's own command
            ["/bin/sh", "-c", command],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        ended = _wait(process, time.monotonic() + longest, stop)
        if not ended:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"it did not end within {longest:g} seconds"
        if process.returncode == 0:
            return None
        return f"it ended with {process.returncode}{_last_words(said)}"


def _wait(process: subprocess.Popen[bytes], until: float, stop: Waiter) -> bool:
    """Return whether the process ended in time."""
    while process.poll() is None:
        if time.monotonic() >= until or stop.wait(_PATIENCE):
            return process.poll() is not None
    return True


def _last_words(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _LAST_WORDS))
    words = " ".join(said.read().decode("utf-8", "replace").split())
    return f": {words}" if words else ""
