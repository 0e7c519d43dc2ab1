"""Follow a source and show its figures again and again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final, TextIO

from mailtally_collector.statistics.buffers import Buffers
from mailtally_collector.statistics.counting import Counting
from mailtally_collector.statistics.json_view import document
from mailtally_collector.statistics.look import look_of
from mailtally_collector.statistics.of_stats import of_stats
from mailtally_collector.statistics.reading_whole import add_unfinished
from mailtally_collector.statistics.table_view import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mailtally_collector.statistics.figures import Figures
    from mailtally_collector.statistics.following import Source
    from mailtally_collector.statistics.part import Wanted
    from mailtally_collector.statistics.piece import Piece
    from mailtally_collector.statistics.summary import Summary

#: Seconds between two pictures, and between two looks at files that do not grow.
PERIOD: Final = 0.5
_CLEAR, _HOME, _TO_LINE_END, _TO_END = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"


def follow(
    source: Source,
    figures: Figures,
    wanted: Wanted,
    *,
    show: Callable[[], None],
    wait: Callable[[float], object],
    clock: Callable[[], float],
) -> None:
    """Count what comes until the source ends; ``show`` is called when there is something new.

    Raises:
        Refused: a log is of another format.
    """
    buffers = Buffers()
    shown_at, shown = float("-inf"), -1
    with Counting(figures, wanted, buffers) as counting:

        def show_if_due() -> None:
            nonlocal shown_at, shown
            if clock() - shown_at >= PERIOD:
                counting.finish()
                if figures.lines != shown:
                    show()
                    shown = figures.lines
                shown_at = clock()

        def watched() -> Iterator[Piece]:
            for piece in of_stats(source.pieces(buffers)):
                yield piece
                show_if_due()

        while not source.has_ended:
            counting.count(watched())
            show_if_due()
            wait(PERIOD)
        counting.finish()
    add_unfinished(figures, source.unfinished())
    if figures.lines != shown:
        show()


class Screen:
    """Shows a summary in the place of the one before; where there is no terminal, below it."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], *, as_json: bool) -> None:
        self._stream = stream
        self._environment = environment
        self._as_json = as_json
        self._is_terminal = stream.isatty() and not as_json
        self._is_first = True

    def show(self, summary: Summary) -> None:
        """Show this one."""
        if self._as_json:
            self._stream.write(json.dumps(document(summary)) + "\n")
        elif self._is_terminal:
            self._draw(summary)
        else:
            self._print(summary)
        self._stream.flush()
        self._is_first = False

    def end(self, summary: Summary) -> None:
        """Leave the last one whole on the terminal."""
        if self._is_terminal:
            self._stream.write(_CLEAR + _HOME)
            self._print(summary)
            self._stream.flush()

    def _draw(self, summary: Summary) -> None:
        look = look_of(self._stream, self._environment)
        height = os.get_terminal_size(self._stream.fileno()).lines
        lines = list(table(summary, look))
        if len(lines) >= height:
            rest = look.dim(f"{look.ellipsis} {len(lines) - height + 2} lines more")
            lines = [*lines[: height - 2], rest]
        drawn = "".join(f"{line}{_TO_LINE_END}\n" for line in lines)
        clear = _CLEAR if self._is_first else ""
        self._stream.write(f"{clear}{_HOME}{drawn}{_TO_END}")

    def _print(self, summary: Summary) -> None:
        look = look_of(self._stream, self._environment)
        between = "" if self._is_first or self._is_terminal else "\n"
        self._stream.write(between + "".join(f"{line}\n" for line in table(summary, look)))
