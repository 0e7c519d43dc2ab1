"""Whatever a program says of a line: fields are ranges of that line, and names are names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mailtally_collector.formats import Reason
from mailtally_collector.formats.engine.domain import normalised
from mailtally_kernel import (
    ANY,
    Bytes,
    Event,
    Field,
    Gives,
    Kept,
    Number,
    OneOf,
    Pattern,
    Program,
    Rest,
    Set,
    Text,
    UpTo,
)
from mailtally_kernel.queue import Queue, Room

if TYPE_CHECKING:
    from mailtally_kernel.stats import Lines

AGE = 2**40
NO_SPACE = ANY.replace(b" ", b"")
SPACE = Text(b" ")
RECIPIENT: Pattern = (SPACE, Kept(Field.RECIPIENT, UpTo(b";", of=NO_SPACE)), Text(b";"))
STATUS: Pattern = (SPACE, Kept(Field.STATUS, Rest()))


def program(recipient: Pattern = RECIPIENT, status: Pattern = STATUS) -> Program:
    """Return the program of a log whose lines are ``HOST EVENT NUMBER …``."""
    learn = (Text(b" L"), Number(Field.MESSAGE, 9), Gives(Event.LEARN))
    sized = (Text(b"="), Number(Field.SIZE, 99), Gives(Event.LEARN))
    start = (Text(b" S"), Number(Field.DELIVERY, 9), *recipient, Gives(Event.START))
    finish = (Text(b" F"), Number(Field.DELIVERY, 9), *status, Gives(Event.FINISH))
    known = (Text(b" L"), Number(Field.MESSAGE, 9), *sized)
    host = Kept(Field.HOST, Bytes(NO_SPACE, 0))
    return Program((host, OneOf(known, learn, start, finish)))


def lines_of(text: bytes, which: Program | None = None) -> Lines:
    chunk = np.frombuffer(text, np.uint8)
    queue = Queue(b"own", np.zeros(0, np.uint8), AGE, Room(4, 4, 4))
    return queue.read(chunk, which or program(), normalised)


def reasons_of(lines: Lines) -> list[Reason]:
    return [Reason(reason) for reason in lines.rejects["reason"].tolist()]


def delivered(host: bytes = b"h", status: bytes = b"sent") -> bytes:
    texts = (b" L0", b" S0 a@b.example;", b" F0 " + status)
    return b"".join(host + text + b"\n" for text in texts)


@pytest.mark.parametrize("host", [b"h", b"h" * 255, b"A.b:c_d-1"])
def test_a_host_of_any_program_is_a_name_of_at_most_255_bytes(host: bytes) -> None:
    lines = lines_of(delivered(host))
    assert lines.hosts == (host.decode().lower(),)
    assert len(lines.columns["time"]) == 1


@pytest.mark.parametrize("host", [b"h" * 256, b"h" * 60_000, b"h\xe4", b"h\x01", b"[h]"])
def test_what_is_no_host_is_malformed_in_any_program(host: bytes) -> None:
    lines = lines_of(delivered(host) + delivered())
    assert reasons_of(lines) == [Reason.BAD_HOST] * 3
    assert lines.hosts == ("h",)


@pytest.mark.parametrize("status", [b"s", b"s" * 32, b"4.2.2/full"])
def test_a_status_of_any_program_is_printable_and_short(status: bytes) -> None:
    assert lines_of(delivered(status=status)).statuses == (status.decode(),)


@pytest.mark.parametrize("status", [b"", b"s" * 33, b"s" * 60_000, b"\xe4", b"a b", b"\x7f"])
def test_what_is_no_status_is_malformed_in_any_program(status: bytes) -> None:
    lines = lines_of(delivered(status=status))
    assert reasons_of(lines) == [Reason.BAD_STATUS]
    assert lines.statuses == ()


def test_a_field_that_a_line_does_not_set_is_not_that_of_the_line_before() -> None:
    texts = (b" L1=7", b" L0", b" S0 a@b.example;", b" F0 sent")
    lines = lines_of(b"".join(b"h" + text + b"\n" for text in texts))
    assert lines.columns["size"].tolist() == [0]
    assert reasons_of(lines_of(b"h" + texts[1] + b"\nh" + texts[3] + b"\n")) == [
        Reason.UNKNOWN_DELIVERY
    ]


def test_a_program_that_sets_no_recipient_or_no_status_makes_malformed_lines() -> None:
    no_recipient = program(recipient=())
    assert reasons_of(lines_of(b"h L0\nh S0\nh F0 sent\n", no_recipient)) == [Reason.BAD_DOMAIN]
    assert reasons_of(lines_of(delivered(), program(status=()))) == [Reason.BAD_STATUS]


def test_a_range_that_would_end_before_it_begins_fails() -> None:
    inner = (Text(b"abcdefgh"), Kept(Field.RECIPIENT, Text(b"x")), Text(b"y"))
    within_itself = (SPACE, Kept(Field.RECIPIENT, OneOf(inner, (Text(b"a"),))))
    outcome, _, ranges = program(recipient=within_itself).match(b"h S0 abcdefghxz")
    assert outcome == Event.PASS
    assert ranges[Field.RECIPIENT] == b"x"


@pytest.mark.parametrize("number", [-1, 2**59])
def test_a_number_that_sums_cannot_hold_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="larger than the matcher can compare"):
        program(recipient=(Set(Field.TIME, number), *RECIPIENT))
