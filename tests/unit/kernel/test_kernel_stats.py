"""The kernel and the plain reference parser agree, with each instruction set, at every edge."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_kernel import best_level, read_stats
from mailtally_kernel.names import Names
from tests.fuzz.log_bytes import TARGETS
from tests.fuzz.mutate import Mutator
from tests.support import reference_parser as reference
from tests.support import traffic_lines
from tests.support.kernel_records import (
    assert_agrees,
    between_forbidden_pages,
    read,
    records_of,
    rejects_of,
)

#: About a small window, a large one, and the longest line.
LENGTHS = (8191, 8192, 8193, 16_384, 65_535, 65_536, 65_537, 65_600, 200_000)
each_level = pytest.mark.parametrize("level", range(best_level() + 1))
#: Inputs of the seeded generator; ten million take some minutes on a core.
INPUTS = int(os.environ.get("MAILTALLY_KERNEL_INPUTS", "20000"))
LINE = b"Jun 20 18:20:14 mail.example.com in[1]: 5|a@example.net|b@example.com|69|success\n"


@each_level
@settings(deadline=None)
@given(chunk=traffic_lines.chunks)
def test_lines_made_by_the_grammar_and_damaged(level: int, chunk: bytes) -> None:
    assert_agrees(chunk, level)


@each_level
@settings(deadline=None)
@given(noise=st.binary(max_size=300))
def test_any_bytes(level: int, noise: bytes) -> None:
    assert_agrees(LINE + noise + b"\n", level)


@each_level
def test_seeded_damage_of_usual_lines(level: int) -> None:
    (target,) = TARGETS
    mutator = Mutator(random.Random(level), target.seeds(), target.tokens)
    for _ in range(INPUTS // 500):
        assert_agrees(b"".join(mutator.make() + b"\n" for _ in range(500)), level)


@each_level
@pytest.mark.parametrize("length", LENGTHS)
def test_lines_about_as_long_as_a_window(level: int, length: int) -> None:
    head, tail = LINE[: LINE.index(b"b@")], LINE[LINE.index(b"b@") :]
    long = head + b"x" * (length - len(LINE) + 1) + tail
    assert_agrees(LINE + long + LINE + b"y" * length + b"\n" + long[:-1] + b"\r\n" + LINE, level)


@each_level
@pytest.mark.parametrize("count", [1, 63, 64, 8192, 8193, 70_000])
def test_holes_before_lines_wherever_a_window_ends(level: int, count: int) -> None:
    hole = b"\0" * count
    assert_agrees(hole + LINE + LINE + hole + LINE + hole + b"\n" + LINE[:20] + hole + LINE, level)


@each_level
def test_a_chunk_of_many_windows(level: int) -> None:
    rng = random.Random(1)
    domains = [b"%d.example.org" % rng.randrange(300) for _ in range(4000)]
    lines = [LINE.replace(b"example.com|", domain + b"|") for domain in domains]
    lines[1000:1000] = [b"\n"] * 3000
    assert_agrees(b"".join(lines), level)


@each_level
@pytest.mark.parametrize("at_the_end", [True, False])
def test_no_byte_beside_the_chunk_is_read(level: int, *, at_the_end: bool) -> None:
    rng = random.Random(2)
    (target,) = TARGETS
    mutator = Mutator(rng, target.seeds(), target.tokens)
    for _ in range(60):
        short = b"".join(mutator.make() + b"\n" for _ in range(rng.randrange(1, 4)))
        check_beside(short, level, at_the_end=at_the_end)
    for line in (b"\n", b"\r\n", b"\0\n", b"|\n", b"@\n", LINE, LINE * 700):
        check_beside(line, level, at_the_end=at_the_end)


def check_beside(chunk: bytes, level: int, *, at_the_end: bool) -> None:
    records, rejects = reference.parse(chunk)
    with between_forbidden_pages(chunk, at_the_end=at_the_end) as data:
        lines = read(data, level)
        del data
    assert records_of(lines) == records
    assert rejects_of(lines.rejects) == rejects


def test_a_spelling_is_settled_once() -> None:
    asked: list[bytes] = []

    def normalised(name: bytes) -> str | None:
        asked.append(name)
        return None if name.startswith(b"\xff") else "a.example"

    names = [b"\xc3\xbc.example", b"\xffbad", b"\xc3\xbc.example", b"\xffbad", b"A.example."]
    chunk = b"".join(LINE.replace(b"example.com|", name + b"|") for name in names * 3)
    lines = read_stats(np.frombuffer(chunk, np.uint8), normalised)
    assert asked == [b"\xc3\xbc.example", b"\xffbad"]
    assert lines.domains == ("a.example",)
    assert len(lines.columns["time"]) == 9


def test_in_a_flood_of_spellings_each_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[bytes] = []
    spelled = Names.spelled

    def noted(names: Names, offset: int = 0) -> list[bytes]:
        found = spelled(names, offset)
        looked_at.extend(found)
        return found

    monkeypatch.setattr(Names, "spelled", noted)
    flood = [b"\xff%d.example.com" % k for k in range(3000)]
    chunk = b"".join(LINE.replace(b"example.com|", name + b"|") for name in flood)
    lines = read_stats(np.frombuffer(chunk, np.uint8), lambda _: None)
    assert looked_at == flood
    assert lines.lines == len(lines.rejects["start"]) == len(flood)


def test_more_spellings_than_there_is_room_for_at_first() -> None:
    chunk = b"".join(LINE.replace(b"b@", b"b@\xc3\xbc%d." % k) for k in range(500))
    assert_agrees(chunk)


def test_one_dot_is_dropped_from_a_name_whatever_was_charged_before() -> None:
    names = [b"a.example..", b"a.example.", b"a.example", b"A.example..", b"A.example."]
    assert_agrees(b"".join(LINE.replace(b"example.com|", name + b"|") for name in names * 2))


def test_long_names_are_told_apart_behind_their_first_32_bytes() -> None:
    names = [b"n" * 32 + b"%d.example" % k for k in range(40)] + [b"n" * 32, b"n" * 31]
    assert_agrees(b"".join(LINE.replace(b"example.com|", name + b"|") for name in names * 2))


def test_a_chunk_without_a_line_feed_at_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="line feed"):
        read(LINE[:-1])


def test_an_instruction_set_that_the_processor_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no instruction set"):
        read(LINE, best_level() + 1)
