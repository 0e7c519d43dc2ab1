"""The lines that were read before: for who has to learn from them again, not to be counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.positions import Position
    from mailtally_collector.tail.content import Content


def lines_behind(position: Position, content: Content, at_once: int) -> Iterator[memoryview]:
    """What was read of a file, in pieces of whole lines; each holds until the next.

    A line longer than ``at_once`` bytes is left out.
    """
    view = memoryview(bytearray(at_once))
    at = position.begin
    while at < position.offset:
        got = content.read_into(view[: min(at_once, position.offset - at)], at)
        if got == 0:
            return
        end = bytes(view[:got]).rfind(b"\n") + 1
        if end:
            yield view[:end]
        at += end or got
