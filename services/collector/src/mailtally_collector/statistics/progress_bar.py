"""How far reading has come: one line that is drawn over, on a terminal and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

from mailtally_collector.statistics.drawing import bar
from mailtally_collector.statistics.look import look_of
from mailtally_collector.statistics.wording import human_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Seconds: what takes less needs no bar, and nobody reads faster.
_PATIENCE: Final = 0.5
_PERIOD: Final = 0.1
_BAR: Final = 30


class ProgressBar:
    """Use it as a callback.

    Args:
        stream: where it is drawn, if that is a terminal.
        environment: of the process.
        total: bytes there are to read; ``None`` where nobody knows.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        stream: TextIO,
        environment: Mapping[str, str],
        total: int | None,
        clock: Callable[[], float],
    ) -> None:
        self._stream = stream
        self._look = look_of(stream, environment)
        self._total = total
        self._clock = clock
        self._began = clock()
        self._next = self._began + _PATIENCE
        self._drawn = False

    def tell(self, done: int) -> None:
        """So many bytes are read."""
        now = self._clock()
        if self._look.short and now >= self._next:
            self._next = now + _PERIOD
            self._drawn = True
            line = self._line(done, now - self._began)
            self._stream.write(f"\r{line[: self._look.width - 1]}\x1b[K")
            self._stream.flush()

    def clear(self) -> None:
        """Leave no trace."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _line(self, done: int, seconds: float) -> str:
        rate = f"{human_size(round(done / seconds))}/s"
        if self._total is None:
            return f"{human_size(done)} read, {rate}"
        done = min(done, self._total)
        drawn = bar(done, self._total, _BAR, unicode=self._look.unicode).ljust(_BAR)
        left = seconds * (self._total - done) / done if done else 0
        whole = f"{done / self._total:4.0%}" if self._total else "100%"
        return f"{whole} {drawn} {human_size(done)}, {rate}, {left:,.0f} s left"
