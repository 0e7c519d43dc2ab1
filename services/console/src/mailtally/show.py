"""What the console shows while it works: a live line on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mailtally_shared.shown import printable_lines

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console
    from rich.status import Status

    from mailtally.site import Progress

#: Seconds between two lines of progress where there is no terminal.
_PLAIN_PERIOD = 5.0


class Progressing:
    """Shows how a site comes on. Use it as a context manager."""

    def __init__(self, console: Console, expected_lines: int | None = None) -> None:
        self._console = console
        self._expected = expected_lines
        self._status: Status | None = None
        self._said_at = time.monotonic()
        self._last = ""

    def tell(self, progress: Progress) -> None:
        """Show this."""
        text = self._text(progress)
        if self._status is not None:
            self._status.update(text)
        elif text != self._last and time.monotonic() - self._said_at >= _PLAIN_PERIOD:
            self._print(text)
            self._said_at, self._last = time.monotonic(), text

    def step(self, sentence: str) -> None:
        """Say what begins now."""
        self._print(sentence)

    def _print(self, text: str) -> None:
        with suppress(OSError):  # the terminal was closed; the work still ends in order
            self._console.print(printable_lines(text), highlight=False, markup=False)

    def _text(self, progress: Progress) -> str:
        of_all = f" of {self._expected:,}" if self._expected else ""
        parts = [f"{progress.lines:,}{of_all} lines counted"]
        if progress.malformed:
            parts.append(f"{progress.malformed:,} malformed set aside")
        parts.append(f"{progress.days_written} of {progress.days} days written")
        if progress.files_waiting:
            parts.append(f"{progress.files_waiting} waiting for the loader")
        return ", ".join(parts)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
