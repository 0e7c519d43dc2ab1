"""The request to stop a process, from a signal or from its parent."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Self


_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: The terminal was closed. Kernel and shell may both send it: a second one does not force an exit.
_HANGUP = signal.SIGHUP
_SECOND_SIGNAL_EXIT = 1


class Stop:
    """A request to stop, made once and seen by every thread.

    It is a pipe that becomes readable and stays so. Unlike ``threading.Event``
    it has no lock, so a signal handler can set it whatever the main thread is
    doing; and ``fileno`` can be polled together with other descriptors.

    Use it as a context manager: on exit it restores the former signal handlers.
    """

    def __init__(self) -> None:
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._writable, False)
        # Closed when the last reference is gone. Closed earlier, a ``request`` in another thread
        # could write into whatever file received the number in the meantime.
        weakref.finalize(self, _close, self._readable, self._writable)
        self._requested = False
        self._former: dict[signal.Signals, Callable[[int, FrameType | None], object] | int] = {}

    @property
    def requested(self) -> bool:
        """Whether the process should stop."""
        return self._requested

    def fileno(self) -> int:
        """Return a descriptor that is readable once a stop is requested; never read from it."""
        return self._readable

    def request(self) -> None:
        """Request a stop. Safe in a signal handler and in any thread, any number of times."""
        if self._requested:
            return
        self._requested = True
        os.write(self._writable, b".")

    def wait(self, seconds: float) -> bool:
        """Sleep for ``seconds``, or until a stop is requested; return ``requested``."""
        if not self._requested:
            poll = select.poll()
            poll.register(self._readable, select.POLLIN)
            poll.poll(max(0, round(seconds * 1000)))
        return self._requested

    def install(self) -> Self:
        """Handle SIGTERM and SIGINT as the request; a second one exits at once with code 1.

        SIGHUP, sent when a terminal closes, is a request too, unless it is ignored (nohup).

        Call it in the main thread. In any other thread it does nothing: Python delivers
        signals to the main thread only.
        """
        if threading.current_thread() is threading.main_thread():
            hangs_up = signal.getsignal(_HANGUP) is not signal.SIG_IGN
            for number in (*_SIGNALS, *([_HANGUP] if hangs_up else [])):
                former = signal.signal(number, self._on_signal)
                # None: the handler was not set from Python, and Python cannot restore it.
                self._former.setdefault(number, signal.SIG_DFL if former is None else former)
        return self

    def close(self) -> None:
        """Restore the former signal handlers."""
        for number, former in self._former.items():
            signal.signal(number, former)
        self._former.clear()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._requested and number != _HANGUP:
            os.write(2, b"Stopped at once, on the second signal.\n")
            os._exit(_SECOND_SIGNAL_EXIT)
        self.request()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


#: Set by the parent process. Not a setting: a terminal or /dev/null on stdin is no such pipe.
VARIABLE = "_MAILTALLY_PARENT_AT_STDIN"
#: Seconds to complete the work in progress; then the process ends as if it were killed.
_GRACE = 10.0
_FAILED = 1


def stop_with_parent(stop: Stop) -> None:
    """Request ``stop`` when the parent process ends; do nothing without such a parent."""
    if os.environ.get(VARIABLE):
        threading.Thread(target=_watch, args=(stop,), name="parent", daemon=True).start()


def _watch(stop: Stop) -> None:
    while os.read(0, 1):
        pass
    stop.request()
    time.sleep(_GRACE)
    os._exit(_FAILED)
