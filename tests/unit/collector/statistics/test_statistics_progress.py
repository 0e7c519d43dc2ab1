"""The progress bar is for long reads on a terminal, and leaves no trace."""

from __future__ import annotations

import io

from mailtally_collector.statistics.terminal import ProgressBar


class Terminal(io.StringIO):
    def __init__(self, *, is_terminal: bool = True) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def drawn(terminal: Terminal, total: int | None, *steps: tuple[float, int]) -> str:
    """What is written while so many bytes are read after so many seconds."""
    clock = Clock()
    bar = ProgressBar(terminal, {"COLUMNS": "100"}, total, clock)
    for seconds, done in steps:
        clock.now = 100.0 + seconds
        bar.tell(done)
    bar.clear()
    return terminal.getvalue()


def test_a_short_read_shows_nothing() -> None:
    assert drawn(Terminal(), 100, (0.1, 50), (0.4, 100)) == ""


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    assert drawn(Terminal(is_terminal=False), 100, (5.0, 50)) == ""


def test_a_long_read_shows_how_far_it_is_and_how_long_it_takes() -> None:
    text = drawn(Terminal(), 4 * 2**20, (1.0, 2**20), (2.0, 2 * 2**20))
    assert " 25% " in text
    assert " 50% " in text
    assert "2.0 MiB, 1.0 MiB/s, 2 s left" in text
    assert text.endswith("\r\x1b[K")


def test_it_is_not_drawn_more_often_than_one_can_see() -> None:
    steps = [(1.0 + k / 1000, k) for k in range(1000)]
    assert drawn(Terminal(), 1000, *steps).count("left") <= 11


def test_where_nobody_knows_the_end_it_says_how_much_was_read() -> None:
    assert "3.0 MiB read, 1.0 MiB/s" in drawn(Terminal(), None, (3.0, 3 * 2**20))


def test_a_log_that_grew_while_it_was_read_is_not_over_full() -> None:
    assert "100%" in drawn(Terminal(), 100, (1.0, 170))
    assert "100%" in drawn(Terminal(), 0, (1.0, 0))
