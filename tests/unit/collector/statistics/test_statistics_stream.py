"""A log is cut into whole lines, whatever its lines are like and however it comes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.statistics.source import Buffers, Stream
from tests.support.statistics_counted import stream_of

if TYPE_CHECKING:
    from io import BufferedReader

SIZE = 70_000
#: Short lines, and some that are about as long as a line or a buffer may be.
lines = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([65_535, 65_536, 65_537, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE]).map(
            lambda length: b"x" * length
        ),
    ).map(lambda line: line.replace(b"\n", b"")),
    max_size=8,
)


class Dripping(io.RawIOBase):
    """Gives a few bytes at a time, as a pipe may."""

    def __init__(self, content: bytes, most: int) -> None:
        self._content = io.BytesIO(content)
        self._most = most

    def readable(self) -> bool:
        return True

    def readinto(self, view: Any) -> int:  # noqa: ANN401 - any buffer
        return self._content.readinto(memoryview(view)[: self._most])


def cut(stream: Stream) -> list[tuple[int, bytes]]:
    """Offset and bytes of each line; of one that is too long, as much as was kept."""
    found = []
    buffers = Buffers(SIZE)
    for piece in stream.pieces(buffers):
        found += [(line.offset, line.kept) for line in piece.rejects]
        offset = piece.offset
        for line in bytes(piece.data).split(b"\n")[:-1]:
            found.append((offset, line[:65_536]))
            offset += len(line) + 1
        buffers.give(piece.buffer)
    last = stream.unfinished()
    return found + ([(last.offset, last.kept)] if last else [])


def true_lines(content: bytes) -> list[tuple[int, bytes]]:
    found, offset = [], 0
    for line in content.split(b"\n"):
        found.append((offset, line[:65_536]))
        offset += len(line) + 1
    return found if found[-1][1] else found[:-1]


@given(lines, st.booleans(), st.sampled_from([7, 1000, SIZE, 10**6]))
def test_every_line_comes_once_and_from_its_place(
    several: list[bytes],
    ended: bool,  # noqa: FBT001 - drawn
    most: int,
) -> None:
    # The first bytes decide what a file is compressed with.
    content = b"plain\n" + b"\n".join(several) + (b"\n" if ended and several else b"")
    raw = cast("BufferedReader", io.BufferedReader(Dripping(content, most)))
    assert cut(Stream("stats", raw)) == true_lines(content)


def test_a_line_that_is_not_finished_waits_for_its_end() -> None:
    file = io.BytesIO()
    stream = Stream("stats", cast("BufferedReader", io.BufferedReader(cast("Any", file))))
    buffers = Buffers(SIZE)

    def append(more: bytes) -> list[bytes]:
        at = file.tell()
        file.seek(0, io.SEEK_END)
        file.write(more)
        file.seek(at)
        return [bytes(piece.data) for piece in stream.pieces(buffers)]

    assert append(b"one\ntw") == [b"one\n"]
    assert append(b"") == []
    assert append(b"o\n") == [b"two\n"]
    assert stream.unfinished() is None


def test_the_last_line_without_a_line_feed_is_told_of_with_its_length() -> None:
    stream = stream_of(b"one\n" + b"y" * 200_000)
    assert cut(stream)[0] == (0, b"one")
    last = stream.unfinished()
    assert last is not None
    assert (last.reason, last.offset, last.length) == ("unterminated", 4, 200_000)


def test_a_line_longer_than_a_buffer_is_told_of_with_its_length() -> None:
    stream = stream_of(b"one\n" + b"y" * 200_000 + b"\ntwo\n")
    rejects = [line for piece in stream.pieces(Buffers(SIZE)) for line in piece.rejects]
    assert [(line.reason, line.offset, line.length) for line in rejects] == [
        ("too-long", 4, 200_000)
    ]
