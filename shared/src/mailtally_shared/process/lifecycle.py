"""When a process is asked to stop."""

from __future__ import annotations

import os
import select
import signal
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Self

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: The terminal is closed: kernel and shell may both say so, and it is no impatience.
_HANGUP = signal.SIGHUP
_SECOND_SIGNAL_EXIT = 1


class Stop:
    """A request to stop, made once and seen by every thread.

    It is a pipe that becomes readable and stays so. Unlike ``threading.Event``
    it has no lock, so that a signal handler can set it whatever the main
    thread is doing; and ``fileno`` can be polled together with other
    descriptors.

    Use it as a context manager; leaving it puts the former signal handlers back.
    """

    def __init__(self) -> None:
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._writable, False)
        # Closed when nobody holds this object any more. Sooner, a ``request`` in another thread
        # could write into whatever file was given the number meanwhile.
        weakref.finalize(self, _close, self._readable, self._writable)
        self._requested = False
        self._former: dict[signal.Signals, Callable[[int, FrameType | None], object] | int] = {}

    @property
    def requested(self) -> bool:
        """Whether the process should stop."""
        return self._requested

    def fileno(self) -> int:
        """A descriptor that is readable from the request on; never read from it."""
        return self._readable

    def request(self) -> None:
        """Ask to stop. Safe in a signal handler and in any thread, any number of times."""
        if self._requested:
            return
        self._requested = True
        os.write(self._writable, b".")

    def wait(self, seconds: float) -> bool:
        """Sleep for ``seconds``, or until the request; returns ``requested``."""
        if not self._requested:
            poll = select.poll()
            poll.register(self._readable, select.POLLIN)
            poll.poll(max(0, round(seconds * 1000)))
        return self._requested

    def install(self) -> Self:
        """Take SIGTERM and SIGINT as the request; a second one exits at once with code 1.

        SIGHUP, of a terminal that is closed, is a request as well, unless it is ignored (nohup).

        Call it in the main thread. In any other thread it does nothing: the
        signals belong to whoever owns the main thread.
        """
        if threading.current_thread() is threading.main_thread():
            hangs_up = signal.getsignal(_HANGUP) is not signal.SIG_IGN
            for number in (*_SIGNALS, *([_HANGUP] if hangs_up else [])):
                former = signal.signal(number, self._on_signal)
                # None: a handler that was not set from Python, which Python cannot put back.
                self._former.setdefault(number, signal.SIG_DFL if former is None else former)
        return self

    def close(self) -> None:
        """Put the former signal handlers back."""
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

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
