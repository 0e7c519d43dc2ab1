"""The display of progress: a live line on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mailtally_shared.shown import printable_lines

if TYPE_CHECKING:
    from typing import Self

    from rich.console import Console
    from rich.status import Status

    from mailtally.local.progress import Progress

#: Seconds between two lines of progress without a terminal.
_PLAIN_PERIOD = 5.0


class Progressing:
    """The display of a site's progress. Use it as a context manager."""

    def __init__(self, console: Console, expected_lines: int | None = None) -> None:
        self._console = console
        self._expected = expected_lines
        self._status: Status | None = None
        self._said_at = time.monotonic()
        self._last = ""

    def tell(self, progress: Progress) -> None:
        """Show the present progress."""
        text = self._text(progress)
        if self._status is not None:
            self._status.update(text)
        elif text != self._last and time.monotonic() - self._said_at >= _PLAIN_PERIOD:
            self._print(text)
            self._said_at, self._last = time.monotonic(), text

    def step(self, sentence: str) -> None:
        """Print the step that begins now."""
        self._print(sentence)

    def _print(self, text: str) -> None:
        with suppress(OSError):  # the terminal was closed; the work still ends cleanly
            self._console.print(printable_lines(text), highlight=False, markup=False)

    def _text(self, progress: Progress) -> str:
        of_all = f" of {self._expected:,}" if self._expected else ""
        parts = [f"{progress.lines:,}{of_all} lines counted"]
        others = {
            "malformed": progress.malformed,
            "quarantined": progress.quarantined,
            f"of {progress.days} days written": progress.days_written,
            "stopped": progress.days_stopped,
            "waiting for the loader": progress.files_waiting,
        }
        parts += [f"{number:,} {what}" for what, number in others.items() if number]
        return ", ".join(parts)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._status is not None:
            self._status.stop()
