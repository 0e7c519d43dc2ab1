"""Folded rows: the same sums, however a log is cut, and exact up to the limits."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_collector.formats.engine.domain import normalised
from mailtally_kernel import Dictionaries, StatsFolder
from tests.support import reference_parser as reference
from tests.support.kernel_records import STEP, Sums, sums, sums_of

LINE = b"Jun 20 18:20:14 mail.example.com in[1]: %d|a@example.net|b@%s|%d|success|%d\n"
MAX_SIZE, MAX_SUM = 2**53 - 1, 2**63 - 1


def line(time: int = 5, domain: bytes = b"a.example", size: int = 1, attempts: int = 1) -> bytes:
    return LINE % (time, domain, size, attempts)


def fold_all(chunk: bytes, folder: StatsFolder) -> tuple[list[Sums], int]:
    """Fold a chunk, taking the rows whenever they are full; return these and the lines."""
    parts, lines, at = [], 0, 0
    data = np.frombuffer(chunk, np.uint8)
    while True:
        folded = folder.fold(data, at)
        at, lines = folded.read, lines + folded.lines
        parts.append(sums_of(*folder.take()))
        if not folded.is_full:
            return parts, lines


def added(parts: list[Sums]) -> Sums:
    whole: Sums = {}
    for part in parts:
        for key, row in part.items():
            before = whole.get(key, (0, 0, 0))
            whole[key] = (before[0] + row[0], before[1] + row[1], before[2] + row[2])
    return whole


def folder(room: int = 1 << 10) -> StatsFolder:
    return StatsFolder(normalised, step_seconds=STEP, room=room)


def test_records_with_the_same_key_are_one_row() -> None:
    parts, lines = fold_all(line(size=10, attempts=3) * 5 + line(size=1, attempts=0), folder())
    (((key, row),),) = [part.items() for part in parts]
    assert (key.step, key.host, key.domain) == (0, "mail.example.com", "a.example")
    assert row == (6, 51, 151)
    assert lines == 6


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            line,
            time=st.integers(0, 3 * STEP),
            domain=st.sampled_from([b"a.example", b"B.example", b"c.example."]),
            size=st.integers(0, 99),
            attempts=st.integers(0, 3),
        ),
        max_size=60,
    ),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_a_log_cut_anywhere_has_the_same_sums(lines: list[bytes], cuts: list[int]) -> None:
    one, whole = folder(), b"".join(lines)
    places = [0, *sorted(cuts), len(lines)]
    for start, end in itertools.pairwise(places):
        assert not one.fold(np.frombuffer(b"".join(lines[start:end]), np.uint8)).is_full
    assert sums_of(*one.take()) == sums(reference.parse(whole)[0])


@pytest.mark.parametrize("room", [1, 4, 64])
def test_rows_that_are_full_get_more_room_in_the_middle_of_a_chunk(room: int) -> None:
    rng = random.Random(1)
    chunk = b"".join(
        line(time=rng.randrange(9 * STEP), domain=b"%d.example" % rng.randrange(500))
        + b"bad\n" * (k % 7 == 0)
        for k in range(3000)
    )
    one = folder(room)
    for _ in range(2):  # with as much room as the last rows needed
        parts, lines = fold_all(chunk, one)
        assert len(parts) == 1
        assert added(parts) == sums(reference.parse(chunk)[0])
        assert lines == chunk.count(b"\n")


def test_rows_of_every_byte_of_a_key_are_in_order() -> None:
    hosts = [b"mail%d.example.com" % k for k in range(300)]
    chunk = b"".join(
        LINE.replace(b"mail.example.com", hosts[k * 7 % 300])
        % (k * 77_777_777 % 2**38 // STEP * STEP, b"%d.example" % (k * 31 % 70_000), k, 1)
        for k in range(140_000)
    )
    one = folder()
    one.fold(np.frombuffer(chunk, np.uint8))
    assert len(one) > 2**16
    found = sums_of(*one.take())
    assert found == sums(reference.parse(chunk)[0])


def test_a_sum_that_would_exceed_int64_begins_a_new_row() -> None:
    chunk = line(size=MAX_SIZE, attempts=1024) * 3 + line(size=MAX_SIZE) * 2
    parts, lines = fold_all(chunk, folder())
    assert lines == 5
    assert len(parts) > 1
    assert all(row[2] <= MAX_SUM for part in parts for row in part.values())
    assert added(parts) == sums(reference.parse(chunk)[0])


def test_steps_that_the_kernel_cannot_use_are_refused() -> None:
    one = StatsFolder(normalised, step_seconds=59)
    with pytest.raises(ValueError, match="a minute"):
        one.fold(np.frombuffer(line(), np.uint8))


def test_malformed_lines_are_given_once_each_however_often_rows_are_full() -> None:
    chunk = b"".join(line(domain=b"%d.example" % k) + b"bad\n" for k in range(300))
    folded = folder(room=4).fold(np.frombuffer(chunk, np.uint8))
    starts = [reject.start for reject in reference.parse(chunk)[1]]
    assert folded.rejects["start"].tolist() == starts


def test_after_a_spelling_that_could_not_be_told_each_is_charged_to_its_own_domain() -> None:
    names = [b"\xc3\xbc%d.example" % k for k in range(130)]  # the room for them grows twice
    failing = {names[64], names[65]}

    def once_failing(name: bytes) -> str | None:
        if name in failing:
            failing.remove(name)
            raise OSError("not now")
        return normalised(name)

    one = StatsFolder(once_failing, step_seconds=STEP)
    for name in names:
        data = np.frombuffer(line(domain=name), np.uint8)
        try:
            one.fold(data)
        except OSError:
            continue  # the line is folded below, behind a later spelling
    for name in (names[64], names[65]):
        one.fold(np.frombuffer(line(domain=name), np.uint8))
    chunk = b"".join(line(domain=name) for name in names)
    assert sums_of(*one.take()) == sums(reference.parse(chunk)[0])


def test_a_dictionary_that_finds_no_memory_to_grow_keeps_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Dictionaries(normalised, domains=0).domains
    known = [b"%d.example" % k for k in range(64)]
    indices = [names.index_of(name) for name in known]

    def refusing(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(np, "empty", refusing)
        for _ in range(2):
            with pytest.raises(MemoryError):
                names.index_of(b"new.example" + b"." * 2000)
        assert names.table.slots == names._slots.ctypes.data  # noqa: SLF001 - who owns it shows nowhere else
        assert names.table.text == names._text.ctypes.data  # noqa: SLF001 - who owns it shows nowhere else
    assert (len(names), names.spelled()) == (64, known)
    assert [names.index_of(name) for name in known] == indices
    assert names.index_of(b"new.example") == 64


def test_names_that_differ_only_at_their_ends_are_kept_apart() -> None:
    names = [
        b"a-department-of-a-customer-with-a-long-name-%05d.example.com" % n for n in range(3000)
    ]
    parts, lines = fold_all(b"".join(line(domain=name, size=1) for name in names), folder())
    whole = added(parts)
    assert (lines, len(whole)) == (3000, 3000)
    assert {row[0] for row in whole.values()} == {1}
