"""A state that was damaged on the disk is refused, or counts nothing under a wrong name."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.maillog.sentences import QMAIL
from mailtally_kernel import Clock, Following, Limits, Program, left_by, restored
from mailtally_kernel.queue_state import MAGIC

HOST = b"mail.example.com"
AGE = 2**60
PROGRAM = Program(QMAIL)
STAMP = b"@4000000038c3eeb027f6b0a4 "
NUMBERS = (-(2**63), -1, 0, 1, 2, 255, 2**31, 2**32, 2**59, 2**63 - 1)


def chunk_of(*texts: bytes) -> np.ndarray:
    return np.frombuffer(b"".join(STAMP + text + b"\n" for text in texts), np.uint8)


FIRST = chunk_of(
    b"info msg 1: bytes 9 from <a@b\xc3\xa4r.example> qp 1 uid 2",
    b"starting delivery 1: msg 1 to local c@d\xc3\xa4r.example",
    b"starting delivery 2: msg 1 to remote e@f.example",
    b"info msg 2: bytes 5 from <> qp 1 uid 2",
    b"starting delivery 3: msg 2 to remote g@h.example",
)
SECOND = chunk_of(*(b"delivery %d: success: ok/" % number for number in (1, 2, 3)))


def state_of(chunk: np.ndarray = FIRST) -> bytes:
    queue = restored(b"", HOST, chunk, AGE)
    queue.read(chunk, PROGRAM, normalised)
    return left_by(queue, chunk, Limits(AGE, 100)).state


STATE = state_of()


def numbers_of(state: bytes) -> range:
    """Return the places of the numbers in a state without hosts."""
    hosts, messages, recipients, deliveries = struct.unpack_from("<4q", state, len(MAGIC))
    count = 4 + hosts + 5 * messages + 4 * recipients + 3 * deliveries
    return range(len(MAGIC), len(MAGIC) + 8 * count, 8)


def changed(place: int, number: int) -> bytes:
    state = bytearray(STATE)
    struct.pack_into("<q", state, place, number)
    return bytes(state)


def use(state: bytes) -> None:
    """Restore a state, read on with it and save what is left, or refuse it as damaged."""
    try:
        queue = restored(state, HOST, SECOND, AGE)
    except ValueError:
        return
    lines = queue.read(SECOND, PROGRAM, normalised)
    assert (lines.columns["size"] >= 0).all()
    assert (lines.columns["time"] >= 0).all()
    left = left_by(queue, SECOND, Limits(AGE, 100)).state
    restored(left, HOST, SECOND, AGE)


def test_any_number_in_a_state_is_refused_or_does_no_harm() -> None:
    for place in numbers_of(STATE):
        for number in NUMBERS:
            use(changed(place, number))


def test_any_bytes_in_a_state_are_refused_or_do_no_harm() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        state = bytearray(STATE)
        for _ in range(rng.randint(1, 8)):
            state[rng.randrange(len(state))] = rng.choice((0, 1, 10, 255, rng.randrange(256)))
        use(bytes(state[: rng.choice((len(state), rng.randrange(len(state))))]))


@pytest.mark.parametrize("column", [1, 2, 3], ids=["number", "size", "seen"])
def test_a_negative_number_of_a_message_is_refused(column: int) -> None:
    messages = len(MAGIC) + 4 * 8
    with pytest.raises(ValueError, match="damaged"):
        restored(changed(messages + 8 * column, -1), HOST, SECOND, AGE)


@pytest.mark.parametrize("name", [b"b\xc3\xa4r.example", b"c@d\xc3\xa4r.example", b"g@h.example"])
def test_a_name_of_two_lines_is_refused_as_it_would_shift_the_names_behind_it(name: bytes) -> None:
    assert STATE.count(name) == 1
    with pytest.raises(ValueError, match="damaged"):
        restored(STATE.replace(name, name[:-2] + b"\n" + name[-1:]), HOST, SECOND, AGE)


def test_messages_are_restored_in_a_log_with_last_lines_too() -> None:
    following = Following(Clock(), 3, {HOST: b"a last line", b"other.example.com": b""})
    queue = restored(STATE, HOST, SECOND, AGE, following)
    lines = queue.read(SECOND, PROGRAM, normalised)
    plain = restored(STATE, HOST, SECOND, AGE).read(SECOND, PROGRAM, normalised)
    assert lines.domains == plain.domains
    assert lines.columns["size"].tolist() == plain.columns["size"].tolist() == [9, 9, 5]
    assert queue.state_after(SECOND).last_lines == {b"": b"a last line", b"other.example.com": b""}
